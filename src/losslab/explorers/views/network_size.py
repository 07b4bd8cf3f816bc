"""Chapter 1: the parameters, bytes and operations of a dense network, by its width and its depth."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

INPUTS, OUTPUTS = 784, 10
SLIDERS = (
    Slider("width", np.unique(np.geomspace(1, 16_384, 113).round().astype(int))),
    Slider("depth", np.arange(1, 101)),
)
KNOWN = "the article's Net", "ResNet-50", "BERT large", "GPT-3"
MEMORY = 2e9  # bytes of a small graphics card
LOWEST, HIGHEST = 10.0, 1e12
UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def network_size(width=256, depth=3, shown=None):
    """Open the explorer of a dense network's size: 1 to 100 hidden layers, each of 1 to 16,384 neurons.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(network_size, compute, SLIDERS, width=width, depth=depth, shown=shown)


def parts(width, depth):
    """Return the parameters of the first layer, of all between hidden layers, and of the last."""
    width, depth = np.broadcast_arrays(np.asarray(width, float), np.asarray(depth, float))
    return width * (INPUTS + 1), (depth - 1) * width * (width + 1), OUTPUTS * (width + 1)


def parameters(width, depth):
    """Return the number of parameters P of a network with `depth` hidden layers of `width` neurons."""
    return sum(parts(width, depth))


def compute(width, depth):
    """Count parameters, bytes and operations, in all and by the kind of layer.

    Parameters
    ----------
    width, depth : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    P, axis = parameters(width, depth), SLIDERS[0].values
    heights = np.maximum(np.stack(parts(width, depth), -1), LOWEST)
    series = [
        Series("Parameters", 0, shapes.points(axis, parameters(axis, depth.T))[None]),
        Series("This network", 0, shapes.dot(width, P)),
        Series("Parameters", 1, shapes.bars(heights, width=0.7, floor=LOWEST), fill=True),
    ]
    flop = costs.train_flop(P, 1)
    values = {"stored": 4 * P, "trained": costs.train_memory(P, precision="fp32")}
    values |= {"forward": flop / 3, "training": flop}
    wider, deeper = parameters(2 * width, depth) / P, parameters(width, 2 * depth) / P
    shorts = {name: short(value) for name, value in values.items()}
    text = Sentence("says", width=width, depth=depth, P=P, wider=wider, deeper=deeper, **shorts)
    return View("network_size", stage, series, text)


def short(value):
    """Say a number in thousands, millions, … with three significant digits."""
    value, sizes = np.vectorize(lambda one: float(f"{one:.3g}"))(value), np.array([*UNITS.values()])
    rank = (sizes <= value[..., None]).sum(-1) - 1
    return Sentence("short", value=value / sizes[rank], unit=np.array([*UNITS])[rank])


def stage(figure, theme, words):
    """Parameters against the width on the left, with known models and 2 GB; by kind of layer on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    grey = {"color": palette.TEXT[theme]}
    small = {"fontsize": 8, "va": "bottom"} | grey
    for name in KNOWN:
        left.axhline(costs.COUNTED[name], linewidth=0.6, linestyle=":", **grey)
        left.text(1.2, costs.COUNTED[name], name, **small)
    full = MEMORY / costs.train_memory(1, precision="fp32")
    left.axhline(full, linewidth=0.8, linestyle="--", **grey)
    left.text(16, full, words["full"], **small)
    left.set(xlim=(0.8, 2.2e4), xscale="log", xlabel=words["width"])
    right.set(xlim=(-0.6, 2.6), xlabel=words["layers"])
    right.set_xticks(range(3), [words["first"], words["between"], words["last"]])
    for ax in (left, right):
        ax.set(ylim=(LOWEST, HIGHEST), yscale="log", ylabel=words["parameters"])
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
