"""One training loop for every chapter: `standardise` the images once, `fit` a classifier, `evaluate` it.

The data lie on the model's device for the whole training, an epoch is one permutation, one gather and then
slices, and nothing inside an epoch waits for a number to come back from the device.
"""

import math
import sys
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

FUSED = {"cpu", "cuda", "mps", "xpu"}  # devices on which Adam can update all parameters in one kernel
EXPLODED = 100  # times the first loss (or 1 nat): what no healthy training reaches


class Score(NamedTuple):
    """Mean cross-entropy in nats and share of right answers on `count` images."""

    loss: float
    accuracy: float
    count: int

    @property
    def margin(self):
        """Half the width of the accuracy's 95 % interval, by the normal approximation."""
        return 1.96 * math.sqrt(self.accuracy * (1 - self.accuracy) / self.count)


@dataclass(frozen=True)
class History:
    """What a training left behind.

    Attributes
    ----------
    steps : list of float
        Loss of every mini-batch, taken before the step it causes.
    running : list of float
        Per epoch, the mean of these over the images: a loss of weights that kept changing.
    scores : dict of str to list of Score
        Per watched set, its score after every epoch.
    """

    steps: list[float] = field(default_factory=list)
    running: list[float] = field(default_factory=list)
    scores: dict[str, list[Score]] = field(default_factory=dict)


def mean_std(images):
    """Return mean and standard deviation of the pixels of uint8 images, exactly, on the scale 0 to 1."""
    share = torch.bincount(images.flatten().cpu(), minlength=256).double() / images.numel()
    grey = torch.arange(256, dtype=torch.float64) / 255
    mean = share @ grey
    return mean.item(), (share @ (grey - mean) ** 2).sqrt().item()


def standardise(images, mean, std):
    """
    Return (images / 255 − mean) / std in float32.

    Parameters
    ----------
    images : uint8 tensor, shape (N, 28, 28)
    mean, std : float
        On the scale 0 to 1: those of the *training* images (`mean_std`), or the article's 0.5 and 0.5.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8 pixels, got {images.dtype}: standardised before?")
    if not std > 0:
        raise ValueError(f"std must be positive, got {std}")
    return images.float().div(255).sub(mean).div(std)


@torch.no_grad()
def predict(model, images, chunk=10_000):
    """Return the logits of all images, shape (N, K), in evaluation mode; then restore the model's mode."""
    training = model.training
    model.eval()
    try:
        return torch.cat([model(x) for x in images.split(chunk)])
    finally:
        model.train(training)


def evaluate(model, images, labels):
    """Return the `Score` of a model on a set: one pass in evaluation mode, without gradients."""
    check_data(model, images, labels)
    return score(model, images, labels)


def score(model, images, labels):
    """Do what `evaluate` does, without its checks."""
    logits = predict(model, images)
    right = (logits.argmax(1) == labels).float().mean()
    return Score(cross_entropy(logits, labels).item(), right.item(), len(labels))


def constant(progress):
    """Return 1, whatever share of the training is done: the learning rate stays what it is."""
    return 1.0


