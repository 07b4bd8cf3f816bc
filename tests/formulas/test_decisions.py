"""Logits to answers: cases worked by hand, and torch where it has the same."""

import re

import numpy as np
import pytest
import torch

from losslab.formulas import activations, decisions, losses

EXACT = {"rtol": 0, "atol": 1e-12}
LN = np.log


def rng():
    return np.random.default_rng(0)


# --- softmax and sigmoid ---


@pytest.mark.parametrize("T", [0.25, 1.0, 3.0])
def test_softmax_is_torchs_at_every_temperature(T):
    z = rng().normal(size=(4, 3, 7)) * 5
    np.testing.assert_allclose(activations.softmax(z, T), torch.softmax(torch.tensor(z) / T, -1), rtol=1e-10)


def test_softmax_without_a_temperature_is_that_of_the_losses():
    z = rng().normal(size=(4, 7))
    np.testing.assert_allclose(activations.softmax(z), activations.softmax(z), rtol=1e-12)


def test_softmax_by_hand():
    np.testing.assert_allclose(activations.softmax([LN(1), LN(3)]), [0.25, 0.75], **EXACT)
    np.testing.assert_allclose(activations.softmax([LN(1), LN(3)], 0.5), [0.1, 0.9], **EXACT)  # 1 : 3²
    np.testing.assert_allclose(activations.softmax([LN(1), LN(9)], 2), [0.25, 0.75], **EXACT)  # 1 : √9


def test_softmax_takes_many_temperatures_at_once():
    z = rng().normal(size=(4, 7))
    T = np.array([0.5, 1, 2])
    found = activations.softmax(z, T[:, None, None])
    for one, t in zip(found, T, strict=True):
        np.testing.assert_array_equal(one, activations.softmax(z, t))


def test_softmax_survives_large_logits():
    np.testing.assert_array_equal(activations.softmax([1000.0, 0.0, -1000.0]), [1, 0, 0])
    np.testing.assert_allclose(activations.softmax([1000.0, 1000.0]), [0.5, 0.5], **EXACT)


@pytest.mark.parametrize("T", [0, -1, [1.0, 0.0]])
def test_a_temperature_is_positive(T):
    with pytest.raises(ValueError, match=r"^T must be positive, got "):
        activations.softmax([1.0, 2.0], T)


