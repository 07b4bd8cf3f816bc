"""Checkers of chapter 8."""

import math

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import activations, decisions

# --- 8.1: softmax with a temperature ---


def check_8_1(answer):
    """Take a function (z, T) -> softmax(z / T), shape (K,)."""
    z, T = np.array([2.0, -1.0, 0.5]), 2.0
    got = np.asarray(answer(z.copy(), T), float)
    if got.shape != z.shape:
        return Sentence("shape", right=z.shape, got=got.shape)
    right = activations.softmax(z, T)
    if not np.allclose(got, right):
        return named(got, _slips_8_1(z, T)) or Sentence("off", z=z, T=T, right=right.round(3), got=got)
    with np.errstate(all="ignore"):
        for large, T in (([1000.0, 0.0, 998.0], 1.0), ([3.0, 1.0, 2.99], 0.001)):
            got = np.asarray(answer(np.array(large), T), float)
            if not np.allclose(got, activations.softmax(large, T)):
                return Sentence("overflow", z=large, T=T, got=got)
    return None


def _slips_8_1(z, T):
    return {
        "unused": activations.softmax(z),
        "sharpened": activations.softmax(z * T),
        "probabilities": activations.softmax(z) / T,
        "no_sum": np.exp(z / T),
        "no_sum_but_largest": np.exp((z - 2) / T),
    }


# --- 8.2: coverage and accuracy ---

ROWS = [(0.7, 0.2, 0.1), (0.1, 0.5, 0.4), (0.05, 0.05, 0.9), (0.4, 0.35, 0.25)]
P = np.array([*ROWS, (0.2, 0.6, 0.2), (0.1, 0.8, 0.1), (0.6, 0.3, 0.1)])
Y = np.array([0, 2, 2, 0, 0, 1, 0])


def check_8_2(answer):
    """Take a function (p, y, t) -> (coverage, accuracy of the answers)."""
    for t in (0.55, 0.0, 0.6):
        coverage, accuracy = (float(one) for one in answer(P.copy(), Y.copy(), t))
        yes, right = P.max(1) >= t, P.argmax(1) == Y
        if not math.isclose(coverage, yes.mean()):
            return _slip_coverage(coverage, t)
        if not math.isclose(accuracy, right[yes].mean()):
            return _slip_accuracy(accuracy, t)
    with np.errstate(all="ignore"):
        coverage, accuracy = (float(one) for one in answer(P.copy(), Y.copy(), 0.95))
    if coverage != 0 or not math.isnan(accuracy):
        return Sentence("nothing", got=(coverage, accuracy))
    return None


def _slip_coverage(got, t):
    right = (P.max(1) >= t).mean()
    slips = {
        "count": (P.max(1) >= t).sum(),
        "unanswered": 1 - right,
        "above": (P.max(1) > t).mean(),
        "right_class": (P[np.arange(len(Y)), Y] >= t).mean(),
    }
    return named(got, slips) or Sentence("coverage_off", t=t, right=right, got=got)


def _slip_accuracy(got, t):
    yes, correct = P.max(1) >= t, P.argmax(1) == Y
    right = correct[yes].mean()
    slips = {"over_all": correct.mean(), "divided_by_all": (correct & yes).mean(), "wrong": 1 - right}
    return named(got, slips) or Sentence("accuracy_off", t=t, right=right, got=got)


# --- 8.3: a threshold from prices ---


def check_8_3(answer):
    """Take a function (alarm, miss) -> alarm / (alarm + miss)."""
    for alarm, miss in ((1.0, 4.0), (3.0, 1.0), (2.0, 2.0), (0.5, 7.0)):
        got = float(answer(alarm, miss))
        right = alarm / (alarm + miss)
        slips = {"turned": miss / (alarm + miss), "odds": alarm / miss, "half": 0.5}
        if not math.isclose(got, right):
            return named(got, slips) or Sentence("off", alarm=alarm, miss=miss, right=right, got=got)
    return None


# --- 8.4: min-p ---


def check_8_4(answer):
    """Take a function (p, m) -> p where p ≥ m max p, divided by the sum; zeros elsewhere."""
    p, m = np.array([0.1, 0.5, 0.05, 0.2, 0.15]), 0.2
    before = p.copy()
    got = np.asarray(answer(p, m), float)
    if not np.array_equal(p, before):
        return "changed"
    if got.shape != p.shape:
        return Sentence("shape", right=p.shape, got=got.shape)
    right = _cut(p, p >= m * p.max())
    if not np.allclose(got, right):
        off = Sentence("off", p=p, m=m, right=right.round(3), got=got.round(3))
        return named(got, _slips_8_4(p, m)) or off
    flat = np.asarray(answer(np.full(4, 0.25), 1.0), float)
    return None if np.allclose(flat, 0.25) else Sentence("equals", got=flat)


def _slips_8_4(p, m):
    return {
        "m_itself": _cut(p, p >= m),
        "above": _cut(p, p > m * p.max()),
        "no_sum": np.where(p >= m * p.max(), p, 0),
        "tail": _cut(p, p < m * p.max()),
        "top_p": decisions.nucleus(p, m),
    }


def _cut(p, kept):
    """Keep some entries of p, rescaled to sum to 1."""
    q = np.where(kept, p, 0)
    return q / q.sum()
