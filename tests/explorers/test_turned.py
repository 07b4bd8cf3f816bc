"""The turned ravine: gradient descent and momentum do not notice the angle, RMSProp and Adam do."""

from functools import partial

import numpy as np
import pytest

from losslab.explorers.views import turned
from losslab.formulas import optim, surfaces

ANGLES, RATES = np.array([[0.0], [45.0], [90.0]]), np.array([[0.03, 0.105]])
KEYS = ("GD", "Momentum", "RMSProp", "Adam")


@pytest.fixture(scope="module")
def view():
    return turned.compute(ANGLES, RATES)


def lines(view, key, panel):
    return [series for series in view.series if (series.key, series.panel) == (key, panel)]


def curves(view, key):
    return lines(view, key, 1)[0].points[..., 1]


@pytest.mark.parametrize(
    ("key", "straight", "turned"),
    [
        ("GD", 2.9e-3, 2.9e-3),
        ("Momentum", 2.3e-4, 2.3e-4),
        ("RMSProp", 4.2e-12, 1.1e-2),
        ("Adam", 3.4e-4, 0.44),
    ],
)
def test_the_losses_after_100_steps(view, key, straight, turned):
    at = view.steps.tolist().index(100)
    np.testing.assert_allclose(curves(view, key)[:2, 0, at], [straight, turned], rtol=0.03)


def test_two_rules_see_no_angle_and_two_do(view):
    early = view.steps <= 100
    for key in KEYS:
        straight, slanted, upright = curves(view, key)[:, 0, early]
        np.testing.assert_allclose(
            upright, straight, rtol=1e-5, atol=1e-13, err_msg="an axis is as good as the other"
        )
        if key in ("GD", "Momentum"):
            np.testing.assert_allclose(slanted, straight, rtol=1e-9)
        else:
            assert slanted[-1] > 100 * straight[-1]


@pytest.mark.parametrize("key", ["GD", "Momentum"])
def test_their_paths_turn_with_the_ravine(view, key):
    (path,) = (series.points for series in lines(view, key, 0))
    c = 0.5**0.5
    np.testing.assert_allclose(path[1, 0], path[0, 0] @ np.array([[c, c], [-c, c]]), atol=1e-12)


def test_a_path_is_that_of_the_rule_on_the_loss_written_out(view):
    """½(u² + 20 v²) with u = (w₁ + w₂)/√2, v = (w₂ − w₁)/√2: its gradient by hand, step by step."""
    c = 0.5**0.5
    x, y = surfaces.SURFACES["ravine"].start
    w = np.array([c * (x - y), c * (x + y)])
    rule = partial(optim.adam, lr=0.03)
    memory = ()
    (path,) = (series.points for series in lines(view, "Adam", 0))
    for step in range(61):
        np.testing.assert_allclose(path[1, 0, step], w, rtol=1e-9)
        g = np.array([[10.5, -9.5], [-9.5, 10.5]]) @ w
        w, *memory = rule(w, g, *memory)


def test_level_lines_have_one_loss_each_and_turn(view):
    for level, series in zip(turned.LEVELS, lines(view, "Level lines", 0), strict=True):
        x, y = np.moveaxis(series.points[:, 0], -1, 0)
        np.testing.assert_allclose((x[0] ** 2 + 20 * y[0] ** 2) / 2, level)
        np.testing.assert_allclose((10.5 * x[1] ** 2 - 19 * x[1] * y[1] + 10.5 * y[1] ** 2) / 2, level)
        np.testing.assert_allclose((20 * x[2] ** 2 + y[2] ** 2) / 2, level)


def test_the_sentence_says_angle_step_and_what_became_of_each(view):
    k = view.steps.tolist().index(100)
    said = view.sentence((1, 0), step=k)
    assert said.startswith(
        "Ravine turned by 45°, loss at step 100: GD 0.0029, Momentum 0.00023, RMSProp 0.011"
    )
    first = int(np.ceil(np.log(1e3 / 0.9) / np.log(1.1)))
    assert f"GD diverged at step {first}," in view.sentence((0, 1), step=k)
