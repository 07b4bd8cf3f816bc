"""Checkers of chapter 1: the usual slips stand beside the right answer, so that a hint can name them."""

import numpy as np

# --- 1.1: a line with its bias ---


def check_1_1(answer):
    """Take a function (x, y) -> (w, b) of the least-squares line."""
    x, y = np.array([1.0, 2, 4, 7, 11]), np.array([3.0, 1, 4, 1, 5])
    w, b = (float(part) for part in answer(x.copy(), y.copy()))
    right_w, right_b = _line(x, y)
    slips = {
        (x * y).sum()
        / (x**2).sum(): "That is the w of the best line through the origin: centre x and y first.",
        right_w * ((x - x.mean()) ** 2).sum(): "Divide the upper sum of (1.2) by the lower one.",
        1 / right_w: "The quotient is upside down.",
        np.corrcoef(x, y)[0, 1]: "That is the correlation: below stands the sum of squares of x alone.",
    }
    if not np.isclose(w, right_w):
        hint = next((h for slip, h in slips.items() if np.isclose(w, slip)), "")
        return f"For x = {x} and y = {y} it should be w = {right_w:.4f}, got {w:.4f}. {hint}".rstrip()
    return None if np.isclose(b, right_b) else _slip_1_1(b, x, y, w)


def _line(x, y):
    """Slope and intercept of the least-squares line by the pseudo-inverse, not by (1.2)."""
    return np.linalg.pinv(np.stack([x, np.ones_like(x)], 1)) @ y


def _slip_1_1(b, x, y, w):
    """Name the slip in a bias whose w is right."""
    slips = {
        0.0: "b is not 0: the line has to pass through the mean of the points.",
        y.mean(): "That is the mean of y, which w times the mean of x has still to be taken from.",
        w * x.mean() - y.mean(): "The sign of b is turned round.",
        y[0] - w * x[0]: "That line passes through the first point; it should pass through the mean of all.",
    }
    hint = next((h for slip, h in slips.items() if np.isclose(b, slip)), "")
    return f"w is right; b should be {y.mean() - w * x.mean():.4f}, got {b:.4f}. {hint}".rstrip()


# --- 1.2: how many weights, how many biases ---


def check_1_2(answer):
    """Take a function widths -> (weights, biases)."""
    for widths in ((3, 2), (784, 256, 128, 64, 10), (5, 4, 4, 2)):
        got = tuple(int(part) for part in answer(widths))
        pairs = list(zip(widths, widths[1:], strict=False))
        right = sum(n * m for n, m in pairs), sum(widths[1:])
        if got != right:
            return f"count({widths}) should be {right}, got {got}. {_slip_1_2(got, widths, right)}".rstrip()
    return None


def _slip_1_2(got, widths, right):
    """Name the slip in a count."""
    slips = {
        (right[1], right[0]): "Weights first, biases second.",
        (sum(right), right[1]): "The first number counts the biases too.",
        (right[0], sum(widths)): "Inputs are given, not computed: they have no bias.",
        (right[0], sum(widths[1:-1])): "The neurons of the last layer have a bias, too.",
        (right[0], len(widths) - 1): "That is the number of layers; every neuron has a bias of its own.",
        (
            int(np.prod(widths)),
            right[1],
        ): "Neighbouring layers are joined, not all with all: add products of pairs.",
    }
    return slips.get(got, "")


# --- 1.3: XOR from two neurons ---


def check_1_3(answer):
    """Take a function () -> (W, b, v, c) of two ReLU neurons and an output that together are XOR."""
    W, b, v, c = (np.asarray(part, float) for part in answer())
    shapes = W.shape, b.shape, v.shape, c.shape
    if shapes != ((2, 2), (2,), (2,), ()):
        return f"The shapes of W, b, v, c should be (2, 2), (2,), (2,) and (), got {shapes}."
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    z = x @ W.T + b
    said = np.maximum(z, 0) @ v + c
    if np.allclose(said, y):
        return None
    if np.allclose(z @ v + c, y) or (z >= 0).all():
        return f"No neuron is ever below 0, so nothing bends: XOR would be a line. It says {said.round(2)}."
    if np.allclose(1 - said, y):
        return "Turned round: it is 1 where XOR is 0."
    if np.allclose(said, [0, 1, 1, 1]):
        return "That is OR. What has to be taken away where both inputs are 1?"
    if np.allclose(said, [0, 0, 0, 1]):
        return "That is AND. It is the part that has to be taken away from the sum of the inputs, twice."
    return f"For (0,0), (0,1), (1,0), (1,1) it says {said.round(2)}; asked for is {y}."


# --- 1.4: numbers that carry their slope ---


def check_1_4(answer):
    """Take (times, relu), both on pairs (value, slope)."""
    times, relu = answer
    u, v = (2.0, 3.0), (5.0, -7.0)
    got, right = tuple(map(float, times(u, v))), (10.0, 1.0)
    if not np.allclose(got, right):
        return f"times({u}, {v}) should be {right}, got {got}. {_slip_times(got)}".rstrip()
    for pair, right in (((2.0, 3.0), (2.0, 3.0)), ((-2.0, 3.0), (0.0, 0.0)), ((2.0, -3.0), (2.0, -3.0))):
        got = tuple(map(float, relu(pair)))
        if not np.allclose(got, right):
            return f"relu({pair}) should be {right}, got {got}. {_slip_relu(got, pair)}".rstrip()
    return None


def _slip_times(got):
    """Name the slip in a product of (2, 3) and (5, −7)."""
    slips = {
        -21.0: "The slope of a product is not the product of the slopes.",
        -4.0: "That is the slope of a sum.",
        29.0: "A sign: the product rule adds.",
        15.0: "Only u moves in that; v moves, too.",
        -14.0: "Only v moves in that; u moves, too.",
        -29.0: "Each slope goes with the value of the other factor, and the two are added.",
    }
    return slips.get(got[1], "") if got[0] == 10 else "The value is the product of the values."


def _slip_relu(got, pair):
    """Name the slip in a ReLU of a pair."""
    if np.allclose(got, (0, pair[1])):
        return "Where the value is cut off, nothing moves any more: the slope is 0."
    if np.allclose(got, (max(pair[0], 0), max(pair[1], 0))):
        return "The value decides whether the slope passes; a slope may be negative."
    if np.allclose(got, (max(pair[0], 0), float(pair[0] > 0))):
        return "That is the slope of ReLU itself; it multiplies the slope that comes in."
    return ""
