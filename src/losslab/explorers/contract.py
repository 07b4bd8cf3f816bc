"""What an explorer's compute function is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from losslab.explorers.arguments import finite


@dataclass(frozen=True)
class Slider:
    """An axis of the grid: its keyword in the call, its label, its values in ascending order."""

    name: str
    label: str
    values: np.ndarray

    def at(self, value):
        """Return the slider with `value` in place of its nearest neighbour, and the index of it."""
        (low, high), whole = self.values[[0, -1]].tolist(), self.values.dtype.kind == "i"
        if not finite(value) or not low <= value <= high or (whole and value != round(value)):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{self.name} must be {kind} between {low:g} and {high:g}, got {value!r}")
        value = self.values.dtype.type(value)
        index = int(np.abs(self.values - value).argmin())
        return Slider(
            self.name, self.label, np.where(np.arange(len(self.values)) == index, value, self.values)
        ), index


@dataclass(frozen=True)
class Series:
    """One line at every position of the two sliders.

    Attributes
    ----------
    name : str
        A key of `palette.LINES`; series of one name are shown and hidden together.
    panel : int
        The Axes of the stage it is drawn on.
    points : array, shape (A, B, n, 2)
        Data coordinates; A or B is 1 for a slider without influence.
    ends : int array, shape (A, B), optional
        The step at which a run has diverged, −1 for one that has not: from there on nothing is drawn.
    scrub : bool
        Whether point k belongs to step k and is drawn from that step on.
    fill : bool
        Whether the line encloses an area to be filled, a bar or a histogram; a dotted one stays hollow.
    """

    name: str
    panel: int
    points: np.ndarray
    ends: np.ndarray | None = None
    scrub: bool = True
    fill: bool = False


@dataclass(frozen=True)
class View:
    """What a compute function returns.

    Attributes
    ----------
    stage : callable
        `stage(figure, theme) -> list of Axes` draws what does not move; `theme` is "light" or "dark".
    series : list of Series
    texts : array of str, shape (A, B)
        The picture in one sentence, or its beginning if there is `says`.
    says : dict of name -> array of str, shape (A, B)
        What the sentence adds for each series that is shown.
    image : uint8 array, shape (h, w), optional
        A small picture beside the drawing pad of a live explorer, 0 (paper) to 255 (ink).
    done : (int, int), optional
        How many steps of how many a training has taken, for the bar of a live explorer.
    """

    stage: Callable
    series: list[Series]
    texts: np.ndarray
    says: dict = field(default_factory=dict)
    image: np.ndarray | None = None
    done: tuple[int, int] | None = None

    def sentence(self, index, shown):
        """Return what is said at a slider position while the series named in `shown` are drawn."""
        said = [str(texts[tuple(index)]) for name, texts in self.says.items() if name in shown]
        text = str(self.texts[tuple(index)])
        return f"{text} {', '.join(said) or NOTHING}." if self.says else text


NOTHING = "… (no line is shown)"


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


def each(template, *arrays):
    """Format a template elementwise: an array of sentences for a `View`."""
    return np.vectorize(template.format, otypes=[object])(*arrays)
