"""E114, E119, E121, E126, E127, E149: the article's references and tools, looked up in our list."""

import re

from losslab.article import references
from losslab.book import sources

PRINTED = {one.id: one for one in references.entries()}
USED = ("rumelhart-1986", "polyak-1964", "kingma-2015", "glorot-2010", "lecun-1998")


# --- the facts: each function asserts something that is true of the correction and false of the print ---


def is_by(title, author):
    assert any(author in sources.families(entry) for entry in sources.titled(title))


def can_be_found(reference):
    assert re.search(r"\b(19|20)\d\d\b", reference)


def names_what_it_uses(listed):
    assert set(USED) <= set(listed)


def serves_more_than_training(tools):
    assert {sources.entries()[tool]["custom"]["need"] for tool in tools} > {"train"}


FACTS = {  # id: fact, its arguments as printed, its arguments corrected
    "E114": (is_by, [PRINTED["R2"].titles[0], "Chollet"], ["Deep Learning with Python", "Chollet"]),
    "E119": (is_by, [PRINTED["R8"].titles[0], "Cui"], [PRINTED["R8"].titles[0], "Lepikhin"]),
    "E121": (is_by, [PRINTED["R9"].titles[0], "Brown"], ["Language models are few-shot learners", "Brown"]),
    "E126": (names_what_it_uses, [[one.source for one in references.printed()]], [sources.entries()]),
    "E127": (
        serves_more_than_training,
        [[PRINTED[f"T{n}"].source for n in (1, 2, 3)]],
        [[name for name, entry in sources.entries().items() if entry["type"] == "software"]],
    ),
    "E149": (can_be_found, [PRINTED["R5"].quote], [sources.line(PRINTED["R5"].source)]),
}


def test_none_of_the_eleven_has_a_year_or_a_number():
    for one in references.printed():
        assert not re.search(r"\d", one.quote)


def test_two_books_share_a_title():
    """E115: the English title of R3 is also Nielsen's."""
    assert {
        sources.families(entry)[0] for title in PRINTED["R3"].titles for entry in sources.titled(title)
    } == {
        "Nielsen",
        "Qiu",
    }
