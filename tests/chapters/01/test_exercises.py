"""The exercises of chapter 1: the usual slips each get their own hint."""

import numpy as np


def line(slope, bias):
    """An answer to 1.1 from two functions of the centred data and of the data."""

    def answer(x, y):
        w = slope(x, y, x - x.mean(), y - y.mean())
        return w, bias(x, y, w)

    return answer


def right_w(x, y, dx, dy):
    return (dx * dy).sum() / (dx**2).sum()


def right_b(x, y, w):
    return y.mean() - w * x.mean()


def weights(n):
    return sum(a * b for a, b in zip(n, n[1:], strict=False))


def neurons(v, b=(0, -1), c=0.0, W=((1, 1), (1, 1))):
    return lambda: (np.array(W), np.array(b), np.array(v), c)


def product(u, v):
    return u[0] * v[0], u[1] * v[0] + u[0] * v[1]


def gate(u):
    return u if u[0] > 0 else (0, 0)


def ticket(slope):
    """An answer to 1.4 whose product has another slope."""
    return (lambda u, v: (u[0] * v[0], slope(u, v))), gate


SLIPS = [  # exercise, wrong answer, what its hint must say
    ("1.1", line(lambda x, y, dx, dy: (x * y).sum() / (x * x).sum(), right_b), "through the origin"),
    ("1.1", line(lambda x, y, dx, dy: (dx * dy).sum(), right_b), "Divide the upper sum"),
    ("1.1", line(lambda x, y, dx, dy: (dx * dx).sum() / (dx * dy).sum(), right_b), "upside down"),
    ("1.1", line(lambda x, y, dx, dy: np.corrcoef(x, y)[0, 1], right_b), "the correlation"),
    ("1.1", line(lambda x, y, dx, dy: 3.0, right_b), "got 3.0000"),
    ("1.1", line(right_w, lambda x, y, w: 0.0), "b is not 0"),
    ("1.1", line(right_w, lambda x, y, w: y.mean()), "the mean of y"),
    ("1.1", line(right_w, lambda x, y, w: w * x.mean() - y.mean()), "turned round"),
    ("1.1", line(right_w, lambda x, y, w: y[0] - w * x[0]), "first point"),
    ("1.1", line(right_w, lambda x, y, w: 7.0), "got 7.0000"),
    ("1.2", lambda n: (sum(n[1:]), weights(n)), "Weights first"),
    ("1.2", lambda n: (weights(n) + sum(n[1:]), sum(n[1:])), "counts the biases too"),
    ("1.2", lambda n: (weights(n), sum(n)), "Inputs are given"),
    ("1.2", lambda n: (weights(n), sum(n[1:-1])), "the last layer"),
    ("1.2", lambda n: (weights(n), len(n) - 1), "number of layers"),
    ("1.2", lambda n: (int(np.prod(n)), sum(n[1:])), "Neighbouring layers"),
    ("1.2", lambda n: (weights(n) + 1, sum(n[1:])), "should be (6, 2), got (7, 2)"),
    ("1.3", neurons((1, -2), b=(0, 0)), "nothing bends"),
    ("1.3", neurons((-1, 2), c=1.0), "Turned round"),
    ("1.3", neurons((1, -1)), "That is OR"),
    ("1.3", neurons((0, 1)), "That is AND"),
    ("1.3", neurons((1, -3)), "it says [ 0.  1.  1. -1.]"),
    ("1.3", neurons((1, -2, 0)), "The shapes of W, b, v, c"),
    ("1.4", ticket(lambda u, v: u[1] * v[1]), "not the product of the slopes"),
    ("1.4", ticket(lambda u, v: u[1] + v[1]), "slope of a sum"),
    ("1.4", ticket(lambda u, v: u[1] * v[0] - u[0] * v[1]), "the product rule adds"),
    ("1.4", ticket(lambda u, v: u[1] * v[0]), "Only u moves"),
    ("1.4", ticket(lambda u, v: u[0] * v[1]), "Only v moves"),
    ("1.4", ticket(lambda u, v: u[0] * v[1] - u[1] * v[0]), "goes with the value of the other"),
    ("1.4", (lambda u, v: (u[0] + v[0], 1), gate), "product of the values"),
    ("1.4", (product, lambda u: (max(u[0], 0), max(u[1], 0))), "nothing moves any more"),
    ("1.4", (product, lambda u: u if min(u) > 0 else (max(u[0], 0), 0)), "a slope may be negative"),
    ("1.4", (product, lambda u: (max(u[0], 0), float(u[0] > 0))), "slope of ReLU itself"),
    ("1.4", (product, lambda u: u), "relu((-2.0, 3.0)) should be (0.0, 0.0), got (-2.0, 3.0)."),
]

RIGHT = [
    ("1.1", lambda x, y: np.polyfit(x, y, 1)),
    ("1.2", lambda n: (weights(n), sum(n) - n[0])),
    ("1.3", neurons((1, 1), b=(0, 0), W=((1, -1), (-1, 1)))),  # |x₁ − x₂|
    ("1.4", (product, lambda u: (u[0] * (u[0] > 0), u[1] * (u[0] > 0)))),
]
