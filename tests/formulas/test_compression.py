"""Fewer bits, fewer weights: values by hand, bounds, and bytes that add up."""

import numpy as np
import pytest

from losslab.formulas import compression

W = np.random.default_rng(0).normal(size=(5, 40))


def test_a_row_by_hand():
    """3 bits: −3 … 3 times Δ, and the largest weight is 3 Δ."""
    np.testing.assert_allclose(
        compression.quantise([[0.9, -0.2, 0.44, 0.0]], 3), [[0.9, -0.3, 0.3, 0.0]], atol=1e-15
    )
    np.testing.assert_allclose(compression.quantise([[1.0, -0.4, 0.6]], 2), [[1.0, 0.0, 1.0]])


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 16])
def test_no_weight_moves_by_more_than_half_a_step_and_each_row_has_its_own(bits):
    sizes = 10.0 ** np.arange(5)[:, None]
    rounded = compression.quantise(W * sizes, bits) / sizes
    step = np.abs(W).max(-1) / (2 ** (bits - 1) - 1)
    assert (np.abs(rounded - W).max(-1) <= step / 2 * (1 + 1e-9)).all()
    for row, width in zip(rounded, step, strict=True):
        levels = np.unique(np.round(row / width))
        assert len(levels) <= 2**bits - 1
        np.testing.assert_allclose(row / width, np.round(row / width), atol=1e-6)
    np.testing.assert_allclose(np.abs(rounded).max(-1), np.abs(W).max(-1))


def test_rounding_again_changes_nothing_and_zeros_and_types_stay():
    once = compression.quantise(W, 4)
    np.testing.assert_allclose(compression.quantise(once, 4), once)
    np.testing.assert_array_equal(compression.quantise(np.zeros((2, 3)), 4), np.zeros((2, 3)))
    assert compression.quantise(W.astype("f4"), 4).dtype == np.float32


def test_the_smallest_of_all_matrices_go_wherever_they_are():
    a, b = compression.prune([np.array([[1.0, -5.0], [3.0, 0.5]]), np.array([[-0.1, 2.0]])], 0.5)
    np.testing.assert_array_equal(a, [[0, -5], [3, 0]])
    np.testing.assert_array_equal(b, [[0, 2]])


@pytest.mark.parametrize(("share", "left"), [(0.0, 200), (0.333, 133), (0.95, 10), (1.0, 0)])
def test_exactly_the_share_is_gone_even_of_equal_weights(share, left):
    for weights in ([W], [np.ones((5, 40))], [W[:2], W[2:]]):
        assert sum(np.count_nonzero(w) for w in compression.prune(weights, share)) == left


def test_pruning_keeps_the_largest():
    kept = compression.prune([W], 0.7)[0]
    assert np.abs(W[kept == 0]).max() <= np.abs(kept[kept != 0]).min()
    np.testing.assert_array_equal(kept[kept != 0], W[kept != 0])


def test_bytes_by_hand_and_the_mask_costs_more_than_few_weights_do():
    shapes = [(2, 10), (1, 20)]  # 40 weights in three rows
    assert compression.stored_bytes(shapes) == 160
    assert compression.stored_bytes(shapes, 8) == 40 + 3 * 4
    assert compression.stored_bytes(shapes, 32, 0.5) == 80 + 5
    assert compression.stored_bytes(shapes, 2, 0.75) == 10 / 4 + 3 * 4 + 5
    assert compression.stored_bytes(shapes, 32, 0.025) > 160
    grid = compression.stored_bytes(shapes, np.array([[2], [8]]), np.array([[0.0, 0.5, 0.9]]))
    assert grid.shape == (2, 3)
    assert grid[1, 0] == 52


def test_of_a_matrix_of_4096_rank_8_trains_four_thousandths():
    assert compression.lora_share(4096, 4096, 8) * 4096**2 == 65_536
    assert round(compression.lora_share(4096, 4096, 8), 4) == 0.0039
    rows, columns, rank = 30, 20, 3
    thin = np.zeros((rows, rank)), np.zeros((rank, columns))
    assert (thin[0] @ thin[1]).shape == (rows, columns)
    assert compression.lora_share(rows, columns, rank) == sum(one.size for one in thin) / (rows * columns)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compression.quantise(W, 1), "bits must be whole numbers from 2, got 1"),
        (lambda: compression.quantise(W, 2.5), "bits must be whole numbers from 2, got 2.5"),
        (lambda: compression.prune([W], 1.2), "share must be a share from 0 to 1, got 1.2"),
        (lambda: compression.stored_bytes([(1, 1)], 8, -0.1), "pruned must be a share from 0 to 1, got -0.1"),
        (lambda: compression.lora_share(4, 4, 0), "rows, columns and rank must be 1 or more, got 4, 4 and 0"),
    ],
)
def test_what_would_be_nonsense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
