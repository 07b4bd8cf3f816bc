"""`check("5.1", answer)`: says yes, gives a hint, or sees that nothing was answered yet.

The checker of exercise 5.1 is `check_5_1(answer)` in `ch05.py`; it returns
None for a right answer, else a hint.
"""

import functools
import importlib.util
import inspect
import re


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
        What the reader filled in: a value, a function, or a tuple of such. None, `...` and a function that
        returns one of these count as not answered.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    checker = find(number)
    try:
        hint = checker(filled_in(answer))
    except NotAnsweredError:
        return f"Exercise {number}: not answered yet."
    except Exception as error:  # the reader's code, or an answer of another type than was asked for
        hint = f"Trying your answer raised {type(error).__name__}: {error}"
    return (
        f"Exercise {number}: yes, that is right." if hint is None else f"Exercise {number}: not yet. {hint}"
    )


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
    """Return `answer`, its functions made to complain when they give nothing back; raise if it is blank."""
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