def one_cycle(progress, warmup=0.3):
    """Return the factor on the peak rate: up a line to `warmup`, down half a cosine to 0 (Smith 2018)."""
    if progress < warmup:
        return progress / warmup
    return (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def fit(
    model,
    images,
    labels,
    *,
    epochs,
    batch_size=100,
    lr=1e-3,
    schedule=constant,
    generator=None,
    watch=None,
    progress=True,
):
    """
    Train a classifier in place with Adam on the cross-entropy of its logits.

    Parameters
    ----------
    model : torch.nn.Module
        Maps (N, ...) images to (N, K) logits.
    images : float tensor, shape (N, ...)
        On the model's device.
    labels : int64 tensor, shape (N,)
        Class numbers 0 to K − 1.
    epochs, batch_size : int
        The last batch of an epoch may be smaller.
    lr : float
        Learning rate, or its peak under a schedule.
    schedule : callable
        From the share of the training that is done to a factor on `lr`: `constant` or `one_cycle`.
    generator : torch.Generator, optional
        Shuffles. One on the CPU gives the same batches on every device.
    watch : dict of str to (images, labels), optional
        Sets that are scored after every epoch.
    progress : bool
        Show a bar on stdout.

    Returns
    -------
    History

    Raises
    ------
    ValueError, TypeError
        If shapes, types, values or devices do not fit together.
    FloatingPointError
        If the loss explodes or becomes NaN; noticed at the end of the epoch, the sentence names the step.
    """
    history = History(scores={name: [] for name in watch or {}})
    for x, y in [(images, labels), *(watch or {}).values()]:
        check_data(model, x, y)
    steps = math.ceil(len(images) / batch_size)
    rates = [lr * schedule((t + 0.5) / (steps * epochs)) for t in range(steps * epochs)]
    adam = torch.optim.Adam(model.parameters(), lr=lr, fused=images.device.type in FUSED or None)
    with tqdm(total=len(rates), unit=" steps", file=sys.stdout, disable=not progress, ncols=88) as bar:
        for epoch in range(epochs):
            batches = shuffled(images, labels, batch_size, generator)
            losses, sizes = train_epoch(model, adam, batches, rates[epoch * steps :], bar)
            record(history, losses, sizes, rates)
            for name, (x, y) in (watch or {}).items():
                history.scores[name].append(score(model, x, y))
            bar.set_postfix_str(f"loss {history.running[-1]:.4f}")
    return history


def shuffled(images, labels, batch_size, generator=None):
    """Yield the mini-batches of one epoch: a random order, one gather, then slices."""
    device = generator.device if generator else None
    order = torch.randperm(len(images), generator=generator, device=device).to(images.device)
    yield from zip(images[order].split(batch_size), labels[order].split(batch_size), strict=True)


def train_epoch(model, optimizer, batches, rates, bar):
    """Take one step per batch; return the loss before each, shape (steps,), on the device, and the sizes."""
    model.train()
    losses, sizes = [], []
    for (x, y), rate in zip(batches, rates, strict=False):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        sizes.append(len(y))
        bar.update()
    return torch.stack(losses), sizes


def record(history, losses, sizes, rates):
    """Fetch an epoch's losses from the device, once, and append them; raise if the training has diverged."""
    losses = losses.tolist()
    first = (history.steps or losses)[0]
    for step, loss in enumerate(losses, start=len(history.steps) + 1):
        if not loss <= EXPLODED * max(first, 1.0):
            raise FloatingPointError(
                f"the loss was {loss:.3g} at step {step} of {len(rates)}: {cause(step, rates)}"
            )
    history.steps.extend(losses)
    history.running.append(sum(n * loss for n, loss in zip(sizes, losses, strict=True)) / sum(sizes))


def cause(step, rates):
    """Name the likely cause of a loss that has exploded before step `step`."""
    if step == 1:
        return "no step was taken before it, so the weights or the images are far too large or not numbers"
    return f"the learning rate, {rates[step - 2]:.3g}, is probably too large; try a tenth of it"


def check_data(model, images, labels):
    """Raise unless images and labels are a set that the model can be trained or scored on."""
    device = next(model.parameters()).device
    if not images.is_floating_point():
        raise TypeError(f"images must be floating point (see standardise), got {images.dtype}")
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1] or not len(labels):
        got = f"{tuple(labels.shape)} {labels.dtype} for images of shape {tuple(images.shape)}"
        raise ValueError(f"labels must be int64, one per image, got {got}")
    if not images.device == labels.device == device:
        raise ValueError(
            f"model, images and labels must share a device, got {device}, {images.device}, {labels.device}"
        )
    if not images.isfinite().all():
        raise ValueError("images must be finite, got NaN or infinity among them")
    classes = predict(model, images[:1]).shape[-1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie in 0 … {classes - 1}, got {labels.min()} … {labels.max()}")
