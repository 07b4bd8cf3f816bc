"""Chapter 2: the six steps of a training, one at a time, on six flowers after another."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, backprop, losses

# Six of Fisher's irises (1936) per species, setosa, versicolor, virginica: length and width of a petal in cm.
PETALS = np.array(
    [
        [[1.4, 0.2], [1.4, 0.2], [1.3, 0.2], [1.5, 0.2], [1.4, 0.2], [1.7, 0.4]],
        [[4.7, 1.4], [4.5, 1.5], [4.9, 1.5], [4.0, 1.3], [4.6, 1.5], [4.5, 1.3]],
        [[6.0, 2.5], [5.1, 1.9], [5.9, 2.1], [5.6, 1.8], [5.8, 2.2], [6.6, 2.1]],
    ]
)
MEAN, STD = PETALS.mean((0, 1)), PETALS.std((0, 1))
# Three batches with two flowers of each species: what the network reads (3, 6, 2), and what is right (6,).
BATCHES = ((PETALS - MEAN) / STD).reshape(3, 3, 2, 2).swapaxes(0, 1).reshape(3, 6, 2)
LABELS = np.repeat(np.arange(3), 2)
SPECIES = "Class 1", "Class 2", "Class 3"
LAST, LR, SEED = 40, 0.5, 20
DATA, INITIALISE, FORWARD, LOSS, BACKWARD, UPDATE = range(1, 7)

SLIDERS = (Slider("lap", np.arange(LAST + 1)), Slider("stage", np.arange(1, 7)))


def lap(lap=0, stage=1, shown=None):
    """Open the stepper through a training: laps 0 to 40 of softmax regression, one batch each.

    `stage` is the last step taken in this lap: 1 data, 2 initialise, 3 forward, 4 loss, 5 backward, 6 update.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(OPENER, compute, SLIDERS, lap=lap, stage=stage, shown=shown)


OPENER = lap  # within the function its name is the number of a lap


def history(count=LAST + 1):
    """Train by gradient descent; return the arrays of all laps, the first axis counts them.

    Returns
    -------
    dict of str to array
        "before" and "after" (count, 3, 3): weights, and the bias in the last column, around the update;
        "gradient" (count, 3, 3); "p" (count, 6, 3); "loss" and "again" (count,): the mean loss of the batch
        with the parameters before and after.
    """
    rng, laps = np.random.default_rng(SEED), []
    theta = rng.normal(0, 0.5, (3, 3)).round(2)
    for k in range(count):
        p, loss, gradient = passes(theta, BATCHES[k % 3])
        after = theta - LR * gradient
        laps.append((theta, after, gradient, p, loss, passes(after, BATCHES[k % 3])[1]))
        theta = after
    names = "before", "after", "gradient", "p", "loss", "again"
    return dict(zip(names, map(np.array, zip(*laps, strict=True)), strict=True))


def passes(theta, x):
    """Go forward and back with one batch; return the probabilities, their mean loss, and its gradient."""
    z, a = backprop.forward([(theta[:, :2], theta[:, 2])], x)
    p = activations.softmax(z[-1])
    ((dW, db),) = backprop.layer_gradients([backprop.output_delta(p, LABELS)], a)
    return p, losses.cross_entropy(z[-1], LABELS), np.column_stack([dW, db])


