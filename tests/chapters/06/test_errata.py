"""E064–E070, the worked example: the printed form fails the very fact that the correction satisfies."""

from functools import partial

import numpy as np
import pytest

from losslab.article import misprints
from losslab.formulas import losses, optim, regression, trajectories

ALPHA, X, Y = 0.01, 2.0, 3.0
printed = partial(misprints.worked_gradient_as_printed, x=X, y=Y)
ONE_POINT = [2.0], [3.0]
FOUR_POINTS = np.array([1.0, 2, 3, 4]), np.array([2.0, 3, 5, 6])


def loss(w, x=X, y=Y):
    with np.errstate(over="ignore"):
        return (y - w * x) ** 2


def corrected(w, x=X, y=Y):
    return -2 * x * (y - w * x)


def descend(gradient, steps, lr=ALPHA, w0=0.0):
    return trajectories.run(partial(optim.gd, lr=lr), gradient, w0, steps)


# --- the facts: each function asserts something that is true of the correction and false of the print ---


def is_the_slope_of_the_loss(gradient):
    for w, x, y in ((0.0, 2.0, 3.0), (1.0, 0.5, -2.0), (-0.3, -4.0, 1.0)):
        by_difference = (loss(w + 1e-6, x, y) - loss(w - 1e-6, x, y)) / 2e-6
        np.testing.assert_allclose(gradient(w, x, y), by_difference, rtol=1e-7)


def steps_towards_the_optimum(gradient):
    start, after = np.abs(descend(gradient, 1) - Y / X)
    assert after < start


def is_the_loss_after_the_printed_step(value):
    np.testing.assert_allclose(value, loss(descend(printed, 1)[1]), rtol=1e-12)


def falls_at_every_step(gradient):
    np.testing.assert_array_less(np.diff(loss(descend(gradient, 60))), 0)


def has_one_best_line(x, y):
    assert np.linalg.matrix_rank(regression.curvature(regression.design(x))) == 2


def brings_the_loss_down_for_every_input(rate):
    for x in (0.5, 2.0, 10.0):
        path = descend(partial(corrected, x=x), 100, rate(x))
        np.testing.assert_allclose(loss(path[-1], x), 0, atol=1e-3)


def ignores_how_often_the_data_is_copied(error):
    y_hat, y = np.array([0.0, 1.0]), np.array([3.0, -1.0])
    np.testing.assert_allclose(error(np.tile(y_hat, 5), np.tile(y, 5)), error(y_hat, y))


FACTS = {  # id: fact, its arguments as printed, its arguments corrected
    "E064": (is_the_slope_of_the_loss, [misprints.worked_gradient_as_printed], [corrected]),
    "E065": (steps_towards_the_optimum, [printed], [corrected]),
    "E066": (is_the_loss_after_the_printed_step, [3.75], [9.7344]),
    "E067": (falls_at_every_step, [printed], [corrected]),
    "E068": (has_one_best_line, ONE_POINT, FOUR_POINTS),
    "E069": (brings_the_loss_down_for_every_input, [lambda x: 0.01], [lambda x: 1 / (2 * x**2)]),
    "E070": (ignores_how_often_the_data_is_copied, [lambda a, b: ((b - a) ** 2).sum()], [losses.mse]),
}


# --- the example in full (B′) ---


def test_the_first_step_beside_its_correction():
    wrong, right = descend(printed, 1)[1], descend(corrected, 1)[1]
    np.testing.assert_allclose([wrong, wrong * X, loss(wrong)], [-0.06, -0.12, 9.7344])
    np.testing.assert_allclose([right, right * X, loss(right)], [0.12, 0.24, 7.6176])
    np.testing.assert_allclose([loss(wrong) / 9 - 1, loss(right) / 9 - 1], [0.0816, -0.1536])


