"""No setting of any explorer breaks it, and nothing is left of an explorer that was closed."""

import gc
import inspect
import re
import tracemalloc
import weakref
from functools import partial
from types import FunctionType, ModuleType

import numpy as np
import psutil
import pytest
from comm.base_comm import BaseComm
from ipywidgets.widgets import widget as registry
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from site_demo import openers

from losslab import explorers
from losslab.book.words import Sentence
from losslab.explorers import contract, shapes, stage, widget
from losslab.figures import palette

pytestmark = pytest.mark.trains

GRID = [name for name, opener in openers().items() if "GridExplorer(" in inspect.getsource(opener)]
LIVE = {
    "train": explorers.train,
    "draw": explorers.draw,
    "draw-7": partial(explorers.draw, example="a 7", preparation="colours inverted"),
}


@pytest.fixture(scope="module", params=GRID)
def opened(request):
    """A list of one explorer, opened once for all tests; the last of them takes it out and closes it."""
    opened = [openers()[request.param]()]
    yield opened
    for explorer in opened:
        explorer.close()


@pytest.fixture
def explorer(opened):
    return opened[0]


@pytest.fixture
def small_png(monkeypatch):
    """PNGs of few pixels."""
    png = widget.png
    monkeypatch.setattr(widget, "png", lambda figure, scale, lang: png(figure, 0.1, lang))