def test_sigmoid_by_hand_and_torchs():
    np.testing.assert_allclose(activations.sigmoid([0, LN(3), -LN(3)]), [0.5, 0.75, 0.25], **EXACT)
    z = np.array([-800.0, -3, 0, 3, 800])
    np.testing.assert_allclose(activations.sigmoid(z), torch.sigmoid(torch.tensor(z)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_probabilities_have_64_bits_whatever_the_logits_have(dtype):
    z = np.array([1, 2, 9], dtype)
    for function in (activations.softmax, activations.sigmoid):
        assert function(z).dtype == float
        np.testing.assert_array_equal(function(z), function(z.astype(float)))


# --- deciding ---


def test_decide_answers_or_rejects():
    p = np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    np.testing.assert_array_equal(decisions.decide(p), [1, 0, 0])
    np.testing.assert_array_equal(decisions.decide(p, 0.6), [1, 0, -1])  # 0.6 reaches 0.6
    np.testing.assert_array_equal(decisions.decide(p, 0.81), [-1, -1, -1])
    assert decisions.REJECTED == -1
    assert decisions.decide([0.0, 0.0]) == 0  # threshold 0 answers always


def test_decide_keeps_leading_axes():
    p = rng().random((2, 3, 5))
    np.testing.assert_array_equal(decisions.decide(p), p.argmax(-1))


def test_top_k_is_torchs():
    p = rng().random((6, 9))
    for k in (1, 2, 9):
        np.testing.assert_array_equal(decisions.top_k(p, k), torch.topk(torch.tensor(p), k).indices)


def test_top_k_takes_the_lower_of_equals():
    np.testing.assert_array_equal(decisions.top_k([0.2, 0.4, 0.4, 0.0], 3), [1, 2, 0])
    p = np.tile([1.0, 2.0], 20)
    np.testing.assert_array_equal(decisions.top_k(p, 20), np.arange(1, 40, 2))


@pytest.mark.parametrize("k", [0, 4])
def test_top_k_cannot_exceed_the_classes(k):
    with pytest.raises(ValueError, match=f"^k must be from 1 to 3, got {k}$"):
        decisions.top_k([[[0.1, 0.2, 0.7]]], k)


# --- precision, recall, coverage ---


def test_share_is_nan_of_nothing():
    np.testing.assert_array_equal(decisions.share([1, 0, 0], [2, 5, 0]), [0.5, 0, np.nan])
    np.testing.assert_array_equal(decisions.share([1, 2], 4), [0.25, 0.5])
    np.testing.assert_array_equal(decisions.share(1, [2, 0]), [0.5, np.nan])
    np.testing.assert_array_equal(decisions.share(3, 0.5), 6)


def test_precision_and_recall_by_hand():
    scores = [0.9, 0.8, 0.6, 0.4, 0.1]
    truth = [True, False, True, True, False]
    precision, recall = decisions.precision_recall(scores, truth, [0.0, 0.4, 0.5, 0.6, 0.85, 0.95])
    np.testing.assert_allclose(precision, [3 / 5, 3 / 4, 2 / 3, 2 / 3, 1, np.nan], **EXACT)
    np.testing.assert_allclose(recall, [1, 1, 2 / 3, 2 / 3, 1 / 3, 0], **EXACT)
    np.testing.assert_array_equal(decisions.precision_recall(scores, [1.0, 0.0, 1.0, 1.0, 0.0], 0.5), 2 / 3)


def test_precision_and_recall_of_one_threshold_are_numbers():
    precision, recall = decisions.precision_recall([0.9, 0.1], [False, False], 0.5)
    assert np.shape(precision) == np.shape(recall) == ()
    assert precision == 0
    assert np.isnan(recall)


def test_f1_is_the_harmonic_mean_and_0_where_nothing_is_found():
    np.testing.assert_allclose(decisions.f1(0.75, 0.9), 9 / 11, **EXACT)
    np.testing.assert_allclose(decisions.f1([1, 0.5, 0, np.nan], [1, 0.25, 0, 0]), [1, 1 / 3, 0, 0], **EXACT)
    assert np.shape(decisions.f1(1.0, 0.5)) == ()


def test_the_cost_of_a_decision_by_hand():
    scores, truth = [0.9, 0.8, 0.6, 0.4], [True, False, True, True]
    cost = decisions.decision_cost(scores, truth, [0.0, 0.4, 0.7, 0.8, 0.95], 4)
    np.testing.assert_allclose(cost, [1 / 4, 1 / 4, 9 / 4, 9 / 4, 12 / 4], **EXACT)
    assert decisions.decision_cost(scores, truth, 0.5, 10) == 11 / 4  # one false alarm, one miss


@pytest.mark.parametrize("price", [0.25, 1, 3, 19])
def test_scores_that_can_be_believed_are_cheapest_at_one_over_one_plus_price(price):
    """Of 40 samples with the score k/40, k are positive."""
    k = np.arange(1, 40)
    scores, truth = np.repeat(k / 40, 40), (np.arange(40) < k[:, None]).ravel()
    between = (np.arange(41) + 0.5) / 40
    cost = decisions.decision_cost(scores, truth, between, price)
    assert abs(between[cost.argmin()] - 1 / (1 + price)) <= 0.5 / 40 + 1e-12


def test_selective_by_hand():
    sure = [0.9, 0.8, 0.6, 0.4]
    right = [True, True, False, True]
    coverage, accuracy = decisions.selective(sure, right, [0.0, 0.5, 0.8, 0.95])
    np.testing.assert_allclose(coverage, [1, 3 / 4, 2 / 4, 0], **EXACT)
    np.testing.assert_allclose(accuracy, [3 / 4, 2 / 3, 1, np.nan], **EXACT)
    assert decisions.selective(sure, right, 0.7) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda a, b: decisions.precision_recall(a, b, 0.5), "truth"),
        (lambda a, b: decisions.decision_cost(a, b, 0.5, 1), "truth"),
        (lambda a, b: decisions.selective(a, b, 0.5), "right"),
        (decisions.reliability, "right"),
        (decisions.calibration_error, "right"),
    ],
)
@pytest.mark.parametrize("shapes", [((3,), (4,)), ((3,), (3, 1)), ((3, 1), (3, 1)), ((), ()), ((0,), (0,))])
def test_scores_and_truth_must_fit(function, name, shapes):
    sentence = f"one score and one {name} per sample, got shapes {shapes[0]} and {shapes[1]}"
    with pytest.raises(ValueError, match=f"^{sentence.replace('(', '[(]').replace(')', '[)]')}$"):
        function(*(np.zeros(shape) for shape in shapes))


