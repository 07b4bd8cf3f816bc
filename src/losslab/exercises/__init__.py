"""Is my answer right? `check("5.1", answer)` says yes, gives a hint, or notices that there is no answer yet.

Imports all folders but `explorers`. The checker of exercise 5.1 is `check_5_1(answer)` in `ch05.py`. For a
right answer it returns None, otherwise what to say: a key of the table ["5.1"] in `book/words`, or a Sentence
with one. The table [exercise] is for all exercises.
"""

import functools
import importlib.util
import inspect
import re

from losslab.book import words


class NotAnsweredError(Exception):
    """The blank is still there."""


def check(number, answer):
    """Print whether `answer` solves the exercise; see `verdict`."""
    print(verdict(number, answer))


def verdict(number, answer):
    """
    Return one sentence on an answer.

    Parameters
    ----------
    number : str
        The exercise, as in its heading: "5.1".
    answer : object
        What the reader filled in: a value, a function, or a tuple of these. None, `...` and a function that
        returns one of these count as not answered.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    checker = find(number)
    text = words.of("exercise") | words.of(number)
    try:
        said = checker(filled_in(answer))
        hint = None if said is None else in_words(said, text)
    except NotAnsweredError:
        return text["not_answered"].format(number=number)
    except Exception as error:  # the reader's code, or an answer of the wrong type
        hint = text["raised"].format(error=type(error).__name__, message=error)
    return text["right" if hint is None else "not_yet"].format(number=number, hint=hint)


def in_words(said, text):
    """Put what a checker returned into the words of `text`; the `hint` of a Sentence is a key, too, or None.

    `Sentence.said` is for our own arrays: of an array from the reader it would say each number separately.
    """
    if isinstance(said, str):
        return text[said]
    key = said.values.get("hint")
    hint = text[key].format(**said.values) if key else ""
    return text[said.key].format(**said.values | {"hint": hint}).rstrip()


def find(number):
    """Return the function `check_5_1` for "5.1"."""
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})", number):
        module = f"{__name__}.ch{int(match[1]):02d}"
        if importlib.util.find_spec(module):
            checker = getattr(importlib.import_module(module), f"check_{match[1]}_{match[2]}", None)
            if checker:
                return checker
    raise ValueError(f"there is no exercise {number!r}; the heading above the cell has its number")


def filled_in(answer):
    """Return `answer`, its functions made to complain when they return nothing; raise if it is blank."""
    if answer is None or answer is ...:
        raise NotAnsweredError
    if isinstance(answer, tuple):
        return tuple(filled_in(part) for part in answer)
    if not inspect.isfunction(answer):
        return answer

    @functools.wraps(answer)
    def watched(*args, **kwargs):
        return filled_in(answer(*args, **kwargs))

    return watched
