"""Chapter 4: a hand-written gradient against differences, for every step size, with mistakes to plant."""

import numpy as np

from losslab.article import misprints
from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import bars, points
from losslab.explorers.views.slopes import FLOWER, LABEL, LAYERS, WIDTHS
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, backprop, losses

SLIDERS = (
    Slider("h", readable(np.geomspace(1e-15, 1, 61))),
    Slider("size", readable(np.geomspace(1e-12, 1, 25))),
)
FLOOR = 1e-17  # an error of exactly 0 is drawn here
PASSES = 1e-6


def gradient_check(h=1e-5, size=1.0, mistake="none", shown=None):
    """Open the gradient check: step sizes from 1e-15 to 1, and a planted mistake of size 1e-12 to 1.

    `mistake` is a key of `MISTAKES`.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"h": h, "size": size, "mistake": mistake}
    return GridExplorer(gradient_check, compute, SLIDERS, {"mistake": MISTAKES}, shown=shown, **knobs)


def flower_loss(theta):
    """Loss of the 4-5-3 network on its flower, as a function of its 43 parameters."""
    z, _ = backprop.forward(backprop.unflatten(theta, WIDTHS), FLOWER)
    return losses.cross_entropy(z[-1], LABEL)


def flower_gradient(delta=backprop.output_delta, slope=activations.RELU.slope, bias=1.0):
    """Return its hand-written gradient, (43,). Other arguments than the defaults plant a mistake in it."""
    z, a = backprop.forward(LAYERS, FLOWER)
    sigma = activations.RELU._replace(slope=slope)
    deltas = backprop.backward(LAYERS, z, delta(activations.softmax(z[-1]), LABEL), sigma)
    return backprop.flatten([(dW, bias * db) for dW, db in backprop.layer_gradients(deltas, a)])


MISTAKES = {
    "none": {},
    "F3 as printed": {"delta": misprints.output_delta_as_printed},
    "y − p for p − y": {"delta": lambda p, labels: -backprop.output_delta(p, labels)},
    "σ' forgotten": {"slope": np.ones_like},
    "bias forgotten": {"bias": 0.0},
}


def differences(h):
    """Central and forward differences of `flower_loss` at every h: {name: array (len(h), 43)}."""
    theta, here = backprop.flatten(LAYERS), flower_loss(backprop.flatten(LAYERS))
    forward = [[(flower_loss(theta + step) - here) / s for step in s * np.eye(theta.size)] for s in h]
    return {
        "Central differences": np.array([backprop.central_difference(flower_loss, theta, s) for s in h]),
        "Forward differences": np.array(forward),
    }


def compute(h, size, *, mistake):
    """Compare the hand-written gradient with differences, for every step size and every size of a mistake.

    Parameters
    ----------
    h, size : array, shapes (A, 1) and (1, B)
        The gradient is right + size × (wrong − right).
    mistake : str
        A key of `MISTAKES`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    right, wrong = flower_gradient(), flower_gradient(**MISTAKES[mistake])
    given, steepest = right + size[0][:, None] * (wrong - right), np.abs(right).max()
    errors = {
        name: np.maximum(np.abs(measured[:, None] - given) / steepest, FLOOR)
        for name, measured in differences(h[:, 0]).items()
    }
    central = errors["Central differences"]
    series = [Series("Every slope", 0, bars(central, floor=FLOOR), fill=True)]
    series += [Series(key, 1, points(h[:, 0], error.max(-1).T[None])) for key, error in errors.items()]
    series.append(Series("This step size", 1, points(h[..., None], [FLOOR, 10.0])))
    text = Sentence("says", h=h, error=central.max(-1), passes=PASSES, verdict=verdict(central))
    return View("gradient_check", stage, series, text)


def verdict(error):
    """Name the parameters that do not pass."""
    blocks = np.split(error, np.cumsum([20, 5, 15]), axis=-1)
    names = zip(("W₁", "b₁", "W₂", "b₂"), blocks, strict=True)
    failing = sum(
        (np.where(block.max(-1) < PASSES, "", f" {name}") for name, block in names), np.array("", object)
    )
    return Sentence(np.where(failing == "", "passes", "fails"), names=failing)


def stage(figure, theme, words):
    """Error of each of the 43 derivatives on the left, the worst against the step size on the right."""
    left, right = figure.subplots(1, 2)
    left.set(xlim=(-1, 43), ylim=(FLOOR, 10), yscale="log", ylabel=words["error"])
    for x in (19.5, 24.5, 39.5):
        left.axvline(x, color=palette.TEXT[theme], linewidth=0.8, linestyle=":")
    left.set_xticks([9.5, 22, 32, 41], ["$W_1$", "$b_1$", "$W_2$", "$b_2$"])
    left.tick_params(axis="x", length=0)
    right.set(xlim=(5e-16, 2), ylim=(FLOOR, 10), xscale="log", yscale="log")
    right.set(xlabel=words["h"], ylabel=words["worst"])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
