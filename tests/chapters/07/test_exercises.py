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


def scored(accuracy, margin=lambda a, n: 1.96 * (a * (1 - a) / n) ** 0.5, axis=1):
    """An answer to 7.4 that returns accuracy(right, n) and margin(a, n)."""

    def score(logits, labels):
        n, right = len(labels), (logits.argmax(axis)[: len(labels)] == labels).sum().item()
        return accuracy(right, n), margin(right / n, n)

    return score


def share(right, n):
    return right / n


def solved(share_of_steps=lambda N, B1, B2: math.ceil(N / B1) - math.ceil(N / B2), swap=False):
    """An answer to 7.6 that divides the difference of the times by what it takes for that of the steps."""

    def costs(N, B1, T1, B2, T2):
        c = (T1 - T2) / share_of_steps(N, B1, B2)
        s = (T1 - math.ceil(N / B1) * c) / N
        return (s, c) if swap else (c, s)

    return costs


def averaged(start=lambda w: w[0], first=1, keep=lambda beta: beta):
    """An answer to 7.7 with another start, or another factor."""

    def average(w, beta):
        mean = start(w)
        for w_t in w[first:]:
            mean = keep(beta) * mean + (1 - keep(beta)) * w_t
        return mean

    return average


def price_of_all_images(N, B1, T1, B2, T2):
    c, s = solved()(N, B1, T1, B2, T2)
    return c, N * s


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
    ("7.4", scored(share, lambda a, n: 3.92 * (a * (1 - a) / n) ** 0.5), "the whole width"),
    ("7.4", scored(share, lambda a, n: 1.96 * (a * (1 - a)) ** 0.5), "does not shrink"),
    ("7.4", scored(share, lambda a, n: (a * (1 - a) / n) ** 0.5), "one standard error"),
    ("7.4", scored(share, lambda a, n: 0.01), "Put numbers into"),
    ("7.5", lambda p, k: 1 / (p + (1 - p) / k), "made the other part faster"),
    ("7.5", lambda p, k: 1 - p + p / k, "the time that is left"),
    ("7.5", lambda p, k: k, "Only a share p"),
    ("7.5", lambda p, k: 1 + p * (k - 1), "Times add up, speeds do not"),
    ("7.5", lambda p, k: 4.0, "speed_up(0.75, 2) should be 1.6, got 4"),
    ("7.6", solved(swap=True), "the other way round"),
    ("7.6", solved(lambda N, B1, B2: 1), "difference of the numbers of steps"),
    ("7.6", solved(lambda N, B1, B2: N / B1 - N / B2), "round the number of steps up"),
    ("7.6", price_of_all_images, "and divide by N"),
    ("7.6", lambda N, B1, T1, B2, T2: (0.0, T1 / N), "Subtract the two times"),
    ("7.7", averaged(torch.zeros_like), "has the shape of one row, (3,), got (2, 3)"),
    ("7.7", averaged(lambda w: torch.zeros_like(w[0]), first=0), "Start with the first row, not with zeros"),
    ("7.7", averaged(keep=lambda beta: 1 - beta), "Beta is what is kept"),
    ("7.7", lambda w, beta: w.mean(0), "That is the plain mean"),
    ("7.7", lambda w, beta: w[-1], "That is the last row"),
    ("7.7", lambda w, beta: w[0], "With 2 rows and beta 0.9 it should be"),
    ("7.4", lambda logits, labels: ((logits.argmax(0) == labels).float().mean(), 0), "raised RuntimeError"),
]
