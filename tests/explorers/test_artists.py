"""Drawing surfaces and runs, read back from the artists; and can every line be told from every other?"""

import dataclasses
import itertools

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from losslab.figures import artists, palette
from losslab.formulas.surfaces import SURFACES, quadratic
from losslab.learning.profiling import Span

RULES = ("GD", "Momentum", "RMSProp", "Adam")


@pytest.fixture
def ax():
    return Figure().subplots()


def luminance(colour):
    """WCAG 2 relative luminance."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# --- styles ---


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", palette.LINES)
def test_every_line_stands_out_from_every_ground(name, theme):
    grounds = palette.GROUND[theme](np.linspace(0, 1, 50))[:, :3]
    assert min(contrast(palette.colour(name, theme), ground) for ground in grounds) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_the_page(theme):
    assert contrast(palette.TEXT[theme], {"light": "#FFFFFF", "dark": "#111111"}[theme]) >= 7


@pytest.mark.parametrize(
    "names", [RULES, ("As printed", "Corrected"), ("Loss", "As printed", "Corrected")], ids=", ".join
)
def test_lines_that_meet_differ_in_more_than_colour(names):
    for a, b in itertools.combinations(names, 2):
        for key in ("color", "linestyle", "marker") if names == RULES else ("color", "marker"):
            assert palette.LINES[a][key] != palette.LINES[b][key], (a, b, key)


def test_every_line_has_a_colour_of_its_own_in_the_dark():
    """Lines of one colour on a light page, and only those, share one on a dark page."""
    pairs = {(palette.colour(key, "light"), palette.colour(key, "dark")) for key in palette.LINES}
    assert len(pairs) == len(dict(pairs)) == len({dark for _, dark in pairs})


def test_matplotlib_accepts_the_style():
    with rc_context(palette.STYLE):
        assert Figure().get_size_inches()[0] <= 7


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tint_reaches_everything_written_on_the_axes(ax, theme):
    ax.set(title="a", xlabel="b", ylabel="c")
    palette.tint(ax, theme)
    texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    assert {text.get_color() for text in texts} == {palette.TEXT[theme]}
    assert ax.get_facecolor()[3] == 0


# --- contours ---


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SURFACES)
def test_contours_show_the_window_and_the_minimum(ax, name, theme):
    surface = SURFACES[name]
    assert artists.contours(ax, surface, theme=theme) is None
    assert (ax.get_xlim(), ax.get_ylim()) == (surface.xlim, surface.ylim)
    (star,) = ax.lines
    ax.plot(99, 99)  # a run that leaves the window does not widen it
    np.testing.assert_array_equal(star.get_xydata(), [surface.minimum])
    assert (ax.get_xlim(), ax.get_ylim()) == (surface.xlim, surface.ylim)
    assert star.get_marker() == "*"
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_contours_are_where_the_loss_has_their_level(ax):
    """Every point of every ring has the loss that the ring stands for."""
    bowl = quadratic((1.0, 4.0))
    artists.contours(ax, bowl, resolution=400, levels=6)
    filled, rings = ax.collections
    assert len(rings.levels) == 6
    np.testing.assert_allclose(filled.levels, rings.levels)
    np.testing.assert_allclose(
        np.diff(np.log(rings.levels)), np.log(rings.levels[1] / rings.levels[0]), rtol=1e-9
    )
    for level, path in zip(rings.levels[2:], rings.get_paths()[2:], strict=True):
        if len(path.vertices):
            np.testing.assert_allclose(bowl.value(path.vertices), level, rtol=0.01)


def test_low_is_darker_than_high_on_a_light_page(ax):
    low, high = palette.GROUND["light"](0.0), palette.GROUND["light"](1.0)
    assert luminance(low[:3]) < luminance(high[:3])


def test_contours_without_a_minimum_have_no_star(ax):
    artists.contours(ax, dataclasses.replace(SURFACES["ravine"], minimum=None))
    assert len(ax.lines) == 0


# --- runs ---


def paths():
    steps = np.arange(21.0)
    return {
        "GD": np.stack([steps, -steps], -1),
        "Adam": np.stack([steps, steps**2], -1),
        "mine": np.stack([steps, 0 * steps], -1),
    }


def test_trajectories_are_drawn_point_by_point_in_their_styles(ax):
    assert artists.paths(ax, paths(), every=5) is None
    for line, (name, path) in zip(ax.lines, paths().items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), path)
        assert line.get_label() == name
        assert line.get_markevery() == 5
        if name in palette.LINES:
            assert line.get_color() == palette.LINES[name]["color"]
            assert line.get_marker() == palette.LINES[name]["marker"]


@pytest.mark.parametrize("gone", [1e6, -1e300, np.inf, -np.inf, np.nan])
def test_trajectories_leave_out_what_has_overflowed(ax, gone):
    path = np.array([[0.0, 0], [1, 1], [gone, 2]])
    artists.paths(ax, {"GD": path})
    drawn = ax.lines[0].get_xydata()
    np.testing.assert_array_equal(drawn[:2], path[:2])
    assert np.isnan(drawn[2, 0])
    assert np.isnan(path[2, 0]) == np.isnan(gone)  # the data is not touched


def test_losses_are_drawn_on_a_logarithmic_axis(ax):
    curves = {"GD": np.array([9.0, 1e-3, 1e-20, 0.0]), "Adam": np.array([9.0, 1e29, np.inf, np.nan])}
    assert artists.loss_curves(ax, curves) is None
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [9, 1e-3, 1e-16, 1e-16])  # zero stays visible
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [9, 1e29, np.nan, np.nan])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0, 1, 2, 3])


def test_curves_can_thin_their_markers(ax):
    artists.curves(ax, {"a": (range(9), range(9)), "b": (range(9), range(9))}, every=4)
    assert [line.get_markevery() for line in ax.lines] == [4, 4]


# --- a timeline ---

RAN = [
    Span("forward", "part", 0.0, 40.0),
    Span("backward", "part", 41.0, 59.0),
    Span("addmm", "operator", 1.0, 30.0),
    Span("relu", "operator", 32.0, 0.5),
    Span("mm", "operator", 50.0, 20.0),
    Span("addmm", "operator", 71.0, 5.0),
]


def test_what_ran_is_a_bar_as_long_as_it_took_in_its_lane(ax):
    artists.timeline(ax, RAN, {"operator": "operators", "part": "parts"})
    found = sorted((bar.get_y() + 0.4, bar.get_x(), bar.get_width()) for bar in ax.patches)
    expected = [(float(one.lane == "part"), one.start, one.length) for one in RAN]
    np.testing.assert_allclose(found, sorted(expected))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["operators", "parts"]
    assert ax.get_ylim() == (1.5, -0.5)  # the first lane on top
    assert ax.get_xlim() == (0, 100)


def test_names_stand_where_there_is_room_and_one_name_has_one_colour(ax):
    artists.timeline(ax, RAN, {"part": "", "operator": ""})
    assert [text.get_text() for text in ax.texts] == ["forward", "backward", "addmm", "mm"]
    colours = [bar.get_facecolor() for bar in ax.patches[2:]]
    assert colours[0] == colours[3]
    assert len(set(colours)) == 3


def test_lanes_that_nobody_asks_for_are_left_out_and_one_at_least_has_something(ax):
    artists.timeline(ax, RAN, {"part": "part"})
    assert len(ax.patches) == 2
    with pytest.raises(ValueError, match="there must be spans in the lanes kernel, got 6 elsewhere"):
        artists.timeline(ax, RAN, {"kernel": "GPU"})


def test_more_names_than_colours_are_grey(ax):
    many = [Span(f"op{k}", "operator", float(k), 20.0 - k) for k in range(9)]
    artists.timeline(ax, many, {"operator": ""})
    assert ax.patches[8].get_facecolor()[:3] == to_rgb(palette.HUES["grey"][0])
