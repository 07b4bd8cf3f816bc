"""Every numbered equation of chapter 3 as it stands in the notebook, against our code, torch and SymPy."""

import numpy as np
import pytest
import sympy as sp
import torch
from torch import distributions
from torch.nn import functional

from losslab.article import misprints
from losslab.explorers.views import entropy, price_list
from losslab.formulas import activations, losses

EXACT = {"rtol": 1e-12, "atol": 1e-13}


def logits(N=7, K=5, scale=4):
    return np.random.default_rng(0).normal(scale=scale, size=(N, K))


def probabilities(N=7, K=5):
    return np.random.default_rng(1).dirichlet(np.ones(K), size=N)


def classes(N=7, K=5):
    return np.random.default_rng(2).integers(K, size=N)


def autograd(f, z):
    z = torch.tensor(z, requires_grad=True)
    f(z).backward()
    return z.grad.numpy()


def central(f, z, h=1e-6):
    nudges = h * np.eye(z.size).reshape(z.size, *z.shape)
    return np.array([(f(z + d) - f(z - d)) / (2 * h) for d in nudges]).reshape(z.shape)


def test_equation_3_1_is_the_price_of_what_happened(written):
    assert written["3.1"] == r"\ell = -\log p(y)"
    for p in (0.7, 0.9, 0.3, 0.1):
        rain = distributions.Bernoulli(torch.tensor(p, dtype=torch.float64)).log_prob(
            torch.tensor(1.0).double()
        )
        np.testing.assert_allclose(-np.log(p), -rain.item(), **EXACT)
        np.testing.assert_allclose(-np.log(p), losses.cross_entropy(np.log([[p, 1 - p]]), [0]), **EXACT)


@pytest.mark.parametrize("belief", [0.1, 0.5, 0.7, 0.99])
def test_equation_3_1_makes_the_truth_the_cheapest_thing_to_say(belief):
    said = np.linspace(0.001, 0.999, 999)
    expected = -belief * np.log(said) - (1 - belief) * np.log(1 - said)
    np.testing.assert_allclose(said[expected.argmin()], belief, atol=1e-9)
    miss = belief * (1 - said) + (1 - belief) * said  # the plain miss does not
    assert belief == 0.5 or abs(said[miss.argmin()] - belief) >= 0.009


def test_equation_3_2_is_the_mean_price(written):
    assert written["3.2"] == (
        r"\mathcal{L} = -\frac1N \sum_{i=1}^{N} \log p(y_i) = -\frac1N \log \prod_{i=1}^{N} p(y_i)"
    )
    p, y = probabilities(), classes()
    N = len(y)
    L = -1 / N * sum(np.log(p[i, y[i]]) for i in range(N))
    np.testing.assert_allclose(L, -1 / N * np.log(np.prod([p[i, y[i]] for i in range(N)])), **EXACT)
    np.testing.assert_allclose(L, losses.cross_entropy(np.log(p), y), **EXACT)
    by_torch = distributions.Categorical(torch.tensor(p)).log_prob(torch.tensor(y))
    np.testing.assert_allclose(L, -by_torch.mean().item(), **EXACT)


def test_equation_3_3_is_the_bell_whose_price_is_the_square(written):
    assert written["3.3"] == (
        r"p(y) = \frac{1}{\sigma\sqrt{2\pi}}\, \exp\Bigl(-\frac{(y - \hat y)^2}{2\sigma^2}\Bigr)"
    )
    y, y_hat, sigma = (
        sp.symbols("y", real=True),
        sp.symbols("y_hat", real=True),
        sp.symbols("s", positive=True),
    )
    p = 1 / (sigma * sp.sqrt(2 * sp.pi)) * sp.exp(-((y - y_hat) ** 2) / (2 * sigma**2))
    assert sp.integrate(p, (y, -sp.oo, sp.oo)) == 1
    at = {y: 2.3, y_hat: -0.4, sigma: 1.7}
    by_torch = distributions.Normal(torch.tensor(-0.4, dtype=torch.float64), 1.7).log_prob(torch.tensor(2.3))
    np.testing.assert_allclose(float(sp.log(p).subs(at)), by_torch.item(), rtol=1e-7)
    rest = sp.simplify(sp.expand_log(-sp.log(p), force=True) - (y - y_hat) ** 2 / (2 * sigma**2))
    assert not {y, y_hat} & rest.free_symbols


