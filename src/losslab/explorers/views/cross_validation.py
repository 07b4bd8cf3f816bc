"""Chapter 11: what cross-validation says of noise, if features are chosen before the split, and if not."""

from functools import cache
from typing import NamedTuple

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

FOLDS, SEEDS = np.array([2, 3, 5, 10, 20]), 20  # `benchmarks/folds.py` measures these
SLIDERS = (Slider("folds", FOLDS), Slider("seed", np.arange(SEEDS)))
KEYS = {"outside": "Chosen before", "inside": "Chosen inside"}


class Spread(NamedTuple):
    """What cross-validation says over all samples.

    Attributes
    ----------
    mean, sd : float
        Of the means over the folds.
    lowest, highest : float
        Accuracy of a single fold.
    """

    mean: float
    sd: float
    lowest: float
    highest: float


def cross_validation(folds=5, seed=0, where="outside", shown=None):
    """Open the explorer of cross-validation on noise: 2 to 20 folds, twenty samples.

    Nothing is interpolated: of other numbers of folds the nearest that was measured is shown.

    Parameters
    ----------
    folds : int
    seed : int
        Which sample of the same noise, 0 to 19.
    where : str
        Features are chosen "outside" the folds, once and before the split, or "inside" each training part.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    _, nearest = SLIDERS[0].at(folds)
    knobs = {"folds": FOLDS[nearest].item(), "seed": seed, "where": where}
    return GridExplorer(cross_validation, compute, SLIDERS, {"where": list(KEYS)}, shown=shown, **knobs)


@cache
def measured():
    """Return the record of `benchmarks/folds.py`; raises what `records.of` does."""
    return records.of("folds")


def scores(folds, where):
    """Return the accuracy of each fold, (seeds, folds), for a number of folds that was measured."""
    rows = [row for row in measured()["rows"] if (row["folds"], row["where"]) == (folds, where)]
    return np.array(rows[0]["scores"])


def at(folds, where):
    """Return the Spread for a number of folds that was measured."""
    found = scores(folds, where)
    means = found.mean(1)
    return Spread(means.mean(), means.std(ddof=1), found.min(), found.max())


def compute(folds, seed, where):
    """Look up the folds of one sample, and the means of all samples.

    Parameters
    ----------
    folds, seed : array, shapes (A, 1) and (1, B)
    where : str

    Returns
    -------
    losslab.explorers.contract.View
    """
    count = FOLDS[np.abs(folds - FOLDS).argmin(-1)]  # (A,)
    found = [scores(k, where)[seed[0]] for k in count]  # (B, k) each
    mean = np.array([one.mean(-1) for one in found])  # (A, B)
    series = [
        Series("Fold", 0, np.stack([bars(one) for one in found]), fill=True),
        Series("Mean of the folds", 0, shapes.points(np.array([0.0, 1.0]), mean[..., None])),
    ]
    series.append(Series("Mean of the folds", 1, shapes.dot(count[:, None], mean)))
    for name, key in KEYS.items():
        spreads = [at(k, name) for k in FOLDS.tolist()]
        centre, sd = (np.array([getattr(one, what) for one in spreads]) for what in ("mean", "sd"))
        series.append(Series(key, 1, shapes.whiskers(FOLDS, centre, sd)[None, None]))
    spreads = [at(k, where) for k in count.tolist()]
    said = {"where": Sentence(f"said.{where}"), "folds": count[:, None], "seed": seed, "mean": mean}
    said["lowest"] = np.array([one.min(-1) for one in found])
    said["highest"] = np.array([one.max(-1) for one in found])
    said |= {"centre": np.array([[one.mean] for one in spreads]), "samples": SEEDS}
    said["spread"] = np.array([[one.sd] for one in spreads])
    return View("cross_validation", stage, series, Sentence("says", **said))


def bars(found):
    """Outline a bar for each fold, (B, k) to (B, 4 · 20, 2); the pen waits where there are fewer folds."""
    count = found.shape[-1]
    outline = shapes.bars(found, (np.arange(count) + 0.5) / count, 0.8 / count)
    rest = outline.shape[-2] - 4 * FOLDS[-1]
    return np.concatenate([outline, outline[..., :1, :].repeat(-rest, -2)], -2)


def stage(figure, theme, words):
    """The folds of this sample on the left, the means of all samples by the number of folds on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0, 1), xlabel=words["fold"], ylabel=words["accuracy"], title=words["one"], xticks=())
    right.set(xscale="log", xlim=(1.8, 22), xlabel=words["folds"], title=words["all"])
    right.set_xticks(FOLDS, [str(k) for k in FOLDS])
    for key in KEYS.values():
        mark = palette.LINES[key] | {"color": palette.colour(key, theme)}
        right.plot([], [], label=words[key], markersize=4, linewidth=1.2, **mark)
    right.legend(loc="lower left", fontsize=8, labelcolor=palette.TEXT[theme], frameon=False)
    for ax in (left, right):
        ax.axhline(0.5, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
        ax.set_ylim(0, 1.03)
        ax.minorticks_off()
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    right.text(3.9, 0.44, words["guessing"], fontsize=8, ha="center", color=palette.TEXT[theme])
    return [left, right]
