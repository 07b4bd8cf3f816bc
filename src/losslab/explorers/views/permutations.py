"""Chapter 12: Shapley values from a few random orders, beside the exact ones of all 2¹³ coalitions."""

from functools import cache

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, attribution

ORDERS = np.array([2, 3, 5, 7, 10, 20, 40, 70, 100, 200, 400, 700, 1000])
DRAWS = 10
SLIDERS = Slider("orders", ORDERS), Slider("draw", np.arange(1, DRAWS + 1))


def permutations(orders=10, draw=1, shown=None):
    """Open the explorer of Shapley values of a wine, estimated from 2 to 1,000 orders drawn 10 times.

    Of other numbers of orders the nearest that is offered is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    _, nearest = SLIDERS[0].at(orders)
    knobs = {"orders": ORDERS[nearest].item(), "draw": draw}
    return GridExplorer(permutations, compute, SLIDERS, shown=shown, **knobs)


def wine():
    """Return the record's network and wine (`benchmarks/explain.py`); raises what `records.of` does."""
    return records.of("explain")["wine"]


def names():
    """Return what was measured of the wine, 13 names."""
    return [name.replace("_", " ").removesuffix(" of diluted wines") for name in wine()["names"]]


@cache
def game():
    """Return the log-probability of the network's answer for every coalition of measurements, (2¹³,)."""
    found = wine()
    on = attribution.coalitions(len(found["x"]))
    x = np.where(on, found["x"], 0.0)  # standardised: 0 is the mean wine
    (first, last), (b1, b2) = map(np.array, found["W"]), map(np.array, found["b"])
    p = activations.softmax(np.maximum(x @ first.T + b1, 0) @ last.T + b2)
    return np.log(p[:, found["answer"]])


def value(on):
    """Return what coalitions are worth, from (..., 13) of 0 and 1 to (...)."""
    return game()[np.asarray(on, int) @ 2 ** np.arange(np.shape(on)[-1])]


@cache
def estimates():
    """Return the exact values (n,), and for each draw and number of orders estimates and standard errors.

    Returns
    -------
    exact : array, shape (n,)
    psi, error : array, shape (DRAWS, len(ORDERS), n)
    """
    n = len(wine()["x"])
    every, rows = (np.ones(n), np.zeros(n)), np.tile(np.arange(n), (ORDERS[-1], 1))
    generators = map(np.random.default_rng, range(DRAWS))
    drawn = [rng.permuted(rows, axis=1) for rng in generators]
    found = [[attribution.sampled_shapley(value, *every, rows[:m]) for m in ORDERS] for rows in drawn]
    psi, error = np.moveaxis(found, 2, 0)
    return attribution.shapley(value, *every), psi, error


def off():
    """Return how far the estimates are off, root mean square over the inputs, (DRAWS, len(ORDERS))."""
    exact, psi, _ = estimates()
    return ((psi - exact) ** 2).mean(-1) ** 0.5


def at(orders, draw=1):
    """Return the estimate of a draw, the exact values, and the error, root mean square over all draws."""
    k = np.abs(np.log(orders / ORDERS)).argmin()
    exact, psi, _ = estimates()
    return psi[draw - 1, k], exact, (off()[:, k] ** 2).mean() ** 0.5


def compute(orders, draw):
    """Compare the estimates of one draw with the exact values.

    Parameters
    ----------
    orders, draw : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    exact, psi, error = estimates()
    place = ranked()
    k, d = np.abs(np.log(orders / ORDERS)).argmin(-1), draw[0] - 1  # (A,), (B,)
    here, spread = (one[d[None], k[:, None]][..., place] for one in (psi, error))  # (A, B, n)
    series = [Series("Estimate", 0, shapes.rows(here, 0.0, height=0.45), fill=True)]
    series.append(Series("Exact", 0, shapes.rows(exact[place], 0.0, height=0.8)[None, None], fill=True))
    for i in range(len(exact)):
        reach = here[..., i, None] + spread[..., i, None] * (-1, 1)
        series.append(Series("Standard error", 0, shapes.points(reach, i)))
    rms, mine = (off() ** 2).mean(0) ** 0.5, off()[d[None], k[:, None]]
    series += [
        Series("Error", 1, shapes.points(ORDERS, rms)[None, None]),
        Series("Root law", 1, shapes.points(ORDERS, root_law())[None, None]),
        Series("This draw", 1, shapes.dot(ORDERS[k][:, None] + 0 * d, mine)),
    ]
    first, second = np.argsort(-np.abs(here), -1)[..., :2].swapaxes(0, -1).swapaxes(1, -1)
    listed = np.array(names(), object)[place]
    said = {"orders": ORDERS[k][:, None], "draw": draw, "mine": mine, "rms": rms[k][:, None]}
    said |= {"first": listed[first].astype(str), "second": listed[second].astype(str)}
    said |= {"evaluations": ORDERS[k][:, None] * (len(exact) + 1), "total": exact.sum()}
    return View("permutations", stage, series, Sentence("says", **said))


def root_law():
    """Return errors in proportion to 1/√orders, through the error with the most orders."""
    return (off()[:, -1] ** 2).mean() ** 0.5 * (ORDERS[-1] / ORDERS) ** 0.5


def ranked():
    """Return the inputs in ascending order of their exact values' size: the largest is drawn on top."""
    return np.argsort(np.abs(estimates()[0]))


def stage(figure, theme, words):
    """The values of the 13 measurements on the left; the error by the number of orders on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    exact = estimates()[0]
    room = 1.45 * np.abs(exact).max()
    left.set(xlim=(min(-0.35 * room, 1.6 * exact.min()), room), ylim=(-0.7, len(exact) - 0.3))
    fitting = [names()[i].replace("nonflavanoid ", "nonflavanoid\n") for i in ranked()]
    left.set_yticks(range(len(exact)), fitting, fontsize=7.5)
    left.set(title=words["values"], xlabel=words["psi"])
    left.axvline(0, color=palette.TEXT[theme], linewidth=0.8)
    left.grid(axis="y", visible=False)
    right.set(xscale="log", yscale="log", xlim=(1.6, 1250), ylim=(off().min() / 2, 2 * off().max()))
    right.set(xlabel=words["orders"], title=words["error"])
    right.set_xticks((2, 10, 100, 1000), ("2", "10", "100", "1,000"))
    right.minorticks_off()
    right.text(60, 1.9 * root_law()[7], words["law"], fontsize=9, color=palette.TEXT[theme])
    for ax in (left, right):
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    return [left, right]
