"""Running a rule: the whole path, its edge cases, and rules × surfaces."""

import warnings
from functools import partial

import numpy as np
import pytest

from losslab.formulas import optim, surfaces
from losslab.formulas.trajectories import below_for_good, diverged_at, loss_along, run, run_long, thinned


def bowl(w):
    return w


STEP = partial(optim.gd, lr=0.5)


def test_the_path_begins_at_the_start_and_has_one_point_per_step():
    np.testing.assert_array_equal(run(STEP, bowl, [4.0, -8.0], 2), [[4, -8], [2, -4], [1, -2]])


def test_no_steps_leave_the_start():
    np.testing.assert_array_equal(run(STEP, bowl, [4.0, -8.0], 0), [[4, -8]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: run(STEP, bowl, [1.0], -1), "steps must be a whole number, 0 or more, got -1"),
        (lambda: run(STEP, bowl, [1.0], 2.5), "steps must be a whole number, 0 or more, got 2.5"),
        (
            lambda: run(STEP, lambda w: w[:, None], [1.0, 2.0], 3),
            r"gradient must keep the shape of w, \(2,\), got \(2, 1\)",
        ),
        (
            lambda: run_long(STEP, bowl, [1.0], [0, 2, 1]),
            r"keep must be ascending whole numbers, 0 or more, got \[0, 2, 1\]",
        ),
        (
            lambda: run_long(STEP, bowl, [1.0], [1, 1]),
            r"keep must be ascending whole numbers, 0 or more, got \[1, 1\]",
        ),
        (
            lambda: run_long(STEP, bowl, [1.0], [-1, 1]),
            r"keep must be ascending whole numbers, 0 or more, got \[-1, 1\]",
        ),
        (
            lambda: run_long(STEP, bowl, [1.0], [0, 1.5]),
            r"keep must be ascending whole numbers, 0 or more, got \[0.0, 1.5\]",
        ),
        (
            lambda: run_long(STEP, bowl, [1.0], [[0, 1]]),
            r"keep must be ascending whole numbers, 0 or more, got \[\[0, 1\]\]",
        ),
        (
            lambda: run_long(STEP, bowl, [1.0], np.array([], int)),
            r"keep must be ascending whole numbers, 0 or more, got \[\]",
        ),
        (
            lambda: run_long(STEP, lambda w: w[:, None], [1.0, 2.0], [0, 3]),
            r"gradient must keep the shape of w, \(2,\), got \(2, 1\)",
        ),
        (lambda: run_long(STEP, bowl, [1.0], [0, 1], 0), "limit must be positive, got 0"),
        (lambda: diverged_at([1.0, 2.0]), r"a path must be \(steps \+ 1, ..., d\), got \(2,\)"),
        (lambda: diverged_at([[1.0, 2.0]], 0), "limit must be positive, got 0"),
        (lambda: diverged_at([[1.0, 2.0]], np.nan), "limit must be positive, got nan"),
    ],
)
def test_what_would_go_wrong_silently_is_refused(call, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        call()


def test_a_number_may_start_on_a_whole_grid_of_gradients():
    path = run(STEP, lambda w: w + np.array([[1.0], [2.0]]), 0.0, 3)
    assert path.shape == (4, 2, 1)


def test_a_whole_number_of_numpy_is_one_and_a_limit_may_be_small():
    assert len(run(STEP, bowl, [1.0], np.int64(2))) == 3
    assert diverged_at([[0.0, 0.0], [0.5, 0.0]], 0.1) == 1


def test_a_scalar_start_gives_a_line():
    path = run(STEP, bowl, 8, 3)
    assert path.shape == (4,)
    np.testing.assert_array_equal(path, [8, 4, 2, 1])


@pytest.mark.parametrize("start", [np.array([1]), np.array([1.0], np.float32)])
def test_every_path_is_in_64_bits(start):
    assert run(STEP, bowl, start, 0).dtype == np.float64
    np.testing.assert_array_equal(run(STEP, bowl, start, 1), [[1], [0.5]])


def test_the_start_is_not_changed():
    start = np.array([4.0, 2.0])
    run(STEP, bowl, start, 3)
    np.testing.assert_array_equal(start, [4, 2])


def test_an_axis_of_knobs_broadcasts_and_repeats_the_start():
    lr = np.array([0.1, 0.5])[:, None]
    path = run(partial(optim.gd, lr=lr), bowl, [1.0, 2.0], 2)
    assert path.shape == (3, 2, 2)
    np.testing.assert_array_equal(path[0], [[1, 2], [1, 2]])
    np.testing.assert_allclose(path[2, :, 0], [0.81, 0.25])


def test_memory_is_carried_from_step_to_step():
    path = run(partial(optim.momentum, lr=1.0, beta=0.5), np.ones_like, [0.0], 3)
    np.testing.assert_array_equal(path[:, 0], [0, -1, -2.5, -4.25])


@pytest.mark.parametrize(
    "rule",
    [
        partial(optim.gd, lr=10.0),
        partial(optim.momentum, lr=10.0),
        partial(optim.rmsprop, lr=1e300),
        partial(optim.adam, lr=1e300),
        partial(optim.adam, lr=0.1, eps=0.0),
        partial(optim.rmsprop, lr=0.1, eps=0.0),
    ],
)
@pytest.mark.parametrize("name", surfaces.SURFACES)
def test_a_diverging_run_is_a_result_without_warning(rule, name):
    surface = surfaces.SURFACES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = run(rule, surface.gradient, surface.start, 2000)
        loss = loss_along(surface.value, path)
        assert diverged_at(path).shape == ()
        below_for_good(loss, 1e-6)
    assert path.shape == (2001, 2)
    assert loss.shape == (2001,)


def test_a_gradient_too_small_to_square_is_no_warning():
    """g = 1e-200 has g² = 0, so without ε the step divides by zero: inf, not a warning."""
    path = run(partial(optim.adam, eps=0.0), lambda w: np.full_like(w, 1e-200), [1.0], 1)
    assert np.isneginf(path[1, 0])


def test_divergence_is_dated():
    path = np.array([[0.0, 0], [600, 800], [600.1, 800], [np.inf, 0], [0, 0]])
    assert diverged_at(path[:2]) == -1  # on the rim is inside
    assert diverged_at(path) == 2
    assert diverged_at(path, limit=999) == 1
    assert diverged_at(np.array([[0.0, 0], [np.nan, 0]])) == 1
    assert diverged_at(np.array([[5e3, 0.0]])) == 0


def test_divergence_is_dated_for_each_run_of_a_batch():
    path = run(partial(optim.gd, lr=np.array([0.5, 11.0])[:, None]), bowl, [1.0, 0.0], 6)
    np.testing.assert_array_equal(diverged_at(path), [-1, 4])  # 10⁴ is the first beyond 10³


@pytest.mark.parametrize("name", surfaces.SURFACES)
def test_a_long_run_is_the_run_at_the_steps_that_are_kept(name):
    """Whatever is kept, divergence is dated as in the whole path."""
    surface, lr = surfaces.SURFACES[name], np.array([1e-3, 0.09, 0.12, 1.0])[:, None]
    for rule in (partial(optim.momentum, lr=lr), partial(optim.adam, lr=lr)):
        whole = run(rule, surface.gradient, surface.start, 300)
        for keep in ([0, 7, 299, 300], [300], [5, 40], thinned(300)):
            path, ends = run_long(rule, surface.gradient, surface.start, keep)
            np.testing.assert_array_equal(path, whole[keep])
            np.testing.assert_array_equal(ends, diverged_at(whole[: keep[-1] + 1]))


def test_divergence_between_kept_steps_is_dated_and_the_limit_is_its_own():
    rule = partial(optim.gd, lr=np.array([0.5, 11.0])[:, None])
    path, ends = run_long(rule, bowl, [1.0, 0.0], [0, 6])
    np.testing.assert_array_equal(ends, [-1, 4])
    np.testing.assert_array_equal(path[:, 1, 0], [1, 1e6])
    np.testing.assert_array_equal(run_long(rule, bowl, [1.0, 0.0], [6], limit=50)[1], [-1, 2])
    assert run_long(STEP, bowl, [5e3, 0.0], [3])[1] == 0, "it starts outside"


def test_a_long_run_that_overflows_is_no_warning():
    path, ends = run_long(partial(optim.gd, lr=1e300), bowl, [1.0], [0, 9])
    assert np.isnan(path[1, 0])
    assert ends == 1


@pytest.mark.parametrize(
    ("steps", "count", "last"), [(0, 1, [0]), (5, 6, [4, 5]), (100, 101, [99, 100]), (110, 79, [109, 110])]
)
def test_short_runs_are_kept_whole(steps, count, last):
    keep = thinned(steps)
    assert keep.dtype.kind == "i"
    assert len(keep) == count
    assert keep[-len(last) :].tolist() == last


@pytest.mark.parametrize("steps", [300, 1000])
def test_of_long_runs_101_steps_are_kept_ever_wider_apart(steps):
    keep = thinned(steps)
    assert len(keep) == 101
    np.testing.assert_array_equal(keep[:69], [*range(60), *range(60, 101, 5)])
    np.testing.assert_allclose(keep[68:], 100 * (steps / 100) ** (np.arange(33) / 32), atol=0.5)
    assert keep[-1] == steps


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([3.0, 0.5, 0.4], 1),
        ([3.0, 0.5, 2.0, 0.4], 3),  # below once is not below for good
        ([0.5, 0.4], 0),
        ([3.0, 2.0], -1),
        ([0.5, 1.0], -1),  # at the tolerance is not below it
        ([3.0, np.nan, 0.5], 2),
        ([0.5, np.nan], -1),
        ([0.5, np.inf], -1),
    ],
)
def test_below_for_good(losses, step):
    assert below_for_good(losses, 1.0) == step


