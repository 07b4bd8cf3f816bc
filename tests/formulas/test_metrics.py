"""Counts, curves and areas: cases by hand, and scikit-learn where it has the same."""

import re

import numpy as np
import pytest
from sklearn import metrics as oracle

from losslab.formulas import decisions, metrics

EXACT = {"rtol": 0, "atol": 1e-12}
SCORES, TRUTH = [0.9, 0.8, 0.6, 0.4, 0.1], [1, 0, 1, 1, 0]


def rng():
    return np.random.default_rng(0)


def judged(decimals):
    """300 scores, with many ties if they are rounded, and labels that they tell something about."""
    scores = rng().normal(size=300)
    return scores.round(decimals), scores + rng().normal(size=300) > 0.7


def test_counts_by_hand():
    found = metrics.counts(SCORES, TRUTH, [0.0, 0.5, 0.6, 0.95])
    assert [cell.tolist() for cell in found] == [[3, 2, 2, 0], [2, 1, 1, 0], [0, 1, 1, 3], [0, 1, 1, 2]]
    assert found._fields == ("tp", "fp", "fn", "tn")
    np.testing.assert_allclose(metrics.accuracy(found), [0.6, 0.6, 0.6, 0.4], **EXACT)


def test_always_no_is_right_in_99_of_100_and_a_useful_detector_less_often():
    """The article's three metrics without precision: the example of E142."""
    truth = np.arange(1000) < 10
    useful = (np.arange(1000) < 8) | (np.arange(1000) >= 980)
    always_no, detector = (metrics.counts(scores, truth, 0.5) for scores in (np.zeros(1000), useful))
    assert (metrics.accuracy(always_no), metrics.accuracy(detector)) == (0.99, 0.978)
    assert detector == (8, 20, 2, 970)


def test_counts_are_scikit_learns_and_agree_with_precision_and_recall():
    scores, truth = judged(1)
    for threshold in (-5, -0.3, 0.0, 1.2, 5):
        found = metrics.counts(scores, truth, threshold)
        tn, fp, fn, tp = oracle.confusion_matrix(truth, scores >= threshold).ravel()
        assert found == (tp, fp, fn, tn)
        assert metrics.accuracy(found) == oracle.accuracy_score(truth, scores >= threshold)
        precision, recall = decisions.precision_recall(scores, truth, threshold)
        np.testing.assert_array_equal(precision, decisions.share(found.tp, found.tp + found.fp))
        np.testing.assert_array_equal(recall, found.tp / (found.tp + found.fn))


def test_precision_by_bayes_is_that_of_the_counts():
    scores, truth = judged(2)
    found = metrics.counts(scores, truth, 0.4)
    recall, false_alarms = found.tp / truth.sum(), found.fp / (~truth).sum()
    precision = metrics.precision_at(recall, false_alarms, truth.mean())
    np.testing.assert_allclose(precision, found.tp / (found.tp + found.fp), **EXACT)


def test_precision_by_bayes_by_hand():
    np.testing.assert_allclose(metrics.precision_at(0.8, 0.1, [0.5, 0.1, 0]), [8 / 9, 8 / 17, 0], **EXACT)
    assert np.isnan(metrics.precision_at(0, 0, 0.5))
    assert metrics.precision_at(0.3, 0.3, 0.25) == pytest.approx(0.25)  # guessing


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan, [0.5, 2.0]])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_precision_by_bayes_takes_shares(share, place):
    shares = [0.5, 0.5, 0.5]
    shares[place] = share
    with pytest.raises(ValueError, match=r"^recall, false alarms and prevalence must be from 0 to 1, got "):
        metrics.precision_at(*shares)


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_curves_and_areas_are_scikit_learns(decimals):
    scores, truth = judged(decimals)
    want = oracle.roc_curve(truth, scores, drop_intermediate=False)[:2]
    for ours, theirs in zip(metrics.roc(scores, truth), want, strict=True):
        np.testing.assert_allclose(ours, theirs, **EXACT)
    want = oracle.precision_recall_curve(truth, scores)[:2]
    for ours, theirs in zip(metrics.precision_recall_curve(scores, truth), want, strict=True):
        np.testing.assert_allclose(ours, theirs, **EXACT)
    np.testing.assert_allclose(metrics.auroc(scores, truth), oracle.roc_auc_score(truth, scores), **EXACT)
    want = oracle.average_precision_score(truth, scores)
    np.testing.assert_allclose(metrics.average_precision(scores, truth), want, **EXACT)


