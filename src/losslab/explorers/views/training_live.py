"""Chapter 2: a network learns digits before one's eyes, at a learning rate and a batch size of choice."""

from functools import cache
from itertools import chain, count, islice

import numpy as np
import torch

from losslab.data import mnist, pixels
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.figures import palette
from losslab.learning import history, models, training

STEPS, EVERY = 1000, 20  # steps of a run; the test images are tried after every 20
SLIDERS = (
    Slider("lr", "learning rate α", readable(np.geomspace(1e-4, 10, 101))),
    Slider("batch", "images per step", np.array([1, 2, 5, 10, 20, 50, 100, 200, 500])),
)
OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}


@cache
def digits():
    """Return the sample of MNIST, standardised: training images and labels, test images and labels."""
    data = mnist.load()
    mean, std = pixels.mean_std(data.train_images)
    train, test = (pixels.standardise(x, mean, std) for x in (data.train_images, data.test_images))
    return (train, data.train_labels.long()), (test, data.test_labels.long())


def view(lr, batch, *, optimizer):
    """Train the network on the sample of MNIST, one View per step.

    Parameters
    ----------
    lr : float
    batch : int
        Images per step.
    optimizer : "SGD" or "Adam"

    Yields
    ------
    losslab.explorers.contract.View
        The first before the first step.

    Raises
    ------
    FloatingPointError
        If the loss explodes or becomes NaN; the sentence says at which step.
    """
    train, test = digits()
    generator = torch.Generator().manual_seed(0)
    net, past, scores = models.initialised(models.Net, generator), history.History(), []
    rule = OPTIMIZERS[optimizer](net.parameters(), lr=lr)
    epochs = (training.shuffled(*train, batch, generator) for _ in count())
    scores.append((0, training.score(net, *test)))
    yield picture(past.steps, scores, lr, batch, optimizer)
    for step, one in enumerate(islice(chain.from_iterable(epochs), STEPS), start=1):
        loss = training.step(net, rule, *one)
        past.add_epoch(loss[None], [len(one[1])], [lr] * STEPS)
        if step % EVERY == 0:
            scores.append((step, training.score(net, *test)))
        yield picture(past.steps, scores, lr, batch, optimizer)


def picture(losses, scores, lr, batch, optimizer):
    """Lay out what has been measured so far."""
    steps, marks = np.arange(1, len(losses) + 1), np.array([step for step, _ in scores])
    at, last = scores[-1]
    series = [
        Series("Batch", 0, np.stack([steps, np.maximum(losses, 1e-9)], -1)),
        Series("Test images", 0, np.stack([marks, [s.loss for _, s in scores]], -1)),
        Series("Test images", 1, np.stack([marks, [s.accuracy for _, s in scores]], -1)),
    ]
    text = (
        f"{optimizer}, α = {lr:.3g}, {batch} images per step: after step {at} the network reads "
        f"{last.accuracy:.1%} of {last.count} test images; their mean loss is {last.loss:.2f}."
    )
    return View(stage, series, text, done=(len(losses), STEPS))


def stage(figure, theme):
    """Loss by step on the left, on a logarithmic axis; share of right answers by step on the right."""
    left, right = figure.subplots(1, 2)
    left.set(ylim=(1e-3, 20), yscale="log", ylabel="loss, nats")
    right.set(ylim=(0, 1), ylabel="test images read right")
    for ax in (left, right):
        ax.set(xlim=(0, STEPS), xlabel="step")
        palette.tint(ax, theme)
    return [left, right]
