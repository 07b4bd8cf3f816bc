"""Links lead somewhere: relative ones to a file, a cell or a heading, our own addresses to [project.urls]."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]


def markdown(path):
    """All Markdown of a page; of a notebook also what its cells print as Markdown."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    outputs = [o for cell in cells for o in cell.get("outputs", [])]
    shown = [o["data"]["text/markdown"] for o in outputs if "text/markdown" in o.get("data", {})]
    return "\n\n".join([*(cell.source for cell in cells if cell.cell_type == "markdown"), *shown])


def targets(text):
    """Where the links and pictures of a Markdown text lead, code left out."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.M | re.S)
    inline = re.findall(r"\]\(<?([^()\s>]*(?:\([^()\s]*\)[^()\s]*)*)>?(?:\s+\"[^\"]*\")?\)", text)
    html = re.findall(r"\b(?:href|src)=\"([^\"]+)\"", text)
    return [*inline, *html, *re.findall(r"^\[[^\]]+\]:\s+(\S+)", text, re.M)]


def anchors(path):
    """What can follow the # of a link to a page: headings as GitHub and as JupyterLab spell them, cells."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", markdown(path), re.M):
        found.add(heading.strip().replace(" ", "-"))
        found.add(re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-"))
    if path.suffix == ".ipynb":
        found |= {f"cell-id={cell.id}" for cell in nbformat.read(path, as_version=4).cells}
    return found


def broken(path, target):
    """Say what is wrong with one link of a page, or return None."""
    url = urlsplit(target)
    if url.scheme or url.netloc:
        ours = target.startswith((URLS["Source"], "https://mybinder.org/v2/"))
        wrong = url.scheme not in ("https", "mailto") or (
            ours and not target.startswith(tuple(URLS.values()))
        )
        return f"{target}: use https, and for our own pages an address of pyproject.toml" if wrong else None
    if url.path.startswith("/"):
        return f"{target}: write it relative to the page"
    other = (path.parent / unquote(url.path)).resolve() if url.path else path
    if not other.exists() or not other.is_relative_to(ROOT):
        return f"{target}: there is no such file"
    if url.fragment and unquote(url.fragment) not in anchors(other):
        return f"{target}: {other.name} has no such heading or cell"
    return None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    found = [broken(path, target) for target in targets(markdown(path))]
    assert [sentence for sentence in found if sentence] == []


def test_the_links_between_chapters_are_seen():
    """Guards the patterns above: the start page leads to every other chapter."""
    seen = {urlsplit(target).path for target in targets(markdown(ROOT / "notebooks/00_start_here.ipynb"))}
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= seen


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("missing.ipynb", "no such file"),
        ("00_start_here.ipynb#nowhere", "no such heading"),
        ("00_start_here.ipynb#cell-id=nowhere", "no such heading or cell"),
        ("/notebooks/00_start_here.ipynb", "relative"),
        ("http://example.org", "https"),
        ("https://mybinder.org/v2/gh/another/project", "an address of pyproject.toml"),
        ("../../elsewhere.md", "no such file"),
    ],
)
def test_a_broken_link_is_seen(target, words):
    assert words in broken(ROOT / "notebooks" / "05_optimizers.ipynb", target)


@pytest.mark.parametrize(
    "target", ["00_start_here.ipynb#2-·-See-a-loss-fall", "#cell-id=title", "../README.md"]
)
def test_a_good_link_passes(target):
    assert broken(ROOT / "notebooks" / "00_start_here.ipynb", target) is None
