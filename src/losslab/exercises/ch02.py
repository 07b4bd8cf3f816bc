"""Checkers of chapter 2: each tries the reader's function and names the slip it sees."""

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy


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
    """Name what has made somebody choose these three columns, or None."""
    slips = {
        11: "Column 11 knows the labels of the test rows only: it leaked. Use nothing but the training rows.",
        13: "Column 13 is only large. Divide by each column's standard deviation.",
        19: "Column 19 is only far from 0. Subtract each column's mean.",
    }
    if got == {3, 7, 17}:
        return None
    if 7 not in got and not got & set(slips):
        return "Column 7 is missing: a strong negative correlation is worth as much as a positive one."
    return next((hint for column, hint in slips.items() if column in got), f"Columns 3, 7, 17; got {got}.")


def check_2_2(answer):
    """Take a function (n, slope) -> deviation that keeps the mean square through a leaky ReLU."""
    for n, slope in ((10, 0.5), (128, 0.0), (50, 1.0), (200, 0.2)):
        got, right = answer(n, slope), (2 / ((1 + slope**2) * n)) ** 0.5
        slips = {
            right**2: "That is the variance; the deviation is its root.",
            (2 / ((1 + slope) * n)) ** 0.5: "The slope multiplies z, so its square multiplies z².",
            (2 / n) ** 0.5: "That is He's for plain ReLU; the negative half lets something through.",
            (1 / n) ** 0.5: "That is for a line; half of the z are negative and get smaller.",
            (1 / ((1 + slope**2) * n)) ** 0.5: "Only half of the z are negative: where has the ½ gone?",
        }
        if not math.isclose(got, right, rel_tol=1e-6):
            hint = next((h for slip, h in slips.items() if math.isclose(got, slip, rel_tol=1e-6)), "")
            return f"sigma_leaky({n}, {slope}) should be {right:.4f}, got {got:.4f}. {hint}".rstrip()
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
            return "A tensor came back, with the whole graph behind it; .item() makes it a number."
        if not math.isclose(got, loss.item(), rel_tol=1e-5):
            after = cross_entropy(model(images), labels).item()
            which = "That is the loss after the step." if math.isclose(got, after, rel_tol=1e-5) else ""
            return f"The loss before the step is {loss.item():.4f}, got {got:.4f}. {which}".rstrip()
    return None


def _slip_2_3(step, moved, slope):
    """Name what is wrong with a step that moved the weights by `moved` times the learning rate, or None."""
    if torch.allclose(moved, slope, atol=1e-4):
        return None
    if step == 0 and not moved.any():
        return "No weight has moved. Is backward() called, then step(), and zero_grad() not between them?"
    if step == 1:
        return "The first step is right and the second is not: slopes of the first are still in .grad."
    return "The weights have moved, but not by learning rate × slope. One step, on the mean cross-entropy."


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
            hint = _slip_2_4(got, losses, patience, least)
            return f"stop({losses}, {patience}, {least:g}) should be {right}, got {got}. {hint}".rstrip()
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
    before = [b - a for a, b in zip(losses, losses[1:], strict=False)]
    slips = {
        (ran - 1, best - 1): "Epochs are counted from 1.",
        (best, ran): "First the epochs run, then the best.",
        (ran, ran): "The second number is the best epoch, not the last.",
        _stop(losses, patience, 0.0): "An improvement smaller than `least` is none.",
        _stop(losses, patience, least, strict=False): "An equal loss is no improvement.",
        _stop(losses, patience + 1, least): "It stops one epoch too late.",
    }
    if got in slips:
        return slips[got]
    if least and all(change > -least for change in before):
        return "Compare with the best loss, not with the last one."
    return ""
