"""Checkers of chapter 4: the usual slips stand beside the right answer, so that a hint can name them."""

import numpy as np

from losslab.formulas import activations, backprop

# --- 4.1: δ of softmax and cross-entropy ---

LOGITS, LABEL = np.array([1.0, -0.5, 2.0, 0.3]), 3


def one_hot(label, K):
    """The row of the identity that has its 1 at `label`."""
    return np.eye(K)[label]


DELTAS = [
    (lambda p, y: p - y, None),
    (lambda p, y: y - p, "The sign: a class that gets too much must be pushed down, so its δ is positive."),
    (lambda p, y: p, "Those are the probabilities. What was true is still to be taken away."),
    (lambda p, y: -y * (1 - p), "That is F3 read number by number: the wrong classes hear nothing."),
    (lambda p, y: -y / p, "That is ∂L/∂p. It has still to go back through softmax."),
    (lambda p, y: p * (1 - p), "That is the diagonal of softmax's Jacobian, without the loss."),
    (lambda p, y: (p - y) / len(p), "K classes are not K samples: nothing is to be averaged here."),
    (lambda p, y: p * (1 - p) * (p - y), "That is for a squared error of elementwise outputs."),
]


def check_4_1(answer):
    """Take a function (z, label) -> δ = softmax(z) − one-hot, shape (K,)."""
    got = np.asarray(answer(LOGITS.copy(), LABEL), float)
    if got.shape != LOGITS.shape:
        return f"One number per class is asked for, shape {LOGITS.shape}; got shape {got.shape}."
    p, y = activations.softmax(LOGITS), one_hot(LABEL, len(LOGITS))
    for slip, hint in DELTAS[1:]:
        if np.allclose(got, slip(p, y)):
            return hint
    if not np.allclose(got, p - y):
        return f"For z = {LOGITS} and label {LABEL} it should be {(p - y).round(3)}, got {got.round(3)}."
    with np.errstate(all="ignore"):
        large = np.asarray(answer(np.array([1000.0, 0.0, 998.0]), 0), float)
    if not np.allclose(large, activations.softmax([1000.0, 0.0, 998.0]) - [1, 0, 0]):
        return f"Right, but for z = (1000, 0, 998) it gives {large}: subtract the largest logit first."
    return None


# --- 4.2: the recursion for tanh ---


def check_4_2(answer):
    """Take a function (W, delta, z) -> (Wᵀ δ) ⊙ (1 − tanh² z)."""
    rng = np.random.default_rng(0)
    square = [rng.normal(size=shape) for shape in ((3, 3), 3, 3)]  # W for Wᵀ runs here, and must be found
    for W, delta, z in (square, [rng.normal(size=shape) for shape in ((2, 4), 2, 4)]):
        got, right = np.asarray(answer(W, delta, z), float), (W.T @ delta) * (1 - np.tanh(z) ** 2)
        if got.shape != right.shape:
            return f"z has {z.size} numbers, so has δ; yours has the shape {got.shape}."
        if not np.allclose(got, right):
            return _slip_4_2(got, W, delta, z)
    return None


def _slip_4_2(got, W, delta, z):
    """Name what would have given this wrong δ."""
    back, a = W.T @ delta, np.tanh(z)
    slips = {
        "σ'(z) is missing: the error still has to pass the activation.": back,
        "That multiplies by tanh(z), the activation; its slope is asked for.": back * a,
        "tanh' is 1 − tanh(z)², not 1 − z².": back * (1 - z**2),
        "tanh' is 1 − tanh(z)²: the square is missing.": back * (1 - a),
        "That is ReLU's slope; this layer has tanh.": back * (z > 0),
        "z is the pre-activation: you take tanh twice.": back * (1 - np.tanh(a) ** 2),
    }
    if W.shape[0] == W.shape[1]:
        slips["Wᵀ takes δ back; W would take it forward."] = (W @ delta) * (1 - a**2)
    for hint, slip in slips.items():
        if np.allclose(got, slip):
            return hint
    return f"For W {W.shape} the first number should be {(back * (1 - a**2))[0]:.4f}, got {got[0]:.4f}."


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
        return "∂L/∂W has the shape of W, (neurons, inputs) = (3, 2): yours lies on its side."
    if W.shape != right.shape:
        return f"∂L/∂W has the shape of W, here (3, 2); yours is {W.shape}."
    slips = {
        "∂L/∂W: the mean is missing, this is the sum over the 6 samples.": 6 * right,
        "∂L/∂W: that is the product of two means; (4.8) wants the mean of the products.": np.outer(
            delta.mean(0), a.mean(0)
        ),
    }
    return _hint(W, right, slips, "∂L/∂W")


def _slip_4_3_bias(b, delta):
    right = delta.mean(0)
    if b.shape == delta.shape:
        return "∂L/∂b: one row per sample. Every sample moves the same bias, so they must be averaged."
    if b.shape != right.shape:
        return f"∂L/∂b has the shape of b, here (3,); yours is {b.shape}. Along which axis are the samples?"
    slips = {
        "∂L/∂b: the mean is missing, this is the sum over the 6 samples.": 6 * right,
        "∂L/∂b: that is one sample's δ; all 6 count.": delta[0],
    }
    return _hint(b, right, slips, "∂L/∂b")


def _hint(got, right, slips, name):
    """None for the right array, else the slip that it is, else the first number that is off."""
    if np.allclose(got, right):
        return None
    near = [hint for hint, slip in slips.items() if np.allclose(got, slip)]
    return near[0] if near else f"{name} begins with {right.flat[0]:.4f}, yours with {got.flat[0]:.4f}."


# --- 4.4: the planted mistake ---


def check_4_4(answer):
    """Take a function (W1, W2, x, y) -> slopes of ½ ‖W₂ tanh(W₁ x) − y‖², judged by differences."""
    rng = np.random.default_rng(0)
    W1, W2, x, y = (rng.normal(size=shape) for shape in ((4, 3), (2, 4), 3, 2))
    first, second = answer(W1, W2, x, y)
    checks = {
        "W₂": (lambda W: 0.5 * ((W @ np.tanh(W1 @ x) - y) ** 2).sum(), W2, second),
        "W₁": (lambda W: 0.5 * ((W2 @ np.tanh(W @ x) - y) ** 2).sum(), W1, first),
    }
    for name, (f, W, g) in checks.items():
        if np.shape(g) != W.shape:
            return f"The slopes of {name} have the shape {W.shape}, yours {np.shape(g)}."
        found = backprop.check(f, W, g)
        if not found.error < 1e-6:
            return _slip_4_4(name, found, first, W1, W2, x, y)
    return None


def _slip_4_4(name, found, first, W1, W2, x, y):
    z, a = W1 @ x, np.tanh(W1 @ x)
    back = W2.T @ (W2 @ a - y)
    slips = {
        "That is still the planted mistake. At which argument does tanh have the slope 1 − z²?": 1 - z**2,
        "You have left σ' out altogether.": np.ones_like(z),
        "Almost: the slope of tanh is 1 − a², with a square.": 1 - a,
        "a is tanh(z) already; do not take tanh of it again.": 1 - np.tanh(a) ** 2,
    }
    if name == "W₁":
        for hint, slope in slips.items():
            if np.allclose(first, np.outer(back * slope, x)):
                return hint
    return f"The slopes of {name} are off: {found}."
