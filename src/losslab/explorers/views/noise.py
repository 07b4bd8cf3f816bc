"""Chapter 5: SGD at a constant and at a decaying rate, and the floor that its noise makes."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable, significant
from losslab.explorers.widget import GridExplorer
from losslab.figures import artists, palette
from losslab.formulas import surfaces

STEPS, EVERY, RUNS, LAST = 1000, 10, 200, 200  # every tenth step is drawn; the floor is measured on the last
START, SIGMA, DECAY = (-1.6, 0.9), 2.0, 100  # σ of one example's gradient; steps until the rate has halved
BOWL = surfaces.quadratic((1.0, 1.0), name="bowl", xlim=(-2.0, 2.0), ylim=(-2.0, 2.0), start=START)
SLIDERS = (
    Slider("lr", readable(np.geomspace(0.01, 1.9, 81))),
    Slider("batch", np.array([1, 2, 5, 10, 20, 50, 100, 200, 500])),
)


def noise(lr=0.1, batch=10, shown=None):
    """Open the explorer of the gradient's noise: SGD on ½ |w|², 1,000 steps.

    Parameters
    ----------
    lr : float
        Learning rate α, between 0.01 and 1.9; the decaying one begins there.
    batch : int
        Examples per step B, between 1 and 500.
    shown : sequence of str, optional
        Which of "One run", "Constant rate", "Decaying rate" and "Floor" are drawn; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(noise, compute, SLIDERS, lr=lr, batch=batch, shown=shown)


def floor(lr, batch):
    """Return the mean loss at which SGD stays on a bowl of curvature 1, α σ² / (2 B (2 − α))."""
    return lr * SIGMA**2 / (2 * batch * (2 - lr))


def compute(lr, batch):
    """Run SGD 200 times with the gradient w + ξ, where E ξ = 0 and E |ξ|² = σ²/B.

    The rule is linear: w is what it would be without noise, plus 1/√B times what the noise of B = 1 adds.

    Parameters
    ----------
    lr, batch : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    every, t = slice(None, None, EVERY), np.arange(0, STEPS + 1, EVERY)
    root, found = batch[..., None] ** 0.5, {}
    for key, decay in (("Constant rate", np.inf), ("Decaying rate", DECAY)):
        still, one, mean, square = (np.moveaxis(part, 0, 1)[:, None] for part in runs(lr[:, 0], decay))
        cross = (still * mean).sum(-1)
        loss = ((still**2).sum(-1) + 2 * cross / root + square / root**2) / 2  # (A, B, STEPS + 1)
        found[key] = still[..., every, :] + one[..., every, :] / root[..., None], loss
    (path, mean), (slower, mean_slower) = found.values()
    level = floor(lr, batch)
    series = [
        Series("One run", 0, path),
        Series("Decaying rate", 0, slower),
        Series("One run", 1, shapes.points(t, (path**2).sum(-1) / 2)),
        Series("Constant rate", 1, shapes.points(t, mean[..., every])),
        Series("Decaying rate", 1, shapes.points(t, mean_slower[..., every])),
        Series("Floor", 1, shapes.points(np.array([0, STEPS]), level[..., None])),
    ]
    told = {"level": level, "measured": mean[..., -LAST:].mean(-1), "slower": mean_slower[..., -1]}
    told = {name: significant(value, 2) for name, value in told.items()}
    fixed = {"runs": RUNS, "last": LAST, "sigma": SIGMA, "decay": DECAY}
    text = Sentence("says", gradients=STEPS * batch, **fixed, **told)
    return View("noise", stage, series, text)


def runs(lr, decay):
    """Run SGD for every learning rate; at step t the rate is α / (1 + t / decay).

    Parameters
    ----------
    lr : array, shape (A,)
    decay : float

    Returns
    -------
    still : array, shape (STEPS + 1, A, 2)
        The path without noise.
    one, mean : arrays of the same shape
        What the noise of B = 1 adds to the first run, and to all of them on average.
    square : array, shape (STEPS + 1, A)
        The mean of its square.
    """
    rng = np.random.default_rng(0)
    xi = rng.normal(0, SIGMA / 2**0.5, (STEPS, RUNS, 2))
    still, added = np.tile(START, (len(lr), 1)), np.zeros((len(lr), RUNS, 2))
    kept = []
    for t in range(STEPS + 1):
        kept.append((still, added[:, 0], added.mean(1), (added**2).sum((1, 2)) / RUNS))
        if t < STEPS:
            rate = lr[:, None] / (1 + t / decay)
            still, added = still - rate * still, added - rate[..., None] * (added + xi[t])
    return [np.array(part) for part in zip(*kept, strict=True)]


def stage(figure, theme, words):
    """Two runs in the bowl on the left, losses over the steps on the right."""
    plane, curve = figure.subplots(1, 2)
    artists.contours(plane, BOWL, theme=theme)
    plane.set_title(words["plane"].format(every=EVERY), fontsize=10)
    curve.set_title(words["curve"].format(runs=RUNS), fontsize=10)
    curve.set(
        xlim=(-15, STEPS + 15), ylim=(1e-5, 1e2), yscale="log", xlabel=words["step"], ylabel=words["loss"]
    )
    for ax in (plane, curve):
        palette.tint(ax, theme)
    return [plane, curve]
