"""Every numbered equation of chapter 12 as it stands in the notebook, against our code, torch and captum."""

from itertools import combinations
from math import comb, exp, factorial, log

import numpy as np
import pytest
import torch
from torch import nn

from losslab.formulas import attribution
from losslab.learning import maps

captum = pytest.importorskip("captum.attr", reason="needs the extra applications")


def by_hand(x):
    return 1 + 3 * x[..., 0] + 2 * x[..., 1] * x[..., 2]


def model(v):
    return np.tanh(v[..., 0] * v[..., 1]) + v[..., 2] ** 2 * v[..., 3] - v[..., 4]


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(2, 5))


def test_equation_12_1_is_what_is_lost_without_one_input(written, points):
    assert written["12.1"] == r"\text{occlusion of } i = f(x) - f(x \text{ without } i)"
    x, base = points
    lost = []
    for i in range(5):
        without = x.copy()
        without[i] = base[i]
        lost.append(model(x) - model(without))
    np.testing.assert_allclose(attribution.occlusion(model, x, base), lost, rtol=1e-12)
    np.testing.assert_allclose(attribution.occlusion(by_hand, np.ones(3), np.zeros(3)), [3, 2, 2])
    assert round(log(0.8) - log(0.2), 2) == round(log(4), 2) == 1.39


def test_equation_12_2_is_the_shapley_value(written, points):
    assert written["12.2"] == (
        r"\psi_i = \sum_{C \not\ni i} \frac{|C|!\,(n - |C| - 1)!}{n!} "
        r"\bigl( f(C \cup \{i\}) - f(C) \bigr), \qquad \sum_{i} \psi_i = f(x) - f(x_0)"
    )
    n, (x, x_0) = 5, points
    f = lambda C: model(np.where(np.isin(np.arange(n), list(C)), x, x_0))  # noqa: E731
    psi = []
    for i in range(n):
        sets = [C for k in range(n) for C in combinations([j for j in range(n) if j != i], k)]
        weight = [factorial(len(C)) * factorial(n - len(C) - 1) / factorial(n) for C in sets]
        np.testing.assert_allclose(sum(weight), 1, rtol=1e-12)
        psi.append(sum(w * (f((*C, i)) - f(C)) for w, C in zip(weight, sets, strict=True)))
    np.testing.assert_allclose(attribution.shapley(model, x, x_0), psi, rtol=1e-12)
    np.testing.assert_allclose(sum(psi), model(x) - model(x_0), rtol=1e-12)
    np.testing.assert_allclose(attribution.shapley(by_hand, np.ones(3), np.zeros(3)), [3, 1, 1], atol=1e-15)


def test_equation_12_2_is_what_captum_computes(points):
    x, x_0 = (torch.tensor(point)[None] for point in points)
    f = lambda v: torch.as_tensor(model(v.numpy()))  # noqa: E731
    oracle = captum.ShapleyValues(f).attribute(x, baselines=x_0)[0]
    np.testing.assert_allclose(
        attribution.shapley(model, *points), oracle, rtol=1e-5
    )  # captum adds in float32


def test_equation_12_3_is_the_standard_error_of_sampling(written, points):
    assert written["12.3"] == (
        r"\text{standard error of } \psi_i = \frac{\sigma_i}{\sqrt{\text{number of orders}}}"
    )
    rng, (x, x_0) = np.random.default_rng(1), points
    exact = attribution.shapley(model, x, x_0)
    orders = rng.permuted(np.tile(np.arange(5), (400, 50, 1)), axis=2)
    guesses, errors = zip(*[attribution.sampled_shapley(model, x, x_0, some) for some in orders], strict=True)
    off = np.sqrt(np.mean((np.array(guesses) - exact) ** 2, 0))
    moving = off > 1e-12  # the last input enters f as a sum: its value is the same in every order
    assert list(moving) == [True, True, True, True, False]
    np.testing.assert_allclose(off[moving], np.sqrt(np.mean(np.square(errors), 0))[moving], rtol=0.12)


def test_equation_12_3_by_hand():
    adds = [0.0, 2.0]  # what x₂ adds, in half of the orders each
    assert np.std(adds) == 1
    assert np.std(adds) / 100**0.5 == 0.1


def test_equation_12_4_is_a_weighted_line(written):
    assert written["12.4"] == (
        r"\min_{b,\,w} \; \sum_{C} \omega(C) \Bigl( f(C) - b - \sum_{i \in C} w_i \Bigr)^2, "
        r"\qquad \omega(C) = e^{-(\text{share off})^2 / \text{width}^2}"
    )
    rng, width = np.random.default_rng(0), 0.4
    x, base, on = rng.normal(size=5), rng.normal(size=5), rng.random((60, 5)) < 0.5
    w = attribution.lime(model, x, base, on, width=width, ridge=0.0)
    value = model(np.where(on, x, base))
    k = np.array([exp(-((1 - row.mean()) ** 2) / width**2) for row in on])

    def price(b, w):
        return sum(k * (value - b - on @ w) ** 2)

    b = np.average(value - on @ w, weights=k)
    for change in rng.normal(size=(20, 6)) * 1e-3:
        assert price(b, w) < price(b + change[0], w + change[1:])


