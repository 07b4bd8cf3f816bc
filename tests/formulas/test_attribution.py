"""Attributions: what a reader can check by hand, what holds for any f, and captum's own numbers."""

from itertools import permutations

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, IntegratedGradients, Lime, ShapleyValues
from captum.attr._core.lime import default_from_interp_rep_transform
from sklearn.linear_model import Ridge

from losslab.formulas import attribution


def product(x):
    return 1 + 3 * x[..., 0] + 2 * x[..., 1] * x[..., 2]


def rough(x):
    return np.sin(x @ np.arange(1, 6)) + np.maximum(x[..., 0], x[..., 3]) * x[..., 4] ** 2


X, ZERO = np.array([0.3, -1.2, 0.8, 2.0, 0.5]), np.zeros(5)


def test_shapley_by_hand():
    np.testing.assert_allclose(attribution.shapley(product, np.ones(3), np.zeros(3)), [3, 1, 1], atol=1e-15)


def test_shapley_values_share_out_exactly_the_difference():
    psi = attribution.shapley(rough, X, ZERO)
    np.testing.assert_allclose(psi.sum(), rough(X) - rough(ZERO), rtol=1e-12)


def test_shapley_of_a_sum_is_the_sum_and_a_bystander_gets_nothing():
    sum_of_both = attribution.shapley(lambda x: rough(x) + 2 * x[..., 1] ** 3, X, ZERO)
    parts = attribution.shapley(rough, X, ZERO) + np.array([0, 2 * X[1] ** 3, 0, 0, 0])
    np.testing.assert_allclose(sum_of_both, parts, atol=1e-12)
    assert attribution.shapley(lambda x: x[..., 0] * x[..., 1], X, ZERO)[2] == 0


def test_shapley_is_the_mean_over_all_orders():
    orders = np.array(list(permutations(range(5))))
    psi, _ = attribution.sampled_shapley(rough, X, ZERO, orders)
    np.testing.assert_allclose(psi, attribution.shapley(rough, X, ZERO), rtol=1e-12)


def test_sampled_values_add_up_and_know_their_error():
    exact, rng = attribution.shapley(rough, X, ZERO), np.random.default_rng(0)
    z = []
    for _ in range(200):
        orders = rng.permuted(np.tile(np.arange(5), (50, 1)), axis=1)
        psi, error = attribution.sampled_shapley(rough, X, ZERO, orders)
        np.testing.assert_allclose(psi.sum(), rough(X) - rough(ZERO), rtol=1e-12)
        z.append((psi - exact) / error)
    assert 0.8 < np.std(z) < 1.25


def test_occlusion_takes_one_input_at_a_time():
    found = attribution.occlusion(rough, X, ZERO)
    one_by_one = [rough(X) - rough(np.where(np.arange(5) == i, 0, X)) for i in range(5)]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-12)


