"""Chapter 8: digits that were prepared in other ways, and what threshold and temperature do to answers."""

from functools import lru_cache

import numpy as np
import torch

from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained, training

# --- train/serve skew: what the network sees when its input is prepared differently ---

SKEW = (
    Slider("contrast", "contrast c", readable(np.linspace(-1, 1, 33), 4)),
    Slider("shift", "moved right, pixels", np.arange(9)),
)
COUNT = 200  # test digits that are read at every position
# From pixels on the scale 0 to 1, shape (..., 28, 28), and the training's mean and deviation.
PREPARATIONS = {
    "as trained": lambda v, mean, std: (v - mean) / std,
    "normalisation forgotten": lambda v, mean, std: v,
    "0 to 255": lambda v, mean, std: 255 * v,
    "normalised twice": lambda v, mean, std: ((v - mean) / std - mean) / std,
    "mean and deviation 0.5": lambda v, mean, std: (v - 0.5) / 0.5,
    "transposed": lambda v, mean, std: (v.mT - mean) / std,
}


def changed(v, contrast, shift):
    """Return images on the scale 0 to 1 with another contrast, ½ + c (v − ½), and moved right on their paper.

    c = 1 changes nothing, 0 leaves an even grey, −1 turns black into white. Paper comes in from the left.
    """
    moved = torch.nn.functional.pad(v, (shift, 0))[..., : v.shape[-1]]
    return 0.5 + contrast * (moved - 0.5)


def skew(contrast, shift, *, preparation, digit):
    """Read test digits that were prepared differently from the training images.

    Parameters
    ----------
    contrast, shift : array, shapes (A, 1) and (1, B)
    preparation : str
        A key of `PREPARATIONS`.
    digit : int
        Which digit's picture is shown, 0 to 9.

    Returns
    -------
    losslab.explorers.contract.View
    """
    place = preparation, tuple(contrast[:, 0].tolist()), tuple(shift[0].tolist())
    images, labels = (t[:COUNT] for t in trained.split()["test"])
    z, one = _read(*place), int((labels == digit).nonzero()[0, 0])
    right, p = (z.argmax(-1) == labels.numpy()).mean(-1), activations.softmax(z[:, :, one])
    words = each(SAYS, digit, contrast, shift, p.argmax(-1), p.max(-1), right, COUNT)
    _, (mean, std, *_) = trained.reader()  # what arrives, in the pixels that the training would call so
    seen = np.array([[(x * std + mean).numpy() for x in row] for row in _prepared(images[one], *place)])
    return View(skew_stage, _skew_series(contrast, right, p, seen), words)


def _prepared(images, preparation, contrasts, shifts):
    """Generate rows of what the network is given, by contrast and shift: all at once would fill memory."""
    prepare, (mean, std, *_), v = PREPARATIONS[preparation], trained.reader().transform, images / 255
    return ((prepare(changed(v, c, int(k)), mean, std) for k in shifts) for c in contrasts)


@lru_cache(maxsize=len(PREPARATIONS))
def _read(preparation, contrasts, shifts):
    """Return the logits of all digits at every position, shape (A, B, COUNT, 10)."""
    rows = _prepared(trained.split()["test"][0][:COUNT], preparation, contrasts, shifts)
    model = trained.reader().model
    return np.array([[training.predict(model, x).double().numpy() for x in row] for row in rows])


SAYS = (
    "A {}, contrast {:.2f}, moved by {} pixels: read as {} with probability {:.2f}. "
    "Prepared like this, {:.1%} of {} test digits are read right."
)


def _skew_series(contrast, right, p, seen):
    x = np.broadcast_to(contrast, right.shape)
    along = np.stack(np.broadcast_arrays(contrast, right), -1).swapaxes(0, 1)[None]  # (1, B, A, 2)
    series = [
        Series("What it sees", 0, ridges(seen), scrub=False, fill=True),
        Series("Probability", 1, bars(p), scrub=False, fill=True),
        Series("This setting", 2, np.stack([x, right], -1)[..., None, :], scrub=False),
    ]
    return [*series, Series("Accuracy", 2, along, scrub=False)] if len(contrast) > 1 else series


