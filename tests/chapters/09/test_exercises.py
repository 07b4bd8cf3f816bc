"""The checkers of chapter 9: the usual slips are refused, each with its own hint."""

import math

import numpy as np
import torch


def solved(share_of_steps=lambda N, B1, B2: math.ceil(N / B1) - math.ceil(N / B2), swap=False):
    """An answer to 9.2 that divides the difference of the times by what it takes for that of the steps."""

    def costs(N, B1, T1, B2, T2):
        c = (T1 - T2) / share_of_steps(N, B1, B2)
        s = (T1 - math.ceil(N / B1) * c) / N
        return (s, c) if swap else (c, s)

    return costs


def averaged(start=lambda w: w[0], first=1, keep=lambda beta: beta):
    """An answer to 9.3 with another start, or another factor."""

    def average(w, beta):
        mean = start(w)
        for w_t in w[first:]:
            mean = keep(beta) * mean + (1 - keep(beta)) * w_t
        return mean

    return average


def price_of_all_images(N, B1, T1, B2, T2):
    c, s = solved()(N, B1, T1, B2, T2)
    return c, N * s


def ends(scores_with, scores_without, student, ddof=1, count=None):
    """The answer to 9.4, or one with another divisor."""
    difference = np.subtract(scores_with, scores_without)
    half = student * difference.std(ddof=ddof) / (count or len(difference)) ** 0.5
    return difference.mean() - half, difference.mean() + half


def unpaired(scores_with, scores_without, student):
    spread = np.var(scores_with, ddof=1) + np.var(scores_without, ddof=1)
    middle, half = (
        np.mean(scores_with) - np.mean(scores_without),
        student * (spread / len(scores_with)) ** 0.5,
    )
    return middle - half, middle + half


SLIPS = [
    ("9.1", lambda p, k: 1 / (p + (1 - p) / k), "made the other part faster"),
    ("9.1", lambda p, k: 1 - p + p / k, "the time that is left"),
    ("9.1", lambda p, k: k, "Only a share of the time"),
    ("9.1", lambda p, k: 1 + p * (k - 1), "Times add up, speeds do not"),
    ("9.1", lambda p, k: 4.0, "speed_up(0.75, 2) should be 1.6, got 4"),
    ("9.2", solved(swap=True), "the other way round"),
    ("9.2", solved(lambda N, B1, B2: 1), "difference of the numbers of steps"),
    ("9.2", solved(lambda N, B1, B2: N / B1 - N / B2), "round the number of steps up"),
    ("9.2", price_of_all_images, "and divide by N"),
    ("9.2", lambda N, B1, T1, B2, T2: (0.0, T1 / N), "Subtract the two times"),
    ("9.3", averaged(torch.zeros_like), "has the shape of one row, (3,), got (2, 3)"),
    ("9.3", averaged(lambda w: torch.zeros_like(w[0]), first=0), "Start with the first row, not with zeros"),
    ("9.3", averaged(keep=lambda beta: 1 - beta), "Beta is what is kept"),
    ("9.3", lambda w, beta: w.mean(0), "That is the plain mean"),
    ("9.3", lambda w, beta: w[-1], "That is the last row"),
    ("9.3", lambda w, beta: w[0], "With 2 rows and beta 0.9 it should be"),
    ("9.4", unpaired, "the difference of each pair first"),
    ("9.4", lambda a, b, student: ends(b, a, student), "With minus without"),
    ("9.4", lambda a, b, student: ends(a, b, student, count=1), "the root of the number of pairs"),
    ("9.4", lambda a, b, student: ends(a, b, student, ddof=0), "ddof=1"),
    ("9.4", lambda a, b, student: ends(a, b, 1.96), "not 1.96"),
    ("9.4", lambda a, b, student: (0.0, 1.0), "With 4 pairs it should run from"),
]
