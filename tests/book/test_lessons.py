"""The rules for a chapter as a lesson: what comes how early, how long it takes, what is folded."""

import ast
import re

import lessons
import matplotlib
import nbformat
import pytest
from lessons import LATER, lesson, shows_explorer, tags

from losslab.book import chapters, words

CHAPTERS = [chapter for chapter in chapters.CHAPTERS if chapter.number not in LATER]
QUESTION = re.compile(r"\*\*Predict (\d+[a-z])(?:, then move it)?\.\*\*")
SOURCES = {chapter.number: lessons.read(chapter.stem) for chapter in chapters.CHAPTERS}
LONGER = {"07": 80}  # minutes; the article's whole program is one chapter
LISTS = ("90", "91")  # they have a search box instead of a slider
FULL = [chapter for chapter in CHAPTERS if chapter.number != "00"]  # 00 takes twenty minutes


def named(chapter):
    return chapter.number


@pytest.fixture(params=CHAPTERS, ids=named)
def nb(request):
    return SOURCES[request.param.number]


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("chapter", chapters.CHAPTERS, ids=named)
def test_the_minutes_of_the_table_are_counted(chapter):
    one = lesson(SOURCES[chapter.number])
    assert abs(chapter.minutes - one.minutes) <= 3, f"{one.minutes:.0f} minutes: correct chapters.py"
    assert chapter.exercises == one.exercises


@pytest.mark.parametrize("chapter", FULL, ids=named)
def test_a_chapter_takes_an_hour_in_sittings_of_25_minutes(chapter):
    one = lesson(SOURCES[chapter.number])
    assert one.minutes <= LONGER.get(chapter.number, 65)
    assert max(one.sittings) <= 25
    assert one.boxes <= 7


@pytest.mark.parametrize("chapter", [one for one in CHAPTERS if one.number not in LISTS], ids=named)
def test_a_picture_and_a_slider_come_early(chapter):
    one = lesson(SOURCES[chapter.number])
    assert one.picture <= 3
    assert one.sliders[0] <= 10


def test_the_race_is_one_click_and_one_cell_away():
    """From the start page and from README; and its first code cell but the set-up is the explorer."""
    readme = (lessons.FOLDER.parent / "README.md").read_text(encoding="utf-8").partition("## Chapters")[0]
    assert "](notebooks/05_optimizers.ipynb)" in readme
    assert "](05_optimizers.ipynb)" in SOURCES["00"].cells[0].source
    setup, race, *_ = code(SOURCES["05"])
    assert setup.id == "setup"
    assert "explorers.explore(" in race.source


def test_a_checkpoint_says_what_the_reader_can_now(nb):
    for cell in nb.cells:
        if cell.cell_type == "markdown" and "Checkpoint" in cell.source:
            said = r"^> \*\*Checkpoint\.\*\* You can now .*Stop here if you like\.$"
            assert re.search(said, cell.source, re.M), cell.id


def is_folded(output):
    text = output.get("data", {}).get("text/markdown", "")
    return text.startswith("<details><summary>") and text.endswith("</details>")


def asked(nb):
    """Yield every question as (its label, the code cells from there to the one that compares the answer)."""
    for i, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown" and "**Predict" in cell.source:
            (label,) = QUESTION.findall(cell.source)
            after = [one for one in nb.cells[i + 1 :] if one.cell_type == "code"]
            compare = re.compile(rf'predictions\.compare\(\s*"{label}"')
            ends = [n for n, one in enumerate(after, 1) if compare.search(one.source)]
            assert ends, f"nothing compares the answer to {label}"
            yield label, after[: ends[0]]


def test_no_question_is_followed_by_its_answer_unfolded(nb):
    """From a question to its `compare`, every output is an explorer or folded."""
    for label, cells in asked(nb):
        writes = [f'predictions.write("{label}", "")' in cell.source for cell in cells]
        assert sum(writes) == 1, f"one place to write {label}"
        told = [cell.id for cell in cells if not (shows_explorer(cell) or all(map(is_folded, cell.outputs)))]
        assert not told, f"they tell before {label} is answered"
        assert cells[-1].outputs, f"{cells[-1].id} must end with predictions.compare"


