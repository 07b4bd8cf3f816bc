"""The sources of the book, each once: who wrote what, where it is found, and who looked it up when.

`sources.json` is CSL-JSON (citationstyles.org), which reference managers read. Of its fields `source` says
where an entry was looked up, `accessed` when. Ours, in `custom`: `standing`, "primary" if it was read at its
own page and "second hand" if in a copy or in somebody else's list; `need`, of software: what it is for.
"""

import json
import re
from functools import cache
from importlib import resources
from urllib.parse import quote

from losslab.article import references
from losslab.book import chapters, words

PATH = {  # chapter: what to read next, the easiest first
    "01": ("olah-2014", "goodfellow-2016", "baydin-2018"),
    "02": ("prechelt-1998", "hastie-2009"),
    "03": ("guo-2017", "gneiting-2007"),
    "04": ("rumelhart-1986", "nielsen-2015"),
    "05": ("goh-2017", "kingma-2015", "reddi-2018"),
    "06": ("lecun-1998b",),
    "07": ("lecun-1998", "brown-2001"),
    "08": ("holtzman-2020", "pope-2023"),
    "09": ("williams-2009", "micikevicius-2018"),
    "10": ("rajbhandari-2020", "hoffmann-2022"),
    "11": ("hastie-2009", "elkan-2001"),
    "12": ("ribeiro-2016", "adebayo-2018"),
    "17": ("luccioni-2023", "hu-2022"),
}


@cache
def entries():
    """Return all sources as {id: entry}, in the order of their ids."""
    text = (resources.files("losslab.book") / "sources.json").read_text(encoding="utf-8")
    return {entry["id"]: entry for entry in json.loads(text)}


# --- one entry in words ---


def authors(entry, most=5):
    """Return who wrote it, "D. P. Kingma, J. Ba"; of more than `most` only the first."""
    names = [
        one.get("literal") or f"{one.get('given', '')} {one['family']}" for one in entry.get("author", ())
    ]
    if len(names) > most or "others" in names:
        return f"{names[0]} and others"
    return ", ".join(names)


def families(entry):
    """Return the family names of its authors, and the names of organisations."""
    return [one.get("family") or one["literal"] for one in entry.get("author", ())]


def year(entry):
    """Return the year in which it was published."""
    return entry["issued"]["date-parts"][0][0]


def place(entry):
    """Return where it appeared: "Nature 323, 533–536, 1986"."""
    said = entry.get("container-title", "")
    said += f" {entry['volume']}" if "volume" in entry else ""
    said += f" ({entry['issue']})" if "issue" in entry else ""
    edition = f"{entry['edition']} edition" if "edition" in entry else ""
    pages = entry.get("page", "").replace("-", "–")
    return ", ".join(filter(None, (edition, said, pages, entry.get("publisher"), str(year(entry)))))


def found(entry):
    """Return where it is found: a link by its number at arXiv, else its DOI, else its ISBN or address."""
    if "archive_location" in entry:
        number = entry["archive_location"]
        return f"[arXiv:{number}](https://arxiv.org/abs/{number})"
    if "DOI" in entry:
        return f"[doi:{entry['DOI']}](https://doi.org/{quote(entry['DOI'])})"
    if "ISBN" in entry:
        return f"ISBN {entry['ISBN']}"
    address = entry.get("URL", "")
    return address and f"[{address.split('/')[2].removeprefix('www.')}]({address})"


def line(name):
    """Return a source as it stands in a list of references, in Markdown."""
    entry = entries()[name]
    before = f"{authors(entry)}: " if "author" in entry else ""
    end = "" if entry["title"].endswith("?") else "."
    return f"{before}*{entry['title']}*{end} {place(entry)}. {found(entry)}".rstrip(". ") + "."


def label(entry):
    """Return how prose cites it: "Kingma & Ba 2015"."""
    names = families(entry)
    if len(names) > 3 or "others" in names:
        return f"{names[0]} et al. {year(entry)}"
    return f"{' & '.join(', '.join(names).rsplit(', ', 1))} {year(entry)}"


# --- does a number hold? ---


