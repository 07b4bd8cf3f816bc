"""Chapter 5: four optimisers in the ravine turned by an angle; two of them notice."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.views import explore
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import surfaces, trajectories

SLIDERS = (
    Slider("angle", np.arange(0.0, 91.0, 3.0)),
    Slider("lr", readable(np.geomspace(1e-3, 1, 31))),  # 10 for each power of ten
)
STEPS, BETA, REACH = 1000, 0.9, 2.1
RAVINE = surfaces.SURFACES["ravine"]
LEVELS = 8.0 * 4.0 ** -np.arange(6)  # of the loss; the start has 9.4


def turned(angle=0.0, lr=0.03, shown=None, step=None):
    """Open the explorer of the ravine with curvatures 1 and 20, and its start, turned by 0 to 90 degrees.

    The learning rate is that of all four, between 0.001 and 1; β = 0.9, RMSProp has ρ = 0.99, Adam
    β₂ = 0.999. Of 1,000 steps 101 are stored: all up to 60, then ever wider apart; `step` is the nearest.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(turned, compute, SLIDERS, angle=angle, lr=lr, shown=shown, step=step)


def compute(angle, lr):
    """Run four optimisers in the turned ravine for every angle and learning rate.

    Parameters
    ----------
    angle, lr : array, shapes (A, 1) and (1, B)
        The angle in degrees.

    Returns
    -------
    losslab.explorers.contract.View
    """
    turn, keep = rotation(angle), trajectories.thinned(STEPS)
    back = np.swapaxes(turn, -1, -2)
    start = np.broadcast_to(
        along(turn, np.array(RAVINE.start)), (*np.broadcast_shapes(angle.shape, lr.shape), 2)
    )
    gradient = lambda w: along(turn, RAVINE.gradient(along(back, w)))  # noqa: E731
    value = lambda w: RAVINE.value(along(back, w))  # noqa: E731
    series, says = [], {}
    for key, rule in explore.optimizers(lr[..., None], BETA).items():
        path, ends = trajectories.run_long(rule, gradient, start, keep)
        losses = np.moveaxis(trajectories.loss_along(value, path), 0, -1)
        lines = np.moveaxis(path, 0, -2), shapes.points(keep, losses)
        series += [Series(key, panel, line, ends, scrub=True) for panel, line in enumerate(lines)]
        says[key] = explore.reached(key, losses, keep, ends)
    series += [Series("Level lines", 0, line) for line in levels(turn)]
    text = Sentence("says", angle=angle[..., None], step=keep[None, None])
    return View("turned", stage, series, text, says, steps=keep)


def rotation(angle):
    """Return matrices that turn by angles in degrees, shape (..., 2, 2)."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)


def along(matrices, w):
    """Return matrices times vectors, (..., 2, 2) and (..., 2)."""
    return (matrices * w[..., None, :]).sum(-1)


def levels(turn):
    """Yield the lines of equal loss, ellipses of shape (A, 1, n, 2)."""
    around = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(around), np.sin(around) / 20**0.5], -1)  # ½(x² + 20 y²) = ½
    for level in LEVELS:
        yield along(turn[..., None, :, :], (2 * level) ** 0.5 * circle)


def stage(figure, theme, words):
    """The plane of both weights on the left, axes of loss against step on the right."""
    plane, curve = figure.subplots(1, 2)
    plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="$w_1$", ylabel="$w_2$")
    plane.plot(0, 0, "*", color="white", markeredgecolor="black", markersize=11)
    curve.set(xlim=(-0.02 * STEPS, 1.02 * STEPS), ylim=(1e-14, 1e3), yscale="log")
    curve.set(xlabel=words["step"], ylabel=words["loss"])
    for ax in (plane, curve):
        palette.tint(ax, theme)
    return [plane, curve]
