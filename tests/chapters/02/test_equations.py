"""Every numbered equation of chapter 2 as it stands in the notebook, by code, torch and simulation."""

import re

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from losslab.data import pixels
from losslab.explorers.views import initialisation
from losslab.formulas import backprop, optim
from losslab.learning import models, training

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def scalings(cells):
    """The two functions of the chapter."""
    names = {"np": np}
    exec(re.search(r"scalings = \{.*?\n\}", cells["two-scalings"], re.S)[0], names)
    return names["scalings"]


def hand(z):
    """0, 0, 0, 4: the example below (2.2)."""
    return z(np.array([0.0, 0, 0, 4]), np.array([0.0, 0, 0, 4]))


def test_equation_2_1_rescaling(written, scalings):
    assert written["2.1"] == r"x' = \frac{x - \min}{\max - \min}"
    x = np.random.default_rng(0).normal(5, 3, 50)
    ours = scalings["rescaled, (2.1)"](x, x)
    np.testing.assert_allclose(ours, (x - min(x)) / (max(x) - min(x)), rtol=1e-12)
    np.testing.assert_allclose([ours.min(), ours.max()], [0, 1], atol=1e-12)
    np.testing.assert_allclose(hand(scalings["rescaled, (2.1)"]), [0, 0, 0, 1])


def test_equation_2_2_standardising(written, scalings):
    assert written["2.2"] == r"\tilde x = \frac{x - \mu}{\sigma}"
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    x = images.double().numpy().ravel() / 255
    mu, sigma = x.sum() / x.size, (((x - x.sum() / x.size) ** 2).sum() / x.size) ** 0.5
    want = (x - mu) / sigma
    np.testing.assert_allclose(scalings["standardised, (2.2)"](x, x), want, rtol=1e-12)
    library = pixels.standardise(images, *pixels.mean_std(images))
    np.testing.assert_allclose(library.ravel(), want, atol=1e-6)
    printed = hand(scalings["standardised, (2.2)"])
    np.testing.assert_allclose(printed, np.array([-1, -1, -1, 3]) / 3**0.5, rtol=1e-12)
    assert [f"{value:.2f}" for value in printed] == ["-0.58", "-0.58", "-0.58", "1.73"]


def test_equation_2_3_mean_square_of_a_weighted_sum(written):
    assert written["2.3"] == (r"\mathrm E[z^2] = \sigma^2 \sum_{j=1}^{n} a_j^2 = n\,\sigma^2\,\overline{a^2}")
    a, sigma = np.array([1.0, 3.0]), 0.5
    assert sigma**2 * sum(a**2) == len(a) * sigma**2 * (a**2).mean() == 2.5  # as printed by hand
    for inputs in (a, np.random.default_rng(0).normal(2, 1, 30)):
        w = np.random.default_rng(1).uniform(-1, 1, (400_000, inputs.size)) * sigma * 3**0.5
        np.testing.assert_allclose(((w @ inputs) ** 2).mean(), sigma**2 * sum(inputs**2), rtol=0.01)
    # Without a simulation: the mixed terms are all that keeps E[z²] from the sum of squares.
    w = sp.symbols("w:2")
    square = sp.Poly(sp.expand((1 * w[0] + 3 * w[1]) ** 2), *w)
    assert square.coeff_monomial(w[0] ** 2) == 1
    assert square.coeff_monomial(w[1] ** 2) == 9


@pytest.mark.parametrize("draw", ["normal", "uniform", "laplace"])
def test_equation_2_4_relu_keeps_half_of_the_squares(draw, written):
    assert written["2.4"] == r"\mathrm E[\max(z, 0)^2] = \tfrac12\,\mathrm E[z^2]"
    rng = np.random.default_rng(0)
    z = rng.uniform(-2, 2, 400_000) if draw == "uniform" else getattr(rng, draw)(0, 2, 400_000)
    np.testing.assert_allclose((np.maximum(z, 0) ** 2).mean(), 0.5 * (z**2).mean(), rtol=0.01)


@pytest.mark.parametrize("sigma", [0.05, 0.125, 0.3])
def test_equation_2_5_size_through_layers(sigma, written):
    assert written["2.5"] == r"r_l = \Bigl(\sigma \sqrt{n/2}\Bigr)^{l}\, r_0"
    n, rng = 128, np.random.default_rng(0)
    factor = initialisation.growth(np.array([[sigma]]), np.array([[n]]), "ReLU").item()
    assert factor == pytest.approx(sigma * (n / 2) ** 0.5, rel=1e-12)
    squares = []
    for _ in range(40):  # r_l² is a mean over draws of the weights
        x = rng.standard_normal((4, n))
        layers = backprop.random_layers(rng, (n,) * 11, sigma * n**0.5)
        z, _ = backprop.forward(layers, x / (x**2).mean() ** 0.5)
        squares.append([(np.maximum(one, 0) ** 2).mean() for one in z])
    growth = np.mean(squares, 0) ** 0.5 / factor ** np.arange(1, 11)
    np.testing.assert_allclose(growth, 1, atol=0.15)


