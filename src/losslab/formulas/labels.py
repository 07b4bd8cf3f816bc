"""Wrong labels: put in on purpose, and found again (article ch. 8, challenge 2)."""

import numpy as np


def flipped(labels, share, rng, classes=10):
    """Return labels of which a share is wrong: replaced by another class, each with the same probability.

    Parameters
    ----------
    labels : int array, shape (N,)
    share : float
        Exactly so many are wrong, rounded to a whole number.
    rng : numpy.random.Generator
    classes : int
        K, 2 or more.
    """
    if not (0 <= share <= 1 and classes >= 2):
        raise ValueError(f"share must be from 0 to 1 and classes 2 or more, got {share} and {classes}")
    wrong = np.array(labels)
    rows = rng.choice(len(wrong), round(share * len(wrong)), replace=False)
    wrong[rows] = (wrong[rows] + rng.integers(1, classes, len(rows))) % classes
    return wrong


def folds(count, parts, rng):
    """Deal N rows at random to folds as equal as can be; return the fold of each row, shape (N,)."""
    if not 2 <= parts <= count:
        raise ValueError(f"parts must be from 2 to the number of rows, {count}, got {parts}")
    return rng.permutation(np.arange(count) % parts)


def suspicious(p, labels):
    """Return the rows in the order of suspicion: the least probable label first.

    Parameters
    ----------
    p : array, shape (N, K)
        Probabilities by models that were *not* trained on the row they judge (out of fold): one that has
        learnt a wrong label by heart finds it probable.
    labels : int array, shape (N,)
        As they were given, right or wrong.
    """
    if np.shape(p)[:1] != np.shape(labels):
        raise ValueError(f"p must have one row per label, got {np.shape(p)} and {np.shape(labels)}")
    return np.argsort(np.take_along_axis(np.asarray(p), np.asarray(labels)[:, None], 1)[:, 0], kind="stable")
