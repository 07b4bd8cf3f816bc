"""Chapter 8: a digit that is being drawn, what the network sees of it, and what it says."""

import numpy as np

from losslab.book.words import Sentence
from losslab.data import handwriting
from losslab.explorers.contract import Series, View
from losslab.explorers.live import LiveExplorer
from losslab.explorers.shapes import bars
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained

PAD, PEN = 112, 11  # cells per side of the pad, and across its pen
SURE = 0.9  # from here on the answer is given without reservation
PREPARATIONS = {
    "centred": handwriting.centred,
    "only shrunk": lambda drawing: np.round(handwriting.resample(drawing, (28, 28))).astype(np.uint8),
    "colours inverted": lambda drawing: 255 - handwriting.centred(drawing),
}


STEM, TOP, MIDDLE, FOOT = (20, 92, 30, 41), (20, 31, 30, 75), (50, 61, 30, 75), (81, 92, 30, 75)
LETTERS = {  # the strokes of `page`; nothing that the network has been trained on
    **{"E": (STEM, TOP, MIDDLE, FOOT), "F": (STEM, TOP, MIDDLE), "L": (STEM, FOOT)},
    **{"H": (STEM, MIDDLE, (20, 92, 64, 75)), "T": (TOP, (20, 92, 47, 58))},
}
EXAMPLES = {"none": None, **{f"a {k}": k for k in range(10)}}
EXAMPLES |= {f"{'a' if letter == 'T' else 'an'} {letter}": letter for letter in LETTERS}


def draw(example="none", preparation="centred", shown=None):
    """Open a pad to draw a digit on, read by the network while it is drawn.

    `example` is a key of `EXAMPLES` to begin with: "none", "a 7", "a T"; `preparation` one of `PREPARATIONS`.

    Returns
    -------
    losslab.explorers.live.LiveExplorer
    """
    pages = {name: {"example": name, "ink": enlarged(shape)} for name, shape in EXAMPLES.items()}
    menus = {"example": pages, "preparation": PREPARATIONS}
    knobs = {"example": example, "preparation": preparation}
    return LiveExplorer(draw, compute, menus=menus, pad=PAD, pen=PEN, shown=shown, **knobs)


def enlarged(shape):
    """Return the most typical test image of a digit, enlarged to the pad; a letter; blank paper for None."""
    if shape is None or shape in LETTERS:
        return page(*LETTERS.get(shape, ()))
    images, labels = trained.split()["test"]
    image = typical(images[labels == shape].numpy())
    return np.kron(image, np.ones((PAD // 28, PAD // 28), np.uint8))


def page(*strokes):
    """Return a pad with straight strokes, each (top, foot, left, right), as uint8 of shape (PAD, PAD)."""
    ink = np.zeros((PAD, PAD), np.uint8)
    for top, foot, left, right in strokes:
        ink[top:foot, left:right] = 255
    return ink


def typical(images):
    """Return the image nearest to the mean of all."""
    return images[((images - images.mean(0)) ** 2).sum((1, 2)).argmin()]


def read(ink, preparation="centred"):
    """Return what the network is given for a drawing, and the ten probabilities that it returns.

    Parameters
    ----------
    ink : uint8 array, shape (H, W)
        0 (paper) to 255 (ink).
    preparation : str
        A key of `PREPARATIONS`.

    Returns
    -------
    seen : uint8 array, shape (28, 28)
    p : array, shape (10,)
        Zeros for an empty page.
    """
    seen = PREPARATIONS[preparation](ink)
    return seen, answer(trained.pad_reader(), seen) * bool(ink.any())


def answer(reader, seen):
    """Return the ten probabilities that a network returns for a picture, uint8 of shape (28, 28)."""
    return activations.softmax(reader.logits(seen[None]))[0]


def compute(ink, *, example="none", preparation="centred"):
    """Read a drawing.

    Parameters
    ----------
    ink : uint8 array, shape (PAD, PAD)
    example : str
        Where the drawing began; changes nothing.
    preparation : str
        A key of `PREPARATIONS`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    seen, p = read(ink, preparation)
    return View("draw", stage, [Series("Probability", 0, bars(p), fill=True)], said(p), image=seen)


def said(p):
    """Put ten probabilities into words; nothing was drawn if all are 0."""
    if not p.any():
        return Sentence("empty")
    first, second = decisions.top_k(p, 2)
    key = "unsure" if decisions.decide(p, SURE) == decisions.REJECTED else "sure"
    return Sentence(key, first=first, p=p[first], second=second, q=p[second])


def stage(figure, theme, words):
    """Ten bars, and the threshold from which on the answer is given without reservation."""
    ax = figure.subplots()
    ax.axhline(SURE, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    ax.set(xlim=(-0.6, 9.6), ylim=(0, 1.02), xticks=range(10))
    ax.set(xlabel=words["digit"], ylabel=words["probability"])
    ax.grid(axis="x", visible=False)
    palette.tint(ax, theme)
    return [ax]
