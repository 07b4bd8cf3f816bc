"""How good are scores? Counts at a threshold, and what holds for all thresholds (article, question 5)."""

from typing import NamedTuple

import numpy as np


class Counts(NamedTuple):
    """What became of the samples at a threshold: found, false alarms, missed, rightly left alone.

    Attributes
    ----------
    tp, fp, fn, tn : int arrays, shape (...)
    """

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray


def counts(scores, truth, threshold):
    """Count TP, FP, FN and TN of saying yes where the score reaches a threshold.

    Parameters
    ----------
    scores : array_like, shape (N,)
    truth : array_like of bool, shape (N,)
    threshold : float or array_like, shape (...)

    Returns
    -------
    Counts

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    scores, truth = _judged(scores, truth)
    yes = scores >= np.asarray(threshold)[..., None]
    cells = yes & truth, yes & ~truth, ~yes & truth, ~yes & ~truth
    return Counts(*(cell.sum(-1) for cell in cells))


def accuracy(counts):
    """Share of right answers, (TP + TN)/N, of `Counts`."""
    return (counts.tp + counts.tn) / (counts.tp + counts.fp + counts.fn + counts.tn)


def precision_at(recall, false_alarms, prevalence):
    """Share of right ones among the yeses, by Bayes: π R / (π R + (1 − π) F).

    Parameters
    ----------
    recall, false_alarms, prevalence : float or array_like, broadcasting
        Share R of the positives that get a yes, share F of the negatives that do, share π of positives.

    Returns
    -------
    array
        NaN where nobody gets a yes.
    """
    for share in (recall, false_alarms, prevalence):
        if not ((np.asarray(share) >= 0) & (np.asarray(share) <= 1)).all():
            raise ValueError(f"recall, false alarms and prevalence must be from 0 to 1, got {share}")
    found = np.asarray(prevalence) * recall
    yes = found + (1 - np.asarray(prevalence)) * false_alarms
    return np.divide(found, yes, out=np.full(yes.shape, np.nan), where=yes > 0)


def roc(scores, truth):
    """Share of false alarms, and recall, at every threshold that changes anything, from (0, 0) to (1, 1).

    Parameters
    ----------
    scores : array_like, shape (N,)
    truth : array_like of bool, shape (N,)
        With at least one yes and one no.

    Returns
    -------
    false_alarms, recall : arrays, one more than there are different scores
    """
    tp, fp = _descending(scores, truth)
    return fp / fp[-1], tp / tp[-1]


def auroc(scores, truth):
    """Share of the pairs of a positive and a negative in which the positive scores higher; a tie is half.

    It is the area under `roc`.
    """
    false_alarms, recall = roc(scores, truth)
    return (np.diff(false_alarms) * (recall[1:] + recall[:-1])).sum() / 2


def precision_recall_curve(scores, truth):
    """Precision and recall at each score as a threshold, ascending; last the point without a yes, (1, 0)."""
    tp, fp = _descending(scores, truth)
    precision = tp[1:] / (tp[1:] + fp[1:])
    return np.append(precision[::-1], 1), tp[::-1] / tp[-1]


def average_precision(scores, truth):
    """Mean of the precisions at each score, weighted by the recall that it adds, Σ (Rₖ − Rₖ₋₁) Pₖ."""
    precision, recall = precision_recall_curve(scores, truth)
    return (-np.diff(recall) * precision[:-1]).sum()


def cost(confusion, prices):
    """Mean price of an answer, Σ count · price / N.

    Parameters
    ----------
    confusion, prices : array_like, shape (K, K)
        How often class k (row) was called j (column), and what that costs.
    """
    confusion, prices = np.asarray(confusion), np.asarray(prices)
    if confusion.ndim != 2 or len(set(confusion.shape + prices.shape)) != 1:
        raise ValueError(
            f"confusion and prices must be (K, K), got shapes {confusion.shape} and {prices.shape}"
        )
    if (confusion < 0).any() or not confusion.sum() > 0:
        raise ValueError(f"confusion must hold counts from 0, and one above 0, got {confusion}")
    return (confusion * prices).sum() / confusion.sum()


def _descending(scores, truth):
    """Return how many positives and negatives reach each different score, from the highest; first none."""
    scores, truth = _judged(scores, truth)
    if truth.all() or not truth.any():
        raise ValueError(f"truth must hold at least one yes and one no, got only {truth[0]}")
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    tp = np.cumsum(truth[order])[last]
    return np.append(0, tp), np.append(0, last + 1 - tp)


def _judged(scores, truth):
    scores, truth = np.asarray(scores, float), np.asarray(truth)
    if scores.ndim != 1 or scores.shape != truth.shape or not scores.size:
        raise ValueError(f"one score and one truth per sample, got shapes {scores.shape} and {truth.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers, got NaN")
    if not ((truth == 0) | (truth == 1)).all():
        raise ValueError(f"truth must be yes or no, got {truth}")
    return scores, truth.astype(bool)
