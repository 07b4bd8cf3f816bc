"""What is left of a network: weights rounded to few bits, the smallest left out, and the bytes of both.

Article ch. 8, trend 1, which knows one direction only: larger. Weights are matrices, one row per neuron.
"""

import numpy as np

SCALE = 4  # bytes of the number that a row is multiplied with: float32


def check_bits(bits):
    """Raise unless every number of bits is whole and 2 or more: with one, no value but 0 would be left."""
    if not ((np.asarray(bits) >= 2) & (np.asarray(bits) == np.round(bits))).all():
        raise ValueError(f"bits must be whole numbers from 2, got {bits}")


def check_share(name, value):
    """Raise unless every value is a share."""
    if not ((np.asarray(value) >= 0) & (np.asarray(value) <= 1)).all():
        raise ValueError(f"{name} must be a share from 0 to 1, got {value}")


def quantise(W, bits):
    """Round each row to 2ᵇ − 1 evenly spaced values around 0, the outermost at ± its largest weight.

    Parameters
    ----------
    W : array, shape (..., n)
    bits : int
        b, from 2.

    Returns
    -------
    array, shape (..., n)
        Δ round(w/Δ) with Δ = max |w| / (2ᵇ⁻¹ − 1), one Δ per row; a row of zeros stays one.
    """
    check_bits(bits)
    step = np.abs(W).max(-1, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(W / np.where(step > 0, step, 1)) * step


def prune(weights, share):
    """Set the smallest weights of a network to 0, judged by |w| over all its matrices at once.

    Parameters
    ----------
    weights : sequence of array
    share : float
        Of all weights together, rounded to a whole number of them.

    Returns
    -------
    list of array
    """
    check_share("share", share)
    sizes = np.abs(np.concatenate([np.ravel(W) for W in weights]))
    kept = np.ones(len(sizes), bool)
    kept[np.argsort(sizes, kind="stable")[: round(share * len(sizes))]] = False
    masks = np.split(kept, np.cumsum([np.size(W) for W in weights])[:-1])
    return [np.where(mask.reshape(np.shape(W)), W, 0) for mask, W in zip(masks, weights, strict=True)]


def stored_bytes(shapes, bits=32, pruned=0.0):
    """Bytes of a network's weights, rounded to b bits each, without those that are pruned.

    With fewer than 32 bits each row also needs its Δ (`SCALE` bytes); with anything pruned, each weight one
    bit that says whether it is there. Biases are not counted.

    Parameters
    ----------
    shapes : sequence of (rows, columns)
    bits, pruned : number or array
    """
    check_bits(bits)
    check_share("pruned", pruned)
    bits, pruned = np.asarray(bits), np.asarray(pruned)
    count, rows = sum(rows * columns for rows, columns in shapes), sum(rows for rows, _ in shapes)
    kept = count - np.round(pruned * count)
    return kept * bits / 8 + np.where(bits < 32, SCALE * rows, 0) + np.where(pruned > 0, count / 8, 0)


def lora_share(rows, columns, rank):
    """Share of a matrix's numbers that are trained if a product of rank r is added to it (Hu et al. 2022).

    r columns and r rows, r (rows + columns) numbers; the matrix itself stays as it is.
    """
    if not (np.asarray([rows, columns, rank]) >= 1).all():
        raise ValueError(f"rows, columns and rank must be 1 or more, got {rows}, {columns} and {rank}")
    return rank * (rows + columns) / (rows * columns)
