"""Chapter 2: what more training images do for the gap between training and validation."""

from functools import cache

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

SIZES = np.array([50, 100, 200, 500, 1000, 2000, 3000, 4500])  # `benchmarks/data_size.py` measures these,
EPOCHS = 40  # for so many epochs
SLIDERS = (Slider("images", SIZES), Slider("epoch", np.arange(EPOCHS + 1)))
PARTS = {"training": "Training images", "validation": "Validation images"}


def data_size(images=1000, epoch=EPOCHS, shown=None):
    """Open the explorer of training sets of 50 to 4,500 digits: losses and accuracies after 0 to 40 epochs.

    Nothing is interpolated: of other numbers of images the nearest that was measured is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    _, nearest = SLIDERS[0].at(images)
    knobs = {"images": SIZES[nearest].item(), "epoch": epoch}
    return GridExplorer(data_size, compute, SLIDERS, shown=shown, **knobs)


@cache
def measured():
    """Return the record of `benchmarks/data_size.py`; raises what `records.of` does."""
    return records.of("data_size")


def scores(part, what):
    """Return the means of a score and their deviations over the seeds, (sizes, epochs + 1) each."""
    rows = [row[f"{part} {what}"] for row in measured()["rows"]]
    return np.array([row["mean"] for row in rows]), np.array([row["sd"] for row in rows])


def compute(images, epoch):
    """Look up the trainings of one size, and all sizes after one epoch.

    Parameters
    ----------
    images, epoch : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    size = np.abs(images - SIZES).argmin(-1)  # (A,)
    loss = {part: scores(part, "loss") for part in PARTS}
    accuracy = {part: scores(part, "accuracy") for part in PARTS}
    series = [*by_epoch(loss, size, epoch), *by_size(1, loss, size, epoch[0])]
    series += by_size(2, accuracy, size, epoch[0])
    (trained, _), (judged, spread) = (
        (mean[size][:, epoch[0]], sd[size][:, epoch[0]]) for mean, sd in loss.values()
    )
    record, right = measured(), accuracy["validation"][0][size][:, epoch[0]]
    said = {
        "training": trained,
        "validation": judged,
        "spread": spread,
        "gap": judged - trained,
        "right": right,
    }
    steps = epoch * -(-SIZES[size][:, None] // record["batch"])
    knobs = {"images": SIZES[size][:, None], "epoch": epoch, "steps": steps, "seeds": len(record["seeds"])}
    return View("data_size", stage, series, Sentence("says", held_out=record["held_out"], **knobs, **said))


def by_epoch(loss, size, epoch):
    """Draw both losses of one size up to an epoch, and the gap between them."""
    k = np.minimum(np.arange(EPOCHS + 1), epoch.T)  # (B, epochs + 1): what comes later stays at the epoch
    lines = [shapes.points(k, mean[size][:, k]) for mean, _ in loss.values()]  # (A, B, epochs + 1, 2)
    yield Series("Gap", 0, np.concatenate([lines[0], lines[1][..., ::-1, :]], -2), fill=True)
    yield from (Series(key, 0, line) for key, line in zip(PARTS.values(), lines, strict=True))


def by_size(panel, scores, size, epoch):
    """Draw a score of all sizes after an epoch with its deviations, and the gap at one size."""
    ends = [mean[size][:, epoch] for mean, _ in scores.values()]  # (A, B) each
    left, right = SIZES[size][:, None] / 1.06, SIZES[size][:, None] * 1.06
    yield Series(
        "Gap",
        panel,
        np.stack(
            [
                shapes.points(x, y)
                for x, y in ((left, ends[0]), (left, ends[1]), (right, ends[1]), (right, ends[0]))
            ],
            -2,
        ),
        fill=True,
    )
    for key, (mean, sd) in zip(PARTS.values(), scores.values(), strict=True):
        yield Series(key, panel, shapes.whiskers(SIZES, mean[:, epoch].T, sd[:, epoch].T)[None])


def stage(figure, theme, words):
    """Losses by epoch on the left, losses by size in the middle, accuracies by size on the right."""
    axes = figure.subplots(1, 3, width_ratios=(1.2, 1, 1))
    axes[0].set(xlim=(-1, EPOCHS + 1), ylim=(-0.05, 2.5), xlabel=words["epoch"], title=words["one"])
    axes[1].set(ylim=(-0.05, 2.5), title=words["all"])
    axes[2].set(ylim=(0, 1.03), title=words["accuracy"])
    for ax in axes[1:]:
        ax.set(xscale="log", xlim=(40, 5700), xlabel=words["images"])
        ax.set_xticks((50, 200, 1000, 4500), ("50", "200", "1,000", "4,500"))
        ax.minorticks_off()
    for ax in axes:
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    return list(axes)
