"""Losses against torch.nn.functional, where float64 ends, and what they refuse."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from losslab import losses

EXACT = {"rtol": 1e-12, "atol": 1e-14}
SHAPES = [(1, 1), (1, 7), (5, 2), (64, 10), (3, 200)]


@pytest.fixture(params=SHAPES, ids=str)
def z(request):
    return np.random.default_rng(0).normal(scale=5, size=request.param)


@pytest.mark.parametrize("shape", [(), (1,), (9,), (4, 3), (2, 3, 5), *SHAPES], ids=str)
def test_mse_is_torchs(shape):
    rng = np.random.default_rng(1)
    y_hat, y = rng.normal(scale=3, size=shape), rng.normal(size=shape)
    want = functional.mse_loss(torch.tensor(y_hat), torch.tensor(y)).item()
    np.testing.assert_allclose(losses.mse(y_hat, y), want, **EXACT)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_is_torchs(z, name):
    want = getattr(functional, name)(torch.tensor(z), dim=-1).numpy()
    np.testing.assert_allclose(getattr(losses, name)(z), want, **EXACT)


def test_softmax_works_on_the_last_of_many_axes():
    z = np.random.default_rng(2).normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(losses.softmax(z), torch.tensor(z).softmax(-1).numpy(), **EXACT)


def test_cross_entropy_is_torchs(z):
    labels = np.random.default_rng(3).integers(z.shape[1], size=len(z))
    want = functional.cross_entropy(torch.tensor(z), torch.tensor(labels)).item()
    np.testing.assert_allclose(losses.cross_entropy(z, labels), want, **EXACT)


def test_probabilities_are_positive_and_sum_to_one(z):
    p = losses.softmax(z)
    np.testing.assert_array_less(0, p)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-14)


@pytest.mark.parametrize("shift", [-1e3, 0.5, 700.0, 1e6])
def test_softmax_ignores_a_constant(z, shift):
    np.testing.assert_allclose(losses.softmax(z + shift), losses.softmax(z), rtol=1e-8)


def test_large_logits_neither_overflow_nor_lose_the_loss():
    """Exp 1e4 is inf and log 0 is −inf: softmax first and log second would give inf and NaN."""
    np.testing.assert_array_equal(losses.log_softmax([0, 200]), [-200, 0])
    np.testing.assert_array_equal(losses.log_softmax([[1e4, -1e4]]), [[0, -2e4]])
    np.testing.assert_allclose(losses.cross_entropy([[0, 200]], [0]), 200)
    np.testing.assert_allclose(losses.cross_entropy([[-1e4, 0, 0]], [0]), 1e4 + np.log(2))
    np.testing.assert_array_equal(losses.softmax([1e4, 0]), [1, 0])


@pytest.mark.parametrize("K", [2, 10, 1000])
def test_a_guess_without_opinion_costs_log_k(K):
    np.testing.assert_allclose(losses.cross_entropy(np.full((3, K), 7.0), [0, 1, K - 1]), np.log(K))


def test_mse_refuses_what_broadcasting_would_hide():
    with pytest.raises(ValueError, match=r"same shape, got \(3, 1\) and \(3,\)"):
        losses.mse(np.zeros((3, 1)), np.zeros(3))


@pytest.mark.parametrize(
    ("z", "labels", "sentence"),
    [
        (np.zeros(3), [0], r"z must be \(N, K\) and labels \(N,\), got \(3,\) and \(1,\)"),
        (np.zeros(3), [0, 0, 0], r"got \(3,\) and \(3,\)"),
        (np.zeros((2, 3, 4)), [0, 0], r"got \(2, 3, 4\) and \(2,\)"),
        (np.zeros((2, 3)), [0], r"got \(2, 3\) and \(1,\)"),
        (np.zeros((2, 3)), [[0], [1]], r"got \(2, 3\) and \(2, 1\)"),
        (np.zeros((2, 3)), [0, 3], r"labels must be in 0\.\.2, got 0\.\.3"),
        (np.zeros((2, 3)), [-1, 2], r"labels must be in 0\.\.2, got -1\.\.2"),
        (np.zeros((2, 3)), [0.0, 1.0], r"labels must be integers \(class indices\), got float64"),
        (np.zeros((2, 3)), [True, False], r"got bool"),
    ],
)
def test_cross_entropy_says_what_it_needs(z, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        losses.cross_entropy(z, labels)
