"""The explorers of chapter 5 that take one idea each, against another way of computing it."""

import numpy as np
import pytest

from losslab.explorers.views import bowl


def drawn(view, key, panel):
    """The points of a series at the only position there is."""
    (found,) = [series for series in view.series if (series.key, series.panel) == (key, panel)]
    return found.points[0, 0]


# --- bowl ---


def in_a_bowl(lr, curvature):
    return bowl.compute(np.array([[lr]]), np.array([[curvature]]))


@pytest.mark.parametrize(("lr", "curvature"), [(0.2, 1.0), (0.9, 2.0), (0.3, 4.0)])
def test_gd_in_a_bowl_is_a_power_of_its_factor(lr, curvature):
    view, t = in_a_bowl(lr, curvature), np.arange(31)
    w = (1 - lr * curvature) ** t
    np.testing.assert_allclose(drawn(view, "GD", 1), np.stack([t, w], -1), rtol=1e-9)
    np.testing.assert_allclose(drawn(view, "GD", 0), np.stack([w, curvature / 2 * w**2], -1), rtol=1e-9)


def test_the_path_stays_on_the_parabola():
    view = in_a_bowl(0.9, 2.0)
    w, loss = drawn(view, "Loss", 0).T
    path = drawn(view, "GD", 0)
    np.testing.assert_allclose(np.interp(path[:, 0], w, loss), path[:, 1], atol=1e-3)


@pytest.mark.parametrize(
    ("lr", "curvature", "said"),
    [
        (0.2, 1.0, "1 − αλ = 0.8: it shrinks. The limit is α = 2/λ = 2. After 30 steps |w| is 0.0012 times"),
        (
            0.5,
            2.0,
            "= 0: it lands in the minimum at once. The limit is α = 2/λ = 1. After 30 steps |w| is 0 ",
        ),
        (0.9, 2.0, "= -0.8: it shrinks and changes its sign at every step. The limit is α = 2/λ = 1."),
        (1.0, 2.0, "= -1: it changes its sign for ever and gets no smaller."),
        (1.1, 2.0, "= -1.2: it grows."),
    ],
)
def test_the_bowl_says_the_factor_and_the_limit(lr, curvature, said):
    assert said in in_a_bowl(lr, curvature).sentence()


def test_the_bowl_says_where_the_run_stands_at_a_step():
    assert in_a_bowl(0.2, 1.0).sentence(step=2).endswith("After 2 steps |w| is 0.64 times its start.")


def test_a_run_that_grows_leaves_the_bowl():
    (ends,) = {int(s.ends[0, 0]) for s in in_a_bowl(1.5, 2.0).series if s.key == "GD"}
    assert 2.0 ** (ends - 1) <= 10 < 2.0**ends, "the factor is −2"
