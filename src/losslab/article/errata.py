"""The list of the article's mistakes, as data: what is printed, what is right, and who says so."""

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple


class Erratum(NamedTuple):
    """One mistake of the article, as written in `errata.toml`."""

    id: str
    severity: str
    languages: list
    where: str
    printed: str
    right: str
    source: str
    chapter: str
    cell: str = ""
    why: str = ""
    as_printed: str = ""
    zh: list = ()
    en: list = ()
    absent: list = ()


@cache
def entries():
    """Return all mistakes of the article, in the order of their ids."""
    text = (resources.files("losslab.article") / "errata.toml").read_text(encoding="utf-8")
    return tuple(Erratum(**entry) for entry in tomllib.loads(text)["erratum"])
