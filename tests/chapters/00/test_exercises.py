"""The exercise of the start page: typical mistakes get their own hint."""

import pytest

from losslab.exercises import verdict

SLIPS = [  # exercise, wrong answer, what its hint must say
    ("0.1", 4, "sign"),
    ("0.1", -2, "factor"),
    ("0.1", 0, "Differentiate"),
    ("0.1", "2 * (w - 3)", "A number is asked for"),
]


@pytest.mark.parametrize("answer", [-4, -4.0, 2 * (1 - 3)])
def test_right_in_every_spelling(answer):
    assert "right" in verdict("0.1", answer)
