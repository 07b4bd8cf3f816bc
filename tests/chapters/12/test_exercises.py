"""The exercises of chapter 12: the usual slips each get their own hint."""

from itertools import combinations, permutations

import numpy as np


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


def along(etas, times=lambda x, baseline: x - baseline, start=lambda baseline: baseline):
    """Integrated gradients at chosen places of the way."""

    def integrated(gradient, x, baseline, steps):
        points = [start(baseline) + eta * (x - start(baseline)) for eta in etas(steps)]
        return times(x, baseline) * np.mean([gradient(point) for point in points], axis=0)

    return integrated


def middles(steps):
    return (np.arange(steps) + 0.5) / steps


def vectorised(gradient, x, baseline, steps):
    return (x - baseline) * gradient(baseline + middles(steps)[:, None] * (x - baseline)).mean(0)


def normal_equations(on, values, weights):
    columns = np.column_stack([np.ones(len(on)), on])
    return np.linalg.solve(columns.T @ (weights[:, None] * columns), columns.T @ (weights * values))[1:]


def line(b, root, n=slice(1, None)):
    """A least-squares line with a column for b and factors for the samples."""

    def line_nearby(on, values, weights):
        k = root(weights)
        return np.linalg.lstsq(np.column_stack([b(weights), k[:, None] * on]), k * values)[0][n]

    return line_nearby


def no_b(on, values, weights):
    root = np.sqrt(weights)
    return np.linalg.lstsq(root[:, None] * on, root * values)[0]


def deleted(sort=lambda psi: np.argsort(-psi), stages=slice(None), off=lambda baseline: baseline):
    """The mean of f over stages of a deletion."""

    def mean(f, x, baseline, psi):
        now, values = x.copy(), [f(x)]
        for i in sort(psi):
            now[i] = off(baseline)[i]
            values.append(f(now))
        return np.mean(values[stages])

    return mean


def one_at_a_time(f, x, baseline, psi):
    return np.mean([f(x), *[f(np.where(np.arange(len(x)) == i, baseline, x)) for i in range(len(x))]])


def in_place(f, x, baseline, psi):
    values = [f(x)]
    for i in np.argsort(-psi):
        x[i] = baseline[i]
        values.append(f(x))
    return np.mean(values)


RIGHT = [
    ("12.1", by_orders(all_orders)),
    ("12.2", along(middles)),
    ("12.2", vectorised),
    ("12.3", line(np.sqrt, np.sqrt)),
    ("12.3", normal_equations),
    ("12.4", deleted()),
]
SLIPS = [
    (
        "12.1",
        lambda f, n: [f(frozenset(range(n))) - f(frozenset(range(n)) - {i}) for i in range(n)],
        "as the last",
    ),
    ("12.1", lambda f, n: [f(frozenset({i})) - f(frozenset()) for i in range(n)], "as the first"),
    ("12.1", lambda f, n: 24 * by_orders(all_orders)(f, n), "the sum over all orders"),
    ("12.1", banzhaf, "the mean over all sets alike"),
    ("12.1", by_orders(lambda n: [tuple(range(n))]), "one order only"),
    ("12.1", by_orders(lambda n: list(all_orders(n))[:10]), "the first should get"),
    ("12.1", lambda f, n: [0.0] * (n - 1), "got shape (3,)"),
    ("12.2", along(middles, lambda x, baseline: 1), "still has to be multiplied"),
    ("12.2", along(middles, lambda x, baseline: x), "not by x"),
    ("12.2", along(lambda steps: np.arange(steps) / steps), "begins; take its middle"),
    ("12.2", along(lambda steps: (np.arange(steps) + 1) / steps), "ends; take its middle"),
    ("12.2", along(lambda steps: np.linspace(0, 1, steps)), "both included"),
    ("12.2", along(lambda steps: [1.0]), "the gradient at x alone"),
    ("12.2", lambda *a: a[3] * along(middles)(*a), "not the mean"),
    ("12.2", along(middles, start=lambda baseline: 0), "not at 0"),
    ("12.2", lambda *a: -along(middles)(*a), "They should sum to"),
    ("12.2", lambda gradient, x, baseline, steps: x[:2], "got shape (2,)"),
    ("12.3", line(np.sqrt, np.sqrt, slice(None)), "return the 4 coefficients alone"),
    ("12.3", line(np.ones_like, np.ones_like), "not used"),
    ("12.3", line(np.array, np.array), "count twice"),
    ("12.3", no_b, "b is missing"),
    ("12.3", line(np.ones_like, np.sqrt), "column of ones"),
    ("12.3", lambda *a: -normal_equations(*a), "The first coefficient should be"),
    ("12.3", lambda on, values, weights: on[0, :3], "got shape (3,)"),
    ("12.4", one_at_a_time, "stays there"),
    ("12.4", deleted(np.argsort), "smallest value first"),
    ("12.4", deleted(lambda psi: np.argsort(-np.abs(psi))), "absolute"),
    ("12.4", deleted(stages=slice(1, None)), "The untouched x"),
    ("12.4", deleted(stages=slice(None, -1)), "The baseline, with all inputs set"),
    ("12.4", deleted(stages=slice(-1, None)), "at the end alone"),
    ("12.4", deleted(off=np.zeros_like), "not to 0"),
    ("12.4", in_place, "x itself was changed"),
    ("12.4", lambda *a: 2 * deleted()(*a), "It should be"),
]