def test_no_step_from_zero_gives_3_75():
    np.testing.assert_allclose([(3 - 3.75**0.5) / 2, (3 + 3.75**0.5) / 2], [0.5318, 2.4682], atol=5e-5)
    np.testing.assert_allclose(loss(np.array([0.5318, 2.4682])), 3.75, atol=5e-4)
    steps = -ALPHA * np.array([6, -6, 12, -12])
    np.testing.assert_allclose(loss(steps), [9.7344, 8.2944, 10.4976, 7.6176])
    assert np.argmax(loss(descend(corrected, 20)) < 3.75) == 6


def test_both_runs_are_the_tables():
    k = [1, 2, 3, 4, 5, 6, 10, 20, 50, 100, 200]
    good, bad = descend(corrected, 1000), descend(printed, 1000)
    w = [
        0.12,
        0.2304,
        0.331968,
        0.42541056,
        0.5113777152,
        0.590467,
        0.848417,
        1.216960,
        1.476800,
        1.499641,
        1.5,
    ]
    L = [
        7.6176,
        6.447537,
        5.457195,
        4.618970,
        3.909496,
        3.308997,
        1.698240,
        0.320447,
        2.1529e-3,
        5.15e-7,
        2.947e-14,
    ]
    np.testing.assert_allclose(good[k], w, atol=5.1e-7)
    np.testing.assert_allclose(loss(good[k]), L, rtol=2e-4)
    w = [
        -0.06,
        -0.1224,
        -0.187296,
        -0.254788,
        -0.324979,
        -0.397979,
        -0.720366,
        -1.786685,
        -9.160025,
        -74.2574,
        -3824.62,
    ]
    L = [9.7344, 10.5287, 11.3879, 12.3171, 13.3222, 14.4093, 19.7201, 43.2092, 454.54, 2.2957e4, 5.8557e7]
    np.testing.assert_allclose(bad[k], w, rtol=2e-6)
    np.testing.assert_allclose(loss(bad[k]), L, rtol=2e-5)
    np.testing.assert_allclose(loss(bad[1000]), 1.05e35, rtol=5e-3)


def test_steps_until_near_enough():
    path = descend(corrected, 300)
    first = [np.argmax(np.abs(path - 1.5) < tol) for tol in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)]
    assert first == [33, 61, 88, 116, 171]
    assert [np.argmax(loss(path) < tol) for tol in (1e-2, 1e-3, 1e-6, 1e-8)] == [41, 55, 97, 124]


@pytest.mark.parametrize(("number", "step"), [(np.float32, 1104), (np.float64, 9021)])
def test_where_the_printed_run_overflows(number, step):
    w, finite = number(0), []
    for _ in range(step + 1):
        finite.append(np.isfinite(loss(w, number(X), number(Y))))
        w = w - number(ALPHA) * misprints.worked_gradient_as_printed(w, number(X), number(Y))
    assert finite == [True] * step + [False]
    assert step == np.ceil(np.log(float(np.finfo(number).max) / 9) / np.log(1.0816))


def test_learning_rates_and_their_behaviour():
    lr = np.array([0.01, 0.05, 0.1, 0.125, 0.2, 0.24, 0.249, 0.25, 0.26, 0.5, 1.0])
    path = descend(corrected, 100, lr)
    np.testing.assert_allclose(path[1], [0.12, 0.6, 1.2, 1.5, 2.4, 2.88, 2.988, 3, 3.12, 6, 12])
    last = [5.15e-7, 0, 0, 0, 0, 5.15e-7, 1.805, 9, 4.36e7, 2.4e96, 9.4e169]
    np.testing.assert_allclose(loss(path[-1]), last, rtol=5e-3, atol=1e-29)
    np.testing.assert_array_equal(path[:4, 7], [0, 3, 0, 3])
    assert loss(path[1, 3]) == 0


