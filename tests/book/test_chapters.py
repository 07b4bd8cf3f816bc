"""The table of chapters and what is made from it."""

import re

import pytest

from losslab.book import chapters
from losslab.book.chapters import CHAPTERS


def test_stems_begin_with_their_number_and_come_in_order():
    assert [chapter.stem[:3] for chapter in CHAPTERS] == [f"{chapter.number}_" for chapter in CHAPTERS]
    assert sorted(chapter.stem for chapter in CHAPTERS) == [chapter.stem for chapter in CHAPTERS]


def test_minutes_and_devices_are_plausible():
    for chapter in CHAPTERS:
        assert 5 <= chapter.minutes <= 95
        assert chapter.device in ("CPU", "CPU or GPU")
        assert not chapter.summary.endswith(".")
        assert "|" not in "".join(str(value) for value in chapter)


def test_banners_lead_through_the_book_and_back():
    stems = [chapter.stem for chapter in CHAPTERS]
    for i, stem in enumerate(stems):
        links = dict(re.findall(r"\[(.*?)\]\((.*?)\.ipynb\)", chapters.banner(stem)))
        expected = {"contents": stems[0]} | ({"← previous": stems[i - 1]} if i else {})
        expected |= {"next →": stems[i + 1]} if i + 1 < len(stems) else {}
        if i == 0:
            del expected["contents"]
        assert links == expected
        assert chapters.banner(stem).endswith(f" · {CHAPTERS[i].device}")


def test_a_first_banner_in_full():
    """By hand, so that the wording cannot drift unseen."""
    first, second = CHAPTERS[:2]
    minutes = f"{first.minutes} min, exercises {first.exercises} min"
    assert (
        chapters.banner(first.stem) == f"**Loss to Launch** · [next →]({second.stem}.ipynb) · {minutes} · CPU"
    )


def test_an_unknown_chapter_is_an_error():
    with pytest.raises(ValueError, match=r"stem must be one of 00_start_here, .*, got 'nowhere'"):
        chapters.banner("nowhere")


@pytest.mark.parametrize("folder", ["", "notebooks/"])
def test_the_table_has_one_row_per_chapter(folder):
    head, rule, *rows = chapters.table(folder).splitlines()
    assert head.count("|") == rule.count("|") == 5
    assert len(rows) == len(CHAPTERS)
    for row, chapter in zip(rows, CHAPTERS, strict=True):
        assert row.startswith(f"| [{chapter.number} · {chapter.title}]({folder}{chapter.stem}.ipynb) |")
        assert row.endswith(f"| {chapter.minutes} + {chapter.exercises} |")
