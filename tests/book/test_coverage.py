"""Every part of the article is treated in this book, at the place that the table names."""

import re
from pathlib import Path

import pytest

from losslab.article import coverage, misprints
from losslab.book import chapters

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT.parent / "shared" / "article" / "errata.md"
PARTS = {part.id: part for part in coverage.parts()}


def ids(name, *numbers):
    return {f"{name}{n}" for n in numbers}


EXPECTED = set().union(
    ids("P", *range(1, 5)),
    ids("C2.", *range(1, 7)),
    ids("D", *range(1, 14)),
    ids("S1.", *range(1, 7)),
    ids("O", *range(1, 5)),
    ids("I", *range(1, 4)),
    ids("F", *range(1, 17)),
    ids("X", *range(1, 6)),
    ids("L", *range(8)),
    ids("3.§", 1, 2, 3),
    ids("4.§", 1, 2, 3, 4),
    ids("5.", "1", "1-1", "1-2", "1-3", "2", "2-1", "2-2", "2-3", "2-4"),
    ids("5.", "3", "3-1", "3-2", "3-3", "3-4", "3-5", "4"),
    ids("A", *range(1, 5)),
    ids("R", *range(1, 12)),
    ids("T", *range(1, 6)),
    ids("Q", *range(1, 6)),
    ids("7.", 1, 2, 3),
    ids("8.§", 1, 2),
    ids("10.§", 1, 2, 3, 4),
)


def test_every_part_has_one_row():
    assert len(coverage.parts()) == len(PARTS)
    assert set(PARTS) == EXPECTED


def test_parts_come_in_the_articles_order():
    for half in (0, 1):
        firsts = [part.lines[half] for part in coverage.parts()]
        assert firsts == sorted(firsts)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_treated_where_the_table_says(name, sections):
    part = PARTS[name]
    found = sections(chapters.find(part.chapter).stem)
    assert part.section in found
    there = [text for cell, text in found[part.section] if cell.id == part.cell]
    assert there, f"{part.cell} is not under that heading"
    assert part.sign in there[0]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_stands_at_its_line_of_the_article(name, article):
    part = PARTS[name]
    for line in (article[n - 1] for n in part.lines):
        if name.startswith(("P", "O4", "L", "C2.6", "R", "T")):
            assert line
            assert not line.startswith(("#", r"\["))
        elif name.startswith("F"):
            assert line.startswith(r"\[")
        elif name.startswith("D"):
            assert line == "graph TD"
        else:
            assert line.startswith("####")
    if line.startswith("####"):
        assert re.sub(r"^ch\. \d+( §\S+|,) ", "", part.article) in line


def test_the_ids_are_those_of_the_outline(article):
    """Of every name in the outline, F8–F12 written out."""
    outline = (
        LIST.read_text(encoding="utf-8").partition("## Chapter 1")[2].partition("## Coverage checklist")[0]
    )
    spans = re.findall(r"\b([A-Z])(\d+)–\1(\d+)\b", outline)
    found = {f"{kind}{n}" for kind, a, b in spans for n in range(int(a), int(b) + 1)}
    found |= set(re.findall(r"\b([PCDSOIFXLAQRT]\d+(?:\.\d)?)\b", outline))
    found |= set(re.findall(r"^\| (5\.\d(?:-\d)?) \|", outline, re.M)) | set(re.findall(r"3\.§\d", outline))
    found |= {f"4.{section}" for section in re.findall(r"^\| (§\d) \|", outline, re.M)}
    found |= set(re.findall(r"^- \*\*(7\.\d)", outline, re.M))
    for chapter in ("8", "10"):
        text = outline.partition(f"## Chapter {chapter}")[2].partition("## ")[0]
        found |= {f"{chapter}.§{n}" for n in re.findall(r"^- \*\*(\d)\. ", text, re.M)}
    assert found == EXPECTED


DIAGRAMS = [part for part in coverage.parts() if part.chain]


@pytest.mark.parametrize("part", DIAGRAMS, ids=lambda part: part.id)
def test_a_diagram_is_printed_as_a_chain(part, article):
    """Letters A, B, C …, each joined to the next; in Chinese D1 has other labels."""
    nodes = [f"{letter}[{label}]" for letter, label in zip("ABCDEF", part.chain, strict=False)]
    arrows = [f"{a if a[0] == 'A' else a[0]} --> {b}" for a, b in zip(nodes, nodes[1:], strict=False)]
    for line in part.lines[1:] if part.id == "D1" else part.lines:
        assert article[line : line + len(arrows) + 1] == [*arrows, "```"]


def test_there_are_thirteen_diagrams(article):
    assert [part.id for part in DIAGRAMS] == [f"D{n}" for n in range(1, 14)]
    assert article.count("graph TD") == 26


def test_the_concept_map_of_the_errata_is_d1():
    assert list(misprints.CONCEPT_MAP_AS_PRINTED) == DIAGRAMS[0].chain