@pytest.mark.parametrize("decimals", [0, 12])
def test_the_area_is_the_share_of_pairs_in_the_right_order(decimals):
    scores, truth = judged(decimals)
    above = scores[truth][:, None] - scores[~truth]
    share = ((above > 0) + 0.5 * (above == 0)).mean()
    np.testing.assert_allclose(metrics.auroc(scores, truth), share, **EXACT)


def test_curves_by_hand():
    false_alarms, recall = metrics.roc(SCORES, TRUTH)
    np.testing.assert_allclose(false_alarms, [0, 0, 0.5, 0.5, 0.5, 1], **EXACT)
    np.testing.assert_allclose(recall, [0, 1 / 3, 1 / 3, 2 / 3, 1, 1], **EXACT)
    assert metrics.auroc(SCORES, TRUTH) == pytest.approx(4 / 6)
    precision, recall = metrics.precision_recall_curve(SCORES, TRUTH)
    np.testing.assert_allclose(precision, [3 / 5, 3 / 4, 2 / 3, 1 / 2, 1, 1], **EXACT)
    np.testing.assert_allclose(recall, [1, 1, 2 / 3, 1 / 3, 1 / 3, 0], **EXACT)
    assert metrics.average_precision(SCORES, TRUTH) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_scores_that_say_nothing_have_half_the_area_and_the_share_of_positives_as_precision():
    assert metrics.auroc([3, 3, 3, 3], [1, 0, 0, 0]) == 0.5
    assert metrics.average_precision([3, 3, 3, 3], [1, 0, 0, 0]) == 0.25


def test_the_cost_of_a_confusion_by_hand():
    assert metrics.cost([[6, 2], [1, 1]], [[0, 1], [10, 0]]) == pytest.approx(12 / 10)
    scores, truth = judged(1)
    tp, fp, fn, tn = metrics.counts(scores, truth, 0.4)
    ours = metrics.cost([[tn, fp], [fn, tp]], [[0, 1], [7, 0]])
    assert ours == pytest.approx(decisions.decision_cost(scores, truth, 0.4, 7))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: metrics.counts([0.1, 0.9], [1], 0),
            "one score and one truth per sample, got shapes (2,) and (1,)",
        ),
        (
            lambda: metrics.counts([[0.1]], [[1]], 0),
            "one score and one truth per sample, got shapes (1, 1) and (1, 1)",
        ),
        (lambda: metrics.counts([], [], 0), "one score and one truth per sample, got shapes (0,) and (0,)"),
        (lambda: metrics.counts([0.1, np.nan], [1, 0], 0), "scores must be numbers, got NaN"),
        (lambda: metrics.roc([0.1, 0.9], [0, 2]), "truth must be yes or no, got [0 2]"),
        (
            lambda: metrics.roc([0.1, 0.9], [1, 1]),
            "truth must hold at least one yes and one no, got only True",
        ),
        (lambda: metrics.auroc([0.1], [0]), "truth must hold at least one yes and one no, got only False"),
        (
            lambda: metrics.cost([[1, 0]], [[1, 0]]),
            "confusion and prices must be (K, K), got shapes (1, 2) and (1, 2)",
        ),
        (
            lambda: metrics.cost(np.eye(2), np.eye(3)),
            "confusion and prices must be (K, K), got shapes (2, 2) and (3, 3)",
        ),
        (
            lambda: metrics.cost([1, 2], [1, 2]),
            "confusion and prices must be (K, K), got shapes (2,) and (2,)",
        ),
        (
            lambda: metrics.cost([[0, 0], [0, 0]], np.eye(2)),
            "confusion must hold counts from 0, and one above 0, got [[0 0]\n [0 0]]",
        ),
        (
            lambda: metrics.cost([[5, -1], [0, 0]], np.eye(2)),
            "confusion must hold counts from 0, and one above 0, got [[ 5 -1]\n [ 0  0]]",
        ),
    ],
)
def test_what_would_go_wrong_silently_is_refused(call, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        call()
