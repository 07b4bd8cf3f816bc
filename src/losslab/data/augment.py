"""New images made from old ones, with the same labels: small random affine maps, a batch at a time."""

import math

import torch
from torch.nn.functional import affine_grid, grid_sample


def affine(images, generator=None, *, degrees=10.0, shift=2.0, zoom=0.1):
    """
    Return each image turned, moved and scaled a little, at random and independently; the edge is repeated.

    Parameters
    ----------
    images : float tensor, shape (N, height, width)
    generator : torch.Generator, optional
        One on the CPU gives the same maps on every device.
    degrees : float
        The largest rotation, either way.
    shift : float
        The largest shift in pixels, along either axis.
    zoom : float
        Scaled by 1 − zoom to 1 + zoom; below 1.
    """
    if images.ndim != 3 or not images.is_floating_point():
        raise ValueError(
            f"images must be floats (N, height, width), got {images.dtype} {tuple(images.shape)}"
        )
    if not 0 <= zoom < 1:
        raise ValueError(f"zoom must be from 0 to below 1, got {zoom}")
    device = generator.device if generator else None
    u = torch.rand(4, len(images), generator=generator, device=device).mul_(2).sub_(1)  # from −1 to 1
    angle, scale = u[0] * math.radians(degrees), 1 + zoom * u[1]
    half = torch.tensor(images.shape[:0:-1], device=device) / 2  # width, height: grids run from −1 to 1
    x, y = u[2:] * shift / half[:, None]
    cos, sin = angle.cos() / scale, angle.sin() / scale
    wide = half[0] / half[1]  # the two axes have different units unless the image is square
    return mapped(images, (cos, -sin / wide, x), (sin * wide, cos, y), "border")


def mapped(images, right, down, beyond):
    """
    Return each image under an affine map of its own, sampled bilinearly.

    Parameters
    ----------
    images : float tensor, shape (N, height, width)
    right, down : three tensors each, shape (N,)
        Where the pixel at (x, y) is taken from: (a, b, c) means a x + b y + c; the page runs from −1 to 1.
    beyond : "border" or "zeros"
        What lies beyond the edge.
    """
    maps = torch.stack([*right, *down], 1).view(-1, 2, 3).to(images)
    grid = affine_grid(maps, (len(images), 1, *images.shape[1:]), align_corners=False)
    return grid_sample(images[:, None], grid, padding_mode=beyond, align_corners=False)[:, 0]


def wobbled(images, generator, paper=0.0):
    """Return the images as other hands would write them: turned, stretched, sheared, moved, pressed harder.

    Parameters
    ----------
    images : float tensor, shape (N, 28, 28)
    generator : torch.Generator
    paper : float
        The value of empty paper; that of ink is higher.
    """
    u = 2 * torch.rand(7, len(images), generator=generator) - 1
    turn, across, down, shear = 0.25 * u[0], 1 + 0.15 * u[1], 1 + 0.15 * u[2], 0.25 * u[3]
    first = turn.cos() * across, shear - turn.sin() * down, 0.1 * u[4]
    second = turn.sin() * across, turn.cos() * down, 0.1 * u[5]
    return pressed(mapped(images - paper, first, second, "zeros"), u[6] / 2) + paper


def pressed(ink, force):
    """Thicken the strokes of ink on paper of value 0, shape (N, H, W), by `force` pixels, or thin them.

    Parameters
    ----------
    force : tensor, shape (N,)
        From −1 to 1 pixel on either side of a stroke; in between, its edge is grey.
    """
    force = force[:, None, None]
    sign = force.sign()  # to thin ink is to thicken paper
    return ink + force.abs() * (sign * darkest(sign * ink) - ink)


def darkest(ink):
    """Return the largest value in each pixel's 3 × 3 neighbourhood; the page wraps around at its edges."""
    for axis in (-1, -2):
        ink = torch.maximum(ink, torch.maximum(ink.roll(1, axis), ink.roll(-1, axis)))
    return ink
