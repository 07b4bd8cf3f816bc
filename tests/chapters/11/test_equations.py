"""Every numbered equation of chapter 11 as it stands in the notebook, against our code and scikit-learn."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import linear_model, model_selection
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve
from sklearn.metrics import f1_score as their_f1

from losslab.formulas import decisions, intervals, metrics, overlap, power

EXACT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.fixture
def judged():
    """Rounded scores, so that some are equal, and truths: (scores, truth)."""
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.2
    return (rng.normal(size=300) + 1.5 * truth).round(1), truth


def test_equation_11_1_is_accuracy_and_f1(written, judged):
    assert written["11.1"] == (
        r"\text{accuracy} = \frac{\text{TP} + \text{TN}}{N}, \qquad F_1 = \frac{2 \cdot \text{precision} "
        r"\cdot \text{recall}}{\text{precision} + \text{recall}} = "
        r"\frac{2\,\text{TP}}{2\,\text{TP} + \text{FP} + \text{FN}}"
    )
    scores, truth = judged
    for tau in (0.0, 0.7, 1.5):
        yes = scores >= tau
        TP, FP, FN, TN = metrics.counts(scores, truth, tau)
        both = [
            ((yes == a) & (truth == b)).sum()
            for a, b in ((True, True), (True, False), (False, True), (False, False))
        ]
        assert both == [TP, FP, FN, TN]
        np.testing.assert_allclose(
            metrics.accuracy(metrics.counts(scores, truth, tau)), (TP + TN) / 300, **EXACT
        )
        f1 = decisions.f1(*decisions.precision_recall(scores, truth, tau))
        np.testing.assert_allclose(f1, 2 * TP / (2 * TP + FP + FN), **EXACT)
        np.testing.assert_allclose(f1, their_f1(truth, yes), **EXACT)
    example = np.r_[np.ones(8), np.zeros(2), np.ones(20), np.zeros(970)]  # the chapter's detector
    is_positive = np.arange(1000) < 10
    found = metrics.counts(example, is_positive, 0.5)
    assert found == (8, 20, 2, 970)
    assert metrics.accuracy(found) == 0.978
    P, R = decisions.precision_recall(example, is_positive, 0.5)
    np.testing.assert_allclose((P, R, decisions.f1(P, R)), (8 / 28, 0.8, 16 / 38), **EXACT)
    assert metrics.accuracy(metrics.counts(np.zeros(1000), is_positive, 0.5)) == 0.99


def test_equation_11_2_is_the_precision_at_a_prevalence(written, judged):
    assert written["11.2"] == (
        r"\text{precision} = \frac{\pi \cdot \text{recall}}{\pi \cdot \text{recall} + (1 - \pi) \cdot "
        r"\text{false alarms}}"
    )
    scores, truth = judged
    yes = scores >= 0.8
    pi, R, F = truth.mean(), yes[truth].mean(), yes[~truth].mean()
    by_hand = pi * R / (pi * R + (1 - pi) * F)
    np.testing.assert_allclose(metrics.precision_at(R, F, pi), by_hand, **EXACT)
    np.testing.assert_allclose(by_hand, truth[yes].mean(), **EXACT)
    np.testing.assert_allclose(
        metrics.precision_at(0.9, 0.05, 0.01), 9 / 58.5, **EXACT
    )  # the chapter's example
    np.testing.assert_allclose(metrics.precision_at(0.9, 0.001, 0.01), 0.9, atol=0.01)  # solution 11.1


def test_equation_11_3_is_the_share_of_pairs_in_order(written, judged):
    assert written["11.3"] == (
        r"\text{AUROC} = \frac{1}{N_+ N_-} \sum_{i \text{ positive}} \; \sum_{j \text{ negative}} \Bigl( "
        r"[z_i > z_j] + \tfrac12 [z_i = z_j] \Bigr)"
    )
    scores, truth = judged
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[truth] for b in scores[~truth]]
    np.testing.assert_allclose(metrics.auroc(scores, truth), np.mean(pairs), **EXACT)
    np.testing.assert_allclose(metrics.auroc(scores, truth), roc_auc_score(truth, scores), **EXACT)
    F, R, _ = roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_allclose(metrics.roc(scores, truth), (F, R), **EXACT)
    np.testing.assert_allclose(np.trapezoid(R, F), np.mean(pairs), **EXACT)  # the area below the curve
    P, R, _ = precision_recall_curve(truth, scores)
    np.testing.assert_allclose(metrics.precision_recall_curve(scores, truth), (P, R), **EXACT)
    ours = metrics.average_precision(scores, truth)
    np.testing.assert_allclose(ours, average_precision_score(truth, scores), **EXACT)
    example = [0.9, 0.6, 0.7, 0.3, 0.2], [True, True, False, False, False]  # the chapter's
    np.testing.assert_allclose(metrics.auroc(*example), 5 / 6, **EXACT)


def test_equation_11_4_prices_a_confusion_matrix(written):
    assert written["11.4"] == (r"\text{cost} = \frac1N \sum_{k,j} \text{count}_{kj} \cdot \text{price}_{kj}")
    rng = np.random.default_rng(1)
    truth, said, price = rng.integers(4, size=90), rng.integers(4, size=90), rng.random((4, 4))
    count = np.array([[((truth == k) & (said == j)).sum() for j in range(4)] for k in range(4)])
    by_hand = sum(count[k, j] * price[k, j] for k in range(4) for j in range(4)) / 90
    np.testing.assert_allclose(metrics.cost(count, price), by_hand, **EXACT)
    np.testing.assert_allclose(price[truth, said].mean(), by_hand, **EXACT)
    alarm_and_miss = [[0, 1], [50, 0]]  # the chapter's: rows are negative and positive
    np.testing.assert_allclose(metrics.cost([[970, 20], [2, 8]], alarm_and_miss), 0.12, **EXACT)
    np.testing.assert_allclose(metrics.cost([[990, 0], [10, 0]], alarm_and_miss), 0.5, **EXACT)


def test_equation_11_5_judges_each_case_by_a_model_that_has_not_seen_it(written):
    assert written["11.5"] == (
        r"\text{share right} = \frac1N \sum_i \bigl[\hat y_i = y_i\bigr], \qquad \hat y_i "
        r"\text{ from the model that was trained without the fold of } i"
    )
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 4)), np.repeat([0, 1], 30)
    x[:, 0] += y
    fold = rng.permutation(60) % 5
    right = np.zeros(60, bool)
    for k in range(5):
        model = linear_model.LogisticRegression().fit(x[fold != k], y[fold != k])
        right[fold == k] = model.predict(x[fold == k]) == y[fold == k]
    splits = model_selection.PredefinedSplit(fold)
    theirs = model_selection.cross_val_score(linear_model.LogisticRegression(), x, y, cv=splits)
    np.testing.assert_allclose(right.mean(), theirs.mean(), **EXACT)


def test_equation_11_6_is_the_number_of_users(written):
    assert written["11.6"] == (
        r"n_{\text{arm}} = \frac{\Bigl( z_{0.975} \sqrt{2 \bar p (1 - \bar p)} + z_{0.8} \sqrt{p_A (1 - p_A) "
        r"+ p_B (1 - p_B)} \Bigr)^2}{(p_B - p_A)^2}"
    )
    z_975, z_8 = stats.norm.ppf([0.975, 0.8])
    assert (round(z_975, 2), round(z_8, 2)) == (1.96, 0.84)
    for p_A, p_B in ((0.03, 0.033), (0.5, 0.55), (0.2, 0.1)):
        mean = (p_A + p_B) / 2
        roots = math.sqrt(2 * mean * (1 - mean)), math.sqrt(p_A * (1 - p_A) + p_B * (1 - p_B))
        n = (z_975 * roots[0] + z_8 * roots[1]) ** 2 / (p_B - p_A) ** 2
        np.testing.assert_allclose(power.users(p_A, p_B), n, rtol=1e-9)
        if p_A == 0.03:  # the chapter's example
            assert f"{n:,.0f}" == "53,210"
            assert {f"{root:.3f}" for root in roots} == {"0.247"}
    np.testing.assert_allclose((2.802 * 0.247) ** 2 / 0.003**2, 53_200, rtol=1e-3)
    ratio = power.users(0.03, 0.0315) / power.users(0.03, 0.033)
    assert 3.8 < ratio < 4.1  # half the difference, four times the users
    assert (
        770 < stats.norm.ppf(0.975) ** 2 * 0.25 / 0.05**2 * (1 + z_8 / z_975) ** 2 < 795
    )  # win rate of 55 %


def test_equation_11_7_is_the_power(written):
    assert written["11.7"] == (
        r"\text{power} = \Phi\left( \frac{|p_B - p_A| \sqrt{n_{\text{arm}}} - z_{0.975} \sqrt{2 \bar p (1 - "
        r"\bar p)}}{\sqrt{p_A (1 - p_A) + p_B (1 - p_B)}} \right)"
    )
    for p_A, p_B, n in ((0.03, 0.033, 20_000), (0.03, 0.033, 53_210), (0.2, 0.1, 150)):
        mean = (p_A + p_B) / 2
        above = abs(p_B - p_A) * math.sqrt(n) - stats.norm.ppf(0.975) * math.sqrt(2 * mean * (1 - mean))
        by_hand = stats.norm.cdf(above / math.sqrt(p_A * (1 - p_A) + p_B * (1 - p_B)))
        np.testing.assert_allclose(power.power(p_A, p_B, n), by_hand, atol=1e-3)  # but for the other side
    np.testing.assert_allclose(power.power(0.03, 0.033, power.users(0.03, 0.033)), 0.8, atol=1e-6)
    yes, n = np.array([[600], [690]]), 20_000
    z = power.z_test(*yes, n).item()
    mean = yes.sum() / (2 * n)
    np.testing.assert_allclose(z, (90 / n) / math.sqrt(2 * mean * (1 - mean) / n), **EXACT)


def test_equation_11_8_is_the_perplexity(written):
    assert written["11.8"] == (
        r"\text{perplexity} = \exp \Bigl( -\frac1D \sum_{i=1}^{D} \ln p(\text{token}_i \mid \text{all "
        r"before}) \Bigr)"
    )
    p = np.random.default_rng(4).random(12)
    by_hand = math.exp(-sum(math.log(one) for one in p) / 12)
    np.testing.assert_allclose(overlap.perplexity(np.log(p)), by_hand, **EXACT)
    np.testing.assert_allclose(overlap.perplexity(np.log([1 / 2, 1 / 4, 1 / 8])), 4, **EXACT)  # the chapter's
    np.testing.assert_allclose(overlap.perplexity(np.log(np.full(9, 1 / 27))), 27, **EXACT)


def test_equation_11_9_counts_shared_words(written):
    assert written["11.9"] == (
        r"\text{shared} = \sum_{\text{words}} \min(\text{times in the text}, \text{times in the reference}), "
        r"\qquad \text{ROUGE-1} = \frac{2 \cdot \text{shared}}{\text{words of the text} + "
        r"\text{words of the reference}}"
    )
    text, reference = "a rose is a rose", "a rose is red and a rose is a flower"
    shared = sum(min(text.split().count(w), reference.split().count(w)) for w in set(text.split()))
    assert shared == 5
    precision, recall, f1 = overlap.rouge_1(text, reference)
    np.testing.assert_allclose((precision, recall), (5 / 5, 5 / 10), **EXACT)
    np.testing.assert_allclose(f1, 2 * 5 / (5 + 10), **EXACT)
    np.testing.assert_allclose(f1, decisions.f1(precision, recall), **EXACT)
    example = overlap.rouge_1("the cat sat", "the cat sat down now")[2]  # the chapter's
    np.testing.assert_allclose(example, 0.75, **EXACT)


def test_equation_11_10_is_bleu_of_words_and_pairs(written):
    assert written["11.10"] == (
        r"\text{BLEU-2} = \min\bigl(1,\; e^{1 - \text{words of the reference} / \text{words of the text}}"
        r"\bigr) \cdot \sqrt{\text{precision of words} \cdot \text{precision of pairs}}"
    )
    text, reference = "the the cat sat here", "the cat sat down now today"
    by_hand = math.exp(1 - 6 / 5) * math.sqrt(3 / 5 * 2 / 4)
    np.testing.assert_allclose(overlap.bleu(text, reference, 2), by_hand, **EXACT)
    short = overlap.bleu("the cat sat", "the cat sat down now", 2)
    np.testing.assert_allclose(short, math.exp(1 - 5 / 3), **EXACT)  # the chapter's example
    assert round(short, 2) == 0.51
    np.testing.assert_allclose(
        overlap.bleu("the cat sat down now", "the cat sat", 2), math.sqrt(3 / 5 * 2 / 4)
    )


def test_numbers_in_the_prose():
    low, high = intervals.wilson(58, 100)
    assert (f"{low:.0%}", f"{high:.0%}") == ("48%", "67%")
