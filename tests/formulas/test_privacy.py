"""Clipping bounds, noise has the size that is said, the attack's area is the area, the bound is the bound."""

import numpy as np
import pytest

from losslab.formulas import privacy
from losslab.formulas.activations import sigmoid

RNG = np.random.default_rng(0)
G = RNG.normal(size=(50, 7)) * RNG.uniform(0.01, 2, (50, 1))


def test_a_gradient_by_hand():
    found = privacy.clip([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], 1.0)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]])


def test_no_gradient_is_longer_than_the_bound_and_none_turns():
    shorter = privacy.clip(G, 0.8)
    before, after = np.linalg.norm(G, axis=1), np.linalg.norm(shorter, axis=1)
    assert (after <= 0.8 * (1 + 1e-12)).all()
    assert (before < 0.8).any()
    np.testing.assert_allclose(after, np.minimum(before, 0.8))
    np.testing.assert_allclose(shorter / after[:, None], G / before[:, None])


def test_without_noise_and_with_a_far_bound_it_is_the_mean_gradient():
    np.testing.assert_allclose(privacy.noisy_mean(G, 1e9, 0, 50, RNG), G.mean(0))


def test_one_example_more_moves_the_sum_by_the_bound_at_most():
    with_it, without = (privacy.noisy_mean(g, 0.5, 0, 50, RNG) for g in (G, G[1:]))
    assert np.linalg.norm(with_it - without) * 50 <= 0.5 + 1e-12


def test_the_noise_has_the_deviation_sigma_times_the_bound_over_the_batch():
    rng = np.random.default_rng(1)
    steps, deviation = (
        np.array([privacy.noisy_mean(G, 0.5, 3.0, 40, rng) for _ in range(3000)]),
        3.0 * 0.5 / 40,
    )
    np.testing.assert_allclose(steps.std(0), deviation, rtol=0.06)
    np.testing.assert_allclose(
        steps.mean(0), privacy.clip(G, 0.5).sum(0) / 40, atol=4 * deviation / 3000**0.5
    )


def test_a_step_may_have_drawn_nobody():
    assert privacy.noisy_mean(np.zeros((0, 7)), 1.0, 0.0, 64, RNG).tolist() == [0.0] * 7


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    assert privacy.membership_auc([1, 2], [2, 3]) == (1 + 1 + 0.5 + 1) / 4
    assert privacy.membership_auc([0.0], [5.0]) == 1
    assert privacy.membership_auc([5.0], [0.0]) == 0
    assert privacy.membership_auc([1, 1], [1]) == 0.5
    members, others = RNG.integers(0, 30, 200), RNG.integers(5, 40, 170)
    pairs = members[:, None] - others
    assert privacy.membership_auc(members, others) == pytest.approx(((pairs < 0) + (pairs == 0) / 2).mean())


def test_without_delta_the_bound_is_a_sigmoid():
    np.testing.assert_allclose(privacy.auc_bound([0.0, 1.0, 3.0]), sigmoid(np.array([0.0, 1.0, 3.0])))
    assert privacy.auc_bound(0.0) == 0.5
    assert privacy.auc_bound(800.0) == 1
    assert privacy.auc_bound(0.0, 0.1) == pytest.approx(0.5 + 0.19 / 2)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 0.0), (1.0, 1e-3), (3.0, 0.05)])
def test_the_bound_is_the_area_of_the_best_attack_that_the_definition_allows(epsilon, delta):
    false_alarms = np.linspace(0, 1, 200_001)
    factor = np.exp(epsilon)
    found = np.minimum(factor * false_alarms + delta, 1 - (1 - false_alarms - delta) / factor)
    area = np.trapezoid(np.clip(found, 0, 1), false_alarms)
    assert privacy.auc_bound(epsilon, delta) == pytest.approx(area, abs=1e-6)


def test_randomised_response_reaches_the_bound():
    """The truth with probability e^ε/(1 + e^ε), else its opposite: ε-private, and the area is the bound."""
    epsilon = 1.3
    p = np.exp(epsilon) / (1 + np.exp(epsilon))
    area = p * p + p * (1 - p)  # a "yes" of a member above a "no" of another, and half of the ties
    assert area == pytest.approx(privacy.auc_bound(epsilon))


RANGES = "epsilon must be 0 or more and delta from 0 to below 1"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: privacy.clip(G, 0), "norm must be positive, got 0"),
        (lambda: privacy.noisy_mean(G, 1, -1, 5, RNG), "noise must be 0 or more .* positive, got -1 and 5"),
        (lambda: privacy.noisy_mean(G, 1, 1, 0, RNG), "noise must be 0 or more .* positive, got 1 and 0"),
        (lambda: privacy.membership_auc([], [1]), "there must be losses of both, got 0 and 1"),
        (lambda: privacy.auc_bound(-1), f"{RANGES}, got -1 and 0.0"),
        (lambda: privacy.auc_bound(1, 1), f"{RANGES}, got 1 and 1"),
    ],
)
def test_what_would_be_nonsense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
