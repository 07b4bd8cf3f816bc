"""Every numbered equation of chapter 7 as it stands in the notebook, against our code, torch and SymPy."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from losslab.data import mnist, pixels
from losslab.formulas import intervals
from losslab.learning import history, models, training

pytestmark = pytest.mark.trains


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def logits(n=6, K=10):
    return np.random.default_rng(0).normal(size=(n, K)) * 4


def test_equation_7_1_scaling(written):
    assert written["7.1"] == r"\tilde x = \frac{x / 255 - \mu}{\sigma}"
    x = mnist.load("sample").train_images[:200]
    mu, sigma = (x.numpy() / 255).mean(), (x.numpy() / 255).std()
    ours = pixels.standardise(x, *pixels.mean_std(x))
    np.testing.assert_allclose(ours.numpy(), (x.numpy() / 255 - mu) / sigma, atol=1e-6)


def test_equation_7_2_number_of_parameters(written):
    assert written["7.2"] == r"P = \sum_{l=1}^{4} (n_{l-1} + 1)\, n_l"
    n = (784, 256, 128, 64, 10)
    P = sum((n[i - 1] + 1) * n[i] for i in (1, 2, 3, 4))
    assert P == sum(p.numel() for p in models.Net().parameters()) == 242_762


def test_equation_7_3_softmax(written):
    assert written["7.3"] == r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}"
    for z in logits():
        p = np.array([np.exp(z[k]) / sum(np.exp(z[j]) for j in range(10)) for k in range(10)])
        np.testing.assert_allclose(torch.from_numpy(z).softmax(0).numpy(), p, rtol=1e-12)


def test_equation_7_4_cross_entropy_of_logits(written):
    assert written["7.4"] == r"\ell(z, y) = -\log p_y = \log \sum_j e^{z_j} - z_y"
    for y, z in enumerate(logits()):
        p = torch.from_numpy(z).softmax(0).numpy()
        ours = cross_entropy(torch.from_numpy(z), torch.tensor(y)).item()
        np.testing.assert_allclose(-np.log(p[y]), ours, rtol=1e-12)
        np.testing.assert_allclose(np.log(sum(np.exp(z))) - z[y], ours, rtol=1e-12)


def test_equation_7_4_is_what_fit_minimises():
    x, y = torch.from_numpy(logits()), torch.arange(6)
    net = nn.Linear(10, 10).double()
    z = net(x).detach().numpy()
    by_hand = np.mean([np.log(sum(np.exp(z[i]))) - z[i, i] for i in range(6)])
    history = training.fit(net, x, y, epochs=1, progress=False)
    np.testing.assert_allclose(history.steps, [by_hand], rtol=1e-12)


@pytest.mark.parametrize("K", [2, 10, 1000])
def test_equation_7_5_floor_of_a_stray_softmax(K, written):
    assert written["7.5"] == r"\ell(p, y) \ge \log (e + K - 1) - 1 = \log\Bigl(1 + \frac{K - 1}{e}\Bigr)"
    floor = math.log(math.e + K - 1) - 1
    assert floor == pytest.approx(math.log(1 + (K - 1) / math.e), rel=1e-12)
    best = torch.zeros(1, K, dtype=torch.float64)
    best[0, 0] = 1
    assert cross_entropy(best, torch.tensor([0])).item() == pytest.approx(floor, rel=1e-12)
    # No descent from that corner, or from anywhere else, leads lower: p = softmax(z) for a free z.
    z = torch.randn(200, K, dtype=torch.float64, generator=torch.Generator().manual_seed(K)).mul_(5)
    z.requires_grad_()
    adam = torch.optim.Adam([z], lr=0.5)
    for _ in range(100):
        adam.zero_grad()
        losses = cross_entropy(z.softmax(1), torch.zeros(200, dtype=torch.long), reduction="none")
        assert losses.min() >= floor - 1e-12
        losses.sum().backward()
        adam.step()
    assert losses.min().item() < floor + 0.01  # and it is reached


def test_equation_7_6_running_loss_and_the_last_networks_loss(written):
    assert written["7.6"] == (
        r"\bar{\mathcal{L}} = \frac1N \sum_b n_b\, \mathcal{L}_b(\theta_{b-1}) \quad\text{is not}\quad "
        r"\mathcal{L}(\theta_{\text{end}}) = \frac1N \sum_{i=1}^{N} \ell\bigl(f(x_i; \theta_{\text{end}}), "
        r"y_i\bigr)"
    )
    torch.manual_seed(0)
    x, y = torch.randn(25, 4, dtype=torch.float64), torch.randint(0, 3, (25,))
    net = nn.Linear(4, 3).double()
    w = nn.Linear(4, 3).double()
    w.load_state_dict(net.state_dict())
    knobs = {"batch_size": 10, "lr": 0.1}
    history = training.fit(
        net,
        x,
        y,
        epochs=1,
        generator=torch.Generator().manual_seed(1),
        progress=False,
        watch={"all": (x, y)},
        **knobs,
    )
    # The left side: three batches, each with the loss of the weights before its step.
    adam, running = torch.optim.Adam(w.parameters(), lr=0.1), 0.0
    for batch in torch.randperm(25, generator=torch.Generator().manual_seed(1)).split(10):
        L_b = cross_entropy(w(x[batch]), y[batch])
        running += len(batch) * L_b.item() / 25
        adam.zero_grad()
        L_b.backward()
        adam.step()
    last = sum(cross_entropy(w(x_i), y_i).item() for x_i, y_i in zip(x, y, strict=True)) / 25
    np.testing.assert_allclose(history.running, [running], rtol=1e-12)
    np.testing.assert_allclose(history.scores["all"][0].loss, last, rtol=1e-12)
    assert abs(running - last) > 0.01


def ends(A, N):
    """(7.7) as it is written, with its rounded numbers."""
    half = 1.96 * math.sqrt(A * (1 - A) / N + 0.96 / N**2)
    return (A + 1.92 / N - half) / (1 + 3.84 / N), (A + 1.92 / N + half) / (1 + 3.84 / N)


@pytest.mark.parametrize(("right", "N"), [(0, 20), (20, 20), (548, 600), (9700, 10_000)])
def test_equation_7_7_interval_of_a_share(right, N, written):
    assert written["7.7"] == (
        r"\frac{A + \frac{1.92}{N} \pm 1.96 \sqrt{\frac{A(1 - A)}{N} + \frac{0.96}{N^2}}}"
        r"{1 + \frac{3.84}{N}}"
    )
    np.testing.assert_allclose(ends(right / N, N), intervals.wilson(right, N), atol=1e-4)
    np.testing.assert_allclose(history.Score(0.0, right / N, N).interval, intervals.wilson(right, N))


@pytest.mark.parametrize(("a", "n"), [(0.97, 10_000), (0.9, 1000), (0.9, 400)])
def test_equation_7_7_covers_the_truth_95_times_in_100(a, n):
    seen = np.random.default_rng(0).binomial(n, a, size=20_000)
    low, high = intervals.wilson(seen, n)
    assert 0.93 < ((low <= a) & (a <= high)).mean() < 0.97


def test_equation_7_7_by_hand():
    low, high = ends(1, 20)
    assert round(low, 2) == 0.84
    assert high == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.15, 0.29999, 0.3, 0.5, 0.65, 0.9, 1.0])
def test_equation_7_8_one_cycle(share, written):
    assert written["7.8"] == (
        r"\alpha_t = \alpha_{\max} \cdot \begin{cases} \dfrac{t / t_{\text{end}}}{0.3} & t / t_{\text{end}} "
        r"< 0.3 \\[1ex] \dfrac12 \Bigl(1 + \cos \pi \dfrac{t / t_{\text{end}} - 0.3}{0.7}\Bigr) & "
        r"\text{otherwise} \end{cases}"
    )
    factor = share / 0.3 if share < 0.3 else (1 + math.cos(math.pi * (share - 0.3) / 0.7)) / 2
    assert training.one_cycle(share) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize(("share", "factor"), [(0.15, 0.5), (0.3, 1), (0.65, 0.5), (1, 0)])
def test_equation_7_8_by_hand(share, factor):
    assert training.one_cycle(share) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize(("N1", "N2"), [(0, 0), (1, 9), (9, 1), (10, 45), (5, 5)])
def test_equation_7_9_chance_of_equals(N1, N2, written):
    assert written["7.9"] == (
        r"\min\Bigl(1,\; \frac{2}{2^{N_1 + N_2}} \sum_{i=0}^{\min(N_1, N_2)} \binom{N_1 + N_2}{i}\Bigr)"
    )
    p = min(1, 2 / 2 ** (N1 + N2) * sum(math.comb(N1 + N2, i) for i in range(min(N1, N2) + 1)))
    assert intervals.mcnemar(N1, N2) == pytest.approx(p, rel=1e-12)
    # Every order of the tosses, counted.
    if N1 + N2 == 10:
        heads = [bin(tosses).count("1") for tosses in range(2**10)]
        uneven = [abs(h - 5) >= abs(N1 - 5) for h in heads]
        assert p == pytest.approx(sum(uneven) / 2**10)


@pytest.mark.parametrize(("N1", "N2", "N"), [(2, 10, 100), (10, 45, 1000), (0, 3, 50)])
def test_equation_7_10_interval_of_a_paired_difference(N1, N2, N, written):
    assert written["7.10"] == (
        r"\frac{N_2 - N_1}{N} \pm 1.96 \sqrt{\frac{N_1 + N_2}{N^2} - \frac{(N_2 - N_1)^2}{N^3}}"
    )
    gain = (N2 - N1) / N
    half = 1.96 * math.sqrt((N1 + N2) / N**2 - (N2 - N1) ** 2 / N**3)
    first, second = np.zeros(N), np.zeros(N)
    first[:N1] = second[N1 : N1 + N2] = 1
    got = intervals.paired_difference(first, second)
    np.testing.assert_allclose(got, (gain, gain - half, gain + half), rtol=1e-12)


def test_equation_7_10_covers_the_truth_95_times_in_100():
    rng, N = np.random.default_rng(0), 1000
    N1, both, N2 = rng.multinomial(N, [0.01, 0.94, 0.05], size=20_000).T
    half = 1.96 * np.sqrt((N1 + N2) / N**2 - (N2 - N1) ** 2 / N**3)
    assert 0.93 < (np.abs((N2 - N1) / N - 0.04) <= half).mean() < 0.97
