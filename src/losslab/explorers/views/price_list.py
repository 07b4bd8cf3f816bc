"""Chapter 3: a probability is priced by three losses."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations

POSITIONS = np.concatenate([[0.001], np.linspace(0.005, 0.995, 199), [0.999]])
SLIDERS = (Slider("p", readable(POSITIONS)),)
TOP = 7.2  # how high the price list reaches, in nats; its logits run from −TOP to TOP


def price_list(p=0.05, shown=None):
    """Open the explorer of three losses and their tangents: what happened has p from 0.001 to 0.999.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(price_list, compute, SLIDERS, p=p, shown=shown)


def prices(p):
    """Three losses of the probability p given to what happened, and their slopes along p, by series."""
    return {
        "Cross-entropy": (-np.log(p), -1 / p),
        "Squared error": ((1 - p) ** 2, -2 * (1 - p)),
        "0/1 loss": (np.where(p > 0.5, 0.0, 1.0), 0 * p),
    }


SAYS = {"Cross-entropy": "cross_entropy", "Squared error": "squared_error", "0/1 loss": "zero_one"}


def compute(p):
    """Cross-entropy, squared error and 0/1 loss with their tangents, along p and along the logit.

    Parameters
    ----------
    p : array, shape (A, 1)
        Probability given to what happened, 0 < p < 1; its logit is log p − log(1 − p).

    Returns
    -------
    losslab.explorers.contract.View
    """
    z, series, says = np.log(p / (1 - p)), [], {}
    for key, (loss, slope) in prices(p).items():
        along_z = slope * p * (1 - p)  # dp/dz = p (1 − p)
        series.append(Series(key, 0, shapes.tangent(p, loss, slope, 1, TOP)))
        series.append(Series(key, 1, shapes.tangent(z, loss, along_z, 2 * TOP, TOP)))
        says[key] = Sentence(SAYS[key], loss=loss, pull=-along_z + 0.0)
    return View("price_list", stage, series, Sentence("says", p=p), says)


def stage(figure, theme, words):
    """Three losses against p on the left, against its logit on the right."""
    left, right = axes = figure.subplots(1, 2)
    z = np.linspace(-TOP, TOP, 2001)
    p = activations.sigmoid(z)
    for key, (loss, _) in prices(p).items():
        style = {"color": palette.colour(key, theme), "linestyle": palette.LINES[key]["linestyle"]}
        left.plot(p, loss, linewidth=1.2, **style)
        right.plot(z, loss, linewidth=1.2, **style)
    left.set(xlim=(-0.03, 1.03), xlabel=words["probability"], ylabel=words["loss"])
    right.set(xlim=(-TOP, TOP), xlabel=words["logit"])
    for ax in axes:
        ax.set_ylim(-0.3, TOP)
        palette.tint(ax, theme)
    return list(axes)
