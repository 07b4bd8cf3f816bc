"""The drawing helpers of chapter 7, read back from their artists."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from losslab.figures import artists


@pytest.fixture
def ax():
    return Figure().subplots()


def test_curves_differ_in_more_than_colour(ax):
    lines = {
        "train": ([1, 2], [0.5, 0.4]),
        "validation": ([1, 2], [0.6, 0.5]),
        "running": ([0.5, 1.5], [0.9, 0.4]),
    }
    artists.curves(ax, lines)
    for line, (name, (x, y)) in zip(ax.lines, lines.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([x, y]))
    looks = [(line.get_linestyle(), line.get_marker()) for line in ax.lines]
    assert len(set(looks)) == 3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(lines)


def test_digits_are_upright_ink_on_paper_in_reading_order(ax):
    images = np.arange(7 * 28 * 28).reshape(7, 28, 28) % 256
    artists.digits(ax, images, columns=3)
    corners = []
    for picture, image in zip(ax.images, images, strict=True):
        np.testing.assert_array_equal(picture.get_array(), image)
        assert picture.get_clim() == (0, 255)
        assert picture.cmap(0.0)[:3] == (1, 1, 1)
        left, right, bottom, top = picture.get_extent()
        assert bottom > top  # the y axis points down
        corners.append((int(top), int(left)))
        assert 0 <= left < right <= ax.get_xlim()[1]
        assert ax.get_ylim()[1] <= top < bottom <= ax.get_ylim()[0]
    assert corners == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]


def test_digits_carry_their_captions_above_them(ax):
    artists.digits(ax, np.zeros((3, 28, 28)), ["4 → 9", "1 → 7", "0 → 6"], columns=2)
    assert [text.get_text() for text in ax.texts] == ["4 → 9", "1 → 7", "0 → 6"]
    for text, picture in zip(ax.texts, ax.images, strict=True):
        left, right, bottom, top = picture.get_extent()
        x, y = text.get_position()
        assert left < x < right
        assert y < top < bottom
        assert ax.get_ylim()[1] < y
    assert ax.texts[2].get_position()[1] > ax.images[0].get_extent()[2]  # below the first row


def test_confusion_colours_mistakes_and_writes_every_count(ax):
    counts = np.array([[50, 3, 0], [0, 40, 12], [1, 0, 60]])
    artists.confusion(ax, counts)
    shown = ax.images[0].get_array()
    np.testing.assert_allclose(shown**2, [[0, 3, 0], [0, 0, 12], [1, 0, 0]])
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "50", (1, 0): "3", (1, 1): "40", (2, 1): "12", (0, 2): "1", (2, 2): "60"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted digit", "true digit")


def test_class_bars_mark_the_truth_by_hatching_too(ax):
    artists.class_bars(ax, [-1.0, 2.5, 0.0], truth=1)
    assert [bar.get_height() for bar in ax.patches] == [-1.0, 2.5, 0.0]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, False]


def test_bars_go_from_top_to_bottom_with_their_values(ax):
    artists.bars(ax, {"slow": 3.0, "quick": 0.5}, words="{:.1f} s")
    assert [bar.get_width() for bar in ax.patches] == [3.0, 0.5]
    assert [text.get_text() for text in ax.texts] == ["3.0 s", "0.5 s"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slow", "quick"]
    assert ax.yaxis.get_inverted()


def test_estimates_are_means_with_their_deviation_and_the_numbers_themselves(ax):
    values = {"one": [0.91, 0.93, 0.95], "two": [0.5, 0.7]}
    artists.estimates(ax, {name: (x, np.mean(x), np.std(x, ddof=1)) for name, x in values.items()})
    for row, (numbers, dots, bar) in enumerate(
        zip(values.values(), ax.lines[::4], ax.containers, strict=True)
    ):
        np.testing.assert_array_equal(dots.get_xdata(), numbers)
        mean, caps, (line,) = bar.lines
        np.testing.assert_allclose(mean.get_xydata(), [[np.mean(numbers), row]])
        (ends,) = line.get_segments()
        sd = np.std(numbers, ddof=1)
        np.testing.assert_allclose(ends[:, 0], [np.mean(numbers) - sd, np.mean(numbers) + sd])
    assert [label.get_text() for label in ax.get_yticklabels()] == list(values)
    low, high = ax.get_ylim()
    assert low > high  # the first on top
