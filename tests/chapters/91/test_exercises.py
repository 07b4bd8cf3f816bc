"""The exercise of chapter 91: each wrong part gets its own hint."""

RIGHT_ONE = {"a": "title", "b": "author", "c": "nothing", "d": "number", "e": "year", "f": "number"}

SLIPS = [
    ("91.1", "title", "each of a to f"),
    ("91.1", RIGHT_ONE | {"a": "words"}, "got 'words' for a"),
    ("91.1", RIGHT_ONE | {"a": "author"}, "a: look the number up"),
    ("91.1", RIGHT_ONE | {"b": "title"}, "b: the title is right"),
    ("91.1", RIGHT_ONE | {"c": "number"}, "c: compare it word by word"),
    ("91.1", RIGHT_ONE | {"d": "year"}, "d: author, title and year are right"),
    ("91.1", RIGHT_ONE | {"e": "number"}, "e: the number says"),
    ("91.1", RIGHT_ONE | {"f": "year"}, "f: what does the last digit"),
    ("91.1", RIGHT_ONE | {"f": "nothing"}, "f: compare it word by word"),
]

RIGHT = [("91.1", dict(sorted(RIGHT_ONE.items(), reverse=True)))]
