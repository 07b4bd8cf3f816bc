"""Chapter 1: the slope of a parabola under the microscope."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

SLIDERS = (
    Slider("h", readable(np.geomspace(1e-16, 1, 65))),
    Slider("w", readable(np.linspace(-1, 2, 31), 4)),
)
OFFSETS = np.linspace(-1, 1, 401)  # in units of h
FLOOR = 1e-17  # an error of exactly 0 is drawn here


def microscope(h=1e-5, w=0.0, shown=None):
    """Open the microscope on L(w) = (3 − 2w)²: step sizes from 1e-16 to 1, w from −1 to 2.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(microscope, compute, SLIDERS, h=h, w=w, shown=shown)


def loss(w):
    """L(w) = (3 − 2w)², the loss of the article's worked example, x = 2 and y = 3."""
    return (3 - 2 * w) ** 2


def slope(w):
    """Its derivative −4 (3 − 2w), which autodiff finds without any h."""
    return -4 * (3 - 2 * w)


def forward_difference(w, h):
    """(L(w + h) − L(w)) / h, as floating-point arithmetic computes it."""
    return (loss(w + h) - loss(w)) / h


def central_difference(w, h):
    """(L(w + h) − L(w − h)) / 2h, which on a parabola has only rounding errors."""
    return (loss(w + h) - loss(w - h)) / (2 * h)


def compute(h, w):
    """Look at the loss around w with both axes magnified 1/h times, and at the error for every h.

    Parameters
    ----------
    h, w : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    s, found = OFFSETS, forward_difference(w, h)
    seen = (loss(w[..., None] + s * h[..., None]) - loss(w)[..., None]) / h[..., None]
    ends, right = s[[0, -1]], s[[200, 400]]
    series = [
        Series("The loss as computed", 0, points(s, seen)),
        Series("Slope by autodiff", 0, points(ends, slope(w)[..., None] * ends)),
        Series("Forward differences", 0, points(right, found[..., None] * right)),
    ]
    errors = {"Forward differences": forward_difference, "Central differences": central_difference}
    for key, difference in errors.items():
        error = np.maximum(np.abs(difference(w.T, h.T) - slope(w.T)), FLOOR)
        series.append(Series(key, 1, points(h.T, error)[None]))
    series.append(Series("This step size", 1, points(h[..., None], np.array([FLOOR, 1e3]))))
    text = Sentence("says", h=h, w=w, slope=slope(w), found=found, error=np.abs(found - slope(w)))
    return View("microscope", stage, series, text)


def stage(figure, theme, words):
    """The neighbourhood of w on the left, errors against the step size on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(-1.05, 1.05), ylim=(-26, 26), xlabel=words["offset"], ylabel=words["change"])
    left.axhline(0, color=palette.TEXT[theme], linewidth=0.6)
    left.axvline(0, color=palette.TEXT[theme], linewidth=0.6)
    right.set(xlim=(5e-17, 2), ylim=(FLOOR, 1e3), xscale="log", yscale="log")
    right.set(xlabel=words["h"], ylabel=words["error"])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
