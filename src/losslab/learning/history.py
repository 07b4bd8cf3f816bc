"""What a training records as it runs, and the sentences with which it stops when it goes wrong."""

import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

EXPLODED = 100  # times the first loss (or 1 nat): no healthy training gets there


class Score(NamedTuple):
    """Mean cross-entropy in nats and share of correct answers on `count` images."""

    loss: float
    accuracy: float
    count: int

    @property
    def interval(self):
        """The accuracy's 95 % interval (low, high) by Wilson's score."""
        n, right = self.count, round(self.accuracy * self.count)
        a, z2 = right / n, 1.96**2
        middle = a + z2 / (2 * n)
        half = math.sqrt(z2 * (a * (1 - a) / n + z2 / (4 * n**2)))
        low, high = ((middle + side * half) / (1 + z2 / n) for side in (-1, 1))
        return (0.0 if right == 0 else low), (1.0 if right == n else high)


@dataclass(frozen=True)
class History:
    """What a training recorded.

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

    def best(self, name, what):
        """Return the first epoch, from 0, after which a watched set had its best "loss" or "accuracy"."""
        if what not in ("loss", "accuracy") or not self.scores.get(name):
            wanted = f'"loss" or "accuracy" of a set with scores, {list(self.scores)}'
            raise ValueError(f"there must be {wanted}, got {what!r} of {name!r}")
        sign = {"loss": 1, "accuracy": -1}[what]
        return min(enumerate(self.scores[name]), key=lambda pair: sign * getattr(pair[1], what))[0]

    def add_epoch(self, losses, sizes, rates):
        """Fetch an epoch's losses from the device, once, and append them; raise if the training diverged."""
        losses = losses.tolist()
        first = (self.steps or losses)[0]
        for step, loss in enumerate(losses, start=len(self.steps) + 1):
            if not loss <= EXPLODED * max(first, 1.0):
                raise FloatingPointError(
                    f"the loss was {loss:.3g} at step {step} of {len(rates)}: {cause(step, rates)}"
                )
        self.steps.extend(losses)
        self.running.append(sum(n * loss for n, loss in zip(sizes, losses, strict=True)) / sum(sizes))

    def add_score(self, name, score, rates):
        """Append a watched set's score; raise if it shows that the last step has broken the weights."""
        if not math.isfinite(score.loss):
            step = len(self.steps)
            raise FloatingPointError(
                f"the loss of {name!r} was {score.loss:.3g} after step {step} of {len(rates)}: "
                f"{cause(step + 1, rates)}"
            )
        self.scores[name].append(score)


@dataclass
class State:
    """All that a training changes, so all that a checkpoint must hold, and the settings it belongs to."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator | None
    average: torch.nn.Module | None
    history: History
    rates: list[float]  # the learning rate of every step, also of those to come
    settings: dict[str, Any] = field(default_factory=dict)
    best: dict[str, torch.Tensor] | None = None  # the weights after `history.best`, if they are kept

    @property
    def epoch(self):
        """Epochs done."""
        return len(self.history.running)

    def idle(self, keep):
        """Epochs since the score that `keep` names was best."""
        return self.epoch - 1 - self.history.best(*keep) if keep and self.epoch else 0

    @property
    def scored(self):
        """The network that is scored and kept: the average of the weights, if there is one."""
        return self.model if self.average is None else self.average


def cause(step, rates):
    """Name the likely cause of a loss that has exploded before step `step`."""
    if step == 1:
        return "no step was taken before it, so the weights or the images are far too large or not numbers"
    return f"the learning rate, {rates[step - 2]:.3g}, is probably too large; try a tenth of it"


@contextmanager
def memory_explained(device, batch_size):
    """Turn the device's "out of memory" into a sentence that suggests a batch."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        remedy = f"try batch_size={batch_size // 2}" if batch_size > 1 else "try a smaller network"
        raise torch.OutOfMemoryError(
            f"a batch of {batch_size} does not fit into the memory that is left on {device}: {remedy}"
        ) from error
