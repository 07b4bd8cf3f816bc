"""Sigmoid and binary cross-entropy against torch, where float64 ends, and what they refuse."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from losslab import losses

EXACT = {"rtol": 1e-12, "atol": 1e-14}


@pytest.mark.parametrize("shape", [(), (1,), (9,), (64, 10), (2, 3, 5)], ids=str)
def test_binary_cross_entropy_is_torchs(shape):
    rng = np.random.default_rng(0)
    z, y = rng.normal(scale=9, size=shape), rng.random(shape)
    for target in (y, 1.0 * (y > 0.5)):
        want = functional.binary_cross_entropy_with_logits(torch.tensor(z), torch.tensor(target)).item()
        np.testing.assert_allclose(losses.binary_cross_entropy(z, target), want, **EXACT)


def test_sigmoid_is_torchs():
    z = np.linspace(-40, 40, 161).reshape(7, 23)
    np.testing.assert_allclose(losses.sigmoid(z), torch.tensor(z).sigmoid().numpy(), rtol=1e-12)


def test_sigmoid_is_softmax_against_zero():
    z = np.random.default_rng(1).normal(scale=5, size=50)
    pairs = np.stack([z, np.zeros(50)], -1)
    np.testing.assert_allclose(losses.sigmoid(z), losses.softmax(pairs)[:, 0], **EXACT)


def test_one_yes_or_no_question_is_two_classes():
    z = np.random.default_rng(2).normal(scale=5, size=50)
    no = np.random.default_rng(3).integers(2, size=50)
    two = losses.cross_entropy(np.stack([z, np.zeros(50)], -1), no)
    np.testing.assert_allclose(losses.binary_cross_entropy(z, 1 - no), two, **EXACT)


def test_large_logits_neither_overflow_nor_lose_the_loss():
    """exp 1000 is inf: the formula of the page would give inf or NaN at each of these."""
    np.testing.assert_array_equal(losses.sigmoid([-1000, 0, 1000]), [0, 0.5, 1])
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
