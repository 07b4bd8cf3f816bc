"""The bibliography: each source once, by a number of the right form, cited somewhere; and nothing else is."""

import ast
import calendar
import io
import re
import tokenize
from pathlib import Path

import pytest
import sources as tool

from losslab.article import coverage, errata, references
from losslab.book import chapters, sources, words

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = sources.entries()
TYPES = {
    "article",
    "article-journal",
    "book",
    "chapter",
    "dataset",
    "legislation",
    "paper-conference",
    "report",
}
TYPES |= {"software", "thesis", "webpage"}
FIELDS = [
    "id",
    "type",
    "title",
    "author",
    "issued",
    "container-title",
    "volume",
    "issue",
    "page",
    "publisher",
]
FIELDS += ["edition", "number", "version", "DOI", "ISBN", "URL", "archive", "archive_location", "accessed"]
FIELDS += ["source", "custom"]
NOTEBOOKS = {chapter.number: tool.read(chapter) for chapter in chapters.CHAPTERS}
NO_NAMES = {*calendar.month_name, "ILSVRC", "In", "Since"}  # before a year, and no authors


def prose(nb):
    return "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def split(nb):
    """A chapter's prose, and the items of its list of references."""
    text = prose(nb)
    heading = tool.HEADING.search(text)
    return (text[: heading.start()], tool.listed(text)) if heading else (text, [])


# --- the entries ---


def test_the_entries_stand_in_the_order_of_their_ids_each_once():
    assert list(ENTRIES) == sorted(ENTRIES)
    text = (ROOT / "src/losslab/book/sources.json").read_text(encoding="utf-8")
    assert text.count('\n  "id": ') == len(ENTRIES), "an id stands there twice"
    assert text == tool.text(ENTRIES.values()), "run: python tools/sources.py"


def test_no_title_and_no_number_stands_twice():
    for of in (lambda e: sources.plain(e["title"]), sources.found):
        values = [of(entry) for entry in ENTRIES.values() if of(entry)]
        twice = {value for value in values if values.count(value) > 1}
        assert twice <= {"neural networks and deep learning"}


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_whole(name):
    entry = ENTRIES[name]
    assert set(entry) <= set(FIELDS)
    assert entry["type"] in TYPES
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    if entry["type"] != "software":
        assert entry["author"]
        assert re.search(rf"-{sources.year(entry)}[b-z]?$", name)
    assert 1900 < sources.year(entry) <= 2026
    assert entry["source"]
    assert entry["accessed"]["date-parts"][0] >= [2026, 11, 1]
    assert entry["custom"]["standing"] in ("primary", "second hand")
    assert "--" not in entry.get("page", "")


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_can_be_found_by_what_has_the_right_form(name):
    entry = ENTRIES[name]
    printed = "container-title" in entry and ("volume" in entry or "page" in entry)
    assert {"archive_location", "DOI", "ISBN", "URL"} & set(entry) or printed
    if "archive_location" in entry:
        assert entry["archive"] == "arXiv"
        assert sources.arrived(entry["archive_location"])
        assert sources.arrived(entry["archive_location"])[0] <= sources.year(entry) + (
            entry["type"] != "article"
        )
    if "DOI" in entry:
        assert re.fullmatch(r"10\.\d{4,9}/\S+", entry["DOI"])
    if "ISBN" in entry:
        assert sources.holds(entry["ISBN"])
    if "URL" in entry:
        assert re.fullmatch(r"https://[^\s/]+(/\S*[^/\s])?", entry["URL"])


@pytest.mark.parametrize(
    "isbn", ["978-0-262-03561-3", "0-262-03561-8", "0201485419", "080442957X", "9787111649687"]
)
def test_isbns_hold(isbn):
    assert sources.holds(isbn)


