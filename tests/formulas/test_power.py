"""Users of an A/B test: the textbook's numbers, and a count of simulated tests."""

import math
import re
from statistics import NormalDist

import numpy as np
import pytest

from losslab.formulas import power


def test_the_normal_distribution_and_its_quantiles_are_the_librarys():
    x = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(power.normal(x), [NormalDist().cdf(one) for one in x], rtol=1e-9)
    np.testing.assert_allclose(power.quantile([0.975, 0.8]), [1.959964, 0.841621], atol=5e-7)
    assert power.normal(0) == 0.5
    assert power.normal(-10) == pytest.approx(7.619853e-24, rel=1e-6)  # where 1 − 1 is 0
    assert np.shape(power.normal(0)) == np.shape(power.quantile(0.5)) == ()


def test_three_percent_against_three_point_three_needs_53_210_users_in_each_arm():
    assert round(power.users(0.03, 0.033)) == 53_210


@pytest.mark.parametrize(
    ("p_a", "p_b", "level", "wanted", "users"),
    [  # R: power.prop.test(p1, p2, sig.level, power)
        (0.50, 0.75, 0.05, 0.9, 76.65),  # from its help page: n = 76.7
        (0.15, 0.30, 0.05, 0.8, 120.5),
    ],
)
def test_users_are_those_of_the_textbook(p_a, p_b, level, wanted, users):
    assert power.users(p_a, p_b, level, wanted) == pytest.approx(users, abs=0.06)


def test_by_hand():
    """Shares ¼ and ¾: mean ½, so √(2 · ¼) without and √(2 · 3/16) with the difference of ½."""
    z, found = 1.959964, power.users(0.25, 0.75)
    assert found == pytest.approx(((z * math.sqrt(1 / 2) + 0.841621 * math.sqrt(3 / 8)) / 0.5) ** 2, rel=1e-6)
    assert power.users(0.75, 0.25) == pytest.approx(found)


@pytest.mark.parametrize(("p_a", "p_b", "wanted"), [(0.03, 0.033, 0.8), (0.5, 0.6, 0.9), (0.1, 0.05, 0.99)])
def test_with_as_many_users_the_power_is_what_was_asked_for(p_a, p_b, wanted):
    n = power.users(p_a, p_b, 0.01, wanted)
    assert power.power(p_a, p_b, n, 0.01) == pytest.approx(wanted, abs=1e-6)  # the other side adds nothing


def test_without_a_difference_the_power_is_the_level_and_it_grows_with_users_and_difference():
    np.testing.assert_allclose(power.power(0.2, 0.2, [10, 10_000], 0.05), 0.05, rtol=1e-9)
    assert (np.diff(power.power(0.03, 0.033, [10, 1e3, 1e4, 1e5, 1e6])) > 0).all()
    assert (np.diff(power.power(0.03, [0.03, 0.031, 0.033, 0.04], 1e4)) > 0).all()
    assert power.users(0.03, [0.0315, 0.033])[0] > 3.9 * power.users(0.03, 0.033)  # half as large: 4 times


def test_the_test_by_hand():
    z = power.z_test([30, 50, 0, 100], [50, 30, 0, 100], 100)
    want = 0.2 / math.sqrt(2 * 0.4 * 0.6 / 100)
    np.testing.assert_allclose(z, [want, -want, 0, 0], rtol=1e-12)
    assert np.shape(power.z_test(1, 2, 3)) == ()


@pytest.mark.parametrize("p_b", [0.2, 0.26])
def test_of_20_000_simulated_tests_as_many_notice_the_difference_as_the_power_says(p_b):
    rng, n = np.random.default_rng(0), 500
    z = power.z_test(rng.binomial(n, 0.2, 20_000), rng.binomial(n, p_b, 20_000), n)
    assert (abs(z) > power.quantile(0.975)).mean() == pytest.approx(power.power(0.2, p_b, n), abs=0.015)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: power.users(0, 0.1), "p_a must be above 0 and below 1, got 0"),
        (lambda: power.users(0.1, 1), "p_b must be above 0 and below 1, got 1"),
        (lambda: power.users(0.1, 0.2, level=0), "level must be above 0 and below 1, got 0"),
        (lambda: power.users(0.1, 0.2, power=1), "power must be above 0 and below 1, got 1"),
        (
            lambda: power.users(0.1, 0.1),
            "p_a and p_b must differ: no number of users shows a difference of 0, got 0.1",
        ),
        (lambda: power.power(0.1, math.nan, 9), "p_b must be above 0 and below 1, got nan"),
        (lambda: power.power(0.1, 0.2, 9, level=1), "level must be above 0 and below 1, got 1"),
    ],
)
def test_what_has_no_answer_is_refused(call, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        call()
