"""Every numbered equation of chapter 10 as it stands in the notebook, against our code, torch and SymPy."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import sympy as sp
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from losslab.formulas import attribution, costs
from losslab.learning import models
from losslab.parallel import worker

pytestmark = pytest.mark.trains


def test_equation_10_1_counts_two_operations_forward_and_four_backward(written):
    assert written["10.1"] == r"C = 6\,N\,D"
    N, D = 7e10, 1.4e12
    assert costs.train_flop(N, D) == 6 * N * D
    deep = torch.nn.Sequential(*[torch.nn.Linear(64, 64, bias=False) for _ in range(50)])
    N, D = sum(p.numel() for p in deep.parameters()), 8
    with FlopCounterMode(display=False) as forward:
        y = deep(torch.ones(D, 64))
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    assert forward.get_total_flops() == 2 * N * D
    np.testing.assert_allclose(backward.get_total_flops(), 4 * N * D, rtol=0.011)  # one of 50 layers has no δ


def test_equation_10_2_is_operations_over_devices_and_rate(written):
    assert written["10.2"] == r"T = \frac{C}{n\,r}, \qquad r = u\,r_{\text{peak}}"
    C, n, u, r_peak = 3.14e23, 1024, 0.45, 312e12
    r = u * r_peak
    np.testing.assert_allclose(costs.train_days(C, n, r) * 86_400, C / (n * r), rtol=1e-12)


def test_equation_10_3_is_the_gradient_of_the_whole_batch(written):
    assert written["10.3"] == (r"g = \sum_{r=1}^{n} \frac{B_r}{B}\, g_r, \qquad B = \sum_{r=1}^{n} B_r")
    (x, y), _ = worker.digits("cpu", torch.float64)
    net = models.initialised(models.Net, torch.Generator().manual_seed(1)).double()

    def gradient(a, b):
        slopes = torch.autograd.grad(cross_entropy(net(x[a:b]), y[a:b]), list(net.parameters()))
        return torch.cat([slope.flatten() for slope in slopes]).numpy()

    B_r = [50, 20, 10]
    B, ends = sum(B_r), [0, 50, 70, 80]
    g_r = [gradient(a, b) for a, b in zip(ends, ends[1:], strict=False)]
    g = sum(b / B * one for b, one in zip(B_r, g_r, strict=True))
    np.testing.assert_allclose(costs.average_gradient(g_r, B_r), g, rtol=0, atol=1e-15)
    np.testing.assert_allclose(gradient(0, B), g, rtol=0, atol=1e-13)
    assert costs.average_gradient([[4.0], [10.0]], [2, 1]) == 6  # the chapter's example


def test_equation_10_4_is_the_error_of_the_plain_mean(written):
    """Σ c_r² over the samples, c = 1/(n B_r) − 1/B, times σ²: the shards are dealt at random, Σ c = 0."""
    assert written["10.4"] == (
        r"\sqrt{\overline{\|\hat g - g\|^2}} = \sigma\, "
        r"\sqrt{\frac{1}{n^2} \sum_{r=1}^{n} \frac{1}{B_r} - \frac{1}{B}}"
    )
    sizes = sp.symbols("B1:5", positive=True)
    n, B = 4, sum(sizes)
    squares = sum(b * (1 / (n * b) - 1 / B) ** 2 for b in sizes)
    assert sp.simplify(squares - (sum(1 / b for b in sizes) / n**2 - 1 / B)) == 0

    rng = np.random.default_rng(0)
    g, B_r = rng.normal(0.3, 1, size=(40, 6)), np.array([25, 10, 5])
    sigma = (((g - g.mean(0)) ** 2).sum() / 39) ** 0.5
    right = sigma * np.sqrt((1 / B_r).sum() / 3**2 - 1 / B_r.sum())
    np.testing.assert_allclose(costs.dealt_error(B_r, sigma), right, rtol=1e-12)
    deals = [np.split(rng.permutation(g), [25, 35]) for _ in range(4000)]
    missed = [((np.mean([s.mean(0) for s in shards], 0) - g.mean(0)) ** 2).sum() for shards in deals]
    np.testing.assert_allclose(np.mean(missed) ** 0.5, right, rtol=0.03)
    assert costs.dealt_error([10] * 7, 3.0) < 1e-8


def test_equation_10_5_is_amdahls_law(written):
    assert written["10.5"] == (r"S(n) = \frac{1}{s + (1 - s)/n}, \qquad E(n) = \frac{S(n)}{n}")
    for s in (0.0, 0.05, 0.5, 1.0):
        for n in (1, 2, 64, 1024):
            work = np.concatenate([[s], np.full(n, (1 - s) / n)])  # one alone, then n at once
            S = 1 / (work[0] + work[1:].max())
            np.testing.assert_allclose(costs.speedup(n, s), S, rtol=1e-12)
            np.testing.assert_allclose(costs.efficiency(n, s), S / n, rtol=1e-12)
    s = sp.symbols("s", positive=True)
    assert sp.limit(1 / (s + (1 - s) / sp.symbols("n")), sp.symbols("n"), sp.oo) == 1 / s


def test_equation_10_6_is_what_a_ring_sends(written):
    assert written["10.6"] == r"2\,\frac{n - 1}{n}\, m"
    for n in (2, 3, 8):
        m = 5 * n
        _, sent = costs.ring_all_reduce(np.ones((n, m)))
        assert sent == costs.ring_bytes(m, n) == pytest.approx(2 * (n - 1) / n * m)


def test_equation_10_7_is_what_training_with_adam_holds(written):
    assert written["10.7"] == r"M = (2 + 2 + 12)\,N = 16\,N \text{ bytes}"
    N = 1000
    assert costs.train_memory(N) == (2 + 2 + 12) * N == 16 * N
    master = torch.nn.Parameter(torch.zeros(N))  # as mixed precision keeps it: float32, with Adam's states
    adam = torch.optim.Adam([master])
    master.grad = torch.ones(N)
    adam.step()
    states = sum(adam.state[master][name].nbytes for name in ("exp_avg", "exp_avg_sq"))
    half = torch.zeros(N, dtype=torch.bfloat16)
    assert (half.nbytes, half.nbytes, master.nbytes + states) == (2 * N, 2 * N, 12 * N)
    assert tuple(costs.STATES["mixed"].values()) == (2, 2, 12)


def test_equation_10_8_is_the_shapley_value(written):
    assert written["10.8"] == (
        r"\varphi_i = \sum_{S \not\ni i} \frac{|S|!\,(n - |S| - 1)!}{n!} "
        r"\bigl( f(S \cup \{i\}) - f(S) \bigr), \qquad \sum_{i} \varphi_i = f(x) - f(x')"
    )
    n, rng = 5, np.random.default_rng(0)
    x, base = rng.normal(size=(2, n))
    model = lambda v: np.tanh(v[..., 0] * v[..., 1]) + v[..., 2] ** 2 * v[..., 3] - v[..., 4]  # noqa: E731
    f = lambda S: model(np.where(np.isin(np.arange(n), list(S)), x, base))  # noqa: E731
    phi = []
    for i in range(n):
        sets = [S for k in range(n) for S in combinations([j for j in range(n) if j != i], k)]
        weight = [factorial(len(S)) * factorial(n - len(S) - 1) / factorial(n) for S in sets]
        np.testing.assert_allclose(sum(weight), 1, rtol=1e-12)
        phi.append(sum(w * (f((*S, i)) - f(S)) for w, S in zip(weight, sets, strict=True)))
    np.testing.assert_allclose(attribution.shapley(model, x, base), phi, rtol=1e-12)
    np.testing.assert_allclose(sum(phi), model(x) - model(base), rtol=1e-12)