Z = [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: decisions.precision_recall([0.1, 0.9], [0, 7], 0.5), "truth must be yes or no, got [0 7]"),
        (lambda: decisions.decision_cost([0.1, 0.9], [0, 1], 0.5, 0), "price must be positive, got 0"),
        (lambda: decisions.selective([0.1, 0.9], [0.5, 1], 0.5), "right must be yes or no, got [0.5 1. ]"),
        (lambda: decisions.decide([-0.2, 0.7]), "probabilities must be from 0 to 1, got -0.2 to 0.7"),
        (lambda: decisions.decide([0.2, 1.7]), "probabilities must be from 0 to 1, got 0.2 to 1.7"),
        (lambda: decisions.decide([0.2, np.nan]), "probabilities must be from 0 to 1, got nan to nan"),
        (lambda: decisions.nucleus([1.0, 3.0], 0.9), "probabilities must be from 0 to 1, got 1 to 3"),
        (lambda: decisions.reliability([0.5, 2], [1, 0]), "probabilities must be from 0 to 1, got 0.5 to 2"),
        (lambda: decisions.reliability([0.5], [1], 0), "bins must be a whole number from 1, got 0"),
        (lambda: decisions.reliability([0.5], [1], 2.5), "bins must be a whole number from 1, got 2.5"),
        (
            lambda: losses.temperature_slope(Z, [0], 1),
            "z must be (N, K) and labels (N,), got (2, 3) and (1,)",
        ),
        (
            lambda: losses.temperature_slope([1, 2], [0], 1),
            "z must be (N, K) and labels (N,), got (2,) and (1,)",
        ),
        (lambda: losses.temperature_slope(Z, [0, -1], 1), "labels must be integers in 0..2, got [ 0 -1]"),
        (lambda: losses.temperature_slope(Z, [0, 3], 1), "labels must be integers in 0..2, got [0 3]"),
        (lambda: losses.fit_temperature(Z, [0.0, 1.0]), "labels must be integers in 0..2, got [0. 1.]"),
        (
            lambda: decisions.sample([0.5, -0.1], rng()),
            "p must hold shares from 0, and in each row one above 0, got [ 0.5 -0.1]",
        ),
        (
            lambda: decisions.sample([[1, 1], [0, 0]], rng()),
            "p must hold shares from 0, and in each row one above 0, got [[1. 1.]\n [0. 0.]]",
        ),
    ],
)
def test_what_would_go_wrong_silently_is_refused(call, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        call()


def test_a_rounding_error_above_1_is_a_probability_and_one_bin_is_a_bin():
    assert decisions.decide([0.0, 1 + 1e-9], 1) == 1
    with pytest.raises(ValueError, match="from 0 to 1"):
        decisions.decide([0.0, 1 + 1e-3])
    assert decisions.reliability([0.5, 0.7], [1, 0], np.int64(1))[0].tolist() == [2]


# --- calibration ---


def test_reliability_by_hand():
    sure = [0.0, 0.25, 0.26, 0.5, 0.7, 1.0, 0.9, 0.8]
    right = [1, 0, 1, 0, 1, 1, 1, 0]
    count, confidence, accuracy = decisions.reliability(sure, right, bins=4)  # (0, ¼], (¼, ½], (½, ¾], (¾, 1]
    np.testing.assert_array_equal(count, [2, 2, 1, 3])
    np.testing.assert_allclose(confidence, [0.125, 0.38, 0.7, 0.9], **EXACT)
    np.testing.assert_allclose(accuracy, [0.5, 0.5, 1, 2 / 3], **EXACT)


def test_reliability_has_ten_bins_and_empty_ones_are_nan():
    count, confidence, accuracy = decisions.reliability([0.95], [True])
    np.testing.assert_array_equal(count, [0] * 9 + [1])
    np.testing.assert_array_equal(confidence, [np.nan] * 9 + [0.95])
    np.testing.assert_array_equal(accuracy, [np.nan] * 9 + [1])


def test_a_bin_ends_at_exactly_a_tenth_and_the_last_one_nowhere():
    (above,) = np.float32([0.1])  # 0.100000001: times ten, in 32 bits, it would be 1
    for sure, bin_ in ((0.1, 0), (above, 1), (np.nextafter(1, 2), 9)):
        np.testing.assert_array_equal(decisions.reliability([sure], [True])[0], np.eye(10)[bin_])


def test_calibration_error_by_hand():
    error = decisions.calibration_error([0.9, 0.9, 0.6, 0.6], [True, False, True, True], bins=2)
    np.testing.assert_allclose(error, 0, **EXACT)  # one bin of mean 0.75, three of four right
    error = decisions.calibration_error([0.9, 0.9, 0.6, 0.6], [True, False, True, True])
    np.testing.assert_allclose(error, (2 * 0.4 + 2 * 0.4) / 4, **EXACT)
    error = decisions.calibration_error([0.9, 0.6, 0.6, 0.6], [True, True, True, True])
    np.testing.assert_allclose(error, (1 * 0.1 + 3 * 0.4) / 4, **EXACT)
    error = decisions.calibration_error([0.95, 0.2], [True, True], bins=2)
    np.testing.assert_allclose(error, (0.05 + 0.8) / 2, **EXACT)
    error = decisions.calibration_error([0.95, 0.905], [True, False])  # one bin of ten; of eleven, two
    np.testing.assert_allclose(error, 0.9275 - 0.5, **EXACT)


def test_the_slope_in_one_over_t_is_autograds():
    z, labels = rng().normal(size=(20, 5)) * 3, rng().integers(5, size=20)
    for T in (0.5, 1.0, 4.0):
        beta = torch.tensor(1 / T, dtype=torch.float64, requires_grad=True)
        torch.nn.functional.cross_entropy(torch.tensor(z) * beta, torch.tensor(labels)).backward()
        np.testing.assert_allclose(losses.temperature_slope(z, labels, T), beta.grad, **EXACT)


def test_the_fitted_temperature_is_the_lowest_point():
    z = rng().normal(size=(500, 5)) * 3
    labels = decisions.sample(activations.softmax(z, 2), rng())
    T = losses.fit_temperature(z, labels)
    loss = lambda t: losses.cross_entropy(z / t, labels)  # noqa: E731
    assert loss(T) < min(loss(0.99 * T), loss(1.01 * T))
    np.testing.assert_allclose(losses.temperature_slope(z, labels, T), 0, atol=1e-9)


def test_the_fitted_temperature_by_hand():
    z, labels = [[LN(9), 0.0]] * 4, [0, 0, 0, 1]  # three of four right: p = ¾, odds 3 = 9^(1/T)
    np.testing.assert_allclose(losses.fit_temperature(z, labels), 2, rtol=1e-12)
    np.testing.assert_allclose(losses.fit_temperature(49 * np.array(z), labels), 98, rtol=1e-9)
    np.testing.assert_allclose(losses.fit_temperature(np.array(z) / 180, labels), 1 / 90, rtol=1e-9)
    np.testing.assert_allclose(losses.fit_temperature(z, labels, low=1.9, high=2.05), 2, rtol=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 1, 2]])
