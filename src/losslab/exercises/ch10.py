"""Checkers of chapter 10: the usual slips stand beside the right answer, so that a hint can name them."""

from itertools import combinations

import numpy as np

from losslab.formulas import attribution, costs

# --- 10.1: days ---

PLAN = (2e9, 3e10, 16, 3e14, 0.4)  # N, D, n, peak, u


def check_10_1(answer):
    """Take a function (N, D, n, peak, u) -> days."""
    N, D, n, peak, u = PLAN
    right = costs.train_days(costs.train_flop(N, D), n, u * peak)
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
    return _named(float(answer(*PLAN)), right, slips, "For N = 2e9, D = 3e10, n = 16, peak = 3e14, u = 0.4")


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
    got, right = np.asarray(answer(g.copy(), sizes.copy()), float), costs.average_gradient(g, sizes)
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

COPY = "Adam's two averages are kept, and so is a precise copy of the weights: 12 bytes."
SLIPS = {  # per stage: bytes per parameter on each of n devices, and what was forgotten
    0: {
        "2 bytes per parameter are the weights alone; gradients and Adam's states are missing.": lambda n: 2,
        "4 bytes per parameter forget Adam's 12.": lambda n: 4,
        COPY: lambda n: 12,
        "Plain data parallelism keeps everything n times: more devices do not help.": lambda n: 16 / n,
        "That is how many bytes it takes, not how many parameters fit.": lambda n: 1 / 16,
    },
    1: {
        "16 bytes is what stage 0 needs; here Adam's part is split.": lambda n: 16,
        "In stage 1 weights and gradients stay whole.": lambda n: 16 / n,
        COPY: lambda n: 4 + 8 / n,
    },
    3: {
        "In stage 3 all 16 bytes are split, not only Adam's 12.": lambda n: 4 + 12 / n,
        "16 bytes is what stage 0 needs; here everything is split.": lambda n: 16,
        COPY: lambda n: 12 / n,
    },
}


def check_10_3(answer):
    """Take a function (room, n, stage) -> parameters."""
    room, n = 80e9, 6
    for stage, forgotten in SLIPS.items():
        right = room / costs.train_memory(1.0, n, stage)
        slips = {hint: room / size(n) for hint, size in forgotten.items()}
        case = f"On {n} devices with {room:g} bytes each"
        hint = _named(float(answer(room, n, stage)), right, slips, case)
        if hint:
            return f"Stage {stage}: {hint}"
    return None


# --- 10.4: Shapley values by orders ---

PLAYERS = 4


def game():
    """Return what every set of four players is worth, {frozenset: float}."""
    sets = [frozenset(s) for k in range(PLAYERS + 1) for s in combinations(range(PLAYERS), k)]
    rng = np.random.default_rng(0)
    return {s: float(value) for s, value in zip(sets, rng.integers(0, 20, len(sets)), strict=True)}


def check_10_4(answer):
    """Take a function (f, n) -> Shapley values of a game on frozensets."""
    worth, n = game(), PLAYERS
    by_switches = np.vectorize(lambda *on: worth[frozenset(np.flatnonzero(on).tolist())])
    right = attribution.shapley(lambda x: by_switches(*x), np.ones(n), np.zeros(n))
    got = np.asarray(answer(worth.__getitem__, n), float)
    if got.shape != (n,):
        return f"One number per player is asked for, shape ({n},); got shape {got.shape}."
    for hint, slip in _slips_10_4(worth, n, right).items():
        if np.allclose(got, slip):
            return hint
    if np.allclose(got, right):
        return None
    total = worth[frozenset(range(n))] - worth[frozenset()]
    return f"In a game of four worth {total:.0f} the first should get {right[0]:.3f}, got {got[0]:.3f}."


def _slips_10_4(worth, n, right):
    everyone, nobody = frozenset(range(n)), frozenset()
    gains = [[worth[s | {i}] - worth[s] for s in worth if i not in s] for i in range(n)]
    return {
        "That is what each adds as the last; all orders count.": [
            worth[everyone] - worth[everyone - {i}] for i in range(n)
        ],
        "That is what each adds as the first; all orders count.": [
            worth[frozenset({i})] - worth[nobody] for i in range(n)
        ],
        "That is the sum over all orders, not the mean.": 24 * right,
        "That is the mean over all sets alike; sets of equal size share one weight.": np.mean(gains, 1),
        "That is one order only, 0, 1, 2, …": np.diff([worth[frozenset(range(k))] for k in range(n + 1)]),
    }
