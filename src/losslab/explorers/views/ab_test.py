"""Chapter 11: how many users an A/B test needs to notice a difference."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import power

BASE, GOAL, LEVEL = 0.03, 0.8, 0.05  # share of the first arm; power that is asked for
SLIDERS = (
    Slider("size", np.unique(readable(np.geomspace(1000, 1_000_000, 61))).astype(int)),
    Slider("difference", np.round(np.linspace(0, 0.01, 101), 4)),
)
REACH = np.linspace(-4, 4, 41)  # of a normal curve, in deviations
TAIL = np.linspace(0, 1, 17)
SIZES = np.geomspace(1000, 1_000_000, 61)


def ab_test(size=20_000, difference=0.003, shown=None):
    """Open the explorer of two arms: 1,000 to a million users in each, a difference of 0 to 0.01 over 0.03.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(ab_test, compute, SLIDERS, size=size, difference=difference, shown=shown)


def at(size, difference):
    """Return the probability that the test notices a difference over 3 %, with `size` users in each arm."""
    return power.power(BASE, BASE + np.asarray(difference), size, LEVEL)


def errors(size, difference):
    """Return the standard errors of the difference that is seen: if there were none, and as it is."""
    second = BASE + np.asarray(difference)
    mean = (BASE + second) / 2
    spread = BASE * (1 - BASE) + second * (1 - second)
    return np.sqrt(2 * mean * (1 - mean) / size), np.sqrt(spread / size)


def compute(size, difference):
    """What may be seen with and without a difference; and the power by the number of users.

    Parameters
    ----------
    size, difference : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    none, error = errors(size, difference)
    far = power.quantile(1 - LEVEL / 2) * none
    here, curve = at(size, difference), at(SIZES, difference[..., None])
    series = [
        Series("Noticed", 0, 100 * tails(difference, error, far) * (1, 0.01), fill=True),
        Series("No difference", 0, bell(0, none)),
        Series("True difference", 0, bell(difference, error)),
        Series("This setting", 1, dot(size, here)),
        Series("Power", 1, points(SIZES, curve)),
    ]
    needed = power.users(BASE, BASE + difference[difference > 0], LEVEL, GOAL)
    said = {"size": size, "second": 100 * (BASE + difference), "power": percent(here), "far": 100 * far}
    said["needed"] = np.append(np.zeros((difference == 0).sum()), needed.round())[None]
    return View("ab_test", stage, series, Sentence(np.where(difference > 0, "says", "nothing"), **said))


def bell(mean, error):
    """Draw a normal curve over the percentage points, as high as 1, (A, B) to (A, B, n, 2)."""
    x = np.asarray(mean)[..., None] + error[..., None] * REACH
    return points(100 * x, np.exp(-(REACH**2) / 2))


def tails(mean, error, far):
    """Outline what lies beyond ± far under a normal curve as high as 1, both sides in one path."""
    low, high = (np.clip((end - mean) / error, -4, 4)[..., None] for end in (-far, far))
    left, right = -4 + (low + 4) * TAIL, high + (4 - high) * TAIL
    sides = []
    for reach in (left, right):
        u = np.concatenate([reach[..., :1], reach, reach[..., -1:]], -1)
        height = np.exp(-(u**2) / 2)
        height[..., [0, -1]] = 0
        sides.append(points(np.asarray(mean)[..., None] + error[..., None] * u, height))
    return np.concatenate(sides, -2)


def percent(power):
    """Write a probability in percent; it is never said to be 100 %."""
    return np.where(power > 0.9995, "over 99.9%", np.vectorize("{:.1%}".format, otypes=[object])(power))


def stage(figure, theme, words):
    """What may be seen on the left, the power by the number of users on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    left.set(xlim=(-2, 3), ylim=(0, 1.05), xlabel=words["seen"], ylabel=words["likely"], yticks=())
    right.set(xscale="log", xlim=(900, 1.1e6), ylim=(0, 1.03), xlabel=words["users"], title=words["power"])
    right.set_xticks((1e3, 1e4, 1e5, 1e6), ("1,000", "10,000", "100,000", "1,000,000"))
    style = {"color": palette.TEXT[theme], "linewidth": 0.8, "linestyle": ":"}
    for share in (LEVEL, GOAL):
        right.axhline(share, **style)
    right.set_yticks((LEVEL, 0.2, 0.4, 0.6, GOAL, 1), ("5 %", "20 %", "40 %", "60 %", "80 %", "100 %"))
    right.title.set_fontsize(10)
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
