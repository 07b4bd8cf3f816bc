"""Whose data and whose models the book uses, and on what terms: a line for a chapter, and a table of all."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from IPython.display import Markdown

from losslab.book import words


class Source(NamedTuple):
    """A data set or a model that others have made, as written in `licences.toml`."""

    name: str
    by: str
    licence: str
    link: str
    comes: str
    calls: str


@cache
def sources():
    """Return them all (dict of key -> Source)."""
    text = (resources.files("losslab.book") / "licences.toml").read_text(encoding="utf-8")
    return {key: Source(**entry) for key, entry in tomllib.loads(text).items()}


def used(code):
    """Return the keys of what a piece of code uses (list of str)."""
    return [key for key, source in sources().items() if re.search(source.calls, code)]


def line(*keys):
    """
    Return a paragraph for each data set or model: what it is, whose it is, on what terms.

    Parameters
    ----------
    *keys : str
        Such as "mnist" or "minilm".

    Returns
    -------
    IPython.display.Markdown
    """
    if unknown := [key for key in keys if key not in sources()]:
        raise ValueError(f"keys must be among {', '.join(sources())}, got {', '.join(map(repr, unknown))}")
    return Markdown("\n\n".join(words.say("licences", "line", **said(key)) for key in keys))


def table(where):
    """Return all of them as a Markdown table.

    Parameters
    ----------
    where : dict of str -> str
        The chapters that use each, as Markdown.
    """
    rows = [words.of("licences")["head"], "|:--|:--|:--|:--|:--|"]
    rows += [words.say("licences", "row", where=where.get(key, ""), **said(key)) for key in sources()]
    return "\n".join(rows)


def said(key):
    """Return what is said about a source, as {field: text}."""
    source, text = sources()[key], words.of("licences")
    comes = text["here"] if source.comes == "here" else f"`{source.comes}`"
    return source._asdict() | {"what": text[f"what.{key}"], "comes": comes}
