"""Perplexity and shared words: cases counted by hand."""

import re

import numpy as np
import pytest

from losslab.formulas import overlap

REFERENCE = "distributed training splits the data over many machines"


def test_perplexity_by_hand():
    assert overlap.perplexity(np.log([0.25, 0.25])) == pytest.approx(4)
    assert overlap.perplexity(np.log([0.5, 0.125])) == pytest.approx(4)  # geometric mean
    assert overlap.perplexity([0.0, 0.0]) == 1
    assert overlap.perplexity([-np.inf, 0.0]) == np.inf


@pytest.mark.parametrize("log_p", [[], [[-1.0]], [0.5], [np.nan], 3])
def test_perplexity_takes_logarithms_of_probabilities(log_p):
    with pytest.raises(ValueError, match=r"^log_p must be logarithms of probabilities, one per token, got "):
        overlap.perplexity(log_p)


def test_words_are_lower_case_and_without_punctuation():
    assert overlap.words("Don't STOP: the well-known, 3rd café_bar!") == (
        ["don't", "stop", "the", "well-known", "3rd", "café", "bar"]
    )


@pytest.mark.parametrize(
    ("candidate", "common", "count"),
    [
        (REFERENCE, 8, 8),
        ("Distributed training NEVER splits the data over many machines.", 8, 9),  # the lie
        ("training is split over many machines with the data", 6, 9),
        ("several computers each learn from one part of the examples", 1, 10),  # the truth in other words
        ("the the the", 1, 3),  # a word counts as often as in both
    ],
)
def test_rouge_by_hand(candidate, common, count):
    precision, recall, f1 = overlap.rouge_1(candidate, REFERENCE)
    assert (precision, recall) == (common / count, common / 8)
    assert f1 == pytest.approx(2 * common / (count + 8))


@pytest.mark.parametrize("candidate", ["a cat sat", "", "…"])
def test_rouge_without_a_common_word_is_0(candidate):
    assert overlap.rouge_1(candidate, REFERENCE) == (0, 0, 0)


def test_bleu_by_hand():
    assert overlap.bleu(REFERENCE, REFERENCE) == pytest.approx(1)
    lie = "distributed training never splits the data over many machines"
    assert overlap.bleu(lie, REFERENCE, 1) == pytest.approx(8 / 9)
    assert overlap.bleu(lie, REFERENCE, 2) == pytest.approx(np.sqrt(8 / 9 * 6 / 8))
    assert overlap.bleu(lie, REFERENCE) == pytest.approx((8 / 9 * 6 / 8 * 4 / 7 * 3 / 6) ** 0.25)


def test_what_is_too_short_is_marked_down_and_what_is_too_long_is_not():
    assert overlap.bleu("distributed training", REFERENCE, 2) == pytest.approx(np.exp(1 - 8 / 2))
    assert overlap.bleu(f"{REFERENCE} a b", REFERENCE, 1) == pytest.approx(8 / 10)


def test_bleu_clips_what_is_repeated():
    """Papineni et al. 2002, section 2.1: the candidate of seven times "the" has a precision of 2/7."""
    assert overlap.bleu("the the the the the the the", "The cat is on the mat.", 1) == pytest.approx(2 / 7)


@pytest.mark.parametrize("candidate", ["", "data", "training data", "machines many over data the"])
def test_bleu_without_a_common_pair_is_0(candidate):
    assert overlap.bleu(candidate, REFERENCE, 2) == 0


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_the_length_of_n_grams_is_whole(n):
    for function in (overlap.distinct, lambda text, n: overlap.bleu(text, REFERENCE, n)):
        with pytest.raises(ValueError, match=f"^n must be a whole number from 1, got {n}$"):
            function(REFERENCE, n)


def test_distinct_by_hand():
    assert overlap.distinct("the cat the cat the cat") == 2 / 5
    assert overlap.distinct("the cat the cat the cat", 1) == 2 / 6
    assert overlap.distinct(["the cat", "the cat", "the dog"]) == 2 / 3  # no pair across texts
    assert overlap.distinct(REFERENCE) == 1


@pytest.mark.parametrize("texts", ["one", [], ["one", ""]])
def test_without_an_n_gram_there_is_nothing_to_be_distinct(texts):
    with pytest.raises(
        ValueError, match=f"^{re.escape(f'texts must have at least 2 words, got {texts!r}')}$"
    ):
        overlap.distinct(texts)
