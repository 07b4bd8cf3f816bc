"""Chapter 4: the derivatives of a 4-5-3 network's loss, corrected and as printed, for every flower."""

from functools import partial

import numpy as np

from losslab.article import misprints
from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import AWAY, bars, ribbons
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
FORMULAS = {"corrected": "Corrected", "as printed": "As printed"}  # and what `readings` calls them
PORTS = {
    "inputs": 0.72,
    "hidden": 0.3,
    "outputs": 0.62,
}  # from the middle of a neuron's box to where lines end


def slopes(length=4.7, width=1.4, truth="versicolor", formulas="corrected", shown=None):
    """Open the explorer of the derivatives of a 4-5-3 network's loss, for a flower's petals in cm.

    `truth` is the flower's label: "setosa", "versicolor" or "virginica". `formulas` are "corrected" or
    "as printed".

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    menus = {"truth": SPECIES, "formulas": tuple(FORMULAS)}
    knobs = {"length": length, "width": width, "truth": truth, "formulas": formulas}
    return GridExplorer(slopes, compute, SLIDERS, menus, shown=shown, **knobs)


def nodes():
    """Where the neurons are drawn: one array (n, 2) per layer."""
    return [np.array([(2.5 * l, n / 2 - k) for k in range(n)]) for l, n in enumerate(WIDTHS)]


def signed_lines(dW1, dW2, inputs, hidden, outputs):
    """Yield (layer, "Positive" or "Negative", outline): the thicker, the larger the derivative; none for 0.

    Parameters
    ----------
    dW1, dW2 : arrays, shapes (..., 5, 4) and (..., 3, 5)
        Derivatives of the loss with respect to the weights.
    inputs, hidden, outputs : arrays, shapes (4, 2), (2, 5, 2) and (3, 2)
        Where the lines end; of the hidden neurons their left sides and their right ones.
    """
    for j in range(hidden.shape[1]):
        for layer, dw, side, ends in ((1, dW1[..., j, :], 0, inputs), (2, dW2[..., :, j], 1, outputs)):
            starts = np.tile(hidden[side, j], (len(ends), 1))
            for key, part, dashes in (("Positive", dw, 0), ("Negative", -dw, 6)):
                half = np.where(part > 0, np.clip(0.025 * np.abs(part) ** 0.5, 0.012, 0.09), 0)
                yield layer, key, ribbons(half, starts, ends, dashes)


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


def network_lines(dW1, dW2):
    """Yield (layer, "Positive" or "Negative", outline) for the 35 weights of the network in `nodes`."""
    inputs, hidden, outputs = nodes()
    sides = np.stack([hidden - (PORTS["hidden"], 0), hidden + (PORTS["hidden"], 0)])
    yield from signed_lines(dW1, dW2, inputs + (PORTS["inputs"], 0), sides, outputs - (PORTS["outputs"], 0))


def compute(length, width, *, truth, formulas):
    """Compute the derivative of the loss with respect to every weight, for a flower with these petals.

    Parameters
    ----------
    length, width : array, shapes (A, 1) and (1, B)
    truth : str
        The species it is said to be.
    formulas : str
        A key of `FORMULAS`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    petals = np.stack(np.broadcast_arrays(length, width), -1)
    sepals = np.broadcast_to(FLOWER[0, :2], petals.shape)
    x = np.concatenate([sepals, petals], -1)[..., None, :]
    p, by_reading = readings(x, SPECIES.index(truth))
    deltas, gradients = by_reading[FORMULAS[formulas]]
    delta = np.concatenate(deltas, -1)[..., 0, :]
    at, dW = np.arange(8 - delta.shape[-1], 8), [dW for dW, _ in gradients]
    series = [
        Series("Positive", 0, bars(np.maximum(delta, 0), at, 0.7), fill=True),
        Series("Negative", 0, bars(np.minimum(delta, 0), at, 0.7), fill=True),
    ]
    dW = [np.broadcast_to(one, petals.shape[:-1] + one.shape[-2:]) for one in dW]
    series += [Series(key, 1, path, fill=True) for _, key, path in network_lines(*dW)]
    z1 = backprop.forward(LAYERS, x)[0][0][..., 0, :]
    for neuron, z in zip(nodes()[1], np.moveaxis(z1, -1, 0), strict=True):
        series.append(Series("Silent", 1, np.where((z <= 0)[..., None, None], neuron + (0, 0.33), AWAY)))
    return View("slopes", STAGES[formulas], series, sentence(length, width, p, z1, dW))


def sentence(length, width, p, z1, dW):
    """Say what is seen: probabilities, silent neurons, signs of the derivatives."""
    p1, p2, p3 = np.moveaxis(p[..., 0, :], -1, 0)
    names = np.where(z1 <= 0, [f" h{k}" for k in "₁₂₃₄₅"], "").astype(object).sum(-1)
    silent = Sentence(np.where(names == "", "none_silent", "silent"), names=names)
    up, down = (sum((sign * one > 0).sum((-1, -2)) for one in dW) for sign in (1, -1))
    petals = {"length": length, "width": width}
    return Sentence("says", **petals, p1=p1, p2=p2, p3=p3, silent=silent, count=up + down, up=up, down=down)


def stage(figure, theme, words, printed=False):
    """Axes for the δ of eight neurons on the left, the network on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 5))
    hidden = [f"$h_{k}$" for k in range(1, 6)]
    left.axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    left.axvline(4.5, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.set(xlim=(-0.6, 7.6), ylim=(-2.2, 2.2), title=words["delta"])
    left.set_xticks(range(8), [*hidden, *SPECIES], rotation=40, ha="right", rotation_mode="anchor")
    if printed:
        left.text(2, -2, words["no_formula"], color=palette.TEXT[theme], ha="center", fontsize=8)
    inputs = [words[part] for part in ("sepal_length", "sepal_width", "petal_length", "petal_width")]
    artists.network(right, nodes(), [inputs, hidden, SPECIES], theme=theme)
    right.set(title=words["network"])
    right.text(2.5, -2.45, words["why_silent"], color=palette.TEXT[theme], ha="center", fontsize=8)
    palette.tint(left, theme)
    right.title.set_color(palette.TEXT[theme])
    return [left, right]


STAGES = {"corrected": stage, "as printed": partial(stage, printed=True)}
