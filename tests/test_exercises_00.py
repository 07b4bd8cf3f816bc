"""The exercise of the start page: typical mistakes get their own hint."""

import pytest

from losslab.exercises import verdict


def test_each_mistake_has_its_own_hint():
    mistakes = {4: "sign", -2: "factor", 0: "Differentiate", "2 * (w - 3)": "A number is asked for"}
    for answer, words in mistakes.items():
        assert verdict("0.1", answer).startswith("Exercise 0.1: not yet. "), answer
        assert words in verdict("0.1", answer)


@pytest.mark.parametrize("answer", [-4, -4.0, 2 * (1 - 3)])
def test_right_in_every_spelling(answer):
    assert "right" in verdict("0.1", answer)
