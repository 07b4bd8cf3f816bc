"""A drawing is prepared as MNIST's digits were."""

import numpy as np
import pytest

from losslab.data import handwriting, mnist
from losslab.learning import trained

pytestmark = pytest.mark.trains

IMAGES = mnist.load("sample").test_images.numpy()
LABELS = mnist.load("sample").test_labels.numpy()


def page(height=60, width=90, **boxes):
    """White paper with rectangles of ink, given as name=(top, bottom, left, right)."""
    image = np.zeros((height, width))
    for top, bottom, left, right in boxes.values():
        image[top:bottom, left:right] = 255
    return image


def test_a_resampled_pixel_is_the_mean_of_what_it_covers():
    image = np.arange(12.0).reshape(2, 6)
    np.testing.assert_allclose(handwriting.resample(image, (1, 3)), [[3.5, 5.5, 7.5]], atol=1e-12)
    np.testing.assert_allclose(
        handwriting.resample(image[:1], (1, 4)), [[1 / 3, 5 / 3, 10 / 3, 14 / 3]], atol=1e-12
    )
    np.testing.assert_allclose(
        handwriting.resample(image, (4, 12)), np.kron(image, np.ones((2, 2))), atol=1e-12
    )


def test_centre_of_mass_by_hand():
    image = np.zeros((5, 7))
    image[1, 2], image[4, 6] = 3, 1
    np.testing.assert_allclose(handwriting.centre_of_mass(image), (7 / 4, 3), atol=1e-12)


def test_a_bar_becomes_twenty_pixels_long_and_stands_in_the_middle():
    found = handwriting.centred(page(bar=(10, 50, 70, 78)))  # 40 × 8 → 20 × 4
    want = np.zeros((28, 28))
    want[5:25, 13:17] = 255  # 14 − 9.5 = 4.5 and 14 − 1.5 = 12.5, rounded up
    np.testing.assert_array_equal(found, want)
    assert found.dtype == np.uint8


def test_heavy_ink_is_what_stands_in_the_middle():
    found = handwriting.centred(page(stem=(10, 50, 20, 28), foot=(42, 50, 20, 46)))
    assert max(np.ptp(np.nonzero(found)[axis]) for axis in (0, 1)) == 19
    np.testing.assert_allclose(handwriting.centre_of_mass(found.astype(float)), (14, 14), atol=0.5)
    box = np.array([np.nonzero(found)[axis].mean() for axis in (0, 1)])
    ends = [(axis.min(), axis.max()) for axis in np.nonzero(found)]
    middle = np.mean(ends, axis=1)
    assert (np.abs(box - middle) > 2).all()  # a box in the middle would have put the ink elsewhere


def test_nothing_falls_off_the_page():
    image = page(200, 200, blot=(0, 100, 0, 100), dot=(199, 200, 199, 200))  # all ink in one corner
    found = handwriting.centred(image)
    assert found[27, 27] > 0
    assert found.shape == (28, 28)
    np.testing.assert_allclose(found.sum() / 255, image.sum() / 255 / 100, atol=0.1)


def test_a_dot_and_a_line_are_drawn_and_an_empty_page_is_empty():
    assert handwriting.centred(page(dot=(5, 6, 5, 6))).sum() == 255 * 400
    line = handwriting.centred(page(line=(5, 6, 0, 90)))
    assert (line > 0).sum() == 20
    assert not handwriting.centred(np.zeros((40, 40))).any()


def test_specks_do_not_count_when_the_ink_is_cut_out():
    image = page(bar=(10, 50, 70, 78))
    image[0, 0] = 16
    np.testing.assert_array_equal(handwriting.centred(image), handwriting.centred(page(bar=(10, 50, 70, 78))))
    image[0, 0] = 17
    assert (handwriting.centred(image) != handwriting.centred(page(bar=(10, 50, 70, 78)))).any()


def test_a_prepared_digit_is_left_as_it_is():
    same = [(handwriting.centred(x, faint=0) == x).all() for x in IMAGES]
    off = np.abs(np.array([handwriting.centred(x, faint=0) for x in IMAGES]).astype(float) - IMAGES).mean()
    assert np.mean(same) > 0.9
    assert off < 0.05


@pytest.mark.parametrize(("scale", "top", "left"), [(5, 0, 0), (8, 50, 3), (10, 0, 120), (3, 7, 300)])
def test_a_digit_drawn_large_and_elsewhere_comes_back_as_the_same_class(scale, top, left):
    reader, count = trained.pad_reader(), 200
    as_it_was = reader.logits(IMAGES[:count]).argmax(-1)
    large = [np.pad(np.kron(x, np.ones((scale, scale))), ((top, 40), (left, 9))) for x in IMAGES[:count]]
    found = reader.logits(np.array([handwriting.centred(x) for x in large])).argmax(-1)
    assert (found == as_it_was).mean() >= 0.98
    left_alone = np.array([handwriting.resample(x, (28, 28)) for x in large]).astype(np.uint8)
    if left >= 100:  # without the preparation they are lost
        assert (reader.logits(left_alone).argmax(-1) == as_it_was).mean() < 0.6


def test_faint_ink_between_the_lines_is_kept():
    image = page(left=(10, 30, 10, 12), right=(10, 30, 28, 30))  # 20 × 20: nothing is scaled
    image[20, 20] = 9
    assert sorted(set(handwriting.centred(image).ravel().tolist())) == [0, 9, 255]