def test_equation_2_6_he(written):
    assert written["2.6"] == r"\sigma_{\text{He}} = \sqrt{\frac{2}{n_{\text{in}}}}"
    for n in (8, 128, 300):
        w = torch.empty(2000, n)
        nn.init.kaiming_normal_(w, nonlinearity="relu", generator=torch.Generator().manual_seed(0))
        assert w.std().item() == pytest.approx((2 / n) ** 0.5, rel=0.02)
        factor = initialisation.growth(np.array([[(2 / n) ** 0.5]]), np.array([[n]]), "ReLU")
        assert factor.item() == pytest.approx(1, rel=1e-12)
    assert (2 / 128) ** 0.5 == 0.125  # as printed by hand


def test_equation_2_7_xavier(written):
    assert written["2.7"] == (r"\sigma_{\text{Xavier}} = \sqrt{\frac{2}{n_{\text{in}} + n_{\text{out}}}}")
    for n_in, n_out in ((100, 400), (400, 100), (200, 200)):
        w = torch.empty(n_out, n_in)
        nn.init.xavier_normal_(w, generator=torch.Generator().manual_seed(0))
        assert w.std().item() == pytest.approx((2 / (n_in + n_out)) ** 0.5, rel=0.02)
    n = 128
    brackets = [sigma * (n / 2) ** 0.5 for sigma in ((2 / (n + n)) ** 0.5, (3 * n) ** -0.5)]
    assert [f"{one:.2f}" for one in brackets] == ["0.71", "0.41"]  # as printed by hand: Xavier's, PyTorch's
    assert 1e-4 < brackets[1] ** 10 < 2e-4
    bound = torch.nn.Linear(n, n).weight.abs().max().item()
    assert bound == pytest.approx(n**-0.5, rel=0.01)


def test_equation_2_8_forward(written):
    assert written["2.8"] == (
        r"z_l = W_l\,a_{l-1} + b_l, \qquad a_l = \varphi(z_l) \quad (l < L), \qquad a_0 = x"
    )
    torch.manual_seed(0)
    net, x = models.Net().double(), torch.rand(28, 28, dtype=torch.float64)
    a = x.numpy().ravel()
    for layer in net.children():
        z = layer.weight.detach().numpy() @ a + layer.bias.detach().numpy()
        a = np.maximum(z, 0)
    np.testing.assert_allclose(net(x[None]).detach()[0], z, rtol=1e-10)
    assert (z < 0).any(), "the logits must show that no ReLU follows"
    assert np.array([1, -2]) @ [4, 2] + 3 == 3  # as printed by hand


def test_equation_2_9_loss_of_a_batch(written):
    assert written["2.9"] == (
        r"\mathcal L(\theta) = \frac1B \sum_{i=1}^{B} \ell\bigl(f(x_i; \theta),\, y_i\bigr)"
    )
    torch.manual_seed(0)
    net, x, y = models.Net().double(), torch.randn(7, 28, 28, dtype=torch.float64), torch.arange(7)
    each = [-net(x_i[None])[0].log_softmax(0)[y_i].item() for x_i, y_i in zip(x, y, strict=True)]
    assert cross_entropy(net(x), y).item() == pytest.approx(sum(each) / 7, rel=1e-12)
    assert training.evaluate(net, x, y).loss == pytest.approx(sum(each) / 7, rel=1e-6)
    assert f"{np.mean(-np.log([1 / 2, 1 / 4])):.2f}" == "1.04"  # as printed by hand


def test_equation_2_10_update(written):
    assert written["2.10"] == r"\theta \leftarrow \theta - \alpha\, g"
    w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    sgd = torch.optim.SGD([w], lr=0.1)
    for _ in range(3):
        before, g = w.detach().numpy().copy(), 2 * w.detach().numpy()
        sgd.zero_grad()
        (w**2).sum().backward()
        sgd.step()
        np.testing.assert_allclose(w.detach(), before - 0.1 * g, rtol=1e-12)
        np.testing.assert_allclose(optim.gd(before, g, lr=0.1)[0], before - 0.1 * g, rtol=1e-12)
    assert optim.gd(3.0, 6.0, lr=0.1)[0] == pytest.approx(2.4)  # as printed by hand


def test_equation_2_11_promise_of_a_step(written):
    assert written["2.11"] == (
        r"\mathcal L(\theta - \alpha g) \approx \mathcal L(\theta) - \alpha\,\lVert g \rVert^2"
    )
    torch.manual_seed(0)
    net, x, y = models.Net().double(), torch.randn(50, 28, 28, dtype=torch.float64), torch.arange(50) % 10
    loss = cross_entropy(net(x), y)
    g = torch.autograd.grad(loss, list(net.parameters()))
    squared, errors = sum((one**2).sum() for one in g).item(), []
    for alpha in (1e-4, 1e-5):
        after = {name: w - alpha * one for (name, w), one in zip(net.named_parameters(), g, strict=True)}
        got = cross_entropy(torch.func.functional_call(net, after, (x,)), y)
        errors.append(abs((loss - alpha * squared - got).item()))
    # "≈" means: what is missing goes down with α², so by 100 for a tenth of the step.
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.3)
    by_hand = [0.01 * 6**2, 9 - (3 - 0.01 * 6) ** 2, 9 - (3 - 1 * 6) ** 2]
    np.testing.assert_allclose(by_hand, [0.36, 0.3564, 0])  # as printed
