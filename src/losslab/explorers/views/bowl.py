"""Chapter 5: gradient descent on a bowl, for every learning rate and curvature."""

from functools import partial

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable, significant
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import optim, trajectories

STEPS, START, FAR = 30, 1.0, 10.0  # a run beyond FAR is no longer drawn
SLIDERS = (
    Slider("lr", readable(np.geomspace(1 / 128, 4, 109))),  # 12 for each doubling
    Slider("curvature", readable(np.geomspace(0.25, 4, 33))),
)
WIDE, HIGH = 1.6, 2.4  # the window: w from −WIDE to WIDE, the loss up to HIGH


def bowl(lr=0.2, curvature=1.0, shown=None, step=None):
    """Open the explorer of gradient descent on ½ λ w²: 30 steps from w = 1.

    Parameters
    ----------
    lr : float
        Learning rate α, between 0.00781 and 4.
    curvature : float
        λ, between 0.25 and 4.
    shown : sequence of str, optional
        Which of "Loss" and "GD" are drawn; default both.
    step : int, optional
        How many of the 30 steps are drawn at first; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(bowl, compute, SLIDERS, lr=lr, curvature=curvature, shown=shown, step=step)


def compute(lr, curvature):
    """Run gradient descent on ½ λ w² for every learning rate and curvature.

    Parameters
    ----------
    lr, curvature : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    loss = lambda w: 0.5 * curvature * w**2  # noqa: E731
    path = trajectories.run(partial(optim.gd, lr=lr), lambda w: curvature * w, START, STEPS)
    ends, losses = trajectories.diverged_at(path[..., None], limit=FAR), trajectories.loss_along(loss, path)
    series = [Series("Loss", 0, along(*parabola(curvature)))]
    for panel, (x, y) in enumerate(((path, losses), (np.arange(STEPS + 1.0)[:, None, None], path))):
        series.append(Series("GD", panel, along(x, y), ends, scrub=True))
    size = significant(np.abs(np.moveaxis(path, 0, -1)), 2)
    factor = np.round(1 - lr * curvature, 9) + 0.0
    told = {"factor": significant(factor, 3), "limit": significant(2 / curvature, 3)}
    text = Sentence("says", verdict=verdict(factor), **told)
    says = Sentence("reached", step=np.arange(STEPS + 1)[None, None], size=size)
    return View("bowl", stage, series, text, {"GD": says})


def along(x, y):
    """Turn what has the steps as its first axis into points, (A, B, n, 2)."""
    return np.moveaxis(shapes.points(x, y), 0, -2)


def parabola(curvature):
    """Return w and ½ λ w² across the window, arrays (81, 1, B)."""
    w = np.linspace(-WIDE, WIDE, 81)[:, None, None]
    return w, 0.5 * curvature * w**2


def verdict(factor):
    """Say what a factor per step does to w."""
    cases = {"lands": factor == 0, "shrinks": (factor > 0) & (factor < 1), "flips": np.abs(factor) < 1}
    cases["swings"] = factor == -1
    return Sentence(np.select(list(cases.values()), list(cases), "grows"))


def stage(figure, theme, words):
    """The loss over w on the left, w over the steps on the right."""
    bowl, run = figure.subplots(1, 2)
    bowl.set(xlim=(-WIDE, WIDE), ylim=(-0.08, HIGH), xlabel="$w$", ylabel=words["loss"])
    run.set(xlim=(-0.6, STEPS + 0.6), ylim=(-WIDE, WIDE), xlabel=words["step"], ylabel="$w_t$")
    run.axhline(0, color=palette.TEXT[theme], linewidth=0.6)
    for ax in (bowl, run):
        palette.tint(ax, theme)
    return [bowl, run]
