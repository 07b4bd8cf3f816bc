"""Every numbered equation of chapter 6 as it stands in the notebook, against our code, SymPy and autograd."""

from functools import partial

import numpy as np
import pytest
import sympy as sp
import torch

from losslab.article import misprints
from losslab.formulas import losses, optim, regression, trajectories

EXACT = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture(scope="module")
def model(cells):
    """The chapter's functions `loss`, `gradient` and `printed`."""
    names = {"errata": misprints}
    exec(cells["model"], names)
    return names


@pytest.fixture
def draws():
    """Weights, inputs and targets of both signs, none near zero; learning rates below the limit 1/x²."""
    rng = np.random.default_rng(0)
    w, x, y = rng.choice([-1, 1], (3, 20)) * rng.uniform(0.3, 4, (3, 20))
    return w, x, y, rng.uniform(0.05, 0.95, 20) / x**2


@pytest.fixture
def points():
    rng = np.random.default_rng(1)
    return rng.normal(3, 2, 9), rng.normal(-1, 4, 9)


def central(f, at, h=1e-6):
    """Central differences of `f` along every coordinate of `at`."""
    at = np.asarray(at, float)
    return np.array([(f(at + e) - f(at - e)) / (2 * h) for e in h * np.eye(at.size)])


def torch_loss(theta, x, y):
    """The line's loss by torch alone."""
    line = theta[0] * torch.tensor(x) + theta[1]
    return torch.nn.functional.mse_loss(line, torch.tensor(y))


def test_equation_6_1_is_the_loss_of_one_point(written, model, draws):
    assert written["6.1"] == r"\mathcal{L}(w) = (y - w x)^2"
    for w, x, y, _ in zip(*draws, strict=True):
        want = (y - w * x) ** 2
        np.testing.assert_allclose(model["loss"](w, x, y), want, **EXACT)
        np.testing.assert_allclose(losses.mse([w * x], [y]), want, **EXACT)
        np.testing.assert_allclose(regression.loss([w], [[x]], [y]), want, **EXACT)


def test_equation_6_2_is_its_gradient(written, model, draws):
    assert written["6.2"] == r"\frac{d\mathcal{L}}{dw} = -2x\,(y - w x)"
    symbols = sp.symbols("w x y")
    assert sp.simplify(sp.diff(model["loss"](*symbols), symbols[0]) - model["gradient"](*symbols)) == 0
    for w, x, y, _ in zip(*draws, strict=True):
        want = -2 * x * (y - w * x)
        weight = torch.tensor(w, requires_grad=True)
        ((y - weight * x) ** 2).backward()
        np.testing.assert_allclose(weight.grad.item(), want, **EXACT)
        np.testing.assert_allclose(model["gradient"](w, x, y), want, **EXACT)
        np.testing.assert_allclose(regression.gradient([w], [[x]], [y]), [want], **EXACT)
        np.testing.assert_allclose(
            central(lambda w, x=x, y=y: model["loss"](w[0], x, y), [w]), want, rtol=1e-7
        )


def test_equation_6_3_is_a_step_of_gradient_descent(written, model, draws):
    assert written["6.3"] == r"w_{t+1} = w_t + 2\alpha x\,(y - w_t x)"
    w, x, y, alpha = draws
    (stepped,) = optim.gd(w, model["gradient"](w, x, y), lr=alpha)
    np.testing.assert_allclose(stepped, w + 2 * alpha * x * (y - w * x), **EXACT)


def test_equation_6_4_is_what_a_step_does_to_the_error(written, model):
    assert written["6.4"] == (r"e_{t+1} = \rho\, e_t, \qquad e_t = w_t - w^*, \qquad \rho = 1 - 2\alpha x^2")
    w, x, y, alpha = sp.symbols("w x y alpha")
    (stepped,) = optim.gd(w, model["gradient"](w, x, y), lr=alpha)
    assert sp.simplify(stepped - y / x - (1 - 2 * alpha * x**2) * (w - y / x)) == 0


def test_equation_6_5_gives_every_step_of_a_run(written, model, draws):
    assert written["6.5"] == r"w_t = w^* (1 - \rho^t)"
    _, x, y, alpha = draws
    path = trajectories.run(partial(optim.gd, lr=alpha), lambda w: model["gradient"](w, x, y), 0 * x, 60)
    k = np.arange(61)[:, None]
    np.testing.assert_allclose(path, y / x * (1 - (1 - 2 * alpha * x**2) ** k), **EXACT)


