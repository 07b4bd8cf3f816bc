"""Intervals and paired tests: published numbers, cases by hand, and coverage counted exactly."""

import math

import numpy as np
import pytest
import torch

from losslab.formulas import intervals
from losslab.learning import history


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(right, count, low, high):
    np.testing.assert_allclose(intervals.wilson(right, count), (low, high), atol=6e-5)


def test_the_ends_of_wilsons_interval_are_z_deviations_from_what_was_seen():
    for right, count in ((3, 10), (970, 1000), (19, 20)):
        for end in intervals.wilson(right, count):
            deviation = math.sqrt(end * (1 - end) / count)
            assert abs(right / count - end) == pytest.approx(1.96 * deviation, rel=1e-9)


def test_wilson_is_the_same_for_mistakes_and_leaves_room_at_both_ends():
    low, high = intervals.wilson(np.arange(21), 20)
    np.testing.assert_allclose(low, 1 - high[::-1], atol=1e-12)
    assert low[0] == 0
    assert high[-1] == 1
    assert low[-1] == pytest.approx(20 / (20 + 1.96**2), rel=1e-12)  # all right is not 100 % for sure
    assert ((low >= 0) & (high <= 1)).all()


def coverage(a, n, interval):
    """The exact share of samples of n whose interval holds the true a."""
    weights = [math.comb(n, k) * a**k * (1 - a) ** (n - k) for k in range(n + 1)]
    ends = [interval(k, n) for k in range(n + 1)]
    return sum(w for w, (low, high) in zip(weights, ends, strict=True) if low <= a <= high)


def wald(k, n):
    half = 1.96 * math.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


@pytest.mark.parametrize(("a", "n"), [(0.97, 60), (0.97, 200), (0.9, 50), (0.99, 300)])
def test_wilson_keeps_its_promise_where_the_textbook_interval_does_not(a, n):
    assert 0.93 < coverage(a, n, intervals.wilson) < 0.98
    assert coverage(a, n, wald) < 0.935


def test_mcnemar_by_hand():
    assert intervals.mcnemar(0, 0) == 1
    assert intervals.mcnemar(5, 5) == 1
    assert intervals.mcnemar(0, 5) == 2 / 32
    assert intervals.mcnemar(1, 9) == 2 * 11 / 1024
    assert intervals.mcnemar(9, 1) == intervals.mcnemar(1, 9)


def test_mcnemar_is_the_share_of_fair_coins_that_fall_as_unevenly():
    heads = np.random.default_rng(0).binomial(31, 0.5, size=200_000)
    share = (np.abs(heads - 15.5) >= 15.5 - 9).mean()
    assert intervals.mcnemar(9, 22) == pytest.approx(share, abs=0.003)


def test_mcnemar_of_many_thousands_is_still_a_number():
    assert 0 < intervals.mcnemar(4800, 5200) < 1e-3


def test_paired_difference_by_hand():
    first = np.repeat([1, 1, 0, 0], (80, 2, 10, 8))
    second = np.repeat([1, 0, 1, 0], (80, 2, 10, 8))
    difference, low, high = intervals.paired_difference(first, second)
    deviation = math.sqrt((12 - 8**2 / 100) / 100) / 10
    assert difference == pytest.approx(0.08)
    np.testing.assert_allclose([low, high], [0.08 - 1.96 * deviation, 0.08 + 1.96 * deviation])


def test_a_pair_of_equals_differs_by_nothing():
    right = np.random.default_rng(0).random(50) < 0.9
    assert intervals.paired_difference(right, right) == (0, 0, 0)


def test_pairs_are_compared_more_sharply_than_two_samples():
    rng = np.random.default_rng(0)
    first = rng.random(1000) < 0.9
    second = np.where(rng.random(1000) < 0.03, ~first, first)
    _, low, high = intervals.paired_difference(first, second)
    apart = 2 * 1.96 * math.sqrt((first.var() + second.var()) / 1000)
    assert high - low < 0.5 * apart


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        (intervals.wilson, (0, 0), "count above 0"),
        (intervals.wilson, (11, 10), "from 0 to count"),
        (intervals.mcnemar, (-1, 3), "whole numbers from 0"),
        (intervals.mcnemar, (0.5, 3), "whole numbers from 0"),
        (intervals.paired_difference, ([1, 0], [1]), "one answer of each"),
        (intervals.paired_difference, ([], []), "one answer of each"),
        (intervals.paired_difference, ([1, 2], [1, 0]), "right or wrong"),
    ],
)
def test_wrong_input_is_refused(function, arguments, said):
    with pytest.raises(ValueError, match=said):
        function(*arguments)


@pytest.mark.parametrize(("right", "count"), [(0, 5), (19, 20), (973, 1000), (600, 600)])
def test_a_score_has_wilsons_interval(right, count):
    share = (torch.arange(count) < right).float().mean().item()  # as `evaluate` computes it
    score = history.Score(0.0, share, count)
    np.testing.assert_allclose(score.interval, intervals.wilson(right, count), atol=1e-12)
