"""New images out of old ones that keep their label: small random affine maps, a batch at a time."""

import math

import torch
from torch.nn.functional import affine_grid, grid_sample


def affine(images, generator=None, *, degrees=10.0, shift=2.0, zoom=0.1):
    """
    Return each image turned, moved and scaled a little, at random and independently; the edge is repeated.

    Parameters
    ----------
    images : float tensor, shape (N, 28, 28) or any (N, height, width)
    generator : torch.Generator, optional
        One on the CPU gives the same maps on every device.
    degrees : float
        Turned by up to so much, either way.
    shift : float
        Moved by up to so many pixels, along both axes.
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
    wide = half[0] / half[1]  # the two axes have other units unless the image is square
    maps = torch.stack([cos, -sin / wide, x, sin * wide, cos, y], 1).view(-1, 2, 3).to(images)
    grid = affine_grid(maps, (len(images), 1, *images.shape[1:]), align_corners=False)
    return grid_sample(images[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