def compute(lap, stage):
    """Show a lap up to one of its steps; what has not been computed by then is not drawn.

    Parameters
    ----------
    lap, stage : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    laps = history()
    found = {name: values[lap[:, 0]] for name, values in laps.items()}
    series = [*plane(lap, stage, found), *parameters(lap, stage, found), *probabilities(stage, found)]
    series += [*costs(lap, stage, laps["loss"]), *gradients(stage, found)]
    return View("lap", picture, series, said(lap, stage, found))


def since(step, stage, count):
    """Return the `ends` of a series of `count` points that exists from a step of the lap on, (1, B)."""
    return np.where(stage >= step, count, 0)


def plane(lap, stage, found):
    """Ring the flowers of the batch, and draw where the network would change its mind between two species."""
    angle = np.linspace(0, 2 * np.pi, 17)
    ring = np.stack([0.25 * np.cos(angle), 0.11 * np.sin(angle)], -1)
    batch = (BATCHES * STD + MEAN)[lap % 3]  # (A, 1, 6, 2)
    yield from (Series("Batch", 0, batch[:, :, [i]] + ring, fill=True) for i in range(6))
    theta = np.where((stage < UPDATE)[..., None, None], found["before"][:, None], found["after"][:, None])
    known = ((stage >= INITIALISE) | (lap > 0))[..., None, None]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        yield Series("Border", 0, np.where(known, border(theta, one, other) * STD + MEAN, -99.0))


def border(theta, one, other):
    """Return the ends of the line on which two classes are equally likely and the third is not likelier.

    Parameters
    ----------
    theta : array, shape (..., 3, 3)

    Returns
    -------
    array, shape (..., 2, 2)
        In the units of the inputs; twice the same point if there is no such line in the window.
    """
    normal = theta[..., one, :] - theta[..., other, :]
    direction = np.stack([-normal[..., 1], normal[..., 0]], -1)
    length = (direction**2).sum(-1, keepdims=True)
    foot = -normal[..., 2:] * normal[..., :2] / length
    direction = direction / length**0.5
    excess = theta[..., 3 - one - other, :] - theta[..., one, :]  # of the third class, linear in t
    at = (excess[..., :2] * foot).sum(-1) + excess[..., 2]
    slope = (excess[..., :2] * direction).sum(-1)
    turn = np.clip(-at / slope, -6, 6)
    ends = np.where(slope > 0, [-6 + 0 * turn, turn], [turn, 6 + 0 * turn])
    return foot[..., None, :] + np.moveaxis(ends, 0, -1)[..., None] * direction[..., None, :]


def parameters(lap, stage, found):
    """Draw three parameters of each species; at the update, what they were before, hollow."""
    moved = (stage == UPDATE)[..., None, None]
    now = np.where(moved, found["after"][:, None], found["before"][:, None])
    exists = np.where((stage >= INITIALISE) | (lap > 0), 12, 0)
    for k, key in enumerate(SPECIES):
        yield Series(key, 1, shapes.bars(now[..., k, :], k + 4 * np.arange(3)), exists, fill=True)
    before = found["before"][:, None] + 0 * now
    for k in range(3):
        bars = shapes.bars(before[..., k, :], k + 4 * np.arange(3))
        yield Series("Before", 1, bars, since(UPDATE, stage, 12) + 0 * lap, fill=True)


def probabilities(stage, found):
    """Draw for each of the six flowers the probabilities of the three species, and what is right, hollow."""
    for k, key in enumerate(SPECIES):
        bars = shapes.bars(found["p"][:, None, :, k], 4 * np.arange(6) + k)
        ends = np.broadcast_to(since(FORWARD, stage, 24), (len(bars), stage.size))
        yield Series(key, 2, np.broadcast_to(bars, (*ends.shape, 24, 2)), ends, fill=True)
    yield Series("Truth", 2, shapes.bars(np.ones((1, 1, 6)), 4 * np.arange(6) + LABELS), fill=True)


def costs(lap, stage, every):
    """Draw the losses of the batches so far, and this one as soon as it is known."""
    known, k = lap + (stage >= LOSS), np.arange(len(every))
    yield Series("Loss", 3, np.broadcast_to(shapes.points(k, every), (*known.shape, k.size, 2)), known)
    dot = shapes.dot(lap + 0.0 * stage, every[lap])
    yield Series("This lap", 3, dot, since(LOSS, stage, 1) + 0 * lap)


def gradients(stage, found):
    """Draw the derivatives of the loss with respect to the nine parameters."""
    for k, key in enumerate(SPECIES):
        bars = shapes.bars(found["gradient"][:, None, k], k + 4 * np.arange(3))
        ends = np.broadcast_to(since(BACKWARD, stage, 12), (len(bars), stage.size))
        yield Series(key, 4, np.broadcast_to(bars, (*ends.shape, 12, 2)), ends, fill=True)


def said(lap, stage, found):
    """Say what this step has done."""
    later = np.where((lap > 0) & (stage <= INITIALISE), "_later", "")
    keys = np.char.add(np.char.add("step_", np.broadcast_to(stage, later.shape).astype(str)), later)
    right = found["p"][:, np.arange(6), LABELS]
    values = {
        "before": np.maximum(lap - 1, 0),
        "low": right.min(-1)[:, None],
        "high": right.max(-1)[:, None],
        "right": (found["p"].argmax(-1) == LABELS).sum(-1)[:, None],
        "loss": found["loss"][:, None],
        "again": found["again"][:, None],
        "steepest": np.abs(found["gradient"]).max((-1, -2))[:, None],
    }
    return Sentence(keys, lap=lap, lr=LR, **values)


def picture(figure, theme, words):
    """The flowers on the left; parameters over their gradient; probabilities over the loss."""
    rows = ["data", "parameters", "probabilities"], ["data", "gradient", "loss"]
    axes = figure.subplot_mosaic(list(rows), width_ratios=(1, 1, 1.2))
    for key, petals in zip(SPECIES, PETALS, strict=True):
        dots = {"marker": palette.LINES[key]["marker"], "color": palette.colour(key, theme)}
        axes["data"].plot(*petals.T, linestyle="", markersize=4, **dots)
    axes["data"].set(xlim=(0.5, 7.3), ylim=(-0.15, 2.85), xlabel=words["length"], ylabel=words["width"])
    for name, reach in (("parameters", 2.4), ("gradient", 0.75)):
        axes[name].set(xlim=(-0.9, 10.9), ylim=(-reach, reach))
        axes[name].set_xticks((1, 5, 9), ("$w_1$", "$w_2$", "$b$"))
        axes[name].axhline(0, color=palette.TEXT[theme], linewidth=0.8)
    axes["probabilities"].set(xlim=(-1, 23), ylim=(0, 1.04), xlabel=words["flowers"])
    axes["probabilities"].set_xticks(4 * np.arange(6) + 1, range(1, 7))
    axes["loss"].set(xlim=(-1, LAST + 1), ylim=(0, 2.1), xlabel=words["laps"])
    ordered = [axes[name] for name in ("data", "parameters", "probabilities", "loss", "gradient")]
    for name, ax in axes.items():
        ax.set_title(words[name], fontsize=10)
        palette.tint(ax, theme)
    return ordered
