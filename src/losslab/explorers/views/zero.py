"""Chapter 10: what each device holds of a model in training, by the stages of ZeRO."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.arguments import positive
from losslab.explorers.contract import Series, Slider, View, plain, readable
from losslab.explorers.shapes import dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("parameters", readable(np.geomspace(1e6, 1e12, 121))),
    Slider("devices", np.unique(np.geomspace(1, 4096, 97).round().astype(int))),
)
PARTS = {"weights": "Weights", "gradients": "Gradients", "Adam": "Optimiser states"}
STAGES = range(len(costs.STAGES))
GB = 1e9
WIDE = np.array([(-0.6, 3.6), (0.8, 5e3)])  # of both panels


def zero(parameters=7e9, devices=8, memory=80.0, shown=None):
    """Open the explorer of ZeRO's stages: 10⁶ to 10¹² parameters, 1 to 4,096 devices.

    Parameters
    ----------
    parameters : float
    devices : int
    memory : float
        Of one device, GB.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"parameters": parameters, "devices": devices, "memory": positive("memory", memory)}
    return GridExplorer(zero, compute, SLIDERS, shown=shown, **knobs)


def shares(devices):
    """Return the bytes per parameter on each of G devices, {part: array (..., stages)}."""
    devices = np.asarray(devices)[..., None]
    split = {part: np.array([part in stage for stage in costs.STAGES]) for part in PARTS}
    return {part: costs.STATES["mixed"][part] / np.where(split[part], devices, 1) for part in PARTS}


def box(at, low, top):
    """Outline one piece of a stack, from low to top, (...) to (..., 4, 2)."""
    return points(at + 0.35 * np.array([-1, -1, 1, 1]), np.stack(np.broadcast_arrays(low, top, top, low), -1))


def compute(parameters, devices, *, memory):
    """Bytes on each device while training with Adam in mixed precision, in all and by what they are for.

    Parameters
    ----------
    parameters, devices : array, shapes (A, 1) and (1, B)
    memory : float
        Of one device, GB.

    Returns
    -------
    losslab.explorers.contract.View
    """
    foot, series = np.zeros((1, 1, len(STAGES))), []
    for part, heights in shares(devices).items():
        top = foot + heights
        series += [Series(PARTS[part], 0, box(n, foot[..., n], top[..., n]), fill=True) for n in STAGES]
        foot = top
    room = np.minimum(memory * GB / parameters, 1e6)[..., None]
    series += [Series("Device memory", panel, points(ends, room)) for panel, ends in enumerate(WIDE)]
    series += [Series(f"Stage {n}", 1, dot(devices, foot[..., n])) for n in STAGES]
    held = [costs.train_memory(parameters, devices, n) / GB for n in STAGES]
    first = sum((one > memory).astype(int) for one in np.broadcast_arrays(*held))  # no stage holds more
    verdict = Sentence(np.where(first < len(STAGES), "fits", "nowhere"), first=first, memory=memory)
    said = {f"stage_{n}": plain(held[n]) for n in STAGES}
    text = Sentence("says", parameters=parameters, devices=devices, verdict=verdict, **said)
    return View("zero", stage, series, text)


def stage(figure, theme, words):
    """Bytes per parameter in each stage on the left, and against the devices on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=WIDE[0], ylim=(0, 18), xticks=STAGES, yticks=range(0, 17, 2))
    left.set(xlabel=words["stage"], ylabel=words["bytes"])
    G = np.geomspace(1, 4096, 97)
    for n in STAGES:
        key, held = f"Stage {n}", costs.train_memory(1, G, n) + 0 * G
        style = {"color": palette.colour(key, theme), "linestyle": palette.LINES[key]["linestyle"]}
        right.plot(G, held, linewidth=1.2, **style)
        place = {"textcoords": "offset points", "xytext": (4, 3), "fontsize": 8}
        right.annotate(words[key], (G[72], held[72]), color=style["color"], **place)
    right.set(xscale="log", yscale="log", xlim=WIDE[1], ylim=(3e-3, 30))
    right.set(xlabel=words["devices"], ylabel=words["bytes"])
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
