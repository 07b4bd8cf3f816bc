"""The ground floor of the formulas: what is like an array is taken, but no tensor that records gradients."""

import re

import numpy as np
import pytest
import torch

from losslab.formulas import activations, losses

SENTENCE = (
    "the formulas compute with NumPy and record no gradients, got a tensor that requires one: pass "
    "x.detach(), or use torch.nn.functional"
)


@pytest.mark.parametrize("x", [[1, 2], (1, 2), np.array([1, 2]), torch.tensor([1, 2])])
def test_whatever_is_like_an_array_is_taken_as_floats(x):
    found = activations.numbers(x)
    assert (type(found), found.dtype, found.tolist()) == (np.ndarray, np.float64, [1.0, 2.0])


@pytest.mark.parametrize(
    "formula",
    [
        activations.numbers,
        activations.softmax,
        activations.log_softmax,
        activations.sigmoid,
        lambda z: losses.mse(z, [[1.0, 1.0]]),
        lambda z: losses.mse([[1.0, 1.0]], z),
        lambda z: losses.cross_entropy(z, [0]),
        lambda z: losses.binary_cross_entropy(z, [[1.0, 1.0]]),
    ],
)
def test_a_tensor_that_records_gradients_is_refused_in_a_sentence(formula):
    with pytest.raises(TypeError, match=rf"^{re.escape(SENTENCE)}$"):
        formula(torch.ones(1, 2, requires_grad=True))
    assert np.isfinite(formula(torch.ones(1, 2))).all()
