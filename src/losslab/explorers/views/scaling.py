"""Chapter 10: how long a training takes and what it costs, and what Amdahl's law leaves of n devices."""

import numpy as np

from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import palette
from losslab.formulas import costs

TIME_SLIDERS = (
    Slider("devices", "devices n", np.unique(np.geomspace(1, 100_000, 101).round())),
    Slider("tokens", "tokens D", readable(np.geomspace(1e5, 1e14, 91))),
)
AMDAHL_SLIDERS = (
    Slider("devices", "devices n", np.unique(np.geomspace(1, 4096, 97).round())),
    Slider("serial", "serial share s", readable(np.geomspace(1e-3, 0.5, 61))),
)
MODELS = costs.PARAMETERS
# Where the names stand, in points from their dots.
BESIDE = {"GPT-3": (-5, -12), "Chinchilla": (5, 3), "PaLM": (5, -3), "LLaMA": (-5, -12)}
UNITS = {"s": 1 / costs.DAY, "min": 1 / 1440, "h": 1 / 24, "days": 1.0, "years": 365.25}


def span(days):
    """Say a time in a unit that fits it."""
    unit = max((u for u in UNITS if UNITS[u] <= days), key=UNITS.get, default="s")
    return f"{days / UNITS[unit]:.3g} {unit}"


def plain(value):
    """Say three significant digits of a number, from a thousand on without an exponent."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 1000 else f"{value:.3g}"


def training_time(devices, tokens, *, model, tflops, watts, price):
    """Days of a training against devices, and its place among published ones.

    Parameters
    ----------
    devices, tokens : array, shapes (A, 1) and (1, B)
    model : str
        A key of `MODELS`.
    tflops, watts, price : float
        What one device achieves (10¹² FLOP/s), draws, and costs per hour: the reader's assumptions.

    Returns
    -------
    losslab.explorers.contract.View
    """
    N, rate = MODELS[model], tflops * 1e12
    n = np.geomspace(1, 1e5, 51)
    flop = costs.train_flop(N, tokens)
    line = np.stack(np.broadcast_arrays(n, costs.train_days(flop[..., None], n, rate)), -1)
    days = costs.train_days(flop, devices, rate)
    series = [
        Series("This training", 0, line, scrub=False),
        Series("This setting", 0, dot(devices, days), scrub=False),
        Series("This setting", 1, dot(N + 0 * tokens, tokens), scrub=False),
    ]
    energy = costs.train_energy(days, devices, watts=watts) / 1000
    cost = costs.train_cost(days, devices, price=price)
    says = (
        f"{model}, D = {{:.3g}}: {{:.3g}} FLOP. {{:,.0f}} devices at {tflops:g} TFLOP/s: {{}}, "
        f"{{}} MWh at {watts:g} W, {{}} at {price:g} per device-hour."
    )
    said = [np.vectorize(say)(one) for say, one in ((span, days), (plain, energy), (plain, cost))]
    return View(time_stage, series, each(says, tokens, flop, devices, *said))


def dot(x, y):
    """Return a point to be marked, shape (..., 1, 2)."""
    return np.stack(np.broadcast_arrays(x, y), -1)[..., None, :]


def time_stage(figure, theme):
    """Days against devices on the left; parameters and tokens of published trainings on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0.8, 1.3e5), ylim=(1e-6, 1e7), xlabel="devices $n$", ylabel="days")
    marks = {"a second": 1 / costs.DAY, "an hour": 1 / 24, "a month": 30, "a century": 36525}
    for name, days in marks.items():
        left.axhline(days, color=palette.TEXT[theme], linewidth=0.6, linestyle=":")
        left.text(1.1e5, days, name, color=palette.TEXT[theme], fontsize=8, ha="right", va="bottom")
    right.set(xlim=(1e5, 1e13), ylim=(5e4, 2e14), xlabel="parameters $N$", ylabel="tokens $D$")
    N = np.array([1e5, 1e13])
    right.plot(N, 20 * N, color=palette.TEXT[theme], linewidth=0.8, linestyle="--")
    right.text(3e5, 2e7, "20 tokens per parameter", color=palette.TEXT[theme], fontsize=8, rotation=42)
    for power in range(12, 27, 2):
        right.plot(N, 10.0**power / 6 / N, color=palette.TEXT[theme], linewidth=0.5, alpha=0.5)
    for power in (16, 20):
        at = {"color": palette.TEXT[theme], "fontsize": 8, "rotation": -42, "rotation_mode": "anchor"}
        right.text(10.0 ** (power / 2 + 0.8), 10.0 ** (power / 2 - 1.4), f"$10^{{{power}}}$ FLOP", **at)
    for name, run in costs.PUBLISHED.items():
        right.plot(run.parameters, run.tokens, ".", color=palette.TEXT[theme])
        beside = {"color": palette.TEXT[theme], "fontsize": 8, "textcoords": "offset points"}
        x, y = BESIDE[name]
        right.annotate(name, (run.parameters, run.tokens), (x, y), ha="left" if x > 0 else "right", **beside)
    for ax in (left, right):
        ax.set(xscale="log", yscale="log")
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]


def amdahl(devices, serial):
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
        curve = np.stack(np.broadcast_arrays(n, law(n, serial[..., None])), -1)
        series.append(Series("This training", panel, curve, scrub=False))
        series.append(Series("This setting", panel, dot(devices, law(devices, serial)), scrub=False))
    fast, share = costs.speedup(devices, serial), costs.efficiency(devices, serial)
    texts = each(AMDAHL_SAYS, devices, serial, fast, 1 / serial, share, 1 / share)
    return View(amdahl_stage, series, texts)


AMDAHL_SAYS = (
    "{:.0f} devices, {:.1%} serial: {:.1f} times faster, never more than {:.0f}; efficiency {:.1%}, "
    "so the training costs {:.1f} times what one device would."
)


def amdahl_stage(figure, theme):
    """Speed-up on the left, with the ideal; efficiency on the right."""
    left, right = figure.subplots(1, 2)
    n = np.array([1, 4096])
    left.plot(n, n, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.text(150, 330, "ideal", color=palette.TEXT[theme], fontsize=9, ha="right")
    left.set(xscale="log", yscale="log", xlim=(0.9, 4600), ylim=(0.9, 4600))
    left.set(xlabel="devices $n$", ylabel="times faster")
    right.set(xscale="log", xlim=(0.9, 4600), ylim=(0, 1.05), xlabel="devices $n$", ylabel="efficiency")
    for ax in (left, right):
        ax.minorticks_off()
        palette.tint(ax, theme)
    return [left, right]
