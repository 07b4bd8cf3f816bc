"""`make update` fetches what is new and keeps the reader's answers: tried on a small repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]
NAME = "notebooks/00_start.ipynb"
BLANK = 'answer = ...\ncheck("{}", answer)'
SOLVED = 'answer = 42\ncheck("0.1", answer)'


def git(*words, cwd):
    who = ("-c", "user.name=A Reader", "-c", "user.email=reader@example.org", "-c", "core.autocrlf=false")
    subprocess.run(["git", *who, *words], cwd=cwd, check=True, capture_output=True)


def publish(book, text, *numbers, ids="answer-{}"):
    """Commit a version of the chapter with these exercises."""
    cells = [new_markdown_cell(text, id="title")]
    for n in numbers:
        out = [new_output("stream", name="stdout", text="not answered yet\n")]
        name = ids.format(n.replace(".", "-"))
        cells.append(new_code_cell(BLANK.format(n), id=name, metadata={"tags": ["exercise"]}, outputs=out))
    (book / "notebooks").mkdir(exist_ok=True)
    (book / NAME).write_text(nbformat.writes(new_notebook(cells=cells)) + "\n", encoding="utf-8")
    git("add", ".", cwd=book)
    git("commit", "-q", "-m", text, cwd=book)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A repository with one chapter, and a reader's clone in which exercise 0.1 was solved and saved."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    book = tmp_path / "book"
    (book / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "update.py", book / "tools")
    (book / ".gitignore").write_text("/my/\n")
    git("init", "-q", cwd=book)
    publish(book, "# Old", "0.1", "0.2")
    git("clone", "-q", book, "mine", cwd=tmp_path)
    nb = nbformat.read(tmp_path / "mine" / NAME, as_version=4)
    nb.cells[0].source = "# Old, with a note of mine"
    nb.cells[1].update(source=SOLVED, outputs=[], execution_count=7)
    nb.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    nbformat.write(nb, tmp_path / "mine" / NAME)
    return book


def update(book):
    """Run the command in the reader's clone; return it and the sources of the chapter there."""
    mine = book.with_name("mine")
    done = subprocess.run([sys.executable, "tools/update.py"], cwd=mine, capture_output=True, text=True)
    cells = nbformat.read(mine / NAME, as_version=4).cells if (mine / NAME).exists() else []
    return done, [cell.source for cell in cells]


def test_answers_stay_and_what_is_new_arrives_even_if_the_cells_have_other_ids(book):
    publish(book, "# New", "0.1", "0.2", "0.3", ids="exercise-{}")
    done, sources = update(book)
    assert done.returncode == 0, done.stderr
    assert sources == ["# New", SOLVED, BLANK.format("0.2"), BLANK.format("0.3")]
    assert "00_start.ipynb: answers kept: 0.1\n" in done.stdout
    (copy,) = book.with_name("mine").glob("my/*/00_start.ipynb")
    assert nbformat.read(copy, as_version=4).cells[0].source == "# Old, with a note of mine"
    publish(book, "# Newer", "0.2", "0.1")
    assert update(book)[1] == ["# Newer", BLANK.format("0.2"), SOLVED]


def test_an_exercise_that_is_gone_is_named_and_its_answer_is_in_the_copy(book):
    publish(book, "# New", "0.2")
    done, sources = update(book)
    assert sources == ["# New", BLANK.format("0.2")]
    assert "no longer in the book: 0.1\n" in done.stdout
    assert [p for p in book.with_name("mine").glob("my/*/*.ipynb") if "answer = 42" in p.read_text()]


def test_a_chapter_that_is_gone_is_named(book):
    git("rm", "-q", NAME, cwd=book)
    git("commit", "-q", "-m", "Remove it", cwd=book)
    assert f"{NAME} is no longer in the book." in update(book)[0].stdout


def test_a_pull_that_fails_leaves_everything_as_it_was(book):
    before = (book.with_name("mine") / NAME).read_bytes()
    book.rename(book.with_name("gone"))
    done, _ = update(book)
    assert done.returncode == 1
    assert "git pull failed, and nothing was changed:\n" in done.stderr
    assert (book.with_name("mine") / NAME).read_bytes() == before


def test_without_answers_it_is_a_pull(book):
    git("checkout", "-q", ".", cwd=book.with_name("mine"))
    publish(book, "# New", "0.1")
    assert update(book)[1] == ["# New", BLANK.format("0.1")]
    assert not (book.with_name("mine") / "my").exists()