def ridges(images):
    """Draw images (…, 28, 28) in one go, (…, points, 2): a ridge for every row, the higher the more ink."""
    rows, columns = images.shape[-2:]
    x = np.concatenate([[0], np.arange(columns) + 0.5, [columns, 0]])
    height = np.pad(1.4 * np.clip(images, -0.3, 1.3), [(0, 0)] * (images.ndim - 1) + [(1, 2)])
    y = height + np.arange(rows, 0, -1)[:, None]
    return np.stack(np.broadcast_arrays(x, y), -1).reshape(*y.shape[:-2], -1, 2)


def bars(heights, width=0.8):
    """Outline bars (…, K) over 0, 1, … K − 1 in one go, (…, 4 K, 2)."""
    centre, zero = np.arange(heights.shape[-1]), 0 * heights
    left, right = (centre - width / 2 + zero, centre + width / 2 + zero)
    corners = np.stack([left, zero, left, heights, right, heights, right, zero], -1)
    return corners.reshape(*heights.shape[:-1], -1, 2)


def skew_stage(figure, theme):
    """The digit as ridges on the left, ten probabilities in the middle, accuracy on the right."""
    picture, chance, accuracy = axes = figure.subplots(1, 3, width_ratios=(1, 1.2, 1.2))
    picture.set(xlim=(0, 28), ylim=(0, 31), xticks=(), yticks=(), title="what the network sees")
    chance.set(xlim=(-0.6, 9.6), ylim=(0, 1.02), xticks=range(10), xlabel="digit", title="probability")
    accuracy.set(xlim=(-1.05, 1.05), ylim=(0, 1.02), xlabel="contrast $c$", title="accuracy, all digits")
    accuracy.axhline(0.1, color=palette.TEXT[theme], linewidth=0.6, linestyle=":")
    for ax in axes:
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    chance.grid(axis="x", visible=False)
    picture.spines[:].set_visible(False)
    return list(axes)


# --- thresholds and temperature ---

ANSWERS = (
    Slider(
        "threshold",
        "threshold t",
        readable(np.append(np.linspace(0.1, 0.98, 45), [0.985, 0.99, 0.995, 0.999])),
    ),
    Slider("temperature", "temperature T", readable(np.geomspace(0.25, 4, 33))),
)
BINS = 10


def answers(threshold, temperature):
    """Answer the test digits only where the largest probability reaches t; say how far it can be believed.

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
    sweep = np.stack([decisions.selective(s, right, ANSWERS[0].values) for s in sure])
    kept = np.stack([decisions.reliability(s, right, BINS)[2] for s in sure])
    error = [decisions.calibration_error(s, right, BINS) for s in sure]
    here = np.stack([coverage, np.nan_to_num(accuracy, nan=1.0)], -1)
    series = [
        Series("Accuracy", 0, np.nan_to_num(sweep.swapaxes(-1, -2), nan=1.0)[None], scrub=False),
        Series("This setting", 0, here[..., None, :], scrub=False),
        Series("Probability", 1, bins(kept)[None], scrub=False, fill=True),
    ]
    sent = np.rint((1 - coverage) * len(z)).astype(int)
    let = np.rint(coverage * (1 - np.nan_to_num(accuracy, nan=1.0)) * len(z)).astype(int)
    words = each(TELLS, threshold, temperature, coverage, np.nan_to_num(accuracy), let, sent, error)
    return View(answers_stage, series, words)


TELLS = (
    "t = {:.3g}, T = {:.2f}: {:.1%} answered, {:.1%} of them right. {} mistakes come through, {} digits go "
    "to a human. Calibration error {:.1%}."
)


def bins(heights):
    """Outline a histogram over (0, 1], (…, B) to (…, 4 B, 2); an empty bin, NaN, has height 0."""
    outline = bars(np.nan_to_num(heights), width=1)
    return (outline + [0.5, 0]) / [heights.shape[-1], 1]


def answers_stage(figure, theme):
    """Accuracy against coverage on the left, what was promised and kept on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0, 1.02), ylim=(0.9, 1.004), xlabel="coverage: share of the digits answered")
    left.set_ylabel("accuracy of the answers")
    right.plot([0, 1], [0, 1], color=palette.TEXT[theme], linewidth=0.8, linestyle="--")
    right.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability promised", ylabel="share of them right")
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
