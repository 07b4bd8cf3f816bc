"""E137 and E138, explanation: the article's claim fails the very fact that the correction satisfies."""

import numpy as np
import pytest

from losslab.formulas import attribution

# --- E137: attribution, not simplification ---


def splits_the_difference(values, f, x, baseline):
    np.testing.assert_allclose(np.sum(values), f(x) - f(baseline), atol=1e-12)


def test_e137_shapley_values_split_f_and_leave_it_alone():
    f = lambda x: 1 + 3 * x[..., 0] + 2 * x[..., 1] * x[..., 2]  # noqa: E731
    x, baseline = np.ones(3), np.zeros(3)
    psi = attribution.shapley(f, x, baseline)
    np.testing.assert_allclose(psi, [3, 1, 1], atol=1e-15)
    splits_the_difference(psi, f, x, baseline)
    with pytest.raises(AssertionError):
        splits_the_difference(attribution.occlusion(f, x, baseline), f, x, baseline)
    points = np.random.default_rng(0).normal(size=(20, 3))
    simple = 1 + points @ psi  # read as a simpler model, the values are wrong as soon as x is another
    assert np.abs(simple - f(points)).max() > 1


def test_e137_counts_its_evaluations():
    calls = []
    attribution.shapley(lambda x: calls.extend(map(tuple, x)) or np.zeros(len(x)), np.ones(6), np.zeros(6))
    assert len(calls) == len(set(calls)) == 2**6
    assert round(784 * np.log10(2)) == 236


# --- E138: the methods disagree ---


def agree(maps):
    n = len(maps)
    sizes = np.abs(maps)  # how much an input counts, whatever the direction
    pairs = [attribution.rank_correlation(sizes[i], sizes[j]) for i in range(n) for j in range(i)]
    assert min(pairs) > 0.9, pairs


def test_e138_attributions_of_one_prediction_disagree():
    rng = np.random.default_rng(0)
    W, w = rng.normal(size=(8, 12)), rng.normal(size=8)
    f = lambda x: np.tanh(x @ W.T) @ w  # noqa: E731
    x, baseline = rng.normal(size=12), np.zeros(12)
    gradient = ((1 - np.tanh(W @ x) ** 2) * w) @ W
    maps = [
        gradient,
        gradient * x,
        attribution.occlusion(f, x, baseline),
        attribution.shapley(f, x, baseline),
    ]
    with pytest.raises(AssertionError):
        agree(maps)
    linear = [w[:8] * x[:8], attribution.occlusion(lambda v: v @ w, x[:8], np.zeros(8))]
    agree([*linear, attribution.shapley(lambda v: v @ w, x[:8], np.zeros(8))])  # where f is a sum they do
