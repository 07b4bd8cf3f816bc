"""Chapter 8: precision, recall, and what a threshold costs."""

from functools import cache

import numpy as np
import torch
from torch.nn.functional import pad

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, plain, readable
from losslab.explorers.shapes import bars, dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained

ENDS = [0.001, 0.002, 0.003, 0.005]
SLIDERS = (
    Slider("threshold", np.round([*ENDS, *np.linspace(0.01, 0.99, 99), 0.995, 0.997, 0.998, 0.999], 3)),
    Slider("price", readable(np.geomspace(0.01, 100, 81))),
)
DIGIT, BINS, LEAST, MOST = 9, 20, 0.5, 4000
MOVED = ((0, 0, 0, 0), (1, -1, 0, 0), (-1, 1, 0, 0), (0, 0, 1, -1), (0, 0, -1, 1))  # paper, on each side
THOUSAND, DEAR = 1000, 100.0  # digits; how high the costs reach, in units of the lowest


def precision_recall(threshold=0.5, price=10.0, shown=None):
    """Open the explorer of a yes or no: threshold from 0.001 to 0.999, a miss costs 0.01 to 100 false alarms.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(precision_recall, compute, SLIDERS, threshold=threshold, price=price, shown=shown)


@cache
def nines():
    """Return the probability of a 9, and whether it is one, for validation digits moved by up to a pixel.

    Returns
    -------
    scores : array, shape (3000,)
        By the article's network and recipe.
    truth : bool array, shape (3000,)
    """
    images, labels = trained.split()["validation"]
    moved = torch.cat([pad(images, paper) for paper in MOVED])
    scores = activations.softmax(trained.reader(measured=False).logits(moved))[:, DIGIT]
    return scores, np.tile(labels.numpy() == DIGIT, len(MOVED))


def cost(threshold, price):
    """Return what 1,000 digits cost at these thresholds, if a miss costs as much as `price` false alarms."""
    return THOUSAND * decisions.decision_cost(*nines(), threshold, price)


def cheapest(price):
    """Return the cheapest position of the slider, the lowest of several, and its cost per 1,000 digits."""
    found = cost(SLIDERS[0].values, price)
    return SLIDERS[0].values[found.argmin()], found.min()


def rates(threshold):
    """Return precision and recall at these thresholds; without a yes, none was wrong."""
    precision, recall = decisions.precision_recall(*nines(), threshold)
    return np.nan_to_num(precision, nan=1.0), recall


def compute(threshold, price):
    """Precision and recall of "it is a 9", and the cost of its mistakes.

    Parameters
    ----------
    threshold, price : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    (scores, truth), series = nines(), []
    for key, those in (("Other digits", ~truth), ("Nines", truth)):
        count = np.maximum(np.histogram(scores[those], BINS, (0, 1))[0], LEAST)
        outline = bars(count, (np.arange(BINS) + 0.5) / BINS, 1 / BINS, LEAST)[None, None]
        series.append(Series(key, 0, outline, fill=True))
    here = dict(zip(("Precision", "Recall"), rates(threshold), strict=True))
    series += [Series(key, 1, dot(threshold, rate)) for key, rate in here.items()]
    formula, every = 1 / (1 + price), SLIDERS[0].values
    best, least = np.array([cheapest(c) for c in price[0]]).T[:, None]
    curve, now = (np.stack([cost(t, c) for c in price[0]]) for t in (every, threshold[:, 0]))
    believed = np.array([[cost(1 / (1 + c), c) for c in price[0]]])
    series += [
        Series("Cost", 2, points(every, curve / least.T)[None]),
        Series("This threshold", 2, dot(threshold, now.T / least)),
        Series("Believed", 2, dot(formula, believed / least)),
        Series("Cheapest", 2, dot(best, np.ones_like(best))),
    ]
    for panel, ends in enumerate([(LEAST, MOST), (0, 1.02), (1 / DEAR, DEAR)]):
        series.append(Series("This threshold", panel, points(threshold[..., None], np.array(ends))))
    said = {"threshold": threshold, "price": price, "precision": here["Precision"], "recall": here["Recall"]}
    said |= {"cost": plain(now.T), "best": best, "least": plain(least)}
    said |= {"formula": formula, "believed": plain(believed)}
    return View("precision_recall", stage, series, Sentence("says", **said))


def stage(figure, theme, words):
    """Counts by score on the left; precision and recall in the middle; cost on the right."""
    left, middle, right = figure.subplots(1, 3)
    left.set(yscale="log", ylim=(LEAST, MOST), xlabel=words["score"], ylabel=words["count"])
    every = SLIDERS[0].values
    for key, rate in zip(("Precision", "Recall"), rates(every), strict=True):
        style = {"color": palette.colour(key, theme), "linestyle": palette.LINES[key]["linestyle"]}
        middle.plot(every, rate, linewidth=1.2, label=words[key], **style)
    middle.legend(loc="lower left", fontsize=8, labelcolor=palette.TEXT[theme], frameon=False)
    middle.set(ylim=(0, 1.02), xlabel=words["threshold"])
    right.set(yscale="log", ylim=(0.8, DEAR), xlabel=words["threshold"], ylabel=words["cost"])
    for ax in (left, middle, right):
        ax.set(xlim=(0, 1))
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, middle, right]
