"""What an explorer's compute function is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from losslab.book import words
from losslab.book.words import Sentence
from losslab.explorers.arguments import finite


@dataclass(frozen=True)
class Slider:
    """An axis of the grid: its keyword in the call, and its values in ascending order."""

    name: str
    values: np.ndarray

    def at(self, value):
        """Return the slider with `value` in place of its nearest neighbour, and its index."""
        (low, high), whole = self.values[[0, -1]].tolist(), self.values.dtype.kind == "i"
        if not finite(value) or not low <= value <= high or (whole and value != round(value)):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{self.name} must be {kind} between {low:g} and {high:g}, got {value!r}")
        value = self.values.dtype.type(value)
        index = int(np.abs(self.values - value).argmin())
        values = np.where(np.arange(len(self.values)) == index, value, self.values)
        return Slider(self.name, values), index


@dataclass(frozen=True)
class Series:
    """One line at every position of the two sliders.

    Attributes
    ----------
    key : str
        Of `palette.LINES`, and of its label among the words; series with one key are shown and hidden as one.
    panel : int
        The Axes of the stage it is drawn on.
    points : array, shape (A, B, n, 2)
        Data coordinates; A or B is 1 for a slider without influence.
    ends : int array, shape (A, B), optional
        The step at which a run diverged, −1 for one that did not; nothing is drawn from there on.
    scrub : bool
        Whether point k belongs to step k (or to `View.steps[k]`) and is drawn from that step on.
    fill : bool, or "solid"
        Whether the line encloses an area to be filled, a bar or a histogram; a dotted one stays hollow.
        "solid": filled in full colour, without an outline, like the pixels of `shapes.tiles`.
    """

    key: str
    panel: int
    points: np.ndarray
    ends: np.ndarray | None = None
    scrub: bool = False
    fill: bool | str = False


@dataclass(frozen=True)
class View:
    """What a compute function returns.

    Attributes
    ----------
    topic : str, or dict of key -> text
        The table of words that holds its labels and sentences: the name of its explorer; or, for one that
        is only being tried out, the words themselves.
    stage : callable
        `stage(figure, theme, words) -> list of Axes` draws what does not move; `theme` is "light" or "dark".
    series : list of Series
    text : Sentence
        The picture in one sentence, or its beginning if there is `says`; it fits the grid (A, B). Where it
        changes with the step that is shown, its values have a third axis, (A, B, S). S is the number of
        points of a series with `scrub`, or 1 for a value that does not change with the step.
    says : dict of key of a series -> Sentence
        What the sentence adds for each series that is shown.
    image : uint8 array, shape (h, w), optional
        A small picture beside the drawing pad of a live explorer, 0 (paper) to 255 (ink).
    done : (int, int), optional
        The steps a training has taken, and all that it will take, for the bar of a live explorer.
    steps : int array, shape (S,), optional
        Of a long run that is not stored whole: the step that each point of a series with `scrub` belongs to,
        ascending, such as `trajectories.thinned(1000)`. Default 0, 1, … S − 1. `Series.ends` may lie between.
    """

    topic: str
    stage: Callable
    series: list[Series]
    text: Sentence
    says: dict = field(default_factory=dict)
    image: np.ndarray | None = None
    done: tuple[int, int] | None = None
    steps: np.ndarray | None = None

    def stored(self):
        """Return the step that each point of a series with `scrub` belongs to; of no such series, none."""
        count = max((s.points.shape[-2] for s in self.series if s.scrub), default=0)
        if self.steps is None:
            return np.arange(count)
        if np.shape(self.steps) != (count,):
            raise ValueError(
                f"steps must have the shape ({count},) of what is drawn, got {np.shape(self.steps)}"
            )
        return np.asarray(self.steps)

    def said(self, lang):
        """Return all sentences in a language, arrays of str: `text` first, then those of `says`."""
        known = vocabulary(self.topic, lang)
        return [sentence.said(known) for sentence in (self.text, *self.says.values())]

    def told(self, lang=None):
        """Return for each of these sentences its different texts, and which is said where, (A, B, S).

        An axis along which nothing changes has the length 1.
        """
        known = vocabulary(self.topic, lang)
        coded = [sentence.coded(known) for sentence in (self.text, *self.says.values())]
        return [
            (texts, lean(where if where.ndim == 3 else np.atleast_2d(where)[..., None]))
            for texts, where in coded
        ]

    def sentence(self, index=None, shown=None, lang=None, step=-1):
        """Return what is said at a position (default: the first) about the series `shown` (default: all).

        `step` is a position among the S that are stored, default the last.
        """
        at = (*(index or ()), 0, 0)[:2] + (step,)
        text, *said = [
            texts[where[tuple(k if n > 1 else 0 for k, n in zip(at, where.shape, strict=True))]]
            for texts, where in self.told(lang)
        ]
        if not self.says:
            return text
        controls = words.of("controls", lang)
        parts = [one for key, one in zip(self.says, said, strict=True) if shown is None or key in shown]
        parts = controls["separator"].join(parts) or controls["nothing"]
        return controls["sentence"].format(beginning=text, parts=parts)


def lean(grid):
    """Return a grid with the length 1 along each of its first two axes if nothing changes along it."""
    for axis in (0, 1):
        first = grid.take([0], axis)
        grid = first if (grid == first).all() else grid
    return grid


def vocabulary(topic, lang=None):
    """Return the words of an explorer, and the labels of all series, {"key": text}."""
    return words.of("series", lang) | words.of(topic, lang)


def number(value):
    """Return four significant digits, but whole numbers below a million in full."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.4g}"


def literal(value):
    """Return a number as Python reads it, exactly: as it is shown if that is exact, else every digit."""
    text = number(value)
    return text if float(text) == value else repr(value.item())


def readable(values, digits=3):
    """Round the positions of a slider, so that what is shown and copied is what is computed with."""
    return np.array([float(f"{value:.{digits}g}") for value in values])


def significant(values, digits):
    """Round numbers to as many digits as are said: of what sounds alike, one text is made and sent."""
    with np.errstate(divide="ignore"):
        unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - digits + 1)
    return np.where(values == 0, 0.0, np.round(values / np.where(unit > 0, unit, 1)) * unit)


def plain(value):
    """Write numbers with three significant digits, without an exponent from a thousand upwards."""

    def one(value):
        return f"{float(f'{value:.3g}'):,.0f}" if value >= 1000 else f"{value:.3g}"

    return np.vectorize(one, otypes=[object])(value)
