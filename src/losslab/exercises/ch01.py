"""Checkers of chapter 1."""

import operator

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named

# --- 1.1: a line with its bias ---


def check_1_1(answer):
    """Take a function (x, y) -> (w, b) of the least-squares line."""
    x, y = np.array([1.0, 2, 4, 7, 11]), np.array([3.0, 1, 4, 1, 5])
    w, b = (float(part) for part in answer(x.copy(), y.copy()))
    right_w, right_b = np.linalg.pinv(np.stack([x, np.ones_like(x)], 1)) @ y  # not by (1.2)
    if not np.isclose(w, right_w):
        hint = named(w, _slips_in_w(x, y, right_w))
        return Sentence("w_off", x=x, y=y, right=right_w, got=w, hint=hint)
    if not np.isclose(b, right_b):
        return Sentence("b_off", right=y.mean() - w * x.mean(), got=b, hint=named(b, _slips_in_b(x, y, w)))
    return None


def _slips_in_w(x, y, right):
    return {
        "through_origin": (x * y).sum() / (x**2).sum(),
        "not_divided": right * ((x - x.mean()) ** 2).sum(),
        "upside_down": 1 / right,
        "correlation": np.corrcoef(x, y)[0, 1],
    }


def _slips_in_b(x, y, w):
    return {
        "b_zero": 0.0,
        "b_mean": y.mean(),
        "b_sign": w * x.mean() - y.mean(),
        "first_point": y[0] - w * x[0],
    }


# --- 1.2: how many weights, how many biases ---


def check_1_2(answer):
    """Take a function widths -> (weights, biases)."""
    for widths in ((3, 2), (784, 256, 128, 64, 10), (5, 4, 4, 2)):
        got = tuple(int(part) for part in answer(widths))
        right = sum(n * m for n, m in zip(widths, widths[1:], strict=False)), sum(widths[1:])
        if got != right:
            hint = named(got, _slips_1_2(widths, *right), operator.eq)
            return Sentence("off", widths=widths, right=right, got=got, hint=hint)
    return None


def _slips_1_2(widths, weights, biases):
    return {
        "weights_first": (biases, weights),
        "biases_twice": (weights + biases, biases),
        "inputs": (weights, sum(widths)),
        "last_layer": (weights, sum(widths[1:-1])),
        "layers": (weights, len(widths) - 1),
        "all_with_all": (int(np.prod(widths)), biases),
    }


# --- 1.3: XOR from two neurons ---


def check_1_3(answer):
    """Take a function () -> (W, b, v, c) of two ReLU neurons and an output that together are XOR."""
    W, b, v, c = (np.asarray(part, float) for part in answer())
    shapes = W.shape, b.shape, v.shape, c.shape
    if shapes != ((2, 2), (2,), (2,), ()):
        return Sentence("shapes", got=shapes)
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    z = x @ W.T + b
    said = np.maximum(z, 0) @ v + c
    if np.allclose(said, y):
        return None
    if np.allclose(z @ v + c, y) or (z >= 0).all():
        return Sentence("no_bend", got=said.round(2))
    slips = {"turned": 1 - y, "or": [0, 1, 1, 1], "and": [0, 0, 0, 1]}
    return named(said, slips) or Sentence("off", got=said.round(2), right=y)


# --- 1.4: numbers that carry their slope ---


def check_1_4(answer):
    """Take (times, relu), both on pairs (value, slope)."""
    times, relu = answer
    u, v = (2.0, 3.0), (5.0, -7.0)
    got, right = tuple(map(float, times(u, v))), (10.0, 1.0)
    if not np.allclose(got, right):
        return Sentence("times_off", u=u, v=v, right=right, got=got, hint=_slip_in_times(got))
    for pair, right in (((2.0, 3.0), (2.0, 3.0)), ((-2.0, 3.0), (0.0, 0.0)), ((2.0, -3.0), (2.0, -3.0))):
        got = tuple(map(float, relu(pair)))
        if not np.allclose(got, right):
            return Sentence("relu_off", pair=pair, right=right, got=got, hint=_slip_in_relu(got, *pair))
    return None


def _slip_in_times(got):
    """Name the slip in a product of (2, 3) and (5, −7)."""
    slopes = {"slopes": -21, "sum": -4, "minus": 29, "only_u": 15, "only_v": -14, "subtracted": -29}
    return named(got[1], slopes) if got[0] == 10 else "value"


def _slip_in_relu(got, value, slope):
    slips = {
        "slope_passes": (0, slope),
        "slope_cut": (max(value, 0), max(slope, 0)),
        "slope_of_relu": (max(value, 0), value > 0),
    }
    return named(got, slips)
