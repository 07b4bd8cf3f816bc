"""Every numbered equation of chapter 5 as it stands in the notebook, against our code, SymPy and torch."""

import ast
import inspect
import itertools
from functools import partial

import numpy as np
import pytest
import sympy as sp
import torch

from losslab.exercises import ch05
from losslab.formulas import optim, surfaces
from losslab.formulas.trajectories import below_for_good, run

pytestmark = pytest.mark.trains

EXACT = {"rtol": 1e-10, "atol": 1e-13}


def radius(alpha, lam, beta):
    """The largest absolute value of an eigenvalue of M, equation (5.8); the arguments broadcast."""
    alpha, lam, beta = np.broadcast_arrays(alpha, lam, beta)
    M = np.stack([1 - alpha * lam, -alpha * beta, lam, beta], -1).reshape(*lam.shape, 2, 2)
    return np.abs(np.linalg.eigvals(M)).max(-1)


@pytest.fixture
def g():
    """g[t], t = 1 … 40: gradients of 3 parameters over four orders of magnitude; g[0] is not used."""
    return np.random.default_rng(0).normal(size=(41, 3)) * np.array([1e-2, 1.0, 1e2])


def torchs(optimizer, g, **knobs):
    """Path of a torch optimiser from w = 0 that is handed the gradients g[1], g[2], …."""
    w = torch.zeros(3, dtype=torch.float64)
    stepper, path = optimizer([w], **knobs), [w.numpy().copy()]
    for slope in g[1:]:
        w.grad = torch.tensor(slope)
        stepper.step()
        path.append(w.numpy().copy())
    return np.stack(path)


def states(rule, g):
    """(w, *memory) after every step from w = 0 with the gradients g[1], g[2], …."""
    state, found = (np.zeros(3),), []
    for slope in g[1:]:
        state = rule(state[0], slope, *state[1:])
        found.append(state)
    return found


def test_equation_5_1_is_gradient_descent(written, g):
    assert written["5.1"] == r"w_t = w_{t-1} - \alpha\, g_t"
    w = np.zeros((41, 3))
    for t in range(1, 41):
        w[t] = w[t - 1] - 0.1 * g[t]
    np.testing.assert_allclose([s[0] for s in states(partial(optim.gd, lr=0.1), g)], w[1:], **EXACT)
    np.testing.assert_allclose(torchs(torch.optim.SGD, g, lr=0.1), w, **EXACT)


def test_equation_5_2_gives_every_step_in_a_bowl(written):
    assert written["5.2"] == (
        r"w_t = (1-\alpha\lambda)^t\, w_0, \qquad\text{which shrinks exactly when } "
        r"0<\alpha<\frac{2}{\lambda}"
    )
    alpha, curvature = np.ix_((0.01, 0.1, 0.3), (0.5, 3.0, 6.0))
    path = run(partial(optim.gd, lr=alpha), lambda w: curvature * w, 2.0 * np.ones((3, 3)), 25)
    t = np.arange(26)[:, None, None]
    np.testing.assert_allclose(path, (1 - alpha * curvature) ** t * 2.0, rtol=1e-9, atol=1e-13)
    a, k = sp.symbols("alpha lambda", positive=True)
    assert sp.solve(sp.Eq((1 - a * k) ** 2, 1), a) == [2 / k]
    share = np.array([-0.01, 0.01, 0.99, 1.01])
    ends = run(partial(optim.gd, lr=share * 2 / 7), lambda w: 7 * w, np.ones(4), 100)[-1]
    np.testing.assert_array_equal(abs(ends) < 1, [False, True, True, False])


def test_equation_5_3_is_the_best_compromise(written):
    assert written["5.3"] == (
        r"\alpha^\star = \frac{2}{\lambda_{\min}+\lambda_{\max}}, \qquad "
        r"\rho = \frac{\kappa-1}{\kappa+1}"
    )
    low, high = 3.0, 60.0
    best, kappa = 2 / (low + high), high / low
    alphas = np.linspace(1e-4, 2 / high, 20_001)
    worst = np.maximum(abs(1 - alphas * low), abs(1 - alphas * high))
    np.testing.assert_allclose(alphas[worst.argmin()], best, rtol=1e-3)
    np.testing.assert_allclose(worst.min(), (kappa - 1) / (kappa + 1), rtol=1e-3)
    path = run(partial(optim.gd, lr=best), surfaces.quadratic((low, high)).gradient, [1.0, 1.0], 50)
    factors = np.linalg.norm(path[1:], axis=1) / np.linalg.norm(path[:-1], axis=1)
    np.testing.assert_allclose(factors, (kappa - 1) / (kappa + 1), rtol=1e-9)


