"""Fair races: every rule is tuned with equal effort, and no single lucky setting counts.

Each rule is tried at the same number of settings, spread over stated ranges of its knobs. What counts is a
*neighbourhood*: nine settings side by side, chosen from a few starts and then measured from others.

A rule takes squares and roots, which every machine rounds alike; only Adam's correction takes powers, whose
last bit may differ. A run at the edge of chaos feels that, a share of settings hardly.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

RATES = (1e-4, 3.0)
RANGES = {  # of the knobs that are tuned; Adam's β₂ stays at its default
    "GD": {"lr": RATES},
    "Momentum": {"lr": RATES, "beta": (0.0, 0.99)},
    "RMSProp": {"lr": RATES, "rho": (0.0, 0.999)},
    "Adam": {"lr": RATES, "beta1": (0.0, 0.99)},
}
TRIALS = 3  # starts from which the neighbourhood is chosen; none of them is used to measure it


@dataclass(frozen=True)
class Tuned:
    """What a rule needs in its best neighbourhood of settings.

    Attributes
    ----------
    steps, low, high : float
        Median and quartiles of the steps to the goal over all runs in the neighbourhood; inf: not reached.
    share : float
        Of all settings that were tried, the share with which at least half of the starts reach the goal.
    knobs : dict of str -> (float, float, float)
        Smallest, middle and largest value of each knob in the neighbourhood.
    tried, settings, starts : int
        How many settings were tried, how many are the neighbourhood, and from how many starts each ran.
    """

    steps: float
    low: float
    high: float
    share: float
    knobs: dict
    tried: int
    settings: int
    starts: int

    def __str__(self):
        """Return quartile, median, quartile with two digits, and the share in tenths: "26 – 36 – 44; 0.7"."""
        steps = (f"{float(f'{x:.2g}'):,.0f}".replace("inf", "∞") for x in (self.low, self.steps, self.high))
        return f"{' – '.join(steps)}; {self.share:.1f}"

    @property
    def middle(self):
        """The setting in the middle of the neighbourhood, {"lr": 0.05, …}."""
        return {name: value for name, (_, value, _) in self.knobs.items()}


def grid(ranges, side=16, shift=0.0):
    """Spread side² settings over ranges: all along one knob, or side × side over two.

    Learning rates are even in log α, averages in log(1 − β), that is in the number of steps they remember.

    Parameters
    ----------
    ranges : dict of str -> (float, float)
        One knob or two; `lr` is a learning rate, any other name an average's β < 1.
    side : int
        At least 3.
    shift : float
        Moves every setting by this share of a cell, −½ to ½.

    Returns
    -------
    dict of str -> array
        The values of each knob, rounded: the same numbers on every machine.
    """
    if len(ranges) not in (1, 2) or side < 3 or abs(shift) > 0.5:
        raise ValueError(f"one or two knobs, side ≥ 3 and |shift| ≤ ½, got {len(ranges)}, {side}, {shift}")
    number = side ** (3 - len(ranges))
    share = (np.arange(number) + 0.5 + shift) / number
    return {name: spread(*ends, share, rate=name == "lr") for name, ends in ranges.items()}


def spread(low, high, share, *, rate):
    """Return the learning rates, or else the β, at a share of the way from low to high."""
    if rate:
        return np.array([float(f"{value:.4g}") for value in low * (high / low) ** share])
    return (1 - (1 - low) * ((1 - high) / (1 - low)) ** share).round(6)


def steps_needed(rule, surface, starts, steps=3000, tol=1e-4):
    """Count the steps from which the loss stays below `tol`, without keeping the paths.

    Parameters
    ----------
    rule : callable
        `rule(w, g, *memory)` with its knobs bound; the shape of a knob ends with (…, 1, 1).
    surface : losslab.formulas.surfaces.Surface
    starts : array, shape (S, d)

    Returns
    -------
    array, shape (…, S)
        What `trajectories.below_for_good` says of the whole path, but inf where it says −1.
    """
    w, memory, arrived = np.asarray(starts, float), (), 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(steps + 1):
            arrived = np.where(surface.value(w) < tol, arrived, t + 1)
            w, *memory = rule(w, surface.gradient(w), *memory)
    return np.where(arrived <= steps, arrived, np.inf)


def best_block(steps):
    """Find the nine neighbouring settings where three of four runs arrive soonest; if several, half of them.

    Parameters
    ----------
    steps : array, shape (n, S) or (n, m, S)
        Of each setting and start.

    Returns
    -------
    tuple of slice
        Nine settings in a row of one knob, 3 × 3 of two.
    """
    block = (9,) if steps.ndim == 2 else (3, 3)
    runs = np.lib.stride_tricks.sliding_window_view(steps, block, tuple(range(len(block))))
    runs = runs.reshape(*runs.shape[: len(block)], -1)
    order = np.lexsort([quantile(runs, q).ravel() for q in (0.5, 0.75)])
    corner = np.unravel_index(order[0], runs.shape[:-1])
    return tuple(slice(int(at), int(at) + size) for at, size in zip(corner, block, strict=True))


def tuned(rule, surface, ranges, *, side=16, shift=0.0, starts=20, steps=3000, tol=1e-4):
    """Tune all knobs of a rule on a surface, and measure it in its best neighbourhood.

    Parameters
    ----------
    rule : callable
        `rule(w, g, *memory, **knobs)`, such as `optim.adam`.
    surface : losslab.formulas.surfaces.Surface
    ranges : dict
        Of its knobs, such as `RANGES["Adam"]`.
    side, shift
        See `grid`.
    starts : int
        The start of the surface, each coordinate scaled by a number from 0.8 to 1.2, so often.
    steps, tol
        The loss has to fall below `tol`, and to stay there until the end of a run of `steps` steps.

    Returns
    -------
    Tuned
    """
    knobs = grid(ranges, side, shift)
    tried = steps_needed(bound(rule, knobs), surface, scattered(surface.start, TRIALS, 0), steps, tol)
    block = best_block(tried)
    chosen = {name: values[part] for (name, values), part in zip(knobs.items(), block, strict=True)}
    runs = steps_needed(bound(rule, chosen), surface, scattered(surface.start, starts, 1), steps, tol)
    low, middle, high = (quantile(runs.ravel(), q).item() for q in (0.25, 0.5, 0.75))
    share = np.isfinite(quantile(tried, 0.5)).mean().item()
    spans = {name: tuple(part[[0, len(part) // 2, -1]].tolist()) for name, part in chosen.items()}
    return Tuned(middle, low, high, share, spans, tried[..., 0].size, runs[..., 0].size, starts)


def bound(rule, knobs):
    """Bind one knob, (n,) to (n, 1, 1), or two, (n, 1, 1, 1) and (m, 1, 1): starts and coordinates follow."""
    axes = np.ix_(*knobs.values())
    return partial(rule, **{name: axis[..., None, None] for name, axis in zip(knobs, axes, strict=True)})


def scattered(start, number, seed):
    """Scale each coordinate of a start by numbers from 0.8 to 1.2, (number, d)."""
    rng = np.random.default_rng(seed)
    return np.asarray(start) * rng.uniform(0.8, 1.2, (number, len(start)))


def quantile(values, q):
    """Return along the last axis one of the values as quantile: infinities may be among them."""
    return np.quantile(values, q, axis=-1, method="inverted_cdf")
