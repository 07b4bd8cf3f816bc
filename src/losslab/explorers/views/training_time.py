"""Chapter 10: how long a training takes and what it costs, compared with published ones."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.arguments import finite, positive
from losslab.explorers.contract import Series, Slider, View, plain, readable
from losslab.explorers.shapes import dot, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("devices", np.unique(np.geomspace(1, 100_000, 101).round())),
    Slider("tokens", readable(np.geomspace(1e5, 1e14, 91))),
)
OWN = 1e5, 1e13  # parameters of a reader's own model
# Offsets of the names from their dots, in points.
BESIDE = {"GPT-3": (-5, -12), "Chinchilla": (5, 3), "PaLM": (5, -3), "LLaMA": (-5, -12)}
UNITS = {"seconds": 1 / costs.DAY, "minutes": 1 / 1440, "hours": 1 / 24, "days": 1.0, "years": 365.25}
MARKS = {"a_second": 1 / costs.DAY, "an_hour": 1 / 24, "a_month": 30, "a_century": 36525}


def training_time(model="GPT-3", devices=1024, tokens=3e11, tflops=140.0, watts=400.0, price=2.0, shown=None):
    """Open the calculator of training times: 1 to 100,000 devices, 10⁵ to 10¹⁴ tokens.

    Parameters
    ----------
    model : str or float
        "Net", "BERT", "GPT-3", "Chinchilla", "PaLM" or "LLaMA"; or the parameters of a model of your own,
        10⁵ to 10¹³.
    devices, tokens : float
    tflops, watts, price : float
        What you assume that one device achieves (10¹² FLOP/s), draws, and costs per hour.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    given = {"tflops": tflops, "watts": watts, "price": price}
    knobs = {"devices": devices, "tokens": tokens, "model": model}
    knobs |= {name: positive(name, value) for name, value in given.items()}
    return GridExplorer(training_time, compute, SLIDERS, {"model": offered(model)}, shown=shown, **knobs)


def offered(model):
    """Return the options of the menu: the known models, and the reader's own if it is a number."""
    known, (least, most) = {name: {"model": name} for name in costs.PARAMETERS}, OWN
    if isinstance(model, str) and model in known:
        return known
    if not finite(model) or not least <= model <= most:
        names = ", ".join(known)
        either = f"one of {names}, or a number of parameters from {least:g} to {most:g}"
        raise ValueError(f"model must be {either}, got {model!r}")
    return known | {"yours": {"model": float(model)}}


def span(days):
    """Say each time in a suitable unit."""
    units = list(UNITS)
    rank = np.maximum((np.array([*UNITS.values()]) <= np.asarray(days)[..., None]).sum(-1) - 1, 0)
    return Sentence(np.array(units)[rank], n=days / np.array([*UNITS.values()])[rank])


def compute(devices, tokens, *, model, tflops, watts, price):
    """Days of a training against devices, and its place among published ones.

    Parameters
    ----------
    devices, tokens : array, shapes (A, 1) and (1, B)
    model : str or float
        A key of `costs.PARAMETERS`, or a number of parameters.
    tflops, watts, price : float
        What one device achieves (10¹² FLOP/s), draws, and costs per hour: the reader's assumptions.

    Returns
    -------
    losslab.explorers.contract.View
    """
    P, rate = costs.PARAMETERS.get(model, model), tflops * 1e12
    G = np.geomspace(1, 1e5, 51)
    flop = costs.train_flop(P, tokens)
    days = costs.train_days(flop, devices, rate)
    series = [
        Series("This training", 0, points(G, costs.train_days(flop[..., None], G, rate))),
        Series("This setting", 0, dot(devices, days)),
        Series("This setting", 1, dot(P + 0 * tokens, tokens)),
    ]
    name = model if model in costs.PARAMETERS else Sentence("yours", P=P)
    knobs = {"model": name, "tokens": tokens, "devices": devices, "tflops": tflops, "watts": watts}
    energy = plain(costs.train_energy(days, devices, watts=watts) / 1000)
    cost = plain(costs.train_cost(days, devices, price=price))
    text = Sentence("says", flop=flop, span=span(days), energy=energy, cost=cost, price=price, **knobs)
    return View("training_time", stage, series, text)


def stage(figure, theme, words):
    """Days against devices on the left; parameters and tokens of published trainings on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0.8, 1.3e5), ylim=(1e-6, 1e7), xlabel=words["devices"], ylabel=words["days_axis"])
    grey = {"color": palette.TEXT[theme]}
    for mark, days in MARKS.items():
        left.axhline(days, linewidth=0.6, linestyle=":", **grey)
        left.text(1.1e5, days, words[mark], fontsize=8, ha="right", va="bottom", **grey)
    right.set(xlim=OWN, ylim=(5e4, 2e14), xlabel=words["parameters"], ylabel=words["tokens"])
    P = np.array(OWN)
    right.plot(P, 20 * P, linewidth=0.8, linestyle="--", **grey)
    right.text(3e5, 2e7, words["twenty"], fontsize=8, rotation=42, **grey)
    for power in range(12, 27, 2):
        right.plot(P, 10.0**power / 6 / P, linewidth=0.5, alpha=0.5, **grey)
    for power in (16, 20):
        at = {"fontsize": 8, "rotation": -42, "rotation_mode": "anchor"} | grey
        right.text(10.0 ** (power / 2 + 0.8), 10.0 ** (power / 2 - 1.4), f"$10^{{{power}}}$ FLOP", **at)
    for name, run in costs.PUBLISHED.items():
        right.plot(run.parameters, run.tokens, ".", **grey)
        x, y = BESIDE[name]
        beside = {"fontsize": 8, "textcoords": "offset points", "ha": "left" if x > 0 else "right"} | grey
        right.annotate(name, (run.parameters, run.tokens), (x, y), **beside)
    for ax in (left, right):
        ax.set(xscale="log", yscale="log")
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
