"""Chapter 4: the slopes of a 4-5-3 network, as printed and corrected, for every flower."""

import numpy as np

from losslab.article import misprints
from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import artists, palette
from losslab.formulas import activations, backprop

# The 4-5-3 network of the chapter: every weight is a multiple of ½, so that each product can be done by hand.
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
    Slider("length", "petal length, cm", readable(np.linspace(1, 7, 61), 4)),
    Slider("width", "petal width, cm", readable(np.linspace(0.1, 2.5, 25), 4)),
)
PORTS = (0.68, 0.0), (0.5, 0.0), (0.6, 0.0)  # how far beside the middle of a neuron's box the lines end


def nodes():
    """Where the neurons are drawn: per layer an array (n, 2)."""
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


def bars(heights, at, width=0.36, floor=0.0):
    """Outline one bar per height: points (..., 4 n, 2)."""
    x = np.stack([at - width / 2, at - width / 2, at + width / 2, at + width / 2], -1)
    y = np.stack([np.full_like(heights, floor), heights, heights, np.full_like(heights, floor)], -1)
    return np.stack(np.broadcast_arrays(x, y), -1).reshape(*heights.shape[:-1], -1, 2)


def readings(x, truth):
    """Probabilities of a flower, and by reading (δ of every layer, slopes of every layer).

    Parameters
    ----------
    x : array, shape (..., 1, 4)
        Batches of one.
    truth : int

    Returns
    -------
    p : array, shape (..., 1, 3)
    dict of "Corrected", "As printed"
        The print has no formula for δ_1, so its list of δ is one short.
    """
    z, a = backprop.forward(LAYERS, x)
    p = activations.softmax(z[-1])
    deltas = backprop.backward(LAYERS, z, backprop.output_delta(p, [truth]))
    printed = misprints.output_delta_as_printed(p, [truth])
    return p, {
        "Corrected": (deltas, backprop.layer_gradients(deltas, a)),
        "As printed": ([printed], misprints.layer_gradients_as_printed(LAYERS, a, printed)),
    }


def view(length, width, *, truth):
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
    for (name, (deltas, slopes)), side in zip(by_reading.items(), (-0.2, 0.2), strict=True):
        delta = np.concatenate(deltas, -1)[..., 0, :]
        series.append(_filled(name, 0, bars(delta, np.arange(8 - delta.shape[-1], 8) + side)))
        dW = [np.broadcast_to(dW, petals.shape[:-1] + dW.shape[-2:]) for dW, _ in slopes]
        series += [_filled(name, 1, path) for path in network_bands(*dW)]
        out = delta[..., -3:].round(2) + 0.0  # no −0.00
        steep = sum((d != 0).sum((-1, -2)) for d in dW)
        says[name] = each(SAYS[name], *np.moveaxis(out, -1, 0), steep)
    return View(stage, series, each(SAYS["p"], *np.moveaxis(p[..., 0, :], -1, 0)), says)


SAYS = {
    "p": "p = ({:.2f}, {:.2f}, {:.2f}). δ of the outputs, and how many of the 35 weights have a slope:",
    "Corrected": "corrected ({:.2f}, {:.2f}, {:.2f}) and {}",
    "As printed": "as printed ({:.2f}, {:.2f}, {:.2f}) and {}",
}


def _filled(name, panel, points):
    return Series(name, panel, points, scrub=False, fill=True)


def stage(figure, theme):
    """Axes for the δ of eight neurons on the left, the network on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(4, 5))
    hidden = [f"$h_{k}$" for k in range(1, 6)]
    left.axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    left.axvline(4.5, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.set(xlim=(-0.6, 7.6), ylim=(-2.2, 2.2), ylabel="$\\delta = \\partial L / \\partial z$")
    left.set_xticks(range(8), [*hidden, *SPECIES], rotation=40, ha="right", rotation_mode="anchor")
    left.text(2, -2, "hidden: no formula in print", color=palette.TEXT[theme], ha="center")
    inputs = ["sepal length", "sepal width", "petal length", "petal width"]
    artists.network(right, nodes(), [inputs, hidden, SPECIES], theme=theme)
    palette.tint(left, theme)
    return [left, right]
