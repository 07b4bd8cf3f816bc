"""Chapter 4: nudge one weight of the 4-5-3 network and watch what changes behind it."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.views.passes import BOX, COLUMNS, DIGIT, cell, places
from losslab.explorers.views.slopes import FLOWER, LABEL, LAYERS, SPECIES, readings
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, backprop

SLIDERS = (Slider("nudge", readable(np.linspace(-1, 1, 201))),)
WEIGHTS = {  # layer, row, column
    "petal length to h2": (0, 1, 2),
    "sepal width to h3": (0, 2, 1),
    "petal length to h5": (0, 4, 2),
    "petal length to h1": (0, 0, 2),  # h1 is silent
    "h4 to setosa": (1, 0, 3),
    "h4 to versicolor": (1, 1, 3),
}
NAMES = ("z1", "a1", "z2", "p", "loss")


def ripple(nudge=0.0, weight="petal length to h2", shown=None):
    """Open the explorer of a nudge from −1 to 1 to one weight, a key of `WEIGHTS`.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(
        ripple, compute, SLIDERS, {"weight": WEIGHTS}, nudge=nudge, weight=weight, shown=shown
    )


def values(nudge, weight):
    """Return z₁, a₁, z₂, p and the loss of the chapter's flower with one weight nudged, {name: array (A, n)}.

    Parameters
    ----------
    nudge : array_like, shape (A,)
    weight : str
        A key of `WEIGHTS`.
    """
    nudge, (layer, row, column) = np.asarray(nudge, float), WEIGHTS[weight]
    layers = [[np.tile(array, (nudge.size,) + (1,) * array.ndim) for array in pair] for pair in LAYERS]
    layers[layer][0][:, row, column] += nudge
    z, (_, a) = backprop.forward(layers, FLOWER)
    log_p = activations.log_softmax(z[1][:, 0])
    return {"z1": z[0][:, 0], "a1": a[:, 0], "z2": z[1][:, 0], "p": np.exp(log_p), "loss": -log_p[:, LABEL]}


def derivative(weight):
    """Return the derivative of the loss with respect to a weight, by back-propagation."""
    layer, row, column = WEIGHTS[weight]
    _, by_reading = readings(FLOWER, LABEL[0])
    return by_reading["Corrected"][1][layer][0][row, column]


def compute(nudge, *, weight):
    """Write how every number changes, and draw the loss over the nudge with its tangent at 0.

    Parameters
    ----------
    nudge : array, shape (A, 1)
    weight : str

    Returns
    -------
    losslab.explorers.contract.View
    """
    nudges, slope = SLIDERS[0].values, derivative(weight)
    start, now = values([0.0], weight), values(nudge[:, 0], weight)
    changes = {name: (now[name] - start[name])[:, None] for name in NAMES}
    series = [one for name in NAMES for one in written(name, changes[name])]
    layer, row, _ = WEIGHTS[weight]
    x, y = places(("z1", "z2")[layer])[row]
    series.append(Series("This weight", 0, np.array([[[[x - BOX[0], y]]]])))
    before, loss, promised = start["loss"][0, 0], now["loss"], start["loss"] + slope * nudge
    series += [
        Series("Loss", 1, shapes.points(nudges, values(nudges, weight)["loss"][:, 0])[None, None]),
        Series("Promised", 1, shapes.points(nudges[[0, -1]], before + slope * nudges[[0, -1]])[None, None]),
        Series("Promised", 1, shapes.dot(nudge, promised)),
        Series("Measured", 1, shapes.dot(nudge, loss)),
    ]
    change = {"true": (loss - before).round(3) + 0.0, "promised": (slope * nudge).round(3) + 0.0}
    text = Sentence("says", nudge=nudge + 0.0, slope=slope, before=before, loss=loss, **change)
    return View("ripple", stage, series, text)


def written(name, change):
    """Yield the numbers of a column of the network, shape (A, 1, n), and a frame around those that change."""
    for k, (x, y) in enumerate(places(name)):
        for path in shapes.numerals(change[..., k], x, y, *DIGIT):
            yield Series("Change", 0, path)
        for key, moved in (("Rises", change[..., k] > 1e-9), ("Falls", change[..., k] < -1e-9)):
            (w, h), moved = BOX, moved[..., None, None]
            outline = shapes.frame(x - w, y - h, x + w, y + h)
            yield Series(key, 0, np.where(moved, outline, shapes.AWAY), fill=True)


def stage(figure, theme, words):
    """How much every number changes on the left, the loss over the nudge on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(5, 4))
    left.set(xlim=(0.3, 5.6), ylim=(-3.4, 3.1))
    left.axis("off")
    ink = {"color": palette.TEXT[theme], "ha": "center", "va": "center"}
    for name in NAMES:
        left.text(COLUMNS[name], 2.85, words[f"head.{name}"], fontsize=11, **ink)
        for k, (x, y) in enumerate(places(name)):
            left.add_patch(cell(x, y, theme))
            if name == "p":
                left.text(x, y - 0.44, words[SPECIES[k]], fontsize=7, **ink)
    right.set(xlim=(-1.05, 1.05), ylim=(-1, 10.5), xlabel=words["nudge"], ylabel=words["loss"])
    palette.tint(right, theme)
    return [left, right]
