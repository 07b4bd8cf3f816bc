"""The shelf: every product has a sign of its own, and no two of its pictures are the same."""

import pytest
import torch

from losslab.data import shelf

NAMES = list(shelf.PRODUCTS)


def drawn(seed=0, each=3):
    return shelf.pictures(NAMES, each, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_the_font_has_every_sign_and_it_fills_its_square(name):
    ink = shelf.sign(name)
    assert ink.shape == (2 * shelf.SIZE, 2 * shelf.SIZE)
    assert ink.max() > 0.9
    rows, columns = (ink.amax(axis).nonzero()[:, 0] for axis in (1, 0))
    assert max(len(rows), len(columns)) == pytest.approx(shelf.SIGN, abs=3)
    middle = [(one[0] + one[-1]).item() / 2 for one in (rows, columns)]
    assert middle == pytest.approx([shelf.SIZE - 0.5] * 2, abs=1)


def test_no_two_signs_are_alike():
    signs = torch.stack([shelf.sign(name) for name in NAMES])
    apart = torch.cdist(signs.flatten(1), signs.flatten(1)) + 1e3 * torch.eye(len(NAMES))
    assert apart.min() > 10


def test_each_picture_is_of_its_label_of_the_right_form_and_no_other():
    images, labels = drawn()
    assert images.shape == (60, 3, shelf.SIZE, shelf.SIZE)
    assert labels.tolist() == [k for k in range(20) for _ in range(3)]
    assert images.min() >= 0
    assert images.max() <= 1
    assert len({image.numpy().tobytes() for image in images}) == 60


def test_a_seed_gives_the_same_pictures_and_another_gives_others():
    assert torch.equal(drawn()[0], drawn()[0])
    assert not torch.equal(drawn()[0], drawn(seed=1)[0])


def test_ink_and_paper_differ_and_either_may_be_the_brighter_one():
    image = drawn(each=40)[0].mean(1)[19 * 40 :]  # flags: much of the middle is ink
    corner, middle = image[:, :6, :6].mean((1, 2)), image[:, 28:36, 30:40].mean((1, 2))
    assert ((middle - corner) > 0.1).any()
    assert ((middle - corner) < -0.1).any()


def test_an_unknown_product_is_refused():
    with pytest.raises(ValueError, match="names must be of telephone, .*, got teapot"):
        shelf.pictures(["flag", "teapot"], 1, torch.Generator())
