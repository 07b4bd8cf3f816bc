"""Explorers whose every slider position is computed beforehand, so that the browser only looks up and draws.

compute (a function in `explorers`) → pack (here) → draw (`grid.js`, no maths). While a slider moves, no
message goes to the kernel. It is asked only for what is not on the grid: another surface, another start.
"""

import io
import zlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from losslab import plots

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
        low, high = self.values[[0, -1]]
        if not low <= value <= high:
            raise ValueError(f"{self.name} must be between {low:g} and {high:g}, got {value}")
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
    """

    name: str
    panel: int
    points: np.ndarray
    ends: np.ndarray | None = None
    scrub: bool = True


@dataclass(frozen=True)
class View:
    """What a compute function returns.

    Attributes
    ----------
    stage : callable
        `stage(figure, theme) -> list of Axes` draws what does not move; `theme` is "light" or "dark".
    series : list of Series
    texts : array of str, shape (A, B)
        The picture in one sentence.
    """

    stage: Callable
    series: list[Series]
    texts: np.ndarray


def draw_stage(view, theme):
    """Return the stage as a laid-out figure on transparent ground, and its Axes."""
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="none", layout="constrained")
    axes = view.stage(figure, theme)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure, axes


def png(figure, scale):
    """Return a figure as PNG bytes at `scale` image pixels per CSS pixel."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI * scale)
    return buffer.getvalue()


def pixels(ax, points):
    """Turn data coordinates (..., 2) into CSS pixels, y downwards, whatever the scales of the axes."""
    with np.errstate(all="ignore"):
        xy = ax.transData.transform(points.reshape(-1, 2)).reshape(points.shape)
    xy = np.nan_to_num(xy * (1, -1) + (0, HEIGHT), nan=FAR, posinf=FAR, neginf=-FAR)
    return np.clip(xy, -FAR, FAR)


def pack(series, ax):
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
    xy = np.round(UNIT * pixels(ax, points)).astype(np.int16).swapaxes(-1, -2)
    steps = np.diff(xy, axis=-1, prepend=np.int16(0)).reshape(*grid, -1)
    return np.concatenate([drawn[..., None], steps], -1).astype("<i2")


def still(view, index, shown, step):
    """Draw one slider position with matplotlib alone: what a reader without a kernel sees."""
    figure, axes = draw_stage(view, "light")
    figure.set_facecolor("white")
    for s in (s for s in view.series if s.name in shown):
        i, j = (min(k, n - 1) for k, n in zip(index, s.points.shape, strict=False))
        stop = len(s.points[i, j]) if s.ends is None or s.ends[i, j] < 0 else s.ends[i, j]
        points = s.points[i, j, : min(stop, step + 1) if s.scrub else stop]
        label = s.name if stop == s.points.shape[2] else f"{s.name} (diverged at step {stop})"
        axes[s.panel].plot(*points.T, label=label, markersize=3, markevery=10, **plots.LINES[s.name])
    axes[0].legend(fontsize=8)
    return figure


