"""Chapter 9: what a program gains if one part of it becomes faster (Amdahl 1967)."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("share", np.unique(np.concatenate([np.arange(100) / 100, [0.995, 0.999]]))),
    Slider("times", np.unique(readable(np.geomspace(1, 1000, 121)))),
)
BEFORE, AFTER, HEIGHT = 1.0, 0.0, 0.62


def speed_up(share=0.75, times=2.0, shown=None):
    """Open the explorer of Amdahl's law for one machine: a part that takes 0 to 99.9 % of the time.

    Parameters
    ----------
    share : float
        The share q of the time that the part takes.
    times : float
        How many times as fast the part becomes, 1 to 1,000.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(speed_up, compute, SLIDERS, share=share, times=times, shown=shown)


def compute(share, times):
    """Time of the part and of the rest, before and after; and what the whole gains.

    Parameters
    ----------
    share, times : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    gain, bound, after = costs.amdahl(times, share), 1 / (1 - share), share / times
    kept, axis = 1 - share, np.geomspace(1, 1000, 121)
    series = [
        Series("Rest", 0, twice(bar(0 * kept, kept, BEFORE), bar(0 * kept, kept, AFTER)), fill=True),
        Series("Part", 0, twice(bar(kept, 1.0, BEFORE), bar(kept, kept + after, AFTER)), fill=True),
        Series("Limit", 1, points(np.array([1.0, 1000.0]), bound[..., None])),
        Series("Whole", 1, points(axis, costs.amdahl(axis, share[..., None]))),
        Series("This setting", 1, dot(times, gain)),
    ]
    said = {"share": share, "times": times, "gain": gain, "bound": bound, "left": 1 / gain}
    which = np.where(share == 0, "nothing", np.where(times == 1, "same", "says"))
    return View("speed_up", stage, series, Sentence(which, rest=kept * gain, **said))


def bar(left, right, height):
    """Outline horizontal bars from left to right, (A, B) to (A, B, 4, 2)."""
    left, right = np.broadcast_arrays(left, right)
    x = np.stack([left, right, right, left], -1)
    return points(x, height + HEIGHT / 2 * np.array([1, 1, -1, -1]))


def twice(above, below):
    """Join the outlines of two bars to one path: they begin at the same time, one above the other."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    return np.concatenate([np.broadcast_to(above, shape), np.broadcast_to(below, shape)], -2)


def stage(figure, theme, words):
    """Time before and after as bars on the left; what the whole gains by the part on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    left.set(xlim=(0, 1.02), ylim=(-0.6, 2.1), xlabel=words["time"])
    left.set_yticks((AFTER, BEFORE), (words["after"], words["before"]))
    right.set(xscale="log", yscale="log", xlim=(0.9, 1100), ylim=(0.9, 1100))
    right.set(xlabel=words["times"], ylabel=words["gain"])
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
