"""Checkers of chapter 11."""

import math
from collections import Counter

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import metrics, power

# --- 11.1: what a yes is worth ---


def check_11_1(answer):
    """Take a function (recall, false alarms, prevalence) -> precision."""
    for recall, false_alarms, prevalence in ((0.9, 0.05, 0.01), (0.8, 0.02, 0.2), (0.6, 0.3, 0.5)):
        got = float(answer(recall, false_alarms, prevalence))
        right = float(metrics.precision_at(recall, false_alarms, prevalence))
        if not math.isclose(got, right, rel_tol=1e-6):
            settings = {"recall": recall, "false_alarms": false_alarms, "prevalence": prevalence}
            hint = named(got, _slips_11_1(**settings))
            return hint or Sentence("off", **settings, right=right, got=got)
    return None


def _slips_11_1(recall, false_alarms, prevalence):
    found, alarmed = prevalence * recall, (1 - prevalence) * false_alarms
    return {
        "no_prevalence": recall / (recall + false_alarms),
        "one_hill": found / (found + false_alarms),
        "wrong_share": alarmed / (found + alarmed),
        "joint": found,
        "odds": found / alarmed,
    }


# --- 11.2: deal people, not rows ---

PEOPLE = np.array([12, 4, 4, 30, 12, 8, 8, 8, 26, 4, 30, 16, 26, 22, 22, 16, 40, 34, 34, 40, 12, 16])


def check_11_2(answer):
    """Take a function (people, folds) -> the fold of every row, with all rows of a person in one fold."""
    for people, folds in ((PEOPLE, 4), (PEOPLE[::-1].copy(), 3)):
        got = np.asarray(answer(people.copy(), folds))
        if got.shape != people.shape:
            return Sentence("shape", right=people.shape, got=got.shape)
        if got.dtype.kind not in "iu" or got.min() < 0 or got.max() >= folds:
            return Sentence("numbers", last=folds - 1, got=sorted(set(got.tolist())))
        if said := _slip_11_2(people, folds, got):
            return said
    return None


def _slip_11_2(people, folds, got):
    """Name what is wrong with these folds, or return None."""
    for who in np.unique(people):
        where = np.unique(got[people == who])
        if len(where) > 1:
            return Sentence("torn", who=int(who), where=where.tolist())
    held = Counter(got[np.unique(people, return_index=True)[1]].tolist())
    if empty := sorted(set(range(folds)) - set(held)):
        return Sentence("empty", empty=empty, folds=folds)
    if max(held.values()) - min(held.values()) > 1:
        return Sentence("uneven", counts=[held[fold] for fold in range(folds)])
    return None


# --- 11.3: what can this test see? ---


def check_11_3(answer):
    """Take a function (p_A, n) -> the smallest p_B above p_A that is found with a power of 80 %."""
    for p_a, n in ((0.03, 53_210), (0.03, 10_000), (0.4, 1_500)):
        got = float(answer(p_a, n))
        right = smallest(p_a, n)
        if not math.isclose(got - p_a, right - p_a, rel_tol=2e-3):
            hint = named(got, _slips_11_3(p_a, n), _alike)
            return hint or Sentence("off", p_A=p_a, n=n, right=right, got=got)
    return None


def smallest(p_a, n, wanted=0.8, level=0.05):
    """Return the smallest share above p_a that a test of n users per version finds with this power."""
    low, high = p_a, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if power.users(p_a, middle, level=level, power=wanted) <= n:
            high = middle
        else:
            low = middle
    return high


def _slips_11_3(p_a, n):
    return {
        "difference": smallest(p_a, n) - p_a,
        "total": smallest(p_a, n / 2),
        "half": smallest(p_a, n, wanted=0.5),
        "one_sided": smallest(p_a, n, level=0.1),
        "start": p_a,
        "end": 1.0,
    }


def _alike(got, slip):
    """Return whether they agree to 0.2 % of what separates the slips from each other."""
    return math.isclose(got, slip, rel_tol=2e-4)


# --- 11.4: bits per character ---

TEXTS = (
    ("naïve café", np.log([0.1, 0.02, 0.3, 0.25])),
    ("to be or not to be", np.log([0.2, 0.05, 0.1, 0.5, 0.4, 0.9])),
)


def check_11_4(answer):
    """Take a function (log_p, text) -> minus the sum of log2 p, per character."""
    for text, log_p in TEXTS:
        got = float(answer(log_p.copy(), text))
        bits = -log_p.sum() / math.log(2)
        if not math.isclose(got, bits / len(text), rel_tol=1e-6):
            off = Sentence("off", text=text, right=bits / len(text), got=got)
            return named(got, _slips_11_4(log_p, text, bits)) or off
    return None


def _slips_11_4(log_p, text, bits):
    return {
        "nats": -log_p.sum() / len(text),
        "per_token": bits / len(log_p),
        "sign": -bits / len(text),
        "total": bits,
        "per_byte": bits / len(text.encode()),
        "twice": -np.log2(np.exp(log_p)).sum() / math.log(2) / len(text),
        "perplexity": math.exp(-log_p.mean()),
    }
