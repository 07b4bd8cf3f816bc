"""Checkers of chapter 3."""

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named, very_close
from losslab.formulas import losses


def check_3_1(answer):
    """Take a function (z) -> log Σ exp zₖ that survives logits of ±1000."""
    for z in ([2.0, 0.0, 0.0], [-1.0, 0.5], [1000.0, 1000.0, 0.0], [-1000.0, -1001.0]):
        with np.errstate(all="ignore"):
            got = answer(np.array(z))
        if np.ndim(got) != 0:
            return Sentence("shape", got=np.shape(got))
        right = np.logaddexp.reduce(z)
        if not np.isclose(got, right, rtol=1e-12):
            return Sentence("off", z=z, right=right, got=got, hint=_slip_3_1(got, np.array(z)))
    return None


def _slip_3_1(got, z):
    """Name what would have given this wrong logarithm."""
    if np.isposinf(got):
        return "infinite"
    if np.isneginf(got) or np.isnan(got):
        return "log_of_zero"
    slips = {
        "not_given_back": np.logaddexp.reduce(z - z.max()),
        "largest": z.max(),
        "mean": np.logaddexp.reduce(z) - np.log(len(z)),
        "base_2": np.logaddexp.reduce(z) / np.log(2),
    }
    return named(got, slips, very_close)


def check_3_2(answer):
    """Take a function (z, y) -> mean of (3.6) with p = sigmoid(z), that survives large logits."""
    for z, y in (([2.0, -1.0, 0.3], [1, 0, 0]), ([-200.0, 0.0], [1, 1]), ([1000.0, -1000.0], [0, 1])):
        z, y = np.array(z), np.array(y)
        with np.errstate(all="ignore"):
            got = answer(z, y)
        if np.ndim(got) != 0:
            return Sentence("shape", got=np.shape(got))
        right = losses.binary_cross_entropy(z, y)
        if not np.isclose(got, right, rtol=1e-9):
            given = {"z": z.tolist(), "y": y.tolist()}
            return Sentence("off", **given, right=right, got=got, hint=_slip_3_2(got, z, y))
    return None


def _slip_3_2(got, z, y):
    """Name what would have given this wrong loss."""
    if not np.isfinite(got):
        return "zero_or_one"
    if abs(z).max() > 100:
        return "clipped"
    right, yes = losses.binary_cross_entropy(z, y), np.logaddexp(0, -z)
    slips = {
        "sum": right * len(z),
        "sign": -right,
        "no_is_free": (y * yes).mean(),
        "swapped": losses.binary_cross_entropy(z, 1 - y),
        "always_no": losses.binary_cross_entropy(z, 0 * y),
    }
    return named(got, slips, very_close)


def check_3_3(answer):
    """Take a function (p_star, p) -> KL(p* ‖ p), with 0 log 0 = 0 and ∞ where p = 0 < p*."""
    for truth, p in (
        ([0.7, 0.2, 0.1], [0.6, 0.3, 0.1]),
        ([1.0, 0.0, 0.0], [0.5, 0.3, 0.2]),
        ([0.5, 0.5], [0.5, 0.5]),
        ([0.5, 0.5, 0.0], [0.9, 0.1, 0.0]),
        ([0.5, 0.5, 0.0], [1.0, 0.0, 0.0]),
    ):
        with np.errstate(all="ignore"):
            got = answer(np.array(truth), np.array(p))
        if np.ndim(got) != 0:
            return Sentence("shape", got=np.shape(got))
        right = _kl(truth, p)
        if not np.isclose(got, right, rtol=1e-9, atol=1e-12):
            hint = _slip_3_3(got, np.array(truth), np.array(p))
            return Sentence("off", truth=truth, p=p, right=right, got=got, hint=hint)
    return None


def _kl(truth, p):
    """Sum term by term in plain Python, so that the checker does not repeat the arrays it checks."""
    if any(a > 0 and b == 0 for a, b in zip(truth, p, strict=True)):
        return float("inf")
    return sum(a * (np.log(a) - np.log(b)) for a, b in zip(truth, p, strict=True) if a > 0)


def _slip_3_3(got, truth, p):
    """Name what would have given this wrong divergence."""
    if np.isnan(got):
        return "nan"
    if (p[truth > 0] == 0).any():
        return "impossible"
    if (truth == 0).any():
        return None if np.isfinite(got) else "too_infinite"
    slips = {
        "swapped": _kl(p, truth),
        "cross_entropy": -(truth * np.log(p)).sum(),
        "sign": -_kl(truth, p),
        "bits": _kl(truth, p) / np.log(2),
    }
    return named(got, slips, very_close)


def check_3_4(answer):
    """Take a function (eps, K) -> entropy of labels that are drawn at random with probability eps."""
    for eps, K in ((0.1, 10), (0.5, 2), (0.0, 3)):
        with np.errstate(all="ignore"):
            got = answer(eps, K)
        right = _label_entropy(1 - eps + eps / K, K)
        if not np.isclose(got, right, rtol=1e-9, atol=1e-12):
            return Sentence("off", eps=eps, K=K, right=right, got=got, hint=_slip_3_4(got, eps, K))
    return None


def _label_entropy(right, K):
    """Entropy of K classes, one of probability `right`, the others equally likely."""
    rest = (1 - right) / (K - 1)
    return sum(-n * p * np.log(p) for n, p in ((1, right), (K - 1, rest)) if p > 0)


def _slip_3_4(got, eps, K):
    """Name what would have given this wrong floor."""
    if np.isnan(got):
        return "nan"
    keep = 1 - eps + eps / K
    slips = {
        "other_class": _label_entropy(1 - eps, K),
        "right_only": -np.log(keep),
        "zero": 0.0,
        "stray_softmax": np.log(1 + (K - 1) / np.e),
        "one_wrong_class": _label_entropy(keep, 2),
        "bits": _label_entropy(keep, K) / np.log(2),
    }
    return named(got, slips, very_close)
