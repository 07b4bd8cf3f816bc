"""Checkers of chapter 2."""

import math
import operator

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from losslab.book.words import Sentence
from losslab.exercises.judge import named


def check_2_1(answer):
    """Take a function (table, labels, training_rows, k) -> the k best columns, seen on the training rows."""
    rng = np.random.default_rng(0)
    table, labels = rng.standard_normal((60, 40)), rng.permutation(np.repeat([1.0, -1.0], [40, 20]))
    rows, other = list(range(0, 60, 2)), list(range(1, 60, 2))
    table[rows, 3] += 3 * labels[rows]
    table[rows, 7] -= 3 * labels[rows]  # the correlation is negative, and strong
    table[other, 11] += 90 * labels[other]  # only the test rows know this column
    table[rows, 13] *= 1e6  # large numbers, no correlation
    table[rows, 17] = labels[rows] / 100  # small numbers, all correlation
    table[rows, 19] = 50 + table[rows, 19] / 1000  # far from 0, no correlation
    return _slip_2_1({int(column) for column in answer(table.copy(), labels.copy(), list(rows), 3)})


def _slip_2_1(got):
    """Name what would have led to these three columns, or None."""
    slips = {11: "leaked", 13: "large", 19: "far"}
    if got == {3, 7, 17}:
        return None
    if 7 not in got and not got & set(slips):
        return "negative"
    return next((key for column, key in slips.items() if column in got), Sentence("off", got=got))


def check_2_2(answer):
    """Take a function (n, slope) -> deviation that keeps the mean square through a leaky ReLU."""
    for n, slope in ((10, 0.5), (128, 0.0), (50, 1.0), (200, 0.2)):
        got, right = answer(n, slope), (2 / ((1 + slope**2) * n)) ** 0.5
        slips = {
            "variance": right**2,
            "slope_unsquared": (2 / ((1 + slope) * n)) ** 0.5,
            "plain_relu": (2 / n) ** 0.5,
            "half": (1 / ((1 + slope**2) * n)) ** 0.5,
            "line": (1 / n) ** 0.5,
        }
        if not math.isclose(got, right, rel_tol=1e-6):
            return Sentence("off", n=n, slope=slope, right=right, got=got, hint=named(got, slips))
    return None


def check_2_3(answer):
    """Take a function (model, optimizer, images, labels) -> loss before the step that it takes."""
    random = torch.Generator().manual_seed(0)
    images, labels = torch.randn(8, 5, generator=random), torch.arange(8) % 3
    model = torch.nn.utils.skip_init(torch.nn.Linear, 5, 3)  # draws nothing from torch's own generator
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(2):
        before, loss = model.weight.detach().clone(), cross_entropy(model(images), labels)
        slope = torch.autograd.grad(loss, model.weight)[0]
        got = answer(model, sgd, images, labels)
        if hint := _slip_2_3(step, (before - model.weight.detach()) / 0.1, slope):
            return hint
        if isinstance(got, torch.Tensor):
            return "tensor"
        if not math.isclose(got, loss.item(), rel_tol=1e-5):
            after = cross_entropy(model(images), labels).item()
            return Sentence("off", right=loss.item(), got=got, hint=named(got, {"after": after}))
    return None


def _slip_2_3(step, moved, slope):
    """Name what is wrong with a step that moved the weights by `moved` times the learning rate, or None."""
    if torch.allclose(moved, slope, atol=1e-4):
        return None
    if step == 0 and not moved.any():
        return "unmoved"
    return "second_step" if step == 1 else "other_step"


def check_2_4(answer):
    """Take a function (losses, patience, least) -> (epochs run, best epoch)."""
    cases = [
        ([5.0, 4.0, 3.0, 3.5, 3.4, 3.3, 1.0], 3, 0.0),
        ([5.0, 4.0, 3.0, 2.0], 2, 0.0),
        ([1.0, 0.95, 0.9, 0.85, 0.8, 0.75], 3, 0.12),
        ([2.0, 2.5, 2.4, 2.3, 1.0], 3, 0.0),
        ([1.0, 1.0, 1.0, 1.0], 2, 0.0),
    ]
    for losses, patience, least in cases:
        got, right = tuple(answer(list(losses), patience, least)), _stop(losses, patience, least)
        if got != right:
            given = {"losses": losses, "patience": patience, "least": least}
            return Sentence("off", **given, right=right, got=got, hint=_slip_2_4(got, **given))
    return None


def _stop(losses, patience, least, strict=True):
    """Return (epochs run, best epoch); not strict: an equal loss counts as progress."""
    best = 0
    for k, loss in enumerate(losses):
        if loss < losses[best] - least or (k and not strict and loss == losses[best] - least):
            best = k
        if k - best >= patience:
            break
    return k + 1, best + 1


def _slip_2_4(got, losses, patience, least):
    """Name what would have given this wrong answer."""
    ran, best = _stop(losses, patience, least)
    slips = {
        "too_late": _stop(losses, patience + 1, least),
        "equal": _stop(losses, patience, least, strict=False),
        "least_ignored": _stop(losses, patience, 0.0),
        "last": (ran, ran),
        "best_first": (best, ran),
        "from_zero": (ran - 1, best - 1),
    }
    slow = least and all(before - after < least for before, after in zip(losses, losses[1:], strict=False))
    return named(got, slips, operator.eq) or ("last_loss" if slow else None)
