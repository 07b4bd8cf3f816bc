"""Chapter 17: what wrong labels do, and how long it takes until they are learnt by heart."""

from functools import cache

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

# `benchmarks/wrong_labels.py` measures these.
NOISE = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
STEPS = np.array([50, 100, 200, 400, 800, 1600])
SLIDERS = Slider("noise", NOISE), Slider("steps", STEPS)


def wrong_labels(noise=0.4, steps=1600, shown=None):
    """Open the explorer of trainings on labels of which 0 to 60 % are wrong, for 50 to 1,600 steps.

    Nothing is interpolated: of other settings the nearest that was measured is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    given = {"noise": noise, "steps": steps}
    knobs = {s.name: s.values[s.at(given[s.name])[1]].item() for s in SLIDERS}
    return GridExplorer(wrong_labels, compute, SLIDERS, shown=shown, **knobs)


@cache
def measured():
    """Return the record of `benchmarks/wrong_labels.py`; raises what `records.of` does."""
    return records.of("wrong_labels")


def course(what):
    """Return means and deviations over the seeds, (noise, steps) each.

    Parameters
    ----------
    what : "accuracy" or "by_heart"
        Of the validation images, with their right labels; share of the wrong labels that the network repeats
        (without any wrong label, 0).
    """
    grid = measured()["grid"][what]
    return np.array(grid["mean"]), np.array(grid["sd"])


def at(noise, steps, what="accuracy"):
    """Return the mean and the deviation at the nearest setting that was measured."""
    where = tuple(
        np.abs(np.asarray(given, float)[..., None] - values).argmin(-1)
        for given, values in ((noise, NOISE), (steps, STEPS))
    )
    return tuple(grid[where] for grid in course(what))


def compute(noise, steps):
    """Look up one share of wrong labels at all steps, and all shares at some steps.

    Parameters
    ----------
    noise, steps : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    (mean, sd), (heart, _) = at(noise, steps), at(noise, steps, "by_heart")
    by_step, hearts = at(noise, STEPS), at(noise, STEPS, "by_heart")
    by_noise, best = at(NOISE, steps.T), course("accuracy")[0].max(1)
    series = [
        Series("Validation images", 0, shapes.whiskers(STEPS, *by_step)[:, None]),
        Series("By heart", 0, shapes.whiskers(STEPS, *hearts)[:, None]),
        Series("This setting", 0, shapes.dot(steps, mean)),
        Series("Validation images", 1, shapes.whiskers(NOISE, *by_noise)[None]),
        Series("Best moment", 1, shapes.points(NOISE, best)[None, None]),
        Series("This setting", 1, shapes.dot(noise, mean)),
    ]
    top = by_step[0].argmax(-1)[:, None]
    said = {"accuracy": mean, "spread": sd, "heart": heart, "best": np.take_along_axis(by_step[0], top, 1)}
    said = {name: np.round(value, 3) for name, value in said.items()}
    key = np.where(noise + 0 * steps == 0, "clean", np.where(STEPS[top] == steps, "best", "says"))
    record = {"images": measured()["images"], "seeds": len(measured()["seeds"])}
    return View(
        "wrong_labels",
        stage,
        series,
        Sentence(key, noise=noise, steps=steps, top=STEPS[top], **said, **record),
    )


def stage(figure, theme, words):
    """Accuracy by steps on the left, by the share of wrong labels on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xscale="log", xlim=(42, 1900), xlabel=words["steps"], title=words["by_steps"])
    left.set_xticks(STEPS, [f"{n:,}" for n in STEPS])
    right.set(xlim=(-0.03, 0.63), xlabel=words["noise"], title=words["by_noise"])
    right.set_xticks(NOISE[::2], [f"{share:.0%}" for share in NOISE[::2]])
    for ax in (left, right):
        ax.set(ylim=(0, 1.03))
        ax.title.set_fontsize(10)
        ax.minorticks_off()
        palette.tint(ax, theme)
    left.set_ylabel(words["share"])
    right.text(0.36, 0.83, words["stopped"], fontsize=8, color=palette.TEXT[theme])
    return [left, right]
