"""What an explorer's lines are made of: outlines of bars and ridges, dots, tangents; points (..., n, 2)."""

import numpy as np


def points(x, y):
    """Broadcast abscissae and ordinates to points, shape (..., 2)."""
    return np.stack(np.broadcast_arrays(x, y), -1)


def dot(x, y):
    """Return a point to be marked, shape (..., 1, 2)."""
    return points(x, y)[..., None, :]


def bars(heights, at=None, width=0.8, floor=0.0):
    """Outline upright bars in one path, (..., n) to (..., 4 n, 2).

    Parameters
    ----------
    heights : array, shape (..., n)
    at : array, shape (n,), optional
        Their middles; default 0, 1, … n − 1.
    width, floor : float
    """
    at = np.arange(heights.shape[-1]) if at is None else np.asarray(at)
    left, right, foot = at - width / 2, at + width / 2, np.full_like(heights, floor, dtype=float)
    corners = points(np.stack([left, left, right, right], -1), np.stack([foot, heights, heights, foot], -1))
    return corners.reshape(*heights.shape[:-1], -1, 2)


def rows(lengths, left, height=0.72):
    """Outline horizontal bars, the first lowest, from `left` to their lengths, (..., n) to (..., 4 n, 2)."""
    foot = np.full_like(lengths, left)
    y = np.arange(lengths.shape[-1])[:, None] + height / 2 * np.array([1, 1, -1, -1])
    corners = points(np.stack([foot, lengths, lengths, foot], -1), y)
    return corners.reshape(*lengths.shape[:-1], -1, 2)


def ridges(heights, x, feet):
    """Draw ridges in one path, (..., points, 2): along one, back on its base line, and on to the next.

    Parameters
    ----------
    heights : array, shape (..., rows, n)
    x : array, shape (n + 3,)
        The left end, the n positions of the heights, the right end, the left end again.
    feet : array, shape (rows,)
        The ordinate of the line on which each ridge stands.
    """
    y = np.pad(heights, [(0, 0)] * (heights.ndim - 1) + [(1, 2)]) + feet[:, None]
    return points(x, y).reshape(*y.shape[:-2], -1, 2)


def tangent(x, y, slope, width, height):
    """Point of contact, both ends and the point again, shape (..., 4, 2): equally long in every direction.

    Parameters
    ----------
    x, y, slope : array, shape (...)
    width, height : float
        Of the window, in data units.
    """
    dx = 0.16 / np.hypot(1 / width, slope / height)
    reach = np.stack([0 * dx, -dx, dx, 0 * dx], -1)
    return points(x[..., None] + reach, y[..., None] + slope[..., None] * reach)
