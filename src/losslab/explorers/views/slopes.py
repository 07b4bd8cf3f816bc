"""Chapter 4: the slopes of a 4-5-3 network, as printed and corrected, for every flower."""

import numpy as np

from losslab.article import misprints
from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import bars
from losslab.explorers.widget import GridExplorer
from losslab.figures import artists, palette
from losslab.formulas import activations, backprop

# The 4-5-3 network of the chapter: weights are multiples of ½, so that products can be worked out by hand.
WIDTHS = (4, 5, 3)
LAYERS = [
    (
        np.array([[-2, -1, -1, 1], [1, 2, -2, -1], [2, -1, -2, 2], [2, -2, -1, 1], [1, 1, -2, 1]]) / 2,
        np.array([1, 1, -2, 1, -1]) / 2,
    ),
    (np.array([[1, 1, -2, 1, 1], [2, -1, 1, -2, -2], [-2, -1, -2, -1, -1]]) / 2, np.array([-2, 2, 1]) / 2),
]
FLOWER = np.array([[7.0, 3.2, 4.7, 1.4]])  # sepal length and width, petal length and width, cm (Fisher 1936)
SPECIES = ("setosa", "versicolor", "virginica")
LABEL = [1]  # it is a versicolor

SLIDERS = (
    Slider("length", readable(np.linspace(1, 7, 61), 4)),
    Slider("width", readable(np.linspace(0.1, 2.5, 25), 4)),
)
PORTS = (0.68, 0.0), (0.5, 0.0), (0.6, 0.0)  # how far from the middle of a neuron's box the lines end


def slopes(length=4.7, width=1.4, truth="versicolor", shown=None):
    """Open the explorer of a 4-5-3 network's slopes, as printed and corrected, for a flower's petals in cm.

    `truth` is the flower's label: "setosa", "versicolor" or "virginica".

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"length": length, "width": width, "truth": truth}
    return GridExplorer(slopes, compute, SLIDERS, {"truth": SPECIES}, shown=shown, **knobs)


def nodes():
    """Where the neurons are drawn: one array (n, 2) per layer."""
    return [np.array([(2.5 * l, n / 2 - k) for k in range(n)]) for l, n in enumerate(WIDTHS)]


def bands(slopes, starts, ends):
    """Outline one line per slope, wider for a steeper one, in one closed path that passes over zeros.

    Parameters
    ----------
    slopes : array, shape (..., n)
    starts, ends : arrays, shape (n, 2)

    Returns
    -------
    array, shape (..., 4 n, 2)
    """
    half = np.minimum(0.045 * np.abs(slopes) ** 0.5, 0.15)[..., None]
    ends = np.where(half > 0, ends, starts)
    corners = [starts + half * (0, 1), ends + half * (0, 1), ends - half * (0, 1), starts - half * (0, 1)]
    return np.stack(corners, -2).reshape(*slopes.shape[:-1], -1, 2)


def network_bands(dW1, dW2):
    """Outline all 35 weights: per hidden neuron those that enter it, then those that leave it."""
    inputs, hidden, outputs = nodes()
    for j, neuron in enumerate(hidden):
        yield bands(dW1[..., j, :], np.tile(neuron - PORTS[1], (4, 1)), inputs + PORTS[0])
        yield bands(dW2[..., :, j], np.tile(neuron + PORTS[1], (3, 1)), outputs - PORTS[2])


def readings(x, truth):
    """Probabilities for a flower, and per reading (δ of every layer, slopes of every layer).

    Parameters
    ----------
    x : array, shape (..., 1, 4)
        Batches of one.
    truth : int

    Returns
    -------
    p : array, shape (..., 1, 3)
    dict of "Corrected", "As printed"
        There is no printed formula for δ_1, so that list of δ is one short.
    """
    z, a = backprop.forward(LAYERS, x)
    p = activations.softmax(z[-1])
    deltas = backprop.backward(LAYERS, z, backprop.output_delta(p, [truth]))
    printed = misprints.output_delta_as_printed(p, [truth])
    return p, {
        "Corrected": (deltas, backprop.layer_gradients(deltas, a)),
        "As printed": ([printed], misprints.layer_gradients_as_printed(LAYERS, a, printed)),
    }


def compute(length, width, *, truth):
    """Compute every slope of the 4-5-3 network for a flower with these petals.

    Parameters
    ----------
    length, width : array, shapes (A, 1) and (1, B)
    truth : str
        The species it is said to be.

    Returns
    -------
    losslab.explorers.contract.View
    """
    petals = np.stack(np.broadcast_arrays(length, width), -1)
    sepals = np.broadcast_to(FLOWER[0, :2], petals.shape)
    x = np.concatenate([sepals, petals], -1)[..., None, :]
    p, by_reading = readings(x, SPECIES.index(truth))
    series, says = [], {}
    for (key, (deltas, slopes)), side in zip(by_reading.items(), (-0.2, 0.2), strict=True):
        delta = np.concatenate(deltas, -1)[..., 0, :]
        at = np.arange(8 - delta.shape[-1], 8) + side
        series.append(Series(key, 0, bars(delta, at, 0.36), fill=True))
        dW = [np.broadcast_to(dW, petals.shape[:-1] + dW.shape[-2:]) for dW, _ in slopes]
        series += [Series(key, 1, path, fill=True) for path in network_bands(*dW)]
        d1, d2, d3 = np.moveaxis(delta[..., -3:].round(2) + 0.0, -1, 0)  # no −0.00
        steep = sum((d != 0).sum((-1, -2)) for d in dW)
        says[key] = Sentence(SAYS[key], d1=d1, d2=d2, d3=d3, count=steep)
    p1, p2, p3 = np.moveaxis(p[..., 0, :], -1, 0)
    return View("slopes", stage, series, Sentence("says", p1=p1, p2=p2, p3=p3), says)


SAYS = {"Corrected": "corrected", "As printed": "as_printed"}


def stage(figure, theme, words):
    """Axes for the δ of eight neurons on the left, the network on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(4, 5))
    hidden = [f"$h_{k}$" for k in range(1, 6)]
    left.axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    left.axvline(4.5, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.set(xlim=(-0.6, 7.6), ylim=(-2.2, 2.2), ylabel="$\\delta = \\partial L / \\partial z$")
    left.set_xticks(range(8), [*hidden, *SPECIES], rotation=40, ha="right", rotation_mode="anchor")
    left.text(2, -2, words["no_formula"], color=palette.TEXT[theme], ha="center")
    inputs = [words[part] for part in ("sepal_length", "sepal_width", "petal_length", "petal_width")]
    artists.network(right, nodes(), [inputs, hidden, SPECIES], theme=theme)
    palette.tint(left, theme)
    return [left, right]
