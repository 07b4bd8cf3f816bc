"""Amdahl's law on one machine: the bars are as long as the times, and the largest part decides."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from losslab.book import words
from losslab.explorers.views import speed_up


def at(share, times):
    return speed_up.compute(np.array([[share]]), np.array([[times]]))


def lengths(view, key):
    """Before and after, as they are drawn."""
    (bars,) = [series.points[0, 0] for series in view.series if series.key == key and series.panel == 0]
    return [np.ptp(bars[:4, 0]), np.ptp(bars[4:, 0])]


def test_a_part_that_takes_three_quarters_and_becomes_twice_as_fast_by_hand():
    view = at(0.75, 2.0)
    np.testing.assert_allclose(lengths(view, "Rest"), [0.25, 0.25])
    np.testing.assert_allclose(lengths(view, "Part"), [0.75, 0.375])
    (setting,) = [series.points[0, 0, 0] for series in view.series if series.key == "This setting"]
    np.testing.assert_allclose(setting, [2.0, 1 / 0.625])
    assert view.sentence().startswith(
        "q = 0.75, S_part = 2: the whole becomes 1.60 times as fast and takes 62.5% "
    )
    assert "more than 4 times" in view.sentence()
    assert view.sentence().endswith("the rest takes 40% of what is left.")


def test_the_part_begins_where_the_rest_ends_and_the_bars_are_one_above_the_other():
    view = at(0.6, 3.0)
    rest, part = (series.points[0, 0] for series in view.series[:2])
    assert rest[:, 0].max() == pytest.approx(0.4)
    assert part[:, 0].min() == pytest.approx(0.4)
    assert rest[:4, 1].min() > rest[4:, 1].max()
    for bars in (rest, part):  # one bar is left, and the next begun, at the left edge: no line crosses them
        assert bars[[0, 3, 4, 7], 0].tolist() == [bars[:, 0].min()] * 4


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_the_curve_stays_below_its_limit_and_passes_through_the_setting(share):
    view = at(share, 10.0)
    limit, whole, setting = (series.points.reshape(-1, 2) for series in view.series[2:])
    assert (whole[:, 1] <= limit[0, 1] + 1e-12).all()
    np.testing.assert_allclose(limit[:, 1], 1 / (1 - share))
    assert np.interp(10.0, *whole.T) == pytest.approx(setting[0, 1], rel=1e-2)


@pytest.mark.parametrize(
    ("share", "times", "said"),
    [
        (0.0, 5.0, "nothing is gained"),
        (0.9, 1.0, "nothing has changed yet"),
        (0.999, 1000.0, "than 1,000 times"),
    ],
)
def test_where_nothing_is_gained_it_says_so(share, times, said):
    assert said in at(share, times).sentence()


def test_the_bars_and_the_law_have_axes_that_hold_every_setting():
    bars, law = speed_up.stage(Figure(), "light", words.of("speed_up"))
    assert bars.get_xlim()[1] >= 1
    assert law.get_ylim()[0] < 1 < 1000 < law.get_ylim()[1]