def options(explorer):
    """Yield as it opened, then with the options of every menu (some of a long one), as the browser asks."""
    first = {name: chosen for name, (chosen, *_) in explorer.meta["choices"].items()}
    yield
    for name, choices in explorer.menus.items():
        for option in list(choices)[:: 1 + len(choices) // 8]:
            if option != explorer.meta["choices"][name][0]:
                choose(explorer, name, option)
                yield
    for name, option in first.items():  # what Reset sends
        choose(explorer, name, option)


def choose(explorer, name, option):
    explorer.ask = {"choice": [name, option], "n": f"{name}: {option}"}
    assert explorer.answered == {"n": explorer.ask["n"], "problem": ""}
    chosen, offered, _ = explorer.meta["choices"][name]
    assert (chosen, [one for one, _ in offered]) == (option, list(explorer.menus[name]))
    assert explorer.menus[name][option].items() <= explorer.settings.items()


def assert_finite_or_marked(view):
    """Every point is finite, up to the step at which its run is marked as diverged."""
    for series in view.series:
        *cells, count, _ = series.points.shape
        ends = np.full(cells, -1) if series.ends is None else series.ends
        at = view.stored() if series.scrub else np.arange(count)
        drawn = at < np.where(ends < 0, at[-1] + 1 if count else 0, ends)[..., None]
        assert np.isfinite(series.points[drawn]).all(), series.key
    texts = [str(text) for said in view.said("en") for text in said.ravel()]
    numbers = [text.partition("write:")[0] for text in texts]  # the writing may say anything
    assert not [text for text in numbers if re.search(r"\b(nan|inf)\b", text)]


def assert_atlas_holds(view, explorer):
    """The browser reads every series at all positions, in eighths of a CSS pixel, then every sentence."""
    shapes = [s["shape"] for s in explorer.meta["series"]] + [s[:3] for s in explorer.meta["said"]]
    numbers, texts = stage.inflate(explorer.atlas, sum(np.prod(shape) for shape in shapes))
    start = 0
    for series, described in zip(view.series, explorer.meta["series"], strict=True):
        a, b, size = described["shape"]
        block = numbers[start : start + a * b * size].reshape(a, b, size)
        block = np.broadcast_to(block, (*series.points.shape[:2], size))
        start += a * b * size
        drawn, moves = block[..., 0], block[..., stage.HEAD :].reshape(*block.shape[:2], 2, -1)
        got = np.cumsum(moves, axis=-1, dtype=np.int16).swapaxes(-1, -2) / explorer.meta["size"][2]
        want = stage.pixels(explorer.panels[series.panel], series.points)
        seen = np.arange(want.shape[2]) < drawn[..., None]
        np.testing.assert_allclose(got[seen], want[seen], atol=0.5 / stage.UNIT)
    texts = texts.split("\n")
    for said, (a, b, steps, count) in zip(view.said("en"), explorer.meta["said"], strict=True):
        which = np.cumsum(numbers[start : start + a * b * steps], dtype=np.uint16).reshape(a, b, steps)
        said = said if said.ndim == 3 else np.atleast_2d(said)[..., None]
        assert (np.array(texts[:count], object)[which] == said).all()
        start, texts = start + a * b * steps, texts[count:]
    assert (start, texts) == (len(numbers), [])


def assert_lines_differ_by_more_than_colour(view):
    drawn = {}
    for series in view.series:
        drawn.setdefault(series.panel, set()).add((series.key, series.fill))
    for names in drawn.values():
        marks = [palette.LINES[name]["marker"] for name, fill in names if not fill]
        assert len(marks) == len(set(marks)), names


def between(slider, rng, count=50):
    """The ends of a slider, its middle, and random values between its positions, in ascending order."""
    last = len(slider.values) - 1
    where = np.concatenate([[0, last // 2, last], rng.uniform(0, last, count)])
    values = np.interp(where, np.arange(last + 1), slider.values)
    return np.unique(np.round(values).astype(int) if slider.values.dtype.kind == "i" else values)


def test_every_explorer_is_driven():
    assert {"explore", "worked_example", "logits", "price_list", "vanishing"} <= set(GRID)
    assert {*GRID, *(name.partition("-")[0] for name in LIVE)} == set(openers()), "a live one is missing"


@pytest.mark.parametrize("name", LIVE)
def test_live_explorers_open_with_a_finite_picture_a_sentence_and_their_call(name):
    explorer = LIVE[name]()
    for series in explorer.view.series:
        assert np.isfinite(series.points).all()
    assert not re.search(r"\b(nan|inf)\b", explorer.view.sentence())
    for shown in (explorer.meta["keys"], []):
        last = [len(s.values) - 1 for s in explorer.sliders]
        explorer.state = {"index": last, "shown": shown, "step": 0}
        assert_copied(explorer).close()
    explorer.close()


def test_every_position_of_every_menu_is_finite_or_marked_as_diverged_and_is_sent(explorer):
    names = explorer.meta["keys"]
    for _ in options(explorer):
        assert explorer.meta["keys"] == names, "the legend stands"
        view = explorer.computed()
        assert_finite_or_marked(view)
        assert_lines_differ_by_more_than_colour(view)
        assert_atlas_holds(view, explorer)
        assert len(explorer.atlas) < 1e6
        assert len(explorer.atlas) + sum(map(len, explorer.stages.values())) < 1.5e6


@pytest.fixture
def instant(explorer, monkeypatch):
    """Explorers of this kind open without computing and drawing anything."""
    view, png, drawn = explorer.computed(), explorer.stages, ("panels", "places", "pieces", "topic")

    def staged(self, _):
        for name in drawn:
            setattr(self, name, getattr(explorer, name))
        return png

    monkeypatch.setattr(widget.GridExplorer, "computed", lambda self: view)
    monkeypatch.setattr(widget.GridExplorer, "_set_stage", staged)
    monkeypatch.setattr(
        widget, "pack", lambda s, *_: np.zeros((1, 1, stage.HEAD + 2 * s.points.shape[2]), "<i2")
    )


def assert_copied(explorer):
    """The line to copy opens an explorer with the same settings, exactly, and the same line to copy."""
    again = eval(repr(explorer), {"explorers": explorers})
    for one, other in zip(explorer.sliders, again.sliders, strict=True):
        k = explorer.sliders.index(one)
        assert one.values[explorer.state["index"][k]] == other.values[again.state["index"][k]], one.name
    assert (again.settings, again.state) == (explorer.settings, explorer.state)
    assert repr(again) == repr(explorer)
    return again


@pytest.mark.usefixtures("instant")
def test_every_setting_survives_being_copied(explorer):
    """Every option, slider positions on the grid and off it, hidden lines, every step."""
    rng, opener, names = (
        np.random.default_rng(2),
        openers()[explorer.call.split(".")[1]],
        explorer.meta["keys"],
    )
    menus = [sets for options in explorer.menus.values() for sets in options.values()] or [{}]
    start = {explorer.point: tuple(rng.normal(size=2).tolist())} if explorer.point else {}
    for sets in [*menus, start]:
        off = {s.name: rng.choice(between(s, rng)).item() for s in explorer.sliders}
        one = opener(**{**explorer.settings, **sets, **off})
        last, steps = [len(s.values) - 1 for s in one.sliders], max(len(explorer.meta["steps"]), 1)
        for shown in ([], names[:1], names[1:], names):
            assert_copied(one).close()
            index = [int(rng.integers(k + 1)) for k in last]
            one.state = {"index": [*index, 0][:2], "shown": shown, "step": int(rng.integers(steps))}
            assert_copied(one).close()
        one.close()


def test_the_start_point_survives_being_dragged_and_copied():
    explorer = explorers.explore("beale", lr=0.09996, shown="GD")
    explorer.ask = {"point": [100.3, 200.7], "n": 1}
    again = assert_copied(explorer)
    assert again.atlas == explorer.atlas
    assert "lr=0.09996" in repr(again)
    again.close()
    explorer.close()


def test_every_position_of_every_slider_is_shown_as_what_it_is(explorer):
    for slider in explorer.meta["sliders"]:
        assert slider["values"] == slider["literals"]


def test_ends_middle_and_fifty_random_settings_of_every_slider_in_all_pairs(explorer):
    rng = np.random.default_rng(0)
    values = [between(slider, rng) for slider in explorer.sliders]
    shapes = ((-1, 1), (1, -1))
    view = explorer.compute(
        *(v.reshape(shape) for v, shape in zip(values, shapes, strict=False)), **explorer.settings
    )
    assert_finite_or_marked(view)


def test_a_narrow_page_can_stack_the_panels_of_the_picture(explorer):
    edge, columns = -1.0, 0  # panels that stand above one another share a piece
    for left, _, width, _ in sorted(panel.box for panel in explorer.panels):
        columns += left >= edge
        edge = max(edge, left + width)
    assert len(explorer.meta["pieces"]) == columns


def test_every_value_within_the_ends_has_its_place_on_the_slider(explorer):
    rng = np.random.default_rng(1)
    for slider in explorer.sliders:
        for value in between(slider, rng):
            fitted, index = slider.at(value)
            assert fitted.values[index] == value
            assert fitted.values.dtype.kind == slider.values.dtype.kind
            assert (np.diff(fitted.values) >= 0).all()


@pytest.mark.usefixtures("small_png")
def test_the_static_picture_can_be_drawn_at_both_ends_and_without_lines(explorer):
    last = [len(s["values"]) - 1 for s in explorer.meta["sliders"]]
    names, steps = explorer.meta["keys"], max(len(explorer.meta["steps"]) - 1, 0)
    before = explorer.state
    for index, step, shown in (([0, 0], 0, names), ([*last, 0][:2], steps, names), ([0, 0], steps, [])):
        explorer.state = {"index": index, "step": step, "shown": shown}
        data, _ = explorer._repr_mimebundle_()
        assert data["image/png"].startswith("iVBOR")
        assert data["text/plain"].startswith(f"{explorer.call}(")
    explorer.state = before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("value", [20, 20.0, np.int64(20)])
def test_a_whole_number_may_come_as_any_kind_of_number(value):
    slider, index = contract.Slider("n", np.arange(10, 31)).at(value)
    assert (index, slider.values[10]) == (10, 20)
    assert slider.values.dtype.kind == "i"


# --- what is left of a closed explorer ---


def left():
    """Widgets that are registered, figures that are alive, figures that pyplot knows."""
    gc.collect()
    figures = sum(issubclass(type(thing), Figure) for thing in gc.get_objects())
    return len(registry._instances), figures, len(plt.get_fignums())


def test_nothing_is_left_of_an_explorer_that_was_used_and_closed(opened):
    assert_nothing_is_left_of_the_only(opened)


@pytest.mark.parametrize("name", LIVE)
def test_nothing_is_left_of_a_live_explorer_that_was_closed(name):
    assert_nothing_is_left_of_the_only([LIVE[name]()])


def assert_nothing_is_left_of_the_only(opened):
    explorer = opened.pop()
    explorer._repr_mimebundle_()
    model = explorer.comm.comm_id
    gone, panel = weakref.ref(explorer), weakref.ref(explorer.panels[0])
    explorer.close()
    del explorer
    assert model not in registry._instances
    gc.collect()
    assert gone() is None, f"these hold it: {gc.get_referrers(gone())}"
    assert panel() is None


@pytest.mark.parametrize("name", openers())
def test_an_open_explorer_holds_neither_lines_as_computed_nor_figures(name):
    """ipywidgets keeps what a cell has opened until the kernel ends, and cells are run again and again."""
    explorer = openers()[name]()
    explorer._repr_mimebundle_()
    gc.collect()
    held = list(reached(explorer))
    size = sum(one.nbytes if isinstance(one, np.ndarray) else len(one) for one in held if sized(one))
    assert size < 2e6, f"{size / 1e6:.1f} MB"
    assert not [one for one in held if isinstance(one, Figure)], "with its pixels: 9 MB"
    explorer.close()


def sized(one):
    return isinstance(one, bytes | str) or (isinstance(one, np.ndarray) and one.base is None)


def reached(explorer):
    """Everything that an explorer keeps alive for itself: not its class, its functions, what it talks to."""
    seen, stack = set(), [explorer.__dict__]
    while stack:
        one = stack.pop()
        if id(one) not in seen and not isinstance(one, type | ModuleType | FunctionType | BaseComm):
            seen.add(id(one))
            stack += gc.get_referents(one)
            stack += [one.base] if isinstance(one, np.ndarray) and one.base is not None else []
            yield one


def small():
    """An explorer that is one in everything but the size of its picture."""

    def stage(figure, theme, words):
        ax = figure.subplots()
        ax.set_axis_off()
        return [ax]

    def compute(k):
        x = np.linspace(0, 1, 50)
        series = [contract.Series("Loss", 0, shapes.points(x, k[..., None] * x))]
        return contract.View(SLOPE, stage, series, Sentence("says", k=k))

    def slope(k=0.5):
        return widget.GridExplorer(slope, compute, (contract.Slider("k", np.linspace(0, 1, 41)),), k=k)

    explorer = slope()
    explorer._repr_mimebundle_()
    return explorer


SLOPE = {"slider.k": "slope", "says": "slope {k:.2f}"}


def traced():
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.usefixtures("small_png")
def test_a_hundred_cycles_of_opening_and_closing_leave_nothing():
    for _ in range(19):
        small().close()
    before, things, process = left(), len(gc.get_objects()), psutil.Process().memory_info().rss
    for _ in range(60):
        small().close()
    tracemalloc.start()
    try:
        empty, one = traced(), small()
        held = traced() - empty
        one.close()
        del one
        warm = traced()
        for _ in range(20):  # tracing makes them slow
            small().close()
        growth = traced() - warm
    finally:
        tracemalloc.stop()
    assert left() == before, "widgets, figures, figures of pyplot"
    assert len(gc.get_objects()) < things + 80, "each cycle leaves an object behind"
    assert growth < 20 * 0.05 * held, f"{growth} bytes more after 20 cycles; an open explorer holds {held}"
    assert psutil.Process().memory_info().rss < 1.05 * process