@pytest.mark.parametrize(
    ("gradient", "factor", "sizes"),
    [
        (corrected, lambda x: 1 - 2 * ALPHA * x**2, {2: 5.15e-7, -2: 5.15e-7}),
        (misprints.worked_gradient_without_x, lambda x: 1 - 2 * ALPHA * x, {2: 2.56e-3, -2: 2.2957e4}),
        (misprints.worked_gradient_without_sign, lambda x: 1 + 2 * ALPHA * x**2, {2: 4.36e7, -2: 4.36e7}),
        (misprints.worked_gradient_as_printed, lambda x: 1 + 2 * ALPHA * x, {2: 2.2957e4, -2: 2.56e-3}),
    ],
)
def test_which_mistake_is_worse(gradient, factor, sizes):
    for x, size in sizes.items():
        path = descend(partial(gradient, x=x, y=Y), 100)
        np.testing.assert_allclose(path - Y / x, -Y / x * factor(x) ** np.arange(101), rtol=1e-10)
        np.testing.assert_allclose(loss(path[-1], x), size, rtol=5e-3)


def test_the_printed_rule_converges_by_accident():
    """Exactly for −1/α < x < 0: the missing −x is then positive."""
    for x, comes_in in ((2, False), (0.1, False), (-0.1, True), (-2, True), (-99, True), (-101, False)):
        path = descend(partial(misprints.worked_gradient_as_printed, x=x, y=Y), 3000)
        assert (loss(path[-1], x) < loss(path[0], x)) == comes_in, x
    np.testing.assert_allclose(descend(partial(printed, x=-2), 100)[-1], -1.4747, atol=5e-5)
    np.testing.assert_array_equal(descend(partial(printed, x=-1), 50), descend(partial(corrected, x=-1), 50))
    np.testing.assert_allclose(descend(partial(printed, x=-50), 1)[-1], Y / -50)
    assert loss(descend(partial(corrected, x=-50), 20)[-1], -50) > 1e60


def test_the_same_rate_for_other_inputs():
    np.testing.assert_allclose(
        descend(partial(corrected, x=10), 101)[[0, 1, 100, 101]], [0, 0.6, 0, 0.6], atol=1e-12
    )
    np.testing.assert_allclose(descend(partial(corrected, x=0.5), 100)[-1], 2.365, atol=5e-4)


def test_four_points_with_and_without_bias():
    x, y = FOUR_POINTS
    w = regression.solve(x[:, None], y)
    np.testing.assert_allclose([w[0], regression.loss(w, x[:, None], y)], [1.5667, 0.0917], atol=5e-5)
    line = regression.solve(regression.design(x), y)
    np.testing.assert_allclose([*line, regression.loss(line, regression.design(x), y)], [1.4, 0.5, 0.05])


OPTIMISERS = {  # rule, loss at steps 1, 2, 5, 10, 20, 50, 100, and from which step it stays below 1e-6
    "GD": (optim.gd, [7.618, 6.448, 3.909, 1.698, 0.320, 2.15e-3, 5.2e-7], 97),
    "EMA momentum": (optim.ema_momentum, [8.857, 8.588, 7.239, 4.303, 0.551, 0.0655, 2.1e-4], 146),
    "momentum": (optim.momentum, [7.618, 5.397, 0.162, 2.844, 0.757, 1.1e-3, 2.1e-4], 146),
    "Adam": (optim.adam, [8.88, 8.762, 8.41, 7.843, 6.778, 4.185, 1.626], 478),
    "RMSProp": (optim.rmsprop, [7.84, 7.092, 5.655, 4.239, 2.652, 0.786, 0.0925], 260),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_five_optimisers_on_the_example(name):
    rule, sizes, arrival = OPTIMISERS[name]
    path = trajectories.run(partial(rule, lr=ALPHA), corrected, 0.0, 2000)
    np.testing.assert_allclose(loss(path[[1, 2, 5, 10, 20, 50, 100]]), sizes, rtol=2e-2)
    assert trajectories.below_for_good(loss(path), 1e-6) == arrival


@pytest.mark.parametrize("lr", [ALPHA, ALPHA * 0.1])
def test_swinging_momentum_shrinks_by_the_root_of_beta_whatever_the_rate(lr):
    """EMA momentum is momentum with α(1 − β): both rates of the chapter give |eigenvalue| = √β."""
    columns = [optim.momentum(1.0, 8.0, 0.0, lr=lr), optim.momentum(0.0, 0.0, 1.0, lr=lr)]
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(np.transpose(columns))), 0.9**0.5)
