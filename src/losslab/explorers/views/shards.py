"""Chapter 10: four workers, 400 digits dealt out to them, and two ways to average their gradients."""

from functools import cache

import numpy as np

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import bars, points
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, backprop, costs

SLIDERS = (
    Slider("first", np.arange(10.0, 341, 5)),
    Slider("second", readable(np.linspace(0.1, 0.8, 36), 4)),
)
N, WIDTHS = 400, (784, 256, 128, 64, 10)
REST = {"3 : 1": 0.75, "even": 0.5}  # worker 3's share of what is then left for workers 3 and 4
STATES = {"at the start": 0, "after 50 steps": 50}
NAMES = ("Unweighted mean", "Weighted mean", "Expected")


def shards(first=300, second=0.6, rest="3 : 1", state="at the start", shown=None):
    """Open the explorer of four workers' gradients: `first` of 400 images for the first, and so on.

    Parameters
    ----------
    first : float
        Images of worker 1, 10 to 340.
    second : float
        Worker 2's share of the rest, 0.1 to 0.8.
    rest : "3 : 1" or "even"
        How workers 3 and 4 share what is left.
    state : "at the start" or "after 50 steps"
        Of the network whose gradients they are.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    menus = {"rest": REST, "state": STATES}
    knobs = {"first": first, "second": second, "rest": rest, "state": state}
    return GridExplorer(shards, compute, SLIDERS, menus, shown=shown, **knobs)


@cache
def products(steps):
    """Return the inner products of the gradients of 400 images, shape (400, 400), after some training.

    For image i a layer's gradients are δ_i a_iᵀ and δ_i, so images i and j give δ_i·δ_j (a_i·a_j + 1).
    """
    from losslab.data import mnist, pixels  # here: they import torch, which other explorers do without

    digits = mnist.load()
    x = pixels.standardise(digits.train_images, *pixels.mean_std(digits.train_images))
    x, y = x.flatten(1).double().numpy(), digits.train_labels.numpy()
    rng = np.random.default_rng(0)
    theta = backprop.flatten(backprop.random_layers(rng, WIDTHS))
    order = rng.permutation(len(x))
    batch, *others = np.split(order, range(N, N + 100 * steps + 1, 100))
    for one in others[:steps]:
        layers, a, deltas = _backward(theta, x[one], y[one])
        theta = theta - 0.02 * backprop.flatten(backprop.layer_gradients(deltas, a))
    _, a, deltas = _backward(theta, x[batch], y[batch])
    return N**2 * sum((d @ d.T) * (before @ before.T + 1) for d, before in zip(deltas, a, strict=True))


def _backward(theta, x, y):
    layers = backprop.unflatten(theta, WIDTHS)
    z, a = backprop.forward(layers, x)
    return layers, a, backprop.backward(layers, z, backprop.output_delta(activations.softmax(z[-1]), y))


def sizes(first, second, rest):
    """Return the images of the four workers, whole numbers that sum to 400, shape (..., 4)."""
    two = np.rint(second * (N - first))
    three = np.rint(REST[rest] * (N - first - two))
    return np.stack(np.broadcast_arrays(first, two, three, N - first - two - three), -1)


def errors(n, K):
    """Return ‖mean of the shards − g‖ / ‖g‖, unweighted, weighted, and expected by (10.4).

    Parameters
    ----------
    n : array, shape (..., 4)
    K : array, shape (400, 400)
        From `products`: any combination Σ c_i g_i of the gradients has the squared size cᵀ K c.
    """
    worker = (np.arange(N) >= n.cumsum(-1)[..., None]).sum(-2)  # of every image
    images = np.take_along_axis(n, worker, -1)
    size = K.mean() ** 0.5
    noise = ((np.trace(K) - N * size**2) / (N - 1)) ** 0.5 / size
    off = [1 / (4 * images) - 1 / N, n.sum(-1)[..., None] / images * images / N**2 - 1 / N]
    found = [np.sqrt(np.maximum(((c @ K) * c).sum(-1), 0)) / size for c in off]
    return *found, costs.dealt_error(np.moveaxis(n, -1, 0).reshape(4, -1), noise).reshape(n.shape[:-1])


def compute(first, second, *, rest, state):
    """Deal 400 images to four workers in every proportion; compare the mean of their gradients with g.

    Parameters
    ----------
    first, second : array, shapes (A, 1) and (1, B)
    rest, state : str
        Keys of `REST` and `STATES`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    K, n = products(STATES[state]), sizes(first, second, rest)
    every = np.unique(np.append(SLIDERS[0].values, first))[:, None]  # `first` is some of these, or one
    plain, _, expected = found = errors(sizes(every, second, rest), K)
    series = [
        Series("Shards", 0, bars(n, np.arange(1, 5), 0.7), fill=True),
        Series("Shards", 1, points(first[..., None], [-1.0, 9.0])),
    ]
    series += [
        Series(key, 1, points(every[:, 0], error.T)[None]) for key, error in zip(NAMES, found, strict=True)
    ]
    here = np.searchsorted(every[:, 0], first[:, 0])
    n1, n2, n3, n4 = np.moveaxis(n, -1, 0)
    text = Sentence("says", n1=n1, n2=n2, n3=n3, n4=n4, off=plain[here], expected=expected[here])
    return View("shards", stage, series, text)


def stage(figure, theme, words):
    """Images of each worker on the left, errors against those of worker 1 on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    left.set(xlim=(0.4, 4.6), ylim=(0, 400), xticks=range(1, 5))
    left.set(xlabel=words["worker"], ylabel=words["images"])
    right.set(xlim=(0, 350), ylim=(-0.03, 2.6), xlabel=words["first"], ylabel=words["error"])
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
