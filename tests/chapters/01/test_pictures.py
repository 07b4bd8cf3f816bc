"""The drawing of a recorded graph, and the numbers in it."""

import pytest
import torch
from matplotlib.figure import Figure

from losslab.figures import artists
from losslab.learning import autodiff


@pytest.fixture
def ax():
    return Figure().subplots()


def penalised(w, b, x, y):
    return torch.square(y - torch.relu(w * x + b)) + 0.5 * torch.square(w)


@pytest.fixture
def inputs():
    variables = {name: torch.tensor(at, requires_grad=True) for name, at in (("w", 2.0), ("b", -1.0))}
    return variables | {"x": torch.tensor(1.5), "y": torch.tensor(3.0)}


# --- the drawing ---


def test_a_recording_is_boxes_and_a_labelled_arrow_to_each_from_what_it_read(ax):
    places, arrows = [(0.0, 0.0), (-1.0, 0.5), (-1.0, -0.5)], [{1: "+1", 2: ""}, {}, {}]
    assert artists.computation(ax, places, arrows, ["add", "w", "b"]) is None
    drawn = [text for text in ax.texts if hasattr(text, "arrow_patch")]
    said = [text for text in ax.texts if text not in drawn and text.get_text()]
    assert [(arrow.xyann, arrow.xy) for arrow in drawn] == [(places[1], places[0]), (places[2], places[0])]
    assert [text.get_text() for text in said] == ["add", "+1", "w", "b"]
    assert [text.get_position() for text in said] == [places[0], (-0.5, 0.25), *places[1:]]
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < -1 < 0 < right
    assert low < -0.5 < 0.5 < high


def test_every_step_needs_a_label(ax):
    with pytest.raises(ValueError, match="shorter"):
        artists.computation(ax, [(0.0, 0.0), (1.0, 0.0)], [{}, {0: ""}], ["w"])


# --- where the boxes stand ---


def test_what_was_read_stands_to_the_left_and_no_two_boxes_touch(inputs):
    reads = [(*number.reads, *number.constants) for number in autodiff.trace(penalised, **inputs)]
    places = autodiff.places(reads)
    assert places[0] == (0.0, 0.0)
    for i, before in enumerate(reads):
        assert all(places[k][0] < places[i][0] for k in before)
    for i, (x, y) in enumerate(places):
        assert all(x != other or abs(y - there) > 0.999 for other, there in places[:i])


def test_heights_spread_around_what_their_readers_have():
    assert autodiff.places([(1, 2), (), (3,), ()]) == [(0.0, 0.0), (-1.0, 0.5), (-1.0, -0.5), (-2.0, -0.5)]


# --- the numbers ---


def test_a_trace_has_values_local_slopes_and_constants(inputs):
    numbers = autodiff.trace(penalised, **inputs)
    assert [(n.name, n.value) for n in numbers] == [
        ("add", 3),
        ("mul", 2),
        ("square", 4),
        ("square", 1),
        ("sub", 1),
        ("relu", 2),
        ("add", 2),
        ("b", -1),
        ("mul", 3),
        ("w", 2),
        ("", 0.5),
        ("y", 3),
        ("x", 1.5),
    ]
    assert numbers[1].reads == {2: 0.5}
    assert numbers[4].reads == {5: -1.0}  # 3 − a falls as a rises
    assert numbers[8].reads == {9: 1.5}  # w x, with respect to w
    assert (numbers[1].constants, numbers[4].constants, numbers[8].constants) == ((10,), (11,), (12,))


@pytest.mark.parametrize("w", [2.0, -2.0, 0.3])
def test_slopes_passed_on_from_the_end_are_autograds(inputs, w):
    inputs["w"] = torch.tensor(w, requires_grad=True)
    numbers = autodiff.trace(penalised, **inputs)
    slopes = [1.0] + [0.0] * (len(numbers) - 1)
    for k, number in enumerate(numbers):
        for i, local in number.reads.items():
            slopes[i] += slopes[k] * local
    penalised(**inputs).backward()
    found = {number.name: slope for number, slope in zip(numbers, slopes, strict=True)}
    for name in ("w", "b"):
        assert found[name] == pytest.approx(inputs[name].grad.item(), abs=1e-6)


def test_what_is_read_twice_counts_twice():
    w = torch.tensor(3.0, requires_grad=True)
    assert autodiff.trace(lambda w: w * w, w=w)[0].reads == {1: 6.0}


def test_a_constant_leaves_nothing_to_trace():
    with pytest.raises(ValueError, match="nothing was recorded"):
        autodiff.trace(lambda x: 2 * x, x=torch.tensor(1.0))
