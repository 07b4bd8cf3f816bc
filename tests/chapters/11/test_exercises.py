"""The exercises of chapter 11: the usual slips each get their own hint."""

import numpy as np

from losslab.exercises import ch11
from losslab.formulas import power

LN2 = np.log(2)


def dealt(people, folds):
    return np.unique(people, return_inverse=True)[1] % folds


def first_fold_twice(people, folds):
    """Everybody in one fold, but a few people."""
    place = np.unique(people, return_inverse=True)[1]
    return np.where(place < folds, place, 0)


def walked(p, n):
    """The smallest difference found by trying many, each a millionth larger."""
    tried = p + np.arange(1, 100_000) * 1e-6
    return tried[np.argmax(power.users(p, tried) <= n)]


SLIPS = [  # exercise, wrong answer, what its hint must say
    ("11.1", lambda r, f, p: r / (r + f), "nowhere in it"),
    ("11.1", lambda r, f, p: p * r / (p * r + f), "only the share 1 − π of the cases"),
    ("11.1", lambda r, f, p: 1 - p * r / (p * r + (1 - p) * f), "yeses that are wrong"),
    ("11.1", lambda r, f, p: p * r, "the share of *all* cases"),
    ("11.1", lambda r, f, p: p * r / ((1 - p) * f), "Those are odds"),
    ("11.1", lambda r, f, p: 0.5, "the precision is 0.154, you get 0.500"),
    ("11.2", lambda people, folds: np.arange(len(people)) % folds, "is in the folds"),
    ("11.2", lambda people, folds: people // 2 % 2, "nobody is in fold"),
    ("11.2", first_fold_twice, "people in the folds"),
    ("11.2", lambda people, folds: dealt(people, folds) + 1, "from 0 to 3"),
    ("11.2", lambda people, folds: np.unique(people), "One number per row"),
    ("11.3", lambda p, n: ch11.smallest(p, n) - p, "the *share* p_B"),
    ("11.3", lambda p, n: ch11.smallest(p, n / 2), "each version"),
    ("11.3", lambda p, n: ch11.smallest(p, n, wanted=0.5), "half of the tests"),
    ("11.3", lambda p, n: ch11.smallest(p, n, level=0.1), "in one direction"),
    ("11.3", lambda p, n: p, "no difference at all"),
    ("11.3", lambda p, n: 1.0, "The upper end"),
    ("11.3", lambda p, n: p + 0.1, "it is 0.0330, you get 0.1300"),
    ("11.4", lambda log_p, text: -log_p.sum() / len(text), "natural logarithm"),
    ("11.4", lambda log_p, text: -log_p.sum() / LN2 / len(log_p), "per token"),
    ("11.4", lambda log_p, text: log_p.sum() / LN2 / len(text), "minus"),
    ("11.4", lambda log_p, text: -log_p.sum() / LN2, "divide it by the number of characters"),
    ("11.4", lambda log_p, text: -log_p.sum() / LN2 / len(text.encode()), "bytes"),
    ("11.4", lambda log_p, text: -log_p.sum() / LN2**2 / len(text), "twice"),
    ("11.4", lambda log_p, text: np.exp(-log_p.mean()), "perplexity"),
    ("11.4", lambda log_p, text: 1.0, "it takes"),
]

RIGHT = [
    ("11.1", lambda r, f, p: 1 / (1 + (1 - p) / p * f / r)),
    ("11.2", lambda people, folds: [sorted(set(people.tolist())).index(one) % folds for one in people]),
    ("11.3", lambda p, n: walked(p, n)),
    ("11.4", lambda log_p, text: -np.log2(np.exp(log_p)).sum() / len(text)),
]
