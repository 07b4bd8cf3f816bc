"""Chapter 6: the article's regression step, as printed and corrected, for every learning rate and input."""

from functools import partial

import numpy as np

from losslab.article import misprints
from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import palette
from losslab.formulas import optim, trajectories

Y = 3.0  # the article's only target
SLIDERS = (
    Slider("lr", "learning rate α", readable(np.linspace(0, 0.3, 121), 4)),
    Slider("x", "input x", readable(np.linspace(-10, 10, 81), 4)),
)
STEPS = 40


def view(lr, x):
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
    bowl = np.stack(np.broadcast_arrays(w, loss(w)), -1)
    series, ends = [Series("Loss", 0, np.moveaxis(bowl, 0, -2)[:1], scrub=False)], {}
    for name, gradient in gradients.items():
        path = trajectories.run(partial(optim.gd, lr=lr), gradient, 0.0, STEPS)
        with np.errstate(over="ignore", invalid="ignore"):
            losses = loss(path)
        steps = np.broadcast_to(np.arange(STEPS + 1.0)[:, None, None], losses.shape)
        ends[name] = trajectories.diverged_at(path[..., None], limit=1e6)
        for panel, across in enumerate((path, steps)):
            series.append(Series(name, panel, np.moveaxis(np.stack([across, losses], -1), 0, -2), ends[name]))
    says = _factors(lr, x)
    text = np.full(says["Corrected"].shape, "Each step multiplies the error by", object)
    return View(stage, series, text, says)


def stage(figure, theme):
    """Loss against w on the left, loss against step on the right."""
    bowl, curve = figure.subplots(1, 2)
    bowl.set(xlim=(-4, 7), ylim=(-1, 30), xlabel="w", ylabel="loss")
    curve.set(xlim=(-1, STEPS + 1), ylim=(1e-6, 1e6), yscale="log", xlabel="step", ylabel="loss")
    for ax in (bowl, curve):
        palette.tint(ax, theme)
    return [bowl, curve]


def _factors(lr, x):
    """For both steps: the factor by which each step multiplies the error, and what follows from it."""
    printed, corrected = np.broadcast_arrays(1 + 2 * lr * x, 1 - 2 * lr * x**2)
    verdict = np.vectorize(_verdict, otypes=[object])
    return {
        "As printed": each("{:.3f} as printed ({})", printed, verdict(printed, x)),
        "Corrected": each("{:.3f} corrected ({})", corrected, verdict(corrected, x)),
    }


def _verdict(factor, x):
    if x == 0:
        return "the input is 0: w has no influence"
    size = abs(factor)
    if np.isclose(size, 1):
        return "stays where it is" if factor > 0 else "oscillates for ever"
    if size > 1:
        return "diverges"
    if size < 1e-9:
        return "lands in one step"
    return "converges" if factor > 0 else "zig-zags in"
