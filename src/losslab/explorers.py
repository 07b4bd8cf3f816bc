"""The explorers of the chapters, one function each: it opens the widget around a view of `losslab.views`."""

import numpy as np

from losslab import surfaces
from losslab.views import optimizers
from losslab.views import worked_example as example
from losslab.widget import GridExplorer


def explore(surface="ravine", lr=0.03, beta=0.9, start=None, shown=None, step=None):
    """Open the trajectory explorer.

    Parameters
    ----------
    surface : str
        "ravine", "saddle", "rosenbrock" or "beale".
    lr : float
        Learning rate of all four, between 0.001 and 1.
    beta : float
        β of Momentum and β₁ of Adam, between 0 and 0.99. RMSProp keeps ρ = 0.99, Adam β₂ = 0.999.
    start : (float, float), optional
        Where the runs begin; each surface has its own default.
    shown : sequence of str, optional
        Which of "GD", "Momentum", "RMSProp", "Adam" are drawn; default all.
    step : int, optional
        How many of the 100 steps are drawn at first; default all.

    Returns
    -------
    losslab.widget.GridExplorer
    """
    if surface not in surfaces.SURFACES:
        raise ValueError(f"surface must be one of {', '.join(surfaces.SURFACES)}, got {surface!r}")
    start = surfaces.SURFACES[surface].start if start is None else tuple(float(v) for v in start)
    if len(start) != 2 or not np.isfinite(start).all():
        raise ValueError(f"start must be two finite numbers, got {start}")
    choices = {
        "surface": {name: {"surface": name, "start": s.start} for name, s in surfaces.SURFACES.items()}
    }
    settings = {"surface": surface, "start": start}
    return GridExplorer(
        "explorers.explore",
        optimizers.view,
        optimizers.SLIDERS,
        (lr, beta),
        settings,
        choices,
        "start",
        shown,
        step,
    )


def worked_example(lr=0.01, x=2.0, shown=None, step=None):
    """Open the explorer of the worked example: α from 0 to 0.3, x from −10 to 10, target y = 3.

    Returns
    -------
    losslab.widget.GridExplorer
    """
    return GridExplorer(
        "explorers.worked_example", example.view, example.SLIDERS, (lr, x), {}, shown=shown, step=step
    )
