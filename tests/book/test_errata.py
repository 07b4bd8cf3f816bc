"""The list of the article's mistakes: complete, quoted from its place, shown by a cell, proved by a test."""

import ast
import inspect
import re
from pathlib import Path

import nbformat
import pytest

from losslab.article import errata, listings, misprints
from losslab.book import chapters

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT.parent / "shared" / "article" / "errata.md"
ENTRIES = {entry.id: entry for entry in errata.entries()}
SEVERITIES = {
    "wrong": "003 013 018 019 021 022 023 024 027 031 032 033 034 035 040 042 043 044 045 050 051 052 053 054"
    " 056 057 059 060 061 064 065 066 067 074 076 080 081 091 095 096 097 098 106 109 110 114 116 119 121 122"
    " 137 140 142",
    "misleading": "004 005 008 010 012 014 015 016 017 020 025 026 028 030 036 037 038 039 041 046 047 048"
    " 049 055 058 062 068 069 071 073 075 077 079 083 084 085 086 088 089 092 093 099 100 102 104 105 107 108"
    " 111 120 126 127 128 129 131 134 135 138 139 141 143 144 145 146",
    "outdated": "072 078 087 117 118 133 148",
    "style": "001 002 006 007 009 011 029 063 070 082 090 094 101 103 112 113"
    " 115 123 124 125 130 132 136 147 149 150",
}
SAID = re.compile(r"\*\*The article says\*\*(.*?)> \*\*What happens", re.S)
OWN_WORDS = {  # in double quotes in a box, and no quotation of the English half
    "validation set",  # what does not occur
    "scales the data to a fixed range",  # translated from the Chinese half
    "the product between inputs and weights",  # likewise
    "$\\cdot$",  # a sign inside a formula
}
RETOLD = {"E029", "E036", "E079"}  # whose boxes say in other words what stands there


def read(stem):
    return nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4).cells


NOTEBOOKS = {chapter.number: read(chapter.stem) for chapter in chapters.CHAPTERS}


def named(text):
    """The ids in a box's opening words, "(E056; ch. 4 §3.2)"."""
    return {
        e
        for ids in re.findall(r"^> \*\*The article says\*\* \((.*?)[;)]", text, re.M)
        for e in re.findall(r"E\d{3}", ids)
    }


def boxes(number):
    """The boxes of a chapter as (cell, ids)."""
    return [(cell, named(cell.source)) for cell in NOTEBOOKS[number] if named(cell.source)]


# --- the list ---


def test_ids_are_complete_and_in_order():
    assert [entry.id for entry in errata.entries()] == [f"E{n:03}" for n in range(1, 151)]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_severities(severity):
    found = [entry.id for entry in errata.entries() if entry.severity == severity]
    assert found == [f"E{n}" for n in SEVERITIES[severity].split()]


def test_every_entry_has_one_severity():
    assert sorted(" ".join(SEVERITIES.values()).split()) == [f"{n:03}" for n in range(1, 151)]


def test_the_list_is_the_one_that_was_compiled_while_reading(article):
    compiled = re.findall(r"^\*\*(E\d{3}) · (\w+)", LIST.read_text(encoding="utf-8"), re.M)
    assert compiled == [(entry.id, entry.severity) for entry in errata.entries()]


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_are_whole(name):
    entry = ENTRIES[name]
    assert all((entry.where, entry.printed, entry.right, entry.source))
    assert not re.search(r"[|\n]", "".join((entry.where, entry.printed, entry.right))), "breaks the table"
    assert "".join((entry.printed, entry.right)).count("$") % 2 == 0
    assert bool(entry.cell) != bool(entry.why), "either a cell that shows it, or why there is none"
    assert entry.languages in (["zh"], ["en"], ["zh", "en"])
    for language in entry.languages:
        assert getattr(entry, language) or entry.absent, f"quote a place in {language}"


# --- in the article ---


@pytest.mark.parametrize("name", ENTRIES)
def test_the_printed_form_is_at_its_line(name, article):
    entry = ENTRIES[name]
    for line, words in (*entry.zh, *entry.en):
        assert words in article[line - 1], f"line {line} is {article[line - 1]!r}"
    text = "\n".join(article).lower()
    assert [word for word in entry.absent if word.lower() in text] == []


