"""Chapter 1: nine models, and two lines above which a model is called large."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import costs

SLIDERS = (
    Slider("parameters", readable(np.geomspace(1e5, 1e12, 141))),
    Slider("flop", readable(np.geomspace(1e11, 1e26, 121))),
)
LEFT = {0: 1e4, 1: 1e10}  # where the bars of the two panels begin
RIGHT = {0: 1e13, 1: 1e27}


def how_large(parameters=1e9, flop=1e25, shown=None):
    """Open the explorer of nine models: drag the two lines above which a model is called large.

    `parameters` from 1e5 to 1e12, `flop` of its training from 1e11 to 1e26.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(how_large, compute, SLIDERS, parameters=parameters, flop=flop, shown=shown)


def compute(parameters, flop):
    """Divide the models at two lines, one for their parameters, one for the operations of their training.

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
        for key, chosen in (("Large", above), ("Not large", ~above & (values > 0))):
            lengths = np.where(chosen, values, LEFT[panel])
            series.append(Series(key, panel, shapes.rows(lengths, LEFT[panel]), fill=True))
        line = shapes.points(starts[..., None], [-1.0, len(values)])
        series.append(Series("Large starts here", panel, line))
        large.append(names(above))
    text = Sentence("says", parameters=parameters, large=large[0], flop=flop, long=large[1])
    return View("how_large", stage, series, text)


def names(above):
    """Name the models that are above the line, (..., n) to a Sentence of shape (...)."""
    known = np.array([model.name for model in costs.MODELS], object)
    said = np.array([", ".join(known[row]) for row in above.reshape(-1, len(known))], object)
    said = said.reshape(above.shape[:-1])
    return Sentence(np.where(said == "", "none", "these"), names=said)


def stage(figure, theme, words):
    """Parameters on the left, operations of the training on the right, both on logarithmic axes."""
    left, right = figure.subplots(1, 2)
    n = len(costs.MODELS)
    left.set_xlabel(words["parameters"])
    right.set_xlabel(words["flop"])
    for panel, ax in enumerate((left, right)):
        ax.set(xscale="log", xlim=(LEFT[panel], RIGHT[panel]), ylim=(-0.7, n + 0.5))
        ax.set_yticks(range(n), [model.name for model in costs.MODELS])
        ax.tick_params(axis="y", length=0)
        palette.tint(ax, theme)
    small = {"fontsize": 8, "color": palette.TEXT[theme]}
    left.axvspan(1e6, 1e10, color=palette.TEXT[theme], alpha=0.09, linewidth=0)
    left.text(1e8, n - 0.1, words["range"], ha="center", **small)
    right.axvline(1e25, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    right.text(7e24, n - 0.1, words["law"], ha="right", **small)
    for k, model in enumerate(costs.MODELS):
        if model.flop is None:
            right.text(2 * LEFT[1], k, words["unpublished"], va="center", **small)
    return [left, right]
