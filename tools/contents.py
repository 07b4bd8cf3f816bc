"""Write what is made from the table of chapters: `python tools/contents.py`, after a chapter came or changed.

The banner under each notebook's title and the README's table; no notebook is run. The start page prints the
table too: run `python tools/notebooks.py notebooks/00_start_here.ipynb` afterwards.
"""

import re
from pathlib import Path

import nbformat

from losslab import chapters
from notebooks import stored

ROOT = Path(__file__).resolve().parents[1]


def write_banner(path):
    """Replace the banner line in a notebook's first cell, if it has one."""
    nb = nbformat.read(path, as_version=4)
    line = chapters.banner(path.stem)
    nb.cells[0].source = re.sub(
        r"^\*\*Loss to Launch\*\* · .*$", line, nb.cells[0].source, count=1, flags=re.M
    )
    path.write_text(stored(nb), encoding="utf-8")


def write_table(readme):
    """Replace what stands between the README's two chapter marks."""
    marks = r"(<!-- chapters -->\n).*?(\n?<!-- /chapters -->)"
    text = readme.read_text(encoding="utf-8")
    new = re.sub(marks, rf"\g<1>{chapters.table('notebooks/')}\n<!-- /chapters -->", text, flags=re.S)
    readme.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    for chapter in chapters.CHAPTERS:
        path = ROOT / "notebooks" / f"{chapter.stem}.ipynb"
        if path.exists():
            write_banner(path)
    write_table(ROOT / "README.md")
