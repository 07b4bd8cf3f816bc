"""One training loop for every chapter: `fit` a classifier to standardised images, `evaluate` it.

The data lie on the model's device for the whole training. An epoch is one permutation; ten batches at a time
are gathered and then cut into slices; and nothing inside an epoch waits for a number from the device.
"""

import math
import sys
from functools import partial
from numbers import Integral, Real

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from losslab.learning import checkpoints, history

GATHERED = 10  # batches at a time: few enough for the processor's cache, more than one for a GPU's sake
FUSED = {"cpu", "cuda", "mps", "xpu"}  # devices on which Adam can update all parameters in one kernel


@torch.no_grad()
def predict(model, images, chunk=10_000):
    """Return the logits of all images, shape (N, K), in evaluation mode; then restore the model's mode."""
    check_count("chunk", chunk)
    training = model.training
    model.eval()
    try:
        return torch.cat([model(x) for x in images.split(chunk)])
    finally:
        model.train(training)


def evaluate(model, images, labels):
    """Return the `history.Score` of a model on a set: one pass in evaluation mode, without gradients."""
    check_data(model, images, labels)
    return score(model, images, labels)


def score(model, images, labels):
    """Do what `evaluate` does, without its checks."""
    logits = predict(model, images)
    right = (logits.argmax(1) == labels).float().mean()
    return history.Score(cross_entropy(logits, labels).item(), right.item(), len(labels))


def constant(progress):
    """Return 1, whatever share of the training is done: the learning rate stays what it is."""
    return 1.0


def one_cycle(progress, warmup=0.3):
    """Return the factor on the peak rate: up a line to `warmup`, down half a cosine to 0 (Smith 2018)."""
    if not (0 <= progress <= 1 and 0 <= warmup < 1):
        raise ValueError(f"progress must be from 0 to 1 and warmup below 1, got {progress} and {warmup}")
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
    optimizer=None,
    loss=cross_entropy,
    generator=None,
    transform=None,
    average=None,
    watch=None,
    keep=None,
    patience=math.inf,
    checkpoint=None,
    loop=None,
    progress=True,
):
    """
    Train a classifier in place; by default with Adam on the cross-entropy of its logits.

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
    optimizer : callable, optional
        `optimizer(parameters, lr=...)` makes a torch optimiser, such as `torch.optim.SGD` or
        `partial(torch.optim.AdamW, weight_decay=0.1)`. Default: Adam, fused where the device has it.
    loss : callable
        (logits, labels) → the mean loss of a batch, such as `partial(cross_entropy, label_smoothing=0.1)`.
        Scores are cross-entropy and accuracy, whatever the loss.
    generator : torch.Generator, optional
        Shuffles, and draws for `transform`. One on the CPU gives the same batches on every device.
    transform : callable, optional
        (images of a batch, generator) → the images to train on, such as `augment.affine`.
    average : torch.optim.swa_utils.AveragedModel, optional
        Of the model; takes in the weights after every step and is scored and kept in the model's place.
    watch : dict of str to (images, labels), optional
        Sets that are scored after every epoch.
    keep : (str, "loss" or "accuracy"), optional
        Leave the weights of the epoch after which this watched set's score was best, not the last ones.
    patience : int
        Stop when the score that `keep` names has not improved for so many epochs.
    checkpoint : checkpoints.Folder, optional
        Where the training is saved after every epoch, and from where it goes on if it was interrupted, or
        if it is to have more epochs at the learning rates that it began with.
    loop : callable, optional
        Takes the steps of an epoch in the place of `train_epoch`, such as a `cuda_graph.Graph`. Another loss
        reaches it as its keyword `loss`.
    progress : bool
        Show a bar on stdout.

    Returns
    -------
    history.History

    Raises
    ------
    ValueError, TypeError
        If shapes, types, values or devices do not fit together, or a checkpoint is of another training.
    FloatingPointError
        If the loss explodes or becomes NaN; noticed at the end of the epoch, the sentence names the step.
    torch.OutOfMemoryError
        If a batch is too large for the device; the sentence suggests another.
    """
    watch, loop = watch or {}, loop or train_epoch
    other = {} if loss is cross_entropy else {"loss": loss}  # a loop of five arguments trains on this one
    check_knobs(epochs, batch_size, lr, generator, average, checkpoint, patience)
    check_callables(optimizer, loss)
    check_fit(model, images, labels, watch, keep, patience)
    epochs, batch_size = int(epochs), int(batch_size)
    steps = math.ceil(len(images) / batch_size)
    rates = rates_of(lr, schedule, steps * epochs)
    state = started(model, images.device, rates, optimizer, generator, average, watch)
    if checkpoint is not None:
        sets = {"the training set": (images, labels)} | {
            f"watched {name!r}": xy for name, xy in watch.items()
        }
        state.settings = settings(state, sets, batch_size, loss, transform, keep)
        checkpoint.load(state)
    with tqdm(total=len(rates), unit=" steps", file=sys.stdout, disable=not progress, ncols=88) as bar:
        bar.update(state.epoch * steps)
        while state.epoch < epochs and state.idle(keep) < patience:
            batches = shuffled(images, labels, batch_size, generator, transform)
            with history.memory_explained(images.device, batch_size):
                left = rates[state.epoch * steps :]
                losses, sizes = loop(model, state.optimizer, batches, left, bar, **other)
            finish_epoch(state, losses, sizes, rates, watch, keep)
            if checkpoint is not None:
                checkpoint.save(state)
            bar.set_postfix_str(f"loss {state.history.running[-1]:.4f}")
    if keep:
        state.scored.load_state_dict(state.best)
    return state.history


