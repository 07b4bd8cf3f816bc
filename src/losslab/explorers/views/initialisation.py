"""Chapter 2: a batch on its way through ten layers, for every standard deviation of their weights."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations

SLIDERS = (
    Slider("sigma", readable(np.geomspace(0.01, 1, 25))),  # one position moves layer 10 by 10/12 of a decade
    Slider("width", 2 ** np.arange(4, 9)),
)
ACTIVATIONS = {"ReLU": activations.RELU, "tanh": activations.TANH}
LAYERS, INPUTS, WIDEST = 10, 16, 256
LOW, HIGH = -6.0, 6.0  # decades that are drawn, here and in the chapter's figure
BINS = np.linspace(LOW, HIGH, 97)
TALLEST = 0.85  # of a ridge, in layers


def initialisation(sigma=0.125, width=128, activation="ReLU", shown=None):
    """Open the explorer of ten untrained layers: standard deviation of weights 0.01 to 1, 16 to 256 neurons.

    `activation` is "ReLU" or "tanh".

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"sigma": sigma, "width": width, "activation": activation}
    return GridExplorer(initialisation, compute, SLIDERS, {"activation": ACTIVATIONS}, shown=shown, **knobs)


def compute(sigma, width, *, activation):
    """Send one batch of standard normal inputs through ten layers; every network is cut from one draw.

    Parameters
    ----------
    sigma, width : array, shapes (A, 1) and (1, B)
    activation : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    widths = width[0].astype(int)
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((LAYERS + 1, WIDEST, WIDEST))
    found = [through(drawn[:, :n, :n], sigma[:, 0], ACTIVATIONS[activation]) for n in widths]
    heights = np.stack([ridges for ridges, _ in found], 1)  # (A, B, LAYERS, bins)
    rms = np.stack([size for _, size in found], 1)  # (A, B, LAYERS)
    series = [Series("Activations", 0, outline(heights), fill=True)]
    factor, layer = growth(sigma, width, activation), np.arange(LAYERS + 1)
    for key, decades in {
        "Measured": np.log10(np.concatenate([np.ones_like(rms[..., :1]), rms], -1)),
        "Predicted": layer * np.log10(factor)[..., None],
    }.items():
        series.append(Series(key, 1, shapes.points(np.clip(decades, LOW, HIGH), layer)))
    last = {"size": rms[..., -1], "verdict": verdict(rms[..., -1], activation)}
    knobs = {"sigma": sigma, "width": width, "scale": sigma * width**0.5}
    text = Sentence(f"says_{activation}", factor=factor, **knobs, **last)
    return View("initialisation", stage, series, text)


def growth(sigma, width, activation):
    """Return the factor per layer by (2.5): s/√2 for ReLU, where s = σ√n; for tanh s, while it is linear."""
    return sigma * (width / (2 if activation == "ReLU" else 1)) ** 0.5


def verdict(size, activation):
    """Say what has become of the input's size 1; tanh is flat where its values are near ±1."""
    high, word = (10, "exploded") if activation == "ReLU" else (0.8, "saturated")
    return Sentence(np.select([size > high, size > 0.1], [word, "alive"], "collapsed"))


def through(drawn, sigma, activation):
    """Return histograms of log₁₀ |a_l| over the neurons that are not silent, and the sizes of a_l.

    Parameters
    ----------
    drawn : array, shape (LAYERS + 1, n, n)
        Standard normal; the first of them gives the inputs, the others times σ are the weights.
    sigma : array, shape (A,)
    activation : losslab.formulas.activations.Activation

    Returns
    -------
    ridges : array, shape (A, LAYERS, len(BINS) − 1)
        Heights up to 1; the outermost bins hold all that lies beyond them.
    rms : array, shape (A, LAYERS)
        Root mean square over inputs and neurons.
    """
    n = drawn.shape[-1]
    a = np.broadcast_to(np.resize(drawn[0], (INPUTS, n)), (sigma.size, INPUTS, n))
    ridges, rms = [], []
    for weights in drawn[1:]:
        a = activation.value(sigma[:, None, None] * (a @ weights.T))
        ridges.append(histograms(a))
        rms.append((a**2).mean((1, 2)) ** 0.5)
    return np.stack(ridges, 1), np.stack(rms, 1)


def histograms(a):
    """Count log₁₀ |a| into `BINS`, for every entry of the first axis; scale the tallest bar of each to 1."""
    size = np.abs(a).reshape(len(a), -1)
    with np.errstate(divide="ignore"):
        steps = (np.log10(size) - LOW) / (BINS[1] - BINS[0])
    place = np.clip(steps, 0, len(BINS) - 2).astype(int)
    rows = np.broadcast_to(np.arange(len(a))[:, None], place.shape)
    bins = len(BINS) - 1
    counts = np.bincount((rows * bins + place)[size > 0], minlength=len(a) * bins).reshape(-1, bins)
    return counts / np.maximum(counts.max(-1, keepdims=True), 1)


def outline(heights):
    """Draw a ridge per layer in one path, (…, points, 2)."""
    x = np.concatenate([[LOW], (BINS[1:] + BINS[:-1]) / 2, [HIGH, LOW]])
    return shapes.ridges(TALLEST * heights, x, np.arange(1, LAYERS + 1))


def stage(figure, theme, words):
    """Ten ridges on the left, the size of each layer on the right; layer 10 is on top."""
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    left.set_title(words["histograms"], fontsize=10)
    right.set_title(words["sizes"], fontsize=10)
    for ax in (left, right):
        ax.set(xlim=(LOW, HIGH), ylim=(-0.3, 11.2), yticks=range(LAYERS + 1), ylabel=words["layer"])
        ax.set_xticks(range(-6, 7, 2), [f"$10^{{{k}}}$" for k in range(-6, 7, 2)])
        ax.axvline(0, color=palette.TEXT[theme], linewidth=0.6)
        palette.tint(ax, theme)
    left.set(xlabel=words["values"])
    right.set(xlabel=words["size"])
    return [left, right]
