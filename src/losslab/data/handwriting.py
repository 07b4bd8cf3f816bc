"""From drawn ink to a picture like MNIST's: 20 pixels long, its centre of mass in the middle of 28 × 28."""

import numpy as np

SIDE, BOX = 28, 20


def resample(image, shape):
    """Scale an image to another shape; every new pixel is the mean of the area that it covers."""
    rows, columns = (_overlaps(n, m) for n, m in zip(image.shape, shape, strict=True))
    return rows @ image @ columns.T


def _overlaps(n, m):
    """Share of each of n old pixels in each of m new ones, shape (m, n); rows sum to 1."""
    old, new = np.arange(n), np.arange(m)[:, None] * (n / m)
    inside = np.minimum(new + n / m, old + 1) - np.maximum(new, old)
    return np.maximum(inside, 0) * (m / n)


def centre_of_mass(image):
    """Row and column of the mean of the ink; the middle of the first pixel is (0, 0)."""
    mass = image / image.sum()
    return mass.sum(1) @ np.arange(image.shape[0]), mass.sum(0) @ np.arange(image.shape[1])


def centred(image, faint=16):
    """Prepare a drawing as MNIST's were (LeCun et al. 1998): cut out, scale, centre.

    Parameters
    ----------
    image : array_like, shape (H, W)
        0 (paper) to 255 (ink), of any size.
    faint : float
        Pixels no darker than this do not count when the ink is cut out.

    Returns
    -------
    uint8 array, shape (28, 28)
        All zeros if there is no ink.
    """
    image = np.asarray(image, float)
    ink = np.where(image > faint, image, 0.0)
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    if not rows.size:
        return np.zeros((SIDE, SIDE), np.uint8)
    cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(cut.shape)
    small = resample(cut, [max(1, round(n * scale)) for n in cut.shape])
    return np.round(_placed(small)).astype(np.uint8)


def _placed(small):
    """Lay a small image whole on 28 × 28, its centre of mass at pixel (14, 14) or as near as it fits."""
    middle = SIDE // 2  # as in MNIST: pixel 14, counted from 0
    at = [round(middle - mean + 1e-9) for mean in centre_of_mass(small)]  # halves are rounded up
    top, left = (min(max(a, 0), SIDE - n) for a, n in zip(at, small.shape, strict=True))
    page = np.zeros((SIDE, SIDE))
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return page
