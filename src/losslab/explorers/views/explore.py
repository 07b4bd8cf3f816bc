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

STEPS = (100, 300, 1000)
SLIDERS = (
    Slider("lr", readable(np.geomspace(1e-3, 1, 97))),  # 32 for each power of ten
    Slider("beta", readable(np.append(np.linspace(0, 0.95, 20), 0.99))),
)
SURFACES = {name: {"surface": name, "start": s.start} for name, s in surfaces.SURFACES.items()}


def explore(
    surface="ravine",
    lr=0.03,
    beta=0.9,
    start=None,
    steps=100,
    gradient=None,
    window=None,
    shown=None,
    step=None,
):
    """Open the trajectory explorer, on a surface of ours or on a loss of your own.

    Parameters
    ----------
    surface : str, function or losslab.formulas.surfaces.Surface
        "ravine", "saddle", "rosenbrock" or "beale"; or `f(w1, w2)`, which returns the loss of two numbers,
        and of two arrays of one shape at each of their points: `np.exp` for `math.exp`, `np.where` for `if`.
    lr : float
        Learning rate of all four, between 0.001 and 1.
    beta : float
        β of Momentum and β₁ of Adam, between 0 and 0.99. RMSProp keeps β₂ = 0.99, Adam β₂ = 0.999.
    start : (float, float), optional
        Where the runs begin; each surface has its own default, a function the upper left of its window.
    steps : int
        How long the runs are: 100, 300 or 1000 steps. Of the longer ones, 101 steps are stored (all up to 60,
        then ever wider apart); on which one a run diverges is found on every step.
    gradient : function, optional
        Of a function: `gradient(w1, w2)`, the pair of its partial derivatives. Without it, central
        differences with the step of `surfaces.of` are taken.
    window : ((float, float), (float, float)), optional
        Of a function: what is drawn, ((x0, x1), (y0, y1)); default from −2 to 2 both ways.
    shown : sequence of str, optional
        Which of "GD", "Momentum", "RMSProp", "Adam" are drawn; default all.
    step : int, optional
        How many of the steps are drawn at first, or the nearest number that is stored; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer

    Examples
    --------
    >>> def bumps(w1, w2):
    ...     return w1**2 + w2**2 + np.sin(3 * w1) ** 2
    >>> explorers.explore(bumps, window=((-3, 3), (-2, 2)), start=(-2.5, 1.5))
    """
    start = start if start is None else pair("start", start)
    knobs, menus, written = {"surface": surface, "start": start}, {"steps": STEPS}, {}
    if callable(surface):
        given = {} if window is None else {"window": window}
        where = surfaces.of(surface, gradient, start=start, **given)
        knobs, written = {"surface": where, "start": where.start}, {"surface": surfaces.called(surface, "f")}
        written |= {} if gradient is None else {"gradient": surfaces.called(gradient, "gradient")}
        written |= {} if window is None else {"window": repr((where.xlim, where.ylim))}
    elif isinstance(surface, surfaces.Surface):
        own(surface, gradient=gradient, window=window)
        knobs, written = {"surface": surface, "start": start or surface.start}, {"surface": "surface"}
    else:
        known(surface)
        own(surface, gradient=gradient, window=window)
        menus = {"surface": SURFACES} | menus
        knobs = {"surface": surface} | ({} if start is None else {"start": start})
    knobs |= {"lr": lr, "beta": beta, "steps": steps, "shown": shown, "step": step}
    return GridExplorer(explore, compute, SLIDERS, menus, point="start", written=written, **knobs)


def known(surface):
    """Refuse what is neither a name of a surface nor a function."""
    if not (isinstance(surface, str) and surface in SURFACES):
        names = ", ".join(SURFACES)
        raise ValueError(f"surface must be one of {names}, or a function of two numbers, got {surface!r}")