def test_every_single_wrong_digit_of_an_isbn_is_noticed():
    right = "9780262035613"
    wrong = {right[:i] + digit + right[i + 1 :] for i in range(13) for digit in "0123456789"} - {right}
    assert len(wrong) == 13 * 9
    assert not any(map(sources.holds, wrong))
    assert not any(map(sources.holds, ["", "978026203561", "97802620356133", "02620356X8", "ISBN"]))


@pytest.mark.parametrize(
    ("number", "when"),
    [
        ("1412.6980", (2014, 12)),
        ("1501.00001", (2015, 1)),
        ("0704.0001", (2007, 4)),
        ("2512.10685", (2025, 12)),
    ],
)
def test_an_arxiv_number_says_when(number, when):
    assert sources.arrived(number) == when


@pytest.mark.parametrize(
    "number", ["2013.04567", "1412.06980", "1501.0001", "1400.1234", "14126980", "cs/0112017"]
)
def test_other_numbers_are_none_of_arxiv(number):
    assert sources.arrived(number) is None


def test_a_line_in_full():
    """By hand, so that the form cannot drift unseen."""
    assert sources.line("kingma-2015") == (
        "D. P. Kingma, J. Ba: *Adam: a method for stochastic optimization*. ICLR, 2015. "
        "[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)."
    )
    assert sources.line("huber-1964") == (
        "P. J. Huber: *Robust estimation of a location parameter*. The Annals of Mathematical Statistics "
        "35 (1), 73–101, 1964. [doi:10.1214/aoms/1177703732](https://doi.org/10.1214/aoms/1177703732)."
    )
    assert sources.line("hastie-2009") == (
        "T. Hastie, R. Tibshirani, J. Friedman: *The elements of statistical learning*. 2nd edition, "
        "Springer, 2009. ISBN 9780387848570."
    )
    assert sources.line("prechelt-1998").startswith(
        "L. Prechelt: *Early stopping – but when?* Neural networks"
    )


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("polyak-1964", "Polyak 1964"),
        ("kingma-2015", "Kingma & Ba 2015"),
        ("reddi-2018", "Reddi, Kale & Kumar 2018"),
        ("he-2015", "He et al. 2015"),
        ("nguyen-2025", "Nguyen et al. 2025"),
    ],
)
def test_how_prose_cites(name, label):
    assert sources.label(ENTRIES[name]) == label


# --- in the chapters ---


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_the_lists_of_references_are_made_from_the_sources(number):
    for cell in NOTEBOOKS[number].cells:
        if cell.id == tool.EVERYTHING:
            assert cell.source == tool.everything(), "run: python tools/sources.py"
        elif cell.cell_type == "markdown":
            assert cell.source == tool.renewed(cell.source), "run: python tools/sources.py"


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_what_is_cited_is_listed_and_what_is_listed_is_cited(number):
    """The list is numbered and cited as [1]; or it is not, and is cited by name and year, or by name."""
    body, items = split(NOTEBOOKS[number])
    names = [tool.named(item) for item in items]
    assert len(names) == len(set(names))
    numbered = re.search(r"^1\. ", prose(NOTEBOOKS[number])[len(body) :], re.M)
    cited = {int(n) for n in re.findall(r"(?<![\w`$)\]])\[(\d+)\](?!\()", body)}
    assert cited == (set(range(1, len(names) + 1)) if numbered else set())
    for said, year in tool.CITED.findall(body):
        if said not in NO_NAMES:
            found = tool.meant(said, year)
            assert found, f"no source: {said} {year}"
            assert set(found) & set(names) or number == "91", f"not in the list: {said} {year}"
    if not numbered:
        for name in names:
            assert sources.families(ENTRIES[name])[0].split()[0] in body, f"nobody cites {name}"


# --- in the code, and in the list of mistakes ---


