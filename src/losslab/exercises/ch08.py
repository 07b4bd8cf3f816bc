"""Checkers of chapter 8: the usual slips stand beside the right answer, so that a hint can name them."""

import math

import numpy as np

from losslab.formulas import activations, decisions

# --- 8.1: softmax with a temperature ---


def check_8_1(answer):
    """Take a function (z, T) -> softmax(z / T), shape (K,)."""
    z, T = np.array([2.0, -1.0, 0.5]), 2.0
    got = np.asarray(answer(z.copy(), T), float)
    if got.shape != z.shape:
        return f"One probability per logit is asked for, shape {z.shape}; got shape {got.shape}."
    slips = {
        "The temperature is not used.": activations.softmax(z),
        "T = 2 must flatten; you multiply by T and sharpen.": activations.softmax(z * T),
        "Divide the logits by T, not the probabilities.": activations.softmax(z) / T,
        "Exponentials do not sum to 1 yet: divide by their sum.": np.exp(z / T),
        "Exponentials do not sum to 1 yet, and subtracting the largest does not help.": np.exp((z - 2) / T),
    }
    if not np.allclose(got, activations.softmax(z, T)):
        return _named(got, slips) or f"For z = {z}, T = 2: {activations.softmax(z, T).round(3)}, not {got}."
    with np.errstate(all="ignore"):
        for large, T in (([1000.0, 0.0, 998.0], 1.0), ([3.0, 1.0, 2.99], 0.001)):
            got = np.asarray(answer(np.array(large), T), float)
            if not np.allclose(got, activations.softmax(large, T)):
                return f"Right, but for z = {large}, T = {T} it gives {got}: subtract the largest first."
    return None


def _named(got, slips):
    """The hint of the slip that gives this array, if one does."""
    return next((hint for hint, slip in slips.items() if np.allclose(got, slip)), None)


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
        return f'At t = 0.95 nothing is answered: (0, float("nan")) is asked for, got {coverage, accuracy}.'
    return None


def _slip_coverage(got, t):
    slips = {
        "That counts the answers; coverage is their share.": (P.max(1) >= t).sum(),
        "That is the share that is *not* answered.": (P.max(1) < t).mean(),
        "A probability equal to t reaches it: ≥, not >.": (P.max(1) > t).mean(),
        "That asks for the probability of the right class, which nobody knows when it is used.": (
            P[np.arange(len(Y)), Y] >= t
        ).mean(),
    }
    wanted = (P.max(1) >= t).mean()
    return _named(got, slips) or f"At t = {t} {wanted:.0%} of seven pictures are answered, not {got:.0%}."


def _slip_accuracy(got, t):
    yes, right = P.max(1) >= t, P.argmax(1) == Y
    slips = {
        "The accuracy is taken over all pictures; only those that are answered count.": right.mean(),
        "Right *and* answered, divided by all pictures; divide by the number of answers.": (
            right & yes
        ).mean(),
        "That is the share of wrong answers.": 1 - right[yes].mean(),
    }
    named = _named(got, slips)
    return named or f"At t = {t} {right[yes].mean():.3f} of the answers are right, you get {got:.3f}."


# --- 8.3: a threshold from prices ---


def check_8_3(answer):
    """Take a function (alarm, miss) -> alarm / (alarm + miss)."""
    for alarm, miss in ((1.0, 4.0), (3.0, 1.0), (2.0, 2.0), (0.5, 7.0)):
        got = float(answer(alarm, miss))
        slips = {
            "The other way round: the dearer a miss, the *lower* the threshold.": miss / (alarm + miss),
            "Those are odds, p / (1 − p); the probability is asked for.": alarm / miss,
            "½ is right only if both cost the same.": 0.5,
        }
        wanted = alarm / (alarm + miss)
        if not math.isclose(got, wanted):
            hint = (
                f"For a false alarm of {alarm:g} and a miss of {miss:g} a yes and a no cost the same at p = "
            )
            return _named(got, slips) or f"{hint}{wanted:.3f}, not {got:.3f}."
    return None


# --- 8.4: min-p ---


def check_8_4(answer):
    """Take a function (p, m) -> p where p ≥ m max p, divided by the sum; zeros elsewhere."""
    p, m = np.array([0.1, 0.5, 0.05, 0.2, 0.15]), 0.2
    before = p.copy()
    got = np.asarray(answer(p, m), float)
    if not np.array_equal(p, before):
        return "Your function changes the p that it was given: work on a copy."
    if got.shape != p.shape:
        return f"All symbols keep their place, those that are cut get 0: shape {p.shape}, got {got.shape}."
    slips = {
        "m is a share of the *largest* probability; you compare with m itself.": _cut(p, p >= m),
        "A symbol with exactly m times the largest stays: ≥, not >.": _cut(p, p > m * p.max()),
        "What is kept has to sum to 1 again.": np.where(p >= m * p.max(), p, 0),
        "That cuts the likely ones and keeps the tail.": _cut(p, p < m * p.max()),
        "That is top-p: it looks at sums, min-p at each symbol by itself.": decisions.nucleus(p, m),
    }
    right = _cut(p, p >= m * p.max())
    if not np.allclose(got, right):
        return _named(got, slips) or f"For p = {p}, m = {m}: {right.round(3)}, got {got.round(3)}."
    flat = np.asarray(answer(np.full(4, 0.25), 1.0), float)
    return None if np.allclose(flat, 0.25) else f"Four equals and m = 1: all stay, 0.25 each; got {flat}."


def _cut(p, kept):
    """Keep some entries of p, scaled to the sum 1."""
    q = np.where(kept, p, 0)
    return q / q.sum()
