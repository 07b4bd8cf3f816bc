"""How many users an A/B test needs: two shares compared, by the normal approximation (Fleiss et al. 2003)."""

import math
from statistics import NormalDist

import numpy as np

_normal = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])
_quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])


def normal(x):
    """Probability that a standard normal variable is at most x, Φ(x)."""
    return _normal(x)[()]


def quantile(q):
    """Return z_q, below which a standard normal variable lies with probability q; the inverse of `normal`."""
    return _quantile(q)[()]


def z_test(yes_a, yes_b, n):
    """Difference of two shares, B over A, in standard errors that hold if there is no difference.

    Parameters
    ----------
    yes_a, yes_b : int or array_like, broadcasting
        How many of the n users in each arm said yes.
    n : int or array_like

    Returns
    -------
    array
        Beyond ±1.96 in 5 % of tests without a difference; 0 where nobody or everybody said yes.
    """
    a, b, n = np.asarray(yes_a) / n, np.asarray(yes_b) / n, np.asarray(n)
    error = _error_without(a, b, n)
    return np.divide(b - a, error, out=np.zeros(error.shape), where=error > 0)[()]


def power(p_a, p_b, n, level=0.05):
    """Probability that a two-sided test at this level notices the difference between two shares.

    Without a difference it is the level itself: the probability of a false alarm.

    Parameters
    ----------
    p_a, p_b : float or array_like
        The true shares in the two arms, above 0 and below 1.
    n : float or array_like
        Users in each arm.
    level : float
    """
    p_a, p_b = _shares(p_a=p_a, p_b=p_b)
    _shares(level=level)
    far = quantile(1 - level / 2) * _error_without(p_a, p_b, n)
    error = _error(p_a, p_b, n)
    return normal((p_b - p_a - far) / error) + normal((p_a - p_b - far) / error)


def users(p_a, p_b, level=0.05, power=0.8):
    """Users that each arm needs, not rounded, for a two-sided test with this power.

    (z √(2 p̄ (1 − p̄)) + z' √(p_A (1 − p_A) + p_B (1 − p_B)))² / (p_B − p_A)² with the mean p̄ of the shares,
    z the quantile of 1 − level/2 and z' that of the power.

    Parameters
    ----------
    p_a, p_b : float or array_like
        The true shares in the two arms, different, above 0 and below 1.
    level, power : float or array_like
    """
    p_a, p_b = _shares(p_a=p_a, p_b=p_b)
    _shares(level=level, power=power)
    if (p_a == p_b).any():
        raise ValueError(f"p_a and p_b must differ: no number of users shows a difference of 0, got {p_a}")
    z = quantile(1 - np.asarray(level) / 2), quantile(power)
    return ((z[0] * _error_without(p_a, p_b, 1) + z[1] * _error(p_a, p_b, 1)) / (p_b - p_a)) ** 2


def _error_without(p_a, p_b, n):
    """Standard error of the difference if both arms have the same share, their mean."""
    mean = (p_a + p_b) / 2
    return np.sqrt(2 * mean * (1 - mean) / n)


def _error(p_a, p_b, n):
    """Standard error of the difference of two shares."""
    return np.sqrt((p_a * (1 - p_a) + p_b * (1 - p_b)) / n)


def _shares(**named):
    for name, share in named.items():
        if not ((np.asarray(share) > 0) & (np.asarray(share) < 1)).all():
            raise ValueError(f"{name} must be above 0 and below 1, got {share}")
    return [np.asarray(share) for share in named.values()]
