"""Checkers of chapter 6: each knows the usual slips and names the one it sees."""

import numbers

import numpy as np

from losslab.formulas import regression


def check_6_1(answer):
    """Take 0.02, the α that lands on the minimum in one step for x = 5."""
    if not isinstance(answer, numbers.Real):
        return f"A number is asked for, this is a {type(answer).__name__}."
    slips = {
        0.04: "That is the stability limit: the error only changes its sign. Which factor lands?",
        0.1: "1/(2x) forgets one of the two x: the gradient brings one, the prediction w x the other.",
        0.2: "1/x is a slope, not a rate. Set the factor 1 − 2αx² to zero.",
        0.125: "That is the answer for x = 2. The rate depends on x.",
    }
    if np.isclose(answer, 0.02, rtol=1e-9):
        return None
    near = [hint for value, hint in slips.items() if np.isclose(answer, value)]
    factor = 1 - 2 * answer * 25
    return near[0] if near else f"With this α a step multiplies the error by {factor:.3g}; it should be 0."


def check_6_2(answer):
    """Take a function (tol, alpha, x, y) -> first step k with |wₖ − y/x| < tol, from w₀ = 0."""
    for setting in [
        (0.1, 0.01, 2, 3),
        (1e-6, 0.01, 2, 3),
        (1e-3, 0.24, 2, 3),
        (0.01, 0.05, -2, 3),
        (5, 0.01, 2, 3),
    ]:
        said = f"steps_until{setting}"
        try:
            with np.errstate(all="ignore"):
                got = answer(*setting)
            if got != got:
                raise ValueError
        except ValueError:
            return f"{said} takes the logarithm of a negative number; which of its arguments can be negative?"
        right = _steps_until(*setting)
        if got != right:
            return f"{said} should be {right}, got {got}. {_slip_6_2(got, right, *setting)}".rstrip()
    return None


def _steps_until(tol, alpha, x, y):
    """Count by walking, so that the checker does not repeat the formula it checks."""
    w, k = 0.0, 0
    while not abs(w - y / x) < tol:
        w, k = w + 2 * alpha * x * (y - w * x), k + 1
    return k


def _slip_6_2(got, right, tol, alpha, x, y):
    """Name what would have given this wrong number of steps."""
    shrink = np.log(abs(1 - 2 * alpha * x**2))
    if not isinstance(got, numbers.Integral) and abs(got - right) < 1:
        return "Steps are whole: the first one at which the distance is already below tol."
    if got < 0:
        return "If the start is close enough already, no step is needed."
    if got == right - 1:
        return "At that step the distance is not yet below tol: round up, not down."
    if got == np.ceil(np.log(tol) / shrink):
        return f"The distance starts at |0 − y/x| = {abs(y / x):g}, not at 1."
    if got == np.ceil(np.log(tol / y**2) / (2 * shrink)):
        return "That is when the loss falls below tol; the distance |w − y/x| is asked."
    return "Put numbers into (6.8) by hand for this setting."


def check_6_3(answer):
    """Take a function (w, b, x, y) -> (dL/dw, dL/db) of the mean squared error over N points."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5))
    w, b = 0.7, -0.4
    got = np.array(answer(w, b, x, y), float)
    if got.shape != (2,):
        return f"Two numbers are asked for, dL/dw and dL/db; got an array of shape {got.shape}."
    right = regression.gradient([w, b], regression.design(x), y)
    if np.allclose(got, right):
        return None
    return _slip_6_3(got, right, regression.residual([w, b], regression.design(x), y), len(x))


def _slip_6_3(got, right, r, N):
    """Name what would have given this wrong gradient."""
    slips = {
        "The sign: where a larger w lowers the loss, dL/dw must be negative.": -right,
        f"The mean: this is the gradient of the sum over the {N} points.": N * right,
        "The factor 2 from the square is missing.": right / 2,
        "The sign and the mean are both missing.": -N * right,
        "Inner derivative: w is multiplied by xᵢ, so dL/dw needs an xᵢ in every term.": np.full(2, right[1]),
        "As in the article, sign and inner derivative are missing.": np.full(2, 2 * r.mean()),
        "You have returned dL/db first.": right[::-1],
        "b is multiplied by 1, not by xᵢ: there is no xᵢ in dL/db.": np.full(2, right[0]),
    }
    for hint, slip in slips.items():
        if np.allclose(got, slip):
            return hint
    wrong = "dL/db" if np.isclose(got[0], right[0]) else "dL/dw"
    return f"{wrong} is wrong: move that parameter by 1e-6 and look at the change of the loss."


def check_6_4(answer):
    """Take a function (x) -> largest stable α for the line w x + b."""
    for x in ([1.0, 2.0, 3.0, 4.0], [-3.0, 0.5, 8.0, 8.0, 2.0], [2.0]):
        got, X = answer(np.array(x)), regression.design(x)
        if not np.isclose(got, regression.lr_limit(X)):
            return f"For x = {x} the limit is not {got:.4g}. {_slip_6_4(got, X)}"
    return None


def _slip_6_4(got, X):
    """Name what would have given this wrong limit, or let gradient descent object to it."""
    flat, steep = np.linalg.eigvalsh(regression.curvature(X))[[0, -1]]
    slips = {
        "That is for a line without bias.": 1 / (X[:, 0] ** 2).mean(),
        "That is for the flattest direction; the steepest one breaks first.": 2 / flat
        if flat > 1e-9
        else np.inf,
        "That lands in one step along the steepest direction; the limit is twice as far.": 1 / steep,
        "The mean is missing: H has a 1/N.": 2 / (steep * len(X)),
        "The 2 from the square is missing in H.": 4 / steep,
    }
    near = [hint for hint, slip in slips.items() if np.isclose(got, slip)]
    side = "diverges at it" if got > 2 / steep else "still converges a little above it"
    return near[0] if near else f"Gradient descent {side}."
