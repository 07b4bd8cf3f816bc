"""The drawing of a recorded graph, read from its artists."""

import pytest
from matplotlib.figure import Figure

from losslab.figures import artists


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_recording_is_boxes_and_an_arrow_from_each_step_to_its_readers(ax):
    places, reads = [(0.0, 0.0), (-1.0, 0.5), (-1.0, -0.5)], [(1, 2), (), ()]
    assert artists.computation(ax, places, reads, ["add", "w", "b"]) is None
    boxes = [text for text in ax.texts if text.get_text()]
    arrows = [text for text in ax.texts if not text.get_text()]
    assert [box.get_text() for box in boxes] == ["add", "w", "b"]
    assert [box.get_position() for box in boxes] == places
    assert [(arrow.xyann, arrow.xy) for arrow in arrows] == [(places[1], places[0]), (places[2], places[0])]
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < -1 < 0 < right
    assert low < -0.5 < 0.5 < high


def test_every_step_needs_a_label(ax):
    with pytest.raises(ValueError, match="shorter"):
        artists.computation(ax, [(0.0, 0.0), (1.0, 0.0)], [(), (0,)], ["w"])
