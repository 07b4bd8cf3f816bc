"""Checker of the start page."""

import numbers


def check_0_1(answer):
    """Take -4, the slope of (w - 3)² at w = 1."""
    if not isinstance(answer, numbers.Real):
        return f"A number is asked for, this is a {type(answer).__name__}."
    if answer == -4:
        return None
    if answer == 4:
        return "The size is right; at w = 1 the loss falls when w grows, so which sign has the slope?"
    if answer == -2:
        return "That is w - 3. The derivative of a square has a factor in front."
    return "Differentiate (w - 3)² to 2 (w - 3), then put w = 1."
