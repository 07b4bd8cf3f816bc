"""The exercises of chapter 8: the usual slips each get their own hint."""

import numpy as np

from losslab.formulas import activations, decisions


def plain(z, T):
    with np.errstate(all="ignore"):
        e = np.exp(z / T)
        return e / e.sum()


def answered(
    coverage=lambda yes, s, t: yes.mean(), accuracy=lambda yes, right: right[yes].mean(), reach=None
):
    """An answer to 8.2 with another coverage, accuracy or comparison."""

    def answer(p, y, t):
        s, right = p.max(1), p.argmax(1) == y
        yes = (reach or (lambda p, y, t: s >= t))(p, y, t)
        if not yes.any():
            return 0.0, float("nan")
        return coverage(yes, s, t), accuracy(yes, right)

    return answer


def cut(keep, scale=lambda q: q / q.sum()):
    return lambda p, m: scale(np.where(keep(p, m), p, 0))


def in_place(p, m):
    p[p < m * p.max()] = 0
    return p / p.sum()


SLIPS = [  # exercise, wrong answer, what its hint must say
    ("8.1", lambda z, T: activations.softmax(z), "The temperature is not used"),
    ("8.1", lambda z, T: activations.softmax(z * T), "must flatten"),
    ("8.1", lambda z, T: activations.softmax(z) / T, "not the probabilities"),
    ("8.1", lambda z, T: np.exp(z / T), "do not sum to 1 yet: divide"),
    ("8.1", lambda z, T: np.exp((z - z.max()) / T), "and subtracting the largest does not help"),
    ("8.1", plain, "subtract the largest first"),
    ("8.1", lambda z, T: z / z.sum(), "For z = "),
    ("8.1", lambda z, T: activations.softmax(z, T).max(), "One probability per logit"),
    ("8.2", answered(lambda yes, s, t: yes.sum()), "counts the answers"),
    ("8.2", answered(lambda yes, s, t: 1 - yes.mean()), "*not* answered"),
    ("8.2", answered(reach=lambda p, y, t: p.max(1) > t), "≥, not >"),
    ("8.2", answered(reach=lambda p, y, t: p[np.arange(len(y)), y] >= t), "nobody knows when it is used"),
    ("8.2", answered(lambda yes, s, t: 0.5 * yes.mean()), "of seven pictures are answered"),
    ("8.2", answered(accuracy=lambda yes, right: right.mean()), "taken over all pictures"),
    ("8.2", answered(accuracy=lambda yes, right: (right & yes).mean()), "divided by all pictures"),
    ("8.2", answered(accuracy=lambda yes, right: 1 - right[yes].mean()), "share of wrong answers"),
    ("8.2", answered(accuracy=lambda yes, right: 0.123), "of the answers are right, you get 0.123"),
    ("8.2", lambda p, y, t: answered()(p, y, t) if t < 0.95 else (0, 0), "nothing is answered"),
    ("8.3", lambda alarm, miss: miss / (alarm + miss), "The other way round"),
    ("8.3", lambda alarm, miss: alarm / miss, "Those are odds"),
    ("8.3", lambda alarm, miss: 0.5, "only if both cost the same"),
    ("8.3", lambda alarm, miss: alarm - miss, "cost the same at p = 0.200, not -3.000"),
    ("8.4", cut(lambda p, m: p >= m), "you compare with m itself"),
    ("8.4", cut(lambda p, m: p > m * p.max()), "≥, not >"),
    ("8.4", cut(lambda p, m: p >= m * p.max(), lambda q: q), "has to sum to 1 again"),
    ("8.4", cut(lambda p, m: p < m * p.max()), "keeps the tail"),
    ("8.4", decisions.nucleus, "That is top-p"),
    ("8.4", in_place, "work on a copy"),
    ("8.4", lambda p, m: p[p >= m * p.max()], "All symbols keep their place"),
    ("8.4", lambda p, m: p, "For p = "),
    (
        "8.4",
        lambda p, m: (
            activations.softmax(p)
            if m == 1 and p[0] > p[-1]
            else cut(lambda p, m: p >= m * p.max() * (1 + (m == 1) * (np.arange(len(p)) > 0)))(p, m)
        ),
        "Four equals",
    ),  # noqa: E501
]

RIGHT = [
    ("8.1", lambda z, T: activations.softmax(z, T)),
    ("8.1", lambda z, T: plain(z - z.max(), T)),
    ("8.2", answered()),
    ("8.3", lambda alarm, miss: 1 / (1 + miss / alarm)),
    ("8.4", cut(lambda p, m: p / p.max() >= m)),
]