def rates_of(lr, schedule, steps):
    """Return the learning rate of every step; raise if the schedule makes one that is none."""
    rates = [float(lr * schedule((t + 0.5) / steps)) for t in range(steps)]
    for step, rate in enumerate(rates, start=1):
        if not 0 <= rate < math.inf:
            raise ValueError(
                f"schedule must give factors from 0, got the learning rate {rate} at step {step}"
            )
    return rates


def started(model, device, rates, optimizer, generator, average, watch):
    """Return the `history.State` before its first step, with its optimiser."""
    build = optimizer or partial(torch.optim.Adam, fused=device.type in FUSED or None)
    built = build(model.parameters(), lr=rates[0])
    if not isinstance(built, torch.optim.Optimizer):
        raise TypeError(f"optimizer must make a torch optimiser, got {built!r} from {optimizer!r}")
    if average is not None:
        built.register_step_post_hook(lambda *_: average.update_parameters(model))
    past = history.History(scores={name: [] for name in watch})
    return history.State(model, built, generator, average, past, rates)


def settings(state, sets, batch_size, loss, transform, keep):
    """Return what makes a training this one and no other, for a checkpoint to remember.

    A generator's seed is not among it: its state is in the checkpoint. Nor are the learning rates: those of
    the steps that were taken are compared.
    """
    knobs = {key: value for key, value in state.optimizer.defaults.items() if key not in ("lr", "fused")}
    return {
        "batch_size": batch_size,
        "optimizer": f"{type(state.optimizer).__name__} {knobs}",
        "loss": checkpoints.named(loss),
        "the generator": state.generator and f"on {state.generator.device}",
        "transform": transform and checkpoints.named(transform),
        "average": state.average and checkpoints.averaging(state.average),
        "watch": list(state.history.scores),
        "keep": keep and list(keep),
        **{name: f"{checkpoints.digest(x)}, labels {checkpoints.digest(y)}" for name, (x, y) in sets.items()},
        **checkpoints.architecture(state.model),
    }


def finish_epoch(state, losses, sizes, rates, watch, keep):
    """Record an epoch's losses, score the watched sets, and put the weights aside if they are the best."""
    state.history.add_epoch(losses, sizes, rates)
    for name, (x, y) in watch.items():
        state.history.add_score(name, score(state.scored, x, y), rates)
    if keep and state.history.best(*keep) == state.epoch - 1:
        state.best = {name: weight.clone() for name, weight in state.scored.state_dict().items()}


def shuffled(images, labels, batch_size, generator=None, transform=None):
    """Yield the mini-batches of one epoch in random order, ten gathered at a time, transformed if asked."""
    check_count("batch_size", batch_size)
    device = generator.device if generator else None
    order = torch.randperm(len(images), generator=generator, device=device).to(images.device)
    for some in order.split(GATHERED * batch_size):
        for x, y in zip(images[some].split(batch_size), labels[some].split(batch_size), strict=True):
            yield (transform(x, generator) if transform else x), y


