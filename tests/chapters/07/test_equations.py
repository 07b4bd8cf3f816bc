"""Every numbered equation of chapter 7 as it stands in the notebook, against our code, torch and SymPy."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from losslab.data import mnist, pixels
from losslab.formulas import costs
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
        r"\bar\ell = \frac1N \sum_{b=1}^{B} n_b\, L_b(w_{b-1}) \quad\text{is not}\quad L(w_B) "
        r"= \frac1N \sum_{i=1}^{N} \ell\bigl(f(x_i; w_B), y_i\bigr)"
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
    # The left side: B = 3 batches, each with the loss of the weights before its step.
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


@pytest.mark.parametrize(("a", "n"), [(0.97, 10_000), (0.9, 1000), (0.5, 400)])
def test_equation_7_7_interval_covers_the_truth_95_times_in_100(a, n, written):
    assert written["7.7"] == r"a \pm 1.96 \sqrt{\frac{a\,(1 - a)}{n}}"
    half = history.Score(0.0, a, n).margin
    assert half == pytest.approx(1.96 * math.sqrt(a * (1 - a) / n), rel=1e-12)
    seen = np.random.default_rng(0).binomial(n, a, size=20_000) / n
    covered = np.abs(seen - a) <= [history.Score(0.0, s, n).margin for s in seen]
    assert 0.935 < covered.mean() < 0.965


def test_equation_7_7_by_hand():
    assert round(history.Score(0.0, 0.97, 10_000).margin, 4) == 0.0033


@pytest.mark.parametrize("s", [0.0, 0.1, 0.29999, 0.3, 0.5, 0.9, 1.0])
def test_equation_7_8_one_cycle(s, written):
    assert written["7.8"] == (
        r"c(s) = \begin{cases} s / 0.3 & s < 0.3 \\ \tfrac12 \bigl(1 + \cos \pi \frac{s - "
        r"0.3}{0.7}\bigr) & s \ge 0.3 \end{cases}"
    )
    c = s / 0.3 if s < 0.3 else (1 + math.cos(math.pi * (s - 0.3) / 0.7)) / 2
    assert training.one_cycle(s) == pytest.approx(c, abs=1e-12)


@pytest.mark.parametrize(("p", "k"), [(0.75, 2), (0.9, 10), (0.3, 1.5), (0.75, math.inf)])
def test_equation_7_9_speed_up(p, k, written):
    """Amdahl's law of chapter 10 says the same of n devices and the serial share."""
    assert written["7.9"] == r"S = \frac{1}{(1 - p) + p / k}"
    S = 1 / ((1 - p) + p / k)
    assert costs.speedup(k, 1 - p) == pytest.approx(S, rel=1e-12)
    slow, rest = 100 * p, 100 * (1 - p)  # seconds
    assert costs.speedup(k, 1 - p) == pytest.approx(100 / (slow / k + rest), rel=1e-12)


@pytest.mark.parametrize(("N", "B"), [(25, 10), (30, 10), (7, 100), (6, 1)])
def test_equation_7_10_time_of_an_epoch(N, B, written):
    assert written["7.10"] == r"T = \lceil N / B \rceil\, c + N s"
    c, s = 0.3, 0.01
    x, y = torch.zeros(N, 2), torch.zeros(N, dtype=torch.long)
    each = [c + len(labels) * s for _, labels in training.shuffled(x, y, B)]
    np.testing.assert_allclose(math.ceil(N / B) * c + N * s, sum(each), rtol=1e-12)
    net = nn.Linear(2, 2)
    history = training.fit(net, x, y, epochs=1, batch_size=B, progress=False)
    assert len(history.steps) == math.ceil(N / B)


def test_equation_7_11_average_of_the_weights(written):
    assert written["7.11"] == r"\bar w_t = \beta\, \bar w_{t-1} + (1 - \beta)\, w_t"
    beta, x, y = 0.98, torch.from_numpy(logits()), torch.arange(6)
    net = nn.Linear(10, 10).double()
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(beta))
    path = []

    def looked_at(model, optimizer, batches, rates, bar):
        for batch in batches:
            result = training.train_epoch(model, optimizer, [batch], rates, bar)
            path.append(model.weight.detach().clone())
        return result[0], result[1]

    knobs = {"batch_size": 6, "epochs": 20, "progress": False, "lr": 0.1}
    training.fit(net, x, y, average=average, loop=looked_at, **knobs)
    w_bar = path[0]
    for w_t in path[1:]:
        w_bar = beta * w_bar + (1 - beta) * w_t
    torch.testing.assert_close(average.module.weight, w_bar, rtol=1e-10, atol=1e-12)
    assert (w_bar - path[-1]).abs().max() > 0.01