def test_no_temperature_is_best_if_all_labels_win_or_none_does(labels):
    z = np.array([[2.0, 1.0, 1.0]] * 3)
    with pytest.raises(
        ValueError, match=r"^no temperature between 0\.01 and 100 is best for these logits and labels$"
    ):
        losses.fit_temperature(z, labels)


def test_no_finite_temperature_is_best_for_a_coin():
    """Both classes as often, the same logits: the slope reaches 0 only where 1/T is rounded away."""
    with pytest.raises(ValueError, match=r"^no temperature between 0\.01 and 1e\+300 is best "):
        losses.fit_temperature([[1, 0], [1, 0]], [0, 1], high=1e300)


# --- generation ---


def test_nucleus_by_hand():
    p = [0.1, 0.5, 0.15, 0.25]
    np.testing.assert_allclose(decisions.nucleus(p, 0.5), [0, 1, 0, 0], **EXACT)  # 0.5 reaches 0.5
    np.testing.assert_allclose(decisions.nucleus(p, 0.51), [0, 2 / 3, 0, 1 / 3], **EXACT)
    np.testing.assert_allclose(decisions.nucleus(p, 0.8), [0, 5 / 9, 1.5 / 9, 2.5 / 9], **EXACT)
    np.testing.assert_allclose(decisions.nucleus(p, 1), p, **EXACT)
    np.testing.assert_allclose(decisions.nucleus(p, 1e-9), [0, 1, 0, 0], **EXACT)