def test_ranks_share_ties_and_correlation_sees_only_order():
    np.testing.assert_array_equal(attribution.ranks([30, 10, 10, 20]), [4, 1.5, 1.5, 3])
    a = np.random.default_rng(0).normal(size=(4, 5))
    assert attribution.rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert attribution.rank_correlation(a, -(a**3)) == pytest.approx(-1)
    assert attribution.rank_correlation([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(
        0.8
    )  # 1 − 6 Σd²/(n³ − n)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_every_coalition_is_there_once_and_its_bits_say_who_is_in_it(n):
    on = attribution.coalitions(n)
    assert on.shape == (2**n, n)
    np.testing.assert_array_equal(on @ 2 ** np.arange(n), np.arange(2**n))


def test_shapley_asks_for_all_coalitions_at_once():
    asked = []
    attribution.shapley(lambda x: asked.append(x) or x.sum(-1), X, ZERO)
    assert [x.shape for x in asked] == [(32, 5)]
    assert len(np.unique(asked[0], axis=0)) == 32


# --- by gradients ---


def slopes(x):
    """The derivatives of `smooth`."""
    return np.stack([np.cos(x[..., 0]) * x[..., 1], np.sin(x[..., 0]), 3 * x[..., 2] ** 2], -1)


def smooth(x):
    return np.sin(x[..., 0]) * x[..., 1] + x[..., 2] ** 3


HERE, THERE = np.array([1.2, -0.7, 0.9]), np.array([0.1, 0.4, -0.5])


def test_integrated_gradients_of_a_product_by_hand():
    gradient = lambda x: np.stack([3 + 0 * x[..., 0], 2 * x[..., 2], 2 * x[..., 1]], -1)  # noqa: E731
    found = attribution.integrated_gradients(gradient, np.ones(3), np.zeros(3), steps=1)
    np.testing.assert_allclose(found, [3, 1, 1], rtol=1e-12)


def test_integrated_gradients_add_up_the_better_the_more_steps():
    total = smooth(HERE) - smooth(THERE)
    off = [
        abs(attribution.integrated_gradients(slopes, HERE, THERE, steps).sum() - total)
        for steps in (5, 10, 20)
    ]
    np.testing.assert_allclose(np.divide(off[:-1], off[1:]), 4, rtol=0.05)  # the midpoint rule
    assert off[-1] < 3e-3


# --- linear models ---


def sampled(m, n, seed=0):
    return np.random.default_rng(seed).random((m, n)) < 0.5


def test_the_surrogate_is_scikit_learns_ridge():
    on, rng = sampled(40, 5), np.random.default_rng(1)
    value, weight = rng.normal(size=40), rng.random(40)
    level, slope = attribution.surrogate(value, on, weight, ridge=0.3)
    ridge = Ridge(alpha=0.3 * weight.sum()).fit(on, value, sample_weight=weight)
    np.testing.assert_allclose(slope, ridge.coef_, rtol=1e-9)
    np.testing.assert_allclose(level, ridge.intercept_, rtol=1e-9)


def test_lime_finds_a_linear_model_again_whatever_the_width():
    w, on = np.array([2.0, -1.0, 0.5, 0.0, 3.0]), sampled(60, 5)
    for width in (0.1, 1.0):
        found = attribution.lime(lambda x: 7 + x @ w, X, ZERO, on, width, ridge=1e-12)
        np.testing.assert_allclose(found, w * X, atol=1e-4)


def test_a_narrow_width_looks_at_what_is_near_only():
    on = attribution.coalitions(5)
    near = attribution.lime(rough, X, ZERO, on, width=0.05, ridge=0)
    np.testing.assert_allclose(near, attribution.occlusion(rough, X, ZERO), rtol=1e-3)


def test_with_shapleys_weights_the_coefficients_are_shapley_values():
    on, n = attribution.coalitions(5), 5
    size = on.sum(1)
    some = (size > 0) & (size < n)
    weight = np.full(32, 1e7)
    weight[some] = (n - 1) / (np.array([5, 10, 10, 5])[size[some] - 1] * size[some] * (n - size[some]))
    _, found = attribution.surrogate(rough(np.where(on, X, ZERO)), on, weight)
    np.testing.assert_allclose(found, attribution.shapley(rough, X, ZERO), atol=1e-5)


# --- deletion ---


def test_deletion_takes_one_after_the_other():
    order = np.array([3, 0, 4, 1, 2])
    found = attribution.deletion(rough, X, ZERO, order)
    x = X.copy()
    want = [rough(x)]
    for i in order:
        x[i] = 0
        want.append(rough(x))
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-15)
    assert found[-1] == rough(ZERO)


# --- captum ---


def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1), torch.nn.Flatten(0)
        return torch.nn.Sequential(*layers).double()


def numbers(model):
    """The same network for arrays (..., n)."""
    return lambda x: model(torch.as_tensor(x).reshape(-1, 5)).detach().numpy().reshape(np.shape(x)[:-1])


def one(x):
    return torch.tensor(x)[None]


def test_captum_finds_the_same_shapley_values_and_the_same_occlusion():
    model, baseline = net(), np.full(5, 0.2)
    with torch.no_grad():
        exact = ShapleyValues(model).attribute(one(X), baselines=one(baseline))[0]
        off = FeatureAblation(model).attribute(one(X), baselines=one(baseline))[0]
    np.testing.assert_allclose(
        attribution.shapley(numbers(model), X, baseline), exact, rtol=1e-6
    )  # in float32
    np.testing.assert_allclose(attribution.occlusion(numbers(model), X, baseline), off, rtol=1e-6)


def test_captum_finds_the_same_integrated_gradients():
    model, baseline = net(), np.full(5, 0.2)

    def gradient(x):
        leaf = torch.tensor(x, requires_grad=True)
        return torch.autograd.grad(model(leaf).sum(), leaf)[0].numpy()

    knobs = {"baselines": one(baseline), "n_steps": 20, "method": "riemann_middle"}
    want = IntegratedGradients(model).attribute(one(X), **knobs)[0].detach()
    found = attribution.integrated_gradients(gradient, X, baseline, steps=20)
    np.testing.assert_allclose(found, want, rtol=1e-7)


def test_captum_finds_the_same_coefficients_of_lime():
    from captum._utils.models.linear_model import SkLearnRidge

    model, on = net(), sampled(50, 5)
    rows = iter(torch.tensor(on).double())
    lime = Lime(
        model,
        interpretable_model=SkLearnRidge(alpha=0.1),
        similarity_func=lambda a, b, row, **_: torch.exp(-((1 - row.mean()) ** 2) / 0.4**2),
        perturb_func=lambda *_, **__: next(rows)[None],
    )
    lime.from_interp_rep_transform = default_from_interp_rep_transform
    want = lime.attribute(one(X), baselines=one(ZERO), n_samples=50)[0].detach()
    ridge = 0.1 / np.exp(-(((1 - on.mean(1)) / 0.4) ** 2)).sum()  # captum's is beside the sum of squares
    found = attribution.lime(numbers(model), X, ZERO, on, width=0.4, ridge=ridge)
    np.testing.assert_allclose(found, want, rtol=1e-6)  # captum computes in float32
