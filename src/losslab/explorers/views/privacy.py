"""Chapter 17: how private a training is, what it still learns, and how well it can be attacked."""

from functools import cache
from typing import NamedTuple

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas.privacy import auc_bound

# `benchmarks/privacy.py` measures these.
EPSILONS = np.array([0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0])
EPOCHS = np.array([10, 20, 50, 100, 150])
SLIDERS = Slider("epsilon", EPSILONS), Slider("epochs", EPOCHS)
LOW, HIGH = 0.2, 75.0  # ends of the axis of ε


class Found(NamedTuple):
    """Means and deviations over the seeds.

    Attributes
    ----------
    accuracy, accuracy_sd : array
        On digits that were not trained on, with their right labels.
    auc, auc_sd : array
        Of the membership attack.
    """

    accuracy: np.ndarray
    accuracy_sd: np.ndarray
    auc: np.ndarray
    auc_sd: np.ndarray


def privacy(epsilon=3.0, epochs=150, shown=None):
    """Open the explorer of private trainings, ε from 0.3 to 50, beside one without, of 10 to 150 epochs.

    Nothing is interpolated: of other settings the nearest that was measured is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    _, near = Slider("epsilon", np.log(EPSILONS)).at(np.log(checked(epsilon)))
    knobs = {"epsilon": EPSILONS[near].item(), "epochs": EPOCHS[SLIDERS[1].at(epochs)[1]].item()}
    return GridExplorer(privacy, compute, SLIDERS, shown=shown, **knobs)


def checked(epsilon):
    """Return ε if the slider has it between its ends."""
    SLIDERS[0].at(epsilon)
    return epsilon


@cache
def measured():
    """Return the record of `benchmarks/privacy.py`; raises what `records.of` does."""
    return records.of("privacy")


def looked_up(rows, values, given):
    """Return what was measured at the values that are nearest on a logarithmic scale."""
    where = np.abs(np.log(np.asarray(given, float))[..., None] - np.log(values)).argmin(-1)
    return Found(
        *(
            np.array([row[what][how] for row in rows])[where]
            for what in ("accuracy", "auc")
            for how in ("mean", "sd")
        )
    )


def at(epsilon):
    """Return what was found with privacy, for each ε."""
    return looked_up(measured()["private"], EPSILONS, epsilon)


def plain(epochs):
    """Return what was found without privacy, after each number of epochs."""
    return looked_up(measured()["plain"], EPOCHS, epochs)


def compute(epsilon, epochs):
    """Look up the trainings of every ε, and the one without privacy beside them.

    Parameters
    ----------
    epsilon, epochs : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    every, here, control = at(EPSILONS), at(epsilon), plain(epochs)
    delta = measured()["delta"]
    axis, ends = np.geomspace(LOW, HIGH, 61), np.array([LOW, HIGH])
    series = []
    for panel, (value, sd) in enumerate((("accuracy", "accuracy_sd"), ("auc", "auc_sd"))):
        line = shapes.whiskers(EPSILONS, getattr(every, value), getattr(every, sd))[None, None]
        beside = band(ends, getattr(control, value), getattr(control, sd))
        series += [
            Series("Without privacy", panel, beside),
            Series("With privacy", panel, line),
            Series("This setting", panel, shapes.dot(epsilon, getattr(here, value))),
        ]
    series.append(Series("Provable bound", 1, shapes.points(axis, auc_bound(axis, delta))[None, None]))
    return View("privacy", stage, series, verdict(epsilon, epochs, here, control))


def band(ends, mean, sd):
    """Draw a level line through a mean, then the two at one deviation from it, (1, B) to (1, B, n, 2)."""
    left, right = ends
    x = np.array([left, right, right, left, left, right])
    y = mean[..., None] + sd[..., None] * np.array([0, 0, 1, 1, -1, -1])
    return shapes.points(x, y)


def verdict(epsilon, epochs, here, control):
    """Say what the private training learnt and gives away, the bound, and the same of the other."""
    record = measured()
    known = {
        "accuracy": here.accuracy,
        "accuracy_sd": here.accuracy_sd,
        "auc": here.auc,
        "auc_sd": here.auc_sd,
    }
    known |= {f"plain_{name}": value for name, value in control._asdict().items()}
    known |= {"bound": auc_bound(epsilon, record["delta"]), "seeds": len(record["seeds"])}
    known = {name: np.round(value, 3) for name, value in known.items()}
    return Sentence("says", epsilon=epsilon, epochs=epochs, members=record["members"], **known)


def stage(figure, theme, words):
    """Accuracy on the left, the area of the attack on the right; below ε, what its two ends mean."""
    axes = figure.subplots(1, 2)
    for ax, name, limits in zip(axes, ("accuracy", "auc"), ((0, 1.03), (0.45, 1.02)), strict=True):
        ax.set(xscale="log", xlim=(LOW, HIGH), ylim=limits, title=words[name], xlabel=words["epsilon"])
        ax.set_xticks((0.3, 1, 3, 10, 50), ("0.3", "1", "3", "10", "50"))
        ax.minorticks_off()
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
        for x, ha, end in ((0, "left", "strict"), (1, "right", "loose")):
            where = {"transform": ax.transAxes, "ha": ha, "va": "top", "fontsize": 8}
            ax.text(x, -0.11, words[end], color=palette.TEXT[theme], **where)
    axes[1].axhline(0.5, color=palette.TEXT[theme], linewidth=0.8)
    said = {"fontsize": 8, "color": palette.TEXT[theme]}
    axes[1].text(HIGH * 0.95, 0.492, words["chance"], ha="right", va="top", **said)
    axes[1].text(3.2, 0.93, words["bound"], ha="left", va="top", **said)
    return list(axes)
