"""Checker of chapter 91."""

from losslab.book.words import Sentence

RIGHT = {"a": "title", "b": "author", "c": "nothing", "d": "number", "e": "year", "f": "number"}
HINTS = {"a": "invented", "b": "author", "d": "swapped", "e": "early", "f": "digit"}
PARTS = ("title", "author", "year", "number", "nothing")


def check_91_1(answer):
    """Return None if `answer` names, for each of six citations, the part that is wrong."""
    if not isinstance(answer, dict) or set(answer) != set(RIGHT):
        return Sentence("keys")
    for key, part in RIGHT.items():
        got = answer[key]
        if got not in PARTS:
            return Sentence("parts", got=got, key=key)
        if got != part:
            return Sentence("fine", key=key) if key == "c" or got == "nothing" else HINTS[key]
    return None
