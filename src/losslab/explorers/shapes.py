"""What an explorer's lines are made of: outlines of bars and ridges, dots, tangents; points (..., n, 2)."""

import numpy as np


def points(x, y):
    """Broadcast abscissae and ordinates to points, shape (..., 2)."""
    return np.stack(np.broadcast_arrays(x, y), -1)


def dot(x, y):
    """Return a point to be marked, shape (..., 1, 2)."""
    return points(x, y)[..., None, :]


def frame(left, low, right, top):
    """Outline a rectangle, closed, shape (5, 2)."""
    return np.array([(left, low), (left, top), (right, top), (right, low), (left, low)])


def whiskers(x, middle, down, up=None):
    """Draw a line through the middles that reaches down and up from each, (..., n) to (..., 10 n, 2).

    Ten points at each: a line is marked at every tenth.

    Parameters
    ----------
    x : array, shape (n,)
    middle, down, up : arrays, shape (..., n)
        It reaches up as far as down unless told how far.
    """
    y = np.stack([middle, middle - down, middle + (down if up is None else up), *[middle] * 7], -1)
    return points(np.asarray(x)[..., None], y).reshape(*y.shape[:-2], -1, 2)


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


def engraved(ink):
    """Draw a picture as an engraver does, in one path, (..., h, w) to (..., h (2 w + 1), 2).

    Each row is a ribbon as thick as the pixels there are dark, from 0 to 1; the top row is at y = h.

    Parameters
    ----------
    ink : array, shape (..., h, w)
        Cut off below 0 and above 1.
    """
    half, (h, w) = np.clip(ink, 0, 1) / 2, ink.shape[-2:]
    start = np.zeros((*half.shape[:-1], 1))
    y = np.concatenate([start, half, -half[..., ::-1]], -1) + np.arange(h, 0, -1)[:, None] - 0.5
    middles = np.arange(w) + 0.5
    x = np.concatenate([[0], middles, middles[::-1]])
    return points(x, y).reshape(*y.shape[:-2], -1, 2)


SQUARE, DIAMOND = ((-1, -1, 1, 1), (0, 1, 1, 0)), ((-1, 0, 0, 1), (0, 1, 1, 0))  # the upper halves


def tiles(sizes, half=SQUARE):
    """Draw a picture as tiles whose areas are its values, in one path, (..., h, w) to (..., h (8 w + 2), 2).

    The path comes back to the left edge after every row, so it encloses nothing but the tiles.

    Parameters
    ----------
    sizes : array, shape (..., h, w)
        Cut off below 0 and above 1; the top row is at y = h.
    half : SQUARE or DIAMOND
    """
    (dx, dy), (h, w) = np.array(half), sizes.shape[-2:]
    reach = np.sqrt(np.clip(sizes, 0, 1)) / (2 if half == SQUARE else 2**0.5)
    x = (np.arange(w) + 0.5)[:, None] + reach[..., None] * dx  # (..., h, w, 4)
    y = reach[..., None] * dy
    x, y = (a.reshape(*sizes.shape[:-1], 4 * w) for a in (x, y))
    edge, floor = np.zeros((*sizes.shape[:-1], 1)), np.arange(h, 0, -1)[:, None] - 0.5
    along = np.concatenate([edge, x, x[..., ::-1], edge], -1)
    upright = np.concatenate([edge, y, -y[..., ::-1], edge], -1) + floor
    return points(along, upright).reshape(*sizes.shape[:-2], -1, 2)


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


# The corners of a seven-segment display, 1 wide and 2 high, and the way of the pen for each sign.
SEGMENTS = {"a": (0, 2), "b": (1, 2), "c": (1, 1), "d": (1, 0), "e": (0, 0), "f": (0, 1)}
SEGMENTS |= {"g": (0, 0.3), "h": (0.3, 0.3), "i": (0.3, 0)}  # of the point
STROKES = {
    **{"0": "abdea", "1": "bd", "2": "abcfed", "3": "abcfcde", "4": "afcbd", "5": "bafcde", "6": "baedcf"},
    **{"7": "abd", "8": "fabdefc", "9": "dbafc", "-": "fc", ".": "eghie"},
}
PEN, AWAY = (
    8,
    1e5,
)  # corners that every sign has, some repeatedly; where the pen waits for signs that are not there


def numerals(values, x, y, height, width, length=6):
    """Write numbers with two decimals, one path per sign, (...) to (length, ..., PEN, 2).

    Parameters
    ----------
    values : array, shape (...)
        Each is at most `length` signs long.
    x, y : float
        The middle of the number.
    height, width : float
        Of a digit, in data units.
    length : int
    """
    ways = {
        sign: np.array([SEGMENTS[s] for s in way.ljust(PEN, way[-1])], float) for sign, way in STROKES.items()
    }
    paths = np.full((length, *np.shape(values), PEN, 2), AWAY)
    for where, value in np.ndenumerate(values):
        text = f"{np.round(value, 2) + 0.0:.2f}"
        starts = np.cumsum([0.0, *(0.7 if sign == "." else 1.6 for sign in text)])
        for k, (sign, start) in enumerate(zip(text, starts, strict=False)):
            corner = ways[sign] + (start - (starts[-1] - 0.6) / 2, -1)
            paths[(k, *where)] = corner * (width, height / 2) + (x, y)
    return paths


def ribbons(half, starts, ends, dashes=0):
    """Outline straight ribbons in one closed path, (..., n) to (..., 8 n max(dashes, 1), 2).

    In single precision, as there are many. The path passes from start to start, so those should be the same.
    A ribbon of no width is not there.

    Parameters
    ----------
    half : array, shape (..., n)
        Half the width of each.
    starts, ends : arrays, shape (n, 2)
    dashes : int
        Into how many pieces on a thread a ribbon is cut; 0 leaves it whole.
    """
    k = np.arange(max(dashes, 1))[:, None]
    along = ((k + (0.1, 0.9)) / len(k) if dashes else np.array([[0.0, 1.0]])).repeat(2, -1).ravel()
    across = np.tile([0.0, 1.0, 1.0, 0.0], len(k))
    t, w = np.concatenate([along, along[::-1]]), np.concatenate([across, -across])
    way = (ends - starts)[:, None, :]
    aside = way[..., ::-1] * (-1, 1) / np.linalg.norm(way, axis=-1, keepdims=True)
    half = half[..., None, None].astype(np.float32)
    middle, aside = starts[:, None, :] + np.where(half > 0, t[:, None], 0) * way, w[:, None] * aside
    path = middle.astype(np.float32) + half * aside.astype(np.float32)
    return path.reshape(*path.shape[:-3], -1, 2)
