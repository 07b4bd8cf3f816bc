"""Losses against torch.nn.functional, where float64 ends, and what they refuse."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from losslab.formulas import activations, backprop, losses

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


@pytest.mark.parametrize("delta", [0.1, 1.0, 2.5, 30.0])
@pytest.mark.parametrize("shape", [(), (9,), (4, 3)], ids=str)
def test_huber_and_its_gradient_are_torchs(shape, delta):
    rng = np.random.default_rng(4)
    y_hat, y = rng.normal(scale=3, size=shape), rng.normal(size=shape)
    theirs = torch.tensor(y_hat, requires_grad=True)
    want = functional.huber_loss(theirs, torch.tensor(y), delta=delta)
    want.backward()
    np.testing.assert_allclose(losses.huber(y_hat, y, delta), want.item(), **EXACT)
    pull = np.clip(y_hat - y, -delta, delta) / max(y.size, 1)
    np.testing.assert_allclose(pull, theirs.grad.numpy(), **EXACT)
    measured = backprop.central_difference(lambda w: losses.huber(w, y, delta), y_hat)
    np.testing.assert_allclose(measured, theirs.grad.numpy(), atol=1e-8)


def test_huber_lies_between_the_square_and_the_absolute_error():
    y_hat, y = np.random.default_rng(5).normal(size=(2, 50))
    np.testing.assert_allclose(losses.huber(y_hat, y, 1e6), losses.mse(y_hat, y) / 2, **EXACT)
    np.testing.assert_allclose(losses.huber(y_hat, y, 1e-9) / 1e-9, np.abs(y_hat - y).mean(), rtol=1e-8)


@pytest.mark.parametrize("delta", [0, -1.0, np.nan])
def test_huber_says_what_it_needs(delta):
    with pytest.raises(ValueError, match=f"delta must be positive, got {delta}"):
        losses.huber(1.0, 2.0, delta)
    with pytest.raises(ValueError, match=r"same shape, got \(2, 1\) and \(2,\)"):
        losses.huber(np.ones((2, 1)), np.ones(2))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_is_torchs(z, name):
    want = getattr(functional, name)(torch.tensor(z), dim=-1).numpy()
    np.testing.assert_allclose(getattr(losses, name)(z), want, **EXACT)


def test_softmax_works_on_the_last_of_many_axes():
    z = np.random.default_rng(2).normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(activations.softmax(z), torch.tensor(z).softmax(-1).numpy(), **EXACT)


def test_cross_entropy_is_torchs(z):
    labels = np.random.default_rng(3).integers(z.shape[1], size=len(z))
    want = functional.cross_entropy(torch.tensor(z), torch.tensor(labels)).item()
    np.testing.assert_allclose(losses.cross_entropy(z, labels), want, **EXACT)


def test_probabilities_are_positive_and_sum_to_one(z):
    p = activations.softmax(z)
    np.testing.assert_array_less(0, p)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-14)


@pytest.mark.parametrize("shift", [-1e3, 0.5, 700.0, 1e6])
def test_softmax_ignores_a_constant(z, shift):
    np.testing.assert_allclose(activations.softmax(z + shift), activations.softmax(z), rtol=1e-8)


def test_large_logits_neither_overflow_nor_lose_the_loss():
    """Exp 1e4 is inf and log 0 is −inf: softmax first and log second would give inf and NaN."""
    np.testing.assert_array_equal(activations.log_softmax([0, 200]), [-200, 0])
    np.testing.assert_array_equal(activations.log_softmax([[1e4, -1e4]]), [[0, -2e4]])
    np.testing.assert_allclose(losses.cross_entropy([[0, 200]], [0]), 200)
    np.testing.assert_allclose(losses.cross_entropy([[-1e4, 0, 0]], [0]), 1e4 + np.log(2))
    np.testing.assert_array_equal(activations.softmax([1e4, 0]), [1, 0])


def test_a_row_is_shifted_by_its_own_maximum():
    """Shifted by the maximum of the batch, exp(−1e4) would be 0 and the first row −inf."""
    np.testing.assert_array_equal(activations.log_softmax([[0, 0], [1e4, 1e4]]), np.full((2, 2), -np.log(2)))


def test_small_integers_are_numbers_and_do_not_wrap():
    """In 8 bits without a sign 0 − 200 is 56, and −1 is 255."""
    dark, light = np.uint8([0]), np.uint8([200])
    assert losses.mse(dark, light) == losses.mse(light, dark) == 200**2
    np.testing.assert_array_equal(activations.log_softmax(np.uint8([0, 200])), [-200, 0])
    assert losses.cross_entropy(np.uint8([[0, 200]]), np.uint8([0])) == 200
    np.testing.assert_allclose(activations.sigmoid(np.uint8([1])), 1 / (1 + np.exp(-1)))
    np.testing.assert_allclose(losses.binary_cross_entropy(light, dark), 200)


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


# --- yes or no ---


@pytest.mark.parametrize("shape", [(), (1,), (9,), (64, 10), (2, 3, 5)], ids=str)
def test_binary_cross_entropy_is_torchs(shape):
    rng = np.random.default_rng(0)
    z, y = rng.normal(scale=9, size=shape), rng.random(shape)
    for target in (y, 1.0 * (y > 0.5)):
        want = functional.binary_cross_entropy_with_logits(torch.tensor(z), torch.tensor(target)).item()
        np.testing.assert_allclose(losses.binary_cross_entropy(z, target), want, **EXACT)


def test_sigmoid_is_torchs():
    z = np.linspace(-40, 40, 161).reshape(7, 23)
    np.testing.assert_allclose(activations.sigmoid(z), torch.tensor(z).sigmoid().numpy(), rtol=1e-12)


def test_sigmoid_is_softmax_against_zero():
    z = np.random.default_rng(1).normal(scale=5, size=50)
    pairs = np.stack([z, np.zeros(50)], -1)
    np.testing.assert_allclose(activations.sigmoid(z), activations.softmax(pairs)[:, 0], **EXACT)


def test_one_yes_or_no_question_is_two_classes():
    z = np.random.default_rng(2).normal(scale=5, size=50)
    no = np.random.default_rng(3).integers(2, size=50)
    two = losses.cross_entropy(np.stack([z, np.zeros(50)], -1), no)
    np.testing.assert_allclose(losses.binary_cross_entropy(z, 1 - no), two, **EXACT)


def test_large_binary_logits_neither_overflow_nor_lose_the_loss():
    """exp 1000 is inf: the formula of the page would give inf or NaN at each of these."""
    np.testing.assert_array_equal(activations.sigmoid([-1000, 0, 1000]), [0, 0.5, 1])
    for z, y, want in ((1000, 0, 1000), (-1000, 1, 1000), (1000, 1, 0), (-1000, 0, 0), (-200, 1, 200)):
        np.testing.assert_array_equal(losses.binary_cross_entropy([z], [y]), want)


@pytest.mark.parametrize("z", [30.0, 50.0, 700.0])
def test_a_sure_and_right_answer_still_costs_something(z):
    """The price is log(1 + exp −z) = exp −z; 1 + exp −z would be rounded to 1."""
    np.testing.assert_allclose(losses.binary_cross_entropy([z], [1]), np.exp(-z), rtol=1e-9)
    np.testing.assert_allclose(losses.binary_cross_entropy([-z], [0]), np.exp(-z), rtol=1e-9)


@pytest.mark.parametrize(
    ("z", "y", "sentence"),
    [
        (np.zeros((3, 1)), np.zeros(3), r"same shape, got \(3, 1\) and \(3,\)"),
        (np.zeros(2), [0, 1.5], r"y must be from 0 to 1, got 0\.0 to 1\.5"),
        (np.zeros(2), [-1, 1], r"y must be from 0 to 1, got -1\.0 to 1\.0"),
        (np.zeros(2), [np.nan, 1], r"y must be from 0 to 1, got nan"),
    ],
)
def test_binary_cross_entropy_says_what_it_needs(z, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        losses.binary_cross_entropy(z, y)
