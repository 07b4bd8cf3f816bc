"""The checkers of chapter 2: the usual slips are refused, each with its own hint."""

import numpy as np
from torch.nn.functional import cross_entropy


def chosen(rows=True, centre=True, scale=True, size=np.abs):
    """An answer to 2.1 with one of its parts left out."""

    def choose(table, labels, training_rows, k):
        if rows:
            table, labels = table[training_rows], labels[training_rows]
        labels = labels - labels.mean() if centre else labels
        match = labels @ (table - table.mean(0) if centre else table)
        return size(match / table.std(0) if scale else match).argsort()[-k:]

    return choose


def step(*order, value=lambda before, after: before.item()):
    """An answer to 2.3 that does some things in some order."""

    def one_step(model, optimizer, images, labels):
        loss = cross_entropy(model(images), labels)
        for act in order:
            {"zero": optimizer.zero_grad, "back": loss.backward, "step": optimizer.step}[act]()
        return value(loss, cross_entropy(model(images), labels))

    return one_step


def summed(model, optimizer, images, labels):
    optimizer.zero_grad()
    loss = cross_entropy(model(images), labels, reduction="sum")
    loss.backward()
    optimizer.step()
    return loss.item() / len(labels)


def stopping(better, end=lambda k, best, patience: k - best >= patience, give=lambda k, b: (k + 1, b + 1)):
    """An answer to 2.4: `better(losses, k, best, least)` says when an epoch is a new best."""

    def stop(losses, patience, least):
        best = 0
        for k in range(len(losses)):
            best = k if k and better(losses, k, best, least) else best
            if end(k, best, patience):
                break
        return give(k, best)

    return stop


def right(losses, k, best, least):
    return losses[k] < losses[best] - least


def impatient(losses, patience, least):
    """Count the epochs since one that was better than the one before it."""
    best = since = 0
    for k in range(1, len(losses)):
        if losses[k] < losses[k - 1] - least and losses[k] < losses[best]:
            best, since = k, 0
        else:
            since += 1
        if since >= patience:
            break
    return k + 1, best + 1


SLIPS = [
    ("2.1", chosen(rows=False), "Column 11 knows the labels of the test rows"),
    ("2.1", chosen(scale=False), "Column 13 is only large"),
    ("2.1", chosen(size=lambda value: value), "strong negative correlation"),
    ("2.1", chosen(centre=False), "Column 19 is only far from 0"),
    ("2.1", lambda table, labels, rows, k: [3, 7, 17, 20], "got {"),
    ("2.2", lambda n, slope: 2 / ((1 + slope**2) * n), "That is the variance"),
    ("2.2", lambda n, slope: (2 / ((1 + slope) * n)) ** 0.5, "its square multiplies"),
    ("2.2", lambda n, slope: (2 / n) ** 0.5, "plain ReLU"),
    ("2.2", lambda n, slope: (1 / n) ** 0.5, "That is for a line"),
    ("2.2", lambda n, slope: (1 / ((1 + slope**2) * n)) ** 0.5, "where has the ½ gone"),
    ("2.2", lambda n, slope: 0.3, "should be 0.4000, got 0.3000."),
    ("2.3", step("zero", "back"), "No weight has moved"),
    ("2.3", step("back", "zero", "step"), "No weight has moved"),
    ("2.3", step("step", "back"), "No weight has moved"),
    ("2.3", step("back", "step"), "still in .grad"),
    ("2.3", step("zero", "back", "step", "step"), "not by learning rate"),
    ("2.3", summed, "not by learning rate"),
    ("2.3", step("zero", "back", "step", value=lambda before, after: before), "the whole graph behind it"),
    ("2.3", step("zero", "back", "step", value=lambda before, after: after.item()), "loss after the step"),
    ("2.3", step("zero", "back", "step", value=lambda before, after: 0.5), "got 0.5000."),
    ("2.4", stopping(right, give=lambda k, best: (k, best)), "counted from 1"),
    ("2.4", stopping(right, give=lambda k, best: (best + 1, k + 1)), "First the epochs run"),
    ("2.4", stopping(right, give=lambda k, best: (k + 1, k + 1)), "not the last"),
    ("2.4", stopping(lambda losses, k, best, least: losses[k] < losses[best]), "smaller than `least`"),
    (
        "2.4",
        stopping(lambda losses, k, best, least: losses[k] < losses[k - 1] - least),
        "one epoch too late",
    ),
    ("2.4", stopping(lambda losses, k, best, least: losses[k] <= losses[best] - least), "An equal loss"),
    ("2.4", stopping(right, lambda k, best, patience: k - best > patience), "one epoch too late"),
    ("2.4", impatient, "Compare with the best loss"),
]
