"""Run an update rule and keep the whole path. A diverging run is a result, not an error."""

import numpy as np


def run(rule, gradient, w0, steps):
    """Apply `rule` `steps` times from `w0`.

    Parameters
    ----------
    rule : callable
        `rule(w, g, *memory) -> (w, *memory)` with its knobs bound, e.g. `partial(optim.adam, lr=0.1)`.
    gradient : callable
        `gradient(w)`, same shape as `w`.
    w0 : array_like, shape (..., d) or scalar
        Start; leading axes are independent runs.
    steps : int
        Number of updates, ≥ 0.

    Returns
    -------
    array, shape (steps + 1, *shape)
        The path, start included, where `shape` is what `w0` and the rule's knobs broadcast to.
        Values that overflow stay inf or NaN.

    Raises
    ------
    ValueError
        If steps is not a whole number ≥ 0, or the gradient has another shape than w and would be broadcast.
    """
    if not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"steps must be a whole number, 0 or more, got {steps!r}")
    w, memory, path = np.asarray(w0, float), (), []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(steps):
            path.append(w)
            g = gradient(w)
            if t == 0 and w.ndim and np.shape(g) != w.shape:  # a number may meet a grid
                raise ValueError(f"gradient must keep the shape of w, {w.shape}, got {np.shape(g)}")
            w, *memory = rule(w, g, *memory)
    return np.stack(np.broadcast_arrays(*path, w))


def loss_along(value, path):
    """Return `value` at every point of a path: inf or NaN, and no warning, where the run has diverged.

    Parameters
    ----------
    value : callable, (..., d) -> (...)
        The loss.
    path : array, shape (steps + 1, ..., d)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return value(path)


def diverged_at(path, limit=1e3):
    """First step at which a path is outside the ball |w| ≤ `limit` or is no longer finite.

    Parameters
    ----------
    path : array, shape (steps + 1, ..., d)
        Paths; the last axis holds the coordinates.
    limit : float
        Radius in units of w.

    Returns
    -------
    int array, shape (...)
        The step, or −1 for a path that stays inside.
    """
    path = np.asarray(path)
    if path.ndim < 2:
        raise ValueError(f"a path must be (steps + 1, ..., d), got {path.shape}")
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    with np.errstate(over="ignore"):
        outside = ~(np.linalg.norm(path, axis=-1) <= limit)
    return np.where(outside.any(0), outside.argmax(0), -1)


def below_for_good(losses, tol):
    """First step from which a loss stays below `tol` until the end of the run.

    Parameters
    ----------
    losses : array, shape (steps + 1, ...)
        Loss at every step.
    tol : float
        Threshold, same unit as the loss.

    Returns
    -------
    int array, shape (...)
        The step, or −1 where the last loss is not below `tol`.
    """
    above = ~(np.asarray(losses) < tol)
    first = np.where(above.any(0), len(above) - above[::-1].argmax(0), 0)
    return np.where(first < len(above), first, -1)
