"""Checkers of chapter 3: each tries the reader's function where the usual slips show, and names the slip."""

import numpy as np

from losslab.formulas import losses


def check_3_1(answer):
    """Take a function (z) -> log Σ exp zₖ that survives logits of ±1000."""
    for z in ([2.0, 0.0, 0.0], [-1.0, 0.5], [1000.0, 1000.0, 0.0], [-1000.0, -1001.0]):
        with np.errstate(all="ignore"):
            got = answer(np.array(z))
        if np.ndim(got) != 0:
            return f"One number is asked for, got an array of shape {np.shape(got)}."
        right = np.logaddexp.reduce(z)
        if not np.isclose(got, right, rtol=1e-12):
            return (
                f"For z = {z} it should be {right:.6g}, got {got:.6g}. {_slip_3_1(got, np.array(z))}".rstrip()
            )
    return None


def _slip_3_1(got, z):
    """Name what would have given this wrong logarithm."""
    if np.isposinf(got):
        return "exp(1000) is infinite: subtract the largest logit before exp."
    if np.isneginf(got) or np.isnan(got):
        return "exp(−1000) is 0, and its logarithm −∞: shift by the largest logit, not by a fixed number."
    slips = {
        "You subtracted the maximum; give it back after the logarithm.": np.logaddexp.reduce(z - z.max()),
        "That is the largest logit: the others count, too.": z.max(),
        "You took the mean of the exponentials; the sum is asked for.": np.logaddexp.reduce(z)
        - np.log(len(z)),
        "That is a logarithm to base 2.": np.logaddexp.reduce(z) / np.log(2),
    }
    return _named(slips, got)


def check_3_2(answer):
    """Take a function (z, y) -> mean of −y log σ(z) − (1 − y) log(1 − σ(z)) that survives large logits."""
    for z, y in (([2.0, -1.0, 0.3], [1, 0, 0]), ([-200.0, 0.0], [1, 1]), ([1000.0, -1000.0], [0, 1])):
        z, y = np.array(z), np.array(y)
        with np.errstate(all="ignore"):
            got = answer(z, y)
        if np.ndim(got) != 0:
            return f"The mean over the examples is asked for, got an array of shape {np.shape(got)}."
        right = losses.binary_cross_entropy(z, y)
        if not np.isclose(got, right, rtol=1e-9):
            where = f"For z = {z.tolist()}, y = {y.tolist()} it should be {right:.6g}, got {got:.6g}."
            return f"{where} {_slip_3_2(got, z, y)}".rstrip()
    return None


def _slip_3_2(got, z, y):
    """Name what would have given this wrong loss."""
    if not np.isfinite(got):
        return "A probability has become exactly 0 or 1. Do not compute it: simplify −log σ(z) first."
    if abs(z).max() > 100:
        return "Clipping p hides the overflow: the loss stops growing, and its gradient is gone."
    right, yes = losses.binary_cross_entropy(z, y), np.logaddexp(0, -z)
    slips = {
        "That is the sum; divide by the number of examples.": right * len(z),
        "A price is positive: where is the minus?": -right,
        "That is the article's F2: a no costs nothing. The term with 1 − y is missing.": (y * yes).mean(),
        "Yes and no are swapped.": losses.binary_cross_entropy(z, 1 - y),
        "That is the mean of log(1 + eᶻ), as if every answer were no.": losses.binary_cross_entropy(z, 0 * y),
    }
    return _named(slips, got)


def check_3_3(answer):
    """Take a function (p, q) -> KL(p‖q), with 0 log 0 = 0 and ∞ where q = 0 < p."""
    for p, q in (
        ([0.7, 0.2, 0.1], [0.6, 0.3, 0.1]),
        ([1.0, 0.0, 0.0], [0.5, 0.3, 0.2]),
        ([0.5, 0.5], [0.5, 0.5]),
        ([0.5, 0.5, 0.0], [0.9, 0.1, 0.0]),
        ([0.5, 0.5, 0.0], [1.0, 0.0, 0.0]),
    ):
        with np.errstate(all="ignore"):
            got = answer(np.array(p), np.array(q))
        if np.ndim(got) != 0:
            return f"One number is asked for, the sum over the classes; got shape {np.shape(got)}."
        right = _kl(p, q)
        if not np.isclose(got, right, rtol=1e-9, atol=1e-12):
            hint = _slip_3_3(got, np.array(p), np.array(q))
            return f"For p = {p}, q = {q} it should be {right:.4f}, got {got:.4f}. {hint}".rstrip()
    return None


def _kl(p, q):
    """Term by term in plain Python, so that the checker does not repeat the arrays it checks."""
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return float("inf")
    return sum(a * (np.log(a) - np.log(b)) for a, b in zip(p, q, strict=True) if a > 0)


def _slip_3_3(got, p, q):
    """Name what would have given this wrong divergence."""
    if np.isnan(got):
        return "0 · log 0 is nan for the computer. What never happens costs nothing: leave it out first."
    if (q[p > 0] == 0).any():
        return "The model says that something impossible happens half of the time: −log 0 is infinite."
    if (p == 0).any():
        return "" if np.isfinite(got) else "Only where p > 0 can the price become infinite."
    slips = {
        "p and q are swapped.": _kl(q, p),
        "That is H(p, q); the entropy H(p) must come off.": -(p * np.log(q)).sum(),
        "The sign: a divergence is never negative.": -_kl(p, q),
        "That is in bits; use the natural logarithm.": _kl(p, q) / np.log(2),
    }
    return _named(slips, got)


def check_3_4(answer):
    """Take a function (eps, K) -> entropy of labels that are drawn at random with probability eps."""
    for eps, K in ((0.1, 10), (0.5, 2), (0.0, 3)):
        with np.errstate(all="ignore"):
            got = answer(eps, K)
        right = _label_entropy(1 - eps + eps / K, K)
        if not np.isclose(got, right, rtol=1e-9, atol=1e-12):
            where = f"With ε = {eps:g} and K = {K} the floor is {right:.4f}, got {got:.4f}."
            return f"{where} {_slip_3_4(got, eps, K)}".rstrip()
    return None


def _label_entropy(right, K):
    """Entropy of K classes, one of probability `right`, the others alike."""
    rest = (1 - right) / (K - 1)
    return -sum(n * p * np.log(p) for n, p in ((1, right), (K - 1, rest)) if p > 0)


def _slip_3_4(got, eps, K):
    """Name what would have given this wrong floor."""
    if np.isnan(got):
        return "0 · log 0 is nan for the computer: leave out what never happens."
    keep = 1 - eps + eps / K
    slips = {
        "The class drawn at random may be the right one.": _label_entropy(1 - eps, K),
        "That is the price of the labels that stayed right; the others cost, too.": -np.log(keep),
        "Nobody can foresee a random label: the floor is not 0.": 0.0,
        "That is the floor of a stray softmax (3.21), another matter.": np.log(1 + (K - 1) / np.e),
        "Only one wrong class is counted; there are K − 1.": _label_entropy(keep, 2),
        "That is in bits; use the natural logarithm.": _label_entropy(keep, K) / np.log(2),
    }
    return _named(slips, got)


def _named(slips, got):
    """Return the hint whose value was given, or nothing."""
    return next((hint for hint, value in slips.items() if np.isclose(got, value, rtol=1e-9)), "")
