"""What the explorer of shifted and scaled inputs draws and says, against another way of computing it."""

import numpy as np
import pytest

from losslab.explorers.views import inputs
from losslab.formulas import regression

SETTINGS = [(0.0, 1.0), (1.5, 0.6), (-2.0, 3.0), (2.0, 1 / 3)]


def view(shift, scale):
    return inputs.compute(np.array([[shift]]), np.array([[scale]]))


def line(one, key, panel=0):
    """The points of every series of that key on that panel."""
    return [series.points[0, 0] for series in one.series if (series.key, series.panel) == (key, panel)]


def moved(shift, scale):
    return scale * inputs.POINTS + shift


def test_the_sliders_are_the_mean_and_the_deviation_of_the_inputs():
    for shift, scale in SETTINGS:
        x = np.array([dot[0, 0] for dot in line(view(shift, scale), "Data")])
        np.testing.assert_allclose([x.mean(), x.std()], [shift, scale], atol=1e-12)


@pytest.mark.parametrize(("shift", "scale"), SETTINGS)
def test_the_best_line_is_that_of_polyfit(shift, scale):
    (drawn,) = line(view(shift, scale), "Best line")
    want = np.polyval(np.polyfit(moved(shift, scale), inputs.Y, 1), drawn[:, 0])
    np.testing.assert_allclose(drawn[:, 1], want, rtol=1e-9)


@pytest.mark.parametrize(("shift", "scale"), SETTINGS)
def test_gradient_descent_is_a_power_of_a_matrix(shift, scale):
    X = regression.design(moved(shift, scale))
    curvature, minimum = regression.curvature(X), regression.solve(X, inputs.Y)
    step = np.eye(2) - 2 / np.trace(curvature) * curvature  # λmin + λmax is the trace
    want = [minimum - np.linalg.matrix_power(step, t) @ minimum for t in range(inputs.STEPS + 1)]
    (path,), (curve,) = line(view(shift, scale), "GD", 1), line(view(shift, scale), "GD", 2)
    np.testing.assert_allclose(path, want, atol=1e-9)
    above = regression.loss(path, X, inputs.Y) - regression.loss(minimum, X, inputs.Y)
    np.testing.assert_allclose(curve, np.stack([np.arange(len(path)), above], -1), atol=1e-12)
    (early,) = line(view(shift, scale), "GD after 10 steps")
    np.testing.assert_allclose(early[:, 1], path[10, 0] * early[:, 0] + path[10, 1])


@pytest.mark.parametrize(("shift", "scale"), SETTINGS)
def test_along_a_level_line_the_loss_is_the_same(shift, scale):
    X = regression.design(moved(shift, scale))
    least = regression.loss(regression.solve(X, inputs.Y), X, inputs.Y)
    start = (inputs.Y**2).mean() - least  # w = b = 0 has the same loss in every unit
    for ring, share in zip(line(view(shift, scale), "Level lines", 1), (1, 1 / 4, 1 / 16), strict=True):
        np.testing.assert_allclose(regression.loss(ring, X, inputs.Y) - least, share * start, rtol=1e-9)


@pytest.mark.parametrize(
    ("shift", "scale", "said"),
    [  # by hand: the matrix of second derivatives is 2 [[m² + s², m], [m, 1]]
        (0.0, 1.0, "Both curvatures are 2: κ = 1 and ρ = 0. Gradient descent at its best rate lands"),
        (0.0, 3.0, "The curvatures are 2 and 18: κ = 9. "),
        (0.0, 3.0, "by ρ = 0.800 at most: 11 steps for"),
        (0.0, 1.05, "by ρ = 0.049 at most: one step for"),
        (2.0, 1.0, "The curvatures are 0.343 and 11.7: κ = 34"),  # 6 ± √32
        (2.0, 1.0, "by ρ = 0.943 at most: 40 steps for"),
    ],
)
def test_it_says_what_the_shift_and_the_scale_do(shift, scale, said):
    assert said in view(shift, scale).sentence()


def test_the_factor_that_is_said_is_the_worst_of_both_directions():
    """Started in the steep or the flat direction, the error shrinks by exactly that factor."""
    curvatures, axes = np.linalg.eigh(inputs.curvature(moved(1.5, 0.6)))
    rho = (curvatures[1] - curvatures[0]) / curvatures.sum()
    for error, sign in zip(axes.T, (1, -1), strict=True):
        after = error - 2 / curvatures.sum() * inputs.curvature(moved(1.5, 0.6)) @ error
        np.testing.assert_allclose(after, sign * rho * error, atol=1e-12)
    assert f"ρ = {rho:.3f}" in view(1.5, 0.6).sentence()


def test_inputs_of_mean_0_and_deviation_1_are_on_the_grid_and_need_one_step():
    assert 0 in inputs.SLIDERS[0].values
    assert 1 in inputs.SLIDERS[1].values
    (curve,) = line(view(0.0, 1.0), "GD", 2)
    assert curve[1, 1] < 1e-12 < curve[0, 1]
