"""Explorers whose every slider position is computed beforehand, so that the browser only looks up and draws.

compute (a function in `views`) → pack (`grid`) → draw (`front`, no maths). While a slider moves, no
message goes to the kernel. It is asked only for what is not on the grid: another surface, another start.
"""

import zlib
from base64 import b64encode
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from losslab import plots
from losslab.arguments import finite, option, some
from losslab.grid import (
    HEIGHT,
    NOTHING,
    UNIT,
    WIDTH,
    draw_stage,
    hollow,
    literal,
    number,
    pack,
    panel,
    pieces,
    pixels,
    places,
    png,
    still,
    unpack,
)

FRONT = Path(__file__).with_name("front")
PARTS = "draw", "controls", "kernel", "explorer"  # of one module, in this order: none imports another
LANGUAGE = "en"
# What the browser says by itself; {names} are filled in there.
WORDS = {
    "clear": "Clear",
    "copied": "Copied",
    "copy": "Copy",
    "diverged": "{name} diverged at step {step}",
    "done": "step {step} of {steps}",
    "eraser": "Eraser",
    "eraser_down": "Eraser down.",
    "failed": "That did not work: {problem}",
    "handle": "start point: drag, or move with the arrow keys",
    "kernel_gone": "The kernel does not answer. It may be busy, or gone: run this cell again.",
    "nothing": NOTHING,
    "pad": "drawing pad: draw with mouse, finger or pen; or move the pen with the arrow keys, "
    "and put it down or lift it with space",
    "pause": "Pause",
    "pen_down": "Pen down.",
    "pen_up": "Pen up.",
    "pending": "…",
    "picture": "picture",
    "play": "Play",
    "progress": "progress",
    "reset": "Reset",
    "run": "Run",
    "seen": "what the network sees",
    "sentence": "{beginning} {parts}.",
    "separator": ", ",
    "step": "step",
    "stop": "Stop",
}


