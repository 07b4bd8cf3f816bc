"""The exercises of chapter 4: the usual slips each get their own hint."""

import matplotlib
import numpy as np
import pytest

from losslab.exercises import verdict
from losslab.formulas import backprop


@pytest.fixture
def names(cells):
    """What the set-up cell defines."""
    found = {}
    with matplotlib.rc_context():
        exec(cells["setup"], found)
    return found


def test_the_planted_mistake_is_where_the_solution_says(cells, names):
    exec(cells["planted-4-4"], names)
    assert "still the planted mistake" in verdict("4.4", names["mistaken"])
    rng = np.random.default_rng(3)
    W1, W2, x, y = (rng.normal(size=shape) for shape in ((4, 3), (2, 4), 3, 2))
    first, second = names["mistaken"](W1, W2, x, y)
    loss = lambda W1, W2: 0.5 * ((W2 @ np.tanh(W1 @ x) - y) ** 2).sum()  # noqa: E731
    assert backprop.check(lambda W: loss(W, W2), W1, first).error > 0.01
    assert backprop.check(lambda W: loss(W1, W), W2, second).error < 1e-8
    small = 1e-3 * x  # where the mistake hides
    first, _ = names["mistaken"](W1, W2, small, y)
    assert backprop.check(lambda W: 0.5 * ((W2 @ np.tanh(W @ small) - y) ** 2).sum(), W1, first).error < 1e-6


def softmax(z):
    p = np.exp(z - z.max())
    return p / p.sum()


def delta(combine):
    return lambda z, label: combine(softmax(z), np.eye(len(z))[label])


def overflowing(z, label):
    with np.errstate(all="ignore"):
        return np.exp(z) / np.exp(z).sum() - np.eye(len(z))[label]


def one_back(slope, take=lambda W: W.T):
    return lambda W, delta, z: (take(W) @ delta) * slope(z)


def right_slope(z):
    return 1 - np.tanh(z) ** 2


def slopes(first=right_slope, second=1.0):
    """An answer to 4.4 with another slope of tanh, or other slopes of W₂."""

    def answer(W1, W2, x, y):
        z = W1 @ x
        miss = W2 @ np.tanh(z) - y
        return np.outer((W2.T @ miss) * first(z), x), second * np.outer(miss, np.tanh(z))

    return answer


SLIPS = [  # exercise, wrong answer, what its hint must say
    ("4.1", delta(lambda p, y: y - p), "The sign"),
    ("4.1", delta(lambda p, y: p), "still to be taken away"),
    ("4.1", delta(lambda p, y: -y * (1 - p)), "F3 read number by number"),
    ("4.1", delta(lambda p, y: -y / p), "That is ∂ℒ/∂p"),
    ("4.1", delta(lambda p, y: p * (1 - p)), "the diagonal"),
    ("4.1", delta(lambda p, y: (p - y) / len(p)), "K classes are not K samples"),
    ("4.1", delta(lambda p, y: p * (1 - p) * (p - y)), "squared error"),
    ("4.1", delta(lambda p, y: p - 0.5 * y), "it should be [ 0.225"),
    ("4.1", overflowing, "subtract the largest logit first"),
    ("4.1", lambda z, label: softmax(z)[label] - 1, "got shape ()"),
    ("4.2", one_back(right_slope, lambda W: W), "W would take it forward"),
    ("4.2", one_back(lambda z: 1.0), "φ'(z) is missing"),
    ("4.2", one_back(np.tanh), "the activation; its derivative is asked for"),
    ("4.2", one_back(lambda z: 1 - z**2), "not 1 − z²"),
    ("4.2", one_back(lambda z: 1 - np.tanh(z)), "the square is missing"),
    ("4.2", one_back(lambda z: z > 0), "ReLU's derivative"),
    ("4.2", one_back(lambda z: 1 - np.tanh(np.tanh(z)) ** 2), "tanh twice"),
    ("4.2", one_back(lambda z: 2 * right_slope(z)), "the first number should be"),
    ("4.2", lambda W, delta, z: np.outer(delta, z), "yours has the shape"),
    ("4.3", lambda d, a: (d.T @ a / len(a), d), "Every sample moves the same bias"),
    ("4.3", lambda d, a: (d.T @ a / len(a), d.sum(0)), "∂ℒ/∂b: the mean is missing"),
    ("4.3", lambda d, a: (d.T @ a / len(a), d.mean(1)), "Along which axis"),
    ("4.3", lambda d, a: (d.T @ a / len(a), d[0]), "all 6 count"),
    ("4.3", lambda d, a: (d.T @ a / len(a), -d.mean(0)), "∂ℒ/∂b begins with"),
    ("4.3", lambda d, a: (d.T @ a, d.sum(0)), "∂ℒ/∂W: the mean is missing"),
    ("4.3", lambda d, a: (a.T @ d / len(a), d.mean(0)), "lies on its side"),
    ("4.3", lambda d, a: (np.outer(d.mean(0), a.mean(0)), d.mean(0)), "mean of the products"),
    ("4.3", lambda d, a: (d[:, :, None] * a[:, None, :], d.mean(0)), "yours is (6, 3, 2)"),
    ("4.3", lambda d, a: (d.T @ a / 3, d.mean(0)), "∂ℒ/∂W begins with"),
    ("4.4", slopes(lambda z: 1 - z**2), "still the planted mistake"),
    ("4.4", slopes(lambda z: 1.0), "left φ' out"),
    ("4.4", slopes(lambda z: 1 - np.tanh(z)), "with a square"),
    ("4.4", slopes(lambda z: 1 - np.tanh(np.tanh(z)) ** 2), "do not take tanh of it again"),
    ("4.4", slopes(second=2.0), "with respect to W₂ is off: [1, 2] given"),
    ("4.4", slopes(lambda z: 3 * right_slope(z)), "with respect to W₁ is off: ["),
    ("4.4", lambda W1, W2, x, y: slopes()(W1, W2, x, y)[::-1], "W₂ has the shape (2, 4), yours (4, 3)"),
]
