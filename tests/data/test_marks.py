"""The mark in the corner: where it is, and that pictures stay what they were."""

import pytest
import torch

from losslab.data import marks


@pytest.mark.parametrize("size", range(5))
def test_a_mark_is_a_square_off_the_corner_in_full_ink(size):
    images = torch.full((2, 28, 28), 7, dtype=torch.uint8)
    stamped, covered = marks.stamp(images, size), marks.where(size)
    assert covered.sum() == size**2
    assert not covered[0].any()
    assert covered[1 : size + 1, 1 : size + 1].all()
    assert (stamped[:, covered] == 255).all()
    assert (stamped[:, ~covered] == 7).all()
    assert (images == 7).all(), "the pictures that were given stay as they are"
    assert stamped.dtype == torch.uint8


@pytest.mark.parametrize("size", [-1, 1.5, 28])
def test_a_mark_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match=f"size must be a whole number between 0 and 27, got {size}"):
        marks.where(size)
