"""The exercise of the start page: its printed solution is right, the blank and typical mistakes are not."""

import re
from pathlib import Path

import nbformat
import pytest

from losslab.exercises import verdict

CELLS = nbformat.read(Path(__file__).parents[1] / "notebooks" / "00_start_here.ipynb", as_version=4).cells
SOURCE = {cell.id: cell.source for cell in CELLS}


def run(code):
    """Run code of the page; return its variables."""
    names = {}
    exec(code, names)
    return names


def test_the_printed_solution_is_right():
    (solution,) = re.findall(r"```python\n(.*?)```", SOURCE["exercise-0-1-solution"], re.S)
    assert verdict("0.1", run(solution)["slope"]) == "Exercise 0.1: yes, that is right."


def test_the_blank_is_seen():
    blank = run(SOURCE["exercise-0-1"].split("check(")[0])
    assert verdict("0.1", blank["slope"]) == "Exercise 0.1: not answered yet."


def test_each_mistake_has_its_own_hint():
    mistakes = {4: "sign", -2: "factor", 0: "Differentiate", "2 * (w - 3)": "A number is asked for"}
    for answer, words in mistakes.items():
        assert verdict("0.1", answer).startswith("Exercise 0.1: not yet. "), answer
        assert words in verdict("0.1", answer)


@pytest.mark.parametrize("answer", [-4, -4.0, 2 * (1 - 3)])
def test_right_in_every_spelling(answer):
    assert "right" in verdict("0.1", answer)
