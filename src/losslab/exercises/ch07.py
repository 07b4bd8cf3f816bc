"""Checkers of chapter 7."""

import math
import operator
from functools import partial

import torch

from losslab.book.words import Sentence
from losslab.exercises.judge import close, named, very_close
from losslab.formulas import intervals


def check_7_1(answer):
    """Take a function (widths) -> number of weights and biases of fully connected layers."""
    for widths in ([784, 256, 128, 64, 10], [3, 2], [5, 4, 7]):
        pairs = list(zip(widths, widths[1:], strict=False))
        got, right = answer(widths), sum((inputs + 1) * neurons for inputs, neurons in pairs)
        weights = sum(a * b for a, b in pairs)
        slips = {
            "no_bias": weights,
            "bias_per_input": sum(a * (b + 1) for a, b in pairs),
            "input_bias": weights + sum(widths),
            "article": 242762,
        }
        if got != right:
            hint = named(got, slips, operator.eq)
            return Sentence("off", widths=widths, right=right, got=got, hint=hint)
    return None


def check_7_2(answer):
    """Take a function (K) -> lowest and highest cross-entropy of probabilities taken for logits."""
    for K in (10, 2, 1000):
        right = _ends(K)
        ends = zip(("lowest", "highest"), answer(K), right, right[::-1], _ends(10), strict=True)
        for end, got, want, other, ten in ends:
            slips = {"zero": 0.0, "infinite": math.inf, "equal": math.log(K), "other_end": other, "ten": ten}
            if not math.isclose(got, want, rel_tol=1e-9):
                return Sentence(end, K=K, got=got, hint=named(got, slips, very_close))
    return None


def _ends(K):
    """Return the lowest and the highest loss, computed by torch."""
    ends = torch.tensor([[1.0, *[0.0] * (K - 1)], [0.0] * (K - 1) + [1.0]], dtype=torch.float64)
    return torch.nn.functional.cross_entropy(ends, torch.tensor([0, 0]), reduction="none").tolist()


def check_7_3(answer):
    """Take a function (train, test) -> both sets, scaled by the training pixels' mean and deviation."""
    random = torch.Generator().manual_seed(0)
    train = torch.randint(0, 200, (40, 28, 28), generator=random, dtype=torch.uint8)
    test = torch.randint(50, 256, (10, 28, 28), generator=random, dtype=torch.uint8)
    got = answer(train.clone(), test.clone())
    for name, scaled, raw in zip(("training", "test"), got, (train, test), strict=True):
        if scaled.shape != raw.shape:
            return Sentence(f"{name}_shape", got=tuple(scaled.shape), right=tuple(raw.shape))
        want = (raw.double() - train.double().mean()) / train.double().std()
        if not torch.allclose(scaled.double(), want, atol=1e-3):
            return _slip_7_3(name, scaled.double(), raw.double(), torch.cat([train, test]).double())
    return None


def _slip_7_3(name, scaled, raw, both):
    """Name what would have given these wrongly scaled images."""
    if torch.allclose(scaled, (raw - both.mean()) / both.std(), atol=1e-3):
        return "leaked"
    if name == "test" and abs(scaled.mean()) < 1e-3:
        return "own_constants"
    if name == "test" and torch.allclose(scaled, raw / 255, atol=1e-3):
        return "test_unscaled"
    if torch.allclose(scaled, (raw / 255 - 0.5) / 0.5, atol=1e-3):
        return "article"
    return Sentence(f"{name}_off", mean=scaled.mean(), deviation=scaled.std())


def check_7_4(answer):
    """Take a function (logits, labels) -> accuracy from 0 to 1, and the ends of its Wilson interval."""
    random = torch.Generator().manual_seed(0)
    for n, K in ((50, 10), (10, 10), (200, 3), (20, 4)):
        logits = torch.randn(n, K, generator=random)
        labels = torch.where(torch.rand(n, generator=random) < 0.7, logits.argmax(1), logits.argmin(1))
        labels = logits.argmax(1) if n == 20 else labels  # all right
        right = (logits.argmax(1) == labels).sum().item()
        accuracy, *ends = (float(part) for part in answer(logits, labels))
        if not math.isclose(accuracy, right / n, rel_tol=1e-5):
            return Sentence("off", right=right, n=n, got=accuracy, hint=_slip_7_4(accuracy, right, n))
        want = [float(end) for end in intervals.wilson(right, n)]
        if not close(ends, want, rtol=0, atol=1e-3):
            known = {
                "right": right,
                "n": n,
                "low": want[0],
                "high": want[1],
                "got": [round(e, 4) for e in ends],
            }
            return Sentence("ends_off", **known, hint=_slip_in_ends(ends, want, right / n, n))
    return None


def _slip_7_4(accuracy, right, n):
    """Name what would have given this wrong accuracy."""
    slips = {
        "count": right,
        "percentage": 100 * right / n,
        "mistakes": (n - right) / n,
        "ten_thousand": right / 10_000,
    }
    return named(accuracy, slips) or "argmax"


def _slip_in_ends(ends, want, a, n):
    """Name what would have given these wrong ends."""
    wald, root = 1.96 * math.sqrt(a * (1 - a) / n), math.sqrt(a * (1 - a) / n + 0.96 / n**2)
    middle, scale = a + 1.92 / n, 1 + 3.84 / n
    slips = {
        "swapped": want[::-1],
        "textbook": [a - wald, a + wald],
        "undivided": [middle - 1.96 * root, middle + 1.96 * root],
        "standard_error": [(middle - root) / scale, (middle + root) / scale],
    }
    return named(ends, slips, partial(close, rtol=0, atol=1e-4)) or "by_hand"
