"""Chapter 3: one outlier pulls at the best constant of three losses."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

MEASURED = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])  # six that stay: without the seventh, 0 is best
SLIDERS = (
    Slider("y", readable(np.linspace(-8, 8, 161))),
    Slider("delta", readable(np.geomspace(0.1, 10, 19))),
)
CONSTANTS = np.linspace(-3, 3, 61)
SAYS = {"Squared error": "squared_error", "Absolute error": "absolute_error", "Huber loss": "huber_loss"}


def outlier(y=6.0, delta=1.0, shown=None):
    """Open the explorer of an outlier y from −8 to 8 among seven measurements, and of Huber's δ.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(outlier, compute, SLIDERS, y=y, delta=delta, shown=shown)


def measurements(y):
    """Return the six measurements that stay, and y: shape (..., 7)."""
    y = np.asarray(y, float)[..., None]
    return np.concatenate([np.broadcast_to(MEASURED, (*y.shape[:-1], MEASURED.size)), y], -1)


def best_constants(y, delta):
    """Return the constant answer with the least loss, {loss: array}: mean, median and Huber's estimate.

    Parameters
    ----------
    y, delta : array_like
        The outlier, and where Huber's loss turns from a square into a straight line.
    """
    y, delta = np.broadcast_arrays(y, delta)
    seven = measurements(y)
    return {
        "Squared error": seven.mean(-1),
        "Absolute error": np.median(seven, -1),
        "Huber loss": huber_estimate(seven, delta),
    }


def huber_estimate(measured, delta):
    """Return the c at which Σ clip(c − yᵢ, −δ, δ), the derivative of Huber's loss, is 0; by bisection."""
    low, high = measured.min(-1), measured.max(-1)
    for _ in range(60):
        c = (low + high) / 2
        rises = np.clip(c[..., None] - measured, -delta[..., None], delta[..., None]).sum(-1) > 0
        low, high = np.where(rises, low, c), np.where(rises, c, high)
    return (low + high) / 2


def mean_losses(c, y, delta):
    """Return the mean loss of the constant answers c over the seven measurements, {loss: array}.

    Parameters
    ----------
    c : array, shape (..., n)
    y, delta : array, shapes (...)
    """
    error = np.asarray(c)[..., None] - measurements(y)[..., None, :]
    delta = np.asarray(delta, float)[..., None, None]
    near = np.clip(error, -delta, delta)
    return {
        "Squared error": (error**2).mean(-1),
        "Absolute error": np.abs(error).mean(-1),
        "Huber loss": (near * (error - near / 2)).mean(-1),
    }


def compute(y, delta):
    """Three best constants, and three losses over the constant, each above its own minimum.

    Parameters
    ----------
    y, delta : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    best, series, says = best_constants(y, delta), [Series("Outlier", 0, shapes.dot(y, 0.0))], {}
    curves = mean_losses(CONSTANTS, y, delta)
    for height, (key, c) in zip((0.4, 0.6, 0.8), best.items(), strict=True):
        least = mean_losses(c[..., None], y, delta)[key]
        series.append(Series(key, 0, shapes.points(c[..., None], [0.12, height])))
        series.append(Series(key, 1, shapes.points(CONSTANTS, curves[key] - least)))
        series.append(Series(key, 1, shapes.dot(c, 0.0)))
        says[key] = Sentence(SAYS[key], c=c.round(2) + 0.0)
    return View("outlier", stage, series, Sentence("says", y=y + 0.0), says)


def stage(figure, theme, words):
    """The measurements on the left, the losses over the constant on the right."""
    left, right = figure.subplots(1, 2)
    left.axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    left.plot(MEASURED, 0 * MEASURED, "o", color=palette.TEXT[theme], markersize=5)
    left.set(xlim=(-8.6, 8.6), ylim=(-0.25, 1.2), yticks=(), xlabel=words["measured"])
    right.set(xlim=(-3, 3), ylim=(-0.12, 3), xlabel=words["constant"], ylabel=words["loss"])
    for ax in (left, right):
        palette.tint(ax, theme)
    left.spines["left"].set_visible(False)
    return [left, right]
