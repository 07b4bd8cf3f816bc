"""Chapter 7: an answer only from a threshold on, and the surest mistakes, which remain."""

from functools import cache, partial
from typing import NamedTuple

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations
from losslab.learning import trained

STEPS = np.arange(1000, 9900, 100), np.arange(9900, 9990, 10), np.arange(9990, 10_000)
SLIDERS = (Slider("threshold", np.concatenate(STEPS) / 1e4),)
NETWORKS = {"article": False, "recipe": True}  # `measured` of `trained.reader`
LOW, HIGH, BINS, LEAST, MOST = 0.2, 0.99999, 22, 0.5, 300  # of the counts by largest probability
COLUMNS, ROWS, SIDE, CELL = 5, 3, 28, (32, 42)  # of the sheet of mistakes; pixels of a digit and its place
RECIPES = {"article": "The article's recipe", "recipe": "The better recipe"}
GROUND = {"light": "gray_r", "dark": "gray"}


class Judged(NamedTuple):
    """What a network says of the validation digits, the surest first.

    Attributes
    ----------
    probability : array, shape (N,)
        The largest of the ten.
    answer, label : int array, shape (N,)
    images : uint8 array, shape (N, 28, 28)
    """

    probability: np.ndarray
    answer: np.ndarray
    label: np.ndarray
    images: np.ndarray

    @property
    def wrong(self):
        """Which answers are wrong, (N,)."""
        return self.answer != self.label


