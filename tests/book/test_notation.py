"""The table of symbols: one meaning each, one cell that defines it, and every printed copy the same."""

import re

import lessons
import nbformat
import pytest
from lessons import LATER

from losslab.book import chapters, notation, words
from losslab.book.notation import SYMBOLS

NOTEBOOKS = {chapter.number: lessons.read(chapter.stem) for chapter in chapters.CHAPTERS}
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.S)
OLD = {  # what a symbol of the table was called before, as a pattern -> what it is now
    r"\\partial L\b|\bL\(w|\\nabla L\b|\\text\{L\}": r"\mathcal{L}",
    r"\\sigma\((?!\\cdot)|\\sigma'": r"\varphi, or sigmoid by name",
    r"\b6ND\b|\b6\\,?N\\,?D\b|\b6 N D\b": "6PD",
}


def test_every_symbol_has_one_meaning_and_every_meaning_one_symbol():
    assert len({symbol.tex for symbol in SYMBOLS}) == len({symbol.key for symbol in SYMBOLS}) == len(SYMBOLS)
    assert {symbol.key for symbol in SYMBOLS} == set(words.read("en")["notation"]) - {"head", "title"}


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda symbol: symbol.key)
def test_the_cell_that_defines_a_symbol_has_it_in_a_formula(symbol):
    (cell,) = [cell for cell in NOTEBOOKS[symbol.chapter].cells if cell.id == symbol.cell]
    plain = re.escape(symbol.tex) + r"(?![A-Za-z])"
    before = "" if symbol.tex.startswith("\\") else r"(?<![A-Za-z\\])"
    assert re.search(before + plain, " ".join(FORMULA.findall(cell.source))), cell.source[:300]


def tables(nb):
    """Every printed table of symbols."""
    head = words.read("en")["notation"]["head"]
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/markdown", "")
            if head in text:
                yield "\n".join(line for line in text.splitlines() if line.startswith("|"))


def test_both_tables_of_the_book_say_the_same():
    printed = {number: list(tables(nb)) for number, nb in NOTEBOOKS.items()}
    assert {number: found for number, found in printed.items() if found} == {
        "00": [notation.table()],
        "90": [notation.table()],
    }


@pytest.mark.parametrize("number", [number for number in NOTEBOOKS if number not in LATER])
def test_no_symbol_is_called_as_it_was(number):
    for cell in NOTEBOOKS[number].cells:
        if cell.cell_type == "markdown":
            ours = "\n".join(line for line in cell.source.splitlines() if "The article says" not in line)
            for formula in FORMULA.findall(ours):
                for old, new in OLD.items():
                    assert not re.search(old, formula), f"{cell.id}: {formula} has {new} in this book"


def test_a_table_is_a_table_in_markdown():
    head, rule, *rows = notation.table().splitlines()
    assert head.count("|") == rule.count("|") == 4
    assert len(rows) == len(SYMBOLS)
    assert nbformat.v4.new_output("display_data", {"text/markdown": notation.unfolding().data})
    assert notation.unfolding().data.startswith("<details><summary>Symbols of this book</summary>")
