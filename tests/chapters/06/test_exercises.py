"""The exercises of chapter 6: the usual slips each get their own hint."""

import numpy as np


def steps(tol, alpha, x, y):
    """The real-valued bound of (6.8)."""
    return np.log(tol / abs(y / x)) / np.log(abs(1 - 2 * alpha * x**2))


def hessian(x):
    return 2 * np.array([[(x**2).mean(), x.mean()], [x.mean(), 1]])


def residual(w, b, x, y):
    return y - w * x - b


def both(w, b, x, y, scale=-2):
    r = residual(w, b, x, y)
    return scale * (x * r).mean(), scale * r.mean()


SLIPS = [  # exercise, wrong answer, what its hint must say
    ("6.1", 0.04, "stability limit"),
    ("6.1", 0.1, "forgets one of the two x"),
    ("6.1", 0.2, "a slope, not a rate"),
    ("6.1", 0.125, "answer for x = 2"),
    ("6.1", 0.03, "by -0.5; it should be 0"),
    ("6.1", "0.02", "this is a str"),
    ("6.2", lambda *a: max(0, int(np.floor(steps(*a)))), "round up"),
    ("6.2", lambda *a: steps(*a), "Steps are whole"),
    ("6.2", lambda *a: int(np.ceil(steps(*a))), "close enough already"),
    ("6.2", lambda t, a, x, y: int(np.ceil(np.log(t) / np.log(1 - 2 * a * x**2))), "not at 1"),
    ("6.2", lambda t, a, x, y: int(np.ceil(steps(t, a, x, y**2 * x) / 2)), "the distance |w − y/x| is asked"),
    ("6.2", lambda t, a, x, y: np.ceil(np.log(t / abs(y / x)) / np.log(1 - 2 * a * x**2)), "logarithm"),
    (
        "6.2",
        lambda t, a, x, y: int(np.ceil(np.log(t / (y / x)) / np.log(abs(1 - 2 * a * x**2)))),
        "(0.01, 0.05, -2, 3) takes",
    ),
    ("6.2", lambda *a: 40, "(6.8) by hand"),
    (
        "6.2",
        lambda *a: max(0, int(np.ceil(steps(*a)))),
        "(0.001, 0.125, 2, 3) should be 1, got 0. There ρ is 0",
    ),
    (
        "6.2",
        lambda *a: 1 if (1 - 2 * a[1] * a[2] ** 2) == 0 else max(0, int(np.ceil(steps(*a)))),
        "close enough already",
    ),
    ("6.3", lambda *a: both(*a, scale=2), "The sign"),
    ("6.3", lambda *a: both(*a, scale=-10), "The mean: this is the gradient of the sum over the 5 points"),
    ("6.3", lambda *a: both(*a, scale=-1), "factor 2"),
    ("6.3", lambda *a: both(*a, scale=10), "sign and the mean"),
    ("6.3", lambda *a: (both(*a)[1], both(*a)[1]), "Inner derivative"),
    ("6.3", lambda *a: (2 * residual(*a).mean(),) * 2, "As in the article"),
    ("6.3", lambda *a: both(*a)[::-1], "∂ℒ/∂b first"),
    ("6.3", lambda *a: (both(*a)[0], both(*a)[0]), "no xᵢ in ∂ℒ/∂b"),
    ("6.3", lambda *a: (both(*a)[0], 0.0), "∂ℒ/∂b is wrong"),
    ("6.3", lambda *a: (0.0, both(*a)[1]), "∂ℒ/∂w is wrong"),
    ("6.3", lambda w, b, x, y: residual(w, b, x, y), "shape (5,)"),
    ("6.4", lambda x: 1 / (x**2).mean(), "without bias"),
    ("6.4", lambda x: 1 / np.linalg.eigvalsh(hessian(x)).max(), "lands in one step"),
    ("6.4", lambda x: 2 / np.linalg.eigvalsh(hessian(x)).min(), "flattest direction"),
    (
        "6.4",
        lambda x: 2 / np.linalg.eigvalsh(len(x) * hessian(x)).max(),
        "mean is missing",
    ),
    ("6.4", lambda x: 4 / np.linalg.eigvalsh(hessian(x)).max(), "2 from the square"),
    ("6.4", lambda x: 0.5, "diverges at it"),
    ("6.4", lambda x: 0.001, "still converges a little above it"),
]
