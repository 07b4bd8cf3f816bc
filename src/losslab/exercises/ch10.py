"""Checkers of chapter 10: the usual slips stand beside the right answer, so that a hint can name them."""

from itertools import combinations

import numpy as np

from losslab import attribution, scaling

# --- 10.1: days ---

PLAN = (2e9, 3e10, 16, 3e14, 0.4)  # N, D, n, peak, u


def check_10_1(answer):
    """Take a function (N, D, n, peak, u) -> days."""
    N, D, n, peak, u = PLAN
    right = scaling.train_days(scaling.train_flop(N, D), n, u * peak)
    slips = {
        "Those are seconds; a day has 86,400 of them.": right * 86_400,
        "Those are hours.": right * 24,
        "That is the forward pass alone, 2 N D.": right / 3,
        "That is the backward pass alone, 4 N D.": right * 2 / 3,
        "That is what the peak would give; the devices achieve the share u of it.": right * u,
        "A smaller share u makes it longer, so it belongs below the line.": right * u**2,
        "That is one device's time: n of them share the work.": right * n,
        "More devices need less time: n belongs below the line.": right * n**2,
    }
    return _named(
        float(answer(*PLAN)), right, slips, "For N = 2e9, D = 3e10, n = 16, peak = 3e14 and u = 0.4"
    )


def _named(got, right, slips, case):
    """None for the right number, else the slip that it is, else both numbers."""
    if np.isclose(got, right, rtol=1e-6):
        return None
    near = [hint for hint, slip in slips.items() if np.isclose(got, slip, rtol=1e-6)]
    return near[0] if near else f"{case} it should be {right:.4g}, got {got:.4g}."


# --- 10.2: the weighted mean ---


def check_10_2(answer):
    """Take a function (gradients, sizes) -> the gradient of the whole batch."""
    rng = np.random.default_rng(0)
    g, sizes = rng.normal(size=(3, 5)), np.array([60, 30, 6])
    got, right = np.asarray(answer(g.copy(), sizes.copy()), float), scaling.average(g, sizes)
    if got.shape != right.shape:
        return f"The batch has one gradient, of shape (5,) here; yours has the shape {got.shape}."
    slips = {
        "That is the plain mean: a process with 6 samples counts as much as one with 60.": g.mean(0),
        "That is the plain sum.": g.sum(0),
        "Weighted, but not divided by the number of all samples.": sizes @ g,
        "Weighted, but divided by the number of processes, not of samples.": sizes @ g / 3,
        "The weights are upside down: more samples count more.": (1 / sizes) @ g / (1 / sizes).sum(),
    }
    for hint, slip in slips.items():
        if np.allclose(got, slip):
            return hint
    return (
        None if np.allclose(got, right) else f"It should begin with {right[0]:.4f}, yours with {got[0]:.4f}."
    )


# --- 10.3: the largest model ---


def check_10_3(answer):
    """Take a function (room, n, stage) -> parameters."""
    room, n = 80e9, 8
    for stage in (0, 1, 3):
        right = room / scaling.memory(1.0, n, stage)
        slips = {
            "2 bytes per parameter are the weights alone; training needs gradients and Adam's states.": room
            / 2,
            "4 bytes per parameter forget Adam's 12.": room / 4,
            "Adam's two averages are kept, and so is a precise copy of the weights: 12 bytes.": room
            / {0: 12, 1: 4 + 8 / n, 3: 12 / n}[stage],
            "Plain data parallelism keeps everything n times: more devices do not help.": n * room / 16,
            "That is how many bytes it takes, not how many parameters fit.": 16 * room,
            "16 bytes is what stage 0 needs; here something is split.": room / 16,
            "In stage 1 weights and gradients stay whole.": room / (16 / n),
            "In stage 1 only Adam's 12 bytes are divided by n; 2 + 2 stay.": room * n / (4 * n + 12) / n,
        }
        hint = _named(
            float(answer(room, n, stage)), right, slips, f"With 80e9 bytes on each of 8, stage {stage},"
        )
        if hint:
            return f"Stage {stage}: {hint}"
    return None


# --- 10.4: Shapley values by orders ---


def check_10_4(answer):
    """Take a function (f, n) -> Shapley values of a game on frozensets."""
    rng, n = np.random.default_rng(0), 4
    worth = {
        frozenset(s): float(v)
        for size in range(n + 1)
        for s, v in zip(combinations(range(n), size), rng.integers(0, 20, 9), strict=False)
    }
    game = np.vectorize(
        lambda *on: worth[frozenset(i for i in range(n) if on[i])], signature=",".join(["()"] * n) + "->()"
    )
    right = attribution.shapley(lambda x: float(game(*x)), np.ones(n), np.zeros(n))
    everyone, nobody = frozenset(range(n)), frozenset()
    got = np.asarray(answer(worth.__getitem__, n), float)
    if got.shape != (n,):
        return f"One number per player is asked for, shape ({n},); got shape {got.shape}."
    slips = {
        "That is what each adds as the last; all orders count.": [
            worth[everyone] - worth[everyone - {i}] for i in range(n)
        ],
        "That is what each adds as the first; all orders count.": [
            worth[frozenset({i})] - worth[nobody] for i in range(n)
        ],
        "That is the sum over all orders, not the mean.": 24 * right,
        "That is the mean over all sets alike; sets of equal size share one weight.": _banzhaf(worth, n),
        "That is one order only, 0, 1, 2, …": np.diff([worth[frozenset(range(k))] for k in range(n + 1)]),
    }
    for hint, slip in slips.items():
        if np.allclose(got, slip):
            return hint
    if not np.allclose(got, right):
        total = worth[everyone] - worth[nobody]
        return f"In a game of four worth {total:.0f} the first should get {right[0]:.3f}, got {got[0]:.3f}."
    return None


def _banzhaf(worth, n):
    """Mean over all subsets, each with the same weight."""
    return [np.mean([worth[s | {i}] - worth[s] for s in worth if i not in s]) for i in range(n)]
