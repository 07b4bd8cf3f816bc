"""Chapter 12: three inputs, their six orders, and the Shapley values that close the gap."""

from itertools import permutations

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import attribution

SLIDERS = tuple(Slider(name, readable(np.linspace(-2, 2, 41)) + 0.0) for name in ("x2", "x3"))
X1 = -2.0, -1.0, 0.0, 1.0, 2.0
INPUTS = "Input 1", "Input 2", "Input 3"
ORDERS = list(permutations(range(3)))
ROWS = len(ORDERS) + 2  # below the orders their mean, and what one at a time would be missed
LOW, HIGH, HALF = -14, 16, 0.13  # f lies between; half the height of a bar
COALITIONS = ("–", "1", "2", "1 2", "3", "1 3", "2 3", "1 2 3")  # as `attribution.coalitions` counts


def coalitions(x1=1.0, x2=1.0, x3=1.0, shown=None):
    """Open the explorer of Shapley values of f = 1 + 3 x₁ + 2 x₂ x₃, each input from −2 to 2.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(coalitions, compute, SLIDERS, {"x1": X1}, x1=x1, x2=x2, x3=x3, shown=shown)


def f(x):
    """Return 1 + 3 x₁ + 2 x₂ x₃ of inputs (..., 3)."""
    return 1 + 3 * x[..., 0] + 2 * x[..., 1] * x[..., 2]


def at(x1, x2, x3):
    """Return the Shapley values of three inputs against (0, 0, 0), shape (3,)."""
    return attribution.shapley(f, np.array([x1, x2, x3], float), np.zeros(3))


def gains(x):
    """Return what each input adds in each order, one at a time from f(0) to f(x), (..., 6, 3)."""
    when = np.argsort(ORDERS, 1)
    on = when[:, None, :] < np.arange(4)[:, None]  # (6, 4, 3): after 0, 1, 2, 3 inputs
    steps = np.diff(f(np.where(on, x[..., None, None, :], 0.0)), axis=-1)
    return np.take_along_axis(steps, np.broadcast_to(when, (*steps.shape[:-1], 3)), -1)


def compute(x2, x3, x1):
    """Stack what the inputs add, in every order, on average, and one at a time.

    Parameters
    ----------
    x2, x3 : array, shapes (A, 1) and (1, B)
    x1 : float

    Returns
    -------
    losslab.explorers.contract.View
    """
    x = np.stack(np.broadcast_arrays(x1, x2, x3), -1)
    value = f(np.where(attribution.coalitions(3), x[..., None, :], 0.0))  # (A, B, 8)
    added = gains(x)
    psi = added.mean(-2)
    missed = value[..., -1:] - value[..., [6, 5, 3]]
    rows = np.concatenate([added, psi[..., None, :], missed[..., None, :]], -2)
    orders = np.array([*ORDERS, (0, 1, 2), (0, 1, 2)])
    series = [one for k in range(ROWS) for one in stacked(rows[..., k, :], orders[k], ROWS - 1 - k)]
    ends = shapes.points(value[..., -1:], np.array([-0.6, ROWS - 0.4]))
    series += [Series("All on", 0, ends), Series("Value", 1, shapes.bars(value), fill=True)]
    said = {"x1": x1, "x2": x2, "x3": x3, "f": value[..., -1], "off": missed.sum(-1)}
    said |= {f"psi{i + 1}": psi[..., i] for i in range(3)} | {f"off{i + 1}": missed[..., i] for i in range(3)}
    return View("coalitions", stage, series, Sentence("says", **{k: tidy(v) for k, v in said.items()}))


def tidy(value):
    """Round to the two decimals that are said, and never to −0."""
    return np.round(value, 2) + 0.0


def stacked(row, order, k):
    """Draw one row, a bar for each input: the first begins at f(0), the next where the one before ends."""
    ends = f(np.zeros(3)) + np.cumsum(row[..., list(order)], -1)
    starts = np.concatenate([f(np.zeros(3)) + 0 * ends[..., :1], ends[..., :-1]], -1)
    for place, i in enumerate(order):
        middle = k + 0.27 * (1 - place)
        left, right = starts[..., place], ends[..., place]
        x, y = np.stack([left, left, right, right, left], -1), HALF * np.array([-1, 1, 1, -1, -1])
        yield Series(INPUTS[i], 0, shapes.points(x, middle + y), fill=True)


def stage(figure, theme, words):
    """How the orders get from f(0) to f(x) on the left; on the right the value of every coalition."""
    ways, worth = figure.subplots(1, 2, width_ratios=(1.4, 1))
    ways.set(xlim=(LOW, HIGH), ylim=(-0.6, ROWS - 0.4), xlabel="$f$", title=words["orders"])
    names = [" ".join(str(i + 1) for i in order) for order in ORDERS] + [words["mean"], words["one"]]
    ways.set_yticks(range(ROWS), names[::-1])
    ways.axvline(f(np.zeros(3)), color=palette.TEXT[theme], linewidth=0.8)
    ways.axhline(1.5, color=palette.TEXT[theme], linewidth=0.6, alpha=0.5)
    ways.grid(axis="y", visible=False)
    worth.set(xlim=(-0.6, 7.6), ylim=(LOW, HIGH), xlabel=words["on"], title=words["value"])
    worth.set_xticks(range(8), COALITIONS)
    worth.axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    worth.grid(axis="x", visible=False)
    for ax in (ways, worth):
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    return [ways, worth]
