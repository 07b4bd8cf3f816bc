"""Every exercise of every notebook: its printed solution is accepted, its blank is not an answer."""

import re
from pathlib import Path

import matplotlib
import nbformat
import pytest

pytestmark = pytest.mark.trains

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
CHECK = re.compile(r'^check\("(\d+\.\d+)", .+\)$', re.M)


def exercises():
    """Yield number, set-up, blank and solution of each exercise: the solution is the next block of Python."""
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        setup = "\n".join(cell.source for cell in cells if cell.id in ("parameters", "setup"))
        for i, cell in enumerate(cells):
            if cell.cell_type == "code" and (found := CHECK.search(cell.source)):
                (solution,) = re.findall(r"```python\n(.*?)```", cells[i + 1].source, re.S)
                yield pytest.param(setup, cell.source, solution + found[0], found[1], id=found[1])


EXERCISES = list(exercises())


def said(capsys, *sources):
    """The last line that code prints when it is run in one namespace, source by source."""
    names = {}
    with matplotlib.rc_context():
        for source in ("from losslab.exercises import check", *sources):
            exec(source, names)
    return capsys.readouterr().out.splitlines()[-1]


def test_every_chapter_has_exercises():
    chapters = {param.id.split(".")[0] for param in EXERCISES}
    assert chapters == {str(int(path.stem[:2])) for path in NOTEBOOKS}


@pytest.mark.parametrize(("setup", "blank", "solution", "number"), EXERCISES)
def test_the_printed_solution_is_right(setup, blank, solution, number, capsys):
    assert said(capsys, setup, solution) == f"Exercise {number}: yes, that is right."


@pytest.mark.parametrize(("setup", "blank", "solution", "number"), EXERCISES)
def test_the_blank_is_not_an_answer(setup, blank, solution, number, capsys):
    assert said(capsys, setup, blank) == f"Exercise {number}: not answered yet."