def test_equation_6_6_gives_every_loss_of_a_run(written, model, draws):
    assert written["6.6"] == r"\mathcal{L}_t = \rho^{2t} \mathcal{L}_0"
    w, x, y, alpha = draws
    path = trajectories.run(partial(optim.gd, lr=alpha), lambda w: model["gradient"](w, x, y), w, 30)
    k = np.arange(31)[:, None]
    want = (1 - 2 * alpha * x**2) ** (2 * k) * model["loss"](w, x, y)
    np.testing.assert_allclose(model["loss"](path, x, y), want, rtol=1e-7, atol=1e-20)


def test_equation_6_7_is_what_the_printed_step_does_to_the_error(written):
    assert written["6.7"] == r"e_{t+1} = (1 + 2\alpha x)\, e_t"
    w, x, y, alpha = sp.symbols("w x y alpha")
    (stepped,) = optim.gd(w, misprints.worked_gradient_as_printed(w, x, y), lr=alpha)
    assert sp.simplify(stepped - y / x - (1 + 2 * alpha * x) * (w - y / x)) == 0


def test_equation_6_8_counts_the_steps(written, model, draws):
    assert written["6.8"] == r"t > \frac{\ln(\text{tol} / |w^*|)}{\ln |\rho|}"
    _, x, y, alpha = draws
    path = trajectories.run(partial(optim.gd, lr=alpha), lambda w: model["gradient"](w, x, y), 0 * x, 600)
    for tol in (1e-1, 1e-3, 1e-6):
        bound = np.log(tol / abs(y / x)) / np.log(abs(1 - 2 * alpha * x**2))
        np.testing.assert_array_equal(
            trajectories.below_for_good(abs(path - y / x), tol), np.maximum(np.floor(bound) + 1, 0)
        )


def test_equation_6_9_is_the_limit_of_the_learning_rate(written, model, draws):
    assert written["6.9"] == (
        r"0 < \alpha < \frac{1}{x^2} = \frac{2}{\lambda}, \qquad \lambda = \mathcal{L}'' = 2x^2"
    )
    symbols = sp.symbols("w x y", nonzero=True)
    second = sp.diff(model["loss"](*symbols), symbols[0], 2)
    assert sp.simplify(second - 2 * symbols[1] ** 2) == 0
    assert sp.simplify(2 / second - 1 / symbols[1] ** 2) == 0
    w, x, y, _ = draws
    np.testing.assert_allclose([regression.lr_limit([[each]]) for each in x], 1 / x**2, **EXACT)
    for share, shrinks in ((1e-3, True), (0.5, True), (0.999, True), (1.001, False), (-1e-3, False)):
        rule = partial(optim.gd, lr=share / x**2)
        path = trajectories.run(rule, lambda w: model["gradient"](w, x, y), w, 1)
        np.testing.assert_array_equal(abs(path[1] - y / x) < abs(path[0] - y / x), shrinks)


def test_equation_6_10_is_the_mean_loss_of_a_line(written, points):
    assert written["6.10"] == r"\mathcal{L}(w, b) = \frac{1}{N} \sum_{i=1}^{N} (y_i - w x_i - b)^2"
    x, y = points
    w, b = theta = np.array([0.7, -1.3])
    want = sum((y_i - w * x_i - b) ** 2 for x_i, y_i in zip(x, y, strict=True)) / len(x)
    np.testing.assert_allclose(regression.loss(theta, regression.design(x), y), want, **EXACT)
    np.testing.assert_allclose(torch_loss(torch.tensor(theta), x, y).item(), want, **EXACT)


def test_equation_6_11_is_its_gradient(written, points):
    assert written["6.11"] == (
        r"\frac{\partial \mathcal{L}}{\partial w} = -\frac{2}{N} \sum_i x_i\,(y_i - w x_i - b), \qquad "
        r"\frac{\partial \mathcal{L}}{\partial b} = -\frac{2}{N} \sum_i (y_i - w x_i - b)"
    )
    x, y = points
    X, N, theta = regression.design(x), len(x), np.array([0.7, -1.3])
    r = y - theta[0] * x - theta[1]
    want = [-2 / N * (x * r).sum(), -2 / N * r.sum()]
    weights = torch.tensor(theta, requires_grad=True)
    torch_loss(weights, x, y).backward()
    np.testing.assert_allclose(regression.gradient(theta, X, y), want, **EXACT)
    np.testing.assert_allclose(weights.grad.numpy(), want, **EXACT)
    np.testing.assert_allclose(central(lambda t: regression.loss(t, X, y), theta), want, rtol=1e-7)


