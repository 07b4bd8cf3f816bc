"""Checkers of chapter 6."""

import numbers

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import regression


def check_6_1(answer):
    """Take 0.02, the α that lands on the minimum in one step for x = 5."""
    if not isinstance(answer, numbers.Real):
        return Sentence("no_number", type=type(answer).__name__)
    if np.isclose(answer, 0.02, rtol=1e-9):
        return None
    slips = {"limit": 0.04, "one_x": 0.1, "slope": 0.2, "other_x": 0.125}
    return named(answer, slips) or Sentence("off", factor=1 - 2 * answer * 25)


def check_6_2(answer):
    """Take a function (tol, alpha, x, y) -> first step t with |wₜ − y/x| < tol, from w₀ = 0; |ρ| < 1."""
    for setting in [
        (0.1, 0.01, 2, 3),
        (1e-6, 0.01, 2, 3),
        (1e-3, 0.24, 2, 3),
        (0.01, 0.05, -2, 3),
        (5, 0.01, 2, 3),
        (1e-3, 0.125, 2, 3),
        (5, 0.02, 5, 3),
    ]:
        right = _steps_until(*setting)
        try:
            with np.errstate(all="ignore"):
                got = answer(*setting)
            if got != got:
                raise ValueError
        except (ValueError, OverflowError, ZeroDivisionError):
            if right == 1:
                return Sentence("lands", setting=setting, right=right, got="no number")
            return Sentence("logarithm", setting=setting)
        if got != right == 1:
            return Sentence("lands", setting=setting, right=right, got=got)
        if got != right:
            hint, start = _slip_6_2(got, right, *setting), abs(setting[3] / setting[2])
            return Sentence("off", setting=setting, right=right, got=got, hint=hint, start=start)
    return None


def _steps_until(tol, alpha, x, y):
    """Count by walking, so that the checker does not repeat the formula it checks."""
    w, t = 0.0, 0
    while not abs(w - y / x) < tol:
        w, t = w + 2 * alpha * x * (y - w * x), t + 1
    return t


def _slip_6_2(got, right, tol, alpha, x, y):
    """Name what would have given this wrong number of steps."""
    if not isinstance(got, numbers.Integral) and abs(got - right) < 1:
        return "whole"
    if right == 0:
        return "none_needed"
    shrink = np.log(abs(1 - 2 * alpha * x**2))
    if got == right - 1:
        return "round_up"
    if got == np.ceil(np.log(tol) / shrink):
        return "start"
    if got == np.ceil(np.log(tol / y**2) / (2 * shrink)):
        return "loss"
    return "by_hand"


def check_6_3(answer):
    """Take a function (w, b, x, y) -> (∂ℒ/∂w, ∂ℒ/∂b) of the mean squared error over N points."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5))
    w, b = 0.7, -0.4
    got = np.array(answer(w, b, x, y), float)
    if got.shape != (2,):
        return Sentence("shape", got=got.shape)
    right = regression.gradient([w, b], regression.design(x), y)
    if np.allclose(got, right):
        return None
    return _slip_6_3(got, right, regression.residual([w, b], regression.design(x), y), len(x))


def _slip_6_3(got, right, r, N):
    """Name what would have given this wrong gradient."""
    slips = {
        "sign": -right,
        "sum": N * right,
        "no_two": right / 2,
        "sign_and_sum": -N * right,
        "no_inner": np.full(2, right[1]),
        "article": np.full(2, 2 * r.mean()),
        "swapped": right[::-1],
        "inner_in_b": np.full(2, right[0]),
    }
    which = "∂ℒ/∂b" if np.isclose(got[0], right[0]) else "∂ℒ/∂w"
    return named(got, slips) or Sentence("off", which=which)


def check_6_4(answer):
    """Take a function (x) -> largest stable α for the line w x + b."""
    for x in ([1.0, 2.0, 3.0, 4.0], [-3.0, 0.5, 8.0, 8.0, 2.0], [2.0]):
        got, X = answer(np.array(x)), regression.design(x)
        if not np.isclose(got, regression.lr_limit(X)):
            return Sentence("off", x=x, got=got, hint=_slip_6_4(got, X))
    return None


def _slip_6_4(got, X):
    """Name what would have given this wrong limit, or let gradient descent object to it."""
    flat, steep = np.linalg.eigvalsh(regression.curvature(X))[[0, -1]]
    slips = {
        "no_bias": 1 / (X[:, 0] ** 2).mean(),
        "flattest": 2 / flat if flat > 1e-9 else np.inf,
        "one_step": 1 / steep,
        "sum": 2 / (steep * len(X)),
        "no_two": 4 / steep,
    }
    return named(got, slips) or ("diverges" if got > 2 / steep else "converges")
