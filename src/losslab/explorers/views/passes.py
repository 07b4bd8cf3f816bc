"""Chapter 4: forward and back through a 4-5-3 network, one step at a time, with the numbers."""

import numpy as np
from matplotlib.patches import Rectangle

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.views.slopes import LAYERS, SPECIES, signed_lines
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, backprop

# Sepal length and width, petal length and width in cm (Fisher 1936); the flower of the chapter comes first.
FLOWERS = np.array(
    [
        [7.0, 3.2, 4.7, 1.4],
        [5.1, 3.5, 1.4, 0.2],
        [6.3, 3.3, 6.0, 2.5],
        [6.4, 3.2, 4.5, 1.5],
        [5.8, 2.7, 5.1, 1.9],
    ]
)
LABELS = np.array([1, 0, 2, 1, 2])
INPUT_NAMES = "sepal length", "sepal width", "petal length", "petal width"
STAGES = ("x", "z1", "a1", "z2", "p", "loss", "delta2", "dW2", "delta1", "dW1")
SLIDERS = (Slider("stage", np.arange(len(STAGES))), Slider("flower", np.arange(1, len(FLOWERS) + 1)))
FORWARD, BACK = STAGES[:6], ("delta1", "delta2")
COLUMNS = dict(zip(FORWARD, range(6), strict=True)) | {"delta1": 2.1, "delta2": 3.9}
BOX = 0.45, 0.24  # half the width and height of what frames a number
DIGIT = 0.26, 0.1  # height and width
INPUTS = np.array([(0.0, 1.5 - k) for k in range(4)])


def passes(stage=0, flower=1, shown=None):
    """Open the explorer of a forward and a backward pass, one stage at a time.

    Stages are those of `STAGES`, from 0, the inputs, to 9, ∂ℓ/∂W₁; flowers are numbered from 1 to 5.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(passes, compute, SLIDERS, stage=stage, flower=flower, shown=shown)


def values(flower):
    """Return what each stage computes for flowers (a whole number or an array of them), {stage: array}."""
    k = np.asarray(flower).astype(int) - 1
    x, label = FLOWERS[k][..., None, :], LABELS[k]
    z, (_, a) = backprop.forward(LAYERS, x)
    p = activations.softmax(z[1])
    delta2 = p - np.eye(3)[label][..., None, :]
    deltas = backprop.backward(LAYERS, z, delta2)
    (dW1, _), (dW2, _) = backprop.layer_gradients(deltas, [x, a])
    loss = -np.log(np.take_along_axis(p[..., 0, :], label[..., None], -1))
    rows = {"x": x, "z1": z[0], "a1": a, "z2": z[1], "p": p, "delta1": deltas[0], "delta2": deltas[1]}
    return {name: row[..., 0, :] for name, row in rows.items()} | {"loss": loss, "dW1": dW1, "dW2": dW2}


def places(name):
    """Where the numbers of a stage are written, shape (n, 2)."""
    n = {"x": 4, "loss": 1, "z2": 3, "p": 3, "delta2": 3}.get(name, 5)
    return np.array([(COLUMNS[name], (n - 1) / 2 - k) for k in range(n)])


def frame(name, reached):
    """Outline the numbers of a stage where it is `reached`, elsewhere nothing; shape (..., 5, 2)."""
    (x, top), (_, low) = places(name)[[0, -1]]
    outline = shapes.frame(x - 0.48, low - 0.62, x + 0.48, top + 0.34)
    return np.where(reached[..., None, None], outline, shapes.AWAY)


def compute(stage, flower):
    """Write the numbers of every stage that has been reached, and draw the derivatives of the weights.

    Parameters
    ----------
    stage, flower : array, shapes (A, 1) and (1, B)

    Returns
    -------
    losslab.explorers.contract.View
    """
    found, series = values(flower[0]), []
    for panel, key, names in ((0, "Forward", FORWARD), (1, "Backward", BACK)):
        for name in names:
            reached = stage >= STAGES.index(name)
            for k, (x, y) in enumerate(places(name)):
                for path in shapes.numerals(found[name][:, k], x, y, *DIGIT):
                    series.append(Series(key, panel, np.where(reached[..., None, None], path, shapes.AWAY)))
            series.append(Series("This step", panel, frame(name, stage == STAGES.index(name)), fill=True))
    ends = INPUTS + (0.45, 0), np.stack([places("delta1") - (0.5, 0), places("delta1") + (0.5, 0)])
    for layer, key, path in signed_lines(found["dW1"], found["dW2"], *ends, places("delta2") - (0.5, 0)):
        reached = (stage >= STAGES.index(f"dW{layer}"))[..., None, None]
        series.append(Series(key, 1, np.where(reached, path, shapes.AWAY), fill=True))
    said = [[numbers(found[name][b]) for b in range(flower.size)] for name in STAGES]
    keys = np.array(STAGES)[stage.astype(int)]
    words = np.array(said, object)[stage.astype(int), np.arange(flower.size)]
    truth = Sentence(np.array([SPECIES[LABELS[int(f) - 1]] for f in flower[0]]))
    return View("passes", picture, series, Sentence(keys, flower=flower, truth=truth, values=words))


def numbers(array):
    """Write an array with two decimals: (a, b), rows one after the other."""
    if array.ndim == 2:
        return ", ".join(map(numbers, array))
    written = ", ".join(f"{v:.2f}" for v in array.round(2) + 0.0)
    return written if array.size == 1 else f"({written})"


def picture(figure, theme, words):
    """Values on the left, derivatives of the loss on the right."""
    left, right = axes = figure.subplots(1, 2, width_ratios=(6.2, 5.1))
    left.set(xlim=(-0.6, 5.6), ylim=(-2.6, 3.1))
    right.set(xlim=(-0.6, 4.5), ylim=(-2.6, 3.1))
    ink = {"color": palette.TEXT[theme], "ha": "center", "va": "center"}
    for ax, names in ((left, FORWARD), (right, BACK)):
        for name in names:
            ax.text(COLUMNS[name], 2.85, words[f"head.{name}"], fontsize=11, **ink)
            for k, (x, y) in enumerate(places(name)):
                ax.add_patch(cell(x, y, theme))
                below = {"x": INPUT_NAMES, "p": SPECIES, "delta2": SPECIES}.get(name)
                if below:
                    ax.text(x, y - 0.44, words[below[k]], fontsize=7, **ink)
    for (x, y), name in zip(INPUTS, INPUT_NAMES, strict=True):
        right.text(x, y, words[name].replace(" ", "\n"), fontsize=8, **ink)
    for ax in axes:
        ax.axis("off")
    return list(axes)


def cell(x, y, theme):
    """Frame one number."""
    w, h = BOX
    style = {"facecolor": "none", "edgecolor": palette.TEXT[theme], "linewidth": 0.6}
    return Rectangle((x - w, y - h), 2 * w, 2 * h, **style)
