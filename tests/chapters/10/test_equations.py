"""Every numbered equation of chapter 10 as it stands in the notebook, against our code, torch and SymPy."""

import numpy as np
import pytest
import sympy as sp
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from losslab.formulas import costs
from losslab.learning import models
from losslab.parallel import worker

pytestmark = pytest.mark.trains


def test_equation_10_1_counts_two_operations_forward_and_four_backward(written):
    assert written["10.1"] == r"\text{operations} = 6\,P\,D"
    P, D = 7e10, 1.4e12
    assert costs.train_flop(P, D) == 6 * P * D
    deep = torch.nn.Sequential(*[torch.nn.Linear(64, 64, bias=False) for _ in range(50)])
    P, D = sum(p.numel() for p in deep.parameters()), 8
    with FlopCounterMode(display=False) as forward:
        y = deep(torch.ones(D, 64))
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    assert forward.get_total_flops() == 2 * P * D
    np.testing.assert_allclose(backward.get_total_flops(), 4 * P * D, rtol=0.011)  # one of 50 layers has no δ


def test_equation_10_2_is_operations_over_devices_and_rate(written):
    assert written["10.2"] == (
        r"\text{time} = \frac{6\,P\,D}{G\,R}, \qquad R = \text{MFU} \cdot R_{\text{peak}}"
    )
    P, D, G, mfu, R_peak = 174.6e9, 300e9, 1024, 0.45, 312e12
    R = mfu * R_peak
    days = costs.train_days(costs.train_flop(P, D), G, R)
    np.testing.assert_allclose(days * 86_400, 6 * P * D / (G * R), rtol=1e-12)


def test_equation_10_3_is_the_gradient_of_the_whole_batch(written):
    assert written["10.3"] == (r"g = \sum_{i=1}^{G} \frac{B_i}{B}\, g_i, \qquad B = \sum_{i=1}^{G} B_i")
    (x, y), _ = worker.digits("cpu", torch.float64)
    net = models.initialised(models.Net, torch.Generator().manual_seed(1)).double()

    def gradient(a, b):
        parts = torch.autograd.grad(cross_entropy(net(x[a:b]), y[a:b]), list(net.parameters()))
        return torch.cat([part.flatten() for part in parts]).numpy()

    B_i = [50, 20, 10]
    B, ends = sum(B_i), [0, 50, 70, 80]
    g_i = [gradient(a, b) for a, b in zip(ends, ends[1:], strict=False)]
    g = sum(b / B * one for b, one in zip(B_i, g_i, strict=True))
    np.testing.assert_allclose(costs.average_gradient(g_i, B_i), g, rtol=0, atol=1e-15)
    np.testing.assert_allclose(gradient(0, B), g, rtol=0, atol=1e-13)
    assert costs.average_gradient([[4.0], [10.0]], [2, 1]) == 6  # the chapter's example


def test_equation_10_4_is_the_error_of_the_plain_mean(written):
    """Σ c² over the samples, c = 1/(G B_i) − 1/B, times σ²: the samples are dealt at random, Σ c = 0."""
    assert written["10.4"] == (
        r"\sqrt{\overline{\|\hat g - g\|^2}} = \sigma\, "
        r"\sqrt{\frac{1}{G^2} \sum_{i=1}^{G} \frac{1}{B_i} - \frac{1}{B}}"
    )
    sizes = sp.symbols("B1:5", positive=True)
    G, B = 4, sum(sizes)
    surplus = [1 / (G * b) - 1 / B for b in sizes]
    assert sp.simplify(sum(b * c for b, c in zip(sizes, surplus, strict=True))) == 0
    squares = sum(b * c**2 for b, c in zip(sizes, surplus, strict=True))
    assert sp.simplify(squares - (sum(1 / b for b in sizes) / G**2 - 1 / B)) == 0

    rng = np.random.default_rng(0)
    g, B_i = rng.normal(0.3, 1, size=(40, 6)), np.array([25, 10, 5])
    sigma = (((g - g.mean(0)) ** 2).sum() / 39) ** 0.5
    right = sigma * np.sqrt((1 / B_i).sum() / 3**2 - 1 / B_i.sum())
    np.testing.assert_allclose(costs.dealt_error(B_i, sigma), right, rtol=1e-12)
    deals = [np.split(rng.permutation(g), [25, 35]) for _ in range(4000)]
    missed = [((np.mean([s.mean(0) for s in shards], 0) - g.mean(0)) ** 2).sum() for shards in deals]
    np.testing.assert_allclose(np.mean(missed) ** 0.5, right, rtol=0.03)
    assert costs.dealt_error([10] * 7, 3.0) < 1e-8


