"""The exercises of chapter 10: the usual slips each get their own hint."""

from itertools import combinations, permutations

import numpy as np


def days(P, D, G, peak, mfu):
    return 6 * P * D / (G * mfu * peak) / 86_400


def combine(gradients, sizes):
    return sizes @ gradients / sizes.sum()


def largest(bytes_per_parameter):
    return lambda room, G, stage: room / bytes_per_parameter(G)[stage]


def whole(G):
    return {0: 16, 1: 4 + 12 / G, 3: 16 / G}


def by_orders(take):
    """Shapley values over the orders in `take` (all of them, some, …), averaged."""

    def fair_shares(f, n):
        orders, psi = list(take(n)), np.zeros(n)
        for order in orders:
            for k, i in enumerate(order):
                psi[i] += f(frozenset(order[: k + 1])) - f(frozenset(order[:k]))
        return psi / len(orders)

    return fair_shares


def all_orders(n):
    return permutations(range(n))


def banzhaf(f, n):
    def mean(i):
        others = [j for j in range(n) if j != i]
        sets = [frozenset(S) for k in range(n) for S in combinations(others, k)]
        return np.mean([f(S | {i}) - f(S) for S in sets])

    return [mean(i) for i in range(n)]


RIGHT = [
    ("10.1", days),
    ("10.2", combine),
    ("10.3", largest(whole)),
    ("10.4", by_orders(all_orders)),
]
SLIPS = [
    ("10.1", lambda *a: days(*a) * 86_400, "a day has 86,400"),
    ("10.1", lambda *a: days(*a) * 24, "Those are hours"),
    ("10.1", lambda *a: days(*a) / 3, "the forward pass alone"),
    ("10.1", lambda *a: days(*a) * 2 / 3, "the backward pass alone"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, G, peak, 1), "what the peak would give"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, G, peak, 1 / mfu), "it belongs below the line"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, 1, peak, mfu), "G of them share the work"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, 1 / G, peak, mfu), "G belongs below the line"),
    ("10.1", lambda *a: 8 / 6 * days(*a), "it should be 2.17, got 2.894"),
    ("10.2", lambda g, s: g.mean(0), "counts as much as one with 60"),
    ("10.2", lambda g, s: g.sum(0), "the plain sum"),
    ("10.2", lambda g, s: s @ g, "not divided by the number of all samples"),
    ("10.2", lambda g, s: s @ g / len(s), "divided by the number of processes"),
    ("10.2", lambda g, s: (1 / s) @ g / (1 / s).sum(), "upside down"),
    ("10.2", lambda g, s: g.mean(1), "yours has the shape (3,)"),
    ("10.2", lambda g, s: combine(g, s**0.5), "It should begin with"),
    ("10.3", largest(lambda G: {0: 2, 1: 2, 3: 2}), "Stage 0: 2 bytes per parameter are the weights alone"),
    ("10.3", largest(lambda G: {0: 4, 1: 4, 3: 4}), "forget Adam's 12"),
    ("10.3", largest(lambda G: {0: 12, 1: 12, 3: 12}), "a precise copy of the weights: 12 bytes"),
    ("10.3", largest(lambda G: {0: 16 / G}), "more devices do not help"),
    ("10.3", lambda room, G, stage: 16 * room, "not how many parameters fit"),
    ("10.3", largest(lambda G: {0: 16, 1: 16}), "Stage 1: 16 bytes is what stage 0 needs"),
    ("10.3", largest(lambda G: {0: 16, 1: 16 / G}), "In stage 1 weights and gradients stay whole"),
    ("10.3", largest(lambda G: {0: 16, 1: 4 + 8 / G}), "Stage 1: Adam's two averages are kept"),
    (
        "10.3",
        largest(lambda G: {0: 16, 1: 4 + 12 / G, 3: 4 + 12 / G}),
        "Stage 3: In stage 3 all 16 bytes are split",
    ),
    ("10.3", largest(lambda G: {0: 16, 1: 4 + 12 / G, 3: 16}), "Stage 3: 16 bytes is what stage 0 needs"),
    ("10.3", largest(lambda G: {0: 17}), "it should be 5e+09, got 4.706e+09"),
    (
        "10.4",
        lambda f, n: [f(frozenset(range(n))) - f(frozenset(range(n)) - {i}) for i in range(n)],
        "as the last",
    ),
    ("10.4", lambda f, n: [f(frozenset({i})) - f(frozenset()) for i in range(n)], "as the first"),
    ("10.4", lambda f, n: 24 * by_orders(all_orders)(f, n), "the sum over all orders"),
    ("10.4", banzhaf, "the mean over all sets alike"),
    ("10.4", by_orders(lambda n: [tuple(range(n))]), "one order only"),
    ("10.4", by_orders(lambda n: list(all_orders(n))[:10]), "the first should get"),
    ("10.4", lambda f, n: [0.0] * (n - 1), "got shape (3,)"),
]
