"""Chapter 3: three logits become probabilities and a loss; a probability is priced by three losses."""

from functools import partial

import numpy as np

from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.figures import palette
from losslab.formulas import activations

SOFTMAX_SLIDERS = (
    Slider("z1", "logit z₁", readable(np.linspace(-6, 6, 121), 4)),
    Slider("z2", "logit z₂", readable(np.linspace(-6, 6, 61), 4)),
)
PROBABILITY = (
    Slider(
        "p", "probability p", readable(np.concatenate([[0.001], np.linspace(0.005, 0.995, 199), [0.999]]))
    ),
)
TOP = 7.2  # how high the price list reaches, in nats; its logits run from −TOP to TOP


def softmax(z1, z2, *, label):
    """Three logits (z₁, z₂, 0), their probabilities, and the loss as z₁ varies.

    A constant added to all logits changes nothing, so z₃ = 0 leaves none out.

    Parameters
    ----------
    z1, z2 : array, shapes (A, 1) and (1, B)
    label : int
        The right class, 1 to 3.

    Returns
    -------
    losslab.explorers.contract.View
    """
    z = np.stack(np.broadcast_arrays(z1, z2, 0.0), -1)
    log_p = activations.log_softmax(z)
    right, p = label - 1, np.exp(log_p)
    series = [
        Series(f"Class {k + 1}", panel, bar(k + 1, heights[..., k]), scrub=False, fill=True)
        for panel, heights in enumerate((z, p))
        for k in range(3)
    ]
    axis = np.stack(np.broadcast_arrays(SOFTMAX_SLIDERS[0].values, z2.T, 0.0), -1)
    curve = np.stack([axis[..., 0], -activations.log_softmax(axis)[..., right]], -1)
    slope = p[..., 0] - (right == 0)
    touch = tangent(z[..., 0], -log_p[..., right], slope, 12, 12.5)
    series += [
        Series("Loss", 2, curve[None], scrub=False),
        Series("Class 1", 2, touch, scrub=False),
    ]
    return View(partial(softmax_stage, label=label), series, _softmax_in_words(p, log_p[..., right], label))


def bar(x, height):
    """Outline of a bar of width 0.7 around x, shape (..., 4, 2)."""
    left, right, zero = np.full_like(height, x - 0.35), np.full_like(height, x + 0.35), 0 * height
    return np.stack([left, zero, left, height, right, height, right, zero], -1).reshape(*height.shape, 4, 2)


def tangent(x, y, slope, width, height):
    """Touching point, both ends and the point again, shape (..., 4, 2): as long in every direction.

    Parameters
    ----------
    x, y, slope : array, shape (...)
    width, height : float
        Of the window, in data units.
    """
    dx = 0.16 / np.hypot(1 / width, slope / height)
    reach = np.stack([0 * dx, -dx, dx, 0 * dx], -1)
    return np.stack([x[..., None] + reach, y[..., None] + slope[..., None] * reach], -1)


def softmax_stage(figure, theme, *, label):
    """Logits on the left, probabilities in the middle, the loss against z₁ on the right."""
    axes = figure.subplots(1, 3, width_ratios=(3, 3, 4))
    classes = {"xlim": (0.4, 3.6), "xticks": (1, 2, 3), "xlabel": "class"}
    axes[0].set(ylim=(-6.4, 6.4), title="logits $z_k$", **classes)
    axes[0].axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    axes[1].set(ylim=(0, 1.03), title="probabilities $p_k$", **classes)
    axes[2].set(xlim=(-6.2, 6.2), ylim=(-0.4, 12.4), xticks=range(-6, 7, 2), xlabel="logit $z_1$")
    axes[2].set_title(f"loss $-\\log p_{label}$")
    for ax in axes:
        palette.tint(ax, theme)
    return list(axes)


def _softmax_in_words(p, log_right, label):
    """Probabilities, loss, and the slope of the loss along z₁."""
    rule = "p₁ − 1" if label == 1 else "p₁"
    return each(
        f"p = ({{:.3f}}, {{:.3f}}, {{:.3f}}). If class {label} is right the loss is {{:.3f}}; "
        f"along z₁ it has the slope {rule} = {{:.3f}}.",
        *np.moveaxis(p, -1, 0),
        -log_right,
        p[..., 0] - (label == 1),
    )


def prices(p):
    """Three losses of the probability p given to what happened, and their slopes along p, by name."""
    return {
        "Cross-entropy": (-np.log(p), -1 / p),
        "Squared error": ((1 - p) ** 2, -2 * (1 - p)),
        "0/1 loss": (np.where(p > 0.5, 0.0, 1.0), 0 * p),
    }


def price_list(p):
    """Cross-entropy, squared error and 0/1 loss with their tangents, along p and along the logit.

    Parameters
    ----------
    p : array, shape (A, 1)
        Probability given to what happened, 0 < p < 1; its logit is log p − log(1 − p).

    Returns
    -------
    losslab.explorers.contract.View
    """
    z, series, says = np.log(p / (1 - p)), [], {}
    for name, (loss, slope) in prices(p).items():
        along_z = slope * p * (1 - p)  # dp/dz = p (1 − p)
        series.append(Series(name, 0, tangent(p, loss, slope, 1, TOP), scrub=False))
        series.append(Series(name, 1, tangent(z, loss, along_z, 2 * TOP, TOP), scrub=False))
        says[name] = each(PRICED[name], loss, -along_z + 0.0)
    return View(price_stage, series, each("p = {:.3g}. Loss and pull on the logit:", p), says)


PRICED = {
    "Cross-entropy": "cross-entropy {:.3f} and {:.3f}",
    "Squared error": "squared error {:.3f} and {:.3f}",
    "0/1 loss": "0/1 loss {:.0f} and {:.0f}",
}


def price_stage(figure, theme):
    """Three losses against p on the left, against its logit on the right."""
    left, right = axes = figure.subplots(1, 2)
    z = np.linspace(-TOP, TOP, 2001)
    p = activations.sigmoid(z)
    for name, (loss, _) in prices(p).items():
        style = {
            "color": palette.colour(name, theme),
            "linestyle": palette.LINES[name]["linestyle"],
            "linewidth": 1.2,
        }
        left.plot(p, loss, **style)
        right.plot(z, loss, **style)
    left.set(xlim=(-0.03, 1.03), xlabel="probability $p$ given to what happened", ylabel="loss")
    right.set(xlim=(-TOP, TOP), xlabel="logit $z$ of that probability")
    for ax in axes:
        ax.set_ylim(-0.3, TOP)
        palette.tint(ax, theme)
    return list(axes)