def test_equation_5_4_is_an_unbiased_estimate(written):
    """Over all 126 batches of 4 out of 9 samples, with autograd's gradients of a nonlinear model."""
    assert written["5.4"] == (
        r"g_B = \frac1B\sum_{i\in\text{batch}}\nabla\ell_i(w), \qquad "
        r"\mathbb{E}[g_B] = \nabla\mathcal{L}(w) = \frac1N\sum_{i=1}^{N}\nabla\ell_i(w)"
    )
    rng = np.random.default_rng(0)
    x, y = torch.tensor(rng.normal(size=(9, 3))), torch.tensor(rng.normal(size=9))
    w = torch.tensor(rng.normal(size=3), requires_grad=True)

    def gradient(samples):
        samples = list(samples)
        loss = torch.nn.functional.mse_loss(torch.tanh(x[samples] @ w), y[samples])
        return torch.autograd.grad(loss, w)[0].numpy()

    each = np.stack([gradient([i]) for i in range(9)])
    batches = list(itertools.combinations(range(9), 4))
    of_batches = np.stack([gradient(b) for b in batches])
    np.testing.assert_allclose(of_batches, [each[list(b)].sum(0) / 4 for b in batches], **EXACT)
    np.testing.assert_allclose(of_batches.mean(0), each.sum(0) / 9, **EXACT)
    np.testing.assert_allclose(gradient(range(9)), each.sum(0) / 9, **EXACT)


def test_equation_5_5_is_the_variance_that_noise_keeps_up(written):
    """Solved by SymPy, and measured over 4,000 runs of gradient descent with a noisy gradient."""
    assert written["5.5"] == (
        r"\operatorname{Var} w = \frac{\alpha\,\sigma^2}{B\,\lambda\,(2-\alpha\lambda)}"
    )
    a, k, sigma, B, var = sp.symbols("alpha lambda sigma B V", positive=True)
    (still,) = sp.solve(sp.Eq(var, (1 - a * k) ** 2 * var + a**2 * sigma**2 / B), var)
    assert sp.simplify(still - a * sigma**2 / (B * k * (2 - a * k))) == 0
    rng, alpha, curvature, noise, batch = np.random.default_rng(0), 0.2, 3.0, 1.5, 4
    path = run(
        partial(optim.gd, lr=alpha),
        lambda w: curvature * w + rng.normal(size=w.shape) * noise / batch**0.5,
        np.zeros(4000),
        200,
    )
    floor = alpha * noise**2 / (batch * curvature * (2 - alpha * curvature))
    np.testing.assert_allclose((path[100:] ** 2).mean(), floor, rtol=0.02)


def test_equation_5_6_is_momentum(written, g):
    assert written["5.6"] == r"u_t = \beta\, u_{t-1} + g_t, \qquad w_t = w_{t-1} - \alpha\, u_t"
    w, u = np.zeros((41, 3)), np.zeros((41, 3))
    for t in range(1, 41):
        u[t] = 0.8 * u[t - 1] + g[t]
        w[t] = w[t - 1] - 0.1 * u[t]
    ours = states(partial(optim.momentum, lr=0.1, beta=0.8), g)
    np.testing.assert_allclose([s[0] for s in ours], w[1:], **EXACT)
    np.testing.assert_allclose([s[1] for s in ours], u[1:], **EXACT)
    np.testing.assert_allclose(torchs(torch.optim.SGD, g, lr=0.1, momentum=0.8), w, **EXACT)


def test_equation_5_7_unrolls_the_velocity(written, g):
    assert written["5.7"] == r"u_t = \sum_{j=0}^{t-1}\beta^j\, g_{t-j}"
    ours = states(partial(optim.momentum, lr=0.1, beta=0.8), g)
    for t, (_, u) in enumerate(ours, start=1):
        np.testing.assert_allclose(u, sum(0.8**j * g[t - j] for j in range(t)), rtol=1e-9, atol=1e-12)


