"""Checkers of chapter 10."""

import numpy as np

from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import costs

# --- 10.1: days ---

PLAN = (2e9, 3e10, 16, 3e14, 0.4)  # P, D, G, peak, mfu


def check_10_1(answer):
    """Take a function (P, D, G, peak, mfu) -> days."""
    P, D, G, peak, mfu = PLAN
    right = costs.train_days(costs.train_flop(P, D), G, mfu * peak)
    slips = {
        "seconds": right * 86_400,
        "hours": right * 24,
        "forward": right / 3,
        "backward": right * 2 / 3,
        "peak": right * mfu,
        "share_above": right * mfu**2,
        "one_device": right * G,
        "devices_above": right * G**2,
    }
    got = float(answer(*PLAN))
    if np.isclose(got, right, rtol=1e-6):
        return None
    return named(got, slips) or Sentence("off", right=right, got=got)


# --- 10.2: the weighted mean ---


def check_10_2(answer):
    """Take a function (gradients, sizes) -> the gradient of the whole batch."""
    rng = np.random.default_rng(0)
    g, sizes = rng.normal(size=(3, 5)), np.array([60, 30, 6])
    got, right = np.asarray(answer(g.copy(), sizes.copy()), float), costs.average_gradient(g, sizes)
    if got.shape != right.shape:
        return Sentence("shape", got=got.shape)
    if np.allclose(got, right):
        return None
    slips = {
        "plain_mean": g.mean(0),
        "plain_sum": g.sum(0),
        "undivided": sizes @ g,
        "by_processes": sizes @ g / 3,
        "upside_down": (1 / sizes) @ g / (1 / sizes).sum(),
    }
    return named(got, slips) or Sentence("off", right=right[0], got=got[0])


# --- 10.3: the largest model ---


def check_10_3(answer):
    """Take a function (room, G, stage) -> parameters."""
    room, G = 80e9, 6
    forgotten = {  # per stage: bytes per parameter on each of G devices
        0: {"weights_alone": 2, "no_adam": 4, "adam_alone": 12, "split": 16 / G, "bytes": 1 / 16},
        1: {"stage_1_whole": 16, "stage_1_split": 16 / G, "adam_alone": 4 + 8 / G},
        3: {"stage_3_adam": 4 + 12 / G, "stage_3_whole": 16, "adam_alone": 12 / G},
    }
    for stage, sizes in forgotten.items():
        got, right = float(answer(room, G, stage)), room / costs.train_memory(1.0, G, stage)
        if not np.isclose(got, right, rtol=1e-6):
            hint = named(got, {key: room / size for key, size in sizes.items()}) or "off"
            return Sentence("stage", stage=stage, G=G, room=room, right=right, got=got, hint=hint)
    return None
