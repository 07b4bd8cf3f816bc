"""The single table of chapters, from which the README, the start page and every banner line are made."""

from typing import NamedTuple

from losslab.book import words


class Chapter(NamedTuple):
    """One notebook of the book; `stem` is its file name without `.ipynb`.

    `minutes` are for reading, running and moving everything, `exercises` come on top.
    """

    number: str
    stem: str
    minutes: int
    exercises: int
    device: str

    @property
    def title(self):
        """The chapter's title."""
        return words.of("chapters")[f"title.{self.number}"]

    @property
    def summary(self):
        """What its reader will do."""
        return words.of("chapters")[f"summary.{self.number}"]

    @property
    def article(self):
        """The part of the article that it retells."""
        return words.of("chapters")[f"article.{self.number}"]


CHAPTERS = (
    Chapter("00", "00_start_here", 20, 2, "CPU"),
    Chapter("01", "01_concepts", 60, 40, "CPU"),
    Chapter("02", "02_training_steps", 60, 40, "CPU"),
    Chapter("03", "03_losses", 60, 33, "CPU"),
    Chapter("04", "04_gradients", 60, 33, "CPU"),
    Chapter("05", "05_optimizers", 65, 40, "CPU"),
    Chapter("06", "06_worked_example", 55, 31, "CPU"),
    Chapter("07", "07_mnist", 75, 35, "CPU or GPU"),
    Chapter("08", "08_inference", 60, 31, "CPU"),
    Chapter("09", "09_speed", 65, 35, "CPU or GPU"),
    Chapter("10", "10_scale", 60, 38, "CPU"),
    Chapter("11", "11_evaluate", 64, 31, "CPU"),
    Chapter("17", "17_responsible", 65, 33, "CPU"),
    Chapter("90", "90_errata", 20, 13, "CPU"),
    Chapter("91", "91_sources", 18, 10, "CPU"),
)


def find(number):
    """Return the chapter with a number such as "05"; raise ValueError if the table has no such chapter."""
    numbers = [chapter.number for chapter in CHAPTERS]
    if number not in numbers:
        raise ValueError(f"number must be one of {', '.join(numbers)}, got {number!r}")
    return CHAPTERS[numbers.index(number)]


def banner(stem):
    """
    Return the line under a chapter's title: previous · contents · next · minutes · device.

    Parameters
    ----------
    stem : str
        The notebook's file name without `.ipynb`.

    Raises
    ------
    ValueError
        If the table has no such chapter.
    """
    stems = [chapter.stem for chapter in CHAPTERS]
    if stem not in stems:
        raise ValueError(f"stem must be one of {', '.join(stems)}, got {stem!r}")
    i = stems.index(stem)
    said = words.of("chapters")
    links = [f"[{said['previous']}]({stems[i - 1]}.ipynb)"] if i > 0 else []
    links += [f"[{said['contents']}]({stems[0]}.ipynb)"] if i > 0 else []
    links += [f"[{said['next']}]({stems[i + 1]}.ipynb)"] if i + 1 < len(stems) else []
    minutes = said["minutes"].format(minutes=CHAPTERS[i].minutes, exercises=CHAPTERS[i].exercises)
    return " · ".join(["**Loss to Launch**", *links, minutes, CHAPTERS[i].device])


def table(folder=""):
    """
    Return the chapters as a Markdown table.

    Parameters
    ----------
    folder : str
        Path from the page to the notebooks: "notebooks/" for the README, "" for a notebook.
    """
    head = f"{words.of('chapters')['head']}\n|:--|:--|:--|--:|"
    rows = [
        f"| [{c.number} · {c.title}]({folder}{c.stem}.ipynb) | {c.summary} | {c.article} "
        f"| {c.minutes} + {c.exercises} |"
        for c in CHAPTERS
    ]
    return "\n".join([head, *rows])
