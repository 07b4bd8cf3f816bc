"""Chapter 12: integrated gradients, step by step along the way from a baseline to a digit."""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.views.hans import example, pictures
from losslab.explorers.widget import GridExplorer
from losslab.learning import maps, trained

PARTS, FINE = 20, 10  # positions of the slider, and parts of the path between two of them
SLIDERS = (Slider("way", np.round(np.linspace(0, 1, PARTS + 1), 2)),)
BASELINES = "paper", "mean", "ink", "noise"


class Path(NamedTuple):
    """The way from a baseline to a digit.

    Attributes
    ----------
    ink : array, shape (PARTS + 1, 28, 28)
        The picture at each position, 0 (paper) to 1 (ink).
    sums : array, shape (PARTS + 1, 28, 28)
        The attributions summed so far.
    value : array, shape (PARTS + 1,)
        Log-probability of the answer to the digit.
    answer : int
    """

    ink: np.ndarray
    sums: np.ndarray
    value: np.ndarray
    answer: int


def baseline(way=1.0, start="paper", digit=3, shown=None):
    """Open the explorer of integrated gradients: how far the path has been walked, from which baseline.

    `start` is one of `BASELINES`, `digit` the one that is explained, 0 to 9.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    menus = {"start": BASELINES, "digit": range(10)}
    knobs = {"way": way, "start": start, "digit": digit}
    return GridExplorer(baseline, compute, SLIDERS, menus, shown=shown, **knobs)


@cache
def walked(start, digit):
    """Walk the path from a baseline to the most typical validation image of a digit."""
    reader = trained.marked_reader()
    x, start = reader.transform(example(digit)[None]), reader.transform(pixels(start))
    answer = reader.model(x).argmax().item()
    f, way = maps.log_probability(reader.model, answer), x - start
    middle = (torch.arange(PARTS * FINE) + 0.5) / (PARTS * FINE)
    pieces = way * maps.gradient(f, start + middle[:, None, None] * way) / len(middle)
    sums = pieces.reshape(PARTS, FINE, 28, 28).sum(1).cumsum(0).double().numpy()
    stops = start + torch.tensor(SLIDERS[0].values, dtype=torch.float32)[:, None, None] * way
    with torch.no_grad():
        value = f(stops).double().numpy()
    ink = (stops * reader.transform.std + reader.transform.mean).numpy()
    return Path(ink, np.concatenate([np.zeros((1, 28, 28)), sums]), value, answer)


def pixels(name):
    """Return a baseline, uint8 (1, 28, 28)."""
    if name == "mean":
        return trained.split()["train"][0].float().mean(0, keepdim=True).round().to(torch.uint8)
    if name == "noise":
        drawn = torch.randint(256, (1, 28, 28), generator=torch.Generator().manual_seed(0))
        return drawn.to(torch.uint8)
    return torch.full((1, 28, 28), {"paper": 0, "ink": 255}[name], dtype=torch.uint8)


def at(start, digit=3):
    """Return the whole map (28, 28), its sum, f(x) − f(baseline), and its share on pixels without ink."""
    path = walked(start, digit)
    return path.sums[-1], path.sums[-1].sum(), path.value[-1] - path.value[0], blank(path)


def blank(path):
    """Return which share of the whole map's absolute values lies on pixels of the digit without ink."""
    whole = np.abs(path.sums[-1])
    return whole[path.ink[-1] < 0.5 / 255].sum() / whole.sum()


def compute(way, start, digit):
    """Show the picture on the way, the sum of the attributions so far, and how f has changed.

    Parameters
    ----------
    way : array, shape (A, 1)
    start : str
    digit : int

    Returns
    -------
    losslab.explorers.contract.View
    """
    path, stops = walked(start, digit), SLIDERS[0].values
    k = np.abs(way - stops).argmin(-1)  # (A,)
    sums = path.sums[k][:, None]
    shades = sums / np.abs(path.sums).max()
    total = path.value[0] + path.sums.sum((1, 2))
    so_far = np.minimum(np.arange(PARTS + 1), k[:, None])[:, None]
    series = [
        Series("Ink", 0, shapes.tiles(path.ink[k][:, None]), fill="solid"),
        Series("For", 1, shapes.tiles(shades), fill="solid"),
        Series("Against", 1, shapes.tiles(-shades, shapes.DIAMOND), fill="solid"),
        Series("Along the way", 2, shapes.points(stops, path.value)[None, None]),
        Series("Sum of the map", 2, shapes.points(stops[so_far], total[so_far])),
    ]
    here = path.value[k][:, None]
    told = {"sum": sums.sum((-2, -1)), "f": here, "rise": here - path.value[0]}
    said = {name: np.round(value, 2) + 0.0 for name, value in told.items()}
    said |= {"way": stops[k][:, None], "answer": path.answer, "digit": digit, "blank": blank(path)}
    said["from"] = Sentence(f"said.{start}")
    return View("baseline", scene(start, digit), series, Sentence("says", **said))


@cache
def scene(start, digit):
    """Return the stage of a path: its axes differ from those of another."""
    value = walked(start, digit).value
    low, high = value.min(), value.max()
    return partial(stage, ends=(low - 0.08 * (high - low), high + 0.08 * (high - low)))


def stage(figure, theme, words, ends):
    """The picture on the way, the attributions so far, and f along the way."""
    axes = pictures(figure, theme, words)
    axes[2].set(xlim=(-0.03, 1.03), ylim=ends, xlabel=words["way"], title=words["f"])
    return axes
