"""Chapter 5: what Adam divides by: its path in the ravine for every β₂ and ε."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable, significant
from losslab.explorers.widget import GridExplorer
from losslab.figures import artists, palette
from losslab.formulas import optim, surfaces

LR, BETA1, STEPS, EVERY, LAST = 0.03, 0.9, 1000, 10, 100
CURVATURES = np.array([1.0, 20.0])
RAVINE = surfaces.SURFACES["ravine"]
LIMITS = 2 * (1 + BETA1) / ((1 - BETA1) * CURVATURES)  # of α for ema_momentum, whose rate is α (1 − β₁)
RATES = "Rate of w1", "Rate of w2"
SLIDERS = (
    Slider("beta2", np.unique(np.round(1 - np.geomspace(1, 1e-4, 41), 4))),
    Slider("eps", readable(np.geomspace(1e-12, 10, 27))),
)


def denominator(beta2=0.999, eps=1e-8, shown=None):
    """Open the explorer of Adam's denominator √v̂ + ε: 1,000 steps in the ravine, α = 0.03, β₁ = 0.9.

    Parameters
    ----------
    beta2 : float
        Decay of the average of squared gradients, between 0 and 0.9999.
    eps : float
        ε, between 1e-12 and 10.
    shown : sequence of str, optional
        Which of "Adam", "Rate of w1" and "Rate of w2" are drawn; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(denominator, compute, SLIDERS, beta2=beta2, eps=eps, shown=shown)


def compute(beta2, eps):
    """Run Adam in the ravine for every β₂ and ε.

    Parameters
    ----------
    beta2, eps : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    path, rates = (np.moveaxis(part, 0, 2) for part in run(beta2, eps))  # (A, B, STEPS + 1, 2)
    losses = RAVINE.value(path)
    every, t = slice(None, None, EVERY), np.arange(0, STEPS + 1, EVERY)
    series = [Series("Adam", 0, path[..., every, :])]
    series.append(Series("Adam", 1, shapes.points(t, losses[..., every])))
    for k, key in enumerate(RATES):
        series.append(Series(key, 2, shapes.points(t, rates[..., every, k])))
    return View("denominator", stage, series, said(losses[..., -LAST:], rates[..., -LAST:, :]))


def said(losses, rates):
    """Say between which losses the last steps stay, and how near both rates have come to their limits."""
    end = np.median(rates, -2)
    told = {"low": significant(losses.min(-1), 1), "high": significant(losses.max(-1), 1)}
    told |= {f"w{k + 1}": significant(end[..., k], 2) for k in range(2)}
    told |= {f"limit{k + 1}": LIMITS[k] for k in range(2)}
    return Sentence("says", last=LAST, **told)


def run(beta2, eps):
    """Run Adam; return the path and the rate α / (√v̂ + ε) of the step that begins at each of its points.

    Returns
    -------
    two arrays, shape (STEPS + 1, A, B, 2)
    """
    beta2, eps = np.broadcast_arrays(beta2[..., None], eps[..., None])
    w, memory = np.tile(RAVINE.start, (*beta2.shape[:2], 1)), (0.0, 0.0, 0)
    kept = []
    for _ in range(STEPS + 1):
        after, *memory = optim.adam(w, RAVINE.gradient(w), *memory, lr=LR, beta1=BETA1, beta2=beta2, eps=eps)
        _, v, t = memory
        kept.append((w, LR / ((v / (1 - beta2**t)) ** 0.5 + eps)))
        w = after
    return [np.array(part) for part in zip(*kept, strict=True)]


def stage(figure, theme, words):
    """The ravine on the left; on the right the loss over the steps, and below it the two rates."""
    axes = figure.subplot_mosaic([["plane", "loss"], ["plane", "rates"]])
    plane, loss, rates = axes["plane"], axes["loss"], axes["rates"]
    artists.contours(plane, RAVINE, theme=theme)
    plane.set_title(words["plane"].format(every=EVERY), fontsize=10)
    loss.set(ylim=(1e-16, 1e2), ylabel=words["loss"])
    rates.set(ylim=(1e-3, 2e3), ylabel=words["rates"], xlabel=words["step"])
    for ax in (loss, rates):
        ax.set(xlim=(-15, STEPS + 15), yscale="log")
    for k, limit in enumerate(LIMITS):
        colour = palette.colour(RATES[k], theme)
        rates.axhline(limit, color=colour, linewidth=1, linestyle=(0, (1, 2)))
        rates.text(0, 1.3 * limit, words["limit"].format(k=k + 1), fontsize=8, color=colour)
    for ax in axes.values():
        palette.tint(ax, theme)
    return [plane, loss, rates]