def test_below_for_good_of_a_batch():
    losses = np.array([[3.0, 0.1, 3, 0.5], [0.5, 2, 3, 0.4], [0.4, 0.3, 3, 0.3]])
    np.testing.assert_array_equal(below_for_good(losses, 1.0), [1, 2, -1, 0])


def test_loss_along_keeps_the_batch_axes():
    surface = surfaces.SURFACES["beale"]
    path = run(partial(optim.gd, lr=np.array([1e-3, 1.0])[:, None]), surface.gradient, surface.start, 50)
    loss = loss_along(surface.value, path)
    assert loss.shape == (51, 2)
    assert np.isfinite(loss[:, 0]).all()
    assert not np.isfinite(loss[-1, 1])


# Rule × surface: a learning rate with which the run arrives within 6,000 steps and stays.
ARRIVES = {
    "gd": {"ravine": 0.05, "saddle": 0.1, "rosenbrock": 1.5e-3, "beale": 0.02},
    "momentum": {"ravine": 0.02, "saddle": 0.05, "rosenbrock": 1e-3, "beale": 3e-3},
    "ema_momentum": {"ravine": 0.2, "saddle": 0.5, "rosenbrock": 1e-2, "beale": 0.03},
    "velocity_momentum": {"ravine": 0.02, "saddle": 0.05, "rosenbrock": 1e-3, "beale": 3e-3},
    "rmsprop": {"ravine": 2e-3, "saddle": 2e-3, "rosenbrock": 1e-3, "beale": 2e-3},
    "adam": {"ravine": 0.05, "saddle": 0.05, "rosenbrock": 0.02, "beale": 0.05},
    "amsgrad": {"ravine": 0.05, "saddle": 0.05, "rosenbrock": 0.02, "beale": 0.05},
}


@pytest.mark.parametrize("name", surfaces.SURFACES)
@pytest.mark.parametrize("rule", ARRIVES)
def test_every_rule_arrives_on_every_surface(rule, name):
    surface = surfaces.SURFACES[name]
    path = run(partial(getattr(optim, rule), lr=ARRIVES[rule][name]), surface.gradient, surface.start, 6000)
    loss = surface.value(path)
    assert loss[0] > 1
    assert 0 < below_for_good(loss, 1e-3) < 6000
    np.testing.assert_allclose(path[-1], surface.minimum, atol=0.1)