def test_equation_3_4_is_the_mean_squared_error(written):
    assert written["3.4"] == r"\mathrm{MSE} = \frac1N \sum_{i=1}^{N} (y_i - \hat y_i)^2"
    y, y_hat = np.random.default_rng(0).normal(size=(2, 11))
    MSE = 1 / 11 * sum((y[i] - y_hat[i]) ** 2 for i in range(11))
    np.testing.assert_allclose(losses.mse(y_hat, y), MSE, **EXACT)
    np.testing.assert_allclose(functional.mse_loss(torch.tensor(y_hat), torch.tensor(y)).item(), MSE, **EXACT)


def test_equation_3_5_is_the_constant_with_the_smallest_mse(written):
    assert written["3.5"] == r"c_{\text{best}} = \frac1N \sum_{i=1}^{N} y_i"
    y = np.random.default_rng(0).exponential(size=9)
    best = sum(y) / 9
    slope = autograd(lambda c: functional.mse_loss(c.expand(9), torch.tensor(y)), np.array(best))
    np.testing.assert_allclose(slope, 0, atol=1e-14)
    for c in best + np.array([-0.1, 0.01, 1]):
        assert losses.mse(np.full(9, c), y) > losses.mse(np.full(9, best), y)
    c, *values = sp.symbols("c y1:4")
    found = sp.solve(sp.diff(sum((v - c) ** 2 for v in values), c), c)
    assert sp.simplify(found[0] - sum(values) / 3) == 0


def test_equation_3_6_is_binary_cross_entropy(written):
    assert written["3.6"] == r"\ell(p, y) = -y \log p - (1 - y) \log (1 - p)"
    z, y = logits(1, 50)[0], np.arange(50) % 2
    p = activations.sigmoid(z)
    ell = np.array([-y_i * np.log(p_i) - (1 - y_i) * np.log(1 - p_i) for p_i, y_i in zip(p, y, strict=True)])
    by_torch = functional.binary_cross_entropy(torch.tensor(p), torch.tensor(1.0 * y), reduction="none")
    np.testing.assert_allclose(ell, by_torch.numpy(), rtol=1e-10)
    np.testing.assert_allclose(ell.mean(), losses.binary_cross_entropy(z, y), rtol=1e-12)
    bernoulli = [p_i**y_i * (1 - p_i) ** (1 - y_i) for p_i, y_i in zip(p, y, strict=True)]
    np.testing.assert_allclose(ell, -np.log(bernoulli), **EXACT)


def test_equation_3_6_likes_the_share_of_yes_best():
    p, k, N = sp.symbols("p k N", positive=True)
    assert sp.solve(sp.diff(-k * sp.log(p) - (N - k) * sp.log(1 - p), p), p) == [k / N]


def test_equation_3_7_is_the_price_of_the_right_class(written):
    assert written["3.7"] == r"\ell(p, y) = -\sum_{k=1}^{K} y_k \log p_k = -\log p_{\text{right}}"
    for p, right in zip(probabilities(), classes(), strict=True):
        y = np.eye(5)[right]
        ell = -sum(y[k] * np.log(p[k]) for k in range(5))
        np.testing.assert_allclose(ell, -np.log(p[right]), **EXACT)
        np.testing.assert_allclose(ell, losses.cross_entropy([np.log(p)], [right]), **EXACT)
        by_torch = functional.nll_loss(torch.tensor(p).log()[None], torch.tensor([right]))
        np.testing.assert_allclose(ell, by_torch.item(), **EXACT)


