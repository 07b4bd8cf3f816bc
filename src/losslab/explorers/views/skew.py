"""Chapter 8: digits that were prepared differently from the training images."""

from functools import lru_cache

import numpy as np
import torch

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations
from losslab.learning import trained, training

SLIDERS = (
    Slider("contrast", readable(np.linspace(-1, 1, 33), 4)),
    Slider("shift", np.arange(9)),
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


def skew(contrast=1.0, shift=0, preparation="as trained", digit=7, shown=None):
    """Open the explorer of digits prepared differently: contrast from −1 to 1, shift from 0 to 8.

    `preparation` is a key of `PREPARATIONS`, `digit` the one whose picture is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    menus = {"preparation": PREPARATIONS, "digit": range(10)}
    knobs = {"contrast": contrast, "shift": shift, "preparation": preparation, "digit": digit}
    return GridExplorer(skew, compute, SLIDERS, menus, shown=shown, **knobs)


def changed(v, contrast, shift):
    """Return images on the scale 0 to 1, their contrast changed, ½ + c (v − ½), and moved right on the paper.

    c = 1 changes nothing, 0 leaves a uniform grey, −1 turns black into white. Paper comes in from the left.
    """
    moved = torch.nn.functional.pad(v, (shift, 0))[..., : v.shape[-1]]
    return 0.5 + contrast * (moved - 0.5)


def compute(contrast, shift, *, preparation, digit):
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
    z, one = read(*place), int((labels == digit).nonzero()[0, 0])
    right, p = (z.argmax(-1) == labels.numpy()).mean(-1), activations.softmax(z[:, :, one])
    _, (mean, std, *_) = trained.reader()  # to show what arrives as if it were training pixels
    seen = np.array([[(x * std + mean).numpy() for x in row] for row in prepared(images[one], *place)])
    said = {"digit": digit, "contrast": contrast, "shift": shift, "answer": p.argmax(-1), "p": p.max(-1)}
    text = Sentence("says", right=right, count=COUNT, **said)
    return View("skew", stage, lines(contrast, right, p, seen), text)


def prepared(images, preparation, contrasts, shifts):
    """Generate rows of what the network is given, by contrast and shift: all at once would fill memory."""
    prepare, (mean, std, *_), v = PREPARATIONS[preparation], trained.reader().transform, images / 255
    return ((prepare(changed(v, c, int(k)), mean, std) for k in shifts) for c in contrasts)


@lru_cache(maxsize=len(PREPARATIONS))
def read(preparation, contrasts, shifts):
    """Return the logits of all digits at every position, shape (A, B, COUNT, 10)."""
    rows = prepared(trained.split()["test"][0][:COUNT], preparation, contrasts, shifts)
    model = trained.reader().model
    return np.array([[training.predict(model, x).double().numpy() for x in row] for row in rows])


def lines(contrast, right, p, seen):
    """Return what is drawn: the picture, ten probabilities, and the share of all digits read correctly."""
    along = shapes.points(contrast, right).swapaxes(0, 1)[None]  # (1, B, A, 2)
    series = [
        Series("What it sees", 0, shapes.engraved(seen), fill=True),
        Series("Probability", 1, shapes.bars(p), fill=True),
        Series("This setting", 2, shapes.dot(contrast, right)),
    ]
    return [*series, Series("Accuracy", 2, along)] if len(contrast) > 1 else series


def stage(figure, theme, words):
    """The digit on the left, ten probabilities in the middle, accuracy on the right."""
    picture, chance, accuracy = axes = figure.subplots(1, 3, width_ratios=(1, 1.2, 1.2))
    picture.set(xlim=(0, 28), ylim=(0, 31.5), xticks=(), yticks=(), title=words["seen"])
    chance.set(xlim=(-0.6, 9.6), ylim=(0, 1.02), xticks=range(10))
    chance.set(xlabel=words["digit"], title=words["probability"])
    accuracy.set(xlim=(-1.05, 1.05), ylim=(0, 1.02), xlabel=words["contrast"], title=words["accuracy"])
    accuracy.axhline(0.1, color=palette.TEXT[theme], linewidth=0.6, linestyle=":")
    for ax in axes:
        ax.title.set_fontsize(10)
        palette.tint(ax, theme)
    chance.grid(axis="x", visible=False)
    picture.spines[:].set_visible(False)
    return list(axes)