def test_quoted_lines_are_in_the_right_half(article):
    """Each chapter stands there twice, first in Chinese: the headings of level 3 alternate."""
    starts = [i for i, line in enumerate(article, start=1) if line.startswith("### ")]

    def half(line):
        return "zh" if sum(start <= line for start in starts) % 2 else "en"

    for entry in errata.entries():
        assert {half(line) for line, _ in entry.zh} <= {"zh"}, entry.id
        assert {half(line) for line, _ in entry.en} <= {"en"}, entry.id


# --- in the chapters ---


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_boxes_name_known_mistakes(number):
    assert {name for _, ids in boxes(number) for name in ids} <= set(ENTRIES)


@pytest.mark.parametrize("name", [e.id for e in errata.entries() if e.cell])
def test_who_claims_a_demonstration_has_one(name, sections):
    """A code cell, in a section that names the mistake."""
    entry = ENTRIES[name]
    found = sections(chapters.find(entry.chapter).stem).values()
    (section,) = (s for s in found if any(c.id == entry.cell and c.cell_type == "code" for c, _ in s))
    assert any(name in text for _, text in section), f"#{entry.cell} stands where {name} is not mentioned"


@pytest.mark.parametrize("name", [e.id for e in errata.entries() if not e.cell])
def test_who_has_no_demonstration_is_at_least_named(name):
    cells = NOTEBOOKS[ENTRIES[name].chapter]
    assert any(name in cell.source or name in str(cell.get("outputs", "")) for cell in cells)


def boxed(words):
    """The article's words as a box has them: $…$ for \\( … \\), and a → b for a diagram's A[a] --> B[b]."""
    words = re.sub(r"\w(?:\[(.*?)\])? --> \w\[(.*?)\]", r"\1 → \2", words).strip()
    return re.sub(r"\\\( | \\\)", "$", words)


@pytest.mark.parametrize("name", [e.id for e in errata.entries() if e.en])
def test_the_box_quotes_the_article(name):
    entry = ENTRIES[name]
    mine = [cell.source for cell, ids in boxes(entry.chapter) if name in ids]
    text = [" ".join(re.sub(r"\n> ?", " ", source).split()) for source in mine]
    missing = [w for _, w in entry.en if not any(w in box or boxed(w) in box for box in text)]
    assert bool(missing and mine) == (name in RETOLD), missing


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_what_a_box_quotes_stands_in_the_article(number, article):
    """What is between double quotes in "The article says", its "…" left out."""
    text = re.sub(r"\\[([] | \\[)\]]", "$", " ".join(" ".join(article).split()))
    for cell, _ in boxes(number):
        said = " ".join(" ".join(SAID.findall(cell.source)).replace("\n> ", " ").split())
        quotes = [part for quote in re.findall(r'"([^"]+)"', said) for part in quote.split(" …")]
        assert {q for q in quotes if q.strip(".,") not in text} <= OWN_WORDS, cell.id


# --- in the code ---


@pytest.mark.parametrize("name", [e.id for e in errata.entries() if e.as_printed])
def test_the_printed_form_as_code_says_whose_it_is(name):
    module, _, attribute = ENTRIES[name].as_printed.partition(".")
    module = {"misprints": misprints, "listings": listings}[module]
    thing, source = getattr(module, attribute), Path(module.__file__).read_text(encoding="utf-8")
    (line,) = re.findall(rf"^(?:def )?{attribute}\b.*$", source, re.M)
    assert isinstance(thing, str) or name in line + (thing.__doc__ or "")


def test_every_printed_form_as_code_belongs_to_a_mistake():
    for name, thing in vars(misprints).items():
        if inspect.isfunction(thing) and thing.__module__ == misprints.__name__:
            assert re.search(r"\bE\d{3}\b", thing.__doc__), f"{name}: which mistake is that?"


def proved():
    """Ids with a test: a row of a table FACTS (fact, as printed, corrected), or test_e056…."""
    for path in sorted(
        [*(ROOT / "tests").glob("*/test_errata*.py"), *(ROOT / "tests").glob("*/*/test_errata.py")]
    ):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (match := re.match(r"test_(e\d{3})_", node.name)):
                yield match[1].upper()
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FACTS":
                yield from (key.value for key in node.value.keys)


def test_every_demonstrated_mistake_has_a_test_in_which_the_print_fails():
    assert {entry.id for entry in errata.entries() if entry.cell} - set(proved()) == set()
