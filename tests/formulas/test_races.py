"""Fair races: equal effort, neighbourhoods, no lucky spikes; and what the chapters say of their outcome."""

import itertools
from functools import cache, partial

import numpy as np
import pytest

from losslab.formulas import optim, races, surfaces, trajectories

RULES = {"GD": optim.gd, "Momentum": optim.momentum, "RMSProp": optim.rmsprop, "Adam": optim.adam}
GRID = (10, 0.5)  # another than the chapters'
SURFACES = surfaces.SURFACES | {
    "κ = 100": surfaces.quadratic((1.0, 100.0), start=(1.0, 1.0)),
    "worked example": surfaces.quadratic((8.0, 8.0), start=(-1.5, 0.0)),
}
STANDS = {  # on every grid; what else one might read in the table flips from grid to grid
    "ravine": lambda s: s["Momentum"] < min(s["GD"], s["RMSProp"], s["Adam"]),
    "saddle": lambda s: s["GD"] < s["Momentum"] < s["Adam"] < s["RMSProp"],
    "rosenbrock": lambda s: max(s["Momentum"], s["Adam"]) < np.inf == s["GD"] == s["RMSProp"],
    "beale": lambda s: max(s["Momentum"], s["Adam"]) < 0.75 * s["GD"] and s["RMSProp"] > 4 * s["GD"],
    "κ = 100": lambda s: max(s["Momentum"], s["RMSProp"], s["Adam"]) < 0.4 * s["GD"],
    "worked example": lambda s: s["GD"] < 6 < s["Momentum"] < s["Adam"],
}


@cache
def raced(key):
    return {
        name: races.tuned(rule, SURFACES[key], races.RANGES[name], side=GRID[0], shift=GRID[1])
        for name, rule in RULES.items()
    }


@pytest.mark.parametrize("key", STANDS)
def test_what_stands_on_every_grid(key):
    steps = {name: one.steps for name, one in raced(key).items()}
    assert STANDS[key](steps), steps


def test_adam_arrives_with_the_most_settings_on_all_but_the_saddle():
    shares = {key: {name: one.share for name, one in raced(key).items()} for key in STANDS}
    most = {key: max(share, key=share.get) for key, share in shares.items() if key != "worked example"}
    assert most.pop("saddle") == "Momentum", shares
    assert set(most.values()) == {"Adam"}, shares


@pytest.mark.parametrize(("asked", "effort"), [({"side": 10}, (100, 9, 4)), ({}, (256, 9, 4))])
def test_every_rule_makes_the_same_effort(asked, effort):
    for name, rule in RULES.items():
        one = races.tuned(rule, surfaces.SURFACES["ravine"], races.RANGES[name], **asked, starts=4, steps=9)
        assert (one.tried, one.settings, one.starts) == effort


def test_gradient_descent_finds_the_best_rate_of_a_bowl():
    bowl = surfaces.quadratic((1.0, 20.0), start=(1.0, 20**-0.5))  # both curvatures give half of the loss
    one = races.tuned(optim.gd, bowl, races.RANGES["GD"])
    low, _, high = one.knobs["lr"]
    assert low < 2 / (1 + 20) < high
    by_hand = np.log(1e-2) / np.log(1 - 2 / 21)  # both shrink by 19/21 a step: the loss from 1 to 10⁻⁴
    assert by_hand <= one.steps < 1.3 * by_hand


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("key", ["ravine", "beale"])
def test_steps_needed_is_what_the_whole_path_says(name, key):
    surface, knobs = SURFACES[key], races.grid(races.RANGES[name], 4)
    starts = races.scattered(surface.start, 2, 0)
    rule = races.bound(RULES[name], knobs)
    path = trajectories.run(rule, surface.gradient, starts, 400)
    said = trajectories.below_for_good(trajectories.loss_along(surface.value, path), 1e-2)
    found = races.steps_needed(rule, surface, starts, 400, 1e-2)
    np.testing.assert_array_equal(found, np.where(said < 0, np.inf, said))
    assert np.isfinite(found).any()


@pytest.mark.parametrize("shape", [(40,), (12, 14)])
def test_a_lucky_setting_is_not_chosen(shape):
    size, best = 9 if len(shape) == 1 else 3, tuple(3 * n // 4 for n in shape)
    steps = np.repeat(
        100.0 + sum((axis - at) ** 2 for axis, at in zip(np.indices(shape), best, strict=True)), 3
    )
    steps = steps.reshape(*shape, 3)
    steps[(2,) * len(shape)] = 1  # all starts of one setting
    block = races.best_block(steps)
    assert [part.stop - part.start for part in block] == [size] * len(shape)
    assert all(part.start <= at < part.stop for part, at in zip(block, best, strict=True))


def test_a_block_of_which_a_third_never_arrives_is_not_chosen():
    steps = np.full((30, 2), np.inf)
    steps[3:9], steps[15:22] = 1, 500
    assert races.best_block(steps)[0] in [slice(first, first + 9) for first in (13, 14, 15)]
    steps[21] = np.inf
    assert np.median(steps[races.best_block(steps)]) == 1, "if everywhere more than a quarter does not arrive"


def test_what_is_reported_is_what_the_neighbourhood_does():
    one, surface = raced("ravine")["Momentum"], SURFACES["ravine"]
    values = races.grid(races.RANGES["Momentum"], *GRID)
    starts = races.scattered(surface.start, 20, 1)
    steps = []
    for lr, beta in itertools.product(*one.knobs.values()):
        assert lr in values["lr"]
        assert beta in values["beta"]
        path = trajectories.run(partial(optim.momentum, lr=lr, beta=beta), surface.gradient, starts, 3000)
        steps += trajectories.below_for_good(surface.value(path), 1e-4).tolist()
    assert np.sort(steps)[[44, 89, 134]].tolist() == [one.low, one.steps, one.high]
    assert one.middle == {name: middle for name, (_, middle, _) in one.knobs.items()}


def test_starts_are_others_when_the_neighbourhood_is_measured():
    chosen, measured = races.scattered((1.0, -2.0), races.TRIALS, 0), races.scattered((1.0, -2.0), 20, 1)
    assert not np.isin(chosen, measured).any()
    assert (np.abs(measured / (1.0, -2.0) - 1) <= 0.2).all()


@pytest.mark.parametrize("name", RULES)
def test_a_grid_stays_in_its_ranges_and_is_even(name):
    for shift in (-0.5, 0, 0.5):
        knobs = races.grid(races.RANGES[name], 16, shift)
        assert np.prod([len(values) for values in knobs.values()]) == 256
        for knob, values in knobs.items():
            low, high = races.RANGES[name][knob]
            assert low <= values.min() < values.max() <= high
            apart = np.diff(np.log(values if knob == "lr" else 1 - values))
            np.testing.assert_allclose(apart, apart[0], rtol=0.05)


@pytest.mark.parametrize(
    "asked",
    [{"side": 2}, {"shift": 0.6}, {"ranges": {}}, {"ranges": races.RANGES["Adam"] | {"beta2": (0, 0.9)}}],
)
def test_no_grid_of_less_or_more(asked):
    with pytest.raises(ValueError, match="one or two knobs, side ≥ 3"):
        races.grid(**{"ranges": races.RANGES["Adam"]} | asked)


def test_what_was_tuned_is_told_in_two_digits_and_tenths():
    told = str(races.Tuned(592.0, 489.0, np.inf, 0.156, {}, 256, 9, 20))
    assert told == "490 – 590 – ∞; 0.2"
