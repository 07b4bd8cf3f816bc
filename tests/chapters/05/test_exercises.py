"""The exercises of chapter 5: the usual slips each get their own hint."""

import numpy as np
import pytest

from losslab.exercises import ch05
from losslab.formulas import optim

pytestmark = pytest.mark.trains

# --- wrong rules, written as a reader would ---


def nesterov_up(w, g, u=0.0, *, lr, beta=0.9):
    u = beta * u + g
    return w + lr * (g + beta * u), u


def nesterov_old_velocity(w, g, u=0.0, *, lr, beta=0.9):
    step = g + beta * u
    u = beta * u + g
    return w - lr * step, u


def nesterov_keeps_the_step(w, g, u=0.0, *, lr, beta=0.9):
    u = beta * u + g
    u = g + beta * u
    return w - lr * u, u


def nesterov_average(w, g, u=0.0, *, lr, beta=0.9):
    u = beta * u + (1 - beta) * g
    return w - lr * (g + beta * u), u


def nesterov_without_memory(w, g, u=0.0, *, lr, beta=0.9):
    return w - lr * (g + beta * (beta * u + g))


def nesterov_fixed_beta(w, g, u=0.0, *, lr, beta=0.9):
    u = 0.9 * u + g
    return w - lr * (g + 0.9 * u), u


def adam_like(change):
    """AdamW with one line changed."""

    def rule(w, g, m=0.0, v=0.0, t=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.01):
        if change == "added":
            g = g + decay * w
        t = t + 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = (m, v) if change == "uncorrected" else (m / (1 - beta1**t), v / (1 - beta2**t))
        root = (v_hat + eps) ** 0.5 if change == "inside" else v_hat**0.5 + eps
        shrink = {"added": 0, "none": 0, "no lr": decay, "grow": -lr * decay}.get(change, lr * decay)
        return w - lr * m_hat / root - shrink * w, m, v, 0 if change == "clock" else t

    return rule


# --- landscapes ---


def valleys(w1, w2, tilt=0.1):
    return 0.25 * (w1**2 - 1) ** 2 + tilt * w1 + 0.5 * w2**2


SLIPS = [  # exercise, wrong answer, what its hint must say
    ("5.1", lambda k, b: 2 / k, "gradient descent's limit"),
    ("5.1", lambda k, b: 2 * (1 - b) / k, "The sign of β"),
    ("5.1", lambda k, b: 2 * (1 + b) / ((1 - b) * k), "running average's limit"),
    ("5.1", lambda k, b: (1 + b) / k, "The β is right"),
    ("5.1", lambda k, b: 2 * (1 + b) * k, "A steeper bowl needs a smaller step"),
    ("5.1", lambda k, b: 4 / k, "you return 0.08; 2(1 + β) − αλ = -0.2 there"),
    ("5.1", 0.076, "not a number"),
    ("5.2", ((0.05, 0.9), (0.05, 0.9)), "Article: with that torch steps ten times too far"),
    ("5.2", ((0.5, 0.9), (0.05, 0.9)), "Article: torch's velocity is already"),
    ("5.2", ((0.005, 0.9), (0.005, 0.9)), "Keras: there is no factor"),
    ("5.2", ((0.005, 0.9), (-0.05, 0.9)), "Keras: the minus sign"),
    ("5.2", ((0.005, 0.1), (0.05, 0.9)), "β is the same number"),
    ("5.2", ((0.9, 0.005), (0.9, 0.05)), "β is the same number"),
    ("5.2", ((0.01, 0.9), (0.05, 0.9)), "A rate of 0.01 fits no row"),
    ("5.2", (0.005, 0.05), "Each answer is a pair (lr, momentum), got 0.005"),
    ("5.3", 0.9, "A function is asked for"),
    ("5.3", optim.momentum, "plain momentum"),
    ("5.3", nesterov_up, "The sign"),
    ("5.3", nesterov_old_velocity, "plain momentum"),
    ("5.3", nesterov_keeps_the_step, "what must be remembered is u"),
    ("5.3", nesterov_average, "running average"),
    ("5.3", nesterov_without_memory, "2 values; yours returns one ndarray"),
    ("5.3", nesterov_fixed_beta, "it should be"),
    ("5.4", adam_like("none"), "the decay is missing"),
    ("5.4", adam_like("added"), "You added γ w to the gradient"),
    ("5.4", adam_like("no lr"), "multiplied by α, too"),
    ("5.4", adam_like("grow"), "The sign of the decay"),
    ("5.4", adam_like("uncorrected"), "The bias correction is missing"),
    ("5.4", adam_like("clock"), "t stands still"),
    ("5.4", adam_like("inside"), "it should be"),
    ("5.4", lambda w, g, **knobs: (w, g), "4 values; yours returns 2 values"),
    ("5.5", (2.0, valleys), "Give the function and a start"),
    ("5.5", (valleys, 2.0), "Give the function and a start"),
    ("5.5", (lambda w1, w2: 1.0, (2.0, 1.0)), "must return 3 numbers; it returns the shape ()"),
    ("5.5", (lambda w1, w2: 50 * (w1**2 + w2**2), (2.0, 1.0)), "GD leaves with α = 0.03"),
    ("5.5", (lambda w1, w2: -w1 + 0.5 * w2**2, (0.0, 1.0)), "GD is still on its way"),
    ("5.5", (lambda w1, w2: 0.5 * (w1**2 + w2**2), (2.0, 1.0)), "Both end at the same loss"),
    ("5.5", (valleys, (1.2, 1.0)), "Both end at the same loss"),
    ("5.5", (lambda w1, w2: valleys(w1, w2, -0.1), (2.0, 1.0)), "Momentum ends higher than GD"),
]


RIGHT = [
    ("5.1", lambda curvature, beta: (2 + 2 * beta) / curvature),
    ("5.2", ([0.005, 0.9], np.array([0.05, 0.9]))),
    ("5.2", ((5e-3, 0.9), (5e-2, 0.9))),
    ("5.5", (valleys, [2.0, 0.0])),
    ("5.4", adam_like("nothing")),  # what the slips vary
]


def test_nesterov_is_torchs():
    """`ch05.adamw` is compared with torch at equation (5.15)."""
    import torch

    gradients = np.random.default_rng(0).normal(size=(50, 3))
    w, memory, theirs = np.ones(3), (), torch.ones(3, dtype=torch.float64)
    stepper = torch.optim.SGD([theirs], lr=0.1, momentum=0.8, nesterov=True)
    for g in gradients:
        w, *memory = ch05.nesterov(w, g, *memory, lr=0.1, beta=0.8)
        theirs.grad = torch.tensor(g)
        stepper.step()
        np.testing.assert_allclose(w, theirs.numpy(), rtol=1e-10)
