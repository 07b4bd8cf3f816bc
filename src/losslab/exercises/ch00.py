"""Checker of the start page."""

import numbers

from losslab.book.words import Sentence


def check_0_1(answer):
    """Take -4, the slope of (w - 3)² at w = 1."""
    if not isinstance(answer, numbers.Real):
        return Sentence("no_number", type=type(answer).__name__)
    return {-4: None, 4: "sign", -2: "factor"}.get(answer, "off")
