"""No setting of any explorer breaks it, and nothing is left of an explorer that was closed."""

import gc
import inspect
import re
import tracemalloc
import weakref
import zlib

import numpy as np
import psutil
import pytest
from ipywidgets.widgets import widget as registry
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from losslab import explorers, grid, widget

OPENERS = {
    k: f for k, f in vars(explorers).items() if inspect.isfunction(f) and f.__module__ == explorers.__name__
}
GRID = [name for name, opener in OPENERS.items() if "GridExplorer(" in inspect.getsource(opener)]


@pytest.fixture(scope="module", params=GRID)
def explorer(request):
    explorer = OPENERS[request.param]()
    yield explorer
    explorer.close()


def options(explorer):
    """Take the options of every menu (some of a long one), as the browser asks, then the first again."""
    first = [(name, str(explorer.meta["choices"][name][0])) for name in explorer.choices]
    for name, choices in explorer.choices.items():
        for option in list(choices)[:: 1 + len(choices) // 8]:
            explorer.ask = {"choice": [name, option], "n": str((name, option))}
            assert str(explorer.meta["choices"][name][0]) == option, "the menu shows what was chosen"
            yield explorer.view
    for name, option in first:
        explorer.ask = {"choice": [name, option], "n": f"back to {option}"}
    yield explorer.view


def assert_finite_or_marked(view):
    """Every point is finite, up to the step at which its run is marked as diverged."""
    for series in view.series:
        *cells, count, _ = series.points.shape
        ends = np.full(cells, -1) if series.ends is None else series.ends
        drawn = np.arange(count) < np.where(ends < 0, count, ends)[..., None]
        assert np.isfinite(series.points[drawn]).all(), series.name
    numbers = [text.partition("write:")[0] for text in view.texts.ravel()]  # the writing may say anything
    assert not [text for text in numbers if re.search(r"\b(nan|inf)\b", text)]


def unpacked(explorer):
    """What the browser reads for every series, at all positions: how many points it draws, and CSS pixels."""
    raw, start = zlib.decompress(explorer.atlas), 0
    for described in explorer.meta["series"]:
        a, b, size = described["shape"]
        block = np.frombuffer(raw, "<i2", a * b * size, start).reshape(a, b, size)
        start += block.nbytes
        pixels = np.cumsum(block[..., 1:].reshape(a, b, 2, -1), axis=-1).swapaxes(-1, -2)
        yield block[..., 0], pixels / explorer.meta["size"][2]


def between(slider, rng, count=50):
    """The ends of a slider, its middle, and random values between its positions, in ascending order."""
    last = len(slider.values) - 1
    where = np.concatenate([[0, last // 2, last], rng.uniform(0, last, count)])
    values = np.interp(np.sort(where), np.arange(last + 1), slider.values)
    return np.round(values).astype(int) if slider.values.dtype.kind == "i" else values


def test_there_are_explorers():
    assert {"explore", "worked_example", "softmax", "price_list", "depth"} <= set(GRID)


def test_every_position_of_every_menu_is_finite_or_marked_as_diverged(explorer):
    for view in options(explorer):
        assert_finite_or_marked(view)
        for series, (drawn, pixels) in zip(view.series, unpacked(explorer), strict=True):
            want = grid.pixels(explorer.axes[series.panel], series.points)
            seen = np.arange(want.shape[2]) < drawn[..., None]
            np.testing.assert_allclose(pixels[seen], want[seen], atol=0.5 / grid.UNIT)


def test_ends_middle_and_fifty_random_settings_of_every_slider_in_all_pairs(explorer):
    rng = np.random.default_rng(0)
    values = [between(slider, rng) for slider in explorer.sliders]
    shapes = ((-1, 1), (1, -1))
    view = explorer.compute(
        *(v.reshape(shape) for v, shape in zip(values, shapes, strict=False)), **explorer.settings
    )
    assert view.texts.size == np.prod([len(v) for v in values])
    assert_finite_or_marked(view)


def test_every_value_within_the_ends_has_its_place_on_the_slider(explorer):
    rng = np.random.default_rng(1)
    for slider in explorer.sliders:
        for value in between(slider, rng):
            fitted, index = slider.at(value)
            assert fitted.values[index] == value
            assert fitted.values.dtype.kind == slider.values.dtype.kind
            assert (np.diff(fitted.values) >= 0).all()


def test_the_static_picture_can_be_drawn_at_both_ends_and_without_lines(explorer):
    last = [len(s["values"]) - 1 for s in explorer.meta["sliders"]]
    names, steps = explorer.meta["names"], explorer.meta["steps"]
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
    slider, index = grid.Slider("n", "neurons", np.arange(10, 31)).at(value)
    assert (index, slider.values[10]) == (10, 20)
    assert slider.values.dtype.kind == "i"


def test_a_slider_of_whole_numbers_takes_no_other():
    with pytest.raises(ValueError, match=r"^depth must be a whole number, got 20\.5$"):
        explorers.depth(depth=20.5)


# --- what is left of a closed explorer ---


def left():
    """Widgets that are registered, figures that are alive, figures that pyplot knows."""
    gc.collect()
    figures = sum(issubclass(type(thing), Figure) for thing in gc.get_objects())
    return len(registry._instances), figures, len(plt.get_fignums())


@pytest.mark.parametrize("name", OPENERS)
def test_nothing_is_left_of_a_closed_explorer(name):
    explorer = OPENERS[name]()
    explorer._repr_mimebundle_()
    model = explorer.comm.comm_id
    gone, view = weakref.ref(explorer), weakref.ref(explorer.view)
    explorer.close()
    del explorer
    assert model not in registry._instances
    gc.collect()
    assert gone() is None, f"these hold it: {gc.get_referrers(gone())}"
    assert view() is None


def small():
    """An explorer that is one in everything but the size of its picture."""

    def stage(figure, theme):
        ax = figure.subplots()
        ax.set_axis_off()
        return [ax]

    def compute(k):
        x = np.linspace(0, 1, 50)
        points = np.stack(np.broadcast_arrays(x, k[..., None] * x), -1)
        return grid.View(stage, [grid.Series("Loss", 0, points)], grid.each("slope {:.2f}", k))

    slider = grid.Slider("k", "slope", np.linspace(0, 1, 41))
    explorer = widget.GridExplorer("explorers.slope", compute, (slider,), (0.5,), {})
    explorer._repr_mimebundle_()
    return explorer


def traced():
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_a_hundred_cycles_of_opening_and_closing_leave_nothing(monkeypatch):
    png = widget.png
    monkeypatch.setattr(widget, "png", lambda figure, scale: png(figure, 0.1))
    for _ in range(19):
        small().close()
    before, things, process = left(), len(gc.get_objects()), psutil.Process().memory_info().rss
    tracemalloc.start()
    try:
        empty, one = traced(), small()
        held = traced() - empty
        one.close()
        del one
        warm = traced()
        for _ in range(80):
            small().close()
        growth = traced() - warm
    finally:
        tracemalloc.stop()
    assert left() == before, "widgets, figures, figures of pyplot"
    assert len(gc.get_objects()) < things + 80, "each cycle leaves an object behind"
    assert growth < 80 * 0.05 * held, f"{growth} bytes more after 80 cycles; an open explorer holds {held}"
    assert psutil.Process().memory_info().rss < 1.05 * process
