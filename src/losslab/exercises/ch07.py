"""Checkers of chapter 7."""

import math
import operator
from functools import partial

import torch

from losslab.book.words import Sentence
from losslab.exercises.judge import close, named, very_close


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
    """Take a function (logits, labels) -> accuracy from 0 to 1, and half the width of its 95 % interval."""
    random = torch.Generator().manual_seed(0)
    for n, K in ((50, 10), (10, 10), (200, 3)):
        logits = torch.randn(n, K, generator=random)
        labels = torch.where(torch.rand(n, generator=random) < 0.7, logits.argmax(1), logits.argmin(1))
        right = (logits.argmax(1) == labels).sum().item()
        accuracy, margin = (float(part) for part in answer(logits, labels))
        if not math.isclose(accuracy, right / n, rel_tol=1e-5):
            return Sentence("off", right=right, n=n, got=accuracy, hint=_slip_7_4(accuracy, right, n))
        want = 1.96 * math.sqrt(right / n * (1 - right / n) / n)
        if not math.isclose(margin, want, rel_tol=1e-3):
            return Sentence("margin_off", right=want, got=margin, hint=_slip_in_margin(margin, want, n))
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


def _slip_in_margin(margin, want, n):
    """Name what would have given this wrong half width."""
    slips = {"whole_width": 2 * want, "no_root": want * math.sqrt(n), "standard_error": want / 1.96}
    return named(margin, slips, partial(close, rtol=1e-3)) or "by_hand"


def check_7_5(answer):
    """Take a function (p, k) -> Amdahl's speed-up of the whole."""
    for p, k in ((0.75, 2), (0.9, 10), (0.5, math.inf), (0.25, 1)):
        got, want = answer(p, k), 1 / (1 - p + p / k)
        slips = {
            "other_part": 1 / (p + (1 - p) / k),
            "time_left": 1 - p + p / k,
            "everything": k,
            "speeds_added": 1 + p * (k - 1),
        }
        if not math.isclose(got, want, rel_tol=1e-9):
            return Sentence("off", p=p, k=k, right=want, got=got, hint=named(got, slips, very_close))
    return None


def check_7_6(answer):
    """Take a function (N, B1, T1, B2, T2) -> the price of a step and the price of an image."""
    for N, B1, B2, c, s in (
        (1000, 50, 200, 3e-3, 1e-5),
        (5400, 100, 1000, 4e-4, 2e-6),
        (95, 10, 40, 1.0, 2.0),
    ):
        n1, n2 = math.ceil(N / B1), math.ceil(N / B2)
        got = tuple(float(part) for part in answer(N, B1, n1 * c + N * s, B2, n2 * c + N * s))
        for name, value, want in zip(("step", "image"), got, (c, s), strict=True):
            if not math.isclose(value, want, rel_tol=1e-6):
                hint = _slip_7_6(got, (c, s), N, B1, B2)
                return Sentence(name, right=want, got=value, hint=hint)
    return None


def _slip_7_6(got, right, N, B1, B2):
    """Name what would have given these wrong prices."""
    if close(got, right[::-1], atol=0):
        return "swapped"
    steps = math.ceil(N / B1) - math.ceil(N / B2)
    slips = {
        "step_is_right": right[0],
        "difference": right[0] * steps,
        "round_up": right[0] * steps / (N / B1 - N / B2),
    }
    return named(got[0], slips, partial(close, atol=0)) or "subtract"


def check_7_7(answer):
    """Take a function (w, beta) -> exponential average of the rows of w, started at the first."""
    random = torch.Generator().manual_seed(0)
    for steps, beta in ((2, 0.9), (5, 0.5), (40, 0.98)):
        w = torch.randn(steps, 3, generator=random, dtype=torch.float64)
        got = torch.as_tensor(answer(w.clone(), beta), dtype=torch.float64)
        want = _average(w[0], w[1:], beta)
        if got.shape != want.shape:
            return Sentence("shape", right=tuple(w[0].shape), got=tuple(got.shape))
        if not torch.allclose(got, want, rtol=1e-6):
            off = Sentence("off", steps=steps, beta=beta, right=want.tolist())
            return named(got, _slips_7_7(w, beta)) or off
    return None


def _average(mean, rows, keep):
    for w in rows:
        mean = keep * mean + (1 - keep) * w
    return mean


def _slips_7_7(w, beta):
    return {
        "from_zero": _average(torch.zeros_like(w[0]), w, beta),
        "swapped": _average(w[0], w[1:], 1 - beta),
        "plain_mean": w.mean(0),
        "last_row": w[-1],
    }