def test_equation_12_4_by_hand():
    on = np.vstack([np.ones(3), 1 - np.eye(3)]).astype(bool)
    w = attribution.lime(by_hand, np.ones(3), np.zeros(3), on, width=0.5, ridge=0.0)
    np.testing.assert_allclose(w, [3, 2, 2])


def test_the_weights_of_kernel_shap_make_the_line_shapleys(points):
    """The chapter's sentence: (n − 1) / (comb(n, k) k (n − k)), the two ends fitted exactly."""
    x, x_0 = points
    on = attribution.coalitions(5)
    k = on.sum(1)
    inner = (k > 0) & (k < 5)
    weight = np.full(32, 1e8)
    weight[inner] = [4 / (comb(5, size) * size * (5 - size)) for size in k[inner]]
    _, line = attribution.surrogate(model(np.where(on, x, x_0)), on, weight)
    np.testing.assert_allclose(line, attribution.shapley(model, x, x_0), atol=1e-5)


def test_equation_12_5_is_the_gradient_along_the_way(written):
    assert written["12.5"] == (
        r"\text{IG}_i = (x_i - x_{0,i}) \int_0^1 \frac{\partial f}{\partial x_i}"
        r"\bigl(x_0 + \eta\,(x - x_0)\bigr)\, d\eta, \qquad \sum_i \text{IG}_i = f(x) - f(x_0)"
    )
    net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(generator=generator)
    x, x_0 = torch.randn(2, 1, 5, generator=generator).double()
    f = maps.log_probability(net, 1)
    path = maps.integrated_gradients(f, x, x_0, steps=2000)[0]
    np.testing.assert_allclose(path.sum(), (f(x) - f(x_0)).item(), atol=1e-5)
    oracle = captum.IntegratedGradients(f).attribute(x, x_0, n_steps=200)[0]
    np.testing.assert_allclose(path, oracle, atol=1e-5)
    slopes = lambda v: maps.gradient(f, torch.tensor(v)).numpy()  # noqa: E731
    ours = attribution.integrated_gradients(slopes, x[0].numpy(), x_0[0].numpy(), 2000)
    np.testing.assert_allclose(ours, path, rtol=1e-10)


def test_equation_12_5_by_hand():
    slopes = lambda x: np.stack([3 + 0 * x[..., 0], 2 * x[..., 2], 2 * x[..., 1]], -1)  # noqa: E731
    np.testing.assert_allclose(
        attribution.integrated_gradients(slopes, np.ones(3), np.zeros(3), 10), [3, 1, 1]
    )


def test_path_and_orders_part_where_an_input_enters_with_a_bend():
    """The chapter's example, x₁² x₂."""
    f, x, x_0 = lambda v: v[..., 0] ** 2 * v[..., 1], np.ones(2), np.zeros(2)
    slopes = lambda v: np.stack([2 * v[..., 0] * v[..., 1], v[..., 0] ** 2], -1)  # noqa: E731
    path = attribution.integrated_gradients(slopes, x, x_0, 1000)
    np.testing.assert_allclose(path, [2 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(attribution.shapley(f, x, x_0), [1 / 2, 1 / 2])


def test_equation_12_6_weights_activation_maps_by_their_mean_derivative(written):
    assert written["12.6"] == (
        r"\text{map} = \max\Bigl(0,\; \sum_c \overline{\frac{\partial f}{\partial a_c}}\; a_c \Bigr)"
    )
    generator = torch.Generator().manual_seed(0)
    conv, head = nn.Conv2d(1, 4, 3), nn.Linear(4 * 6 * 6, 3)
    net = nn.Sequential(conv, nn.Tanh(), nn.Flatten(), head)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(generator=generator)
    x, f = torch.randn(2, 1, 8, 8, generator=generator), maps.log_probability(net, 2)
    a = net[1](conv(x)).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(head(a.flatten(1)).log_softmax(1)[:, 2].sum(), a)
    by_formula = sum(slopes[:, c].mean((1, 2), keepdim=True) * a[:, c] for c in range(4)).clamp(min=0)
    torch.testing.assert_close(maps.grad_cam(f, net[1], x), by_formula.detach())
    oracle = captum.LayerGradCam(f, net[1]).attribute(x, relu_attributions=True)[:, 0]
    torch.testing.assert_close(maps.grad_cam(f, net[1], x), oracle.detach())
    assert max(0, 1 * 5 + -2 * 4) == 0
