"""Which inputs did a prediction use? Attributions of f(x) − f(baseline) to inputs (article ch. 9, Q2).

A model is any function from inputs of shape (..., n) to numbers of shape (...); nothing here changes it.
"""

from math import comb

import numpy as np


def check_inputs(x, baseline):
    """Raise unless these are the inputs and what stands in for each of them."""
    if np.ndim(x) != 1 or np.shape(x) != np.shape(baseline):
        raise ValueError(f"x and baseline must be (n,), got {np.shape(x)} and {np.shape(baseline)}")


def coalitions(n):
    """Return all ways of switching n inputs on, bool (2ⁿ, n): in row k, input i is on if bit i of k is 1."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def shapley(f, x, baseline):
    """Exact Shapley values of every input, from all 2ⁿ ways of switching inputs off (Shapley 1953).

    ψ_i is the mean of f(C with i) − f(C), first over the coalitions C of equal size, then over the sizes.

    Parameters
    ----------
    f : callable
        Is called once, with all coalitions, (2ⁿ, n).
    x, baseline : array, shape (n,)
        The inputs, and what stands in for one that is switched off.

    Returns
    -------
    array, shape (n,)
        They sum to f(x) − f(baseline).
    """
    check_inputs(x, baseline)
    if len(x) > 20:
        raise ValueError(f"2ⁿ subsets are too many for n = {len(x)} inputs, 20 at most: use sampled_shapley")
    n, on = len(x), coalitions(len(x))
    value, size = f(np.where(on, x, baseline)), on.sum(1)
    weight = np.array([1 / (n * comb(n - 1, k)) for k in range(n)])
    psi = np.zeros(n)
    for i in range(n):
        without = np.flatnonzero(~on[:, i])
        psi[i] = weight[size[without]] @ (value[without + 2**i] - value[without])
    return psi


def sampled_shapley(f, x, baseline, orders):
    """Shapley values estimated from orders in which the inputs are switched on (Castro et al. 2009).

    Parameters
    ----------
    f, x, baseline : as for `shapley`
    orders : int array, shape (m, n)
        Permutations of 0 … n − 1, such as `rng.permuted(...)` draws.

    Returns
    -------
    psi, error : arrays, shape (n,)
        The estimate, which sums to f(x) − f(baseline) for any m, and its standard error.
    """
    check_inputs(x, baseline)
    orders = np.asarray(orders)
    if orders.ndim != 2 or len(orders) < 2 or (np.sort(orders, 1) != np.arange(len(x))).any():
        raise ValueError(f"orders must be two or more permutations of 0..{len(x) - 1}, got {orders}")
    when = orders.argsort(1)  # the place of every input in its order
    on = when[:, None, :] < np.arange(len(x) + 1)[:, None]  # (m, n + 1, n): after 0, 1, … n inputs
    gains = np.diff(f(np.where(on, x, baseline)), axis=1)
    psi = np.take_along_axis(gains, when, 1)
    return psi.mean(0), psi.std(0, ddof=1) / len(orders) ** 0.5


def occlusion(f, x, baseline):
    """Return f(x) minus f with one input at a time at its baseline (Zeiler & Fergus 2014), shape (n,)."""
    check_inputs(x, baseline)
    return f(x) - f(np.where(np.eye(len(x), dtype=bool), baseline, x))


def deletion(f, x, baseline, order):
    """Return f while the inputs go to their baseline one after the other (Samek et al. 2017), shape (n + 1,).

    Parameters
    ----------
    f, x, baseline : as for `shapley`
    order : int array, shape (n,)
        Which input goes first, second, … such as `np.argsort(-psi)`.
    """
    check_inputs(x, baseline)
    if not np.array_equal(np.sort(order), np.arange(len(x))):
        raise ValueError(f"order must be a permutation of 0..{len(x) - 1}, got {order}")
    gone = np.argsort(order) < np.arange(len(x) + 1)[:, None]
    return f(np.where(gone, baseline, x))


def integrated_gradients(gradient, x, baseline, steps=50):
    """Gradient times the way from the baseline, averaged along it (Sundararajan et al. 2017), shape (n,).

    Parameters
    ----------
    gradient : callable
        From inputs (steps, n) to the derivatives of f with respect to them, of the same shape.
    x, baseline : array, shape (n,)
    steps : int
        The path is cut into so many parts, and each is judged by its middle.

    Returns
    -------
    array, shape (n,)
        With many steps they sum to f(x) − f(baseline), if f has derivatives along the path.
    """
    check_inputs(x, baseline)
    eta = (np.arange(steps) + 0.5) / steps
    way = np.subtract(x, baseline)
    return way * np.mean(gradient(baseline + eta[:, None] * way), 0)


def lime(f, x, baseline, on, width=0.25, ridge=1e-6):
    """Coefficients of a linear model of f around x, from inputs switched off at random (Ribeiro et al. 2016).

    Parameters
    ----------
    f, x, baseline : as for `shapley`
    on : bool array, shape (m, n)
        Which inputs are on in each of m samples.
    width : float
        A sample with a share d of its inputs off weighs exp(−d² / width²).
    ridge : float

    Returns
    -------
    array, shape (n,)
    """
    check_inputs(x, baseline)
    if np.ndim(on) != 2 or np.shape(on)[1] != len(x) or not width > 0:
        raise ValueError(f"on must be (m, {len(x)}) and width positive, got {np.shape(on)} and {width}")
    off = 1 - np.mean(on, 1)
    return surrogate(f(np.where(on, x, baseline)), on, np.exp(-((off / width) ** 2)), ridge)[1]


def surrogate(value, on, weight, ridge=0.0):
    """Fit value ≈ a + on @ c: least weighted mean of squares, plus ridge |c|²; return a and c, shape (n,).

    With weight (n − 1) / (comb(n, k) k (n − k)) for the k inputs that are on, all coalitions, and as good as
    infinite weight where all are on or all off, c are the Shapley values (Lundberg & Lee 2017).
    """
    share = weight / np.sum(weight)
    X, y = on - share @ on, value - share @ value
    c = np.linalg.solve(X.T * share @ X + ridge * np.eye(X.shape[1]), X.T * share @ y)
    return share @ value - share @ on @ c, c


def rank_correlation(a, b):
    """Spearman's ρ of two arrays of equal size: the correlation of their ranks."""
    if np.size(a) != np.size(b) or np.size(a) < 2:
        raise ValueError(
            f"a and b must hold equally many values, two or more, got {np.size(a)} and {np.size(b)}"
        )
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def ranks(a):
    """Return ranks 1 … n of a flattened array; equal values get the mean of theirs."""
    _, place, count = np.unique(np.ravel(a), return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place.ravel()]
