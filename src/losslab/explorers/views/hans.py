"""Chapter 12: a mark on every 3 of the training images, and a network that learns the mark."""

from functools import cache

import numpy as np
import torch

from losslab.book import records
from losslab.book.words import Sentence
from losslab.data import marks
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.views.draw import typical
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.learning import trained

SIZES = np.arange(5)  # `benchmarks/explain.py` trains with marks of these sizes
SLIDERS = (Slider("size", SIZES),)
PICTURES = {  # the digit, and whether it carries the mark
    "a 3 with the mark": (3, True),
    "another digit with the mark": (7, True),
    "a 3 without the mark": (3, False),
}
RATES = {
    "accuracy_marked": "As measured",
    "threes": "Threes without it",
    "called_3": "Others with it",
    "share": "Share of the map",
}


def hans(size=3, picture="a 3 with the mark", shown=None):
    """Open the explorer of a network whose training 3s carried a mark of size × size pixels, 0 to 4.

    `picture` is a key of `PICTURES`. Everything is from the record of `benchmarks/explain.py`.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    menus, knobs = {"picture": list(PICTURES)}, {"size": size, "picture": picture}
    return GridExplorer(hans, compute, SLIDERS, menus, shown=shown, **knobs)


@cache
def measured():
    """Return the record of `benchmarks/explain.py`; raises what `records.of` does."""
    return records.of("explain")


def rates(key):
    """Return one of `RATES` for every size and seed, (sizes, seeds)."""
    return np.array([measured()["hans"][str(size)][key] for size in SIZES])


def at(size):
    """Return the means over the seeds at one size, {key of `RATES`: share}."""
    return {key: rates(key)[size].mean().item() for key in RATES}


def spread(size):
    """Return the smallest and the largest over the seeds at one size, {key of `RATES`: (low, high)}."""
    return {key: (rates(key)[size].min().item(), rates(key)[size].max().item()) for key in RATES}


def example(digit):
    """Return the most typical validation picture of a digit, uint8 tensor (28, 28)."""
    images, labels = trained.split()["validation"]
    return torch.from_numpy(typical(images[labels == digit].numpy()))


def seen(size, picture):
    """Return a picture as the networks of one size are shown it, uint8 tensor (28, 28)."""
    digit, marked = PICTURES[picture]
    return marks.stamp(example(digit), size if marked else 0)


def compute(size, picture):
    """Show the picture, the map of the answer, and how all sizes did.

    Parameters
    ----------
    size : int array, shape (A, 1)
    picture : str

    Returns
    -------
    losslab.explorers.contract.View
    """
    k = np.abs(size - SIZES).argmin(-1)  # (A,)
    kept = [measured()["maps"][picture][str(one)] for one in SIZES[k]]
    ink = np.array([seen(one, picture).numpy() for one in SIZES[k]])[:, None] / 255
    values = np.array([one["map"] for one in kept]).reshape(len(k), 1, 28, 28) / 100
    series = [
        Series("Ink", 0, shapes.tiles(ink), fill="solid"),
        Series("For", 1, shapes.tiles(values), fill="solid"),
        Series("Against", 1, shapes.tiles(-values, shapes.DIAMOND), fill="solid"),
    ]
    edge = [outline(one) for one in SIZES[k]]
    series.append(Series("Mark", 1, np.array(edge)[:, None]))
    for key, name in RATES.items():
        every = rates(key)
        line = shapes.whiskers(SIZES, every.mean(1), every.min(1), every.max(1))
        series.append(Series(name, 2, line[None, None]))
    series.append(Series("This size", 2, shapes.points(SIZES[k][:, None, None], np.array([-0.03, 1.03]))))
    said = {key: rates(key).mean(1)[k][:, None] for key in RATES}
    said |= {"size": SIZES[k][:, None], "pixels": SIZES[k][:, None] ** 2 / 784}
    said |= {name: np.array([[one[name]] for one in kept]) for name in ("answer", "p")}
    key = np.where(SIZES[k][:, None] == 0, "says_none", "says")
    return View("hans", stage, series, Sentence(key, seeds=rates("share").shape[1], **said))


def outline(size):
    """Return the edge of a mark, (5, 2); one of no size is not there."""
    return shapes.frame(1, 27 - size, 1 + size, 27) if size else np.full((5, 2), shapes.AWAY)


def stage(figure, theme, words):
    """The picture, the map of the answer, and the four shares by the size of the mark."""
    axes = pictures(figure, theme, words)
    curves = axes[2]
    curves.set(xlim=(-0.25, 7.2), ylim=(-0.03, 1.03), xticks=SIZES)
    curves.set(xlabel=words["size"], title=words["shares"])
    height = -1.0
    for end, key in sorted((rates(key)[-1].mean(), key) for key in RATES):
        height = max(end, height + 0.09)  # one below the other
        colour = palette.colour(RATES[key], theme)
        curves.text(4.25, height, words[f"end.{key}"], fontsize=8, va="center", color=colour)
    return axes


def pictures(figure, theme, words):
    """Return a place for a picture and for a map of it, and beside them axes for lines."""
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.6))
    for ax, title in zip(axes, ("picture", "map"), strict=False):
        ax.set(xlim=(-0.3, 28.3), ylim=(-0.3, 32), xticks=(), yticks=(), title=words[title], aspect="equal")
        ax.plot(*shapes.frame(0, 0, 28, 28).T, color=palette.TEXT[theme], linewidth=0.8)  # room for a legend
        ax.grid(visible=False)
    for ax in axes:
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    for ax in axes[:2]:
        ax.spines[:].set_visible(False)
    return list(axes)
