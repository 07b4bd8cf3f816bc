"""Losses of two parameters, to be looked at: value, gradient, window, start and minimum of each.

The last axis of `w` holds the two coordinates; all other axes are batch axes. The only power taken is
the square: every machine rounds it alike, so that even runs at the edge of chaos are the same everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A loss over the plane.

    Attributes
    ----------
    value : callable, (..., 2) -> (...)
        The loss.
    gradient : callable, (..., 2) -> (..., 2)
        Its exact gradient.
    xlim, ylim : (float, float)
        The window to draw.
    start : (float, float)
        A start that brings out the differences between the optimisers.
    minimum : (float, float) or None
        The minimiser; None where the loss has no lower bound.
    """

    name: str
    value: Callable
    gradient: Callable
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    start: tuple[float, float]
    minimum: tuple[float, float] | None


def quadratic(curvatures, *, name="ravine", xlim=(-2.0, 2.0), ylim=(-1.2, 1.2), start=(-1.6, 0.9)):
    """½ Σ λᵢ wᵢ²: an elliptical bowl whose condition number is max λ / min λ.

    Parameters
    ----------
    curvatures : (float, float)
        λ₁, λ₂, the second derivatives along the axes; a negative one makes a saddle.
    """
    curvature = np.asarray(curvatures)
    if curvature.shape != (2,):
        raise ValueError(f"curvatures must be two numbers, got {curvatures}")
    return Surface(
        name,
        lambda w: 0.5 * (curvature * w**2).sum(-1),
        lambda w: curvature * w,
        xlim,
        ylim,
        start,
        (0.0, 0.0) if (curvature > 0).all() else None,
    )


def _saddle(w):
    x, y = w[..., 0], w[..., 1]
    return 0.5 * x**2 + 0.25 * (y**2 - 1) ** 2


def _saddle_gradient(w):
    x, y = w[..., 0], w[..., 1]
    return np.stack([x, y * (y**2 - 1)], -1)


def _rosenbrock(w):
    x, y = w[..., 0], w[..., 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _rosenbrock_gradient(w):
    x, y = w[..., 0], w[..., 1]
    return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], -1)


def _beale(w):
    x, y = w[..., 0], w[..., 1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y * y**2) ** 2


def _beale_gradient(w):
    x, y = w[..., 0], w[..., 1]
    gaps = [(c - x + x * y * y ** (k - 1), k) for c, k in ((1.5, 1), (2.25, 2), (2.625, 3))]
    d_x = sum(2 * gap * (y * y ** (k - 1) - 1) for gap, k in gaps)
    d_y = sum(2 * gap * k * x * y ** (k - 1) for gap, k in gaps)
    return np.stack([d_x, d_y], -1)


# The saddle is ½x² + ¼(y² − 1)²: a saddle point at the origin between two minima at (0, ±1).
SURFACES = {
    surface.name: surface
    for surface in (
        quadratic((1.0, 20.0)),
        Surface("saddle", _saddle, _saddle_gradient, (-2.0, 2.0), (-1.6, 1.6), (-1.8, 0.001), (0.0, 1.0)),
        Surface(
            "rosenbrock", _rosenbrock, _rosenbrock_gradient, (-2.0, 2.0), (-1.0, 3.0), (-1.5, 2.0), (1.0, 1.0)
        ),
        Surface("beale", _beale, _beale_gradient, (-1.0, 4.5), (-2.5, 2.0), (0.5, -1.5), (3.0, 0.5)),
    )
}
