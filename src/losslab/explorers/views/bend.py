"""Chapter 1: a trained layer bends the plane until a straight line separates two rings."""

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette

SLIDERS = (Slider("layer", readable(np.linspace(0, 3, 121), 4)),)
POINTS, PIECES = 40, 10  # on each ring, and from one of them to the next
INSIDE, OUTSIDE = 1.0, 2.0  # radii of the rings
REACH = 2.4  # of the grid
# Hidden weights W and biases b, output weights v and bias c, by the number of hidden neurons. Trained on the
# points of both rings with binary cross-entropy: torch.manual_seed(5 for two neurons, 6 for three),
# PyTorch's start, 400 steps of Adam on all points, lr=0.05, weight_decay=1e-3. Then each row of W, with its
# bias, was scaled to length √(2/width), so that the plane keeps its size, and v and c to a largest output of
# 1.5: no answer changes.
LAYERS = {
    2: ([[-1.0, 0.0], [0.85, 0.52]], [-0.89, -0.96], [1.07, 1.6], -0.15),
    3: ([[0.0, -0.82], [0.58, -0.57], [-0.58, -0.57]], [1.27, -0.09, -0.09], [-2.35, 3.63, 3.63], 0.58),
}


def bend(layer=0.0, width=3, shown=None):
    """Open the explorer of the plane on its way through a network: from 0, its input, to 3, its output.

    `width` is the number of hidden neurons, 2 or 3.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"layer": layer, "width": width}
    return GridExplorer(bend, compute, SLIDERS, {"width": tuple(LAYERS)}, shown=shown, **knobs)


def ring(radius):
    """Return a closed ring, shape (n, 2), of which every PIECES-th is one of its POINTS points."""
    angle = 2 * np.pi * np.arange(PIECES * POINTS + 1) / (PIECES * POINTS)
    return radius * shapes.points(np.cos(angle), np.sin(angle))


def dots():
    """Return the points of both rings, shape (2 POINTS, 2), and which of them are outside."""
    points = np.concatenate([ring(radius)[:-1:PIECES] for radius in (INSIDE, OUTSIDE)])
    return points, np.arange(2 * POINTS) >= POINTS


def mesh(lines=9, pieces=8):
    """Return the upright lines of a grid in one path, along one and back along the next; shape (n, 2)."""
    at, along = np.linspace(-REACH, REACH, lines), np.linspace(-REACH, REACH, pieces * (lines - 1) + 1)
    return np.concatenate([shapes.points(x, along[:: (-1) ** k]) for k, x in enumerate(at)])


def hidden(x, width):
    """Return the net inputs z = W x + b of the hidden layer for points x (..., 2)."""
    W, b, _, _ = LAYERS[width]
    return x @ np.transpose(W) + b


def output(x, width):
    """Return the network's output for points x (..., 2): above 0 for what it takes to be outside."""
    _, _, v, c = LAYERS[width]
    return np.maximum(hidden(x, width), 0) @ v + c


def boundary(width):
    """Return the points of the plane where the output is 0, there and back, shape (n, 2)."""
    rays = ring(1.0)
    near, far = np.zeros((len(rays), 1)), np.full((len(rays), 1), 2 * REACH)
    for _ in range(40):
        middle = (near + far) / 2
        below = output(middle * rays, width)[:, None] < 0
        near, far = np.where(below, middle, near), np.where(below, far, middle)
    drawn = (np.abs(far * rays) <= REACH).all(-1)
    first = drawn.argmin()
    path = np.roll(far * rays, -first, 0)[np.roll(drawn, -first)]
    return np.concatenate([path, path[::-1]])


def eyes(width):
    """Return from where the hidden layer is looked at, and the output: two rows each, one per axis.

    At first straight at the plane that the layer has moved; in the end so that height is the output.
    """
    W, _, v, _ = LAYERS[width]
    u, _, vt = np.linalg.svd(W, full_matrices=False)
    front = (u @ vt).T
    right = front[0] - front[0] @ v * np.divide(v, np.dot(v, v))
    return front, np.array([right / np.linalg.norm(right), v])


def pictures(x, width):
    """Show points (n, 2) as they are, after the sums, after ReLU, and turned: shape (4, n, 2)."""
    front, side = eyes(width)
    a = np.maximum(hidden(x, width), 0)
    return np.stack([x, hidden(x, width) @ front.T, a @ front.T, a @ side.T])


def at(layer, x, width):
    """Show points (n, 2) on their way: between two whole layers between their pictures; (A, n, 2)."""
    middle = pictures(dots()[0], width).mean(1, keepdims=True)
    middle[3, 0, 1] = -LAYERS[width][3]  # height is the output, with its bias
    share = np.maximum(1 - np.abs(layer - np.arange(4)), 0)
    return np.einsum("ak,knc->anc", share, pictures(x, width) - middle)


def best_line(points, label):
    """Return how many points a straight line can have on their own sides, of 400 directions the best.

    Parameters
    ----------
    points : array, shape (N, 2)
    label : array of bool, shape (N,)
    """
    along = points @ ring(1.0)[:-1].T
    order = along.argsort(0)
    side, along = label[order], np.take_along_axis(along, order, 0)
    right = (~side).cumsum(0) + side.sum(0) - side.cumsum(0)  # the line comes after this point …
    apart = np.diff(along, axis=0, append=np.inf) > 1e-9  # … unless the next one lies on it
    return int(right[apart].max())


def compute(layer, *, width):
    """Lead a grid and two rings through a trained network, and count what a straight line would get right.

    Parameters
    ----------
    layer : array, shape (A, 1)
    width : int
        A key of `LAYERS`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    points, outside = dots()
    paths = [("Grid", mesh()), ("Grid", mesh()[:, ::-1]), ("Boundary", boundary(width))]
    paths += [("Inside", ring(INSIDE)), ("Outside", ring(OUTSIDE))]
    series = [Series(key, 0, at(layer, x, width)[:, None], fill=key == "Boundary") for key, x in paths]
    right = np.array([best_line(seen, outside) for seen in at(layer, points, width)])[:, None]
    so_far = np.minimum(np.arange(layer.size), np.arange(layer.size)[:, None])
    series.append(Series("Straight line", 1, shapes.points(layer[so_far, 0], right[so_far, 0])[:, None]))
    series.append(Series("This layer", 1, shapes.dot(layer, right)))
    own = ((output(points, width) > 0) == outside).sum()
    counts = {"right": right, "count": len(points), "own": own}
    text = Sentence(np.where(layer == 3, "says_end", "says"), layer=layer, doing=doing(layer), **counts)
    return View("bend", stage, series, text)


def doing(layer):
    """Say what happens between two whole layers."""
    return Sentence(np.select([layer == 0, layer <= 1, layer <= 2], ["plane", "sums", "fold"], "turn"))


def stage(figure, theme, words):
    """An empty picture for the plane on the left, the count of a straight line by layer on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    left.set(xlim=(-3.9, 3.9), ylim=(-2.7, 2.7), aspect="equal")
    left.axis("off")
    right.set(xlim=(-0.1, 3.1), ylim=(POINTS, 2 * POINTS + 1.5), ylabel=words["right"])
    right.set_xticks(range(4), [words[f"layer_{k}"] for k in range(4)])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
