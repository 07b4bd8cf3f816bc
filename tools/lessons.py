"""What each chapter asks of its reader: `make lessons` prints minutes, sittings, sliders and boxes."""

import argparse
import ast
import re
from pathlib import Path
from typing import NamedTuple

import nbformat

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LATER = set()  # chapters that do not yet follow the rules of a lesson
WORDS = 180  # of prose that are read in a minute
LINE, CELL, EXPLORER = 5 / 60, 1 / 2, 2  # minutes for a line of code, for a code cell, for an explorer
EXERCISE = re.compile(r"^### Exercise \d+\.\d+ · .*\(★+, (\d+) min(?:utes)?\)$", re.M)
CHECKPOINT = "> **Checkpoint.**"


class Lesson(NamedTuple):
    """What is counted in a notebook; cells by their index, the first being 0.

    Attributes
    ----------
    minutes, exercises : float
        To read, run and move everything but the exercises; to do these, as their headings say.
    sittings : tuple of float
        The minutes up to each checkpoint, and from the last one to the end.
    picture : int or None
        The first cell that shows one.
    sliders : tuple of int
        Every cell that opens an explorer.
    boxes : int
        Mistakes of the article that are taken up.
    """

    minutes: float
    exercises: float
    sittings: tuple
    picture: int | None
    sliders: tuple
    boxes: int


def read(stem):
    """Return a chapter's notebook."""
    return nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4)


def tags(cell):
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def lines(cell):
    """Return how many lines of a code cell are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def shows_explorer(cell):
    """Return whether a top-level line of a code cell is a call such as `explorers.explore(…)`."""
    calls = [line.value for line in ast.parse(cell.source).body if isinstance(line, ast.Expr)]
    return any(re.match(r"(display\()?(explorers\.|.*\binteract)", ast.unparse(call)) for call in calls)


def has_picture(cell):
    """Return whether a cell's stored output shows a picture."""
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def prose(cell):
    """Return what is read of a Markdown cell at once: nothing folded, no code, formula or references."""
    folded = r"<details>.*?</details>|^```.*?^```|\$\$.+?\$\$|^(?:\*\*|## )References\b.*"
    return re.sub(folded, "", cell.source, flags=re.M | re.S)


def belongs_to_exercise(cell):
    """Return whether a cell is a task, an answer or a solution."""
    told = re.search(r"^### Exercise |<summary>Solution<", cell.source, re.M)
    return "exercise" in tags(cell) or bool(told)


def minutes(cell):
    """Return the minutes that a cell takes who reads, runs and moves it; exercises count apart."""
    if belongs_to_exercise(cell):
        return 0
    if cell.cell_type == "markdown":
        return len(prose(cell).split()) / WORDS
    return CELL + LINE * lines(cell) + EXPLORER * shows_explorer(cell)


def lesson(nb):
    """Count what a notebook asks of its reader."""
    counted, sittings = [minutes(cell) for cell in nb.cells], [0]
    for cell, needed in zip(nb.cells, counted, strict=True):
        sittings[-1] += needed
        if CHECKPOINT in cell.source and cell.cell_type == "markdown":
            sittings.append(0)
    code = [(i, cell) for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    return Lesson(
        minutes=sum(counted),
        exercises=sum(int(n) for cell in nb.cells for n in EXERCISE.findall(cell.source)),
        sittings=tuple(sittings),
        picture=next((i for i, cell in code if has_picture(cell)), None),
        sliders=tuple(i for i, cell in code if shows_explorer(cell)),
        boxes=sum("erratum" in tags(cell) for cell in nb.cells),
    )


def table(paths):
    """Return one line per notebook."""
    rows = [f"{'chapter':22} minutes  exercises  first picture  first slider  sliders  boxes  sittings"]
    for path in paths:
        one = lesson(nbformat.read(path, as_version=4))
        first = one.sliders[0] if one.sliders else "none"
        picture = "none" if one.picture is None else one.picture
        sittings = " + ".join(f"{part:.0f}" for part in one.sittings)
        rows.append(
            f"{path.stem:22} {one.minutes:7.0f} {one.exercises:10.0f} {picture:>14} {first:>13} "
            f"{len(one.sliders):8} {one.boxes:6}  {sittings}"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="default: every notebook")
    print(table(parser.parse_args().paths or sorted(FOLDER.glob("*.ipynb"))))