def test_equation_6_12_are_the_normal_equations(written, points):
    assert written["6.12"] == (
        r"w \sum_i x_i^2 + b \sum_i x_i = \sum_i x_i y_i, \qquad w \sum_i x_i + b N = \sum_i y_i"
    )
    x, y = points
    X, N = regression.design(x), len(x)
    w, b = regression.solve(X, y)
    np.testing.assert_allclose(w * (x**2).sum() + b * x.sum(), (x * y).sum(), **EXACT)
    np.testing.assert_allclose(w * x.sum() + b * N, y.sum(), **EXACT)
    np.testing.assert_allclose(regression.gradient([w, b], X, y), 0, atol=1e-12)
    np.testing.assert_allclose(np.polyfit(x, y, 1), [w, b], **EXACT)


def test_equation_6_13_is_the_best_line_through_the_origin(written, points):
    assert written["6.13"] == r"w^* = \frac{\sum_i x_i y_i}{\sum_i x_i^2}"
    x, y = points
    want = (x * y).sum() / (x**2).sum()
    np.testing.assert_allclose(regression.solve(x[:, None], y), [want], **EXACT)
    np.testing.assert_allclose(regression.gradient([want], x[:, None], y), 0, atol=1e-12)


def test_equation_6_14_is_the_curvature_everywhere(written, points):
    assert written["6.14"] == (
        r"\nabla^2\mathcal{L} = \frac{2}{N} "
        r"\begin{pmatrix} \sum_i x_i^2 & \sum_i x_i \\ \sum_i x_i & N \end{pmatrix}"
    )
    x, y = points
    want = 2 / len(x) * np.array([[(x**2).sum(), x.sum()], [x.sum(), len(x)]])
    np.testing.assert_allclose(regression.curvature(regression.design(x)), want, **EXACT)
    for theta in ([0.0, 0.0], [3.0, -7.0]):
        got = torch.autograd.functional.hessian(lambda t: torch_loss(t, x, y), torch.tensor(theta).double())
        np.testing.assert_allclose(got.numpy(), want, **EXACT)


def test_equation_6_15_is_the_best_rate_and_its_factor(written, points):
    assert written["6.15"] == (
        r"\alpha = \frac{2}{\lambda_{\min} + \lambda_{\max}}, \qquad "
        r"\rho = \frac{\kappa - 1}{\kappa + 1}, \qquad \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}"
    )
    curvature = regression.curvature(regression.design(points[0]))
    low, high = np.linalg.eigvalsh(curvature)
    rates = np.append(np.linspace(0, 2 / high, 2001), 2 / (low + high))
    worst = np.abs(np.linalg.eigvals(np.eye(2) - rates[:, None, None] * curvature)).max(-1)
    np.testing.assert_allclose(worst.min(), worst[-1], **EXACT)
    np.testing.assert_allclose(worst[-1], (high / low - 1) / (high / low + 1), **EXACT)


def test_equation_6_16_makes_the_bowl_round(written, points):
    assert written["6.16"] == (
        r"\tilde x_i = \frac{x_i - \mu}{\sigma}, \qquad \mu = \frac{1}{N} \sum_i x_i, \qquad "
        r"\sigma^2 = \frac{1}{N} \sum_i (x_i - \mu)^2"
    )
    x, y = points
    mu = x.sum() / len(x)
    sigma = (((x - mu) ** 2).sum() / len(x)) ** 0.5
    scaled = regression.design((x - mu) / sigma)
    np.testing.assert_allclose(regression.curvature(scaled), 2 * np.eye(2), **EXACT)
    rule = partial(optim.gd, lr=0.5)
    path = trajectories.run(rule, lambda t: regression.gradient(t, scaled, y), [9.0, -9.0], 1)
    np.testing.assert_allclose(path[-1], regression.solve(scaled, y), **EXACT)
