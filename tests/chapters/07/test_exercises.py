"""The checkers of chapter 7: the usual slips are refused, each with its own hint."""

import math

import torch


def layers(formula):
    return lambda widths: sum(formula(a, b) for a, b in zip(widths, widths[1:], strict=False))


def scaled(constants):
    """An answer to 7.3 that scales each set with `constants(this set, train, test)`."""

    def prepare(train, test):
        sets = []
        for x in (train, test):
            mean, std = constants(x / 255, train / 255, test / 255)
            sets.append((x / 255 - mean) / std)
        return tuple(sets)

    return prepare


def both(x, train, test):
    pixels = torch.cat([train, test])
    return pixels.mean(), pixels.std()


def wilson(a, n, root=1.96, scale=True):
    half = root * (a * (1 - a) / n + 0.96 / n**2) ** 0.5
    divisor = 1 + 3.84 / n if scale else 1
    return (a + 1.92 / n - half) / divisor, (a + 1.92 / n + half) / divisor


def textbook(a, n):
    half = 1.96 * (a * (1 - a) / n) ** 0.5
    return a - half, a + half


def scored(accuracy, ends=wilson, axis=1):
    """An answer to 7.4 that returns accuracy(right, n) and the two of ends(a, n)."""

    def score(logits, labels):
        n, right = len(labels), (logits.argmax(axis)[: len(labels)] == labels).sum().item()
        return accuracy(right, n), *ends(right / n, n)

    return score


def share(right, n):
    return right / n


FLOOR = math.log(1 + 9 / math.e)
SLIPS = [
    ("7.1", layers(lambda a, b: a * b), "also has a bias"),
    ("7.1", layers(lambda a, b: a * (b + 1)), "one bias per neuron, not one per input"),
    ("7.1", lambda widths: layers(lambda a, b: a * b)(widths) + sum(widths), "no neurons"),
    ("7.1", lambda widths: 242762, "count the one you are given"),
    ("7.1", sum, "should be 242,762, got 1,242"),
    ("7.2", lambda K: (0.0, math.inf), "Zero needs an infinite logit"),
    ("7.2", lambda K: (math.log(math.e + K - 1) - 1, math.inf), "Infinity needs an infinite logit"),
    ("7.2", lambda K: (math.log(K), 1.0), "loss of equal probabilities"),
    ("7.2", lambda K: (math.log(math.e + K - 1) - 1, math.log(K)), "loss of equal probabilities"),
    ("7.2", lambda K: (math.log(math.e + K - 1), math.log(math.e + K - 1) - 1), "the other end"),
    ("7.2", lambda K: (FLOOR, FLOOR + 1), "use K"),
    ("7.2", lambda K: (1.0, 2.0), "the lowest loss is not 1.0000"),
    ("7.3", scaled(lambda x, train, test: (x.mean(), x.std())), "its own constants"),
    ("7.3", scaled(both), "leaked"),
    ("7.3", scaled(lambda x, train, test: (0.5, 0.5)), "measure the constants"),
    ("7.3", scaled(lambda x, train, test: (test.mean(), test.std())), "Your training images have mean"),
    ("7.3", lambda train, test: (scaled(both)(train, train)[0], test / 255), "must be scaled as well"),
    ("7.3", lambda train, test: (scaled(both)(train, train)[0], test - 100), "Your test images have mean"),
    (
        "7.3",
        lambda train, test: (train.flatten() / 255, test / 255),
        "The training images came",
    ),
    ("7.3", lambda train, test: (scaled(both)(train, train)[0], test[0]), "The test images came"),
    ("7.4", scored(lambda right, n: right), "number of right answers"),
    ("7.4", scored(lambda right, n: 100 * right / n), "a percentage"),
    ("7.4", scored(lambda right, n: 1 - right / n), "share of mistakes"),
    ("7.4", scored(lambda right, n: right / 10_000), "not by 10000"),
    ("7.4", scored(lambda right, n: 0.123), "argmax along axis 1"),
    ("7.4", scored(share, textbook), "which (7.7) replaces"),
    ("7.4", scored(share, lambda a, n: wilson(a, n)[::-1]), "Low comes before high"),
    ("7.4", scored(share, lambda a, n: wilson(a, n, scale=False)), "Divide by"),
    ("7.4", scored(share, lambda a, n: wilson(a, n, root=1)), "one standard error"),
    ("7.4", scored(share, lambda a, n: (0.1, 0.2)), "Put numbers into"),
    (
        "7.4",
        lambda logits, labels: ((logits.argmax(0) == labels).float().mean(), 0, 0),
        "raised RuntimeError",
    ),
]
