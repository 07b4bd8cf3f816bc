"""Chapter 10: what Amdahl's law leaves of n devices."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("devices", np.unique(np.geomspace(1, 4096, 97).round())),
    Slider("serial", readable(np.geomspace(1e-3, 0.5, 61))),
)


def amdahl(devices=64, serial=0.05, shown=None):
    """Open the explorer of Amdahl's law: 1 to 4,096 devices, 0.1 % to 50 % of the work indivisible.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(amdahl, compute, SLIDERS, devices=devices, serial=serial, shown=shown)


def compute(devices, serial):
    """Speed-up and efficiency of n devices for every share of the work that cannot be split.

    Parameters
    ----------
    devices, serial : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    n, series = np.geomspace(1, 4096, 97), []
    for panel, law in enumerate((costs.speedup, costs.efficiency)):
        series.append(Series("This training", panel, points(n, law(n, serial[..., None]))))
        series.append(Series("This setting", panel, dot(devices, law(devices, serial))))
    fast, share = costs.speedup(devices, serial), costs.efficiency(devices, serial)
    limits = {"limit": 1 / serial, "share": share, "price": 1 / share}
    return View(
        "amdahl", stage, series, Sentence("says", devices=devices, serial=serial, fast=fast, **limits)
    )


def stage(figure, theme, words):
    """Speed-up on the left, with the ideal; efficiency on the right."""
    left, right = figure.subplots(1, 2)
    n = np.array([1, 4096])
    left.plot(n, n, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.text(150, 330, words["ideal"], color=palette.TEXT[theme], fontsize=9, ha="right")
    left.set(xscale="log", yscale="log", xlim=(0.9, 4600), ylim=(0.9, 4600))
    left.set(xlabel=words["devices"], ylabel=words["fast"])
    right.set(
        xscale="log", xlim=(0.9, 4600), ylim=(0, 1.05), xlabel=words["devices"], ylabel=words["efficiency"]
    )
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