def own(surface, **given):
    """Refuse what only a function can be given: a Surface has it."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} must be left out unless the surface is a function, got {value!r}")


def optimizers(lr, beta):
    """The four rules with every knob bound: α for all, β where the rule has one."""
    return {
        "GD": partial(optim.gd, lr=lr),
        "Momentum": partial(optim.momentum, lr=lr, beta=beta),
        "RMSProp": partial(optim.rmsprop, lr=lr),
        "Adam": partial(optim.adam, lr=lr, beta1=beta),
    }


def compute(lr, beta, *, surface, start, steps):
    """Run four optimisers on a surface for every learning rate and β.

    Parameters
    ----------
    lr, beta : array, shapes (A, 1) and (1, B)
    surface : str or losslab.formulas.surfaces.Surface
        A key of `surfaces.SURFACES`, or one of a reader's own.
    start : (float, float)
    steps : int

    Returns
    -------
    losslab.explorers.contract.View
    """
    where, keep = surfaces.SURFACES.get(surface, surface), trajectories.thinned(steps)
    series, says, far = [], {}, 200 * max(5.0, *map(abs, where.xlim + where.ylim))
    for key, rule in optimizers(lr[..., None], beta[..., None]).items():
        path, ends = trajectories.run_long(rule, where.gradient, start, keep, far)
        losses = np.moveaxis(trajectories.loss_along(where.value, path), 0, -1)
        ends = until_finite(losses, keep, ends)
        lines = np.moveaxis(path, 0, -2), shapes.points(keep, losses)
        series += [Series(key, panel, line, ends, scrub=True) for panel, line in enumerate(lines)]
        says[key] = reached(key, losses, keep, ends)
    drawn = partial(stage, surface=where, steps=steps)
    return View("explore", drawn, series, Sentence("says", step=keep[None, None]), says, steps=keep)


def until_finite(losses, keep, ends):
    """Return when runs end: where they diverged, or at the first step kept at which there is no loss."""
    gone = ~np.isfinite(losses)
    first = np.where(gone.any(-1), keep[gone.argmax(-1)], keep[-1] + 1)
    return np.where((first <= keep[-1]) & ((ends < 0) | (first < ends)), first, ends)


def reached(key, losses, keep, ends):
    """Say the loss of a run at each of the steps that are kept, or when it diverged.

    Parameters
    ----------
    key : str
    losses : array, shape (A, B, S)
    keep : int array, shape (S,)
    ends : int array, shape (A, B)
    """
    gone = (ends[..., None] >= 0) & (keep >= ends[..., None])
    told = {"loss": significant(np.where(gone, 0, losses), 2), "step": np.where(gone, ends[..., None], 0)}
    told["step"] = told["step"].astype(np.int16)
    return Sentence(np.where(gone, "end", "at"), name=Sentence(key), **told)  # short keys: there are 200,000


def stage(figure, theme, words, *, surface, steps):
    """Contours of the surface on the left, axes of loss against step on the right."""
    plane, curve = figure.subplots(1, 2)
    artists.contours(plane, surface, theme=theme)
    curve.set(xlim=(-0.02 * steps, 1.02 * steps), **axis(surface))
    curve.set(xlabel=words["step"], ylabel=words["loss"])
    for ax in (plane, curve):
        palette.tint(ax, theme)
    return [plane, curve]


def axis(surface):
    """Return limits and scale of the loss: eleven decades, or linear if it is negative or never near 0."""
    if surface in surfaces.SURFACES.values():
        return {"ylim": (1e-8, 1e3), "yscale": "log"}
    x, y = np.linspace(*surface.xlim, 101), np.linspace(*surface.ylim, 101)
    loss = trajectories.loss_along(surface.value, np.stack(np.meshgrid(x, y), -1))
    low, high = (float(f(loss[np.isfinite(loss)])) for f in (np.min, np.max))
    if 0 <= low < 0.01 * high:
        top = np.ceil(np.log10(high))
        return {"ylim": (10 ** (top - 11), 10**top), "yscale": "log"}
    room = 0.05 * (high - low) or 1.0
    return {"ylim": (low - room, high + room)}
