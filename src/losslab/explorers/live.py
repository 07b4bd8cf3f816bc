"""Explorers whose picture the kernel computes: while a slider moves, while a digit is drawn, while it trains.

The latest value wins: while one computation runs, the browser keeps only the newest input, never a queue.
"""

import threading
import time
from dataclasses import replace
from functools import partial
from inspect import isgeneratorfunction

import numpy as np
import traitlets

from losslab.book import words
from losslab.explorers.stage import beside, pack
from losslab.explorers.widget import Explorer

PAUSE = 0.05  # seconds between two pictures of a training: more would only queue up on the way


class LiveExplorer(Explorer):
    """A stage, sliders, menus and a drawing pad that the kernel answers, or a training with Run and Stop.

    Parameters
    ----------
    opener : function
    compute : callable
        `compute(**values) -> View`: one number per slider under the slider's name, the other settings, and
        `ink`, a uint8 array of shape (pad, pad), 0 (paper) to 255 (ink), if there is a pad. In the View,
        `points` have shape (n, 2) and every Sentence says one text; `image` is shown beside the pad. Every
        View has the same series in the same order; one without points yet has (0, 2). The stage is redrawn
        only after a choice.

        A generator function is a training: the explorer shows its first View (before the first step), a Run
        button iterates over it in a thread, and Stop takes effect at its next yield. Each View should carry
        `done=(steps, of_steps)`; a FloatingPointError ends the run and is shown in words. Letting go of a
        slider during a run starts it again with the new value.
    sliders : sequence of Slider
    menus : dict, optional
        As for `Explorer`, like `opener`. An option may set "ink": an example to start from.
    pad : int, optional
        Cells per side of a drawing pad, say 112; it is 280 CSS pixels wide whatever their number.
    pen : float
        Width of its pen in cells; default a tenth of the pad.
    shown : sequence of str, optional
        Keys of the series drawn at first; default all.
    **values
        As for `Explorer`; "ink", if given, is what is on the pad at first.

    Examples
    --------
    >>> def compute(ink, threshold):
    ...     share = (ink > threshold).mean()
    ...     bar = shapes.bars(np.array([share]))
    ...     text = Sentence("says", share=share)
    ...     return View("inked", stage, [Series("Measured", 0, bar, fill=True)], text, image=ink[::4, ::4])
    >>> def inked(threshold=128):
    ...     sliders = (Slider("threshold", np.arange(256)),)
    ...     return LiveExplorer(inked, compute, sliders, pad=112, threshold=threshold)
    """

    live = True
    ink = traitlets.CBytes().tag(sync=True, echo_update=False)  # C: what comes from a page is a memoryview
    answer = traitlets.Dict().tag(sync=True)  # one picture: its request, its lines, its words, its progress

    def __init__(self, opener, compute, sliders=(), menus=None, *, pad=0, pen=None, shown=None, **values):
        super().__init__(opener, compute, sliders, menus, values)
        ink = self.settings.pop("ink", np.zeros((pad, pad), np.uint8))
        self.pad, self.pen, self.size = pad, pen or pad / 10, (480, 320) if pad else self.size
        self.trains = isgeneratorfunction(compute)
        self._lock, self._run, self._thread = threading.RLock(), 0, None
        self.state = {"index": self.index, "shown": [], "step": 0}
        self._draw(ink)
        self._open(shown, None)

    def _draw(self, ink):
        """Put an image on the pad."""
        if np.shape(ink) != (self.pad, self.pad):
            raise ValueError(f"ink must have shape {(self.pad, self.pad)}, got {np.shape(ink)}")
        self.ink = np.asarray(ink, np.uint8).tobytes()

    def _views(self):
        """Return what `compute` gives for the present input: a View, or an iterator of Views."""
        values = {s.name: s.values[i].item() for s, i in zip(self.sliders, self.state["index"], strict=True)}
        if self.pad:
            values["ink"] = np.frombuffer(self.ink, np.uint8).reshape(self.pad, self.pad)
        return self.compute(**values, **self.settings)

    def _now(self):
        return next(self._views()) if self.trains else self._views()

    def _sent(self):
        return np.frombuffer(self.answer["data"], "<i2"), self.answer["shapes"], (0, 0)

    def still(self):
        """Draw what the browser shows, the drawing pad and what is seen of it included."""
        figure = super().still()
        if not self.pad:
            return figure
        titles = words.of("still", self.lang)["pad"], words.of("controls", self.lang)["seen"]
        ink = np.frombuffer(self.ink, np.uint8).reshape(self.pad, self.pad)
        images = ink, np.frombuffer(self.answer["image"], np.uint8).reshape(self.answer["shape"])
        seen = {title: one for title, one in zip(titles, images, strict=True) if one.size}
        return beside(figure, seen, self.lang)

    def _refresh(self, n=0):
        """Compute one picture, draw its stage, and hand everything to the browser in one message."""
        view = flat(self._now())
        with self._lock, self.hold_sync():
            stages = self._set_stage(view)
            self.meta = self._describe(view, [[1, 1, 0]] * len(view.series))
            self.stages = stages
            self._tell(view, n)

    def _describe(self, view, shapes):
        return {**super()._describe(view, shapes), "pad": [self.pad, self.pen], "trains": self.trains}

    def _tell(self, view, n, running=False, problem=""):
        """Show a View as the picture of request n, unless a newer request has come."""
        with self._lock:
            if self._run != n:
                return
            self.view = view = flat(view)
            packed = [pack(s, self.panels[s.panel]) for s in view.series]
            image = np.zeros((0, 0), np.uint8) if view.image is None else np.asarray(view.image, np.uint8)
            self.answer = {
                "n": n,
                "index": list(self.state["index"]),
                "shapes": [[1, 1, p.size] for p in packed],
                "data": b"".join(p.tobytes() for p in packed),
                "texts": [str(one) for one in view.said(self.lang)],
                "image": image.tobytes(),
                "shape": list(image.shape),
                "done": view.done and list(view.done),
                "running": running,
                "problem": problem,
            }

    def _asked(self, n=0, **what):
        with self._lock:
            self._run = n  # an older run ends at its next yield
        super()._asked(n, **what)

    def _answer(self, choice=(), run=False, fresh=False):
        """Compute for a request from the browser, or start or stop a run."""
        self._choose(choice, fresh)
        if "ink" in self.settings:
            self._draw(self.settings.pop("ink"))
        if choice or fresh:
            self._refresh(self._run)
        elif not run:
            self._tell(self.view if self.trains else self._now(), self._run)
        if run:
            work = partial(self._train, self._run, self._views(), self._thread)
            self._thread = threading.Thread(target=work, daemon=True)
            self._thread.start()

    def _train(self, n, views, before):
        """Show the pictures of run n until it ends or a newer request has come; in a thread of its own."""
        if before:
            before.join()
        view, shown, problem = self.view, 0.0, ""
        try:
            for view in views:
                if self._run != n:
                    return
                if time.monotonic() - shown > PAUSE:
                    self._tell(view, n, running=True)
                    shown = time.monotonic()
        except Exception as error:
            problem = str(error)
            if not isinstance(error, FloatingPointError):
                raise
        finally:
            self._tell(view, n, problem=problem)

    def close(self):
        """Stop a run, then close the widget."""
        self._run = None
        super().close()


def flat(view):
    """Return a View of one position whose `points` have the shape (1, 1, n, 2) of a grid."""
    series = [
        replace(s, points=np.reshape(s.points, (1, 1, *np.shape(s.points)[-2:])), scrub=False)
        for s in view.series
    ]
    return replace(view, series=series)