def test_equation_5_8_is_one_step_in_a_bowl(written):
    assert written["5.8"] == (
        r"\begin{pmatrix} w_t\\ u_t\end{pmatrix} = M\begin{pmatrix} w_{t-1}\\ u_{t-1}\end{pmatrix}, \qquad "
        r"M=\begin{pmatrix} 1-\alpha\lambda & -\alpha\beta\\ \lambda & \beta\end{pmatrix}"
    )
    w, u, alpha, beta, k = sp.symbols("w u alpha beta lambda")
    M = sp.Matrix([[1 - alpha * k, -alpha * beta], [k, beta]])
    stepped = sp.Matrix(optim.momentum(w, k * w, u, lr=alpha, beta=beta))
    assert (stepped - M * sp.Matrix([w, u])).expand() == sp.zeros(2, 1)
    numbers = {alpha: 0.3, beta: 0.7, k: 2.0}
    want = max(abs(complex(z)) for z in M.subs(numbers).eigenvals())
    np.testing.assert_allclose(radius(0.3, 2.0, 0.7), want, rtol=1e-10)


def test_equation_5_9_is_where_the_spectral_radius_passes_one(written):
    assert written["5.9"] == r"0<\alpha<\frac{2(1+\beta)}{\lambda}"
    beta, curvature = np.ix_((0.0, 0.3, 0.9, 0.99), (0.1, 1.0, 50.0))
    limit = 2 * (1 + beta) / curvature
    assert (radius(1e-6 * limit, curvature, beta) < 1).all()
    assert (radius(0.5 * limit, curvature, beta) < 1).all()
    assert (radius(0.999 * limit, curvature, beta) < 1).all()
    assert (radius(1.001 * limit, curvature, beta) > 1).all()
    assert (radius(-0.001 * limit, curvature, beta) > 1).all()
    np.testing.assert_allclose(radius(limit, curvature, beta), 1, rtol=1e-6)


def test_equation_5_10_is_the_best_momentum(written):
    assert written["5.10"] == (
        r"\alpha^\star=\frac{4}{(\sqrt{\lambda_{\max}}+\sqrt{\lambda_{\min}})^2},\qquad "
        r"\beta^\star=\left(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2,\qquad "
        r"\rho=\sqrt{\beta^\star} = \frac{\sqrt\kappa-1}{\sqrt\kappa+1}"
    )
    low, high = 2.0, 50.0
    root = (high / low) ** 0.5
    alpha, beta = 4 / (high**0.5 + low**0.5) ** 2, ((root - 1) / (root + 1)) ** 2
    at_best = np.maximum(radius(alpha, low, beta), radius(alpha, high, beta))
    np.testing.assert_allclose(at_best, beta**0.5, rtol=1e-6)
    alphas, betas = np.meshgrid(np.linspace(1e-3, 0.15, 300), np.linspace(0, 0.99, 300))
    anywhere = np.maximum(radius(alphas, low, betas), radius(alphas, high, betas))
    assert anywhere.min() >= at_best - 1e-9
    assert anywhere.min() < at_best + 0.02
    path = run(
        partial(optim.momentum, lr=alpha, beta=beta), surfaces.quadratic((low, high)).gradient, [1, 1], 200
    )
    measured = (np.linalg.norm(path[180]) / np.linalg.norm(path[80])) ** (1 / 100)
    np.testing.assert_allclose(measured, beta**0.5, rtol=0.02)


def test_equation_5_11_is_rmsprop(written, g):
    assert written["5.11"] == (
        r"v_t = \beta_2\, v_{t-1} + (1-\beta_2)\, g_t^2, \qquad "
        r"w_t = w_{t-1} - \alpha\,\frac{g_t}{\sqrt{v_t}+\varepsilon}"
    )
    w, v = np.zeros((41, 3)), np.zeros((41, 3))
    for t in range(1, 41):
        v[t] = 0.9 * v[t - 1] + (1 - 0.9) * g[t] ** 2
        w[t] = w[t - 1] - 0.1 * g[t] / (np.sqrt(v[t]) + 1e-3)
    ours = states(partial(optim.rmsprop, lr=0.1, rho=0.9, eps=1e-3), g)
    np.testing.assert_allclose([s[0] for s in ours], w[1:], **EXACT)
    np.testing.assert_allclose([s[1] for s in ours], v[1:], **EXACT)
    np.testing.assert_allclose(torchs(torch.optim.RMSprop, g, lr=0.1, alpha=0.9, eps=1e-3), w, **EXACT)


ADAM = {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3}
TORCH_ADAM = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3}


def averages(g):
    """The m_t and v_t of (5.12), t = 0 … 40."""
    m, v = np.zeros((41, 3)), np.zeros((41, 3))
    for t in range(1, 41):
        m[t] = 0.8 * m[t - 1] + (1 - 0.8) * g[t]
        v[t] = 0.95 * v[t - 1] + (1 - 0.95) * g[t] ** 2
    return m, v