class GridExplorer(anywidget.AnyWidget):
    """A stage with lines on it, two sliders, a step to play, and settings that the kernel recomputes.

    Parameters
    ----------
    call : str
        The Python call that opens this explorer; the settings are copied as one line of it.
    compute : callable
        `compute(a, b, **settings) -> View`, for slider values of shape (A, 1) and (1, B).
    sliders : (Slider, Slider)
    values : (float, float)
        Where they stand.
    settings : dict
        The other keywords of `compute`.
    choices : dict of name -> dict of option -> dict
        Settings offered as a menu, and what each option sets.
    point : str, optional
        The setting that is a point of the first panel and can be dragged there.
    shown : sequence of str, optional
        Names of the series drawn at first; default all.
    step : int, optional
        Step shown at first; default the last.
    """

    _esm = Path(__file__).with_name("grid.js")
    _css = Path(__file__).with_name("grid.css")
    meta = traitlets.Dict().tag(sync=True)
    stages = traitlets.Dict().tag(sync=True)  # theme -> PNG
    atlas = traitlets.Bytes().tag(sync=True)  # zlib: every series, then the texts
    preview = traitlets.Bytes().tag(
        sync=True
    )  # the present slider position alone, while the point is dragged
    state = traitlets.Dict().tag(
        sync=True
    )  # index, step, shown: written by the browser when a control is let go
    ask = traitlets.Dict().tag(
        sync=True
    )  # {"choice": [name, option]} or {"point": [x, y], "preview": bool}, n

    def __init__(
        self, call, compute, sliders, values, settings, choices=(), point=None, shown=None, step=None
    ):
        super().__init__()
        pairs = [slider.at(value) for slider, value in zip(sliders, values, strict=True)]
        self.call, self.compute, self.settings = call, compute, settings
        self.sliders, index = [s for s, _ in pairs], [i for _, i in pairs]
        self.choices, self.point = dict(choices), point
        self._refresh()
        self.state = {"index": index, **self._checked(shown, step)}
        self.observe(lambda change: self._answer(**change.new), "ask")

    def _checked(self, shown, step):
        names, last = self.meta["names"], self.meta["steps"]
        if unknown := set(shown or ()) - set(names):
            raise ValueError(f"{sorted(unknown)[0]!r} is not among {', '.join(names)}")
        if step is not None and not 0 <= step <= last:
            raise ValueError(f"step must be between 0 and {last}, got {step}")
        return {"shown": list(shown or names), "step": last if step is None else step}

    def _refresh(self):
        """Compute the whole grid for the present settings and hand it to the browser in one message."""
        a, b = (s.values for s in self.sliders)
        self.view = self.compute(a[:, None], b[None, :], **self.settings)
        (light, self.axes), (dark, _) = (draw_stage(self.view, theme) for theme in ("light", "dark"))
        packed = [pack(s, self.axes[s.panel]) for s in self.view.series]
        texts = "\n".join(self.view.texts.ravel())
        with self.hold_sync():
            self.meta = self._describe([p.shape for p in packed])
            self.stages = {"light": png(light, 2), "dark": png(dark, 2)}
            self.atlas = zlib.compress(b"".join(p.tobytes() for p in packed) + texts.encode())

    def _describe(self, shapes):
        """Everything else the browser needs to know."""
        names = list(dict.fromkeys(s.name for s in self.view.series))
        return {
            "size": [WIDTH, HEIGHT, UNIT],
            "panels": [[ax.bbox.x0, HEIGHT - ax.bbox.y1, ax.bbox.width, ax.bbox.height] for ax in self.axes],
            "names": names,
            "ink": {theme: [plots.ink(name, theme) for name in names] for theme in ("light", "dark")},
            "markers": [plots.LINES[name]["marker"] for name in names],
            "series": [
                {"name": names.index(s.name), "panel": s.panel, "scrub": s.scrub, "shape": list(shape)}
                for s, shape in zip(self.view.series, shapes, strict=True)
            ],
            "diverged": "{name} diverged at step {step}",
            "steps": max(s.points.shape[2] for s in self.view.series if s.scrub) - 1,
            "sliders": [
                {"name": s.name, "label": s.label, "values": [f"{v:.3g}" for v in s.values]}
                for s in self.sliders
            ],
            "choices": {name: [self.settings[name], list(options)] for name, options in self.choices.items()},
            "point": pixels(self.axes[0], np.array(self.settings[self.point])).tolist()
            if self.point
            else None,
            "call": [self.call, {name: repr(value) for name, value in self.settings.items()}],
        }

    def _answer(self, choice=None, point=None, preview=False, n=0):
        """Recompute for request n of the browser: one slider position during a drag, else the grid."""
        if choice is not None:
            name, option = choice
            self.settings = {**self.settings, **self.choices[name][option]}
        if point is not None:
            x, y = self.axes[0].transData.inverted().transform((point[0], HEIGHT - point[1]))
            self.settings = {**self.settings, self.point: (round(float(x), 2), round(float(y), 2))}
        self._preview() if preview else self._refresh()

    def _preview(self):
        a, b = (s.values[[i]] for s, i in zip(self.sliders, self.state["index"], strict=True))
        view = self.compute(a[:, None], b[None, :], **self.settings)
        self.preview = b"".join(pack(s, self.axes[s.panel]).tobytes() for s in view.series)

    def __repr__(self):
        """Return the call that opens this explorer as it stands."""
        values = {
            s.name: f"{s.values[i]:.3g}" for s, i in zip(self.sliders, self.state["index"], strict=True)
        }
        settings = {name: repr(value) for name, value in self.settings.items()}
        shown = self.state["shown"]
        some = {} if len(shown) == len(self.meta["names"]) else {"shown": repr(shown)}
        words = settings | values | {"step": self.state["step"]} | some
        return f"{self.call}({', '.join(f'{k}={v}' for k, v in words.items())})"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        picture = png(still(self.view, self.state["index"], self.state["shown"], self.state["step"]), 0.8)
        return {**data, "image/png": b64encode(picture).decode()}, metadata
