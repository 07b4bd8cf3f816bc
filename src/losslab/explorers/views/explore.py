"""Chapter 5: four optimisers on a surface, for every learning rate and β."""

from functools import partial

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.arguments import pair
from losslab.explorers.contract import Series, Slider, View, readable, significant
from losslab.explorers.widget import GridExplorer
from losslab.figures import artists, palette
from losslab.formulas import optim, surfaces, trajectories

STEPS = 100
SLIDERS = (
    Slider("lr", readable(np.geomspace(1e-3, 1, 97))),  # 32 for each power of ten
    Slider("beta", readable(np.append(np.linspace(0, 0.95, 20), 0.99))),
)
SURFACES = {name: {"surface": name, "start": s.start} for name, s in surfaces.SURFACES.items()}


def explore(surface="ravine", lr=0.03, beta=0.9, start=None, shown=None, step=None):
    """Open the trajectory explorer.

    Parameters
    ----------
    surface : str
        "ravine", "saddle", "rosenbrock" or "beale".
    lr : float
        Learning rate of all four, between 0.001 and 1.
    beta : float
        β of Momentum and β₁ of Adam, between 0 and 0.99. RMSProp keeps ρ = 0.99, Adam β₂ = 0.999.
    start : (float, float), optional
        Where the runs begin; each surface has its own default.
    shown : sequence of str, optional
        Which of "GD", "Momentum", "RMSProp", "Adam" are drawn; default all.
    step : int, optional
        How many of the 100 steps are drawn at first; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"surface": surface, "lr": lr, "beta": beta}
    knobs |= {} if start is None else {"start": pair("start", start)}
    menus = {"surface": SURFACES}
    return GridExplorer(explore, compute, SLIDERS, menus, point="start", shown=shown, step=step, **knobs)


def optimizers(lr, beta):
    """The four rules with every knob bound: α for all, β where the rule has one."""
    return {
        "GD": partial(optim.gd, lr=lr),
        "Momentum": partial(optim.momentum, lr=lr, beta=beta),
        "RMSProp": partial(optim.rmsprop, lr=lr),
        "Adam": partial(optim.adam, lr=lr, beta1=beta),
    }


def compute(lr, beta, *, surface, start):
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
    series, says, steps = [], {}, np.arange(STEPS + 1)[None, None]
    for key, rule in optimizers(lr[..., None], beta[..., None]).items():
        path = trajectories.run(rule, where.gradient, start, STEPS)
        ends, losses = trajectories.diverged_at(path), trajectories.loss_along(where.value, path)
        path, losses = np.moveaxis(path, 0, -2), np.moveaxis(losses, 0, -1)
        curve = shapes.points(np.arange(STEPS + 1.0), losses)
        series += [Series(key, panel, line, ends, scrub=True) for panel, line in enumerate((path, curve))]
        gone = (ends[..., None] >= 0) & (steps >= ends[..., None])
        told = {"loss": significant(np.where(gone, 0, losses), 2), "step": np.where(gone, ends[..., None], 0)}
        says[key] = Sentence(np.where(gone, "diverged", "reached"), name=Sentence(key), **told)
    return View("explore", partial(stage, surface=where), series, Sentence("says", step=steps), says)


def stage(figure, theme, words, *, surface):
    """Contours of the surface on the left, axes of loss against step on the right."""
    plane, curve = figure.subplots(1, 2)
    artists.contours(plane, surface, theme=theme)
    curve.set(xlim=(-2, STEPS + 2), ylim=(1e-8, 1e3), yscale="log")
    curve.set(xlabel=words["step"], ylabel=words["loss"])
    for ax in (plane, curve):
        palette.tint(ax, theme)
    return [plane, curve]
