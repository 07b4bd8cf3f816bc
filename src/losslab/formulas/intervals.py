"""How far a share can be trusted, and the difference of two shares of the same samples."""

import math

import numpy as np

Z95 = 1.96  # deviations of a normal distribution that hold 95 % of it


def wilson(right, count, z=Z95):
    """Interval of a share by Wilson's score: all true shares that lie within z deviations of what was seen.

    Parameters
    ----------
    right, count : int or array_like, broadcasting
        How many of how many.
    z : float
        1.96 for 95 %.

    Returns
    -------
    low, high : arrays

    Raises
    ------
    ValueError
        If there was nothing to count, or more right than counted.
    """
    right, count = np.asarray(right, float), np.asarray(count, float)
    if not ((count > 0) & (right >= 0) & (right <= count)).all():
        raise ValueError(f"right must be from 0 to count, and count above 0, got {right} of {count}")
    a = right / count
    middle = a + z**2 / (2 * count)
    half = z * np.sqrt(a * (1 - a) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return np.where(right == 0, 0.0, (middle - half) / scale), np.where(
        right == count, 1.0, (middle + half) / scale
    )


def mcnemar(first_only, second_only):
    """Exact two-sided p-value of McNemar's test: how likely a fair coin splits as unevenly.

    Parameters
    ----------
    first_only, second_only : int
        Samples that only the first, and only the second classifier got right.

    Returns
    -------
    float
        The probability of a split at least as uneven; 1 without any discordant sample.
    """
    for count in (first_only, second_only):
        if count != int(count) or count < 0:
            raise ValueError(f"counts must be whole numbers from 0, got {first_only} and {second_only}")
    first_only, second_only = int(first_only), int(second_only)
    n = first_only + second_only
    tail = sum(math.comb(n, i) for i in range(min(first_only, second_only) + 1))
    return min(1.0, 2 * tail / 2**n)


def paired_difference(first, second, z=Z95):
    """Difference of two accuracies on the same samples, and its interval (normal, from the paired answers).

    Parameters
    ----------
    first, second : array_like of bool, shape (N,)
        Whether each classifier got each sample right.
    z : float
        1.96 for 95 %.

    Returns
    -------
    difference, low, high : float
        Of the second over the first.

    Raises
    ------
    ValueError
        If the shapes differ, or an answer is neither right nor wrong.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(f"one answer of each per sample, got shapes {first.shape} and {second.shape}")
    if not np.isin([first, second], (0, 1)).all():
        raise ValueError("answers must be right or wrong, True or False")
    gain = second - first
    half = z * gain.std() / math.sqrt(gain.size)
    return gain.mean(), gain.mean() - half, gain.mean() + half