def test_equation_3_8_averages_over_samples_and_sums_over_classes(written):
    assert written["3.8"] == r"\mathcal{L} = -\frac1N \sum_{i=1}^{N} \sum_{k=1}^{K} y_{ik} \log p_{ik}"
    z, labels = logits(), classes()
    p, y, (N, K) = activations.softmax(z), np.eye(5)[labels], z.shape
    L = -1 / N * sum(y[i, k] * np.log(p[i, k]) for i in range(N) for k in range(K))
    np.testing.assert_allclose(L, losses.cross_entropy(z, labels), **EXACT)
    np.testing.assert_allclose(L, functional.cross_entropy(torch.tensor(z), torch.tensor(y)).item(), **EXACT)


def test_equation_3_8_likes_the_shares_of_the_classes_best():
    shares = np.array([0.5, 0.3, 0.2])
    labels = np.repeat([0, 1, 2], [5, 3, 2])
    slope = autograd(
        lambda z: functional.cross_entropy(z.expand(10, 3), torch.tensor(labels)), np.log(shares)
    )
    np.testing.assert_allclose(slope, 0, atol=1e-14)


def test_equation_3_9_is_softmax(written):
    assert written["3.9"] == r"p_k = \frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}"
    for z in logits():
        p = [np.exp(z[k]) / sum(np.exp(z[j]) for j in range(5)) for k in range(5)]
        np.testing.assert_allclose(activations.softmax(z), p, **EXACT)
        np.testing.assert_allclose(torch.tensor(z).softmax(0).numpy(), p, **EXACT)


@pytest.mark.parametrize("c", [-1e4, -1.0, 0.3, 1e4])
def test_equation_3_10_says_that_only_differences_count(c, written):
    assert written["3.10"] == r"\operatorname{softmax}(z + c) = \operatorname{softmax}(z)"
    z = logits()
    np.testing.assert_allclose(activations.softmax(z + c), activations.softmax(z), rtol=1e-10)
    shifted = (torch.tensor(z) + c).softmax(1).numpy()
    np.testing.assert_allclose(shifted, torch.tensor(z).softmax(1).numpy(), rtol=1e-10)


def test_equation_3_11_is_softmax_of_two(written):
    assert written["3.11"] == r"p_1 = \frac{1}{1 + e^{-z}} = \operatorname{sigmoid}(z)"
    for z_1, z_2 in logits(20, 2):
        z = z_1 - z_2
        p_1 = 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(activations.softmax([z_1, z_2])[0], p_1, **EXACT)
        np.testing.assert_allclose(activations.sigmoid(z), p_1, **EXACT)
        np.testing.assert_allclose(torch.tensor(z).sigmoid().item(), p_1, **EXACT)


def test_equation_3_12_is_cross_entropy_of_logits(written):
    assert written["3.12"] == r"\ell(z, y) = \log \sum_{k=1}^{K} e^{z_k} - z_y"
    for z, y in zip(logits(), classes(), strict=True):
        ell = np.log(sum(np.exp(z[k]) for k in range(5))) - z[y]
        np.testing.assert_allclose(ell, losses.cross_entropy([z], [y]), **EXACT)
        np.testing.assert_allclose(ell, -np.log(activations.softmax(z)[y]), **EXACT)
        np.testing.assert_allclose(
            ell, functional.cross_entropy(torch.tensor(z), torch.tensor(y)).item(), **EXACT
        )


@pytest.mark.parametrize("far", [0.0, 700.0, -1e5])
def test_equation_3_13_is_the_logarithm_that_survives(far, written):
    assert written["3.13"] == (
        r"\log \sum_{k} e^{z_k} = z_{\max} + \log \sum_{k} e^{z_k - z_{\max}}, \qquad z_{\max} = \max_k z_k"
    )
    for z in logits() + far:
        z_max = max(z)
        right = z_max + np.log(sum(np.exp(z_k - z_max) for z_k in z))
        np.testing.assert_allclose(right, torch.tensor(z).logsumexp(0).item(), **EXACT)
        np.testing.assert_allclose(z[0] - activations.log_softmax(z)[0], right, **EXACT)
        if far == 0:
            np.testing.assert_allclose(np.log(sum(np.exp(z_k) for z_k in z)), right, **EXACT)


