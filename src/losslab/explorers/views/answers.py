"""Chapter 8: what threshold and temperature do to answers."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import bars, dot
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained

SLIDERS = (
    Slider("threshold", readable(np.append(np.linspace(0.1, 0.98, 45), [0.985, 0.99, 0.995, 0.999]))),
    Slider("temperature", readable(np.geomspace(0.25, 4, 33))),
)
BINS = 10


def answers(threshold=0.9, temperature=1.0, shown=None):
    """Open the explorer of answers: threshold from 0.1 to 0.999, temperature from 0.25 to 4.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(answers, compute, SLIDERS, threshold=threshold, temperature=temperature, shown=shown)


def compute(threshold, temperature):
    """Answer the test digits only where the largest probability reaches τ; say how far it can be trusted.

    Parameters
    ----------
    threshold, temperature : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    images, labels = trained.split()["test"]
    z, T = trained.reader().logits(images), temperature[0]
    sure = activations.softmax(z, T[:, None, None]).max(-1)  # (B, N)
    right = z.argmax(-1) == labels.numpy()
    coverage, accuracy = np.stack([decisions.selective(s, right, threshold[:, 0]) for s in sure], -1)
    good = np.nan_to_num(accuracy, nan=1.0)  # where nothing was answered, no answer was wrong
    sweep = np.stack([decisions.selective(s, right, SLIDERS[0].values) for s in sure])
    kept = np.stack([decisions.reliability(s, right, BINS)[2] for s in sure])
    series = [
        Series("Accuracy", 0, np.nan_to_num(sweep.swapaxes(-1, -2), nan=1.0)[None]),
        Series("This setting", 0, dot(coverage, good)),
        Series("Probability", 1, bins(kept)[None], fill=True),
    ]
    said = {"threshold": threshold, "temperature": temperature, "coverage": coverage}
    said["accuracy"] = np.nan_to_num(accuracy)
    said["mistakes"] = np.rint(coverage * (1 - good) * len(z)).astype(int)
    said["sent"] = np.rint((1 - coverage) * len(z)).astype(int)
    said["error"] = [decisions.calibration_error(s, right, BINS) for s in sure]
    return View("answers", stage, series, Sentence("says", **said))


def bins(heights):
    """Outline a histogram over (0, 1], (…, B) to (…, 4 B, 2); an empty bin, NaN, has height 0."""
    outline = bars(np.nan_to_num(heights), width=1)
    return (outline + [0.5, 0]) / [heights.shape[-1], 1]


def stage(figure, theme, words):
    """Accuracy against coverage on the left, what was promised and what was kept on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0, 1.02), ylim=(0.9, 1.004), xlabel=words["coverage"], ylabel=words["accuracy"])
    right.plot([0, 1], [0, 1], color=palette.TEXT[theme], linewidth=0.8, linestyle="--")
    right.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=words["promised"], ylabel=words["kept"])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
