"""Chapter 1: which models are large, and the slope of a parabola under the microscope."""

import numpy as np

from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import palette
from losslab.formulas import costs

# --- how large is large? ---

LARGE_SLIDERS = (
    Slider("parameters", "large from … parameters", readable(np.geomspace(1e5, 1e12, 141))),
    Slider("flop", "large from … FLOP", readable(np.geomspace(1e11, 1e26, 121))),
)
LEFT = {0: 1e4, 1: 1e10}  # where the bars of the two panels begin
RIGHT = {0: 1e13, 1: 1e27}
HALF = 0.36  # of a bar's height
SAYS = "From {:.2g} parameters on, large are: {}. From {:.2g} FLOP on: {}."


def how_large(parameters, flop):
    """Divide the models at two lines, one through their parameters, one through their training.

    Parameters
    ----------
    parameters, flop : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    columns = [model.parameters for model in costs.MODELS], [model.flop or 0.0 for model in costs.MODELS]
    series, large = [], []
    for panel, (starts, column) in enumerate(zip((parameters, flop), columns, strict=True)):
        values = np.array(column, float)
        above = values >= starts[..., None]
        for name, chosen in (("Large", above), ("Not large", ~above & (values > 0))):
            lengths = np.where(chosen, values, LEFT[panel])
            series.append(Series(name, panel, rows(lengths, LEFT[panel]), scrub=False, fill=True))
        line = np.stack(np.broadcast_arrays(starts[..., None], [-1.0, len(values)]), -1)
        series.append(Series("Large starts here", panel, line, scrub=False))
        large.append(names(above))
    return View(large_stage, series, each(SAYS, parameters, large[0], flop, large[1]))


def rows(lengths, left):
    """Outline one horizontal bar per length in one path, (..., n) to (..., 4 n, 2); the first is lowest."""
    middle = np.arange(lengths.shape[-1])
    x = np.stack([np.full_like(lengths, left), lengths, lengths, np.full_like(lengths, left)], -1)
    y = middle[:, None] + HALF * np.array([1, 1, -1, -1])
    points = np.stack(np.broadcast_arrays(x, y), -1)
    return points.reshape(*lengths.shape[:-1], -1, 2)


def names(above):
    """Name the models that are above the line, (..., n) to (...)."""
    known = np.array([model.name for model in costs.MODELS], object)
    said = [", ".join(known[row]) or "none" for row in above.reshape(-1, len(known))]
    return np.array(said, object).reshape(above.shape[:-1])


def large_stage(figure, theme):
    """Parameters on the left, operations of the training on the right, both on logarithmic axes."""
    left, right = figure.subplots(1, 2)
    n = len(costs.MODELS)
    left.set_xlabel("parameters")
    right.set_xlabel("operations of the training, FLOP")
    for panel, ax in enumerate((left, right)):
        ax.set(xscale="log", xlim=(LEFT[panel], RIGHT[panel]), ylim=(-0.7, n + 0.5))
        ax.set_yticks(range(n), [model.name for model in costs.MODELS])
        ax.tick_params(axis="y", length=0)
        palette.tint(ax, theme)
    note = {"y": n - 0.1, "fontsize": 8, "color": palette.TEXT[theme]}
    left.axvspan(1e6, 1e10, color=palette.TEXT[theme], alpha=0.09, linewidth=0)
    left.text(1e8, s="the article's range", ha="center", **note)
    right.axvline(1e25, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    right.text(7e24, s="EU AI Act", ha="right", **note)
    for k, model in enumerate(costs.MODELS):
        if model.flop is None:
            right.text(
                2 * LEFT[1], k, "none in the source", va="center", fontsize=8, color=palette.TEXT[theme]
            )
    return [left, right]


# --- a slope under the microscope ---

MICROSCOPE_SLIDERS = (
    Slider("h", "step size h", readable(np.geomspace(1e-16, 1, 65))),
    Slider("w", "weight w", readable(np.linspace(-1, 2, 31), 4)),
)
OFFSETS = np.linspace(-1, 1, 401)  # in units of h
FLOOR = 1e-17  # an error of exactly 0 is drawn here


def loss(w):
    """L(w) = (3 − 2w)², the loss of the article's worked example, x = 2 and y = 3."""
    return (3 - 2 * w) ** 2


def slope(w):
    """Its derivative −4 (3 − 2w), which autodiff finds without any h."""
    return -4 * (3 - 2 * w)


def forward_difference(w, h):
    """(L(w + h) − L(w)) / h, as floating-point numbers have it."""
    return (loss(w + h) - loss(w)) / h


def central_difference(w, h):
    """(L(w + h) − L(w − h)) / 2h, which on a parabola has no error but rounding."""
    return (loss(w + h) - loss(w - h)) / (2 * h)


def microscope(h, w):
    """Look at the loss around w with both axes stretched 1/h times, and at the error for every h.

    Parameters
    ----------
    h, w : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    s, found = OFFSETS, forward_difference(w, h)
    seen = (loss(w[..., None] + s * h[..., None]) - loss(w)[..., None]) / h[..., None]
    series = [Series("The loss as computed", 0, xy(s, seen), scrub=False)]
    series.append(
        Series("Slope by autodiff", 0, xy(s[[0, -1]], slope(w)[..., None] * s[[0, -1]]), scrub=False)
    )
    series.append(
        Series("Forward differences", 0, xy(s[[200, 400]], found[..., None] * s[[200, 400]]), scrub=False)
    )
    errors = {"Forward differences": forward_difference, "Central differences": central_difference}
    for name, difference in errors.items():
        error = np.maximum(np.abs(difference(w.T, h.T) - slope(w.T)), FLOOR)
        series.append(Series(name, 1, xy(h.T, error)[None], scrub=False))
    series.append(Series("This step size", 1, xy(h[..., None], np.array([FLOOR, 1e3])), scrub=False))
    return View(microscope_stage, series, each(SEEN, h, w, slope(w), found, np.abs(found - slope(w))))


SEEN = "h = {:.2g}, w = {:.2f}: slope by autodiff {:.2f}, by a forward difference {:.6f}, off by {:.1g}."


def xy(x, y):
    """Broadcast abscissae and ordinates to points."""
    return np.stack(np.broadcast_arrays(x, y), -1)


def microscope_stage(figure, theme):
    """The neighbourhood of w on the left, errors against the step size on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(-1.05, 1.05), ylim=(-26, 26), ylabel="change of the loss, in units of $h$")
    left.set(xlabel="change of $w$, in units of $h$")
    left.axhline(0, color=palette.TEXT[theme], linewidth=0.6)
    left.axvline(0, color=palette.TEXT[theme], linewidth=0.6)
    right.set(xlim=(5e-17, 2), ylim=(FLOOR, 1e3), xscale="log", yscale="log")
    right.set(xlabel="step size $h$", ylabel="error of the difference")
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
