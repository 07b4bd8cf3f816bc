"""Linear regression ŷ = X θ under the mean squared error (article ch. 4 section 4, with more points)."""

import numpy as np


def design(x):
    """Return the matrix X = [x, 1] of a line with a bias, so that X @ (w, b) = w x + b.

    Parameters
    ----------
    x : array_like, shape (N,)
        One input per sample.

    Returns
    -------
    array, shape (N, 2)
    """
    x = np.asarray(x, float)
    if x.ndim != 1:
        raise ValueError(f"x must be (N,), one input per sample, got {x.shape}")
    return np.stack([x, np.ones_like(x)], -1)


def residual(theta, X, y):
    """What the line misses, y − X θ.

    Parameters
    ----------
    theta : array_like, shape (..., d)
        Weights; leading axes are independent lines.
    X : array_like, shape (N, d)
    y : array_like, shape (N,)

    Returns
    -------
    array, shape (..., N)

    Raises
    ------
    ValueError
        If the shapes do not fit: y of shape (N, 1) would silently be broadcast to N² residuals.
    """
    theta, X, y = (np.asarray(a, float) for a in (theta, X, y))
    if X.ndim != 2 or y.shape != X.shape[:1] or theta.shape[-1:] != X.shape[1:]:
        raise ValueError(
            f"theta must be (..., d), X (N, d) and y (N,), got {theta.shape}, {X.shape} and {y.shape}"
        )
    return y - theta @ X.T


def loss(theta, X, y):
    """Mean squared error ℒ(θ), the mean of the squared residuals, shape (...)."""
    return (residual(theta, X, y) ** 2).mean(-1)


def gradient(theta, X, y):
    """∂ℒ/∂θ = −(2/N) Σ (yᵢ − xᵢ θ) xᵢ, shape (..., d)."""
    return -2 / len(X) * (residual(theta, X, y) @ X)


def curvature(X):
    """Second derivatives ∇²ℒ = (2/N) Xᵀ X, shape (d, d): the same everywhere, and independent of y."""
    X = np.asarray(X, float)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"X must be (N, d), got {X.shape}")
    return 2 / len(X) * X.T @ X


def lr_limit(X):
    """Gradient descent on ℒ converges from every start if and only if 0 < α < 2 / largest curvature."""
    return 2 / np.linalg.eigvalsh(curvature(X))[-1]


def solve(X, y):
    """The θ with the least loss, shape (d,); the shortest one where several are equally good."""
    X, y = (np.asarray(a, float) for a in (X, y))
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"X must be (N, d) and y (N,), got {X.shape} and {y.shape}")
    return np.linalg.lstsq(X, y, rcond=None)[0]
