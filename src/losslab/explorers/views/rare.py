"""Chapter 11: a detector of something rare; what accuracy, precision, recall and both curves say of it."""

from typing import NamedTuple

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import bars, dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import metrics, power

SLIDERS = (
    Slider("prevalence", np.unique(readable(np.geomspace(0.001, 0.5, 55), 2))),
    Slider("threshold", np.round(np.linspace(0, 1, 101), 2)),
)
NEGATIVES, POSITIVES, DEVIATION = 0.35, 0.65, 0.1  # of the scores: normal, three deviations apart
CASES, EDGES, LEAST, MOST = 10_000, np.linspace(0, 1, 41), 0.05, 30_000
EVERY = np.linspace(0, 1, 201)  # thresholds of the curves


class Rates(NamedTuple):
    """What is expected of the detector at a prevalence and a threshold.

    Attributes
    ----------
    accuracy, precision, recall, false_alarms, always_no : arrays
        `always_no` is the accuracy of a detector that never says yes.
    """

    accuracy: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    false_alarms: np.ndarray
    always_no: np.ndarray


def rare(prevalence=0.01, threshold=0.5, shown=None):
    """Open the explorer of a detector: share of positives from 0.001 to 0.5, threshold from 0 to 1.

    Its scores are not drawn but expected: normal, with means three deviations apart.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(rare, compute, SLIDERS, prevalence=prevalence, threshold=threshold, shown=shown)


def beyond(threshold, mean):
    """Share of the scores around a mean that reach a threshold."""
    return power.normal((mean - np.asarray(threshold)) / DEVIATION)


def at(prevalence, threshold):
    """Return the Rates at prevalences and thresholds, which broadcast."""
    recall, false_alarms = beyond(threshold, POSITIVES), beyond(threshold, NEGATIVES)
    precision = metrics.precision_at(recall, false_alarms, prevalence)
    always_no = 1 - np.asarray(prevalence)
    accuracy = prevalence * recall + always_no * (1 - false_alarms)
    return Rates(accuracy, precision, recall, false_alarms, always_no)


def compute(prevalence, threshold):
    """Expected counts by score, rates by threshold, and both curves.

    Parameters
    ----------
    prevalence, threshold : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    here, curves = at(prevalence, threshold), at(prevalence[..., None], EVERY)
    flat, foot = np.array([0.0, 1.0]), threshold[..., None]
    series = [*histograms(prevalence), Series("This threshold", 0, points(foot, np.array([LEAST, MOST])))]
    series += [
        Series("Share right", 1, points(EVERY, curves.accuracy)),
        Series("Precision", 1, points(EVERY, curves.precision)),
        Series("Recall", 1, points(EVERY, curves.recall)[None, None]),
        Series("Always no", 1, points(flat, here.always_no[..., None])),
        Series("This threshold", 1, points(foot, flat)),
        Series("This setting", 2, dot(here.false_alarms, here.recall)),
        Series("This setting", 3, dot(here.recall, here.precision)),
        Series("Always yes", 3, points(flat, prevalence[..., None])),
        Series("Precision", 3, points(curves.recall, curves.precision)),
    ]
    return View("rare", stage, series, verdict(prevalence, threshold, here))


def histograms(prevalence):
    """Yield how many of 10,000 cases are expected in each bin of scores."""
    for key, mean, share in (("Negatives", NEGATIVES, 1 - prevalence), ("Positives", POSITIVES, prevalence)):
        expected = CASES * share[..., None] * -np.diff(beyond(EDGES, mean))
        middles, width = (EDGES[1:] + EDGES[:-1]) / 2, EDGES[1]
        yield Series(key, 0, bars(np.maximum(expected, LEAST), middles, width, LEAST), fill=True)


def verdict(prevalence, threshold, here):
    """Say what is expected of 10,000 cases, and whether the detector beats one that always says no."""
    positive = CASES * prevalence
    found, alarms = positive * here.recall, (CASES - positive) * here.false_alarms
    gain = np.round(here.accuracy, 4) - np.round(here.always_no, 4)
    said = {"prevalence": percent(prevalence), "threshold": threshold, "positive": count(positive)}
    said |= {"found": count(found), "missed": count(positive - found), "alarms": count(alarms)}
    said |= {name: percent(getattr(here, name)) for name in ("recall", "precision", "accuracy", "always_no")}
    which = np.select([gain > 0, gain < 0], ["better", "worse"], "same")
    return Sentence("says", verdict=Sentence(which), **said)


def count(expected):
    """Write an expected number of cases: whole from ten upwards, with one decimal below."""
    return np.vectorize(lambda n: f"{n:,.0f}" if n >= 9.95 else f"{n:.1f}", otypes=[object])(expected)


def percent(share):
    """Write a share in percent, with two decimals from 98.5 % on, where they matter, else with one."""
    return np.vectorize(lambda p: f"{p:.2%}" if p >= 0.985 else f"{p:.1%}", otypes=[object])(share)


def stage(figure, theme, words):
    """Cases by score, below them rates by threshold; beside them the ROC and the precision–recall curve."""
    grid = figure.add_gridspec(2, 3, width_ratios=(1.5, 1, 1), height_ratios=(1.15, 1))
    where = ((0, 0), (1, 0), (slice(None), 1), (slice(None), 2))
    count, rates, left, right = (figure.add_subplot(grid[place]) for place in where)
    count.set(yscale="log", ylim=(LEAST, MOST), ylabel=words["cases"])
    rates.set(ylim=(0, 1.05), xlabel=words["score"], ylabel=words["shares"])
    for key in ("Share right", "Precision", "Recall", "Always no"):
        mark = palette.LINES[key] | {"color": palette.colour(key, theme)}
        rates.plot([], [], label=words[f"short.{key}"], markersize=4, linewidth=1.2, **mark)
    above = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.98), "ncols": 4, "columnspacing": 1}
    rates.legend(fontsize=7, labelcolor=palette.TEXT[theme], frameon=False, **above)
    left.set(title=words["roc"], xlabel=words["false_alarms"], ylabel=words["recall"])
    right.set(title=words["precision_recall"], xlabel=words["recall"], ylabel=words["precision"])
    style = {"color": palette.colour("Loss", theme), "linewidth": 1.2}
    left.plot(beyond(EVERY, NEGATIVES), beyond(EVERY, POSITIVES), **style)
    left.plot((0, 1), (0, 1), linestyle=":", **style)
    left.text(0.55, 0.5, words["guessing"], fontsize=8, color=palette.TEXT[theme])
    for ax in (left, right):
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        ax.title.set_fontsize(10)
    for ax in (count, rates, left, right):
        if ax in (count, rates):
            ax.set_xlim(0, 1)
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [count, rates, left, right]
