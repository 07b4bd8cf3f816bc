"""Which inputs did a prediction use? Attributions of f(x) − f(baseline) to inputs (article ch. 9, Q2).

A model is any function from inputs of shape (..., n) to numbers of shape (...); nothing here changes it.
"""

from itertools import combinations
from math import comb

import numpy as np


def check_inputs(x, baseline):
    """Raise unless these are the inputs and what stands in for each of them."""
    if np.ndim(x) != 1 or np.shape(x) != np.shape(baseline):
        raise ValueError(f"x and baseline must be (n,), got {np.shape(x)} and {np.shape(baseline)}")


def shapley(f, x, baseline):
    """Exact Shapley values of every input, from all 2ⁿ ways of switching inputs off (Shapley 1953).

    φ_i is the mean of f(S with i) − f(S), first over the subsets S of equal size, then over the sizes.

    Parameters
    ----------
    f : callable
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
    n, phi = len(x), np.zeros(len(x))
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            for subset in combinations(others, size):
                on = np.isin(np.arange(n), subset)
                gain = f(np.where(on | (np.arange(n) == i), x, baseline)) - f(np.where(on, x, baseline))
                phi[i] += gain / (n * comb(n - 1, size))
    return phi


def sampled_shapley(f, x, baseline, orders):
    """Shapley values estimated from orders in which the inputs are switched on (Castro et al. 2009).

    Parameters
    ----------
    f, x, baseline : as for `shapley`
    orders : int array, shape (m, n)
        Permutations of 0 … n − 1, such as `rng.permuted(...)` draws.

    Returns
    -------
    phi, error : arrays, shape (n,)
        The estimate, which sums to f(x) − f(baseline) for any m, and its standard error.
    """
    check_inputs(x, baseline)
    orders = np.asarray(orders)
    if orders.ndim != 2 or len(orders) < 2 or (np.sort(orders, 1) != np.arange(len(x))).any():
        raise ValueError(f"orders must be two or more permutations of 0..{len(x) - 1}, got {orders}")
    when = orders.argsort(1)  # the place of every input in its order
    on = when[:, None, :] < np.arange(len(x) + 1)[:, None]  # (m, n + 1, n): after 0, 1, … n inputs
    gains = np.diff(f(np.where(on, x, baseline)), axis=1)
    phi = np.take_along_axis(gains, when, 1)
    return phi.mean(0), phi.std(0, ddof=1) / len(orders) ** 0.5


def occlusion(f, x, baseline):
    """Return f(x) minus f with one input at a time at its baseline (Zeiler & Fergus 2014), shape (n,)."""
    check_inputs(x, baseline)
    return f(x) - f(np.where(np.eye(len(x), dtype=bool), baseline, x))


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
