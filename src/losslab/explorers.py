"""The explorers of the chapters: a pure compute function each, and the widget around it.

explore(surface="ravine", lr=0.03, beta=0.9)     chapter 5: four optimisers on a surface
worked_example(lr=0.01, x=2.0)                   chapter 6: the article's example, as printed and corrected
"""

from functools import partial

import numpy as np

from losslab import errata, optim, plots, surfaces, trajectories
from losslab.grid import GridExplorer, Series, Slider, View

STEPS = 100
LEARNING_RATE = Slider("lr", "learning rate α", np.geomspace(1e-3, 1, 121))
BETA = Slider("beta", "momentum β, β₁", np.append(np.linspace(0, 0.95, 20), 0.99))


def optimizers(lr, beta):
    """The four rules with every knob bound: α for all, β where the rule has one."""
    return {
        "GD": partial(optim.gd, lr=lr),
        "Momentum": partial(optim.momentum, lr=lr, beta=beta),
        "RMSProp": partial(optim.rmsprop, lr=lr),
        "Adam": partial(optim.adam, lr=lr, beta1=beta),
    }


def trajectory_view(lr, beta, *, surface, start):
    """Run four optimisers on a surface for every learning rate and β.

    Parameters
    ----------
    lr, beta : array, shapes (A, 1) and (1, B)
    surface : str
        A key of `surfaces.SURFACES`.
    start : (float, float)

    Returns
    -------
    losslab.grid.View
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
    return View(partial(trajectory_stage, surface=where), series, _in_words(last, ends))


def trajectory_stage(figure, theme, *, surface):
    """Contours of the surface on the left, axes of loss against step on the right."""
    plane, curve = figure.subplots(1, 2)
    plots.contours(plane, surface, theme=theme)
    curve.set(xlim=(-2, STEPS + 2), ylim=(1e-8, 1e3), yscale="log", xlabel="step", ylabel="loss")
    for ax in (plane, curve):
        plots.tint(ax, theme)
    return [plane, curve]


def _in_words(last, ends):
    """One sentence per grid position: the last loss of every optimiser, or the step at which it diverged."""
    says = [
        np.where(
            ends[name] < 0,
            _each(f"{name} {{:.2g}}", last[name]),
            _each(f"{name} diverged at step {{}}", ends[name]),
        )
        for name in last
    ]
    return _each(f"Loss after {STEPS} steps: {{}}, {{}}, {{}}, {{}}.", *says)


def _each(template, *arrays):
    """Format a template elementwise."""
    return np.vectorize(template.format, otypes=[object])(*arrays)


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
    losslab.grid.GridExplorer
    """
    if surface not in surfaces.SURFACES:
        raise ValueError(f"surface must be one of {', '.join(surfaces.SURFACES)}, got {surface!r}")
    start = surfaces.SURFACES[surface].start if start is None else tuple(float(v) for v in start)
    if len(start) != 2 or not np.isfinite(start).all():
        raise ValueError(f"start must be two finite numbers, got {start}")
    choices = {
        "surface": {name: {"surface": name, "start": s.start} for name, s in surfaces.SURFACES.items()}
    }
    settings = {"surface": surface, "start": start}
    return GridExplorer(
        "explorers.explore",
        trajectory_view,
        (LEARNING_RATE, BETA),
        (lr, beta),
        settings,
        choices,
        "start",
        shown,
        step,
    )


Y = 3.0  # the article's only target
ALPHA = Slider("lr", "learning rate α", np.linspace(0, 0.3, 121))
INPUT = Slider("x", "input x", np.linspace(-10, 10, 81))
EXAMPLE_STEPS = 40


def worked_example_view(lr, x):
    """Run the article's regression step, as printed and corrected, for every learning rate and input.

    L(w) = (y − w x)², y = 3, w₀ = 0. A step multiplies the error by 1 + 2αx (printed) or 1 − 2αx².

    Parameters
    ----------
    lr, x : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.grid.View
    """
    loss = lambda w: (Y - w * x) ** 2  # noqa: E731
    gradients = {
        "As printed": lambda w: errata.worked_gradient_as_printed(w, x, Y),
        "Corrected": lambda w: -2 * x * (Y - w * x),
    }
    w = np.linspace(-4, 7, 81)[:, None, None]
    bowl = np.stack(np.broadcast_arrays(w, loss(w)), -1)
    series, ends = [Series("Loss", 0, np.moveaxis(bowl, 0, -2)[:1], scrub=False)], {}
    for name, gradient in gradients.items():
        path = trajectories.run(partial(optim.gd, lr=lr), gradient, 0.0, EXAMPLE_STEPS)
        with np.errstate(over="ignore", invalid="ignore"):
            losses = loss(path)
        steps = np.broadcast_to(np.arange(EXAMPLE_STEPS + 1.0)[:, None, None], losses.shape)
        ends[name] = trajectories.diverged_at(path[..., None], limit=1e6)
        for panel, across in enumerate((path, steps)):
            series.append(Series(name, panel, np.moveaxis(np.stack([across, losses], -1), 0, -2), ends[name]))
    return View(worked_example_stage, series, _factors(lr, x))


def worked_example_stage(figure, theme):
    """Loss against w on the left, loss against step on the right."""
    bowl, curve = figure.subplots(1, 2)
    bowl.set(xlim=(-4, 7), ylim=(-1, 30), xlabel="w", ylabel="loss")
    curve.set(xlim=(-1, EXAMPLE_STEPS + 1), ylim=(1e-6, 1e6), yscale="log", xlabel="step", ylabel="loss")
    for ax in (bowl, curve):
        plots.tint(ax, theme)
    return [bowl, curve]


def _factors(lr, x):
    """The factor by which each step multiplies the error, and what follows from it."""
    printed, corrected = np.broadcast_arrays(1 + 2 * lr * x, 1 - 2 * lr * x**2)
    verdict = np.vectorize(_verdict, otypes=[object])
    return _each(
        "Each step multiplies the error by {:.3f} as printed ({}) and by {:.3f} corrected ({}).",
        printed,
        verdict(printed, x),
        corrected,
        verdict(corrected, x),
    )


def _verdict(factor, x):
    if x == 0:
        return "the input is 0: w has no influence"
    size = abs(factor)
    if np.isclose(size, 1):
        return "stays where it is" if factor > 0 else "oscillates for ever"
    if size > 1:
        return "diverges"
    return (
        "lands in one step"
        if np.isclose(size, 0, atol=1e-9)
        else "zig-zags in"
        if factor < 0
        else "converges"
    )


def worked_example(lr=0.01, x=2.0, shown=None, step=None):
    """Open the explorer of the worked example: α from 0 to 0.3, x from −10 to 10, target y = 3.

    Returns
    -------
    losslab.grid.GridExplorer
    """
    return GridExplorer(
        "explorers.worked_example", worked_example_view, (ALPHA, INPUT), (lr, x), {}, shown=shown, step=step
    )
