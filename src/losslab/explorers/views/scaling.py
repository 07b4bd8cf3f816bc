"""Chapter 10: what G devices gain, if they share one batch, and if each brings its own."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.shapes import dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("devices", np.unique(np.geomspace(1, 100_000, 121).round().astype(int))),
    Slider("share", np.unique(np.round(1 - np.geomspace(1e-4, 0.5, 81), 4))),
)
LAWS = {"strong": costs.amdahl, "weak": costs.gustafson}
LINES = {"strong": "Strong scaling", "weak": "Weak scaling"}


def scaling(law="strong", devices=64, share=0.95, shown=None):
    """Open the explorer of strong and weak scaling: 1 to 100,000 devices, half to 99.99 % of the work split.

    Parameters
    ----------
    law : "strong" or "weak"
        A fixed batch that is split among the devices, or one batch for each of them.
    devices : int
    share : float
        The share q of one device's time that is split.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"devices": devices, "share": share, "law": law}
    return GridExplorer(scaling, compute, SLIDERS, {"law": LAWS}, shown=shown, **knobs)


def compute(devices, share, *, law):
    """Speed-up of G devices and their efficiency, by Amdahl's law and by Gustafson's.

    Parameters
    ----------
    devices, share : array, shapes (A, 1) and (1, B)
    law : str
        A key of `LAWS`: which one the marked point and the sentence follow.

    Returns
    -------
    losslab.explorers.contract.View
    """
    G, series = np.geomspace(1, 1e5, 81), []
    for panel, per in enumerate((1, G)):
        for name, rule in LAWS.items():
            series.append(Series(LINES[name], panel, points(G, rule(G, share[..., None]) / per)))
    gain = LAWS[law](devices, share)
    kept = gain / devices
    series += [Series("This setting", 0, dot(devices, gain)), Series("This setting", 1, dot(devices, kept))]
    said = {"devices": devices, "share": share, "gain": gain, "kept": kept, "price": 1 / kept}
    return View("scaling", stage, series, Sentence(law, limit=1 / (1 - share), **said))


def stage(figure, theme, words):
    """Speed-up against the devices on the left, with the ideal; efficiency on the right."""
    left, right = figure.subplots(1, 2)
    G = np.array([1, 1e5])
    left.plot(G, G, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.text(1.5e3, 4e3, words["ideal"], color=palette.TEXT[theme], fontsize=9, ha="right")
    left.set(xscale="log", yscale="log", xlim=(0.8, 1.3e5), ylim=(0.8, 1.3e5))
    left.set(xlabel=words["devices"], ylabel=words["gain"])
    right.set(xscale="log", xlim=(0.8, 1.3e5), ylim=(0, 1.05))
    right.set(xlabel=words["devices"], ylabel=words["efficiency"])
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
