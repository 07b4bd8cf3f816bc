"""What turns the numbers of neurons into others: activations and their slopes, softmax, sigmoid."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


def log_softmax(z):
    """Logarithm of softmax, log pₖ = zₖ − log Σⱼ exp zⱼ, with z shifted by its maximum against overflow.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.
    """
    z = np.asarray(z, float)
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
    return np.exp(log_softmax(np.asarray(z, float) / T))


def sigmoid(z):
    """Probability 1 / (1 + exp −z) of a yes, elementwise: softmax of (z, 0). Never overflows."""
    return np.exp(-np.logaddexp(0, -np.asarray(z, float)))


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
