"""The one table of chapters: the README, the start page and every banner line are made from it.

And where in them each part of the article is treated.
"""

from typing import NamedTuple


class Chapter(NamedTuple):
    """One notebook of the book; `stem` is its file name without `.ipynb`, `article` the part it retells."""

    number: str
    stem: str
    title: str
    article: str
    minutes: int
    device: str
    summary: str


CHAPTERS = (
    Chapter(
        "00",
        "00_start_here",
        "Start here",
        "",
        5,
        "CPU",
        "check your set-up, move a slider, solve a first exercise, see a loss fall",
    ),
    Chapter(
        "01",
        "01_concepts",
        "Draw the map",
        "ch. 1–2",
        75,
        "CPU",
        "what a neuron, depth, size, autodiff, training and inference are, and which arrows join them",
    ),
    Chapter(
        "02",
        "02_training_steps",
        "Take the six steps",
        "ch. 3 §1",
        65,
        "CPU",
        "the training loop one step at a time: what leaks, what never starts, and why a loss may rise",
    ),
    Chapter(
        "03",
        "03_losses",
        "Put a price on a mistake",
        "ch. 4 §1",
        65,
        "CPU",
        "where MSE and cross-entropy come from, where they break, and why a loss is not a metric",
    ),
    Chapter(
        "04",
        "04_gradients",
        "Send the error back",
        "ch. 4 §2",
        65,
        "CPU",
        "back-propagation by hand, equal to autograd, checked by differences, and why depth makes it vanish",
    ),
    Chapter(
        "05",
        "05_optimizers",
        "Race the optimisers",
        "ch. 3 §2, ch. 4 §3",
        75,
        "CPU",
        "gradient descent, momentum, RMSProp and Adam: derived, coded, raced, and where each of them fails",
    ),
    Chapter(
        "06",
        "06_worked_example",
        "Fit a line by hand",
        "ch. 4 §4",
        50,
        "CPU",
        "one training step with pencil and paper, and how large a step may be",
    ),
    Chapter(
        "07",
        "07_mnist",
        "Train on real digits",
        "ch. 5",
        90,
        "CPU or GPU",
        "a network learns MNIST: curves, confusion matrix, mistakes; then much faster, as good as it gets",
    ),
    Chapter(
        "08",
        "08_inference",
        "Put it to work",
        "ch. 3 §3",
        65,
        "CPU",
        "save a model, prepare, answer or refuse, calibrate, write, and read the digit that you draw",
    ),
    Chapter(
        "10",
        "10_scale",
        "Train on many machines",
        "ch. 9, Q1–Q3",
        60,
        "CPU",
        "one training on two processes, what large ones cost in days and money, and what a model looked at",
    ),
    Chapter(
        "90",
        "90_errata",
        "Look a mistake up",
        "ch. 1–5",
        20,
        "CPU",
        "every mistake of the article in one table to search, and where each part of it is treated",
    ),
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
    links = [f"[← previous]({stems[i - 1]}.ipynb)"] if i > 0 else []
    links += [f"[contents]({stems[0]}.ipynb)"] if i > 0 else []
    links += [f"[next →]({stems[i + 1]}.ipynb)"] if i + 1 < len(stems) else []
    return " · ".join(["**Loss to Launch**", *links, f"{CHAPTERS[i].minutes} min", CHAPTERS[i].device])


def table(folder=""):
    """
    Return the chapters as a Markdown table.

    Parameters
    ----------
    folder : str
        Where the notebooks lie, seen from the page: "notebooks/" for the README, "" for a notebook.
    """
    head = "| chapter | what you will do | article | minutes |\n|:--|:--|:--|--:|"
    rows = [
        f"| [{c.number} · {c.title}]({folder}{c.stem}.ipynb) | {c.summary} | {c.article} | {c.minutes} |"
        for c in CHAPTERS
    ]
    return "\n".join([head, *rows])
