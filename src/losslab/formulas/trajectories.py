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
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.stack(np.broadcast_arrays(*_walk(rule, gradient, w0, steps)))


def _walk(rule, gradient, w0, steps):
    """Yield w at the start and after each step."""
    w, memory = np.asarray(w0, float), ()
    yield w
    for t in range(steps):
        g = gradient(w)
        if t == 0 and w.ndim and np.shape(g) != w.shape:  # a number may meet a grid
            raise ValueError(f"gradient must keep the shape of w, {w.shape}, got {np.shape(g)}")
        w, *memory = rule(w, g, *memory)
        yield w


def run_long(rule, gradient, w0, keep, limit=1e3):
    """Apply `rule` as `run` does, but keep the path at some steps only, and watch every step for divergence.

    Parameters
    ----------
    rule, gradient, w0
        As for `run`.
    keep : sequence of int, shape (S,)
        The steps to keep, ascending, such as `thinned(1000)`; the last one ends the run.
    limit : float
        As for `diverged_at`.

    Returns
    -------
    path : array, shape (S, *shape)
    ends : int array, shape (...)
        What `diverged_at` says of the whole path, kept or not.

    Raises
    ------
    ValueError
        If `keep` is not ascending whole numbers ≥ 0, or for what `run` and `diverged_at` refuse.
    """
    keep = np.asarray(keep)
    if (
        keep.ndim != 1
        or keep.dtype.kind not in "iu"
        or not keep.size
        or (np.diff(keep, prepend=-1) <= 0).any()
    ):
        raise ValueError(f"keep must be ascending whole numbers, 0 or more, got {keep.tolist()}")
    wanted, path, ends = set(keep.tolist()), [], -1
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t, w in enumerate(_walk(rule, gradient, w0, int(keep[-1]))):
            path += [w] if t in wanted else []
            ends = np.where((ends < 0) & (diverged_at(w[None], limit) == 0), t, ends)
        return np.stack(np.broadcast_arrays(*path)), ends


def thinned(steps):
    """Return which steps of a run to keep: all of 100 or fewer, else at most 101 of them, ever wider apart.

    Those are all up to 60, every fifth up to 100, and from there 32 in a geometric sequence.
    """
    if steps <= 100:
        return np.arange(steps + 1)
    return np.unique(np.concatenate([np.r_[:60, 60:101:5], np.geomspace(100, steps, 33).round().astype(int)]))


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