def test_the_code_that_computes_an_answer_is_folded_unless_a_reader_writes_there(nb):
    for cell in code(nb):
        answers = "predictions.compare(" in cell.source and "predictions.write(" not in cell.source
        assert ("hide-input" in tags(cell)) == answers, cell.id
        assert bool(cell.metadata.get("jupyter", {}).get("source_hidden")) == answers, cell.id


def test_every_label_is_asked_once_in_order_and_none_is_left_over(nb):
    number = nb.cells[0].source[2:4].lstrip("0") or "0"
    labels = [label for label, _ in asked(nb)]
    assert labels == [f"{number}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"[: len(labels)]]
    used = re.findall(r'predictions\.\w+\(\s*"(\w+)"', "\n".join(cell.source for cell in code(nb)))
    assert labels
    assert set(used) == set(labels)


def test_every_explorer_is_asked_about(nb):
    for cell in code(nb):
        if shows_explorer(cell):
            assert 'predictions.write("' in cell.source, cell.id


def test_assertions_say_that_they_hold_for_the_printed_numbers(nb):
    for cell in code(nb):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Assert):
                assert node.msg, f"{cell.id}: {ast.unparse(node)}"
                assert ast.unparse(node.msg) == "environment.printed()"


def test_the_words_of_a_chapter_unfold_below_its_set_up(nb):
    setup = next(cell for cell in code(nb) if "environment.begin()" in cell.source)
    assert re.search(r"^glossary\.of\(", setup.source, re.M)
    assert is_folded(setup.outputs[-1])


def test_every_word_of_the_glossary_is_in_a_chapter_that_lists_it():
    listed = {}
    for nb in SOURCES.values():
        text = "\n".join(cell.source.partition("glossary.of")[0] for cell in nb.cells).lower()
        for cell in code(nb):
            for term in terms(cell.source):
                listed[term] = stem(term) in text
    assert {term for term, there in listed.items() if not there} == set(), "listed, but the chapter lacks it"
    assert set(words.read("en")["glossary"]) - {"title"} == set(listed)


def terms(source):
    """The words that a cell lists by `glossary.of`."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "glossary.of":
            yield from (one.value for one in ast.walk(call) if isinstance(one, ast.Constant))


def stem(term):
    """What a term has in common with its plural, in small letters."""
    return term.lower().rstrip("sy")


@pytest.mark.trains
def test_explorers_and_exercises_run_alone_in_a_fresh_kernel(nb, capsys):
    for cell in code(nb):
        if shows_explorer(cell) or "exercise" in tags(cell):
            with matplotlib.rc_context():
                exec(cell.source, {})


def test_the_counting_follows_the_rules():
    markdown, python = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    picture = nbformat.v4.new_output("display_data", {"image/png": ""})
    nb = nbformat.v4.new_notebook(
        cells=[
            markdown(
                "word " * 180
                + "\n\n$$ not counted $$\n\n<details>nor\n\nthis</details>\n\n## References\n\n- nor"
            ),
            python("\n".join(["x = 1"] * 12), outputs=[picture]),  # 1 + ½
            markdown("> **Checkpoint.** You can now go. Stop here if you like."),
            python("explorers.wave()"),  # 2 + ½ and a line
            markdown("### Exercise 1.1 · Try (★, 8 min)\n\n" + "word " * 999),
            python("answer = ...", metadata={"tags": ["exercise"]}),
            markdown("<details><summary>Solution</summary>\n\nso\n\n</details>"),
            markdown("> **The article says** (E001)", metadata={"tags": ["erratum"]}),
        ]
    )
    one = lesson(nb)
    first, second = 1 + 1.5 + 11 / 180, 2.5 + 5 / 60 + 5 / 180
    assert one.sittings == pytest.approx((first, second))
    assert one.minutes == pytest.approx(first + second)
    assert one[3:] == (1, (3,), 1)
    assert one.exercises == 8
