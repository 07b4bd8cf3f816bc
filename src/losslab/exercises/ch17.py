"""Checkers of chapter 17."""

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import close, named, very_close

# --- 17.1: round a row ---


def check_17_1(answer):
    """Take a function (row, bits) -> the row, rounded to whole numbers of one step."""
    row = np.array([0.9, -0.52, 0.31, -0.07, 0.0, 0.44])
    for bits in (8, 4, 3):
        got, right = np.asarray(answer(row.copy(), bits), float), _rounded(row, np.abs(row).max(), bits)
        if got.shape != row.shape:
            return Sentence("shape", right=row.shape, got=got.shape)
        if not close(got, right):
            off = Sentence("off", bits=bits, right=right.round(3).tolist(), got=got.round(3).tolist())
            return named(got, _slips_17_1(row, bits)) or off
    return None


def _rounded(row, largest, bits, steps=None):
    step = largest / (2 ** (bits - 1) - 1 if steps is None else steps)
    return np.round(row / step) * step


def _slips_17_1(row, bits):
    top, spread = np.abs(row).max(), row.max() - row.min()
    return {
        "whole": np.round(row / (top / (2 ** (bits - 1) - 1))),
        "no_sign": _rounded(row, top, bits, 2**bits - 1),
        "one_too_many": _rounded(row, top, bits, 2 ** (bits - 1)),
        "cut": np.trunc(row / (top / (2 ** (bits - 1) - 1))) * (top / (2 ** (bits - 1) - 1)),
        "spread": _rounded(row, spread, bits),
        "decimals": np.round(row, bits),
    }


# --- 17.2: tonnes ---

PLAN = (2_000_000, 500, 1.2, 300)  # hours, watts, overhead, grid


def check_17_2(answer):
    """Take a function (hours, watts, overhead, grid) -> tonnes of CO2e."""
    hours, watts, overhead, grid = PLAN
    right = hours * watts / 1000 * overhead * grid / 1e6
    slips = {
        "thousand": right * 1000,
        "grams": right * 1e6,
        "no_overhead": right / overhead,
        "overhead_below": right / overhead**2,
        "overhead_added": right / overhead * (1 + overhead),
        "kwh": hours * watts / 1000 * overhead,
    }
    got = float(answer(*PLAN))
    if close(got, right, atol=0):
        return None
    return named(got, slips) or Sentence("off", right=right, got=got)


# --- 17.3: one private step ---

CLIP, NOISE = 2.0, 0.5


def check_17_3(answer):
    """Take a function (gradients, clip, noise, xi) -> the noisy mean of the clipped gradients."""
    rng = np.random.default_rng(0)
    g, xi = rng.normal(size=(6, 3)) * np.array([[0.3], [4], [0.5], [6], [1], [9]]), rng.normal(size=3)
    got = np.asarray(answer(g.copy(), CLIP, NOISE, xi.copy()), float)
    right = (_clipped(g).sum(0) + NOISE * CLIP * xi) / len(g)
    if got.shape != right.shape:
        return Sentence("shape", right=right.shape, got=got.shape)
    if very_close(got, right):
        return None
    off = Sentence("off", right=right.round(4).tolist(), got=got.round(4).tolist())
    return named(got, _slips_17_3(g, xi)) or off


def _clipped(g):
    return g * np.minimum(1, CLIP / np.linalg.norm(g, axis=-1, keepdims=True))


def _slips_17_3(g, xi):
    total, noise = _clipped(g).sum(0), NOISE * CLIP * xi
    unit = CLIP * (g / np.linalg.norm(g, axis=1, keepdims=True)).sum(0)
    return {
        "unclipped": (g.sum(0) + noise) / len(g),
        "quiet": total / len(g),
        "noise_after": total / len(g) + noise,
        "noise_unscaled": (total + NOISE * xi) / len(g),
        "sum": total + noise,
        "late": _clipped(g.mean(0)) + noise / len(g),
        "numbers": (np.clip(g, -CLIP, CLIP).sum(0) + noise) / len(g),
        "stretched": (unit + noise) / len(g),
    }


# --- 17.4: which labels look wrong? ---


def check_17_4(answer):
    """Take a function (p, labels, k) -> the rows of the k most suspicious labels, the worst first."""
    rng = np.random.default_rng(1)
    p, labels, k = rng.dirichlet(np.full(4, 0.7), size=12), rng.integers(0, 4, 12), 5
    given = p[np.arange(12), labels]
    got, right = np.asarray(answer(p.copy(), labels.copy(), k)), given.argsort()[:k]
    if got.shape != right.shape:
        return Sentence("shape", right=right.shape, got=got.shape)
    if (got == right).all():
        return None
    slips = {
        "surest": given.argsort()[::-1][:k],
        "backwards": right[::-1],
        "unsure": p.max(1).argsort()[:k],
        "answers": p.max(1).argsort()[::-1][:k],
        "column": p[:, labels[0]].argsort()[:k],
        "values": np.sort(given)[:k],
    }
    return named(got, slips) or Sentence("off", right=right.tolist(), got=got.tolist())
