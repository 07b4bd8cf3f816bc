"""Chapter 5: four optimisers on a surface, for every learning rate and β."""

from functools import partial

import numpy as np

from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import artists, palette
from losslab.formulas import optim, surfaces, trajectories

STEPS = 100
SLIDERS = (
    Slider("lr", "learning rate α", readable(np.geomspace(1e-3, 1, 121))),
    Slider("beta", "momentum β, β₁", readable(np.append(np.linspace(0, 0.95, 20), 0.99))),
)


def optimizers(lr, beta):
    """The four rules with every knob bound: α for all, β where the rule has one."""
    return {
        "GD": partial(optim.gd, lr=lr),
        "Momentum": partial(optim.momentum, lr=lr, beta=beta),
        "RMSProp": partial(optim.rmsprop, lr=lr),
        "Adam": partial(optim.adam, lr=lr, beta1=beta),
    }


def view(lr, beta, *, surface, start):
    """Run four optimisers on a surface for every learning rate and β.

    Parameters
    ----------
    lr, beta : array, shapes (A, 1) and (1, B)
    surface : str
        A key of `surfaces.SURFACES`.
    start : (float, float)

    Returns
    -------
    losslab.explorers.contract.View
    """
    where = surfaces.SURFACES[surface]
    lr, beta = np.broadcast_arrays(lr, beta)
    series, ends, last = [], {}, {}
    for name, rule in optimizers(lr[..., None], beta[..., None]).items():
        path = trajectories.run(rule, where.gradient, start, STEPS)
        with np.errstate(over="ignore", invalid="ignore"):
            loss = where.value(path)
        ends[name], last[name] = trajectories.diverged_at(path), loss[-1]
        path, loss = np.moveaxis(path, 0, -2), np.moveaxis(loss, 0, -1)
        steps = np.broadcast_to(np.arange(STEPS + 1.0), loss.shape)
        series += [
            Series(name, 0, path, ends[name]),
            Series(name, 1, np.stack([steps, loss], -1), ends[name]),
        ]
    text = np.full(lr.shape, f"Loss after {STEPS} steps:", object)
    return View(partial(stage, surface=where), series, text, _in_words(last, ends))


def stage(figure, theme, *, surface):
    """Contours of the surface on the left, axes of loss against step on the right."""
    plane, curve = figure.subplots(1, 2)
    artists.contours(plane, surface, theme=theme)
    curve.set(xlim=(-2, STEPS + 2), ylim=(1e-8, 1e3), yscale="log", xlabel="step", ylabel="loss")
    for ax in (plane, curve):
        palette.tint(ax, theme)
    return [plane, curve]


def _in_words(last, ends):
    """For every optimiser and grid position: the last loss, or the step at which it diverged."""
    return {
        name: np.where(
            ends[name] < 0,
            each(f"{name} {{:.2g}}", last[name]),
            each(f"{name} diverged at step {{}}", ends[name]),
        )
        for name in last
    }
