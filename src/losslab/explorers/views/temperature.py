"""Chapter 3: softmax with a temperature, from the surest answer to none at all."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations

NAMES = ("cat", "dog", "fox", "car", "ship")
LOGITS = (3.0, 2.0, 1.5, 0.0, -1.0)  # the first is on the slider
SLIDERS = (
    Slider("T", readable(np.geomspace(0.05, 20, 121))),
    Slider("z1", readable(np.linspace(-4, 6, 41))),
)


def temperature(T=1.0, z1=3.0, shown=None):
    """Open the explorer of softmax(z/T) over five logits: T from 0.05 to 20, the first logit from −4 to 6.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(temperature, compute, SLIDERS, T=T, z1=z1, shown=shown)


def probabilities(T, z1):
    """Return softmax(z/T) of the five logits, and its entropy in nats; shapes (..., 5) and (...)."""
    T, z1 = np.broadcast_arrays(T, z1)
    z = np.stack([z1, *(np.full(z1.shape, z) for z in LOGITS[1:])], -1) / T[..., None]
    log_p = activations.log_softmax(z)
    p = np.exp(log_p)
    return p, -(p * log_p).sum(-1) + 0.0


def compute(T, z1):
    """Probabilities as bars, and their entropy over the temperature.

    Parameters
    ----------
    T, z1 : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    p, nats = probabilities(T, z1)
    temperatures = SLIDERS[0].values
    _, curve = probabilities(temperatures, z1.T)
    series = [
        Series("Probability", 0, shapes.bars(p), fill=True),
        Series("Entropy", 1, shapes.points(temperatures, curve)[None]),
        Series("This temperature", 1, shapes.dot(np.broadcast_to(T, nats.shape), nats)),
    ]
    *_, second, first = np.moveaxis(np.sort(np.stack(np.broadcast_arrays(z1, *LOGITS[1:]), -1)), -1, 0)
    with np.errstate(over="ignore"):
        ratio = np.exp((first - second) / T)
    text = Sentence("says", T=T, top=p.max(-1), nats=nats, ratio=ratio)
    return View("temperature", stage, series, text)


def stage(figure, theme, words):
    """Five probabilities on the left, the entropy over T on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(-0.6, 4.6), ylim=(0, 1.03), ylabel=words["probability"])
    under = ["$z_1$", *(f"{z:g}" for z in LOGITS[1:])]
    left.set_xticks(range(5), [f"{words[name]}\n{z}" for name, z in zip(NAMES, under, strict=True)])
    left.set_xlabel(words["logits"])
    low, high = SLIDERS[0].values[[0, -1]]
    right.set(xscale="log", xlim=(low, high), ylim=(-0.05, 1.75), xlabel=words["T"], ylabel=words["nats"])
    right.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    right.axhline(np.log(5), color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    right.text(low * 1.1, np.log(5) + 0.03, words["most"], color=palette.TEXT[theme])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
