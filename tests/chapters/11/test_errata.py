"""E142–E144, evaluation: what the article proposes fails the very fact that the correction satisfies."""

import numpy as np
import pytest
from sklearn import feature_selection, linear_model, model_selection
from sklearn.pipeline import make_pipeline

from losslab.formulas import costs, decisions, metrics, overlap

# --- E142: precision, the word that is missing ---

TRUTH = np.arange(1000) < 10
ALWAYS_NO = np.zeros(1000)
DETECTOR = np.r_[np.ones(8), np.zeros(2), np.ones(20), np.zeros(970)]  # 8 of 10 found, 20 false alarms
COPIER = np.r_[np.ones(8), np.zeros(2), np.ones(200), np.zeros(790)]  # the same recall, ten times the alarms


def prefers_the_detector(measure):
    assert measure(DETECTOR) > measure(ALWAYS_NO)


def f1(said):
    return decisions.f1(*decisions.precision_recall(said, TRUTH, 0.5))


def test_e142_accuracy_prefers_who_finds_nothing():
    prefers_the_detector(f1)
    with pytest.raises(AssertionError):
        prefers_the_detector(lambda said: metrics.accuracy(metrics.counts(said, TRUTH, 0.5)))


def test_e142_recall_does_not_see_false_alarms():
    (good, found), (bad, same) = (decisions.precision_recall(said, TRUTH, 0.5) for said in (DETECTOR, COPIER))
    assert found == same
    assert good > 5 * bad


# --- E143: a way to split is no measure ---


def finds_nothing_in_noise(model, prepare):
    rng, scores = np.random.default_rng(0), []
    for _ in range(3):
        x, y = rng.normal(size=(100, 2000)), rng.permutation(np.repeat([0, 1], 50))
        scores.append(model_selection.cross_val_score(model, prepare(x, y), y, cv=5).mean())
    assert abs(np.mean(scores) - 0.5) < 0.12, scores


def test_e143_cross_validation_alone_finds_knowledge_in_noise():
    choose, classify = feature_selection.SelectKBest(k=20), linear_model.LogisticRegression()
    finds_nothing_in_noise(make_pipeline(choose, classify), lambda x, y: x)
    with pytest.raises(AssertionError):
        finds_nothing_in_noise(classify, choose.fit_transform)


def test_e143_five_folds_are_five_trainings():
    assert f"{5 * costs.train_flop(175e9, 300e9):.2g}" == "1.6e+24"


# --- E144: fluent, relevant, and false ---

REFERENCE = "The bank raised its interest rates on Tuesday for the first time in a year."
TRUE = (
    "Interest rates at the bank went up on Tuesday, for the first time in twelve months.",
    "On Tuesday the lender put up the cost of borrowing, after twelve months without change.",
)
LIE = "The bank lowered its interest rates on Tuesday for the first time in a year."


def prefers_the_truth(measure):
    assert min(map(measure, TRUE)) > measure(LIE)


def says_that_they_rose(text):
    """Check the one claim that matters, as a person with the source would."""
    return any(said in text for said in ("raised", "went up", "put up"))


@pytest.mark.parametrize("measure", ["words", "pairs", "meaning"])
def test_e144_no_measure_puts_every_truth_above_a_lie(measure):
    prefers_the_truth(says_that_they_rose)
    with pytest.raises(AssertionError):
        prefers_the_truth(SCORES[measure])


def test_e144_by_meaning_the_lie_stands_between_two_truths():
    assert cosine(TRUE[1]) < cosine(LIE) < cosine(TRUE[0])


def cosine(text):
    encoders = pytest.importorskip("losslab.learning.encoders")
    vectors = encoders.sentences([REFERENCE, text])
    return vectors[0] @ vectors[1]


SCORES = {
    "words": lambda text: overlap.rouge_1(text, REFERENCE)[2],
    "pairs": lambda text: overlap.bleu(text, REFERENCE, 2),
    "meaning": cosine,
}
