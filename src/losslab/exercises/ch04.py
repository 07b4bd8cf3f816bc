"""Checkers of chapter 4."""

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import activations, backprop

# --- 4.1: δ of softmax and cross-entropy ---

LOGITS, LABEL = np.array([1.0, -0.5, 2.0, 0.3]), 3


def check_4_1(answer):
    """Take a function (z, label) -> δ = softmax(z) − one-hot, shape (K,)."""
    got = np.asarray(answer(LOGITS.copy(), LABEL), float)
    if got.shape != LOGITS.shape:
        return Sentence("shape", right=LOGITS.shape, got=got.shape)
    p, y = activations.softmax(LOGITS), np.eye(len(LOGITS))[LABEL]
    if not np.allclose(got, p - y):
        off = Sentence("off", z=LOGITS, label=LABEL, right=(p - y).round(3), got=got.round(3))
        return named(got, _slips_4_1(p, y)) or off
    with np.errstate(all="ignore"):
        large = np.asarray(answer(np.array([1000.0, 0.0, 998.0]), 0), float)
    if not np.allclose(large, activations.softmax([1000.0, 0.0, 998.0]) - [1, 0, 0]):
        return Sentence("overflow", got=large)
    return None


def _slips_4_1(p, y):
    return {
        "sign": y - p,
        "probabilities": p,
        "wrong_classes": -y * (1 - p),
        "before_softmax": -y / p,
        "jacobian": p * (1 - p),
        "averaged": (p - y) / len(p),
        "squared_error": p * (1 - p) * (p - y),
    }


# --- 4.2: the recursion for tanh ---


def check_4_2(answer):
    """Take a function (W, delta, z) -> (Wᵀ δ) ⊙ (1 − tanh² z)."""
    rng = np.random.default_rng(0)
    square = [rng.normal(size=shape) for shape in ((3, 3), 3, 3)]  # W for Wᵀ runs here, and must be caught
    for W, delta, z in (square, [rng.normal(size=shape) for shape in ((2, 4), 2, 4)]):
        got, right = np.asarray(answer(W, delta, z), float), (W.T @ delta) * (1 - np.tanh(z) ** 2)
        if got.shape != right.shape:
            return Sentence("shape", n=z.size, got=got.shape)
        if not np.allclose(got, right):
            return _slip_4_2(got, W, delta, z)
    return None


def _slip_4_2(got, W, delta, z):
    """Name what would have given this wrong δ."""
    back, a = W.T @ delta, np.tanh(z)
    slips = {
        "no_slope": back,
        "tanh_itself": back * a,
        "z_squared": back * (1 - z**2),
        "no_square": back * (1 - a),
        "relu": back * (z > 0),
        "tanh_twice": back * (1 - np.tanh(a) ** 2),
    }
    if W.shape[0] == W.shape[1]:
        slips["forward"] = (W @ delta) * (1 - a**2)
    right = back * (1 - a**2)
    return named(got, slips) or Sentence("off", shape=W.shape, right=right[0], got=got[0])


# --- 4.3: a batch ---


def check_4_3(answer):
    """Take a function (delta, a) -> (δᵀ a / N, mean of δ)."""
    rng = np.random.default_rng(0)
    delta, a = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    W, b = answer(delta, a)
    W, b = np.asarray(W, float), np.asarray(b, float)
    return _slip_4_3_weights(W, delta, a) or _slip_4_3_bias(b, delta)


def _slip_4_3_weights(W, delta, a):
    right = delta.T @ a / 6
    if W.shape == right.T.shape:
        return "weights_on_side"
    if W.shape != right.shape:
        return Sentence("weights_shape", got=W.shape)
    slips = {"weights_sum": 6 * right, "product_of_means": np.outer(delta.mean(0), a.mean(0))}
    return _first_number(W, right, slips, "∂ℒ/∂W")


def _slip_4_3_bias(b, delta):
    right = delta.mean(0)
    if b.shape == delta.shape:
        return "bias_rows"
    if b.shape != right.shape:
        return Sentence("bias_shape", got=b.shape)
    return _first_number(b, right, {"bias_sum": 6 * right, "bias_of_one": delta[0]}, "∂ℒ/∂b")


def _first_number(got, right, slips, name):
    """Return None for the right array, otherwise the slip it shows, or else its first number."""
    if np.allclose(got, right):
        return None
    return named(got, slips) or Sentence("off", name=name, right=right.flat[0], got=got.flat[0])


# --- 4.4: the planted mistake ---


def check_4_4(answer):
    """Take a function (W1, W2, x, y) -> derivatives of ½ ‖W₂ tanh(W₁ x) − y‖², judged by differences."""
    rng = np.random.default_rng(0)
    W1, W2, x, y = (rng.normal(size=shape) for shape in ((4, 3), (2, 4), 3, 2))
    first, second = answer(W1, W2, x, y)
    checks = {
        "W₂": (lambda W: 0.5 * ((W @ np.tanh(W1 @ x) - y) ** 2).sum(), W2, second),
        "W₁": (lambda W: 0.5 * ((W2 @ np.tanh(W @ x) - y) ** 2).sum(), W1, first),
    }
    for name, (f, W, g) in checks.items():
        if np.shape(g) != W.shape:
            return Sentence("shape", name=name, right=W.shape, got=np.shape(g))
        found = backprop.check(f, W, g)
        if not found.error < 1e-6:
            return _slip_4_4(name, found, first, W1, W2, x, y)
    return None


def _slip_4_4(name, found, first, W1, W2, x, y):
    z, a = W1 @ x, np.tanh(W1 @ x)
    back = W2.T @ (W2 @ a - y)
    slopes = {
        "planted": 1 - z**2,
        "no_slope": np.ones_like(z),
        "no_square": 1 - a,
        "tanh_twice": 1 - np.tanh(a) ** 2,
    }
    slips = {key: np.outer(back * slope, x) for key, slope in slopes.items()}
    slip = named(first, slips) if name == "W₁" else None
    return slip or Sentence("off", name=name, found=found)
