"""What an explorer may be called with: each argument is judged in one sentence."""

import sys
from collections.abc import Iterable
from numbers import Real

import numpy as np


def finite(value):
    """Whether a value is a finite number; True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def positive(name, value):
    """Return a positive number as a float."""
    if not finite(value) or value <= 0:
        raise ValueError(f"{name} must be a positive number, got {value!r}")
    return float(value)


def pair(name, value):
    """Return a pair of finite numbers, a list or an array of two, as a tuple of floats."""
    given = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(given, tuple | list) or len(given) != 2 or not all(map(finite, given)):
        raise ValueError(f"{name} must be two finite numbers, got {value!r}")
    return tuple(map(float, given))


def some(name, value, names):
    """Return those of `names` that are given, one name or several, in their order; all of them for None."""
    given = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if value is not None and not all(isinstance(one, str) and one in names for one in given):
        raise ValueError(f"{name} must be names out of {', '.join(names)}, got {value!r}")
    return [one for one in names if value is None or one in given]


def option(name, value, options):
    """Return the option of a menu that sets `value` under the menu's own name."""
    plain = np.isscalar(value) and not isinstance(value, bool | np.bool_)
    found = [option for option, sets in options.items() if plain and sets[name] == value]
    if not found:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}")
    return found[0]
