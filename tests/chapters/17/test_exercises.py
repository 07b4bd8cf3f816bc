"""The checkers of chapter 17: the usual slips are refused, each with its own hint."""

import numpy as np


def rounded(
    row, bits, steps=lambda bits: 2 ** (bits - 1) - 1, largest=lambda row: np.abs(row).max(), to=np.round
):
    """The answer to 17.1, or one with another step."""
    step = largest(row) / steps(bits)
    return to(row / step) * step


def tonnes(hours, watts, overhead, grid, unit=1e6):
    """The answer to 17.2, or one in another unit."""
    return hours * watts / 1000 * overhead * grid / unit


def shortened(g, clip):
    return g * np.minimum(1, clip / np.linalg.norm(g, axis=1, keepdims=True))


def private(change=shortened, loud=lambda clip, noise, B: clip * noise, share=len):
    """The answer to 17.3, or one with a slip."""

    def step(g, clip, noise, xi):
        return (change(g, clip).sum(0) + loud(clip, noise, len(g)) * xi) / share(g)

    return step


def late(g, clip, noise, xi):
    mean = g.mean(0)
    return mean * min(1, clip / np.linalg.norm(mean)) + clip * noise * xi / len(g)


def given(p, labels):
    return p[np.arange(len(labels)), labels]


SLIPS = [
    ("17.1", lambda row, bits: row[:-1], "has the shape of the row"),
    ("17.1", lambda row, bits: np.round(row / np.abs(row).max() * (2 ** (bits - 1) - 1)), "times the step"),
    ("17.1", lambda row, bits: rounded(row, bits, lambda bits: 2**bits - 1), "One bit is the sign"),
    ("17.1", lambda row, bits: rounded(row, bits, lambda bits: 2 ** (bits - 1)), "one less than that"),
    ("17.1", lambda row, bits: rounded(row, bits, to=np.trunc), "To the nearest"),
    ("17.1", lambda row, bits: rounded(row, bits, largest=np.ptp), "largest absolute value"),
    ("17.1", np.round, "decimal places"),
    ("17.1", lambda row, bits: 2 * row, "With 8 bits it should be"),
    ("17.2", lambda *plan: tonnes(*plan, unit=1e3), "a thousand times too large"),
    ("17.2", lambda *plan: tonnes(*plan, unit=1), "Those are grams"),
    ("17.2", lambda h, w, pue, grid: tonnes(h, w, 1, grid), "The data centre's own share is missing"),
    ("17.2", lambda h, w, pue, grid: tonnes(h, w, 1 / pue, grid), "needs more power than its devices"),
    ("17.2", lambda h, w, pue, grid: tonnes(h, w, 1 + pue, grid), "already counts the devices"),
    ("17.2", lambda h, w, pue, grid: h * w / 1000 * pue, "Those are kilowatt-hours"),
    ("17.2", lambda h, w, pue, grid: 12.0, "it should be 360 tonnes"),
    ("17.3", lambda g, clip, noise, xi: g, "has the shape of one gradient"),
    ("17.3", private(lambda g, clip: g), "have not been clipped"),
    ("17.3", private(loud=lambda clip, noise, B: 0), "The noise is missing"),
    ("17.3", private(loud=lambda clip, noise, B: clip * noise * B), "The noise is added once, to the sum"),
    ("17.3", private(loud=lambda clip, noise, B: noise), "The noise is measured in clipping norms"),
    ("17.3", private(share=lambda g: 1), "That is the sum"),
    ("17.3", late, "Clip each gradient, then add"),
    ("17.3", private(lambda g, clip: np.clip(g, -clip, clip)), "Clip the length of a gradient"),
    (
        "17.3",
        private(lambda g, clip: clip * g / np.linalg.norm(g, axis=1, keepdims=True)),
        "A short gradient stays as it is",
    ),
    ("17.3", lambda g, clip, noise, xi: xi, "It should be"),
    ("17.4", lambda p, labels, k: given(p, labels).argsort(), "k rows are asked for"),
    ("17.4", lambda p, labels, k: given(p, labels).argsort()[::-1][:k], "believes most"),
    ("17.4", lambda p, labels, k: given(p, labels).argsort()[:k][::-1], "the worst first"),
    ("17.4", lambda p, labels, k: p.max(1).argsort()[:k], "unsure of everything"),
    ("17.4", lambda p, labels, k: p.max(1).argsort()[::-1][:k], "Look at the probability of the given label"),
    ("17.4", lambda p, labels, k: p[:, labels[0]].argsort()[:k], "its own label"),
    ("17.4", lambda p, labels, k: np.sort(given(p, labels))[:k], "Those are the probabilities"),
    ("17.4", lambda p, labels, k: np.arange(k), "It should be rows"),
]
RIGHT = [
    ("17.1", rounded),
    ("17.2", tonnes),
    ("17.3", private()),
    ("17.4", lambda p, labels, k: sorted(range(len(labels)), key=lambda row: p[row, labels[row]])[:k]),
]
