"""Chapter 7: what the peak of the learning rate does, and how it is scheduled, in recorded trainings."""

from functools import cache

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.learning import training

PEAKS = np.array(
    [1e-4, 1.5e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7e-3, 0.01, 0.02, 0.03]
)
EPOCHS, PARTS = 3, 3  # `benchmarks/schedules.py` trains for so many epochs and looks so often in each
SLIDERS = (Slider("peak", PEAKS),)
LOOKS = np.arange(1, EPOCHS * PARTS + 1) / PARTS  # when it looks, in epochs
TIMES = np.linspace(0, EPOCHS, 181)
NEAR = 0.002  # about the standard error of an accuracy of 98 % on 5,000 images
WORST, BEST = 0.15, 0.018  # error: the ends of the axis of accuracies
LOWEST, HIGHEST = 0.06, 2.5  # loss: the ends of its axis


def linear(progress):
    """Return the factor on the first rate that falls on a line to 0."""
    return 1 - progress


def cosine(progress):
    """Return the factor on the first rate that falls along half a cosine to 0 (Loshchilov & Hutter 2017)."""
    return training.one_cycle(progress, warmup=0)


SHAPES = {
    "constant": training.constant,
    "linear": linear,
    "cosine": cosine,
    "one cycle": training.one_cycle,
}
KEYS = {
    "constant": "Constant",
    "linear": "Linear decay",
    "cosine": "Cosine decay",
    "one cycle": "One cycle",
}


def schedule(peak=3e-3, shape="one cycle", shown=None):
    """Open the explorer of learning rates: the peak from 0.0001 to 0.03, and the schedule.

    Nothing is interpolated: of other peaks the nearest that was measured is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    _, nearest = SLIDERS[0].at(peak)
    knobs = {"peak": PEAKS[nearest].item(), "shape": shape}
    return GridExplorer(schedule, compute, SLIDERS, {"shape": list(SHAPES)}, shown=shown, **knobs)


@cache
def measured():
    """Return the record of `benchmarks/schedules.py`; raises what `records.of` does."""
    return records.of("schedules")


def rows(shape):
    """Return the records of a schedule, one for each of `PEAKS`."""
    return [row for row in measured()["rows"] if row["schedule"] == shape]


def wrong(shape):
    """Return the share of validation images that are read wrong, (peaks, seeds, looks)."""
    return np.array([row["wrong"] for row in rows(shape)]) / measured()["held_out"]


def losses(shape):
    """Return the loss on the validation images, (peaks, seeds, looks); NaN where it was no number."""
    return np.array([row["loss"] for row in rows(shape)], float)


def compute(peak, shape):
    """Look up the trainings at one peak, and how all peaks and schedules ended.

    Parameters
    ----------
    peak : array, shape (A, 1)
    shape : str

    Returns
    -------
    losslab.explorers.contract.View
    """
    at = np.abs(np.log(peak / PEAKS)).argmin(-1)  # (A,)
    factors = np.array([SHAPES[shape](share) for share in TIMES / EPOCHS])
    loss, error = losses(shape)[at], wrong(shape)[at][..., -1]
    series = [Series("This training", 0, shapes.points(TIMES, factors)[None, None])]
    series += [Series("One run", 1, one) for one in courses(loss)]
    series.append(Series("Validation images", 1, shapes.points(LOOKS, loss.mean(1))[:, None]))
    drop = np.stack([np.full(len(at), WORST), error.mean(1)], -1)
    series.append(Series("This setting", 2, shapes.points(PEAKS[at][:, None], drop)[:, None]))
    for name, key in KEYS.items():
        series.append(Series(key, 2, marked(wrong(name)[..., -1].mean(1))[None, None]))
    said = {"peak": peak, "shape": Sentence(f"said.{shape}"), "seeds": error.shape[1]}
    said |= {"right": 1 - error.mean(1)[:, None], "least": 1 - error.max(1)[:, None]}
    said |= {"most": 1 - error.min(1)[:, None], "loss": loss[..., -1].mean(1)[:, None]}
    said |= {"held_out": measured()["held_out"]} | best(shape)
    return View("schedule", stage, series, Sentence("says", **said))


def best(shape):
    """Return the best peak of a schedule, its accuracy, and from where to where peaks are `NEAR` it."""
    error = wrong(shape)[..., -1].mean(1)
    at = error.argmin()
    far = np.flatnonzero(error > error[at] + NEAR)
    low, high = far[far < at].max(initial=-1) + 1, far[far > at].min(initial=len(PEAKS)) - 1
    return {"best": PEAKS[at], "highest": 1 - error[at], "from": PEAKS[low], "to": PEAKS[high]}


def marked(error):
    """Draw an error over the peaks, each point ten times: a line is marked at every tenth."""
    return shapes.points(PEAKS, error).repeat(10, -2)


def courses(loss):
    """Yield the course of each seed's loss, (A, 1, looks, 2)."""
    for one in np.moveaxis(loss, 1, 0):
        yield shapes.points(LOOKS, one)[:, None]


def stage(figure, theme, words):
    """The learning rate on the left, the loss in the middle, how all settings ended on the right."""
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.2))
    axes[0].set(ylim=(0, 1.05), title=words["rate"], xlabel=words["epochs"])
    axes[0].set_yticks((0, 0.5, 1), ("0", words["half"], words["whole"]))
    axes[1].set(yscale="log", ylim=(LOWEST, HIGHEST), title=words["loss"], xlabel=words["epochs"])
    axes[1].set_yticks((0.1, 0.2, 0.5, 1, 2), ("0.1", "0.2", "0.5", "1", "2"))
    axes[2].set(xscale="log", xlim=(8e-5, 0.037), yscale="log", ylim=(WORST, BEST))
    axes[2].set(title=words["accuracy"], xlabel=words["peak"])
    axes[2].set_xticks((1e-4, 1e-3, 0.01), ("0.0001", "0.001", "0.01"))
    axes[2].set_yticks((0.1, 0.05, 0.03, 0.02), ("90 %", "95 %", "97 %", "98 %"))
    for ax in axes[:2]:
        ax.set_xlim(0, EPOCHS + 0.05)
        ax.set_xticks(range(EPOCHS + 1))
    for ax in axes:
        ax.minorticks_off()
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    return list(axes)
