"""Explorers whose every slider position is computed in advance, so that the browser only looks up and draws.

compute (a function in `views`) → pack (`stage`) → draw (`front`, no maths). While a slider moves, no message
goes to the kernel. It is asked only for what is not on the grid: another surface, another start.
"""

from base64 import b64encode
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from IPython.display import Image

from losslab.book import words
from losslab.explorers.arguments import finite, option, some
from losslab.explorers.contract import literal, number, vocabulary
from losslab.explorers.stage import (
    HEIGHT,
    UNIT,
    WIDTH,
    deflate,
    draw_stage,
    inflate,
    invite,
    kind,
    pack,
    pack_words,
    panel,
    pieces,
    pixels,
    places,
    png,
    still,
    strokes,
    unpack,
)
from losslab.figures import palette

FRONT = Path(__file__).with_name("front")
PARTS = "draw", "controls", "kernel", "explorer"  # of one module, in this order: none imports another


def front():
    """Return what draws explorers in the browser: one ES module, and its style sheet."""
    module = "\n".join((FRONT / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    return module, (FRONT / "widget.css").read_text(encoding="utf-8")


class Explorer(anywidget.AnyWidget):
    """What grid and live explorers share: a stage, a settings line, and a browser that asks by number.

    Parameters
    ----------
    opener : function
        What opens this explorer: `explorers.` and its name form the call that is copied with the settings.
    compute : callable
        See the two kinds of explorers.
    sliders : sequence of Slider
    menus : dict of name -> options
        Settings offered as menus. An option sets the setting that its menu is named after; a dict of
        option -> dict says what else it sets.
    values : dict
        Where each slider stands, and the other keywords of `compute`.
    written : dict of name -> text, optional
        What the line to copy says of settings whose values are no Python that can be read, such as functions.
    """

    # As text: given a Path, anywidget keeps every explorer forever, to notify it when the file changes.
    _esm, _css = front()
    size = WIDTH, HEIGHT
    live = False
    stage = None  # the function that drew the current stage
    meta = traitlets.Dict().tag(sync=True)
    stages = traitlets.Dict().tag(sync=True)  # theme -> PNG
    # Written by the browser: index, step (a position in meta.steps), shown, when a control is released; and
    # request n, what to compute.
    state = traitlets.Dict().tag(sync=True)
    ask = traitlets.Dict().tag(sync=True, echo_update=False)
    answered = traitlets.Dict({"n": 0, "problem": ""}).tag(sync=True)

    def __init__(self, opener, compute, sliders, menus, values, written=None):
        pairs = [slider.at(values[slider.name]) for slider in sliders]
        settings = {k: v for k, v in values.items() if k not in [slider.name for slider in sliders]}
        menus = {name: dict(sets(name, options)) for name, options in dict(menus or {}).items()}
        chosen = {name: option(name, settings[name], options) for name, options in menus.items()}
        super().__init__()
        self.call, self.compute, self.menus = f"explorers.{opener.__name__}", compute, menus
        self.written = dict(written or {})
        self.sliders, self.index = [s for s, _ in pairs], [i for _, i in pairs]
        self.lang = words.language()
        self.settings = {}
        self._choose([part for pair in chosen.items() for part in pair])
        self.settings |= {name: value for name, value in settings.items() if name not in chosen}
        self.first = self.settings  # what Reset brings back
        self.observe(lambda change: self._asked(**change.new), "ask")

    def _open(self, shown, step):
        """Compute the first picture; if it lacks what is asked for, leave nothing behind."""
        try:
            self._refresh()
            self.state = {**self.state, **self._checked(shown, step)}
        except Exception:
            self.close()
            raise

    def _asked(self, n=0, **what):
        """Answer the browser's request n, and say so; if that fails, say why and keep what is shown."""
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
        """Apply what the options of [name, option, name, option, …] set; `fresh`: after a Reset."""
        if fresh:
            self.settings = self.first
        for name, chosen in zip(choice[::2], choice[1::2], strict=True):
            self.settings = {**self.settings, **self.menus[name][chosen]}

    def _checked(self, shown, step):
        steps = np.array(self.meta["steps"] or [0])
        last = steps[-1]
        if step is not None and not (finite(step) and 0 <= step <= last and step == round(step)):
            raise ValueError(f"step must be a whole number between 0 and {last}, got {step!r}")
        return {
            "shown": some("shown", shown, self.meta["keys"]),
            "step": int(np.abs(steps - (last if step is None else int(step))).argmin()),
        }

    def _set_stage(self, view):
        """Return a view's stage as PNG for both themes; draw it if it differs from the last one."""
        if view.stage is self.stage:
            return self.stages
        self.stage, self.topic = view.stage, view.topic
        light, axes = draw_stage(self.stage, "light", self.topic, self.lang, self.size)
        self.panels, self.places, self.pieces = list(map(panel, axes)), places(light), pieces(axes)
        dark, _ = draw_stage(self.stage, "dark", self.topic, self.lang, self.size, self.places)
        return {"light": png(light, 2, self.lang), "dark": png(dark, 2, self.lang)}

    def _describe(self, view, shapes):
        """Everything else the browser needs to know."""
        keys, known = list(dict.fromkeys(s.key for s in view.series)), vocabulary(view.topic, self.lang)
        return {
            "lang": self.lang,
            "words": words.of("controls", self.lang),
            "size": [*self.size, UNIT],
            "panels": [panel.box for panel in self.panels],
            "pieces": self.pieces,
            "keys": keys,  # which lines: in `state`, and in the call through `literals`
            "names": [known[key] for key in keys],  # what the reader calls them
            "literals": [repr(key) for key in keys],
            "colours": {theme: [palette.colour(key, theme) for key in keys] for theme in ("light", "dark")},
            "markers": [palette.LINES[key]["marker"] for key in keys],
            "series": [
                {
                    "name": keys.index(s.key),
                    "panel": s.panel,
                    "scrub": s.scrub,
                    "fill": kind(s),
                    "shape": list(shape),
                    **how,
                }
                for s, shape, how in zip(view.series, shapes, strokes(view.series), strict=True)
            ],
            "says": [keys.index(key) for key in view.says],
            "steps": view.stored().tolist(),  # what the positions of the step control stand for
            "sliders": [
                {
                    "name": s.name,
                    "label": known[f"slider.{s.name}"],
                    "values": [number(v) for v in s.values],
                    "literals": [literal(v) for v in s.values],
                }
                for s in self.sliders
            ],
            "choices": {name: self._menu(name, options, known) for name, options in self.menus.items()},
            "call": [self.call, self.written | self._literals()],
            "live": self.live,
        }

    def _literals(self):
        return {name: repr(value) for name, value in self.settings.items() if name not in self.written}

    def _menu(self, name, options, known):
        """Return a menu's current option, every [option, label], and its own label.

        What has one name in every language, such as a digit or an optimiser, has no label among the words.
        """
        labels = [[one, known.get(f"option.{name}.{one}", one)] for one in options]
        return [option(name, self.settings[name], options), labels, known[f"menu.{name}"]]

    def close(self):
        """Remove the explorer from every page and from memory, with the layout ipywidgets made for it."""
        self.layout.close()
        super().close()

    def __repr__(self):
        """Return the call that opens this explorer as it stands; the browser puts the same parts together."""
        (call, settings), state, sliders = self.meta["call"], self.state, self.meta["sliders"]
        knobs = {s["name"]: s["literals"][i] for s, i in zip(sliders, state["index"], strict=False)}
        said = settings | knobs
        if steps := self.meta["steps"]:
            said["step"] = steps[state["step"]]
        if len(state["shown"]) < len(self.meta["keys"]):
            said["shown"] = state["shown"]
        return f"{call}({', '.join(f'{k}={v}' for k, v in said.items())})"

    def still(self):
        """Draw what the browser shows, looked up in what the browser was sent."""
        keys, shown = self.meta["keys"], self.state["shown"]
        lines = zip(self.meta["series"], unpack(*self._sent()), strict=True)
        lines = [(keys[s["name"]], s, points) for s, points in lines if keys[s["name"]] in shown]
        return still(self.stage, self.topic, lines, self.state["step"], self.lang, self.size, self.places)

    def picture(self):
        """Return `still` for a cell above the explorer (IPython.display.Image)."""
        return Image(png(self.still(), 0.8, self.lang))

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        seen = png(invite(self.still(), self.lang), 0.8, self.lang)
        return {**data, "image/png": b64encode(seen).decode()}, metadata


def sets(name, options):
    """Return what each option of a menu sets, {option: {setting: value}}, from such a dict or a sequence."""
    if isinstance(options, dict) and all(isinstance(one, dict) and name in one for one in options.values()):
        return options
    return {str(value): {name: value} for value in options}


class GridExplorer(Explorer):
    """A stage with lines on it, two sliders, a step to play, and settings that the kernel recomputes.

    Parameters
    ----------
    opener : function
    compute : callable
        `compute(a, b, **settings) -> View`, for slider values of shape (A, 1) and (1, B); without `b` if
        there is one slider. The series have the same keys whatever the settings.
    sliders : sequence of one or two Slider
    menus : dict, optional
        As for `Explorer`, like `opener` and `values`.
    point : str, optional
        The setting that is a point of the first panel and can be dragged there.
    shown : sequence of str, optional
        Keys of the series drawn at first; default all.
    step : int, optional
        Step shown at first, or the nearest of those that are stored (`View.steps`); default the last.
    written : dict, optional
        As for `Explorer`.
    **values
    """

    atlas = traitlets.Bytes().tag(sync=True)  # `deflate`: every series, which text is said where; the texts
    preview = traitlets.Dict().tag(sync=True)  # the current position alone, while the point is dragged

    def __init__(
        self,
        opener,
        compute,
        sliders,
        menus=None,
        *,
        point=None,
        shown=None,
        step=None,
        written=None,
        **values,
    ):
        super().__init__(opener, compute, sliders, menus, values, written)
        self.point = point
        self.state = {"index": (self.index + [0])[:2], "shown": [], "step": 0}
        self._open(shown, step)

    def computed(self):
        """Compute the View of the whole grid for the current settings; only its packed form is kept."""
        return self._view(s.values for s in self.sliders)

    def _view(self, values):
        """Compute for the given values of each slider; the first runs down the grid, the second across."""
        shapes = ((-1, 1), (1, -1))
        grid = [v.reshape(shape) for v, shape in zip(values, shapes, strict=False)]
        return self.compute(*grid, **self.settings)

    def sentence(self):
        """Return what is said at the present position of what is shown."""
        view = self._view(s.values[[i]] for s, i in zip(self.sliders, self.state["index"], strict=False))
        return view.sentence(None, self.state["shown"], self.lang, self.state["step"])

    def _sent(self):
        shapes = [s["shape"] for s in self.meta["series"]]
        count = sum(a * b * n for a, b, n in shapes) + sum(a * b * n for a, b, n, _ in self.meta["said"])
        return inflate(self.atlas, count)[0], shapes, self.state["index"]

    def _refresh(self):
        """Compute the whole grid for the current settings and hand it to the browser in one message."""
        view = self.computed()
        stages = self._set_stage(view)
        grid = [len(s.values) for s in self.sliders] + [1]
        shapes, data, said, texts = self._packed(view, grid[:2])
        with self.hold_sync():
            self.meta = {**self._describe(view, shapes), "said": said}
            last = max(len(self.meta["steps"]) - 1, 0)
            self.state = {**self.state, "step": min(self.state["step"], last)}
            self.stages, self.preview = stages, {}
            self.atlas = deflate(data, texts)

    def _packed(self, view, grid=(1, 1)):
        """Return the shape of each packed series; all bytes, `pack_words` last; its shapes, texts."""
        steps, told = view.stored(), view.told(self.lang)
        packed = [pack(s, self.panels[s.panel], steps) for s in view.series]
        for _, where in told:
            np.broadcast_to(where, (*grid, max(len(steps), 1)))  # else a text would be said elsewhere
        which, said, texts = pack_words(told)
        return [p.shape for p in packed], b"".join(p.tobytes() for p in packed) + which, said, texts

    def _describe(self, view, shapes):
        point = self.point and pixels(self.panels[0], np.array(self.settings[self.point])).tolist()
        return {**super()._describe(view, shapes), "point": point}

    def _answer(self, choice=(), point=None, preview=False, fresh=False):
        """Recompute for a request from the browser: one slider position during a drag, else the grid."""
        self._choose(choice, fresh)
        if point is not None:
            inverse = self.panels[0].transform.inverted()
            at, beside = inverse.transform([(point[0] + k, HEIGHT - point[1] + k) for k in (0, 1)])
            digits = np.maximum(2, np.ceil(-np.log10(beside - at))).astype(int)  # those of a pixel
            here = tuple(round(float(v), int(n)) for v, n in zip(at, digits, strict=True))
            self.settings = {**self.settings, self.point: here}
        self._preview() if preview else self._refresh()

    def _preview(self):
        view = self._view(s.values[[i]] for s, i in zip(self.sliders, self.state["index"], strict=False))
        _, data, said, texts = self._packed(view)
        self.preview = {"data": data, "said": said, "texts": texts}
