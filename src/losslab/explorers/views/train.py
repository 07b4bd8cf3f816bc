"""Chapter 2: a network learns digits while you watch, at a learning rate and a batch size of your choice."""

from functools import cache
from itertools import chain, count, islice

import numpy as np
import torch

from losslab.book.words import Sentence
from losslab.data import pixels
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.live import LiveExplorer
from losslab.explorers.shapes import points
from losslab.figures import palette
from losslab.learning import history, models, trained, training

STEPS, EVERY = 1000, 20  # steps of a run; the validation images are scored after every 20
SLIDERS = (
    Slider("lr", readable(np.geomspace(1e-4, 10, 101))),
    Slider("batch", np.array([1, 2, 5, 10, 20, 50, 100, 200, 500])),
)
OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}


def train(lr=0.1, batch=50, optimizer="SGD", shown=None):
    """Open a training on MNIST that the reader starts and stops: learning rate, images per step, optimiser.

    It is judged by validation images: who chooses a learning rate must not do so by test images.

    `lr` lies between 0.0001 and 10, `batch` between 1 and 500; `optimizer` is "SGD" or "Adam".

    Returns
    -------
    losslab.explorers.live.LiveExplorer
    """
    menus, knobs = {"optimizer": OPTIMIZERS}, {"lr": lr, "batch": batch, "optimizer": optimizer}
    return LiveExplorer(train, compute, SLIDERS, menus, shown=shown, **knobs)


@cache
def digits():
    """Return images, standardised, and labels: 5,400 to learn from, and the 600 held out to judge by."""
    parts = trained.split()
    constants = pixels.mean_std(parts["train"][0])
    return tuple((pixels.standardise(x, *constants), y) for x, y in (parts["train"], parts["validation"]))


def compute(lr, batch, *, optimizer):
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
        The first one before the first step.

    Raises
    ------
    FloatingPointError
        If the loss explodes or becomes NaN; the sentence says at which step.
    """
    train, validation = digits()
    generator = torch.Generator().manual_seed(0)
    net, past, scores = models.initialised(models.Net, generator), history.History(), []
    rule = OPTIMIZERS[optimizer](net.parameters(), lr=lr)
    epochs = (training.shuffled(*train, batch, generator) for _ in count())
    scores.append((0, training.score(net, *validation)))
    yield picture(past.steps, scores, lr, batch, optimizer)
    for step, one in enumerate(islice(chain.from_iterable(epochs), STEPS), start=1):
        loss = training.step(net, rule, *one)
        past.add_epoch(loss[None], [len(one[1])], [lr] * STEPS)
        if step % EVERY == 0:
            scores.append((step, training.score(net, *validation)))
        yield picture(past.steps, scores, lr, batch, optimizer)


def picture(losses, scores, lr, batch, optimizer):
    """Lay out what has been measured so far."""
    steps, marks = np.arange(1, len(losses) + 1), np.array([step for step, _ in scores])
    at, last = scores[-1]
    series = [
        Series("Batch", 0, points(steps, np.maximum(losses, 1e-9))),
        Series("Validation images", 0, points(marks, [s.loss for _, s in scores])),
        Series("Validation images", 1, points(marks, [s.accuracy for _, s in scores])),
    ]
    knobs = {"optimizer": optimizer, "lr": lr, "batch": batch}
    text = Sentence("says", step=at, accuracy=last.accuracy, count=last.count, loss=last.loss, **knobs)
    return View("train", stage, series, text, done=(len(losses), STEPS))


def stage(figure, theme, words):
    """Loss by step on the left, on a logarithmic axis; share of correct answers by step on the right."""
    left, right = figure.subplots(1, 2)
    left.set(ylim=(1e-3, 20), yscale="log", ylabel=words["loss"])
    right.set(ylim=(0, 1), ylabel=words["accuracy"])
    for ax in (left, right):
        ax.set(xlim=(0, STEPS), xlabel=words["step"])
        palette.tint(ax, theme)
    return [left, right]
