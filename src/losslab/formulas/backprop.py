"""Backpropagation by hand for a multi-layer perceptron, and how to check it (article ch. 4 section 2).

A layer is a pair (W, b) of shapes (n_out, n_in) and (n_out,); a network is a list of layers. A batch has one
sample per row. Leading axes of weights and batches are independent networks.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from losslab.formulas.activations import RELU


def random_layers(rng, widths, scale=2**0.5):
    """Draw a network: weights of standard deviation `scale` / √n_in, biases 0.

    Parameters
    ----------
    rng : numpy.random.Generator
    widths : sequence of int
        Numbers of inputs, of neurons in each hidden layer, of outputs.
    scale : float
        √2 is the initialisation of He et al. (2015), made for ReLU.

    Returns
    -------
    list of (array (n_out, n_in), array (n_out,))
    """
    if len(widths) < 2 or any(not isinstance(n, (int, np.integer)) or n < 1 for n in widths):
        raise ValueError(f"widths must be two or more whole numbers from 1, got {widths}")
    return [(rng.normal(0, scale / m**0.5, (n, m)), np.zeros(n)) for m, n in pairwise(widths)]


def forward(layers, x, sigma=RELU):
    """Compute z_l = W_l a_{l−1} + b_l and a_l = σ(z_l), from a_0 = x to the logits z_L.

    Parameters
    ----------
    layers : list of (W, b)
    x : array, shape (..., N, n_0)
    sigma : Activation
        Of the hidden layers; the last layer has none.

    Returns
    -------
    z : list of L arrays, shapes (..., N, n_1) to (..., N, n_L)
    a : list of L arrays, what each layer reads: shapes (..., N, n_0) to (..., N, n_{L−1})

    Raises
    ------
    ValueError
        If x is not a batch of the inputs that a layer reads, or a bias would be broadcast over its layer.
    """
    x = np.asarray(x)
    if x.ndim < 2:
        raise ValueError(f"x must be a batch (N, {layers[0][0].shape[-1]}), got {x.shape}")
    z, a = [], [x]
    for W, b in layers:
        if b.shape != W.shape[:-1]:
            raise ValueError(f"a layer with W {W.shape} needs b {W.shape[:-1]}, got {b.shape}")
        if a[-1].shape[-1] != W.shape[-1]:
            raise ValueError(f"a layer with W {W.shape} reads (N, {W.shape[-1]}), got {a[-1].shape}")
        z.append(a[-1] @ W.swapaxes(-1, -2) + b[..., None, :])
        a.append(sigma.value(z[-1]))
    return z, a[:-1]


def softmax_jacobian(p):
    """∂p_i/∂z_j = p_i (1[i = j] − p_j), the matrix diag(p) − p pᵀ of softmax.

    Parameters
    ----------
    p : array, shape (..., K)
        Probabilities.

    Returns
    -------
    array, shape (..., K, K)
    """
    return p[..., None] * np.eye(p.shape[-1]) - p[..., None] * p[..., None, :]


def output_delta(p, labels):
    """δ_L = (p − y) / N, the gradient of the mean cross-entropy in the logits (article F3, corrected).

    Parameters
    ----------
    p : array, shape (..., N, K)
        Probabilities: the softmax of the logits.
    labels : array of int, shape (N,)
        Class indices, the 1 of each one-hot row y.

    Returns
    -------
    array, shape (..., N, K)
    """
    labels = np.asarray(labels)
    if labels.shape != p.shape[-2:-1]:
        raise ValueError(f"p must be (..., N, K) and labels (N,), got {p.shape} and {labels.shape}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= p.shape[-1]:
        raise ValueError(f"labels must be integers in 0..{p.shape[-1] - 1}, got {labels}")
    return (p - np.eye(p.shape[-1], dtype=p.dtype)[labels]) / len(labels)


def backward(layers, z, delta, sigma=RELU):
    """Send δ_L back: δ_l = (W_{l+1}ᵀ δ_{l+1}) ⊙ σ'(z_l) (missing from the article).

    Parameters
    ----------
    layers : list of (W, b)
    z : list of L arrays
        From `forward`.
    delta : array, shape (..., N, n_L)
        ∂L/∂z of the last layer.
    sigma : Activation

    Returns
    -------
    list of L arrays
        δ_1 to δ_L, shapes as z.
    """
    deltas = [delta]
    for (W, _), below in zip(layers[:0:-1], z[-2::-1], strict=True):
        deltas.append((deltas[-1] @ W) * sigma.slope(below))
    return deltas[::-1]


def layer_gradients(deltas, a):
    """∂L/∂W_l = δ_l a_{l−1}ᵀ and ∂L/∂b_l = δ_l, summed over the batch (article F4, corrected).

    Parameters
    ----------
    deltas, a : lists of L arrays
        From `backward` and `forward`.

    Returns
    -------
    list of (array (..., n_l, n_{l−1}), array (..., n_l))
        One pair per layer, in the shapes of the layers.
    """
    return [(d.swapaxes(-1, -2) @ x, d.sum(-2)) for d, x in zip(deltas, a, strict=True)]


def flatten(layers):
    """Lay out all weights and biases, or their gradients, as one vector: W_1, b_1, W_2, b_2 and so on."""
    return np.concatenate([array.ravel() for layer in layers for array in layer])


def unflatten(theta, widths):
    """Undo `flatten` for a network of these widths; the layers are views of `theta`, shape (..., n)."""
    count = sum((m + 1) * n for m, n in pairwise(widths))
    if theta.shape[-1] != count:
        raise ValueError(f"a network of widths {tuple(widths)} has {count} parameters, got {theta.shape[-1]}")
    layers, i = [], 0
    for m, n in pairwise(widths):
        W, b = theta[..., i : i + n * m], theta[..., i + n * m : i + n * m + n]
        layers.append((W.reshape(*theta.shape[:-1], n, m), b))
        i += n * m + n
    return layers


def central_difference(f, w, h=1e-5):
    """Slope of `f` in every element of `w`: (f(w + h) − f(w − h)) / 2h, two evaluations each.

    Parameters
    ----------
    f : callable
        `f(w)` is a number.
    w : array_like of any shape, or a number
    h : float
        In units of w.

    Returns
    -------
    array, shape of w
    """
    if not 0 < h < np.inf:
        raise ValueError(f"h must be positive, got {h}")
    w = np.asarray(w, float)
    slopes = np.empty_like(w)
    for i in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[i] = h
        slopes[i] = (f(w + step) - f(w - step)) / (2 * h)
    return slopes


class Check(NamedTuple):
    """Where a gradient and its differences disagree most; printed, it shows both numbers."""

    index: tuple
    given: float
    measured: float
    error: float

    def __str__(self):
        at = f"{list(self.index)} " if self.index else ""
        return f"{at}given {self.given:.6g}, measured {self.measured:.6g}, error {self.error:.2g}"


def check(f, w, g, h=1e-5):
    """Compare `g`, said to be the gradient of `f` at `w`, with central differences.

    Parameters
    ----------
    f, w, h : as for `central_difference`
    g : array, shape of w

    Returns
    -------
    Check
        The worst element; its error is relative to the steepest slope, given or measured.

    Raises
    ------
    ValueError
        If g has another shape than w.
    """
    g, measured = np.asarray(g), central_difference(f, w, h)
    if g.shape != measured.shape:
        raise ValueError(f"a gradient has the shape of its parameters, {measured.shape}, got {g.shape}")
    error = np.abs(g - measured) / (max(np.abs(g).max(), np.abs(measured).max()) or 1.0)
    worst = np.unravel_index(error.argmax(), error.shape)
    return Check(tuple(map(int, worst)), float(g[worst]), float(measured[worst]), float(error[worst]))
