"""Chapter 6: the article's regression step, as printed and corrected, for every learning rate and input."""

from functools import partial

import numpy as np

from losslab.article import misprints
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import optim, trajectories

Y = 3.0  # the article's only target
SLIDERS = (
    Slider("lr", readable(np.linspace(0, 0.3, 121), 4)),
    Slider("x", readable(np.linspace(-10, 10, 81), 4)),
)
STEPS = 40


def worked_example(lr=0.01, x=2.0, shown=None, step=None):
    """Open the explorer of the worked example: α from 0 to 0.3, x from −10 to 10, target y = 3.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(worked_example, compute, SLIDERS, lr=lr, x=x, shown=shown, step=step)


def compute(lr, x):
    """Run the article's regression step, as printed and corrected, for every learning rate and input.

    L(w) = (y − w x)², y = 3, w₀ = 0. A step multiplies the error by 1 + 2αx (printed) or 1 − 2αx².

    Parameters
    ----------
    lr, x : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    loss = lambda w: (Y - w * x) ** 2  # noqa: E731
    gradients = {
        "As printed": lambda w: misprints.worked_gradient_as_printed(w, x, Y),
        "Corrected": lambda w: -2 * x * (Y - w * x),
    }
    w = np.linspace(-4, 7, 81)[:, None, None]
    series = [Series("Loss", 0, np.moveaxis(shapes.points(w, loss(w)), 0, -2)[:1])]
    for key, gradient in gradients.items():
        path = trajectories.run(partial(optim.gd, lr=lr), gradient, 0.0, STEPS)
        losses, ends = (
            trajectories.loss_along(loss, path),
            trajectories.diverged_at(path[..., None], limit=1e6),
        )
        for panel, across in enumerate((path, np.arange(STEPS + 1.0)[:, None, None])):
            points = np.moveaxis(shapes.points(across, losses), 0, -2)
            series.append(Series(key, panel, points, ends, scrub=True))
    factors = {"As printed": 1 + 2 * lr * x, "Corrected": 1 - 2 * lr * x**2}
    says = {key: Sentence(SAYS[key], factor=f, verdict=verdict(f, x)) for key, f in factors.items()}
    return View("worked_example", stage, series, Sentence("says"), says)


SAYS = {"As printed": "as_printed", "Corrected": "corrected"}


def verdict(factor, x):
    """Say what follows from the factor by which each step multiplies the error."""
    size = abs(factor)
    cases = {
        "no_influence": (x == 0) & (size >= 0),
        "stays": np.isclose(size, 1) & (factor > 0),
        "oscillates": np.isclose(size, 1),
        "diverges": size > 1,
        "lands": size < 1e-9,
        "converges": factor > 0,
    }
    return Sentence(np.select(list(cases.values()), list(cases), "zigzags"))


def stage(figure, theme, words):
    """Loss against w on the left, loss against step on the right."""
    bowl, curve = figure.subplots(1, 2)
    bowl.set(xlim=(-4, 7), ylim=(-1, 30), xlabel="w", ylabel=words["loss"])
    curve.set(xlim=(-1, STEPS + 1), ylim=(1e-6, 1e6), yscale="log")
    curve.set(xlabel=words["step"], ylabel=words["loss"])
    for ax in (bowl, curve):
        palette.tint(ax, theme)
    return [bowl, curve]