def reject(threshold=0.9, network="article", shown=None):
    """Open the explorer of a network that answers only if its largest probability reaches the threshold.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"threshold": threshold, "network": network}
    return GridExplorer(reject, compute, SLIDERS, {"network": list(NETWORKS)}, shown=shown, **knobs)


@cache
def judged(network="article"):
    """Return what a network says of the 600 validation digits, trained as in the article or better."""
    images, labels = trained.split()["validation"]
    measured = NETWORKS[network]
    p = activations.softmax(trained.reader(measured=measured).logits(images))
    order = np.argsort(-p.max(1), kind="stable")
    return Judged(p.max(1)[order], p.argmax(1)[order], labels.numpy()[order], images.numpy()[order])


def at(threshold, network="article"):
    """Return how many digits are answered at these thresholds, and how many of the answers are right."""
    said = judged(network)
    given = said.probability >= np.asarray(threshold)[..., None]
    return given.sum(-1), (given & ~said.wrong).sum(-1)


def compute(threshold, network):
    """What is answered at each threshold, and which mistakes remain.

    Parameters
    ----------
    threshold : array, shape (A, 1)
    network : str

    Returns
    -------
    losslab.explorers.contract.View
    """
    answered, right = at(threshold, network)
    ratio = np.where(answered, right / np.maximum(answered, 1), 1.0)  # without an answer, none was wrong
    here = shapes.dot(answered / len(judged(network).label), ratio)
    series = [Series("This threshold", 0, here), *counts(network)]
    foot = shapes.points(threshold[..., None], np.array([LEAST, MOST]))
    series += [Series("This threshold", 1, foot), *sheet(threshold, network)]
    return View("reject", scene(network), series, verdict(threshold, answered, right, network))


def counts(network):
    """Count the right and the wrong answers by their largest probability, in bars that look equally wide."""
    ends = 1 / (1 + np.exp(-np.linspace(*(np.log(p / (1 - p)) for p in (LOW, HIGH)), BINS + 1)))
    said = judged(network)
    for key, those in (("Right answers", ~said.wrong), ("Wrong answers", said.wrong)):
        count = np.histogram(np.clip(said.probability[those], LOW, ends[-1]), ends)[0]
        bars = shapes.bars(np.maximum(count, LEAST), (ends[1:] + ends[:-1]) / 2, np.diff(ends), LEAST)
        yield Series(key, 1, bars[None, None], fill=True)


def sheet(threshold, network):
    """Frame each of the surest mistakes while it is given as an answer, and cover it once it is not."""
    said = judged(network)
    for k, sure in enumerate(said.probability[said.wrong][: COLUMNS * ROWS]):
        x, y = place(k)
        edge = shapes.frame(x - 1, y - 1, x + SIDE + 1, y + SIDE + 1)
        given = (sure >= threshold)[..., None, None]
        yield Series("Still given", 2, np.where(given, edge, shapes.AWAY))
        yield Series("Refused", 2, np.where(given, shapes.AWAY, edge), fill=True)


def place(k):
    """Return the lower left corner of the picture of mistake k on the sheet."""
    wide, high = CELL
    return k % COLUMNS * wide + 2, (ROWS - 1 - k // COLUMNS) * high + 2


def verdict(threshold, answered, right, network):
    """Say how much is answered, how much of it is right, and which mistake is the surest."""
    said = judged(network)
    first = said.wrong.argmax()
    key = np.where(answered == 0, "says_nothing", np.where(answered == right, "says_right", "says"))
    known = {"answered": answered / len(said.label), "right": right / np.maximum(answered, 1)}
    known |= {"mistakes": answered - right, "refused": len(said.label) - answered, "all": len(said.label)}
    known["spared"] = (~said.wrong).sum() - right
    surest = {
        "label": said.label[first],
        "answer": said.answer[first],
        "sure": floor(said.probability[first]),
    }
    return Sentence(key, threshold=threshold, **known, **surest)


def floor(probability):
    """Cut a probability off after four decimals: it is never said to be 1."""
    return np.floor(1e4 * probability) / 1e4


@cache
def scene(network):
    """Return the stage of a network: one function for each, as another is drawn for another."""
    return partial(stage, network=network)


def stage(figure, theme, words, network):
    """Accuracy over the share answered, below it counts by probability; beside them the surest mistakes."""
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.35))
    curve, count, mistakes = (figure.add_subplot(grid[where]) for where in ((0, 0), (1, 0), (slice(None), 1)))
    for name, key in RECIPES.items():
        answered, right = at(judged(name).probability, name)
        share, style = answered / len(judged(name).label), {"linestyle": palette.LINES[key]["linestyle"]}
        curve.plot(share, right / answered, label=words[key], color=palette.colour(key, theme), **style)
    curve.legend(loc="lower left", fontsize=8, labelcolor=palette.TEXT[theme], frameon=False)
    curve.set(xlim=(0, 1.02), ylim=(0.9, 1.004), xlabel=words["answered"], ylabel=words["accuracy"])
    count.set(xscale="logit", xlim=(LOW, HIGH), yscale="log", ylim=(LEAST, MOST))
    count.set(xlabel=words["probability"], ylabel=words["count"])
    count.set_xticks((0.5, 0.9, 0.99, 0.999, 0.9999), ("0.5", "0.9", "0.99", "0.999", "0.9999"))
    hang(mistakes, theme, words, network)
    for ax in (curve, count, mistakes):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [curve, count, mistakes]


def hang(ax, theme, words, network):
    """Hang the pictures of the surest mistakes, each with its digit, the answer and its probability."""
    said = judged(network)
    wrong = np.flatnonzero(said.wrong)[: COLUMNS * ROWS]
    for k, i in enumerate(wrong):
        x, y = place(k)
        extent = (x, x + SIDE, y, y + SIDE)
        ax.imshow(said.images[i], GROUND[theme], vmin=0, vmax=255, extent=extent, interpolation="nearest")
        text = f"{said.label[i]} → {said.answer[i]}  {floor(said.probability[i]):.4f}"
        ax.text(x + SIDE / 2, y + SIDE + 2.5, text, ha="center", fontsize=7.5, color=palette.TEXT[theme])
    ax.set(xlim=(0, COLUMNS * CELL[0]), ylim=(0, ROWS * CELL[1]), title=words["surest"], aspect="auto")
    ax.set(xticks=(), yticks=())
    ax.title.set_fontsize(10)
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
