"""Explorers whose every slider position is computed beforehand, so that the browser only looks up and draws.

compute (a function in `views`) → pack (`grid`) → draw (`widget.js`, no maths). While a slider moves, no
message goes to the kernel. It is asked only for what is not on the grid: another surface, another start.
"""

import zlib
from base64 import b64encode
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from losslab import plots
from losslab.grid import (
    HEIGHT,
    NOTHING,
    UNIT,
    WIDTH,
    draw_stage,
    hollow,
    number,
    pack,
    pieces,
    pixels,
    png,
    still,
)


class Explorer(anywidget.AnyWidget):
    """What grid and live explorers share: a stage, a settings line, and a browser that asks by number."""

    # As text: given a Path, anywidget keeps every explorer for ever, to tell it when the file changes.
    _esm = Path(__file__).with_name("widget.js").read_text(encoding="utf-8")
    _css = Path(__file__).with_name("widget.css").read_text(encoding="utf-8")
    size = WIDTH, HEIGHT
    live = False
    _drawn = None  # the function that has drawn the stage that stands
    meta = traitlets.Dict().tag(sync=True)
    stages = traitlets.Dict().tag(sync=True)  # theme -> PNG
    # Written by the browser: index, step, shown, when a control is let go; and request n, what to compute.
    state = traitlets.Dict().tag(sync=True)
    ask = traitlets.Dict().tag(sync=True, echo_update=False)
    answered = traitlets.Dict({"n": 0, "problem": ""}).tag(sync=True)

    def __init__(self, call, compute, sliders, values, settings, choices=()):
        super().__init__()
        pairs = [slider.at(value) for slider, value in zip(sliders, values, strict=True)]
        self.call, self.compute, self.settings = call, compute, dict(settings)
        self.sliders, self.index = [s for s, _ in pairs], [i for _, i in pairs]
        self.choices = dict(choices)
        self.observe(lambda change: self._asked(**change.new), "ask")

    def _asked(self, n=0, **what):
        """Answer request n of the browser, and say so; if it fails, say why."""
        problem = ""
        try:
            with self.hold_sync():
                self._answer(**what)
        except Exception as error:
            problem = str(error)
            raise
        finally:
            self.answered = {"n": n, "problem": problem}

    def _choose(self, choice):
        """Take over what the options of [name, option, name, option, …] set."""
        for name, option in zip(choice[::2], choice[1::2], strict=True):
            self.settings = {**self.settings, **self.choices[name][option]}

    def _chosen(self, name):
        """Return the option of a menu that sets what `settings` has under the menu's own name."""
        value = self.settings[name]
        return next(option for option, sets in self.choices[name].items() if sets[name] == value)

    def _checked(self, shown, step):
        names, last = self.meta["names"], self.meta["steps"]
        if unknown := set(shown or ()) - set(names):
            raise ValueError(f"{sorted(unknown)[0]!r} is not among {', '.join(names)}")
        if step is not None and not 0 <= step <= last:
            raise ValueError(f"step must be between 0 and {last}, got {step}")
        return {"shown": list(shown or names), "step": last if step is None else step}

    def _set_stage(self):
        """Return the stage of the view as PNG for both themes; draw it if it is another than before."""
        if self.view.stage is self._drawn:
            return self.stages
        self._drawn = self.view.stage
        light, self.axes = draw_stage(self.view, "light", self.size)
        dark, _ = draw_stage(self.view, "dark", self.size, light)
        return {"light": png(light, 2), "dark": png(dark, 2)}

    def _describe(self, shapes):
        """Everything else the browser needs to know."""
        names = list(dict.fromkeys(s.name for s in self.view.series))
        width, height = self.size
        return {
            "size": [width, height, UNIT],
            "panels": [[ax.bbox.x0, height - ax.bbox.y1, ax.bbox.width, ax.bbox.height] for ax in self.axes],
            "pieces": pieces(self.axes),
            "names": names,
            "ink": {theme: [plots.ink(name, theme) for name in names] for theme in ("light", "dark")},
            "markers": [plots.LINES[name]["marker"] for name in names],
            "series": [
                {
                    "name": names.index(s.name),
                    "panel": s.panel,
                    "scrub": s.scrub,
                    "fill": s.fill and (2 if hollow(s.name) else 1),
                    "shape": list(shape),
                }
                for s, shape in zip(self.view.series, shapes, strict=True)
            ],
            "says": [names.index(name) for name in self.view.says],
            "nothing": NOTHING,
            "diverged": "{name} diverged at step {step}",
            "steps": max((s.points.shape[2] for s in self.view.series if s.scrub), default=1) - 1,
            "sliders": [
                {"name": s.name, "label": s.label, "values": [number(v) for v in s.values]}
                for s in self.sliders
            ],
            "choices": {name: [self._chosen(name), list(self.choices[name])] for name in self.choices},
            "call": [self.call, {name: repr(value) for name, value in self.settings.items()}],
            "live": self.live,
        }

    def close(self):
        """Take the explorer off every page and out of memory, with the layout that ipywidgets made for it."""
        self.layout.close()
        super().close()

    def __repr__(self):
        """Return the call that opens this explorer as it stands."""
        index = zip(self.sliders, self.state["index"], strict=False)
        values = {slider.name: number(slider.values[i]) for slider, i in index}
        settings = {name: repr(value) for name, value in self.settings.items()}
        shown = self.state["shown"]
        some = {} if len(shown) == len(self.meta["names"]) else {"shown": repr(shown)}
        step = {"step": self.state["step"]} if self.meta["steps"] else {}
        words = settings | values | step | some
        return f"{self.call}({', '.join(f'{k}={v}' for k, v in words.items())})"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        where = self._where(), self.state["shown"], self.state["step"]
        picture = png(still(self.view, *where, self.size, self.axes[0].figure), 0.8)
        return {**data, "image/png": b64encode(picture).decode()}, metadata


