"""Chapter 5: the eigenvalues of a step of momentum in the complex plane, and the path they make."""

from functools import partial

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import optim, trajectories

LOW, TOP, STEPS, FAR = 0.001, 4.2, 60, 10.0  # a run beyond FAR is no longer drawn
SLIDERS = (
    Slider("rate", readable(np.linspace(LOW**0.5, TOP**0.5, 129) ** 2)),  # dense where little changes much
    Slider("beta", readable(np.linspace(0, 0.99, 34))),
)


def eigenvalues(rate=0.1, beta=0.9, shown=None):
    """Open the explorer of momentum's two eigenvalues, and of its path on a bowl.

    Parameters
    ----------
    rate : float
        αλ, learning rate times curvature, between 0.001 and 4.2.
    beta : float
        β, between 0 and 0.99.
    shown : sequence of str, optional
        Which of "Track", "Eigenvalue", "Momentum", "Pace" and "This setting" are drawn; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(eigenvalues, compute, SLIDERS, rate=rate, beta=beta, shown=shown)


def pair(rate, beta):
    """Return both eigenvalues of M = [[1 − αλ, −αβ], [λ, β]], complex, and half their distance squared.

    They are the zeros of χ(r) = r² − (1 + β − αλ) r + β.

    Parameters
    ----------
    rate, beta : array
        αλ and β, broadcast together.

    Returns
    -------
    upper, lower : complex array
        If they are real, upper is the greater one.
    square : array
        Positive if they are real, negative if they are complex, 0 if there is only one.
    """
    middle = (1 + beta - rate) / 2
    square = middle**2 - beta
    half = np.sqrt(square.astype(complex))
    return middle + half, middle - half, square


def compute(rate, beta):
    """Find both eigenvalues and run momentum on ½ λ w² from w = 1 for every αλ and β.

    Parameters
    ----------
    rate, beta : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    series = [Series("Track", 0, flat(branch)) for branch in pair(rates(beta), beta[..., None])[:2]]
    upper, lower, square = pair(rate, beta)
    series += [Series("Eigenvalue", 0, flat(one)[..., None, :]) for one in (upper, lower)]
    path, t = trajectories.run(momentum(rate, beta), lambda w: w, 1.0, STEPS), np.arange(STEPS + 1)
    ends = trajectories.diverged_at(path[..., None], limit=FAR)
    series.append(Series("Momentum", 1, shapes.points(t, np.moveaxis(path, 0, -1)), ends))
    radius = np.maximum(np.abs(upper), np.abs(lower))
    for sign in (1, -1):
        series.append(Series("Pace", 1, shapes.points(t, sign * radius[..., None] ** t)))
    series.append(Series("This setting", 2, shapes.dot(rate + 0 * beta, beta + 0 * rate)))
    return View("eigenvalues", stage, series, said(rate, beta, upper, lower, square, radius))


def momentum(rate, beta):
    """Return the update rule for curvature 1, with both knobs bound."""
    return partial(optim.momentum, lr=rate, beta=beta)


def rates(beta):
    """Return values of αλ for each β, (1, B, n), those at which the eigenvalues meet among them."""
    every = np.linspace(LOW**0.5, TOP**0.5, 120) + 0 * beta[..., None]
    meet = np.abs(1 + np.array([-1, 1]) * beta[..., None] ** 0.5)
    return np.sort(np.concatenate([every, meet], -1), -1) ** 2


def flat(r):
    """Turn complex numbers into points of the plane, (..., 2)."""
    return shapes.points(r.real, r.imag)


def said(rate, beta, upper, lower, square, radius):
    """Say both eigenvalues, their size, and what that makes of w."""
    swings = square < 0
    values = {"real": upper.real, "imaginary": upper.imag, "other": lower.real}
    parts = {name: np.round(value, 3) + 0.0 for name, value in values.items()}
    parts["other"] = np.where(swings, 0, parts["other"])
    both = Sentence(np.where(swings, "complex", "real"), **parts)
    cases = {
        "swings": swings,
        "ever": np.isclose(radius, 1, rtol=0, atol=1e-9),
        "grows": radius > 1,
        "flips": np.abs(lower) > np.abs(upper),
    }
    verdict = Sentence(np.select(list(cases.values()), list(cases), "shrinks"))
    told = {"radius": np.round(radius, 3), "limit": np.round(2 * (1 + beta), 2)}
    return Sentence("says", both=both, verdict=verdict, **told)


def stage(figure, theme, words):
    """The complex plane on the left; on the right w over the steps, and below it all settings."""
    axes = figure.subplot_mosaic([["plane", "path"], ["plane", "settings"]])
    plane, path, settings = axes["plane"], axes["path"], axes["settings"]
    angle, ink = np.linspace(0, 2 * np.pi, 121), palette.TEXT[theme]
    plane.plot(np.cos(angle), np.sin(angle), color=ink, linewidth=1)
    for ax in (plane, path):
        ax.axhline(0, color=ink, linewidth=0.8, alpha=0.3)
    plane.axvline(0, color=ink, linewidth=0.8, alpha=0.3)
    plane.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xlabel=words["re"], ylabel=words["im"])
    plane.set_title(words["plane"], fontsize=10)
    path.set(xlim=(-1, STEPS + 1), ylim=(-1.3, 1.3), xlabel=words["step"], ylabel="$w_t$")
    regions(settings, ink, words)
    for ax in axes.values():
        palette.tint(ax, theme)
    return [plane, path, settings]


def regions(ax, ink, words):
    """Draw where the eigenvalues are complex, where they are real, and where one leaves the unit circle."""
    beta = np.linspace(0, 1, 101)
    root = beta**0.5
    ax.fill_betweenx(beta, (1 - root) ** 2, (1 + root) ** 2, color=ink, alpha=0.13, linewidth=0)
    ax.plot(2 * (1 + beta), beta, color=ink, linewidth=1.2)
    ax.set(xlim=(0, TOP), ylim=(-0.04, 1.04), xlabel="$\\alpha\\lambda$", ylabel="$\\beta$")
    for x, y, word in ((1.4, 0.62, "complex"), (0.05, 0.02, "positive"), (3.3, 0.42, "grows")):
        ax.text(x, y, words[f"region.{word}"], fontsize=8, color=ink)
    line = {"arrowstyle": "-", "color": ink, "linewidth": 0.8}
    flips = {"xy": (1.8, 0.06), "xytext": (2.75, 0.1), "arrowprops": line}
    ax.annotate(words["region.negative"], fontsize=8, color=ink, **flips)
