"""Chapter 17: a network of fewer bits and fewer weights: what it still reads right, and how small it is."""

from functools import cache

import numpy as np

from losslab.book import records
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, significant
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import compression

# `benchmarks/shrink.py` measures these: 32 bits is the network as it was trained.
BITS = np.array([2, 3, 4, 5, 6, 7, 8, 32])
PRUNED = np.array(
    [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85]
    + [0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]
)
SLIDERS = Slider("bits", BITS), Slider("pruned", PRUNED)
PLACES = np.arange(len(BITS))  # bits are not drawn to scale: 32 would leave no room for the others
MATRICES, BIASES = ((256, 784), (128, 256), (64, 128), (10, 64)), 458  # of the article's network
LEAST, MOST = 20, 1500  # kB


def shrink(bits=8, pruned=0.0, shown=None):
    """Open the explorer of the article's network with 2 to 8 bits a weight, or 32, and 0 to 99 % pruned.

    Nothing is interpolated: of other settings the nearest that was measured is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    given = {"bits": bits, "pruned": pruned}
    knobs = {s.name: s.values[s.at(given[s.name])[1]].item() for s in SLIDERS}
    return GridExplorer(shrink, compute, SLIDERS, shown=shown, **knobs)


@cache
def measured():
    """Return the record of `benchmarks/shrink.py`; raises what `records.of` does."""
    return records.of("shrink")


def at(bits, pruned):
    """Return the accuracy, its deviation over the seeds, and the bytes, of settings that broadcast."""
    accuracy = measured()["accuracy"]
    where = nearest(BITS, bits), nearest(PRUNED, pruned)
    mean, sd = (np.array(accuracy[what])[where] for what in ("mean", "sd"))
    return mean, sd, size(BITS[where[0]], PRUNED[where[1]])


def size(bits, pruned):
    """Return the bytes of the network; its biases keep their four each."""
    return compression.stored_bytes(MATRICES, bits, pruned) + 4 * BIASES


def nearest(values, given):
    """Return the index of the nearest of `values`, for each that is given."""
    return np.abs(np.asarray(given, float)[..., None] - values).argmin(-1)


def compute(bits, pruned):
    """Look up every share at some bits, every number of bits at some share, and the size of it.

    Parameters
    ----------
    bits, pruned : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    mean, sd, bytes_ = at(bits, pruned)
    by_share, by_bits = at(bits, PRUNED), at(BITS, pruned[..., None])  # (A, shares) and (1, B, bits)
    whole = at(32, 0.0)
    here = np.broadcast_to(PLACES[nearest(BITS, bits)], mean.shape)
    series = [
        Series("As trained", 0, shapes.points(np.array([0.0, 1.0]), whole[0])[None, None]),
        Series("Validation images", 0, shapes.whiskers(PRUNED, *by_share[:2])[:, None]),
        Series("This setting", 0, shapes.dot(pruned, mean)),
        Series("As trained", 1, shapes.points(PLACES[[0, -1]], whole[0])[None, None]),
        Series("Validation images", 1, shapes.whiskers(PLACES, *by_bits[:2])),
        Series("This setting", 1, shapes.dot(here, mean)),
        Series("As trained", 2, shapes.dot(whole[2] / 1000, whole[0])[None, None]),
        Series("This setting", 2, shapes.dot(bytes_ / 1000, mean)),
    ]
    return View("shrink", stage, series, verdict(bits, pruned, mean, bytes_, whole))


def verdict(bits, pruned, mean, bytes_, whole):
    """Say the size, the accuracy, and what was lost against the same networks as they were trained."""
    lost = measured()["lost"]
    where = nearest(BITS, bits), nearest(PRUNED, pruned)
    less, spread = (np.round(100 * np.array(lost[what])[where], 1) for what in ("mean", "sd"))
    untouched = (bits == 32) & (pruned == 0)
    key = np.where(untouched, "untouched", np.where(less < 0, "gains", "says"))
    known = {"kb": significant(bytes_ / 1000, 3), "times": significant(whole[2] / bytes_, 2)}
    known |= {"accuracy": np.round(mean, 3), "less": np.abs(less), "spread": spread}
    record = {"judged": measured()["judged"], "seeds": len(measured()["seeds"])}
    return Sentence(key, bits=bits, pruned=pruned, **known, **record)


def stage(figure, theme, words):
    """Accuracy by the share that is pruned, by bits, and by size, where every setting is a dot."""
    axes = figure.subplots(1, 3, width_ratios=(1.1, 1, 1.1))
    for ax, name in zip(axes, ("pruned", "bits", "size"), strict=True):
        ax.set(ylim=(0, 1.03), xlabel=words[name], title=words[f"by_{name}"])
        ax.title.set_fontsize(10)
    axes[0].set(xlim=(-0.03, 1.03), ylabel=words["accuracy"])
    axes[0].set_xticks((0, 0.25, 0.5, 0.75, 1), ("0 %", "25 %", "50 %", "75 %", "100 %"))
    axes[1].set(xlim=(-0.5, len(BITS) - 0.5))
    axes[1].set_xticks(PLACES, [str(bits) for bits in BITS])
    mean, _, bytes_ = at(BITS[:, None], PRUNED)
    axes[2].set(xscale="log", xlim=(LEAST, MOST))
    axes[2].set_xticks((30, 100, 300, 1000), ("30 kB", "100 kB", "300 kB", "1 MB"))
    axes[2].plot(bytes_.ravel() / 1000, mean.ravel(), ".", markersize=3, color=palette.TEXT[theme], alpha=0.5)
    for ax in axes:
        ax.minorticks_off()
        palette.tint(ax, theme)
    return list(axes)