def holds(isbn):
    """
    Return whether the last digit of an ISBN is what the others demand.

    Of thirteen digits, weighted 1, 3, 1, 3, …, the sum is a multiple of 10; of ten, weighted 10, 9, …, 1, a
    multiple of 11, where an X at the end stands for 10.
    """
    digits = isbn.replace("-", "").replace(" ", "").upper()
    if re.fullmatch(r"97[89]\d{10}", digits):
        return sum(int(digit) * (1, 3)[i % 2] for i, digit in enumerate(digits)) % 10 == 0
    if re.fullmatch(r"\d{9}[\dX]", digits):
        return sum((10 if d == "X" else int(d)) * (10 - i) for i, d in enumerate(digits)) % 11 == 0
    return False


def arrived(number):
    """Return year and month in which an arXiv number such as "1412.6980" was given; None if it is none."""
    match = re.fullmatch(r"(\d\d)(0[1-9]|1[0-2])\.(\d{4,5})", number)
    if not match or (len(match[3]) == 5) != (number >= "1501"):
        return None
    return 2000 + int(match[1]), int(match[2])


# --- look up ---


def search(wanted=""):
    """Return the entries, software apart, in whose line all words occur, in any order and ignoring case."""
    parts = wanted.lower().split()
    return [
        entry
        for name, entry in entries().items()
        if entry["type"] != "software" and all(part in line(name).lower() for part in parts)
    ]


def plain(title):
    """Return a title in small letters and without marks, for comparing."""
    return " ".join(re.findall(r"\w+", title.lower()))


def titled(title):
    """Return the entries with that title, whatever its capitals."""
    return [entry for entry in entries().values() if plain(entry["title"]) == plain(title)]


def differences(reference):
    """
    Return in what a reference of the article differs from the source that it means.

    Parameters
    ----------
    reference : references.Reference

    Returns
    -------
    list of str
        Of "title" and "author"; ["source"] if no such source was found.
    """
    if not reference.source:
        return ["source"]
    entry = entries()[reference.source]
    wrong = [] if entry in [e for title in reference.titles for e in titled(title)] else ["title"]
    known = {*families(entry), *reference.also}
    return wrong + ([] if set(reference.authors) <= known else ["author"])


# --- tables ---


def list_of(some):
    """Return entries as a Markdown list, with what each was looked up in."""
    said = words.of("sources")
    return "\n".join(f"- {line(e['id'])} ({said[e['custom']['standing']]}: {e['source']})" for e in some)


def printed_table():
    """Return the article's references, each beside the source that it means, as a Markdown table."""
    said = words.of("sources")
    rows = [said["printed"], "|:--|:--|:--|:--|:--|"]
    for one in references.printed():
        right = line(one.source) if one.source else said["not_found"]
        wrong = ", ".join(said[f"differs.{key}"] for key in differences(one)) or said["differs.nothing"]
        rows.append(f"| {one.id} | {one.quote} | {right} | {wrong} | {', '.join(one.errata)} |")
    return "\n".join(rows)


def path_table():
    """Return what to read after each chapter, as a Markdown table with links to the chapters."""
    said = words.of("sources")
    rows = [said["path"], "|:--|:--|:--|"]
    for chapter in chapters.CHAPTERS:
        link = f"[{chapter.number} · {chapter.title}]({chapter.stem}.ipynb)"
        for name in PATH.get(chapter.number, ()):
            entry = entries()[name]
            rows.append(f"| {link} | {label(entry)}, *{entry['title']}* | {said[f'why.{name}']} |")
            link = ""
    return "\n".join(rows)


def tools_table():
    """Return the software by what it is needed for, with the newest version listed, as a Markdown table."""
    said = words.of("sources")
    rows = [said["tools"], "|:--|:--|"]
    for need in (key for key in said if key.startswith("need.")):
        some = [e for e in entries().values() if e["custom"].get("need") == need.removeprefix("need.")]
        names = [f"[{e['title']}]({e['URL']}) {e['version']}" for e in some]
        rows.append(f"| {said[need]} | {', '.join(names)} |")
    return "\n".join(rows)
