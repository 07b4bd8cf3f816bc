"""Writes the lists of references into the notebooks: each chapter's own, and all sources into chapter 91.

In a list, `- @kingma-2015` becomes the line of that source. What a chapter says of a source stands below it,
indented. `--check` writes nothing and fails if something would change.
"""

import argparse
import json
import re
import sys
from functools import cache
from pathlib import Path

import nbformat

import notebooks
from losslab.article import errata, references
from losslab.book import chapters, sources, words

ROOT = Path(__file__).resolve().parents[1]
HEADING = re.compile(r"^(?:\*\*References\*\*|## References)$", re.M)
ITEM = re.compile(r"^(- |\d+\. )(.*)$", re.M)
EVERYTHING, READING = "all-sources", "#cell-id=path"  # the cell of chapter 91 with every source; what to read
YEAR = r"(?:18|19|20)\d\d"
NAME = r"[A-ZÀ-Þ][\w'’-]+"
CITED = re.compile(rf"((?:{NAME}(?:, | & | and ))*{NAME})(?: et al\.| and others)? \(?({YEAR})\b")


def text(entries):
    """Return the file of sources: one field per line, sorted by id."""
    fields = (
        ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry[key], ensure_ascii=False)}" for key in entry)
        for entry in sorted(entries, key=lambda entry: entry["id"])
    )
    return "[\n" + ",\n".join(f"{{\n{field}\n}}" for field in fields) + "\n]\n"


def listed(text):
    """Return the items of the list of references in a Markdown cell, without what is said below them."""
    heading = HEADING.search(text)
    return [item for _, item in ITEM.findall(text[heading.end() :])] if heading else []


@cache
def lines():
    """Return {the line of a source: its id}."""
    return {sources.line(name): name for name in sources.entries()}


def named(item):
    """Return the id of the source that an item of a list means: as `@id`, or by its title."""
    if item in lines():
        return lines()[item]
    if match := re.match(r"@([\w-]+)", item):
        return match[1]
    title = re.search(r"\*(.+?)\*", item)
    begins = sources.plain(title[1]) if title else item
    found = [
        name for name, entry in sources.entries().items() if sources.plain(entry["title"]).startswith(begins)
    ]
    exact = [name for name in found if sources.plain(sources.entries()[name]["title"]) == begins]
    found = exact if len(exact) == 1 else found
    if len(found) != 1:
        raise ValueError(f"not one source, but {len(found)} have this title; write it as @id: {item}")
    return found[0]


def renewed(text):
    """Return a Markdown cell with every item of its list of references as the sources have it."""
    heading = HEADING.search(text)
    if not heading:
        return text
    end = heading.end()
    return text[:end] + ITEM.sub(lambda item: item[1] + sources.line(named(item[2])), text[end:])


def read(chapter):
    """Return a chapter's notebook."""
    return nbformat.read(notebooks.FOLDER / f"{chapter.stem}.ipynb", as_version=4)


def cited_in():
    """Return {id: the numbers of the chapters whose lists have it; of chapter 91, whose text has it}."""
    found = {}
    for chapter in chapters.CHAPTERS:
        for cell in read(chapter).cells:
            if cell.cell_type == "markdown" and cell.id != EVERYTHING:
                names = [named(item) for item in listed(cell.source)]
                if chapter.number == "91":
                    names += [name for said in CITED.findall(cell.source) for name in meant(*said)]
                for name in names:
                    found.setdefault(name, {})[chapter.number] = True
    return found


def meant(names, year):
    """Return the ids of the sources that a citation such as "Kingma & Ba 2015" may mean."""
    said = {
        name: " ".join(sources.families(entry)[:1]).split()
        for name, entry in sources.entries().items()
        if sources.year(entry) == int(year)
    }
    for first in re.split(r", | & | and ", names):
        if found := [name for name, family in said.items() if first in family]:
            return found
    return []


@cache
def elsewhere():
    """Return {id: "code" or "errata"} of what docstrings, comments or the list of mistakes cite."""
    found = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for names, year in CITED.findall(path.read_text(encoding="utf-8")):
            found |= dict.fromkeys(meant(names, year), "code")
    for entry in errata.entries():
        for names, year in CITED.findall(f"{entry.source}; {entry.right}"):
            found |= dict.fromkeys(meant(names, year), "errata")
    return found


def everything():
    """Return the cell with every source and the places that cite it."""
    said, where = words.of("sources"), cited_in()
    links = {c.number: f"[{c.number}]({c.stem}.ipynb)" for c in chapters.CHAPTERS}
    article = {one.source: "article" for one in references.printed()}
    rows = []
    for entry in sources.search():
        name = entry["id"]
        places = [links[number] for number in where.get(name, ())]
        places += [said[key] for key in (elsewhere().get(name), article.get(name)) if key]
        places += [f"[{said['read']}]({READING})"] * any(name in names for names in sources.PATH.values())
        rows.append(f"* {sources.line(name)} ({', '.join(dict.fromkeys(places))})")
    summary = said["everything"].format(count=len(rows))
    return "\n".join([f"<details><summary>{summary}</summary>", "", *rows, "", "</details>"])


def renew(nb):
    """Put the lists of a notebook right, in place."""
    for cell in nb.cells:
        if cell.id == EVERYTHING:
            cell.source = everything()
        elif cell.cell_type == "markdown":
            cell.source = renewed(cell.source)
    return nb


def main():
    """Renew the lists of the notebooks named on the command line, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="default: every notebook")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if something would change")
    options = parser.parse_args()
    stale = []
    file = Path(sources.__file__).with_suffix(".json")
    if text(sources.entries().values()) != file.read_text(encoding="utf-8"):
        stale.append(file.name)
        if not options.check:
            file.write_text(text(sources.entries().values()), encoding="utf-8", newline="\n")
    for path in options.paths or [notebooks.FOLDER / f"{c.stem}.ipynb" for c in chapters.CHAPTERS]:
        before = path.read_text(encoding="utf-8")
        nb = renew(nbformat.read(path, as_version=4))
        if notebooks.stored(nb) != before:
            stale.append(path.name)
            if not options.check:
                path.write_text(notebooks.stored(nb), encoding="utf-8", newline="\n")
    print("\n".join(stale) if stale else "the lists of references are up to date")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
