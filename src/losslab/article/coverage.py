"""The parts of the article, and where this book treats each of them."""

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple


class Part(NamedTuple):
    """One part of the article and where this book treats it, as written in `coverage.toml`."""

    id: str
    article: str
    lines: list
    chapter: str
    section: str
    cell: str
    sign: str
    chain: list = ()


@cache
def parts():
    """Return all parts of the article, in the article's order."""
    text = (resources.files("losslab.article") / "coverage.toml").read_text(encoding="utf-8")
    return tuple(Part(**part) for part in tomllib.loads(text)["part"])
