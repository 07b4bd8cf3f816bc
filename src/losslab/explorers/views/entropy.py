"""Chapter 3: the truth p* against a model p, and what the cross-entropy of the two is made of."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

SLIDERS = (
    Slider("p1", readable(np.linspace(0.01, 0.99, 99))),
    Slider("p2", readable(np.linspace(0.02, 0.98, 49))),
)
TRUTHS = {"certain": (1.0, 0.0, 0.0), "70 : 20 : 10": (0.7, 0.2, 0.1), "uniform": (1 / 3, 1 / 3, 1 / 3)}


def entropy(p1=0.3, p2=0.5, truth="70 : 20 : 10", shown=None):
    """Open the explorer of entropy, cross-entropy and KL divergence over three classes.

    The model gives class 1 the probability `p1`, and class 2 the share `p2` of what is left. `truth` is a key
    of `TRUTHS`.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(entropy, compute, SLIDERS, {"truth": TRUTHS}, p1=p1, p2=p2, truth=truth, shown=shown)


def model(p1, p2):
    """Return the model's probabilities (p1, p2 (1 − p1), the rest), shape (..., 3)."""
    return np.stack(np.broadcast_arrays(p1, p2 * (1 - p1), (1 - p2) * (1 - p1)), -1)


def entropies(truth, p):
    """Return H(p*), H(p*, p) and KL(p* ‖ p) in nats; a class that never happens adds 0 to each.

    Parameters
    ----------
    truth, p : array_like, shapes (K,) and (..., K)
    """
    truth, p = np.asarray(truth, float), np.asarray(p, float)
    happens = truth > 0
    own = -(truth[happens] * np.log(truth[happens])).sum() + 0.0
    crossed = -(truth[happens] * np.log(p[..., happens])).sum(-1)
    return own, crossed, np.maximum(crossed - own, 0.0)


def compute(p1, p2, *, truth):
    """Both distributions as bars, and the entropy with the divergence on top of it.

    Parameters
    ----------
    p1, p2 : array, shapes (A, 1) and (1, B)
    truth : str
        A key of `TRUTHS`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    real, p = np.array(TRUTHS[truth]), model(p1, p2)
    own, crossed, divergence = entropies(real, p)
    classes = np.arange(1, 4)
    series = [
        Series("Truth", 0, shapes.bars(real, classes - 0.2, 0.36)[None, None], fill=True),
        Series("Model", 0, shapes.bars(p, classes + 0.2, 0.36), fill=True),
        Series("Entropy", 1, shapes.bars(np.array([own]))[None, None], fill=True),
        Series("KL divergence", 1, shapes.bars(crossed[..., None], floor=own), fill=True),
    ]
    p1, p2, p3 = np.moveaxis(p, -1, 0)
    text = Sentence("says", p1=p1, p2=p2, p3=p3, own=own, crossed=crossed, divergence=divergence)
    return View("entropy", stage, series, text)


def stage(figure, theme, words):
    """Probabilities on the left, nats on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(4, 3))
    left.set(xlim=(0.4, 3.6), ylim=(0, 1.03), xticks=(1, 2, 3), xlabel=words["class"])
    left.set_ylabel(words["probability"])
    right.set(xlim=(-0.8, 0.8), ylim=(0, 5), xticks=(), xlabel=words["stack"], ylabel=words["nats"])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
