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
    """Open the explorer of three losses and their pull on the logit: what happened has p from 0.001 to 0.999.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(price_list, compute, SLIDERS, p=p, shown=shown)


def prices(p):
    """Return per series the loss of what was given the probability p, its derivative by p, its pull.

    The pull is −∂ℓ/∂z on the logit z of p: how far a step of gradient descent with α = 1 raises z.
    """
    p = np.asarray(p, float)
    losses = {
        "Cross-entropy": (-np.log(p), -1 / p),
        "Squared error": ((1 - p) ** 2, -2 * (1 - p)),
        "0/1 loss": (np.where(p > 0.5, 0.0, 1.0), 0 * p),
    }
    return {
        key: (loss, by_p, -by_p * p * (1 - p)) for key, (loss, by_p) in losses.items()
    }  # dp/dz = p (1 − p)


SAYS = {"Cross-entropy": "cross_entropy", "Squared error": "squared_error", "0/1 loss": "zero_one"}


def compute(p):
    """Cross-entropy, squared error and 0/1 loss with their tangents, along p and along the logit, and pulls.

    Parameters
    ----------
    p : array, shape (A, 1)
        Probability given to what happened, 0 < p < 1; its logit is log p − log(1 − p).

    Returns
    -------
    losslab.explorers.contract.View
    """
    z, series, says = np.log(p / (1 - p)), [], {}
    for key, (loss, by_p, pull) in prices(p).items():
        pull = pull + 0.0
        series.append(Series(key, 0, shapes.tangent(p, loss, by_p, 1, TOP)))
        series.append(Series(key, 1, shapes.tangent(z, loss, -pull, 2 * TOP, TOP)))
        series.append(Series(key, 2, shapes.dot(z, pull)))
        says[key] = Sentence(SAYS[key], loss=loss, pull=pull)
    return View("price_list", stage, series, Sentence("says", p=p), says)


def stage(figure, theme, words):
    """Three losses against p on the left, against its logit in the middle; their pull on the right."""
    axes = figure.subplots(1, 3)
    z = np.linspace(-TOP, TOP, 2001)
    p = activations.sigmoid(z)
    for key, (loss, _, pull) in prices(p).items():
        style = {"color": palette.colour(key, theme), "linestyle": palette.LINES[key]["linestyle"]}
        for ax, x, y in zip(axes, (p, z, z), (loss, loss, pull), strict=True):
            ax.plot(x, y, linewidth=1.2, **style)
    axes[0].set(xlim=(-0.03, 1.03), ylim=(-0.3, TOP), xlabel=words["probability"], title=words["loss"])
    axes[1].set(xlim=(-TOP, TOP), ylim=(-0.3, TOP), xlabel=words["logit"], title=words["loss"])
    axes[2].set(xlim=(-TOP, TOP), ylim=(-0.05, 1.05), xlabel=words["logit"], title=words["pull"])
    for ax in axes:
        palette.tint(ax, theme)
    return list(axes)