def test_nucleus_keeps_the_lower_of_equals():
    np.testing.assert_allclose(decisions.nucleus(np.full(20, 0.05), 0.125), [1 / 3] * 3 + [0] * 17, **EXACT)


def test_nucleus_takes_rows_and_many_values_at_once():
    p, top = rng().dirichlet(np.ones(6), size=5), np.array([0.3, 0.9])
    found = decisions.nucleus(p, top[:, None, None])
    for value, rows in zip(top, found, strict=True):
        for row, want in zip(rows, p, strict=True):
            np.testing.assert_allclose(row, decisions.nucleus(want, value), **EXACT)
            kept = row > 0
            assert want[kept].sum() >= value > want[kept].sum() - want[kept].min()
            assert want[kept].min() >= want[~kept].max(initial=0)


@pytest.mark.parametrize("top", [0, -0.1, 1.1, [0.5, 0.0]])
def test_nucleus_needs_a_share(top):
    with pytest.raises(ValueError, match=r"^top must be above 0 and at most 1, got "):
        decisions.nucleus([0.5, 0.5], top)


class Dice:
    """A generator that gives what it was told to."""

    def __init__(self, *values):
        self.values = values

    def random(self, shape):
        return np.resize(self.values, shape)


def test_sample_cuts_the_unit_interval():
    p = [0.25, 0.0, 0.5, 0.25]
    for u, want in ((0.0, 0), (0.2499, 0), (0.25, 2), (0.7499, 2), (0.75, 3), (np.nextafter(1, 0), 3)):
        assert decisions.sample(p, Dice(u)) == want
        assert decisions.sample(np.multiply(7, p), Dice(u)) == want  # need not sum to 1


def test_what_is_rare_is_not_rounded_away():
    """In 32 bits 1 + 2⁻³⁰ is 1, and the second symbol would never come."""
    p = np.float32([1, 2**-30])
    assert decisions.sample(p, Dice(np.nextafter(1, 0))) == 1
    assert decisions.nucleus(p / 2, 1).dtype == float


def test_sample_never_draws_what_was_cut():
    p = np.array([0.0, 0.3, 0.0, 0.7, 0.0])
    for u in (0.0, 0.3, np.nextafter(1, 0)):
        assert decisions.sample(p, Dice(u)) in (1, 3)


def test_sample_draws_one_for_each_row():
    p = np.eye(4)[[[2, 0, 1], [3, 3, 0]]]
    np.testing.assert_array_equal(decisions.sample(p, rng()), [[2, 0, 1], [3, 3, 0]])


def test_sample_draws_as_often_as_it_should():
    p = np.array([0.2, 0.5, 0.3])
    counts = np.bincount(decisions.sample(np.tile(p, (100_000, 1)), rng()), minlength=3)
    np.testing.assert_allclose(counts / 100_000, p, atol=0.006)


def test_generate_stops_at_the_stop_symbol_or_at_the_limit():
    seen = []

    def counting(symbols):
        seen.append(list(symbols))
        return np.eye(5)[(symbols[-1] + 1) % 5 if symbols else 1]

    assert decisions.generate(counting, np.argmax, stop=4, limit=10) == [1, 2, 3]
    assert seen == [[], [1], [1, 2], [1, 2, 3]]
    assert decisions.generate(counting, np.argmax, stop=9, limit=3) == [1, 2, 3]
    assert decisions.generate(counting, np.argmax, stop=4, limit=0) == []


def test_generate_goes_on_from_a_prompt_and_leaves_it_alone():
    prompt = [7, 2]
    found = decisions.generate(lambda s: np.eye(9)[s[-1] + 1], np.argmax, stop=6, limit=2, prompt=prompt)
    assert found == [7, 2, 3, 4]
    assert prompt == [7, 2]
    assert all(type(symbol) is int for symbol in found)


def test_the_whole_nucleus_is_everything_even_if_a_rounded_sum_reaches_1_before():
    p = np.array([1 - 1e-17, 1e-17, 1e-18])
    assert (decisions.nucleus(p, 1.0) > 0).all()
    assert (decisions.nucleus(p, [1.0, 0.9, 0.9]) > 0).tolist() == [True, False, False]


def test_a_rounding_error_above_1_is_a_probability_and_more_is_none():
    assert decisions.decide([1 + 1e-6, 0.0]) == 0
    with pytest.raises(ValueError, match="probabilities must be from 0 to 1"):
        decisions.decide([1 + 2e-6, 0.0])