def test_equation_5_12_are_adams_averages(written, g):
    assert written["5.12"] == (
        r"m_t=\beta_1 m_{t-1}+(1-\beta_1)\,g_t, \qquad v_t=\beta_2 v_{t-1}+(1-\beta_2)\,g_t^2"
    )
    m, v = averages(g)
    ours = states(partial(optim.adam, **ADAM), g)
    np.testing.assert_allclose([s[1] for s in ours], m[1:], **EXACT)
    np.testing.assert_allclose([s[2] for s in ours], v[1:], **EXACT)
    w = torch.zeros(3, dtype=torch.float64)
    stepper = torch.optim.Adam([w], **TORCH_ADAM)
    for slope in g[1:]:
        w.grad = torch.tensor(slope)
        stepper.step()
    np.testing.assert_allclose(stepper.state[w]["exp_avg"], m[40], **EXACT)
    np.testing.assert_allclose(stepper.state[w]["exp_avg_sq"], v[40], **EXACT)


def test_equation_5_13_is_the_mean_of_the_averages(written):
    """Exactly, over all 2¹² sequences of a gradient that is 5 or −1 with equal chance."""
    assert written["5.13"] == (
        r"\mathbb{E}[m_t]=(1-\beta_1^t)\,\mathbb{E}[g], \qquad \mathbb{E}[v_t]=(1-\beta_2^t)\,\mathbb{E}[g^2]"
    )
    sequences = np.array(list(itertools.product([5.0, -1.0], repeat=12)))
    m = v = 0.0
    for t in range(1, 13):
        _, m, v, _ = optim.adam(0.0, sequences[:, t - 1], m, v, t - 1, **ADAM)
        np.testing.assert_allclose(m.mean(), (1 - 0.8**t) * (5 - 1) / 2, rtol=1e-12)
        np.testing.assert_allclose(v.mean(), (1 - 0.95**t) * (25 + 1) / 2, rtol=1e-12)


def test_equation_5_14_is_adam(written, g):
    assert written["5.14"] == (
        r"\hat m_t=\frac{m_t}{1-\beta_1^t},\qquad \hat v_t=\frac{v_t}{1-\beta_2^t},\qquad "
        r"w_t=w_{t-1}-\alpha\,\frac{\hat m_t}{\sqrt{\hat v_t}+\varepsilon}"
    )
    m, v = averages(g)
    w = np.zeros((41, 3))
    for t in range(1, 41):
        m_hat, v_hat = m[t] / (1 - 0.8**t), v[t] / (1 - 0.95**t)
        w[t] = w[t - 1] - 0.1 * m_hat / (np.sqrt(v_hat) + 1e-3)
    np.testing.assert_allclose([s[0] for s in states(partial(optim.adam, **ADAM), g)], w[1:], **EXACT)
    np.testing.assert_allclose(torchs(torch.optim.Adam, g, **TORCH_ADAM), w, **EXACT)


def test_equation_5_15_is_amsgrad(written, g):
    assert written["5.15"] == (
        r"v^{\max}_t=\max(v^{\max}_{t-1},\,v_t), \qquad "
        r"w_t=w_{t-1}-\alpha\,\frac{m_t/(1-\beta_1^t)}{\sqrt{v^{\max}_t/(1-\beta_2^t)}+\varepsilon}"
    )
    g[5] *= 100  # v falls after this one, its maximum does not
    m, v = averages(g)
    w, v_max = np.zeros((41, 3)), np.zeros((41, 3))
    for t in range(1, 41):
        v_max[t] = np.maximum(v_max[t - 1], v[t])
        w[t] = w[t - 1] - 0.1 * m[t] / (1 - 0.8**t) / (np.sqrt(v_max[t] / (1 - 0.95**t)) + 1e-3)
    assert (v_max[40] > v[40]).all()
    ours = states(partial(optim.amsgrad, **ADAM), g)
    np.testing.assert_allclose([s[0] for s in ours], w[1:], **EXACT)
    np.testing.assert_allclose([s[3] for s in ours], v_max[1:], **EXACT)
    np.testing.assert_allclose(torchs(torch.optim.Adam, g, amsgrad=True, **TORCH_ADAM), w, **EXACT)


