"""Chapter 1: one neuron without an activation learns to turn degrees Celsius into degrees Fahrenheit."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

CELSIUS = np.arange(-20.0, 101, 20)  # seven thermometers
WEIGHT, BIAS = 1.8, 32.0  # °F = 1.8 °C + 32
FAHRENHEIT = WEIGHT * CELSIUS + BIAS
SLIDERS = (
    Slider("w", readable(np.linspace(-1, 4, 101), 4)),
    Slider("b", readable(np.linspace(-40, 80, 61), 4)),
)
WINDOW = np.array([-40.0, 120.0])  # the line is drawn beyond the picture's edges
HIGHEST = 6000.0


def neuron(w=1.0, b=0.0, shown=None):
    """Open the explorer of one neuron, w·c + b for a temperature c: w from −1 to 4, b from −40 to 80.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(neuron, compute, SLIDERS, w=w, b=b, shown=shown)


def mean_squared_error(w, b):
    """Mean over the seven temperatures of (w c + b − °F)², w and b of any shape."""
    errors = np.asarray(w)[..., None] * CELSIUS + np.asarray(b)[..., None] - FAHRENHEIT
    return (errors**2).mean(-1)


def best_weight(b):
    """Return the weight with the smallest mean squared error for a bias: Σ c (°F − b) / Σ c²."""
    return CELSIUS @ (FAHRENHEIT - b) / (CELSIUS @ CELSIUS)


def compute(w, b):
    """Compute the neuron's line, its errors at seven temperatures, and the mean squared error over w.

    Parameters
    ----------
    w, b : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    line = w[..., None] * WINDOW + b[..., None]
    said = w[..., None] * CELSIUS + b[..., None]
    truth = np.broadcast_to(FAHRENHEIT, said.shape)
    loss, axis = mean_squared_error(w, b), SLIDERS[0].values
    series = [
        Series("Errors", 0, shapes.bars(truth, CELSIUS, 0, said), fill=True),
        Series("Neuron", 0, shapes.points(WINDOW, line)),
        Series("Loss", 1, shapes.points(axis, mean_squared_error(axis, b.T))[None]),
        Series("Neuron", 1, shapes.dot(w, loss)),
    ]
    boiling = np.round(100 * w + b, 6) + 0.0  # no −0
    return View("neuron", stage, series, Sentence("says", w=w, b=b, boiling=boiling, loss=loss.round(6)))


def stage(figure, theme, words):
    """Seven temperatures on both scales on the left, the mean squared error against w on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(4, 3))
    grey = {"color": palette.TEXT[theme]}
    left.plot(CELSIUS, FAHRENHEIT, "*", markersize=10, **grey)
    left.set(xlim=(-30, 110), ylim=(-60, 260), xlabel=words["celsius"], ylabel=words["fahrenheit"])
    left.axhline(0, linewidth=0.6, **grey)
    left.axvline(0, linewidth=0.6, **grey)
    right.set(xlim=(-1.05, 4.05), ylim=(-0.03 * HIGHEST, HIGHEST), xlabel=words["weight"])
    right.set_title(words["loss"], fontsize=10)
    left.set_title(words["line"], fontsize=10)
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
