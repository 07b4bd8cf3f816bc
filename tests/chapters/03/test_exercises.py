"""The checkers of chapter 3: the usual slips are refused, each with its own hint."""

import re

import numpy as np
import pytest
import torch
from torch.nn import functional

pytestmark = pytest.mark.trains

ANSWERS = {"3.1": "log_sum_exp", "3.2": "binary_from_logits", "3.3": "kl", "3.4": "label_floor"}


@pytest.fixture(scope="module")
def solution(cells):
    """The printed solution of an exercise, as the function it defines."""

    def find(number):
        names = {}
        exec(cells["setup"], names)
        text = cells[f"solution-{number.replace('.', '-')}"]
        exec(re.search(r"```python\n(.*?)```", text, re.S)[1], names)
        return names[ANSWERS[number]]

    return find


def test_printed_solutions_are_torchs(solution):
    rng = np.random.default_rng(0)
    z, y = rng.normal(scale=9, size=(2, 8)), np.eye(8)[3]
    T = torch.tensor
    np.testing.assert_allclose(solution("3.1")(z[0]), T(z[0]).logsumexp(0).item())
    by_torch = functional.binary_cross_entropy_with_logits(T(z[0]), T(y)).item()
    np.testing.assert_allclose(solution("3.2")(z[0], y), by_torch)
    p, q = rng.dirichlet(np.ones(8), size=2)
    p[2] = 0
    by_torch = functional.kl_div(T(q).log(), T(p), reduction="sum").item()
    np.testing.assert_allclose(solution("3.3")(p, q), by_torch)


@pytest.mark.parametrize(("eps", "K"), [(0.1, 10), (0.3, 4), (0.9, 2)])
def test_the_floor_of_careless_labels_is_that_of_label_smoothing(solution, eps, K):
    """As the solution says; and gradient descent on such labels goes there and no lower."""
    z = torch.zeros(1, K, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([z], max_iter=200, tolerance_grad=1e-12)

    def loss():
        optimiser.zero_grad()
        value = functional.cross_entropy(z, torch.tensor([0]), label_smoothing=eps)
        value.backward()
        return value

    optimiser.step(loss)
    floor = solution("3.4")(eps, K)
    np.testing.assert_allclose(loss().item(), floor, rtol=1e-9)
    right = np.arange(20_000) % K
    labels = np.where(
        np.random.default_rng(1).random(20_000) < eps,
        np.random.default_rng(2).integers(K, size=20_000),
        right,
    )
    model = z.detach()[0][
        (torch.arange(K) - torch.tensor(right)[:, None]) % K
    ]  # the best model, for each image
    assert functional.cross_entropy(model, torch.tensor(labels)).item() == pytest.approx(floor, rel=0.05)


def naive(z):
    return np.log(np.exp(z).sum())


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def plain(z, y):
    p = sigmoid(z)
    return (-y * np.log(p) - (1 - y) * np.log(1 - p)).mean()


def clipped(z, y):
    p = np.clip(sigmoid(z), 1e-12, 1 - 1e-12)
    return (-y * np.log(p) - (1 - y) * np.log(1 - p)).mean()


def price(z, y):
    return np.logaddexp(0, z) - y * z


def entropy(p):
    return -sum(a * np.log(a) for a in p if a > 0)


def entropy_apart(p, q):
    return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def shares(eps, K):
    return np.array([1 - eps + eps / K] + [eps / K] * (K - 1))


SLIPS = [
    ("3.1", naive, "exp(1000) is infinite"),
    ("3.1", lambda z: np.log(np.exp(z - 1000).sum()) + 1000, "not by a fixed number"),
    ("3.1", lambda z: naive(z - z.max()), "give it back"),
    ("3.1", lambda z: z.max(), "the others count"),
    ("3.1", lambda z: np.log(np.exp(z).mean()), "You took the mean"),
    ("3.1", lambda z: np.log2(np.exp(z).sum()), "to base 2"),
    ("3.1", lambda z: z - naive(z), "got an array of shape (3,)"),
    ("3.1", lambda z: 0.5, "it should be 2.23954, got 0.5."),
    ("3.2", plain, "simplify −log sigmoid(z) first"),
    ("3.2", clipped, "Clipping"),
    ("3.2", lambda z, y: price(z, y).sum(), "divide by the number"),
    ("3.2", lambda z, y: -price(z, y).mean(), "where is the minus"),
    ("3.2", lambda z, y: (y * np.logaddexp(0, -z)).mean(), "a no costs nothing"),
    ("3.2", lambda z, y: price(z, 1 - y).mean(), "swapped"),
    ("3.2", lambda z, y: np.logaddexp(0, z).mean(), "as if every answer were no"),
    ("3.2", price, "got an array of shape (3,)"),
    ("3.2", lambda z, y: 0.1, "got 0.1."),
    ("3.3", lambda p, q: (p * np.log(p / q)).sum(), "0 · log 0 is nan"),
    ("3.3", lambda p, q: (q * np.log(q / p)).sum(), "p* and p are swapped"),
    ("3.3", lambda p, q: -(p * np.log(q)).sum(), "the entropy H(p*) must come off"),
    ("3.3", lambda p, q: (p * np.log(q / p)).sum(), "never negative"),
    ("3.3", lambda p, q: (p * np.log2(p / q)).sum(), "in bits"),
    ("3.3", lambda p, q: p * np.log(p / q), "got shape (3,)"),
    ("3.3", lambda p, q: (p * np.log((p + 1e-12) / (q + 1e-12))).sum(), "half of the time"),
    (
        "3.3",
        lambda p, q: entropy(p) if (p == 0).any() else -entropy(p) - (p * np.log(q)).sum(),
        "should be 0.6931",
    ),
    (
        "3.3",
        lambda p, q: np.inf if (p == 0).any() else -entropy(p) - (p * np.log(q)).sum(),
        "Only where p* > 0",
    ),
    ("3.3", lambda p, q: np.inf if (q == 0).any() else entropy_apart(p, q), "Only where p* > 0"),
    ("3.4", lambda eps, K: entropy([1 - eps] + [eps / (K - 1)] * (K - 1)), "may be the right one"),
    ("3.4", lambda eps, K: -np.log(1 - eps + eps / K), "the others cost, too"),
    ("3.4", lambda eps, K: 0.0, "Nobody can foresee"),
    ("3.4", lambda eps, K: np.log(1 + (K - 1) / np.e), "another matter"),
    ("3.4", lambda eps, K: entropy([1 - eps + eps / K, eps - eps / K]), "there are K − 1"),
    ("3.4", lambda eps, K: entropy(shares(eps, K)) / np.log(2), "in bits"),
    ("3.4", lambda eps, K: -(shares(eps, K) * np.log(shares(eps, K))).sum(), "leave out"),
    ("3.4", lambda eps, K: eps, "the floor is 0.5003, got 0.1000."),
    (
        "3.4",
        lambda eps, K: -sum(p * np.log(p) for p in shares(eps, K)) if eps else 1.0,
        "With ε = 0 and K = 3 the floor is 0.0000, got",
    ),
]
