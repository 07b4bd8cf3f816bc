"""Chapter 17: energy and emissions of a computation, by hours, the data centre's overhead and the grid."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.arguments import positive
from losslab.explorers.contract import Series, Slider, View, plain, readable
from losslab.explorers.shapes import dot, points, rows
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("hours", np.unique(readable(np.geomspace(1, 1e8, 161)))),
    Slider("pue", np.round(np.arange(1.0, 2.01, 0.02), 2)),
)
NAMES = list(costs.GRIDS)
MWH, TONNES = (1e-5, 1e6), (1e-6, 1e6)  # ends of the axes
BESIDE = {"BLOOM": (6, -9), "GPT-3": (-6, 3), "Llama 3.1 405B": (-6, 3)}  # of the names, in points


def energy(hours=30.84e6, pue=1.08, grid="United States", watts=700.0, price=0.1, shown=None):
    """Open the calculator of energy and emissions: 1 to 10⁸ device-hours, overhead 1 to 2.

    Parameters
    ----------
    hours, pue : float
        Device-hours, summed over all devices, and what the data centre needs for each kWh of a device.
    grid : str
        Of `costs.GRIDS`.
    watts, price : float
        What you assume that one device draws, and a kWh costs.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    given = {"watts": positive("watts", watts), "price": positive("price", price)}
    knobs = {"hours": hours, "pue": pue, "grid": grid, **given}
    return GridExplorer(energy, compute, SLIDERS, {"grid": NAMES}, shown=shown, **knobs)


def at(hours, pue, grid, watts=700.0):
    """Return kWh, and tonnes of CO₂e on the grid of that name."""
    kwh = costs.energy(np.asarray(hours, float), watts, pue)
    return kwh, costs.emissions(kwh, costs.GRIDS[grid]) / 1000


def compute(hours, pue, *, grid, watts, price):
    """Energy and emissions of the reader's setting among published ones, and the grids beside one another.

    Parameters
    ----------
    hours, pue : array, shapes (A, 1) and (1, B)
    grid : str
    watts, price : float

    Returns
    -------
    losslab.explorers.contract.View
    """
    kwh, tonnes = at(hours, pue, grid, watts)
    mwh, ends = kwh / 1000, np.array(MWH)
    bar = np.zeros(len(NAMES))
    bar[NAMES.index(grid)] = costs.GRIDS[grid]
    series = [
        Series("This grid", 0, points(ends, ends * costs.GRIDS[grid] / 1000)[None, None]),
        Series("This setting", 0, dot(mwh, tonnes)),
        Series("This grid", 1, rows(bar, 0.0)[None, None], fill=True),
    ]
    knobs = {
        "hours": plain(hours),
        "pue": pue,
        "grid": Sentence(f"option.grid.{grid}"),
        "grams": costs.GRIDS[grid],
        "watts": watts,
    }
    said = {
        "energy": amount(kwh, ("kwh", "mwh", "gwh")),
        "emissions": amount(tonnes * 1000, ("kg", "t")),
    }
    money = {"cost": plain(kwh * price), "price": price}
    return View("energy", stage, series, Sentence("says", as_of=costs.GRIDS_AS_OF, **knobs, **said, **money))


def amount(value, units):
    """Say each amount in a suitable unit, each a thousand times the one before."""
    rank = np.clip(np.floor(np.log10(value) / 3), 0, len(units) - 1).astype(int)
    return Sentence(np.array(units)[rank], n=plain(value / 1000.0**rank))


def stage(figure, theme, words):
    """Emissions by energy on the left, with published figures; grams per kWh of each grid on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    grey = {"color": palette.TEXT[theme]}
    left.set(
        xscale="log", yscale="log", xlim=MWH, ylim=TONNES, xlabel=words["energy"], ylabel=words["tonnes"]
    )
    left.set_xticks((1e-3, 1, 1e3, 1e6), ("1 kWh", "1 MWh", "1 GWh", "1 TWh"))
    left.set_yticks((1e-6, 1e-3, 1, 1e3, 1e6), ("1 g", "1 kg", "1 t", "1,000 t", "1 Mt"))
    x = np.array(MWH)
    for grams in costs.GRIDS.values():
        left.plot(x, x * grams / 1000, linewidth=0.4, alpha=0.6, **grey)
    for name, run in costs.FOOTPRINTS.items():
        mwh = (run.kwh or costs.energy(run.hours, run.watts)) / 1000
        left.plot(mwh, run.tonnes, "*", markersize=7, **grey)
        shift = BESIDE[name]
        beside = {"textcoords": "offset points", "ha": "left" if shift[0] > 0 else "right", "fontsize": 8}
        left.annotate(name, (mwh, run.tonnes), shift, **beside, **grey)
    right.set(xlim=(0, 800), ylim=(-0.6, len(NAMES) - 0.4), xlabel=words["grams"], title=words["as_of"])
    right.set_yticks(range(len(NAMES)), [words[f"option.grid.{name}"] for name in NAMES])
    right.barh(range(len(NAMES)), list(costs.GRIDS.values()), 0.72, alpha=0.3, **grey)
    right.title.set_fontsize(10)
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