def step(model, optimizer, x, y, loss=cross_entropy):
    """Take one step down the gradient of the loss of a batch; return that loss, as it was before."""
    optimizer.zero_grad()
    before = loss(model(x), y)
    before.backward()
    optimizer.step()
    return before.detach()


def train_epoch(model, optimizer, batches, rates, bar, loss=cross_entropy):
    """Take one step per batch; return the loss before each, shape (steps,), on the device, and the sizes."""
    model.train()
    losses, sizes = [], []
    for (x, y), rate in zip(batches, rates, strict=False):
        optimizer.param_groups[0]["lr"] = rate
        losses.append(step(model, optimizer, x, y, loss))
        sizes.append(len(y))
        bar.update()
    return torch.stack(losses), sizes


def check_count(name, number):
    """Raise unless something that is counted is a whole number from 1."""
    if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
        raise ValueError(f"{name} must be a whole number from 1, got {number!r}")


def check_knobs(epochs, batch_size, lr, generator, average, checkpoint, patience):
    """Raise unless these are what they have to be."""
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
    if not (isinstance(lr, Real) and 0 < lr < math.inf):
        raise ValueError(f"lr must be a positive number, got {lr!r}")
    if patience != math.inf:
        check_count("patience", patience)
    if not (generator is None or isinstance(generator, torch.Generator)):
        raise TypeError(f"generator must be a torch.Generator, not its seed, got {generator!r}")
    if not (average is None or hasattr(average, "update_parameters")):
        raise TypeError(f"average must be an AveragedModel of the network, got {average!r}")
    if not (checkpoint is None or hasattr(checkpoint, "load")):
        raise TypeError(f"checkpoint must be a checkpoints.Folder, got {checkpoint!r}")


def check_callables(optimizer, loss):
    """Raise unless these can make an optimiser and a loss."""
    if isinstance(optimizer, torch.optim.Optimizer) or not (optimizer is None or callable(optimizer)):
        raise TypeError(
            "optimizer must make one from parameters and lr=, such as torch.optim.SGD or "
            f"partial(torch.optim.SGD, momentum=0.9), got {optimizer!r}"
        )
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(f"loss must take logits and labels, such as nn.CrossEntropyLoss(), got {loss!r}")


def check_fit(model, images, labels, watch, keep, patience):
    """Raise unless every set can be used, and what is to be kept is watched."""
    for x, y in [(images, labels), *watch.values()]:
        check_data(model, x, y)
    if keep is not None and keep not in [(name, what) for name in watch for what in ("loss", "accuracy")]:
        raise ValueError(
            f'keep must be a watched set and "loss" or "accuracy", got {keep!r} of {list(watch)}'
        )
    if keep is None and patience < math.inf:
        raise ValueError(f"patience needs keep: which score is to improve within {patience} epochs?")


def check_data(model, images, labels):
    """Raise unless images and labels are a set that the model can be trained or scored on."""
    device = next((p.device for p in model.parameters()), None)
    if device is None:
        raise ValueError(f"the model must have parameters, got {model!r}")
    if not (torch.is_tensor(images) and torch.is_tensor(labels)):
        kinds = f"{type(images).__name__} and {type(labels).__name__}"
        raise TypeError(
            f"images and labels must be tensors in memory, got {kinds}: what a DataLoader yields is for a "
            "loop of your own around `training.step` (docs/use.md shows it)"
        )
    if not images.is_floating_point():
        raise TypeError(f"images must be floating point (see pixels.standardise), got {images.dtype}")
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1] or not len(labels):
        got = f"{tuple(labels.shape)} {labels.dtype} for images of shape {tuple(images.shape)}"
        raise ValueError(f"labels must be int64, one per image, got {got}")
    if not images.device == labels.device == device:
        raise ValueError(
            f"model, images and labels must share a device, got {device}, {images.device}, {labels.device}"
        )
    if not torch.stack(images.aminmax()).isfinite().all():  # needs no second copy of the images
        raise ValueError("images must be finite, got NaN or infinity among them")
    logits = predict(model, images[:1])
    if logits.ndim != 2:
        raise ValueError(f"the model must give logits (N, K), got {tuple(logits.shape)} for one image")
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie in 0 … {classes - 1}, got {labels.min()} … {labels.max()}")
