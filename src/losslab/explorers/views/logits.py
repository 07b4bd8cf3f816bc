"""Chapter 3: three logits become probabilities and a loss."""

from functools import partial

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations

SLIDERS = (
    Slider("z1", readable(np.linspace(-6, 6, 121), 4)),
    Slider("z2", readable(np.linspace(-6, 6, 61), 4)),
)


def logits(z1=2.0, z2=0.0, label=1, shown=None):
    """Open the explorer of softmax and cross-entropy: logits (z₁, z₂, 0), z₁ and z₂ from −6 to 6.

    `label` is the right class, 1 to 3.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(
        logits, compute, SLIDERS, {"label": (1, 2, 3)}, z1=z1, z2=z2, label=label, shown=shown
    )


def compute(z1, z2, *, label):
    """Three logits (z₁, z₂, 0), their probabilities, and the loss as z₁ varies.

    A constant added to all logits changes nothing, so z₃ = 0 covers all cases.

    Parameters
    ----------
    z1, z2 : array, shapes (A, 1) and (1, B)
    label : int
        The right class, 1 to 3.

    Returns
    -------
    losslab.explorers.contract.View
    """
    z = np.stack(np.broadcast_arrays(z1, z2, 0.0), -1)
    log_p = activations.log_softmax(z)
    right, p = label - 1, np.exp(log_p)
    series = [
        Series(f"Class {k + 1}", panel, shapes.bars(heights[..., [k]], [k + 1], 0.7), fill=True)
        for panel, heights in enumerate((z, p))
        for k in range(3)
    ]
    axis = np.stack(np.broadcast_arrays(SLIDERS[0].values, z2.T, 0.0), -1)
    curve = shapes.points(axis[..., 0], -activations.log_softmax(axis)[..., right])
    slope, loss = p[..., 0] - (right == 0), -log_p[..., right]
    series += [
        Series("Loss", 2, curve[None]),
        Series("Class 1", 2, shapes.tangent(z[..., 0], loss, slope, 12, 12.5)),
    ]
    says = "says_first" if label == 1 else "says"
    p1, p2, p3 = np.moveaxis(p, -1, 0)
    text = Sentence(says, p1=p1, p2=p2, p3=p3, label=label, loss=loss, slope=slope)
    return View("logits", partial(stage, label=label), series, text)


def stage(figure, theme, words, *, label):
    """Logits on the left, probabilities in the middle, the loss against z₁ on the right."""
    axes = figure.subplots(1, 3, width_ratios=(3, 3, 4))
    classes = {"xlim": (0.4, 3.6), "xticks": (1, 2, 3), "xlabel": words["class"]}
    axes[0].set(ylim=(-6.4, 6.4), title=words["logits"], **classes)
    axes[0].axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    axes[1].set(ylim=(0, 1.03), title=words["probabilities"], **classes)
    axes[2].set(xlim=(-6.2, 6.2), ylim=(-0.4, 12.4), xticks=range(-6, 7, 2), xlabel=words["logit"])
    axes[2].set_title(words["loss"].format(label=label))
    for ax in axes:
        palette.tint(ax, theme)
    return list(axes)
