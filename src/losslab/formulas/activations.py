"""What is applied to the outputs of a layer: activations and their slopes, softmax, sigmoid."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


def numbers(x):
    """Return anything array-like as an array of floats.

    Raises
    ------
    TypeError
        If it is a tensor whose gradient is recorded: NumPy's functions would lose the record.
    """
    if getattr(x, "requires_grad", False):
        raise TypeError(
            "the formulas compute with NumPy and record no gradients, got a tensor that requires one: pass "
            "x.detach(), or use torch.nn.functional"
        )
    return np.asarray(x, float)


def log_softmax(z):
    """Logarithm of softmax, log pₖ = zₖ − log Σⱼ exp zⱼ, with z shifted by its maximum against overflow.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.
    """
    z = numbers(z)
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def softmax(z, T=1.0):
    """Probabilities pₖ = exp(zₖ/T) / Σⱼ exp(zⱼ/T) over the last axis; unchanged by a constant added to z.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.
    T : float or array_like
        Temperature, positive: T < 1 sharpens, T > 1 flattens. An array broadcasts against z.

    Raises
    ------
    ValueError
        If a temperature is not positive: T → 0 is argmax, which needs no probabilities.
    """
    if not (np.asarray(T) > 0).all():
        raise ValueError(f"T must be positive, got {T}")
    return np.exp(log_softmax(numbers(z) / T))


def sigmoid(z):
    """Probability 1 / (1 + exp −z) of a yes, elementwise: softmax of (z, 0). Never overflows."""
    return np.exp(-np.logaddexp(0, -numbers(z)))


class Activation(NamedTuple):
    """An elementwise function σ and its slope σ', both of the pre-activation z."""

    value: Callable
    slope: Callable


def _relu(z):
    return np.maximum(z, 0)


def _relu_slope(z):
    return (z > 0).astype(z.dtype)


def _tanh_slope(z):
    return 1 - np.tanh(z) ** 2


def _sigmoid_slope(z):
    return (1 - np.tanh(z / 2) ** 2) / 4


RELU = Activation(_relu, _relu_slope)


TANH = Activation(np.tanh, _tanh_slope)


SIGMOID = Activation(sigmoid, _sigmoid_slope)
