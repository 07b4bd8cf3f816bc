"""The trajectory explorer on a loss of one's own: a function, with a gradient or without, or a Surface."""

import numpy as np
import pytest
from ipywidgets import Widget

from losslab import explorers
from losslab.formulas import surfaces, trajectories

WINDOW = ((-3.0, 3.0), (-2.0, 2.0))


def valley(w1, w2):
    return w1**2 + 5 * (w2 - w1) ** 2


def slopes(w1, w2):
    return 2 * w1 - 10 * (w2 - w1), 10 * (w2 - w1)


def below(w1, w2):
    """A loss that is negative, and nowhere on the left."""
    return np.log(w1) * np.cos(w2) - 1


@pytest.fixture(autouse=True)
def closed():
    yield
    Widget.close_all()


def test_a_function_runs_by_its_differences_as_by_its_gradient():
    both = [
        explorers.explore(valley, window=WINDOW, start=(-2, 1.5), steps=300, gradient=gradient).computed()
        for gradient in (None, slopes)
    ]
    for one, other in zip(*(view.series for view in both), strict=True):
        stable = other.points[:33]  # up to a learning rate of 0.01
        np.testing.assert_allclose(one.points[:33, ..., 0], stable[..., 0], atol=1e-6)


def test_gradient_descent_on_a_function_is_that_of_the_formula():
    explorer = explorers.explore(valley, gradient=slopes, window=WINDOW, start=(-2, 1.5), lr=0.05)
    i, _ = explorer.state["index"]
    gd = next(s for s in explorer.computed().series if (s.key, s.panel) == ("GD", 0))
    w = np.array([-2, 1.5])
    for _ in range(100):
        w = w - 0.05 * np.array([12 * w[0] - 10 * w[1], 10 * (w[1] - w[0])])
    np.testing.assert_allclose(gd.points[i, 0, -1], w, rtol=1e-9)


def test_the_line_to_copy_names_the_functions():
    explorer = explorers.explore(valley, gradient=slopes, window=WINDOW, start=(-2, 1.5), step=7)
    line = repr(explorer)
    assert line == (
        "explorers.explore(surface=valley, gradient=slopes, window=((-3.0, 3.0), (-2.0, 2.0)), steps=100, "
        "start=(-2.0, 1.5), lr=0.03, beta=0.9, step=7)"
    )
    again = eval(line, {"explorers": explorers, "valley": valley, "slopes": slopes})
    assert repr(again) == line
    assert again.atlas == explorer.atlas
    assert repr(explorers.explore(valley)).startswith(
        "explorers.explore(surface=valley, steps=100, start=(-1.6"
    )
    assert "surface=f, " in repr(explorers.explore(lambda w1, w2: w1**2 + w2**2))


def test_a_surface_of_ones_own_is_opened_too():
    bowl = surfaces.quadratic((1.0, 3.0), name="bowl")
    explorer = explorers.explore(bowl)
    assert repr(explorer).startswith("explorers.explore(surface=surface, steps=100, start=(-1.6, 0.9), lr")
    assert list(explorer.meta["choices"]) == ["steps"], "no menu of surfaces"
    assert explorers.explore(bowl, start=(1, 1)).settings["start"] == (1.0, 1.0)
    with pytest.raises(ValueError, match="^window must be left out unless the surface is a function, got "):
        explorers.explore(bowl, window=WINDOW)


def test_the_start_is_dragged_as_finely_as_the_window_needs():
    small = explorers.explore(lambda w1, w2: w1**2 + w2**2, window=((0, 1e-3), (0, 1)), start=(1e-4, 0.5))
    left, top, width, height = small.meta["panels"][0]
    small.ask = {"point": [left + 0.3123 * width, top + 0.5 * height], "preview": True, "n": 1}
    assert small.answered["problem"] == ""
    x, y = small.settings["start"]
    assert x == pytest.approx(3.123e-4, abs=2e-6)
    assert x == round(x, 6)
    assert x != round(x, 5)
    assert y == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("f", "scale"), [(valley, "log"), (below, "linear"), (lambda w1, w2: 9 + w1, "linear")]
)
def test_the_axis_of_the_loss_suits_the_loss(f, scale):
    explorer = explorers.explore(f, window=((0.5, 3.0), (-1.0, 3.0)), start=(2.0, 1.0))
    _, curve = explorer.still().axes[:2]
    assert curve.get_yscale() == scale
    low, high = curve.get_ylim()
    x, y = np.meshgrid(np.linspace(0.5, 3, 11), np.linspace(-1, 3, 11))
    losses = f(x, y)
    assert low < losses[losses > 0].min() if scale == "log" else low < losses.min()
    assert high > losses.max()


def test_where_there_is_no_loss_nothing_is_drawn_and_a_run_ends():
    explorer = explorers.explore(below, window=((-1.0, 3.0), (-1.0, 3.0)), start=(0.2, 0.0), lr=0.3)
    for series in explorer.computed().series:
        *cells, count, _ = series.points.shape
        drawn = np.arange(count) < np.where(series.ends < 0, count, series.ends)[..., None]
        assert np.isfinite(series.points[drawn]).all()
    assert "GD diverged at step 1," in explorer.sentence()


def test_a_flat_loss_is_drawn_without_contours():
    explorer = explorers.explore(lambda w1, w2: 0 * w1 + 2)
    assert not explorer.still().axes[0].collections
    assert explorer.sentence() == "Loss at step 100: GD 2, Momentum 2, RMSProp 2, Adam 2."


def test_a_wide_window_does_not_end_a_run():
    """Within 5,000 of the origin, a run has not diverged."""
    view = explorers.explore(valley, window=((-5e3, 5e3), (-5e3, 5e3)), start=(-4e3, 4e3)).computed()
    assert all(series.ends[0, 0] < 0 for series in view.series)
    assert trajectories.diverged_at(np.array([[-4e3, 4e3]])) == 0
