"""Loss functions on NumPy arrays (article ch. 4 section 1), stable and strict about shapes."""

import numpy as np

from losslab.formulas.activations import log_softmax, numbers, softmax


def mse(y_hat, y):
    """Mean squared error, (1/N) Σ (yᵢ − ŷᵢ)² over all elements (article F1).

    Parameters
    ----------
    y_hat, y : array_like, same shape
        Predictions and targets, in the target's unit.

    Returns
    -------
    float
        In the square of the target's unit.

    Raises
    ------
    ValueError
        If the shapes differ: broadcasting (N, 1) against (N,) would silently average N² pairs.
    """
    y_hat, y = map(numbers, (y_hat, y))
    if y_hat.shape != y.shape:
        raise ValueError(f"y_hat and y must have the same shape, got {y_hat.shape} and {y.shape}")
    return ((y - y_hat) ** 2).mean()


def huber(y_hat, y, delta=1.0):
    """Huber loss: the mean of e²/2 where |e| ≤ δ, of δ (|e| − δ/2) elsewhere, e = ŷᵢ − yᵢ (Huber 1964).

    Parameters
    ----------
    y_hat, y : array_like, same shape
        Predictions and targets, in the target's unit.
    delta : float
        δ, positive, in the target's unit: an error pulls in proportion to its size, but never by more than δ.

    Returns
    -------
    float
        In the square of the target's unit. With q = min(max(e, −δ), δ) both cases are q (e − q/2).

    Raises
    ------
    ValueError
        If the shapes differ, or δ is not positive.
    """
    y_hat, y = map(numbers, (y_hat, y))
    if y_hat.shape != y.shape:
        raise ValueError(f"y_hat and y must have the same shape, got {y_hat.shape} and {y.shape}")
    if not delta > 0:
        raise ValueError(f"delta must be positive, got {delta}")
    error = y_hat - y
    near = np.clip(error, -delta, delta)
    return (near * (error - near / 2)).mean()


def cross_entropy(z, labels):
    """Cross-entropy of logits, −(1/N) Σᵢ log p(yᵢ) (article F2, corrected).

    Parameters
    ----------
    z : array_like, shape (N, K)
        Logits, not probabilities.
    labels : array_like of int, shape (N,)
        Class indices, 0 ≤ label < K.

    Returns
    -------
    float
        In nats per sample.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a label is not an integer or is out of range.
    """
    z, labels = numbers(z), np.asarray(labels)
    if z.ndim != 2 or labels.shape != z.shape[:1]:
        raise ValueError(f"z must be (N, K) and labels (N,), got {z.shape} and {labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers (class indices), got {labels.dtype}")
    if labels.size and (labels.min() < 0 or labels.max() >= z.shape[1]):
        raise ValueError(f"labels must be in 0..{z.shape[1] - 1}, got {labels.min()}..{labels.max()}")
    return -log_softmax(z)[np.arange(len(labels)), labels].mean()


def binary_cross_entropy(z, y):
    """Mean of −y log p − (1 − y) log(1 − p) over all elements, p = sigmoid(z) (article F2 for two classes).

    Parameters
    ----------
    z, y : array_like, same shape
        Logits, not probabilities, and targets from 0 to 1. Shape (N,) for one question, (N, K) for K.

    Returns
    -------
    float
        In nats per answer. Computed as max(z, 0) − y z + log(1 + exp −|z|), which never overflows.

    Raises
    ------
    ValueError
        If the shapes differ, or a target is not from 0 to 1.
    """
    z, y = map(numbers, (z, y))
    if z.shape != y.shape:
        raise ValueError(f"z and y must have the same shape, got {z.shape} and {y.shape}")
    if not ((y >= 0) & (y <= 1)).all():
        raise ValueError(f"y must be from 0 to 1, got {y.min()} to {y.max()}")
    return (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()


def temperature_slope(z, labels, T):
    """Slope of the mean cross-entropy along 1/T: mean of Σₖ pₖ zₖ − z_y. Positive where 1/T is too large."""
    z, labels = np.asarray(z), np.asarray(labels)
    if z.ndim != 2 or labels.shape != z.shape[:1]:
        raise ValueError(f"z must be (N, K) and labels (N,), got {z.shape} and {labels.shape}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= z.shape[1]:
        raise ValueError(f"labels must be integers in 0..{z.shape[1] - 1}, got {labels}")
    expected = (softmax(z, T) * z).sum(1)
    return (expected - z[np.arange(len(z)), labels]).mean()


def fit_temperature(z, labels, low=0.01, high=100.0):
    """Return the T in [low, high] with the least cross-entropy of softmax(z/T) (Guo et al. 2017).

    The cross-entropy is convex in 1/T, so its slope changes sign once; bisection finds where.

    Parameters
    ----------
    z : array_like, shape (N, K)
        Logits of samples that the network was not trained on.
    labels : array_like of int, shape (N,)

    Raises
    ------
    ValueError
        If the best T is not inside: it is below if every label has the largest logit, above if the logits are
        no better than a guess.
    """
    if not temperature_slope(z, labels, low) > 0 > temperature_slope(z, labels, high):
        raise ValueError(f"no temperature between {low:g} and {high:g} is best for these logits and labels")
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if temperature_slope(z, labels, middle) > 0 else (low, middle)
    return (low * high) ** 0.5