def test_equation_3_14_is_the_expected_price(written):
    assert written["3.14"] == r"H(p^*, p) = -\sum_{k} p^*_k \log p_k"
    for truth, p in zip(probabilities(), activations.softmax(logits(scale=1)), strict=True):
        H = -sum(truth_k * np.log(p_k) for truth_k, p_k in zip(truth, p, strict=True))
        np.testing.assert_allclose(entropy.entropies(truth, p)[1], H, **EXACT)
        by_torch = functional.cross_entropy(torch.tensor(p).log(), torch.tensor(truth)).item()
        np.testing.assert_allclose(by_torch, H, **EXACT)
    drawn = np.random.default_rng(0).choice(5, size=100_000, p=truth)
    np.testing.assert_allclose(
        losses.cross_entropy(np.log(p)[None].repeat(len(drawn), 0), drawn), H, rtol=0.02
    )


def test_equation_3_15_splits_cross_entropy(written):
    assert written["3.15"] == (
        r"H(p^*, p) = H(p^*) + \mathrm{KL}(p^* \,\|\, p), \qquad "
        r"\mathrm{KL}(p^* \,\|\, p) = \sum_{k} p^*_k \log \frac{p^*_k}{p_k} \ge 0"
    )
    truth, p = probabilities(200), np.random.default_rng(9).dirichlet(np.ones(5), size=200)
    KL = (truth * np.log(truth / p)).sum(1)
    real, model = (distributions.Categorical(torch.tensor(both)) for both in (truth, p))
    np.testing.assert_allclose(KL, distributions.kl_divergence(real, model).numpy(), rtol=1e-9)
    np.testing.assert_allclose(-(truth * np.log(p)).sum(1), real.entropy().numpy() + KL, rtol=1e-9)
    for one, other, divergence in zip(truth, p, KL, strict=True):
        np.testing.assert_allclose(entropy.entropies(one, other)[2], divergence, rtol=1e-9)
    assert KL.min() > 0
    np.testing.assert_allclose((truth * np.log(truth / truth)).sum(1), 0)


def test_equation_3_15_by_hand(cells):
    """The line below it: p = (0.6, 0.3, 0.1) against p* = (0.7, 0.2, 0.1)."""
    own, crossed, divergence = entropy.entropies([0.7, 0.2, 0.1], [0.6, 0.3, 0.1])
    assert f"${crossed:.3f} = {own:.3f} + {divergence:.3f}$" in cells["entropy-formula"]


def test_equation_3_16_asks_one_question_per_label(written):
    assert written["3.16"] == (
        r"\ell(z, y) = -\frac1K \sum_{k=1}^{K} \bigl[\, y_k \log \operatorname{sigmoid}(z_k) "
        r"+ (1 - y_k) \log (1 - \operatorname{sigmoid}(z_k)) \,\bigr]"
    )
    sigmoid, K = activations.sigmoid, 5
    y = np.random.default_rng(3).integers(2, size=(7, K))
    price = [
        -1 / K * sum(y[k] * np.log(sigmoid(z[k])) + (1 - y[k]) * np.log(1 - sigmoid(z[k])) for k in range(K))
        for z, y in zip(logits(), y, strict=True)
    ]
    np.testing.assert_allclose(np.mean(price), losses.binary_cross_entropy(logits(), y), rtol=1e-11)
    by_torch = functional.binary_cross_entropy_with_logits(torch.tensor(logits()), torch.tensor(1.0 * y))
    np.testing.assert_allclose(np.mean(price), by_torch.item(), rtol=1e-11)


def test_equation_3_17_is_the_slope_of_the_mse(written):
    assert written["3.17"] == r"\frac{\partial\, \mathrm{MSE}}{\partial \hat y_i} = \frac2N (\hat y_i - y_i)"
    y, y_hat = np.random.default_rng(0).normal(size=(2, 8))
    want = [2 / 8 * (y_hat[i] - y[i]) for i in range(8)]
    np.testing.assert_allclose(
        autograd(lambda p: functional.mse_loss(p, torch.tensor(y)), y_hat), want, **EXACT
    )
    np.testing.assert_allclose(central(lambda p: losses.mse(p, y), y_hat), want, rtol=1e-7)


