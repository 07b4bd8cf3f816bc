"""Every numbered equation of chapter 8 as it stands in the notebook, against our code, torch and SymPy."""

import numpy as np
import pytest
import sympy as sp
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from losslab.data import elements, handwriting, pixels
from losslab.formulas import activations, decisions, losses
from losslab.learning import models, trained, training

pytestmark = pytest.mark.trains

EXACT = {"rtol": 0, "atol": 1e-12}


@pytest.fixture
def answers():
    """Logits and labels of 40 samples, K = 5: (z, y)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 5)) * 2, rng.integers(5, size=40)


def test_equation_8_1_is_the_transform_in_the_file(written):
    assert written["8.1"] == r"\tilde x = \frac{x / 255 - \mu}{\sigma}"
    x, _ = trained.split()["train"]
    mu, sigma = (x.numpy() / 255).mean(), (x.numpy() / 255).std()
    by_hand = (x[:50].numpy() / 255 - mu) / sigma
    transform = trained.reader().transform
    np.testing.assert_allclose(transform(x[:50]).numpy(), by_hand, atol=1e-6)
    assert type(transform) is pixels.Transform


def test_equation_8_2_is_the_centre_of_mass(written):
    assert written["8.2"] == (
        r"\bar\imath = \frac{\sum_{i,j} i\,x_{ij}}{\sum_{i,j} x_{ij}}, \qquad "
        r"\bar\jmath = \frac{\sum_{i,j} j\,x_{ij}}{\sum_{i,j} x_{ij}}"
    )
    x = np.random.default_rng(4).random((6, 9))
    total = sum(x[r, c] for r in range(6) for c in range(9))
    want = [sum(i[axis] * x[i] for i in np.ndindex(6, 9)) / total for axis in (0, 1)]
    np.testing.assert_allclose(handwriting.centre_of_mass(x), want, **EXACT)
    two = np.array([[0.0, 0, 1, 0, 0, 0, 3]])  # the chapter's example
    np.testing.assert_allclose(handwriting.centre_of_mass(two), (0, 5), **EXACT)
    images = trained.split()["test"][0].numpy().astype(float)
    means = np.array([handwriting.centre_of_mass(image) for image in images])
    np.testing.assert_allclose(means.mean(0), 14, atol=0.05)  # the chapter: MNIST's are at pixel (14, 14)
    assert np.abs(means - 14).max() < 2


def test_equation_8_3_shares_the_fixed_cost(written):
    assert written["8.3"] == r"\text{time of a batch} = \text{fixed time} + B \cdot \text{time of a picture}"
    took = lambda B: 100 + B * 2  # noqa: E731 - the chapter's example, in microseconds
    assert (took(1), took(100) / 100) == (102, 3)


def test_equation_8_4_counts_operations_and_bytes(written):
    assert written["8.4"] == (
        r"\frac{\text{operations}}{\text{bytes of weights}} = \frac{2\,P\,B}{4\,P} = \frac B2"
    )
    P, B = sp.symbols("P B", positive=True)
    assert sp.simplify(2 * P * B / (4 * P) - B / 2) == 0
    assert 600 / 2 == 300  # the chapter's examples
    assert 7e9 * 4 / 2e12 == 0.014
    net = models.Net()
    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    assert all(p.element_size() == 4 for p in weights)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        net(torch.zeros(7, 28, 28))
    assert counted.get_total_flops() == 2 * 7 * sum(p.numel() for p in weights)


def test_equation_8_5_is_softmax_with_a_temperature(written, answers):
    assert written["8.5"] == r"p_k = \frac{e^{z_k / T}}{\sum_j e^{z_j / T}}"
    z, _ = answers
    for T in (0.5, 1.0, 3.0):
        p = np.array(
            [[np.exp(zi[k] / T) / sum(np.exp(zi[j] / T) for j in range(5)) for k in range(5)] for zi in z]
        )
        np.testing.assert_allclose(activations.softmax(z, T), p, **EXACT)
        np.testing.assert_allclose(torch.softmax(torch.tensor(z) / T, 1), p, **EXACT)
    for T, odds in ((1, 3), (0.5, 9), (2, 3**0.5)):  # the chapter's example
        p = activations.softmax([np.log(3), 0], T)
        np.testing.assert_allclose(p[0] / p[1], odds, rtol=1e-12)


def test_equation_8_6_is_the_largest_or_no_answer(written, answers):
    assert written["8.6"] == (
        r"\hat y = \begin{cases} \arg\max_k p_k & \max_k p_k \ge \tau \\ \text{no answer} & \text{otherwise} "
        r"\end{cases}"
    )
    p = activations.softmax(answers[0])
    for t in (0, 0.4, p[3].max(), 1):
        want = [max(range(5), key=lambda k: one[k]) if max(one) >= t else decisions.REJECTED for one in p]
        np.testing.assert_array_equal(decisions.decide(p, t), want)


def test_equation_8_7_is_coverage_and_accuracy(written, answers):
    assert written["8.7"] == (
        r"\text{coverage} = \frac1N \sum_i [\hat p_i \ge \tau], \qquad "
        r"\text{accuracy} = \frac{\sum_i [\hat p_i \ge \tau]\,[\hat y_i = y_i]}{\sum_i [\hat p_i \ge \tau]}"
    )
    z, y = answers
    p = activations.softmax(z)
    s, right = p.max(1), p.argmax(1) == y
    for t in (0, 0.5, 0.8):
        answered = [s_i >= t for s_i in s]
        c = sum(answered) / 40
        a = sum(one and ok for one, ok in zip(answered, right, strict=True)) / sum(answered)
        np.testing.assert_allclose(decisions.selective(s, right, t), (c, a), **EXACT)
    s, right = [0.9, 0.8, 0.6, 0.4], [True, True, False, True]  # the chapter's example
    assert decisions.selective(s, right, 0.7) == (2 / 4, 1)
    assert decisions.selective(s, right, 0.5) == (3 / 4, 2 / 3)


def test_equation_8_8_is_precision_and_recall(written):
    assert written["8.8"] == (
        r"\text{precision} = \frac{TP}{TP + FP}, \qquad \text{recall} = \frac{TP}{TP + FN}"
    )
    rng = np.random.default_rng(1)
    scores, truth = rng.random(60), rng.random(60) < 0.3
    for t in (0.2, 0.5, 0.9):
        yes = scores >= t
        TP, FP, FN = (yes & truth).sum(), (yes & ~truth).sum(), (~yes & truth).sum()
        got = decisions.precision_recall(scores, truth, t)
        np.testing.assert_allclose(got, (TP / (TP + FP), TP / (TP + FN)), **EXACT)
    scores, truth = np.r_[np.ones(12), np.zeros(8)], np.r_[np.ones(9), np.zeros(10), 1].astype(bool)
    assert decisions.precision_recall(scores, truth, 0.5) == (3 / 4, 9 / 10)  # the chapter's example


def test_equation_8_9_is_the_calibration_error(written, answers):
    assert written["8.9"] == (
        r"\mathrm{ECE} = \sum_{\text{bins}} \frac{\text{pictures in the bin}}{N} "
        r"\left| \text{share right} - \text{mean } \hat p_i \right|"
    )
    z, y = answers
    p = activations.softmax(z)
    s, right = p.max(1), p.argmax(1) == y
    for bins in (1, 4, 10):
        ece = 0
        for b in range(bins):
            inside = (s > b / bins) & (s <= (b + 1) / bins)
            if n_b := inside.sum():
                ece += n_b / 40 * abs(right[inside].mean() - s[inside].mean())
        np.testing.assert_allclose(decisions.calibration_error(s, right, bins), ece, **EXACT)
    example = decisions.calibration_error([0.9, 0.9, 0.6, 0.6], [True, False, True, True])
    np.testing.assert_allclose(example, 0.4, **EXACT)


def test_equation_8_10_is_the_lowest_cross_entropy(written, answers):
    assert written["8.10"] == (r"\frac1N \sum_i \Bigl( \sum_k p_k^{(i)} z_k^{(i)} - z_{y_i}^{(i)} \Bigr) = 0")
    z, y = answers
    y = np.where(np.arange(40) % 3, z.argmax(1), y)  # mostly right, so that there is a best temperature
    T = losses.fit_temperature(z, y)
    p = activations.softmax(z, T)
    mean = sum(sum(p[i, k] * z[i, k] for k in range(5)) - z[i, y[i]] for i in range(40)) / 40
    np.testing.assert_allclose(mean, 0, atol=1e-9)
    scale, *logits = sp.symbols("scale z1:4", real=True)  # 1/T: what the chapter says of both derivatives
    symbolic = sp.log(sum(sp.exp(scale * one) for one in logits)) - scale * logits[0]
    shares = [sp.exp(scale * one) / sum(sp.exp(scale * other) for other in logits) for one in logits]
    expected = sum(share * one for share, one in zip(shares, logits, strict=True))
    variance = sum(share * (one - expected) ** 2 for share, one in zip(shares, logits, strict=True))
    assert sp.simplify(sp.diff(symbolic, scale) - (expected - logits[0])) == 0
    assert sp.simplify(sp.diff(symbolic, scale, 2) - variance) == 0
    loss = lambda t: cross_entropy(torch.tensor(z) / t, torch.tensor(y)).item()  # noqa: E731
    assert loss(T) == min(loss(t) for t in (T, *np.geomspace(T / 2, 2 * T, 200)))


def test_equation_8_11_is_a_set_of_labels(written):
    assert written["8.11"] == (
        r"\hat Y = \{\, k : \operatorname{sigmoid}(z_k) \ge \tau_k \,\}, \qquad "
        r"\operatorname{sigmoid}(z) = \frac{1}{1 + e^{-z}}"
    )
    rng = np.random.default_rng(2)
    z, t = rng.normal(size=(9, 4)) * 2, np.array([0.2, 0.5, 0.5, 0.9])
    sigma = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(activations.sigmoid(z), sigma, **EXACT)
    for row, marks in zip(z, activations.sigmoid(z) >= t, strict=True):
        want = {k for k in range(4) if 1 / (1 + np.exp(-row[k])) >= t[k]}
        assert set(np.flatnonzero(marks)) == want
        assert set(np.flatnonzero(row >= np.log(t / (1 - t)))) == want  # z ≥ 0 for t = ½


def test_equation_8_12_is_the_probability_of_a_name(written):
    assert written["8.12"] == (r"p(c_1 c_2 \dots) = \prod_i p(c_i \mid c_{i-3}\, c_{i-2}\, c_{i-1})")
    net, name = trained.namer(), [*elements.encode("tin"), elements.END]
    product = 1.0
    for i, c in enumerate(name):
        three = ([elements.END] * 3 + name[:i])[-3:]
        product *= activations.softmax(trained.next_logits(net, three))[c]
    x, y = (torch.from_numpy(a) for a in elements.pairs(("tin",)))
    nats = cross_entropy(training.predict(net, x).double(), y, reduction="sum").item()
    np.testing.assert_allclose(product, np.exp(-nats), rtol=1e-5)
    # and the loop draws names as often as the product says
    p = {}
    for symbols in ([], [20], [20, 9], [20, 9, 14]):
        p[tuple(symbols)] = activations.softmax(trained.next_logits(net, symbols))
    rng, count = np.random.default_rng(0), 20_000
    hits = np.ones(count, bool)
    for i, c in enumerate(name):
        hits &= decisions.sample(np.tile(p[tuple(name[:i])], (count, 1)), rng) == c
    assert abs(hits.mean() - product) < 4 * (product / count) ** 0.5


def test_equation_8_13_keeps_the_smallest_set_that_is_enough(written):
    assert written["8.13"] == (
        r"p'_k = \frac{p_k\,[k \in V]}{\sum_{j \in V} p_j}, \qquad \sum_{j \in V} p_j \ge \text{top-p}"
    )
    rng = np.random.default_rng(3)
    for q in (0.1, 0.5, 0.9):
        p = rng.dirichlet(np.ones(8))
        found = decisions.nucleus(p, q)
        V = set(np.flatnonzero(found))
        assert sum(p[j] for j in V) >= q
        assert sum(p[j] for j in V - {min(V, key=lambda k: p[k])}) < q  # one less is not enough
        assert min(p[list(V)]) >= max((p[k] for k in range(8) if k not in V), default=0)
        want = [p[k] * (k in V) / sum(p[j] for j in V) for k in range(8)]
        np.testing.assert_allclose(found, want, **EXACT)
    np.testing.assert_allclose(decisions.nucleus([0.5, 0.25, 0.15, 0.1], 0.7), [2 / 3, 1 / 3, 0, 0], **EXACT)
