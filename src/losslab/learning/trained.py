"""The small networks of chapters 8 and 12, each trained once, in seconds, from what the package ships."""

from copy import deepcopy
from functools import cache, partial, wraps
from inspect import signature
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from losslab.data import augment, elements, marks, mnist, pixels
from losslab.data.pixels import Transform
from losslab.learning import models, training

NAMES = tuple("0123456789")


class Finished(NamedTuple):
    """A network and the transform that belongs to it."""

    model: nn.Module
    transform: Transform

    def logits(self, images):
        """Return the logits of uint8 images, shape (N, 28, 28), as a float64 NumPy array (N, K)."""
        return training.predict(self.model, self.transform(torch.as_tensor(images))).double().numpy()


def split():
    """Return the sample: {"train", "validation", "test"} to (uint8 images, int64 labels)."""
    digits = mnist.load("sample")
    order = torch.randperm(len(digits.train_images), generator=torch.Generator().manual_seed(0))
    held, rest = order[:600], order[600:]
    x, y = digits.train_images, digits.train_labels.long()
    test = digits.test_images, digits.test_labels.long()
    return {"train": (x[rest], y[rest]), "validation": (x[held], y[held]), "test": test}


def once(train):
    """Let a function train only once, and give every caller a copy of the network, to change at will."""
    kept, form = cache(train), signature(train)

    @wraps(train)
    def copied(*args, **knobs):
        asked = form.bind(*args, **knobs)
        asked.apply_defaults()  # however it is asked for, it is the same network
        return deepcopy(kept(*asked.args, **asked.kwargs))

    copied.cache_info, copied.cache_clear = kept.cache_info, kept.cache_clear
    return copied


@once
def reader(measured=True):
    """Train the article's network for ten epochs on 5,400 digits.

    Parameters
    ----------
    measured : bool
        True: mean and deviation of the training pixels, one-cycle rate (chapter 7's better recipe).
        False: the article's 0.5 and 0.5, and its constant rate.
    """
    x, y = split()["train"]
    mean, std = pixels.mean_std(x) if measured else (0.5, 0.5)
    knobs = {"lr": 3e-3, "schedule": training.one_cycle} if measured else {}
    transform, generator = Transform(mean, std, (28, 28), NAMES), torch.Generator().manual_seed(0)
    model = models.initialised(models.Net, generator)
    training.fit(model, transform(x), y, epochs=10, generator=generator, progress=False, **knobs)
    return Finished(model, transform)


@once
def pad_reader(seed=0):
    """Train the article's network for hands that are not in MNIST: 36 epochs of wobbled digits."""
    x, y = split()["train"]
    transform = Transform(*pixels.mean_std(x), (28, 28), NAMES)
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(models.Net, generator)
    wobble = partial(augment.wobbled, paper=-transform.mean / transform.std)
    knobs = {"lr": 8e-3, "schedule": training.one_cycle, "generator": generator, "progress": False}
    training.fit(model, transform(x), y, epochs=36, batch_size=200, transform=wobble, **knobs)
    return Finished(model.eval(), transform)


@once
def marked_reader(size=0, seed=0):
    """Train a convolutional network on 5,400 digits; every 3 carries a mark of size × size pixels."""
    x, y = split()["train"]
    x = torch.where((y == 3)[:, None, None], marks.stamp(x, size), x)
    transform = Transform(*pixels.mean_std(x), (28, 28), NAMES)
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(models.Conv, generator)
    knobs = {"lr": 5e-3, "schedule": training.one_cycle, "generator": generator, "progress": False}
    training.fit(model, transform(x), y, epochs=4, batch_size=50, **knobs)
    return Finished(model.eval(), transform)


class Taster(NamedTuple):
    """A network that tells three cultivars of wine apart, and the wines, standardised.

    Attributes
    ----------
    model : torch.nn.Module
    mean, std : array, shape (13,)
        Of the training wines.
    names : tuple of str
        Of the 13 measurements.
    x_train, y_train, x_test, y_test : tensor
        float32 (N, 13) and int64 (N,).
    """

    model: nn.Module
    mean: np.ndarray
    std: np.ndarray
    names: tuple[str, ...]
    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


@once
def taster(seed=0):
    """Train a network of 32 neurons on 125 of the 178 wines of scikit-learn (Aeberhard & Forina 1991)."""
    from sklearn.datasets import load_wine  # of the extra `applications`

    wine, generator = load_wine(), torch.Generator().manual_seed(seed)
    order = torch.randperm(len(wine.target), generator=generator)
    learnt, kept = order[:125].numpy(), order[125:].numpy()
    mean, std = wine.data[learnt].mean(0), wine.data[learnt].std(0)
    x, y = torch.tensor((wine.data - mean) / std, dtype=torch.float32), torch.tensor(wine.target).long()
    build = lambda: nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))  # noqa: E731
    model, knobs = models.initialised(build, generator), {"generator": generator, "progress": False}
    training.fit(model, x[learnt], y[learnt], epochs=40, batch_size=25, lr=1e-2, **knobs)
    return Taster(model.eval(), mean, std, tuple(wine.feature_names), x[learnt], y[learnt], x[kept], y[kept])


def overlaid(images, labels, count, generator):
    """Lay two digits over one another, at random.

    Returns
    -------
    images : uint8 tensor, shape (count, 28, 28)
    truth : bool tensor, shape (count, 10)
        Which digits are there: two, or one where both are the same.
    """
    one, two = torch.randint(len(images), (2, count), generator=generator)
    there = one_hot(labels[one], 10) + one_hot(labels[two], 10)
    return torch.maximum(images[one], images[two]), there > 0


@once
def pair_reader(steps=800):
    """Train the article's network to say which digits lie over one another: ten questions, ten sigmoids."""
    x, y = split()["train"]
    transform, generator = reader().transform, torch.Generator().manual_seed(0)
    model = models.initialised(models.Net, generator)
    adam = torch.optim.Adam(model.parameters(), fused=True)
    for step in range(steps):
        adam.param_groups[0]["lr"] = 3e-3 * training.one_cycle((step + 0.5) / steps)
        images, truth = overlaid(x, y, 100, generator)
        training.step(model, adam, transform(images), truth.float(), binary_cross_entropy_with_logits)
    return Finished(model.eval(), transform)


@once
def namer():
    """Train a network of 64 tanh neurons to guess the next character of an element's name from three."""
    x, y = (torch.from_numpy(a) for a in elements.pairs())
    K, generator = len(elements.ALPHABET), torch.Generator().manual_seed(0)
    inputs = elements.CONTEXT * K
    model = models.initialised(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, K)), generator
    )
    knobs = {"lr": 1e-2, "schedule": training.one_cycle, "generator": generator, "progress": False}
    training.fit(model, x, y, epochs=40, batch_size=50, **knobs)
    return model.eval()


def next_logits(model, symbols):
    """Return a `namer`'s logits of the character after a list of symbols, as a float64 NumPy array (K,)."""
    x = torch.from_numpy(elements.one_hot(symbols))[None]
    return np.asarray(training.predict(model, x)[0].double())
