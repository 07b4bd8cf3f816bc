"""Chapter 4: how a batch grows on its way up through many layers, and δ on its way down."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, backprop

SLIDERS = (
    Slider("depth", np.arange(2, 41)),
    Slider("scale", readable(np.geomspace(0.3, 3, 41))),
)
SIGMAS = {"ReLU": activations.RELU, "tanh": activations.TANH, "sigmoid": activations.SIGMOID}
WIDTH, INPUTS, DEEPEST = 64, 4, 40


def vanishing(depth=20, scale=1.0, shown=None):
    """Open the explorer of gradients through 2 to 40 hidden layers, weights of deviation σ = s/√n.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(vanishing, compute, SLIDERS, depth=depth, scale=scale, shown=shown)


def compute(depth, scale):
    """Send a batch up and δ down through networks of every depth, for every scale of their weights.

    Weights have the deviation σ = s/√n, s is the scale, and are cut from one draw; so are four inputs and
    the output's δ.

    Parameters
    ----------
    depth, scale : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    rng = np.random.default_rng(0)
    drawn = backprop.random_layers(rng, (WIDTH,) * (DEEPEST + 1) + (10,), 1.0)
    layers = [(scale[0][:, None, None] * W, np.zeros((scale.size, b.size))) for W, b in drawn]
    x, delta = rng.normal(size=(INPUTS, WIDTH)), rng.normal(size=(INPUTS, 10))
    at = np.minimum(np.arange(1, DEEPEST + 1), depth)[:, None]  # beyond the last layer its point is repeated
    series, says = [], {}
    for key, sigma in SIGMAS.items():
        for panel, heights in enumerate(through(layers, x, delta, depth[:, 0].astype(int), sigma)):
            series.append(Series(key, panel, points(at, np.take_along_axis(heights, at - 1, -1))))
        says[key] = Sentence("arrives", share=series[-2].points[..., 0, 1], name=Sentence(key))
    return View("vanishing", stage, series, Sentence("says", depth=depth, scale=scale), says)


def through(layers, x, delta, depths, sigma):
    """Return ‖δ_l‖ / ‖δ_L‖ and the root mean square of a_l for l = 1, 2, …, shapes (A, B, DEEPEST).

    Parameters
    ----------
    layers : list of (W, b)
        With a leading axis B. A network of depth d consists of the first d and the last of them.
    x, delta : arrays, shapes (N, n_0) and (N, n_L)
    depths : int array, shape (A,)
    sigma : losslab.formulas.activations.Activation
    """
    z, _ = backprop.forward(layers[:-1], x, sigma)
    size = np.stack([(sigma.value(one) ** 2).mean((-1, -2)) ** 0.5 for one in z], -1)
    back = np.ones((len(depths), *size.shape))
    for row, d in zip(back, depths, strict=True):
        deltas = backprop.backward([*layers[:d], layers[-1]], [*z[:d], None], delta, sigma)
        for l, one in enumerate(deltas[:-1]):
            row[:, l] = np.linalg.norm(one, axis=(-1, -2)) / np.linalg.norm(delta)
    return back, np.broadcast_to(size, back.shape)


def stage(figure, theme, words):
    """δ by layer on the left, activations by layer on the right."""
    left, right = figure.subplots(1, 2)
    left.set(ylim=(1e-16, 1e16), ylabel=words["delta"])
    right.set(ylim=(1e-16, 1e16), ylabel=words["activations"])
    for ax in (left, right):
        ax.set(xlim=(0, DEEPEST + 1), yscale="log", xlabel=words["layer"])
        ax.axhline(1, color=palette.TEXT[theme], linewidth=0.6)
        palette.tint(ax, theme)
    return [left, right]
