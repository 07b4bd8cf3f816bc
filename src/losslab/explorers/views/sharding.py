"""Chapter 10: four workers, 400 digits dealt out to them, and two ways to average their gradients."""

from functools import cache

import numpy as np

from losslab.data import mnist, pixels
from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.explorers.views.gradients import bars
from losslab.figures import palette
from losslab.formulas import activations, backprop, costs

SLIDERS = (
    Slider("first", "images of worker 1", np.arange(10.0, 341, 5)),
    Slider("second", "worker 2's share of the rest", readable(np.linspace(0.1, 0.8, 36), 4)),
)
N, WIDTHS = 400, (784, 256, 128, 64, 10)
REST = {"3 : 1": 0.75, "even": 0.5}  # worker 3's share of what is then left for workers 3 and 4
STATES = {"at the start": 0, "after 50 steps": 50}


@cache
def products(steps):
    """Return the inner products of the gradients of 400 images, shape (400, 400), after some training.

    A layer's gradient of image i is δ_i a_iᵀ and δ_i, so two of them have the product δ_i·δ_j (a_i·a_j + 1).
    """
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


def view(first, second, *, rest, state):
    """Deal 400 images to four workers in all proportions; compare the mean of their gradients with g.

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
    every = SLIDERS[0].values[:, None]
    upright = np.stack(np.broadcast_arrays(first[..., None], [-1.0, 9.0]), -1)
    series = [
        Series("Shards", 0, bars(n, np.arange(1, 5), 0.7, 0), scrub=False, fill=True),
        Series("Shards", 1, upright, scrub=False),
    ]
    for name, error in zip(NAMES, errors(sizes(every, second, rest), K), strict=True):
        curve = np.stack(np.broadcast_arrays(every[:, 0], error.T), -1)
        series.append(Series(name, 1, curve[None], scrub=False))
    plain, _, expected = errors(n, K)
    return View(stage, series, each(SAYS, *np.moveaxis(n, -1, 0), plain, expected))


NAMES = ("Unweighted mean", "Weighted mean", "Expected")
SAYS = (
    "{:.0f} + {:.0f} + {:.0f} + {:.0f} images: the unweighted mean of the four gradients is off by {:.1%} "
    "(expected for shards dealt at random: {:.1%}), the weighted mean by less than 1e-15."
)


def stage(figure, theme):
    """Images of each worker on the left, errors against those of worker 1 on the right."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    left.set(xlim=(0.4, 4.6), ylim=(0, 400), xticks=range(1, 5), xlabel="worker", ylabel="images")
    right.set(xlim=(0, 350), ylim=(-0.03, 2.6), xlabel="images of worker 1")
    right.set(ylabel="error / size of the gradient")
    for ax in (left, right):
        palette.tint(ax, theme)
    return [left, right]
