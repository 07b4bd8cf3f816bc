"""Chapter 6: what the shift and the scale of an input do to the loss of a line, and to gradient descent."""

from functools import partial

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import optim, trajectories

RAW = np.array([1.0, 2, 3, 5, 6, 8, 9, 11, 12, 13])
POINTS = (
    RAW - RAW.mean()
) / RAW.std()  # mean 0, deviation 1: then `shift` is the mean, `scale` the deviation
Y = np.array([0.6, 0.0, 1.0, 0.9, 1.6, 1.4, 2.3, 1.9, 2.9, 2.4])
SLIDERS = (
    Slider("shift", readable(np.linspace(-2, 2, 81))),
    Slider("scale", readable(np.geomspace(1 / 3, 3, 31))),
)
STEPS, EARLY = 40, 10
LEVELS = (1, 1 / 4, 1 / 16)  # of the loss above the best line's, in parts of that at the start


def inputs(shift=0.0, scale=1.0, shown=None, step=None):
    """Open the explorer of a line fitted to ten points: inputs shifted by −2 to 2, scaled by ⅓ to 3.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(inputs, compute, SLIDERS, shift=shift, scale=scale, shown=shown, step=step)


def loss(theta, x):
    """Mean squared error of the line w x + b, (…, 2) and (…, N) to (…)."""
    return ((Y - theta[..., :1] * x - theta[..., 1:]) ** 2).mean(-1)


def gradient(theta, x):
    """Return the derivatives of `loss` with respect to w and b, (…, 2)."""
    residual = Y - theta[..., :1] * x - theta[..., 1:]
    return -2 * np.stack([(x * residual).mean(-1), residual.mean(-1)], -1)


def curvature(x):
    """Return the second derivatives of `loss`, (…, N) to (…, 2, 2)."""
    rows = np.stack([x, np.ones_like(x)], -2)
    return 2 / x.shape[-1] * rows @ rows.swapaxes(-1, -2)


def best(x):
    """Return w and b of the line with the least loss, (…, N) to (…, 2)."""
    start = np.zeros((*x.shape[:-1], 2))
    return -np.linalg.solve(curvature(x), gradient(start, x)[..., None])[..., 0]


def compute(shift, scale):
    """Run gradient descent at its best rate for every shift and scale of the inputs.

    Parameters
    ----------
    shift, scale : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    x = scale[..., None] * POINTS + shift[..., None]
    minimum, (curvatures, axes) = best(x), np.linalg.eigh(curvature(x))
    low, high = np.moveaxis(curvatures, -1, 0)
    rule = partial(optim.gd, lr=2 / (low + high)[..., None])
    path = trajectories.run(rule, lambda theta: gradient(theta, x), np.zeros_like(minimum), STEPS)
    above = loss(path, x) - loss(minimum, x)
    series = [Series("Data", 0, shapes.dot(x[..., i], y)) for i, y in enumerate(Y)]
    for key, (w, b) in {"Best line": minimum.T, "GD after 10 steps": path[EARLY].T}.items():
        series.append(Series(key, 0, shapes.points(WINDOW, w.T[..., None] * WINDOW + b.T[..., None])))
    series += [Series("Level lines", 1, ellipse(minimum, curvatures, axes, c * above[0])) for c in LEVELS]
    series.append(Series("GD", 1, np.moveaxis(path, 0, -2), scrub=True))
    curve = shapes.points(np.arange(STEPS + 1.0), np.moveaxis(above, 0, -1))
    series.append(Series("GD", 2, curve, scrub=True))
    return View("inputs", stage, series, sentence(low, high))


WINDOW = np.array([-7.0, 7.0])


def ellipse(middle, curvatures, axes, height):
    """Draw where the loss is `height` above its minimum, a quadratic bowl's level line, (…, n, 2)."""
    angle = np.linspace(0, 2 * np.pi, 49)
    round_ = np.stack([np.cos(angle), np.sin(angle)], -1)
    half = np.sqrt(2 * height[..., None] / curvatures)
    return middle[..., None, :] + (round_ * half[..., None, :]) @ axes.swapaxes(-1, -2)


def sentence(low, high):
    """Say both curvatures, their quotient, and how fast gradient descent is at its best rate."""
    kappa = high / low
    rho = (kappa - 1) / (kappa + 1)
    with np.errstate(divide="ignore"):
        digit = np.ceil(np.log(10) / -np.log(rho.round(9)))
    which = np.where(rho < 1e-9, "lands", np.where(digit == 1, "one", "says"))
    return Sentence(which, low=low, high=high, kappa=kappa, rho=rho, digit=digit)


def stage(figure, theme, words):
    """Points and lines on the left, the plane of w and b in the middle, the loss by step on the right."""
    line, plane, curve = figure.subplots(1, 3, width_ratios=(1.15, 0.8, 1))
    line.set(xlim=WINDOW, ylim=(-1.5, 4.5), xlabel=words["x"], ylabel="y")
    plane.set(xlim=(-2.2, 4.2), ylim=(-5.5, 8), xlabel="w", ylabel="b", aspect="equal")
    curve.set(xlim=(-1, STEPS + 1), ylim=(1e-7, 10), yscale="log", xlabel=words["step"])
    curve.set_ylabel(words["above"])
    line.set_xticks((-5, 0, 5))
    for ax in (line, plane, curve):
        palette.tint(ax, theme)
    return [line, plane, curve]
