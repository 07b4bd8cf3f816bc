"""The line through many points: shapes, limits and what it refuses. Its formulas are in test_equations_06."""

from functools import partial

import numpy as np
import pytest

from losslab.formulas import optim, regression, trajectories


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 3, 12), rng.normal(0, 5, 12)
    return regression.design(x), y


def test_many_lines_are_one_at_a_time(problem):
    X, y = problem
    thetas = np.random.default_rng(1).normal(size=(4, 3, 2))
    for i in np.ndindex(4, 3):
        for f in (regression.residual, regression.loss, regression.gradient):
            np.testing.assert_allclose(f(thetas, X, y)[i], f(thetas[i], X, y), rtol=1e-12)


@pytest.mark.parametrize(("share", "ends_below"), [(0.99, True), (1.01, False)])
def test_descent_converges_exactly_below_the_limit(problem, share, ends_below):
    X, y = problem
    rule = partial(optim.gd, lr=share * regression.lr_limit(X))
    path = trajectories.run(rule, lambda theta: regression.gradient(theta, X, y), [1.0, -1.0], 2000)
    excess = regression.loss(path[[0, -1]], X, y) - regression.loss(regression.solve(X, y), X, y)
    assert (excess[1] < excess[0]) == ends_below, excess


def test_of_equally_good_lines_the_shortest_is_taken():
    X = regression.design([2])
    theta = regression.solve(X, [3])
    np.testing.assert_allclose(regression.loss(theta, X, [3]), 0, atol=1e-24)
    for other in ([1.5, 0], [0, 3]):
        assert np.linalg.norm(theta) < np.linalg.norm(other)


@pytest.mark.parametrize("x", [3.0, np.zeros((4, 1))], ids=["a number", "a column"])
def test_design_wants_one_input_per_sample(x):
    with pytest.raises(ValueError, match=r"x must be \(N,\), one input per sample, got "):
        regression.design(x)


@pytest.mark.parametrize(
    ("theta", "y", "got"),
    [
        (np.zeros(2), np.zeros((12, 1)), r"\(2,\), \(12, 2\) and \(12, 1\)"),
        (np.zeros(2), np.zeros(11), r"\(2,\), \(12, 2\) and \(11,\)"),
        (np.zeros(3), np.zeros(12), r"\(3,\), \(12, 2\) and \(12,\)"),
        (0.0, np.zeros(12), r"\(\), \(12, 2\) and \(12,\)"),
    ],
)
@pytest.mark.parametrize("name", ["residual", "loss", "gradient"])
def test_shapes_that_do_not_fit_are_refused(problem, name, theta, y, got):
    with pytest.raises(ValueError, match=r"theta must be \(\.\.\., d\), X \(N, d\) and y \(N,\), got " + got):
        getattr(regression, name)(theta, problem[0], y)
