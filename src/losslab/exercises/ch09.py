"""Checkers of chapter 9."""

import math
from functools import partial

import numpy as np
import torch

from losslab.book.words import Sentence
from losslab.exercises.judge import close, named, very_close


def check_9_1(answer):
    """Take a function (share, times) -> Amdahl's speed-up of the whole."""
    for share, times in ((0.75, 2), (0.9, 10), (0.5, math.inf), (0.25, 1)):
        got, want = answer(share, times), 1 / (1 - share + share / times)
        slips = {
            "other_part": 1 / (share + (1 - share) / times),
            "time_left": 1 - share + share / times,
            "everything": times,
            "speeds_added": 1 + share * (times - 1),
        }
        if not math.isclose(got, want, rel_tol=1e-9):
            return Sentence(
                "off", share=share, times=times, right=want, got=got, hint=named(got, slips, very_close)
            )
    return None


def check_9_2(answer):
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
                hint = _slip_9_2(got, (c, s), N, B1, B2)
                return Sentence(name, right=want, got=value, hint=hint)
    return None


def _slip_9_2(got, right, N, B1, B2):
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


def check_9_3(answer):
    """Take a function (theta, beta) -> exponential average of the rows of theta, started at the first."""
    random = torch.Generator().manual_seed(0)
    for steps, beta in ((2, 0.9), (5, 0.5), (40, 0.98)):
        w = torch.randn(steps, 3, generator=random, dtype=torch.float64)
        got = torch.as_tensor(answer(w.clone(), beta), dtype=torch.float64)
        want = _average(w[0], w[1:], beta)
        if got.shape != want.shape:
            return Sentence("shape", right=tuple(w[0].shape), got=tuple(got.shape))
        if not torch.allclose(got, want, rtol=1e-6):
            off = Sentence("off", steps=steps, beta=beta, right=want.tolist())
            return named(got, _slips_9_3(w, beta)) or off
    return None


def _average(mean, rows, keep):
    for w in rows:
        mean = keep * mean + (1 - keep) * w
    return mean


def _slips_9_3(w, beta):
    return {
        "from_zero": _average(torch.zeros_like(w[0]), w, beta),
        "swapped": _average(w[0], w[1:], 1 - beta),
        "plain_mean": w.mean(0),
        "last_row": w[-1],
    }


def check_9_4(answer):
    """Take a function (with, without, student) -> ends of the interval of the mean paired difference."""
    rng = np.random.default_rng(0)
    for pairs, student in ((4, 3.18), (10, 2.26)):
        without = rng.normal(0.9, 0.05, pairs)
        scores = without + rng.normal(0.01, 0.004, pairs)
        got = tuple(float(end) for end in answer(scores, without, student))
        want = _ends(scores - without, student)
        if not very_close(got, want):
            hint = named(got, _slips_9_4(scores, without, student), very_close)
            return Sentence("off", pairs=pairs, low=want[0], high=want[1], got=got, hint=hint)
    return None


def _ends(difference, student, ddof=1, count=None):
    """Return the ends of the interval of a mean."""
    half = student * difference.std(ddof=ddof) / math.sqrt(count or len(difference))
    return difference.mean() - half, difference.mean() + half


def _slips_9_4(scores, without, student):
    difference = scores - without
    middle, spread = difference.mean(), scores.var(ddof=1) + without.var(ddof=1)
    half = student * math.sqrt(spread / len(scores))
    return {
        "unpaired": (middle - half, middle + half),
        "swapped_order": _ends(-difference, student),
        "no_root": _ends(difference, student, count=1),
        "divided": _ends(difference, student, ddof=0),
        "only_normal": _ends(difference, 1.96),
    }