def test_equation_3_18_is_prediction_minus_target(written):
    assert written["3.18"] == r"\frac{\partial \ell}{\partial z_k} = p_k - y_k"
    for z, right in zip(logits(), classes(), strict=True):
        p, y = activations.softmax(z), np.eye(5)[right]
        want = [p[k] - y[k] for k in range(5)]
        by_torch = autograd(lambda z, right=right: functional.cross_entropy(z, torch.tensor(right)), z)
        np.testing.assert_allclose(by_torch, want, **EXACT)
        by_nudges = central(lambda z, right=right: losses.cross_entropy([z], [right]), z)
        np.testing.assert_allclose(by_nudges, want, atol=1e-8)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_equation_3_19_is_the_same_for_yes_and_no(y, written):
    assert written["3.19"] == r"\frac{\partial \ell}{\partial z} = \operatorname{sigmoid}(z) - y"
    for z in logits(1, 20)[0]:
        want = 1 / (1 + np.exp(-z)) - y
        slope = autograd(
            lambda z: functional.binary_cross_entropy_with_logits(z, torch.tensor(y).double()), np.array(z)
        )
        np.testing.assert_allclose(slope, want, rtol=1e-10)
        by_nudges = central(lambda z: losses.binary_cross_entropy(z, [y]), np.array([z]))
        np.testing.assert_allclose(by_nudges, want, atol=1e-8)


def test_equation_3_20_is_the_derivative_that_vanishes(written):
    assert written["3.20"] == (
        r"\frac{\partial}{\partial z} (\operatorname{sigmoid}(z) - y)^2 = 2\,(p - y)\, p\,(1 - p), "
        r"\qquad p = \operatorname{sigmoid}(z)"
    )
    for y in (0.0, 1.0):
        for z in logits(1, 20)[0]:
            p = activations.sigmoid(z)
            want = 2 * (p - y) * p * (1 - p)
            np.testing.assert_allclose(
                autograd(lambda z, y=y: (z.sigmoid() - y) ** 2, np.array(z)), want, rtol=1e-9, atol=1e-15
            )
            if y == 1:
                pulls = {name: pull for name, (*_, pull) in price_list.prices(p).items()}
                np.testing.assert_allclose(pulls["Squared error"], -want, rtol=1e-9)
                np.testing.assert_allclose(pulls["Cross-entropy"], 1 - p, rtol=1e-12)
    pulls = {name: pull for name, (*_, pull) in price_list.prices(activations.sigmoid(-8.0)).items()}
    assert pulls["Squared error"] < 1e-3 < 0.999 < pulls["Cross-entropy"]


@pytest.mark.parametrize("K", [2, 10, 1000])
def test_equation_3_21_is_the_floor_of_a_second_softmax(K, written):
    assert written["3.21"] == (
        r"\ell(p, y) = \log \Bigl( 1 + \sum_{k \ne y} e^{p_k - p_y} \Bigr) "
        r"\ge \log \Bigl( 1 + \frac{K - 1}{e} \Bigr)"
    )
    floor = np.log(1 + (K - 1) / np.e)
    for p in [*np.random.default_rng(0).dirichlet(np.full(K, 1 / K), size=50), np.eye(K)[0]]:
        ell = np.log(1 + sum(np.exp(p[k] - p[0]) for k in range(1, K)))
        np.testing.assert_allclose(
            ell, functional.cross_entropy(torch.tensor(p), torch.tensor(0)).item(), **EXACT
        )
        with np.errstate(divide="ignore"):
            twice = misprints.cross_entropy_after_softmax([np.maximum(np.log(p), -1e4)], [0])
        np.testing.assert_allclose(ell, twice, **EXACT)
        assert ell >= floor - 1e-12
    np.testing.assert_allclose(ell, floor, rtol=1e-12)  # the last p was the perfect one
