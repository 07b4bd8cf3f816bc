"""The same training in other libraries: JAX (extra `peers`) and scikit-learn (extra `applications`).

Same network, batches, Adam, images and number of threads as every form in `mnist_loops`. JAX also starts
from the same weights and sees the images in the same order; scikit-learn draws its own, so only its mean
losses can be compared.
"""

import time
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec

import numpy as np
import torch

BATCH, RATE, WIDTHS = 100, 1e-3, (256, 128, 64)


@dataclass(frozen=True)
class Result:
    """A training so far: seconds and mean loss of each epoch, and every step's loss if known."""

    seconds: list[float]
    means: list[float]
    steps: list[float] | None


def found():
    """Return {name: (what it is, run)} of those that are installed."""
    peers = {
        "jax": ("JAX, an epoch under jit and lax.scan", jax_epochs),
        "sklearn": ("scikit-learn's MLPClassifier", sklearn_epochs),
    }
    return {name: peer for name, peer in peers.items() if find_spec(name)}


def jax_epochs(net, data, epochs, order):
    """Train with JAX; the first epoch compiles."""
    import jax
    import jax.numpy as jnp

    layers = list(net.children())
    weights = [(jnp.array(f.weight.detach().numpy().T), jnp.array(f.bias.detach().numpy())) for f in layers]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state, seconds, steps = (weights, zeros, zeros, 0.0), [], []
    images, labels = jnp.array(data.images.flatten(1).numpy()), jnp.array(data.labels.numpy())
    means = []
    for _ in range(epochs):
        begin = time.perf_counter()
        shuffle = torch.randperm(len(images), generator=order)
        batches = jnp.array(shuffle[: len(shuffle) // BATCH * BATCH].view(-1, BATCH).numpy())
        state, losses = jax.block_until_ready(jax_epoch()(state, images, labels, batches))
        seconds.append(time.perf_counter() - begin)
        steps += losses.tolist()
        means.append(float(losses.mean()))
        with torch.no_grad():
            for layer, (w, b) in zip(layers, state[0], strict=True):
                layer.weight.copy_(torch.from_numpy(np.array(w).T))
                layer.bias.copy_(torch.from_numpy(np.array(b)))
        yield Result(seconds, means, steps)


@cache
def jax_epoch():
    """Return the compiled function (state, images, labels, batches) → (state, losses) of a whole epoch."""
    import jax
    import jax.numpy as jnp

    def loss(weights, x, y):
        for k, (w, b) in enumerate(weights):
            x = (jax.nn.relu(x) if k else x) @ w + b
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

    def step(images, labels, state, batch):
        w, m, v, t = state
        before, g = jax.value_and_grad(loss)(w, images[batch], labels[batch])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)

        def moved(w, m, v):
            return w - RATE * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

        return (jax.tree.map(moved, w, m, v), m, v, t), before

    def epoch(state, images, labels, batches):
        return jax.lax.scan(partial(step, images, labels), state, batches)

    return jax.jit(epoch)


def sklearn_epochs(net, data, epochs, order):
    """Train with scikit-learn; the weights and the order are its own."""
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    images, labels = data.images.flatten(1).numpy(), data.labels.numpy()
    knobs = {"hidden_layer_sizes": WIDTHS, "batch_size": BATCH, "learning_rate_init": RATE, "alpha": 0.0}
    classifier = MLPClassifier(**knobs, random_state=order.initial_seed())
    seconds, classes = [], np.unique(labels)
    for _ in range(epochs):
        with threadpool_limits(torch.get_num_threads()):
            begin = time.perf_counter()
            classifier.partial_fit(images, labels, classes=classes)  # one epoch
            seconds.append(time.perf_counter() - begin)
        yield Result(seconds, [float(mean) for mean in classifier.loss_curve_], None)
