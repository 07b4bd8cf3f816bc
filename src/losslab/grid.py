"""A picture for every position of one or two sliders: what a view holds, its stage, and how it is packed."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.transforms import Transform

from losslab import plots
from losslab.arguments import finite

WIDTH, HEIGHT, DPI = 800, 400, 100  # the stage in CSS pixels
UNIT = 8  # lines are stored in eighths of a CSS pixel …
FAR = 2_000  # … and cut off here, far outside every window


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
        A key of `plots.LINES`; series of one name are shown and hidden together.
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


def house_style():
    """While it is entered, figures look the same whatever style the notebook has chosen."""
    return style.context(["default", plots.STYLE])


@dataclass(frozen=True)
class Panel:
    """Where an Axes of a stage lies, and how data become pixels there; its figure would hold megabytes.

    Attributes
    ----------
    box : [left, top, width, height]
        CSS pixels.
    transform : matplotlib.transforms.Transform
        Data coordinates to pixels, y upwards from the foot of the stage.
    height : float
        Of the stage.
    """

    box: list[float]
    transform: Transform
    height: float


def panel(ax):
    """Return the Panel of an Axes that has been laid out."""
    height, box = float(ax.figure.bbox.height), ax.bbox
    return Panel([box.x0, height - box.y1, box.width, box.height], ax.transData.frozen(), height)


def places(figure):
    """Return where the Axes of a figure that has been laid out stand."""
    return [ax.get_position(original=True).frozen() for ax in figure.axes]


def draw_stage(stage, theme, size=(WIDTH, HEIGHT), at=None):
    """Return a stage as a laid-out figure on transparent ground, and its Axes.

    Laying out takes as long as drawing; `at` are the `places` of a stage that has been laid out.
    """
    with house_style():
        figure = Figure(figsize=np.divide(size, DPI), dpi=DPI, facecolor="none", layout="constrained")
        axes = stage(figure, theme)
        if at is None:
            figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for ax, there in zip(figure.axes, at or (), strict=bool(at)):
        ax.set_position(there)
    return figure, axes


def pieces(axes):
    """Cut a stage between Axes that stand side by side, so that a narrow page can stack them.

    Returns
    -------
    list of [x, width]
        CSS pixels, from left to right; the whole width if nothing stands side by side, or if a title or an
        axis belongs to several of them.
    """
    figure, spans = axes[0].figure, []
    for box in sorted((ax.get_tightbbox() for ax in figure.axes), key=lambda box: box.x0):
        if spans and box.x0 < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], box.x1)
        else:
            spans.append([box.x0, box.x1])
    shared = [ax for ax in figure.axes if len(ax.get_shared_y_axes().get_siblings(ax)) > 1]
    whole = shared or figure.texts or figure.legends or figure.get_suptitle()
    cuts = [] if whole else [(a[1] + b[0]) / 2 for a, b in zip(spans, spans[1:], strict=False)]
    edges = [0.0, *(round(float(x), 2) for x in cuts), float(figure.bbox.width)]
    return [[a, b - a] for a, b in zip(edges, edges[1:], strict=False)]


def png(figure, scale):
    """Return a figure as PNG bytes at `scale` image pixels per CSS pixel."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="png", dpi=DPI * scale)
    return buffer.getvalue()


def pixels(panel, points):
    """Turn data coordinates (..., 2) into CSS pixels, y downwards, whatever the scales of the axes."""
    with np.errstate(all="ignore"):
        xy = panel.transform.transform(points.reshape(-1, 2)).reshape(points.shape)
    xy = np.nan_to_num(xy * (1, -1) + (0, panel.height), nan=FAR, posinf=FAR, neginf=-FAR)
    return np.clip(xy, -FAR, FAR)


def pack(series, panel):
    """Encode a series: per slider position the number of points to draw, then x₀, Δx…, y₀, Δy….

    Returns
    -------
    int16 array, shape (A, B, 1 + 2 n)
        In units of 1/8 CSS pixel. Differences, and points held after the end, compress well.
    """
    *grid, count, _ = series.points.shape
    drawn = np.full(grid, count) if series.ends is None else np.where(series.ends < 0, count, series.ends)
    held = np.minimum(np.arange(count), np.maximum(drawn, 1)[..., None] - 1)
    points = np.take_along_axis(series.points, held[..., None], -2)
    xy = np.round(UNIT * pixels(panel, points)).astype(np.int16).swapaxes(-1, -2)
    steps = np.diff(xy, axis=-1, prepend=np.int16(0)).reshape(*grid, -1)
    return np.concatenate([drawn[..., None], steps], -1).astype("<i2")


def hollow(name):
    """Whether an area of this name is outlined only, to tell it from others without colours: dotted ones."""
    return plots.LINES[name]["linestyle"] == ":"


def unpack(data, shapes, index):
    """Yield for each series what `pack` has encoded at a position: points in CSS pixels, how many to draw.

    Parameters
    ----------
    data : int16 array
        The packed series, one after the other.
    shapes : sequence of (A, B, size)
    index : (int, int)
    """
    for *grid, size in shapes:
        packed, data = data[: np.prod([*grid, size])].reshape(-1, size), data[np.prod([*grid, size]) :]
        i, j = (min(k, n - 1) for k, n in zip(index, grid, strict=True))
        drawn, *steps = packed[i * grid[1] + j]
        yield np.cumsum(np.reshape(steps, (2, -1)), axis=-1, dtype=np.int16).T / UNIT, int(drawn)


def still(stage, lines, step, size=(WIDTH, HEIGHT), at=None):
    """Draw one slider position with matplotlib alone: what a reader without a kernel sees.

    Parameters
    ----------
    stage : callable
    lines : iterable of (key, name, {"panel", "scrub", "fill"}, (points, drawn))
        What is shown: a key of `plots.LINES`, what the legend calls it, and the points of `unpack`.
    step : int
    """
    figure, axes = draw_stage(stage, "light", size, at)
    figure.set_facecolor("white")
    labels = {}
    for key, name, series, (points, stop) in lines:
        label = name if stop == len(points) else f"{name} (diverged at step {stop})"
        label = None if label in labels.setdefault(series["panel"], set()) else label
        labels[series["panel"]].add(label)
        points = points[: min(stop, step + 1) if series["scrub"] else stop]
        _stroke(axes[series["panel"]], key, points, series["fill"], label)
    if labels.get(0):
        with house_style():
            axes[0].legend(fontsize=8)
    return figure


def _stroke(ax, key, points, fill, label):
    """Draw points in CSS pixels, y downwards, and leave the limits of the Axes alone."""
    ax.autoscale(False)
    xy = (points * (1, -1) + (0, ax.figure.bbox.height)).T / DPI
    where = {"transform": ax.figure.dpi_scale_trans, "label": label}
    if not fill:
        ax.plot(*xy, markersize=3, markevery=10, **plots.LINES[key], **where)
        return
    colour = plots.ink(key, "light")
    ax.fill(*xy, facecolor="none" if hollow(key) else (colour, 0.35), edgecolor=colour, **where)


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