def test_equation_10_4_by_hand():
    gradients = np.array([3.0, 5.0, 10.0])
    plain = [(gradients[k] + np.delete(gradients, k).mean()) / 2 for k in range(3)]  # k has a device alone
    np.testing.assert_allclose(plain, [5.25, 5.75, 7])
    assert gradients.var(ddof=1) == 13
    np.testing.assert_allclose(np.mean((np.array(plain) - 6) ** 2), 13 / 24, rtol=1e-12)
    np.testing.assert_allclose(costs.dealt_error([2, 1], 13**0.5) ** 2, 13 / 24, rtol=1e-12)


def test_equation_10_5_is_amdahls_law(written):
    assert written["10.5"] == r"\text{speed-up} = \frac{1}{1 - q + q/G}"
    for q in (0.0, 0.5, 0.95, 1.0):
        for G in (1, 2, 64, 1024):
            work = np.concatenate([[1 - q], np.full(G, q / G)])  # one alone, then G at once
            np.testing.assert_allclose(costs.amdahl(G, q), 1 / (work[0] + work[1:].max()), rtol=1e-12)
    q, G = sp.symbols("q G", positive=True)
    assert sp.limit(1 / (1 - q + q / G), G, sp.oo) == 1 / (1 - q)
    assert costs.amdahl(2, 0.5) == pytest.approx(4 / 3)


def test_equation_10_6_is_gustafsons_law(written):
    assert written["10.6"] == r"\text{speed-up} = 1 - q + q\,G"
    for q in (0.0, 0.5, 0.95, 1.0):
        for G in (1, 2, 64, 1024):
            done = (1 - q) + G * q  # in the time of one step on one device: every device splits off its own q
            np.testing.assert_allclose(costs.gustafson(G, q), done, rtol=1e-12)
            alone = done  # how long one device would take for all that
            np.testing.assert_allclose(costs.amdahl(G, q * G / alone), alone, rtol=1e-12)  # Amdahl agrees
    assert costs.gustafson(2, 0.5) == 1.5


def test_equation_10_7_is_what_a_ring_sends(written):
    assert written["10.7"] == r"\text{sent} = 2\,\frac{G - 1}{G} \cdot \text{message}"
    for G in (2, 3, 8):
        message = 5 * G
        _, sent = costs.ring_all_reduce(np.ones((G, message)))
        assert sent == costs.ring_bytes(message, G) == pytest.approx(2 * (G - 1) / G * message)


def test_equation_10_8_is_what_training_with_adam_holds(written):
    assert written["10.8"] == r"\text{memory} = (2 + 2 + 12)\,P = 16\,P \text{ bytes}"
    P = 1000
    assert costs.train_memory(P) == (2 + 2 + 12) * P == 16 * P
    master = torch.nn.Parameter(torch.zeros(P))  # as mixed precision keeps it: float32, with Adam's states
    adam = torch.optim.Adam([master])
    master.grad = torch.ones(P)
    adam.step()
    states = sum(adam.state[master][name].nbytes for name in ("exp_avg", "exp_avg_sq"))
    half = torch.zeros(P, dtype=torch.bfloat16)
    assert (half.nbytes, half.nbytes, master.nbytes + states) == (2 * P, 2 * P, 12 * P)
    assert tuple(costs.STATES["mixed"].values()) == (2, 2, 12)


def test_palms_two_utilisations_are_with_and_without_attention():
    """238,300 tokens/s on 6,144 TPU v4 of 275 TFLOP/s; 118 layers, 48 heads of 256, 2,048 tokens of context.

    Chowdhery et al. (2022), Tables 1 and 3, §4.1 and Appendix B: attention adds 12 · 118 · 48 · 256 · 2048.
    """
    run, tokens_per_second = costs.PUBLISHED["PaLM"], 238.3e3
    attention = 12 * 118 * 48 * 256 * 2048
    for per_token, mfu in [(6 * run.parameters, 0.457), (6 * run.parameters + attention, 0.462)]:
        assert round(tokens_per_second * per_token / (6144 * run.peak), 3) == mfu
    assert run.utilisation == 0.457  # that of 6 P D, as in the chapter
