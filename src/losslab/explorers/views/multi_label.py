"""Chapter 8: several labels may be right at once, and a threshold picks them."""

from functools import cache, partial

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.shapes import bars, dot, frame, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained

COUNT, ROWS, COLUMNS, SIDE = 1000, 4, 3, 28
SLIDERS = (
    Slider("threshold", np.round(np.linspace(0.01, 0.99, 99), 2)),
    Slider("picture", np.arange(1, ROWS * COLUMNS + 1)),
)
LABELS = ("all", *trained.NAMES)
RATES = ("Precision", "Recall", "F1")


def multi_label(threshold=0.5, picture=1, label="all", shown=None):
    """Open the explorer of two digits laid over one another: threshold from 0.01 to 0.99, twelve pictures.

    Parameters
    ----------
    threshold : float
        From which score on a label is given.
    picture : int
        1 to 12.
    label : str
        "all", or the digit "0" to "9" whose precision and recall the curves show.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"threshold": threshold, "picture": picture, "label": label}
    return GridExplorer(multi_label, compute, SLIDERS, {"label": LABELS}, shown=shown, **knobs)


@cache
def pictures():
    """Lay validation digits over one another, and score their labels with the network trained for that.

    Returns
    -------
    images : uint8 array, shape (1000, 28, 28)
    truth : bool array, shape (1000, 10)
    scores : array, shape (1000, 10)
    """
    generator = torch.Generator().manual_seed(0)
    images, truth = trained.overlaid(*trained.split()["validation"], COUNT, generator)
    return images.numpy(), truth.numpy(), activations.sigmoid(trained.pair_reader().logits(images))


def rates(threshold, label="all"):
    """Return precision, recall and F1 of one label, or of all in one count, at these thresholds."""
    _, truth, scores = pictures()
    which = slice(None) if label == "all" else [int(label)]
    precision, recall = decisions.precision_recall(
        scores[:, which].ravel(), truth[:, which].ravel(), threshold
    )
    precision = np.nan_to_num(precision, nan=1.0)  # where nothing is said, nothing said is wrong
    return precision, recall, decisions.f1(precision, recall)


def best(label="all"):
    """Return the position of the slider with the largest F1, the lowest of several, and that F1."""
    values = SLIDERS[0].values
    found = rates(values, label)[2]
    return values[found.argmax()], found.max()


def compute(threshold, picture, *, label):
    """Give a picture every label whose score reaches a threshold; count how often that is right.

    Parameters
    ----------
    threshold, picture : array, shapes (A, 1) and (1, B)
    label : str
        One of `LABELS`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    which = picture[0] - 1
    truth, scores = (one[which] for one in pictures()[1:])
    series = []
    for key, those in (("There", truth), ("Not there", ~truth)):
        series.append(Series(key, 0, bars(np.where(those, scores, 0.0))[None], fill=True))
    now = dict(zip(RATES, rates(threshold, label), strict=True))
    series += [Series(key, 1, dot(threshold, here)) for key, here in now.items()]
    across, up = np.array([-0.6, 9.6]), np.array([0.0, 1.02])
    series.append(Series("This threshold", 0, points(across, threshold[..., None])))
    series.append(Series("This threshold", 1, points(threshold[..., None], up)))
    corner = np.array([which % COLUMNS, which // COLUMNS]).T[:, None] * SIDE - 0.5
    series.append(Series("This picture", 2, (frame(0, 0, SIDE, SIDE) + corner)[None]))
    given = scores >= threshold[..., None]
    said = {"threshold": threshold, "picture": picture, "there": listed(truth)[None], "given": listed(given)}
    said |= {"missed": (truth & ~given).sum(-1), "extra": (given & ~truth).sum(-1)}
    said |= {key.lower(): here for key, here in now.items()}
    at, most = best(label)
    whose = Sentence("every_label") if label == "all" else Sentence("one_label", label=label)
    return View(
        "multi_label",
        partial(stage, label=label),
        series,
        Sentence("says", whose=whose, at=at, most=most, **said),
    )


def listed(marks):
    """Name the labels that are marked, (..., 10) to (...) of str; a dash for none."""
    names = [" ".join(trained.NAMES[k] for k in np.flatnonzero(row)) or "–" for row in marks.reshape(-1, 10)]
    return np.array(names, object).reshape(marks.shape[:-1])


def stage(figure, theme, words, *, label):
    """Twelve pictures on the left, ten scores in the middle, precision, recall and F1 on the right."""
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.2, 1.2))
    tiles = pictures()[0][: ROWS * COLUMNS].reshape(ROWS, COLUMNS, SIDE, SIDE).swapaxes(1, 2)
    ink = palette.TEXT[theme]
    paper = LinearSegmentedColormap.from_list("ink", [(ink, 0.0), (ink, 1.0)])
    left.imshow(tiles.reshape(ROWS * SIDE, COLUMNS * SIDE), cmap=paper, interpolation="nearest")
    left.set(xticks=(), yticks=(), xlim=(-2, COLUMNS * SIDE + 1), ylim=(ROWS * SIDE + 1, -2))
    middle.set(xlim=(-0.6, 9.6), ylim=(0, 1.3), xticks=range(10), yticks=np.linspace(0, 1, 6))
    middle.set(xlabel=words["label"], title=words["score"])
    every = SLIDERS[0].values
    for key, rate in zip(RATES, rates(every, label), strict=True):
        style = {"color": palette.colour(key, theme), "linestyle": palette.LINES[key]["linestyle"]}
        right.plot(every, rate, linewidth=1.2, label=words[key], **style)
    right.legend(loc="lower left", fontsize=8, labelcolor=ink, frameon=False)
    right.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=words["threshold"])
    for ax in (left, middle, right):
        palette.tint(ax, theme)
    left.spines[:].set_visible(False)
    return [middle, right, left]