def front():
    """Return what draws explorers in the browser: one ES module, and its style sheet."""
    module = "\n".join((FRONT / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    return module, (FRONT / "widget.css").read_text(encoding="utf-8")


class Explorer(anywidget.AnyWidget):
    """What grid and live explorers share: a stage, a settings line, and a browser that asks by number."""

    # As text: given a Path, anywidget keeps every explorer for ever, to tell it when the file changes.
    _esm, _css = front()
    size = WIDTH, HEIGHT
    live = False
    stage = None  # the function that has drawn the stage that stands
    meta = traitlets.Dict().tag(sync=True)
    stages = traitlets.Dict().tag(sync=True)  # theme -> PNG
    # Written by the browser: index, step, shown, when a control is let go; and request n, what to compute.
    state = traitlets.Dict().tag(sync=True)
    ask = traitlets.Dict().tag(sync=True, echo_update=False)
    answered = traitlets.Dict({"n": 0, "problem": ""}).tag(sync=True)

    def __init__(self, call, compute, sliders, values, settings, choices=()):
        pairs = [slider.at(value) for slider, value in zip(sliders, values, strict=True)]
        chosen = {name: option(name, settings[name], options) for name, options in dict(choices).items()}
        super().__init__()
        self.call, self.compute, self.choices = call, compute, dict(choices)
        self.sliders, self.index = [s for s, _ in pairs], [i for _, i in pairs]
        self.settings = {}
        self._choose([part for pair in chosen.items() for part in pair])
        self.settings |= {name: value for name, value in settings.items() if name not in chosen}
        self.first = self.settings  # what Reset brings back
        self.observe(lambda change: self._asked(**change.new), "ask")

    def _open(self, shown, step):
        """Compute the first picture; if it has not what is asked for, leave nothing behind."""
        try:
            self._refresh()
            self.state = {**self.state, **self._checked(shown, step)}
        except Exception:
            self.close()
            raise

    def _asked(self, n=0, **what):
        """Answer request n of the browser, and say so; if it fails, say why and stay with what is shown."""
        before, problem = self.settings, ""
        try:
            with self.hold_sync():
                self._answer(**what)
        except Exception as error:
            self.settings, problem = before, str(error)
            raise
        finally:
            self.answered = {"n": n, "problem": problem}

    def _choose(self, choice, fresh=False):
        """Take over what the options of [name, option, name, option, …] set; `fresh`: after a Reset."""
        if fresh:
            self.settings = self.first
        for name, chosen in zip(choice[::2], choice[1::2], strict=True):
            self.settings = {**self.settings, **self.choices[name][chosen]}

    def _checked(self, shown, step):
        last = self.meta["steps"]
        if step is not None and not (finite(step) and 0 <= step <= last and step == round(step)):
            raise ValueError(f"step must be a whole number between 0 and {last}, got {step!r}")
        return {
            "shown": some("shown", shown, self.meta["keys"]),
            "step": last if step is None else int(step),
        }

    def _set_stage(self, stage):
        """Return a stage as PNG for both themes; draw it if it is another than before."""
        if stage is self.stage:
            return self.stages
        self.stage = stage
        light, axes = draw_stage(stage, "light", self.size)
        self.panels, self.places, self.pieces = list(map(panel, axes)), places(light), pieces(axes)
        dark, _ = draw_stage(stage, "dark", self.size, self.places)
        return {"light": png(light, 2), "dark": png(dark, 2)}

    def _describe(self, view, shapes):
        """Everything else the browser needs to know."""
        keys = list(dict.fromkeys(s.name for s in view.series))
        return {
            "lang": LANGUAGE,
            "words": WORDS,
            "size": [*self.size, UNIT],
            "panels": [panel.box for panel in self.panels],
            "pieces": self.pieces,
            "keys": keys,  # which lines: in `state`, and in the call through `literals`
            "names": keys,  # what the reader calls them
            "literals": [repr(key) for key in keys],
            "colours": {theme: [plots.ink(key, theme) for key in keys] for theme in ("light", "dark")},
            "markers": [plots.LINES[key]["marker"] for key in keys],
            "series": [
                {
                    "name": keys.index(s.name),
                    "panel": s.panel,
                    "scrub": s.scrub,
                    "fill": s.fill and (2 if hollow(s.name) else 1),
                    "shape": list(shape),
                }
                for s, shape in zip(view.series, shapes, strict=True)
            ],
            "says": [keys.index(key) for key in view.says],
            "steps": max((s.points.shape[2] for s in view.series if s.scrub), default=1) - 1,
            "sliders": [
                {
                    "name": s.name,
                    "label": s.label,
                    "values": [number(v) for v in s.values],
                    "literals": [literal(v) for v in s.values],
                }
                for s in self.sliders
            ],
            "choices": {  # of a menu: the value that stands, every [value, label], its own label
                name: [option(name, self.settings[name], options), [[o, o] for o in options], name]
                for name, options in self.choices.items()
            },
            "call": [self.call, {name: repr(value) for name, value in self.settings.items()}],
            "live": self.live,
        }

    def close(self):
        """Take the explorer off every page and out of memory, with the layout that ipywidgets made for it."""
        self.layout.close()
        super().close()

    def __repr__(self):
        """Return the call that opens this explorer as it stands; the browser puts the same parts together."""
        (call, settings), state, sliders = self.meta["call"], self.state, self.meta["sliders"]
        knobs = {s["name"]: s["literals"][i] for s, i in zip(sliders, state["index"], strict=False)}
        words = settings | knobs
        if self.meta["steps"]:
            words["step"] = state["step"]
        if len(state["shown"]) < len(self.meta["keys"]):
            words["shown"] = state["shown"]
        return f"{call}({', '.join(f'{k}={v}' for k, v in words.items())})"

    def still(self):
        """Draw what the browser shows: it is looked up in what the browser was sent."""
        keys, names, shown = self.meta["keys"], self.meta["names"], self.state["shown"]
        lines = [
            (keys[s["name"]], names[s["name"]], s, points)
            for s, points in zip(self.meta["series"], unpack(*self._sent()), strict=True)
            if keys[s["name"]] in shown
        ]
        return still(self.stage, lines, self.state["step"], self.size, self.places)

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "image/png": b64encode(png(self.still(), 0.8)).decode()}, metadata


class GridExplorer(Explorer):
    """A stage with lines on it, two sliders, a step to play, and settings that the kernel recomputes.

    Parameters
    ----------
    call : str
        The Python call that opens this explorer; the settings are copied as one line of it.
    compute : callable
        `compute(a, b, **settings) -> View`, for slider values of shape (A, 1) and (1, B); without `b` if
        there is one slider. The series have the same names whatever the settings.
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
        self.state = {"index": (self.index + [0])[:2], "shown": [], "step": 0}
        self._open(shown, step)

    def computed(self):
        """Compute the View of the whole grid for the present settings; only what is packed of it is kept."""
        return self._view(s.values for s in self.sliders)

    def _view(self, values):
        """Compute for the given values of each slider; the first runs down the grid, the second across."""
        shapes = ((-1, 1), (1, -1))
        grid = [v.reshape(shape) for v, shape in zip(values, shapes, strict=False)]
        return self.compute(*grid, **self.settings)

    def _sent(self):
        raw, shapes = zlib.decompress(self.atlas), [s["shape"] for s in self.meta["series"]]
        size = sum(a * b * n for a, b, n in shapes)
        return np.frombuffer(raw, "<i2", size), shapes, self.state["index"]

    def _refresh(self):
        """Compute the whole grid for the present settings and hand it to the browser in one message."""
        view = self.computed()
        stages = self._set_stage(view.stage)
        packed = [pack(s, self.panels[s.panel]) for s in view.series]
        texts = "\n".join("\n".join(texts.ravel()) for texts in (view.texts, *view.says.values()))
        with self.hold_sync():
            self.meta = self._describe(view, [p.shape for p in packed])
            self.stages, self.preview = stages, b""
            self.atlas = zlib.compress(b"".join(p.tobytes() for p in packed) + texts.encode())

    def _describe(self, view, shapes):
        point = self.point and pixels(self.panels[0], np.array(self.settings[self.point])).tolist()
        return {**super()._describe(view, shapes), "point": point}

    def _answer(self, choice=(), point=None, preview=False, fresh=False):
        """Recompute for a request of the browser: one slider position during a drag, else the grid."""
        self._choose(choice, fresh)
        if point is not None:
            x, y = self.panels[0].transform.inverted().transform((point[0], HEIGHT - point[1]))
            self.settings = {**self.settings, self.point: (round(float(x), 2), round(float(y), 2))}
        self._preview() if preview else self._refresh()

    def _preview(self):
        view = self._view(s.values[[i]] for s, i in zip(self.sliders, self.state["index"], strict=False))
        self.preview = b"".join(pack(s, self.panels[s.panel]).tobytes() for s in view.series)
