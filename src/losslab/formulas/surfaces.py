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


def of(f, gradient=None, *, window=((-2.0, 2.0), (-2.0, 2.0)), start=None, minimum=None):
    """Make a Surface of a plain function of two numbers.

    Parameters
    ----------
    f : callable
        `f(w1, w2)`, the loss: of two numbers, or of two arrays of one shape, at each of their points.
    gradient : callable, optional
        `gradient(w1, w2)`, the pair of its partial derivatives. Default: central differences with the step
        h = ε^(1/3) max(|w|, r), where ε is the spacing of numbers near 1 and r half the width of the window.
    window : ((float, float), (float, float))
        From where to where w₁ and w₂ are drawn.
    start : (float, float), optional
        Default: a tenth of the window from its left, and a tenth from its top.
    minimum : (float, float), optional

    Returns
    -------
    Surface
        Named after the function, "f" if it has no name.

    Raises
    ------
    ValueError
        In one sentence, if one of them cannot be used.
    """
    window = _window(window)
    (x0, x1), (y0, y1) = window
    start = (x0 + 0.1 * (x1 - x0), y1 - 0.1 * (y1 - y0)) if start is None else tuple(map(float, start))
    if not (x0 <= start[0] <= x1 and y0 <= start[1] <= y1):
        raise ValueError(f"start must be in the window {window}, got {start}")
    name = called(f, "f")
    value, slopes = _pointwise(f, name, window, start), central_differences(f, window)
    if gradient is not None:
        slopes = _pointwise(gradient, called(gradient, "gradient"), window, start, pair=True)
        _agree(called(gradient, "gradient"), slopes, name, central_differences(f, window), start)
    return Surface(name, value, slopes, *window, start, minimum)


def called(f, otherwise):
    """Return the name of a function, or another name if it has none that can be written, such as a lambda."""
    name = getattr(f, "__name__", otherwise)
    return name if name.isidentifier() else otherwise


def _window(window):
    """Return a window as floats."""
    try:
        (x0, x1), (y0, y1) = window
        numbers = tuple(map(float, (x0, x1, y0, y1)))
    except (TypeError, ValueError):
        numbers = (np.nan,) * 4
    x0, x1, y0, y1 = numbers
    if not (np.isfinite(numbers).all() and x0 < x1 and y0 < y1):
        raise ValueError(f"window must be ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, got {window!r}")
    return (x0, x1), (y0, y1)


def central_differences(f, window):
    """Return the gradient of `f(w1, w2)` by central differences, (..., 2) -> (..., 2); `of` says the step."""
    radius = np.diff(window)[:, 0] / 2

    def slopes(w):
        with np.errstate(all="ignore"):
            (x, y), h = np.moveaxis(w, -1, 0), EPSILON ** (1 / 3) * np.maximum(np.abs(w), radius)
            right, left = w + h, w - h
            df = [f(right[..., 0], y) - f(left[..., 0], y), f(x, right[..., 1]) - f(x, left[..., 1])]
            return np.stack(df, -1) / (right - left)

    return slopes


EPSILON = np.finfo(float).eps


def _pointwise(f, name, window, start, pair=False):
    """Return f(w1, w2) as a function of (..., 2), if it does on arrays what it does on numbers."""
    if not callable(f):
        raise ValueError(f"{'gradient' if pair else 'f'} must be a function of two numbers, got {f!r}")

    def of_points(w):
        with np.errstate(all="ignore"):
            given = f(w[..., 0], w[..., 1])
        return np.stack(np.broadcast_arrays(*given, w[..., 0])[:2], -1) if pair else np.asarray(given, float)

    kind = "a pair of numbers" if pair else "a number"
    points = np.array([start, *np.stack(np.meshgrid(*window), -1).reshape(-1, 2)])  # and the corners
    try:
        with np.errstate(all="ignore"):
            apart = [np.array(f(*point), float) for point in points.tolist()]
    except Exception as error:
        raise ValueError(f"{name} must take two numbers and return {kind}: {told(error)}") from error
    if any(one.shape != (2,) * pair for one in apart):
        raise ValueError(f"{name} must return {kind}, got {f(*start)!r} at {start}")
    if not np.isfinite(apart[0]).all():
        raise ValueError(f"{name} must be finite at the start {start}, got {apart[0].tolist()}")
    advice = "write np.where in place of if, np.exp in place of math.exp, and so on"
    try:
        together = of_points(points.reshape(5, 1, 2))
    except Exception as error:
        message = f"{name} works on numbers, but not on arrays ({told(error)}): {advice}"
        raise ValueError(message) from error
    if together.shape != (5, 1) + (2,) * pair:
        got = f"of arrays of the shape (5, 1) it returns {together.shape}"
        raise ValueError(f"{name} must return {kind} for each point, but {got}")
    if not np.allclose(together[:, 0], apart, rtol=1e-9, equal_nan=True):
        raise ValueError(f"{name} must return for arrays what it returns for each of their points: {advice}")
    return of_points


def told(error):
    """Return what an error says, with its kind."""
    return f"{type(error).__name__}: {error}"


def _agree(name, slopes, of_name, differences, start):
    """Refuse a gradient that is not that of its loss at the start."""
    w = np.array(start)
    ours, measured = slopes(w), differences(w)
    if not np.allclose(ours, measured, rtol=1e-4, atol=1e-4 * np.abs(measured).max() + 1e-9):
        one, other = (f"({g[0]:.5g}, {g[1]:.5g})" for g in (ours, measured))
        raise ValueError(
            f"{name} says {one} at the start {start}, but the differences of {of_name} are {other}"
        )


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
