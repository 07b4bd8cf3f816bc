"""`make update` fetches what is new and keeps the reader's answers: tried on a small repository."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
NAME = "notebooks/00_start.ipynb"
BLANK = 'answer = ...\ncheck("{}", answer)'
SOLVED = 'answer = 42\ncheck("0.1", answer)'


@pytest.fixture
def publish(git, tmp_path):
    """Return a function that commits a version of the chapter with some exercises."""
    book = tmp_path / "book"
    (book / "tools").mkdir(parents=True)
    (book / "notebooks").mkdir()
    shutil.copy(ROOT / "tools" / "update.py", book / "tools")
    (book / ".gitignore").write_text("/my/\n")
    git("init", "-q", cwd=book)

    def commit(text, *numbers, ids="answer-{}"):
        cells = [new_markdown_cell(text, id="title")]
        for n in numbers:
            out = [new_output("stream", name="stdout", text="not answered yet\n")]
            name = ids.format(n.replace(".", "-"))
            cells.append(
                new_code_cell(BLANK.format(n), id=name, metadata={"tags": ["exercise"]}, outputs=out)
            )
        (book / NAME).write_text(nbformat.writes(new_notebook(cells=cells)) + "\n", encoding="utf-8")
        git("add", ".", cwd=book)
        git("commit", "-q", "-m", text, cwd=book)

    return commit


@pytest.fixture
def mine(publish, git, tmp_path):
    """A reader's clone in which exercise 0.1 was solved and saved."""
    publish("# Old", "0.1", "0.2")
    git("clone", "-q", tmp_path / "book", "mine", cwd=tmp_path)
    path = tmp_path / "mine" / NAME
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].source = "# Old, with a note of mine"
    nb.cells[1].update(source=SOLVED, outputs=[], execution_count=7)
    nb.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    nbformat.write(nb, path)
    return tmp_path / "mine"


def update(mine):
    """Run the command in the reader's clone; return it and the sources of the chapter there."""
    done = subprocess.run([sys.executable, "tools/update.py"], cwd=mine, capture_output=True, text=True)
    cells = nbformat.read(mine / NAME, as_version=4).cells if (mine / NAME).exists() else []
    return done, [cell.source for cell in cells]


def test_answers_stay_and_what_is_new_arrives_even_if_the_cells_have_other_ids(mine, publish):
    publish("# New", "0.1", "0.2", "0.3", ids="exercise-{}")
    done, sources = update(mine)
    assert sources == ["# New", SOLVED, BLANK.format("0.2"), BLANK.format("0.3")], done.stderr
    assert "00_start.ipynb: answers kept: 0.1\n" in done.stdout
    (copy,) = mine.glob("my/*/00_start.ipynb")
    assert nbformat.read(copy, as_version=4).cells[0].source == "# Old, with a note of mine"
    publish("# Newer", "0.2", "0.1")
    assert update(mine)[1] == ["# Newer", BLANK.format("0.2"), SOLVED]


ASKS = 'import losslab\n\npredictions.write("0a", {})  # your answer, before you move anything\nmove({})'


def test_predictions_return_to_their_questions(publish, git, tmp_path):
    def asking(text, *sources):
        publish(text)
        path = tmp_path / "book" / NAME
        cells = [new_markdown_cell(text), *map(new_code_cell, sources)]
        path.write_text(nbformat.writes(new_notebook(cells=cells)) + "\n", encoding="utf-8")
        git("commit", "-q", "-am", f"Ask: {text}", cwd=tmp_path / "book")

    asking("# Old", ASKS.format('""', 1), 'predictions.write("0b", "")', 'predictions.write("0c", "")')
    git("clone", "-q", tmp_path / "book", "mine", cwd=tmp_path)
    mine = tmp_path / "mine"
    expected = '"it (probably) doubles \\\\ \\"twice\\""'
    nb = nbformat.read(mine / NAME, as_version=4)
    nb.cells[1].source = ASKS.format(expected, 1)
    nb.cells[2].source = 'predictions.write("0b", "gone")'
    nbformat.write(nb, mine / NAME)
    asking("# New", ASKS.format('""', 2), 'predictions.write("0c", "")')
    done, sources = update(mine)
    assert sources == ["# New", ASKS.format(expected, 2), 'predictions.write("0c", "")'], done.stderr
    assert "answers kept: 0a\n" in done.stdout
    assert "no longer in the book: 0b\n" in done.stdout


def test_an_exercise_that_is_gone_is_named_and_its_answer_is_in_the_copy(mine, publish):
    publish("# New", "0.2")
    done, sources = update(mine)
    assert sources == ["# New", BLANK.format("0.2")]
    assert "no longer in the book: 0.1\n" in done.stdout
    assert [copy for copy in mine.glob("my/*/*.ipynb") if "answer = 42" in copy.read_text()]


def test_a_chapter_that_is_gone_is_named(mine, git):
    git("rm", "-q", NAME, cwd=mine.with_name("book"))
    git("commit", "-q", "-m", "Remove it", cwd=mine.with_name("book"))
    assert f"{NAME} is no longer in the book." in update(mine)[0].stdout


def test_a_pull_that_fails_leaves_everything_as_it_was(mine):
    before = (mine / NAME).read_bytes()
    mine.with_name("book").rename(mine.with_name("gone"))
    done, _ = update(mine)
    assert done.returncode == 1
    assert "git pull failed, and nothing was changed:\n" in done.stderr
    assert (mine / NAME).read_bytes() == before


def test_without_answers_it_is_a_pull(mine, publish, git):
    git("checkout", "-q", ".", cwd=mine)
    publish("# New", "0.1")
    assert update(mine)[1] == ["# New", BLANK.format("0.1")]
    assert not (mine / "my").exists()
