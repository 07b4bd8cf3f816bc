"""Scores of a generated text: how probable a model finds it, and which words it shares with another."""

import re
from collections import Counter

import numpy as np


def perplexity(log_p):
    """Exponential of the mean loss per token, exp(−(1/D) Σ log p).

    Parameters
    ----------
    log_p : array_like, shape (D,)
        Natural logarithm of the probability of each token, given those before it.

    Returns
    -------
    float
        Among how many equally probable tokens the model chooses on average; 1 if it is sure and right.
    """
    log_p = np.asarray(log_p, float)
    if log_p.ndim != 1 or not log_p.size or not (log_p <= 0).all():
        raise ValueError(f"log_p must be logarithms of probabilities, one per token, got {log_p}")
    return np.exp(-log_p.mean())


def words(text):
    """Return the words of a text in lower case, a list; punctuation is left out."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())


def rouge_1(candidate, reference):
    """Return the share of common words among the candidate's, among the reference's, and their F1 (Lin 2004).

    A word counts as often as it occurs in both.

    Parameters
    ----------
    candidate, reference : str

    Returns
    -------
    precision, recall, f1 : float
        0 without a common word.
    """
    said, wanted = _grams(candidate, 1), _grams(reference, 1)
    common = (said & wanted).total()
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / said.total(), common / wanted.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def bleu(candidate, reference, n=4):
    """Geometric mean of the precisions of 1- to n-grams, times exp(1 − r/c) if c < r (Papineni et al. 2002).

    Parameters
    ----------
    candidate, reference : str
        Of c and r words. One reference, and no smoothing: 0 if for one length no n-gram is common.
    n : int
    """
    pairs = [(_grams(candidate, k), _grams(reference, k)) for k in range(1, _whole(n) + 1)]
    common = [(said & wanted).total() for said, wanted in pairs]
    if not all(common):
        return 0.0
    c, r = len(words(candidate)), len(words(reference))
    precisions = np.divide(common, [said.total() for said, _ in pairs])
    return float(np.exp(min(0, 1 - r / c)) * np.exp(np.log(precisions).mean()))


def distinct(texts, n=2):
    """Share of different n-grams among all n-grams of some texts (Li et al. 2016); 1 if nothing is repeated.

    Parameters
    ----------
    texts : str, or sequence of str
    n : int
    """
    grams, n = Counter(), _whole(n)
    for text in [texts] if isinstance(texts, str) else texts:
        grams += _grams(text, n)
    if not grams:
        raise ValueError(f"texts must have at least {n} words, got {texts!r}")
    return len(grams) / grams.total()


def _grams(text, n):
    """Count the runs of n words in a text."""
    said = words(text)
    return Counter(zip(*(said[k:] for k in range(n)), strict=False))


def _whole(n):
    if n != int(n) or n < 1:
        raise ValueError(f"n must be a whole number from 1, got {n!r}")
    return int(n)