def test_equation_5_16_is_adamw(written, g):
    assert written["5.16"] == (
        r"w_t=w_{t-1}-\alpha\left(\frac{\hat m_t}{\sqrt{\hat v_t}+\varepsilon}+\gamma\,w_{t-1}\right)"
    )
    m, v = averages(g)
    w = np.zeros((41, 3))
    for t in range(1, 41):
        m_hat, v_hat = m[t] / (1 - 0.8**t), v[t] / (1 - 0.95**t)
        w[t] = w[t - 1] - 0.1 * (m_hat / (np.sqrt(v_hat) + 1e-3) + 0.3 * w[t - 1])
    ours = states(partial(ch05.adamw, decay=0.3, **ADAM), g)
    np.testing.assert_allclose([s[0] for s in ours], w[1:], **EXACT)
    np.testing.assert_allclose(torchs(torch.optim.AdamW, g, weight_decay=0.3, **TORCH_ADAM), w, **EXACT)


# --- what the text around the equations says ---


RULES = {"gd-code": "gd", "momentum-code": "momentum", "rmsprop-code": "rmsprop", "adam-code": "adam"}


@pytest.mark.parametrize(("cell", "rule"), RULES.items())
def test_the_rules_of_the_chapter_are_the_librarys(cells, cell, rule):
    """Signature and body are the same, docstring and comments left out."""

    def code(source):
        (found,) = [one for one in ast.parse(source).body if getattr(one, "name", "") == rule]
        body = found.body[1:] if ast.get_docstring(found) else found.body
        return ast.dump(found.args), [ast.dump(line) for line in body]

    assert code(cells[cell]) == code(inspect.getsource(optim))


def test_the_loop_of_the_chapter_is_the_librarys(cells):
    names = {"np": np, "partial": partial}
    exec(cells["gd-code"], names)
    ravine = surfaces.SURFACES["ravine"]
    for rule in (partial(optim.gd, lr=0.05), partial(optim.adam, lr=0.05)):
        path = names["descend"](rule, ravine.gradient, np.array(ravine.start), 30)
        np.testing.assert_array_equal(path, run(rule, ravine.gradient, ravine.start, 30))


def test_the_two_sums_of_section_4():
    """A constant gradient is amplified to 1/(1 − β), a flipping one damped to 1/(1 + β)."""
    for beta in (0.5, 0.9):
        u = np.zeros(2)
        for t in range(400):
            _, u = optim.momentum(0.0, np.array([1.0, (-1) ** t]), u, lr=0.1, beta=beta)
        np.testing.assert_allclose(abs(u), [1 / (1 - beta), 1 / (1 + beta)], rtol=1e-9)


def test_complex_eigenvalues_have_the_absolute_value_root_beta():
    beta = 0.6
    edges = (1 - beta**0.5) ** 2, (1 + beta**0.5) ** 2
    inside = np.linspace(*edges, 50)[1:-1]
    np.testing.assert_allclose(radius(inside, 1.0, beta), beta**0.5, rtol=1e-9)
    assert radius(0.9 * edges[0], 1.0, beta) > beta**0.5 + 1e-3
    assert radius(1.1 * edges[1], 1.0, beta) > beta**0.5 + 1e-3


def test_a_double_eigenvalue_costs_a_few_steps_more_than_its_power():
    """At the best setting the error shrinks like t ρᵗ: 39 steps per digit where (5.10) says 36.4."""
    kappa = 1000.0
    root, curvatures = kappa**0.5, np.array([1.0, kappa])
    rho = (root - 1) / (root + 1)
    path = run(
        partial(optim.momentum, lr=4 / (1 + root) ** 2, beta=rho**2), lambda w: curvatures * w, [1, 1], 400
    )
    size = np.linalg.norm(path, axis=-1)
    measured = (below_for_good(size, 1e-8) - below_for_good(size, 1e-2)) / 6
    np.testing.assert_allclose([np.log(0.1) / np.log(rho), measured], [36.4, 39], atol=0.3)
    t = np.arange(100, 401)
    growing = np.abs(path[100:, 0]) / (t * rho**t)  # along the flat direction
    np.testing.assert_allclose(growing / growing[-1], 1, atol=0.15)


def test_nine_tenths_is_too_heavy_for_a_condition_number_of_20():
    """What the first answer to 5d says: the best β at α = 0.03 is the one that makes λ = 1 turn complex."""
    ravine = surfaces.SURFACES["ravine"]
    betas = np.linspace(0, 0.95, 20)[:, None]
    path = run(partial(optim.momentum, lr=0.03, beta=betas), ravine.gradient, ravine.start, 100)
    best = betas[ravine.value(path[-1]).argmin(), 0]
    np.testing.assert_allclose(best, (1 - 0.03**0.5) ** 2, atol=0.05)