def remarks(path):
    """The docstrings and comments of a module."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and (
            text := ast.get_docstring(node)
        ):
            yield text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def uncited(text):
    found = [(said, year) for said, year in tool.CITED.findall(text) if not tool.meant(said, year)]
    return [one for one in found if one[0] not in NO_NAMES]


@pytest.mark.parametrize("folder", ["src", "benchmarks", "tools"])
def test_what_the_code_cites_is_a_source(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for text in remarks(path):
            assert uncited(text) == [], path.name


def test_what_the_list_of_mistakes_cites_is_a_source():
    assert {e.id: uncited(e.source) for e in errata.entries() if uncited(e.source)} == {}


def test_no_number_is_anywhere_but_in_the_sources():
    known = {entry.get("archive_location") for entry in ENTRIES.values()}
    texts = {number: split(nb)[0] for number, nb in NOTEBOOKS.items() if number != "91"}
    texts |= {entry.id: f"{entry.right} {entry.source}" for entry in errata.entries()}
    texts |= {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")}
    del texts["sources.py"]
    found = {
        where: set(re.findall(r"\barXiv:(\d{4}\.\d{4,5})", text)) - known for where, text in texts.items()
    }
    assert {where: numbers for where, numbers in found.items() if numbers} == {}


def test_every_source_is_cited_somewhere():
    somewhere = {*tool.cited_in(), *tool.elsewhere(), *(one.source for one in references.entries())}
    somewhere |= {name for names in sources.PATH.values() for name in names}
    somewhere |= {name for name, entry in ENTRIES.items() if entry["type"] == "software"}
    assert set(ENTRIES) - somewhere == set()


# --- tables ---


def test_everybody_is_told_what_to_read_next():
    apart = {"00", "90", "91"}  # the start page and the lists
    assert {chapter.number for chapter in chapters.CHAPTERS} - apart <= set(sources.PATH)
    said = words.read("en")["sources"]
    known = {name for names in sources.PATH.values() for name in names}
    assert {key.removeprefix("why.") for key in said if key.startswith("why.")} == known


def test_every_tool_has_a_need_and_every_need_a_tool():
    said = words.read("en")["sources"]
    needs = {entry["custom"].get("need") for entry in ENTRIES.values() if entry["type"] == "software"}
    assert needs == {key.removeprefix("need.") for key in said if key.startswith("need.")}


def test_tables_are_tables_in_markdown():
    for table, columns in (
        (sources.printed_table(), 5),
        (sources.path_table(), 3),
        (sources.tools_table(), 2),
    ):
        assert {row.count("|") for row in table.splitlines()} == {columns + 1}


def test_search_finds_all_words_in_any_order():
    assert [e["id"] for e in sources.search("ADAM kingma")] == ["kingma-2015"]
    assert sources.search("nowhere-to-be-found") == []
    assert {e["type"] for e in sources.search()} <= TYPES - {"software"}


# --- the article's ---

PARTS = {part.id: part for part in coverage.parts()}


def test_every_reference_and_tool_of_the_article_has_a_row():
    assert [one.id for one in references.entries()] == [
        *(f"R{n}" for n in range(1, 12)),
        *(f"T{n}" for n in range(1, 6)),
    ]
    known = {entry.id for entry in errata.entries()}
    for one in references.entries():
        assert set(one.errata) <= known
        assert not one.source or one.source in ENTRIES


@pytest.mark.parametrize("one", references.entries(), ids=lambda one: one.id)
def test_a_reference_is_quoted_from_its_line(one, article):
    chinese, english = (" ".join(article[n - 1 : n + 2]).replace("*", "") for n in PARTS[one.id].lines)
    assert " ".join(one.quote.split()) in " ".join(english.split()).replace("PyTorch: Dev", "Dev")
    for title in one.titles:
        assert title in english or title in chinese


def test_in_what_the_articles_references_differ():
    found = {one.id: sources.differences(one) for one in references.printed() if sources.differences(one)}
    assert found == {
        "R2": ["title"],
        "R6": ["title"],
        "R8": ["author"],
        "R9": ["title"],
        "R10": ["source"],
        "R11": ["source"],
    }
