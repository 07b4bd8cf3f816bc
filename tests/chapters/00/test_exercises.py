"""The exercise of the start page: typical mistakes get their own hint."""

SLIPS = [  # exercise, wrong answer, what its hint must say
    ("0.1", 4, "sign"),
    ("0.1", -2, "factor"),
    ("0.1", 0, "Differentiate"),
    ("0.1", "2 * (w - 3)", "A number is asked for"),
]

RIGHT = [("0.1", -4), ("0.1", -4.0), ("0.1", 2 * (1 - 3))]
