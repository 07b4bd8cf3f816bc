"""E002, E008, E010: numbers, letters and diagrams asked as data; and the page to look mistakes up."""

import ast
import re
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest

from losslab.article import coverage, errata, misprints
from losslab.book import chapters, lookup
from losslab.formulas import optim

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "90_errata.ipynb"
SLOPE = -3.0
CHAINS = {part.id: part.chain for part in coverage.parts() if part.chain}
ITERATION = ["batch", "forward", "loss", "backward", "step", "batch"]


# --- the facts: each function asserts something that is true of the correction and false of the print ---


def names_one_section(number):
    sections = {m.groups() for p in coverage.parts() if (m := re.match(r"ch\. (\d) §([\d.]+)", p.article))}
    assert sum(f"{chapter}.{section}".endswith(number) for chapter, section in sections) == 1


def has_a_root(v):
    with np.errstate(invalid="ignore"):
        assert np.isfinite(np.sqrt(v))


def comes_back(nodes):
    assert len(set(nodes)) < len(nodes)


FACTS = {  # id: fact, its arguments as printed, its arguments corrected
    "E002": (names_one_section, ["2.1"], ["3.2.1"]),
    "E008": (has_a_root, [misprints.momentum_as_printed(0.0, SLOPE)[1]], [optim.adam(0.0, SLOPE)[2]]),
    "E010": (comes_back, [CHAINS["D7"]], [ITERATION]),
}


@pytest.mark.parametrize("name", CHAINS)
def test_no_diagram_comes_back(name):
    assert len(set(CHAINS[name])) == len(CHAINS[name])


def test_one_program_is_printed_three_times_in_each_half(article):
    """E011: whole, in pieces and whole with comments, equal as syntax trees; and the same in both halves."""
    listings = re.findall(r"```python\n(.*?)```", "\n".join(article), re.S)
    chinese, english, commented = ([ast.dump(ast.parse(c)) for c in listings[i : i + 6]] for i in (0, 6, 12))
    assert chinese == english
    assert commented == [english[1]] * 2
    for piece in english[2:]:
        assert piece.removeprefix("Module(body=[").partition("], type_ignores")[0] in english[1]


# --- search ---


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("E056", ["E056"]),
        ("e056", ["E056"]),
        ("reddi", ["E040"]),
        ("PLUS momentum", ["E056"]),
        ("momentum plus", ["E056"]),
        ("nowhere-to-be-found", []),
    ],
)
def test_search_finds_all_words_in_any_order(words, found):
    assert [entry.id for entry in lookup.search(words)] == found


def test_search_looks_at_every_field_that_is_shown():
    entry = lookup.search("E064")[0]
    for words in (entry.where, entry.printed, entry.right, entry.source, chapters.find(entry.chapter).title):
        assert entry in lookup.search(words), words
    assert lookup.search("  ") == list(errata.entries())


def test_search_by_severity():
    assert [entry.id for entry in lookup.search(severity="outdated")] == [
        *("E072", "E078", "E087", "E117", "E118", "E133", "E148")
    ]
    assert lookup.search("python", "outdated") == [e for e in lookup.search("python") if e.id == "E072"]


def test_the_table_has_a_row_for_each_entry_that_leads_to_its_cell():
    head, rule, *rows = lookup.errata_table(errata.entries()).splitlines()
    assert rule.strip("|:-") == ""
    assert {row.count("|") for row in (head, rule, *rows)} == {6}
    for row, entry in zip(rows, errata.entries(), strict=True):
        assert row.startswith(f"| **{entry.id}** {entry.severity} |")
        page = f"{chapters.find(entry.chapter).stem}.ipynb"
        link = f"| [{entry.chapter}]({page}#cell-id={entry.cell}) |"
        assert row.endswith(link if entry.cell else f"| ([{entry.chapter}]({page})) |")


def test_the_coverage_table_has_a_row_for_each_part():
    _, rule, *rows = lookup.coverage_table().splitlines()
    assert {row.count("|") for row in (rule, *rows)} == {4}
    for row, part in zip(rows, coverage.parts(), strict=True):
        page = f"{chapters.find(part.chapter).stem}.ipynb#cell-id={part.cell}"
        link = f"[{part.chapter} · {part.section}]({page})"
        assert row == f"| {part.id} | {part.article} | {link} |"


def test_find_wants_a_chapter_of_the_table():
    assert chapters.find("05").stem == "05_optimizers"
    with pytest.raises(ValueError, match=r"number must be one of 00, .*, got '5'"):
        chapters.find("5")


# --- the search box ---


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture
def page(cells):
    """The cell of the search box, run with a stand-in for the page: its names, and what was shown."""
    shown = []

    class Place:
        def update(self, thing):
            shown[-1] = thing.data

    def display(thing, display_id=False):
        shown.append(getattr(thing, "data", thing))
        return Place() if display_id else None

    names = {"display": display}
    exec(cells["setup"].replace("import Markdown, display", "import Markdown"), names)
    exec(cells["search-box"], names)
    return names, shown


def test_the_search_box_shows_what_search_finds(page):
    names, shown = page
    box, kind = names["box"], names["kind"]
    assert isinstance(shown[0], ipywidgets.HBox)
    for words, severity in (
        ("momentum", ""),
        ("", ""),
        ("", "wrong"),
        ("adam", "misleading"),
        ("zzz", "style"),
    ):
        box.value, kind.value = words, severity
        found = lookup.search(words, severity)
        assert shown[1:] == [f"{len(found)} of 150\n\n{lookup.errata_table(found)}"]
    assert {value for _, value in kind.options} == {"", "wrong", "misleading", "outdated", "style"}
