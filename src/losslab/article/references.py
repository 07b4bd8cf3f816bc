"""The article's references and tools as it prints them, and which source of the book each one means."""

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple


class Reference(NamedTuple):
    """One of the article's references (R) or tools (T), as written in `references.toml`."""

    id: str
    quote: str
    titles: list = ()
    authors: list = ()
    also: list = ()
    source: str = ""
    errata: list = ()


@cache
def entries():
    """Return R1 to R11 and T1 to T5."""
    text = (resources.files("losslab.article") / "references.toml").read_text(encoding="utf-8")
    return tuple(Reference(**entry) for entry in tomllib.loads(text)["reference"])


def printed():
    """Return the references without the tools."""
    return [entry for entry in entries() if entry.id.startswith("R")]


def tools():
    """Return the tools."""
    return [entry for entry in entries() if entry.id.startswith("T")]