class GridExplorer(Explorer):
    """A stage with lines on it, two sliders, a step to play, and settings that the kernel recomputes.

    Parameters
    ----------
    call : str
        The Python call that opens this explorer; the settings are copied as one line of it.
    compute : callable
        `compute(a, b, **settings) -> View`, for slider values of shape (A, 1) and (1, B); without `b` if
        there is one slider.
    sliders : sequence of one or two Slider
    values : sequence of float
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

    atlas = traitlets.Bytes().tag(sync=True)  # zlib: every series, then the texts
    preview = traitlets.Bytes().tag(sync=True)  # the present position alone, while the point is dragged

    def __init__(
        self, call, compute, sliders, values, settings, choices=(), point=None, shown=None, step=None
    ):
        super().__init__(call, compute, sliders, values, settings, choices)
        self.point = point
        self._refresh()
        self.state = {"index": (self.index + [0])[:2], **self._checked(shown, step)}

    def _view(self, values):
        """Compute for the given values of each slider; the first runs down the grid, the second across."""
        shapes = ((-1, 1), (1, -1))
        grid = [v.reshape(shape) for v, shape in zip(values, shapes, strict=False)]
        return self.compute(*grid, **self.settings)

    def _where(self):
        return self.state["index"]

    def _refresh(self):
        """Compute the whole grid for the present settings and hand it to the browser in one message."""
        self.view = self._view(s.values for s in self.sliders)
        stages = self._set_stage()
        packed = [pack(s, self.axes[s.panel]) for s in self.view.series]
        texts = "\n".join("\n".join(texts.ravel()) for texts in (self.view.texts, *self.view.says.values()))
        with self.hold_sync():
            self.meta = self._describe([p.shape for p in packed])
            self.stages = stages
            self.atlas = zlib.compress(b"".join(p.tobytes() for p in packed) + texts.encode())

    def _describe(self, shapes):
        point = self.point and pixels(self.axes[0], np.array(self.settings[self.point])).tolist()
        return {**super()._describe(shapes), "point": point}

    def _answer(self, choice=(), point=None, preview=False):
        """Recompute for a request of the browser: one slider position during a drag, else the grid."""
        self._choose(choice)
        if point is not None:
            x, y = self.axes[0].transData.inverted().transform((point[0], HEIGHT - point[1]))
            self.settings = {**self.settings, self.point: (round(float(x), 2), round(float(y), 2))}
        self._preview() if preview else self._refresh()

    def _preview(self):
        view = self._view(s.values[[i]] for s, i in zip(self.sliders, self.state["index"], strict=False))
        self.preview = b"".join(pack(s, self.axes[s.panel]).tobytes() for s in view.series)
