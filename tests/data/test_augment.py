"""Random affine maps against the same maps done pixel by pixel, and the limits they promise."""

import math

import numpy as np
import pytest
import torch

from losslab.data import augment, mnist, pixels


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def by_hand(image, angle, scale, x, y):
    """The affine map of one image, pixel by pixel: bilinear, the edge repeated."""
    height, width = image.shape
    out = np.zeros(image.shape)
    for i in range(height):
        for j in range(width):
            u, v = j - (width - 1) / 2, i - (height - 1) / 2
            p = (math.cos(angle) * u - math.sin(angle) * v) / scale + x + (width - 1) / 2
            q = (math.sin(angle) * u + math.cos(angle) * v) / scale + y + (height - 1) / 2
            p, q = min(max(p, 0), width - 1), min(max(q, 0), height - 1)
            k, l = min(int(q), height - 2), min(int(p), width - 2)
            a, b = q - k, p - l
            upper = (1 - b) * image[k, l] + b * image[k, l + 1]
            lower = (1 - b) * image[k + 1, l] + b * image[k + 1, l + 1]
            out[i, j] = (1 - a) * upper + a * lower
    return out


@pytest.mark.parametrize("shape", [(9, 9), (7, 12), (12, 5)])
def test_each_image_goes_through_its_own_map_without_shear(shape):
    images = torch.rand(3, *shape, dtype=torch.float64, generator=seeded(1))
    ours = augment.affine(images, seeded(0), degrees=20, shift=1.5, zoom=0.2)
    u = torch.rand(4, 3, generator=seeded(0)) * 2 - 1
    for n in range(3):
        angle, scale = math.radians(20) * u[0, n].item(), 1 + 0.2 * u[1, n].item()
        expected = by_hand(images[n].numpy(), angle, scale, *(1.5 * u[2:, n]).tolist())
        np.testing.assert_allclose(ours[n].numpy(), expected, atol=1e-5)


def test_nothing_happens_when_nothing_may():
    images = torch.rand(2, 28, 28, generator=seeded(0))
    same = augment.affine(images, seeded(0), degrees=0, shift=0, zoom=0)
    torch.testing.assert_close(same, images, rtol=0, atol=1e-4)


def test_the_same_generator_gives_the_same_images_and_another_does_not():
    images = torch.rand(5, 28, 28, generator=seeded(0))
    a, b, c = (augment.affine(images, seeded(s)) for s in (3, 3, 4))
    assert torch.equal(a, b)
    assert not torch.allclose(a, c, atol=0.1)


def test_paper_stays_paper_at_any_scaling_and_digits_stay_in_the_picture():
    digits = mnist.load("sample")
    constants = pixels.mean_std(digits.train_images)
    images = pixels.standardise(digits.train_images[:500], *constants)
    moved = augment.affine(images, seeded(0))
    assert moved.shape == images.shape
    assert moved.dtype == images.dtype
    assert moved.min() >= images.min() - 1e-5
    assert moved.max() <= images.max() + 1e-5
    ink = (moved - images.min()).sum((1, 2)) / (images - images.min()).sum((1, 2))
    assert ((ink > 0.6) & (ink < 1.4)).all()  # zoom² at most, and nothing cut off


def test_shifts_and_zooms_reach_their_limits_and_not_more():
    n = 2000
    spot = torch.zeros(n, 29, 29)
    spot[:, 14, 14] = 1
    moved = augment.affine(spot, seeded(0), degrees=0, shift=3, zoom=0)
    rows = torch.arange(29.0)
    centre = (moved.sum(2) @ rows / moved.sum((1, 2)) - 14).abs()
    assert 2.9 < centre.max() <= 3 + 1e-3
    assert centre.mean() == pytest.approx(1.5, abs=0.1)
