"""Chapter 5: the rules race on the digits, each tuned with the same effort."""

from functools import cache
from math import comb

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

EPOCHS = 5  # `benchmarks/digits_race.py` trains for so many,
TRIED = np.arange(1, 33)  # with so many settings of each rule
SLIDERS = (Slider("tried", TRIED), Slider("epoch", np.arange(1, EPOCHS + 1)))
RULES = ("GD", "Momentum", "RMSProp", "Adam")
DRAWS, BELIEF = 1000, (0.025, 0.975)  # of the bootstrap, and its interval


def digits_race(tried=8, epoch=EPOCHS, shown=None):
    """Open the explorer of the race on the digits: what to expect of the best of 1 to 32 settings.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(digits_race, compute, SLIDERS, shown=shown, tried=tried, epoch=epoch)


@cache
def measured():
    """Return the record of `benchmarks/digits_race.py`; raises what `records.of` does."""
    return records.of("digits_race")


def rows(rule):
    """Return the records of all settings of a rule."""
    return [row for row in measured()["rows"] if row["rule"] == rule]


def errors(rule):
    """Return the share of validation images that are read wrong, (settings, seeds, epochs)."""
    return np.array([row["wrong"] for row in rows(rule)]) / measured()["held_out"]


def expected_best(errors):
    """Return the error expected of the best of n settings drawn without replacement.

    Dodge et al. (2019), "Show Your Work", arXiv:1909.03004: the i-th best of N
    is the best of n drawn ones in C(N − i, n − 1) of C(N, n) draws.

    Parameters
    ----------
    errors : array, shape (..., N)

    Returns
    -------
    array, shape (..., N)
        For n = 1, …, N.
    """
    N = errors.shape[-1]
    best = [[comb(N - i, n - 1) / comb(N, n) for n in range(1, N + 1)] for i in range(1, N + 1)]
    return np.sort(errors, -1) @ np.array(best)


@cache
def found():
    """Return for each rule the expected error, (epochs, tried), and the same of resampled records.

    Settings are drawn again for each rule, with replacement, and seeds for all rules together: one seed gives
    all of them the same weights and batches.

    Returns
    -------
    array, shape (4, epochs, tried)
    array, shape (4, DRAWS, epochs, tried)
    """
    rng, all_errors = np.random.default_rng(0), [errors(rule) for rule in RULES]
    seeds = rng.integers(len(measured()["seeds"]), size=(DRAWS, len(measured()["seeds"])))
    resampled = []
    for one in all_errors:
        settings = rng.integers(len(one), size=(DRAWS, len(one)))
        drawn = one[settings[:, :, None], seeds[:, None, :]].mean(2)  # (DRAWS, settings, epochs)
        resampled.append(expected_best(drawn.swapaxes(1, 2)))
    return np.array([expected_best(one.mean(1).T) for one in all_errors]), np.array(resampled)


def compute(tried, epoch):
    """Look up what is expected after so many settings and epochs, and how sure that is.

    Parameters
    ----------
    tried, epoch : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    expected, resampled = found()
    here = expected[:, epoch - 1, tried - 1]  # (rules, A, B)
    again = resampled[:, :, epoch - 1, tried - 1]  # (rules, DRAWS, A, B)
    low, high = np.quantile(again, BELIEF, axis=1)
    series = []
    for k, rule in enumerate(RULES):
        series.append(Series(rule, 0, shapes.points(TRIED, 100 * expected[k, epoch - 1])))
        reach = 100 * np.stack([here[k], low[k], high[k], here[k]], -1)
        series.append(Series(rule, 0, shapes.points(tried[..., None], reach)))
    series += [dot for rule in RULES for dot in settings(rule, epoch)]
    return View("digits_race", stage, series, verdict(here, again, tried, epoch))


def settings(rule, epoch):
    """Draw every setting of a rule as a dot over its learning rate, after an epoch."""
    for row, error in zip(rows(rule), 100 * errors(rule).mean(1), strict=True):
        yield Series(rule, 1, shapes.dot(row["lr"], error[epoch - 1]))


def verdict(here, again, tried, epoch):
    """Say what is expected of each rule, and whether the best two can be told apart."""
    first, second = np.argsort(here, axis=0, kind="stable")[:2]
    lead = np.take_along_axis(again, second[None, None], 0) - np.take_along_axis(again, first[None, None], 0)
    low, high = np.quantile(lead[0], BELIEF, axis=0)
    key = np.where(low > 0, "says", "says_near")
    names = {"first": Sentence(np.array(RULES)[first]), "second": Sentence(np.array(RULES)[second])}
    interval = {"low": np.round(100 * low, 1) + 0.0, "high": np.round(100 * high, 1)}
    best = dict(zip(("gd", "momentum", "rmsprop", "adam"), np.round(here, 3), strict=True))
    record = measured()
    known = {"seeds": len(record["seeds"]), "held_out": record["held_out"]}
    return Sentence(key, tried=tried, epoch=epoch, **best, **names, **interval, **known)


def stage(figure, theme, words):
    """What to expect of so many settings on the left, all settings over their learning rates on the right."""
    axes = figure.subplots(1, 2)
    axes[0].set(xlim=(0, TRIED[-1] + 1), xlabel=words["tried"], title=words["best"], ylabel=words["error"])
    axes[0].set_xticks(TRIED[[0, 7, 15, 23, 31]])
    axes[1].set(xscale="log", xlim=(7e-6, 14), xlabel=words["rate"], title=words["all"])
    for ax in axes:
        ax.set(yscale="log", ylim=(4, 100))
        ax.set_yticks((5, 10, 20, 50, 100), ("5 %", "10 %", "20 %", "50 %", "100 %"))
        ax.minorticks_off()
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    return list(axes)
