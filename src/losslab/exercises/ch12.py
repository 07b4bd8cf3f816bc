"""Checkers of chapter 12."""

from itertools import combinations

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import attribution

# --- 12.1: Shapley values by orders ---

PLAYERS = 4


def game():
    """Return what every set of four players is worth, {frozenset: float}."""
    sets = [frozenset(s) for k in range(PLAYERS + 1) for s in combinations(range(PLAYERS), k)]
    rng = np.random.default_rng(0)
    return {s: float(value) for s, value in zip(sets, rng.integers(0, 20, len(sets)), strict=True)}


def check_12_1(answer):
    """Take a function (f, n) -> Shapley values of a game on frozensets."""
    worth, n = game(), PLAYERS
    by_switches = np.vectorize(lambda *on: worth[frozenset(np.flatnonzero(on).tolist())])
    right = attribution.shapley(lambda x: by_switches(*np.moveaxis(x, -1, 0)), np.ones(n), np.zeros(n))
    got = np.asarray(answer(worth.__getitem__, n), float)
    if got.shape != (n,):
        return Sentence("shape", n=n, got=got.shape)
    if np.allclose(got, right):
        return None
    total = worth[frozenset(range(n))] - worth[frozenset()]
    off = Sentence("off", total=total, right=right[0], got=got[0])
    return named(got, _slips_12_1(worth, n, right)) or off


def _slips_12_1(worth, n, right):
    everyone, nobody = frozenset(range(n)), frozenset()
    gains = [[worth[s | {i}] - worth[s] for s in worth if i not in s] for i in range(n)]
    return {
        "last": [worth[everyone] - worth[everyone - {i}] for i in range(n)],
        "first": [worth[frozenset({i})] - worth[nobody] for i in range(n)],
        "sum": 24 * right,
        "sets": np.mean(gains, 1),
        "one_order": np.diff([worth[frozenset(range(k))] for k in range(n + 1)]),
    }


# --- 12.2: integrated gradients ---

X, BASELINE, STEPS = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, -1.0]), 7


def slopes(x):
    """Return the derivatives of exp(x₁) x₂ + x₂² x₃ at points (..., 3)."""
    a, b, c = np.moveaxis(np.asarray(x, float), -1, 0)
    return np.stack([np.exp(a) * b, np.exp(a) + 2 * b * c, b**2], -1)


def check_12_2(answer):
    """Take a function (gradient, x, baseline, steps) -> integrated gradients."""
    got = np.asarray(answer(slopes, X.copy(), BASELINE.copy(), STEPS), float)
    right = attribution.integrated_gradients(slopes, X, BASELINE, STEPS)
    if got.shape != X.shape:
        return Sentence("shape", n=len(X), got=got.shape)
    if np.allclose(got, right):
        return None
    return named(got, _slips_12_2(right)) or Sentence("off", total=right.sum(), got=got.sum())


def _slips_12_2(right):
    way = X - BASELINE

    def mean(etas, start=BASELINE, far=way):
        return slopes(start + np.asarray(etas)[:, None] * far).mean(0)

    parts = np.arange(STEPS)
    return {
        "gradient": right / way,
        "input": right / way * X,
        "starts": way * mean(parts / STEPS),
        "stops": way * mean((parts + 1) / STEPS),
        "ends": way * mean(np.linspace(0, 1, STEPS)),
        "at_x": way * slopes(X),
        "sum": right * STEPS,
        "from_zero": way * mean((parts + 0.5) / STEPS, 0, X),
    }


# --- 12.3: a line through the answers ---


def check_12_3(answer):
    """Take a function (on, values, weights) -> coefficients of the weighted line."""
    rng = np.random.default_rng(0)
    on, values, weights = rng.integers(0, 2, (30, 4)).astype(float), rng.normal(2, 1, 30), rng.random(30) ** 2
    _, right = attribution.surrogate(values, on, weights)
    got = np.asarray(answer(on.copy(), values.copy(), weights.copy()), float)
    if got.shape == (5,):
        return Sentence("with_b", n=4, got=5)
    if got.shape != (4,):
        return Sentence("shape", n=4, got=got.shape)
    if np.allclose(got, right):
        return None
    return named(got, _slips_12_3(on, values, weights)) or Sentence("off", right=right[0], got=got[0])


def _slips_12_3(on, values, weights):
    def line(b, root):
        return np.linalg.lstsq(np.column_stack([b, root[:, None] * on]), root * values)[0][1:]

    ones, root = np.ones(len(on)), np.sqrt(weights)
    return {
        "unweighted": line(ones, ones),
        "squared": line(weights, weights),
        "no_b": np.linalg.lstsq(root[:, None] * on, root * values)[0],
        "b_unweighted": line(ones, root),
    }


# --- 12.4: deletion ---


def check_12_4(answer):
    """Take a function (f, x, baseline, psi) -> the mean of f over all stages of a deletion."""
    x, baseline = np.array([2.0, -1.0, 3.0, 0.5]), np.array([0.5, 1.0, -1.0, 2.0])
    psi = np.array([0.4, -2.0, 1.0, 0.1])

    def f(v):
        v = np.asarray(v, float)
        return v[..., 0] * v[..., 2] + np.sin(v[..., 1]) - v[..., 3] ** 2 * v[..., 0]

    given = x.copy()
    got = float(answer(f, given, baseline.copy(), psi.copy()))
    right = attribution.deletion(f, x, baseline, np.argsort(-psi)).mean()
    if not np.array_equal(given, x):
        return Sentence("changed")
    if np.isclose(got, right):
        return None
    return named(got, _slips_12_4(f, x, baseline, psi)) or Sentence("off", right=right, got=got)


def _slips_12_4(f, x, baseline, psi):
    stages = attribution.deletion(f, x, baseline, np.argsort(-psi))
    alone = f(np.where(np.eye(len(x), dtype=bool), baseline, x))
    return {
        "keeps": np.mean([f(x), *alone]),
        "least_first": attribution.deletion(f, x, baseline, np.argsort(psi)).mean(),
        "absolute": attribution.deletion(f, x, baseline, np.argsort(-np.abs(psi))).mean(),
        "no_start": stages[1:].mean(),
        "no_end": stages[:-1].mean(),
        "last": stages[-1],
        "zero": attribution.deletion(f, x, np.zeros(len(x)), np.argsort(-psi)).mean(),
    }
