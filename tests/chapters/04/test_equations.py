"""Every numbered equation of chapter 4 as it stands in the notebook, against our code, SymPy and autograd."""

import numpy as np
import pytest
import sympy as sp
import torch
from torch.autograd.functional import jacobian

from losslab.formulas import activations, backprop, losses

EXACT = {"rtol": 0, "atol": 1e-12}
WIDTHS = (4, 6, 5, 3)
LABEL = 1
INPUT = np.linspace(-1, 1, 4)


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    return [(W, rng.normal(size=b.shape)) for W, b in backprop.random_layers(rng, WIDTHS)]


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(size=4)


def one_by_one(layers, x):
    """The forward pass of one sample in torch: leaves W, b, and every z with its slope kept."""
    leaves = [[torch.tensor(t, requires_grad=True) for t in layer] for layer in layers]
    a, z = torch.tensor(x), []
    for W, b in leaves:
        z.append(W @ a + b)
        z[-1].retain_grad()
        a = torch.tanh(z[-1])
    return leaves, z


def judged(layers, x, label=LABEL):
    """Slopes in every z, W and b by autograd."""
    leaves, z = one_by_one(layers, x)
    torch.nn.functional.cross_entropy(z[-1], torch.tensor(label)).backward()
    return [one.grad.numpy() for one in z], [(W.grad.numpy(), b.grad.numpy()) for W, b in leaves]


def ours(layers, x, labels):
    """The same by our code, with tanh."""
    z, a = backprop.forward(layers, x, activations.TANH)
    delta = backprop.output_delta(activations.softmax(z[-1]), labels)
    deltas = backprop.backward(layers, z, delta, activations.TANH)
    return deltas, backprop.layer_gradients(deltas, a)


def test_equation_4_1_takes_slopes_back_through_a_jacobian(written):
    assert written["4.1"] == (
        r"\frac{\partial\mathcal{L}}{\partial x} = J^\top \frac{\partial\mathcal{L}}{\partial q}, \qquad "
        r"J_{ij} = \frac{\partial q_i}{\partial x_j}"
    )
    x = sp.Matrix(sp.symbols("x1 x2"))
    q = sp.Matrix([x[0] * x[1], x[0] + x[1], x[0] ** 2])  # the chapter's example
    Q = sp.Matrix(sp.symbols("q1:4"))
    L = Q[0] * Q[1] + Q[2]
    back = q.jacobian(x).T * sp.Matrix([L]).jacobian(Q).T
    there, at = dict(zip(Q, q, strict=True)), {x[0]: 2, x[1]: 3}
    assert sp.simplify(back.subs(there) - sp.Matrix([L.subs(there)]).jacobian(x).T) == sp.zeros(2, 1)
    assert back.subs(there).subs(at) == sp.Matrix([25, 16])
    assert q.jacobian(x).subs(at) == sp.Matrix([[3, 2], [1, 1], [4, 0]])


def test_multiplications_from_the_loss_and_from_the_input():
    """What the chapter says of the article's network: a product of Jacobians from either end."""
    widths = (784, 256, 128, 64, 10)
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    from_the_loss = sum(n * m for n, m in pairs)
    from_the_input = sum(n * m * 784 for n, m in pairs[1:]) + 10 * 784
    assert (from_the_loss, from_the_input) == (242_304, 32_622_240)
    assert round(from_the_input / from_the_loss) == 135


def test_equation_4_2_is_the_forward_pass(written, layers, x):
    assert written["4.2"] == r"z_l = W_l\, a_{l-1} + b_l, \qquad a_l = \varphi(z_l) \quad (l < L)"
    z, a = backprop.forward(layers, x[None], activations.TANH)
    _, z_torch = one_by_one(layers, x)
    a_l = x
    for (W, b), got_z, got_a, want in zip(layers, z, a, z_torch, strict=True):
        np.testing.assert_allclose(got_a[0], a_l, **EXACT)
        np.testing.assert_allclose(got_z[0], W @ a_l + b, **EXACT)
        np.testing.assert_allclose(got_z[0], want.detach(), **EXACT)
        a_l = np.tanh(W @ a_l + b)


def test_equation_4_3_is_softmax_and_cross_entropy(written):
    assert written["4.3"] == (
        r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}, \qquad \mathcal{L} = -\sum_k y_k \log p_k"
    )
    z, y = np.array([0.425, -2.6, -3.125]), np.array([0, 1, 0])
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(activations.softmax(z), p, **EXACT)
    loss = -(y * np.log(p)).sum()
    np.testing.assert_allclose(losses.cross_entropy(z[None], [1]), loss, **EXACT)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(z), torch.tensor(1))
    np.testing.assert_allclose(theirs, loss, **EXACT)


def test_equation_4_4_is_the_jacobian_of_softmax(written):
    assert written["4.4"] == (
        r"J_{ij} = \frac{\partial p_i}{\partial z_j} = p_i\,([i = j] - p_j), \qquad "
        r"J = \operatorname{diag}(p) - p\,p^\top"
    )
    z = np.random.default_rng(0).normal(size=5)
    p = np.exp(z) / np.exp(z).sum()
    by_element = np.array([[p[i] * ((i == j) - p[j]) for j in range(5)] for i in range(5)])
    np.testing.assert_allclose(np.diag(p) - np.outer(p, p), by_element, **EXACT)
    np.testing.assert_allclose(backprop.softmax_jacobian(p), by_element, **EXACT)
    theirs = jacobian(lambda z: torch.softmax(z, 0), torch.tensor(z))
    np.testing.assert_allclose(theirs, by_element, **EXACT)


def test_equation_4_5_is_what_was_said_minus_what_was_true(written, layers, x):
    assert written["4.5"] == (
        r"\delta_L = \frac{\partial\mathcal{L}}{\partial z_L} = "
        r"J^\top \frac{\partial\mathcal{L}}{\partial p} = p - y"
    )
    z, _ = backprop.forward(layers, x[None], activations.TANH)
    p, y = activations.softmax(z[-1][0]), np.eye(3)[LABEL]
    np.testing.assert_allclose(backprop.softmax_jacobian(p).T @ (-y / p), p - y, **EXACT)
    np.testing.assert_allclose(backprop.output_delta(p[None], [LABEL])[0], p - y, **EXACT)
    np.testing.assert_allclose(judged(layers, x)[0][-1], p - y, **EXACT)


def test_equation_4_6_takes_delta_one_layer_back(written, layers, x):
    assert written["4.6"] == (r"\delta_l = \left( W_{l+1}^\top\, \delta_{l+1} \right) \odot \varphi'(z_l)")
    z, _ = backprop.forward(layers, x[None], activations.TANH)
    deltas, found = judged(layers, x)[0], ours(layers, x[None], [LABEL])[0]
    for l in (0, 1):
        want = (layers[l + 1][0].T @ deltas[l + 1]) * (1 - np.tanh(z[l][0]) ** 2)
        np.testing.assert_allclose(deltas[l], want, **EXACT)
        np.testing.assert_allclose(found[l][0], want, **EXACT)


def test_equation_4_7_are_the_slopes_of_the_parameters(written, layers, x):
    assert written["4.7"] == (
        r"\frac{\partial\mathcal{L}}{\partial W_l} = \delta_l\, a_{l-1}^\top, \qquad "
        r"\frac{\partial\mathcal{L}}{\partial b_l} = \delta_l"
    )
    _, a = backprop.forward(layers, x[None], activations.TANH)
    deltas, theirs = judged(layers, x)
    found = ours(layers, x[None], [LABEL])[1]
    for delta, before, (W, b), (W_torch, b_torch) in zip(deltas, a, found, theirs, strict=True):
        want = delta[:, None] @ before[0][None, :]
        for got in (W, W_torch):
            np.testing.assert_allclose(got, want, **EXACT)
        for got in (b, b_torch):
            np.testing.assert_allclose(got, delta, **EXACT)


def test_equation_4_8_is_the_mean_over_a_batch(written, layers):
    assert written["4.8"] == (
        r"\frac{\partial\mathcal{L}}{\partial W_l} = "
        r"\frac1B \sum_{i=1}^B \delta_l^{(i)}\, a_{l-1}^{(i)\top}, \qquad "
        r"\frac{\partial\mathcal{L}}{\partial b_l} = \frac1B \sum_{i=1}^B \delta_l^{(i)}"
    )
    rng = np.random.default_rng(2)
    X, labels = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    _, a = backprop.forward(layers, X, activations.TANH)
    each = [judged(layers, X[i], labels[i]) for i in range(6)]
    leaves, _ = one_by_one(layers, X[0])
    batch = torch.tensor(X)
    for W, b in leaves[:-1]:
        batch = torch.tanh(batch @ W.T + b)
    logits = batch @ leaves[-1][0].T + leaves[-1][1]
    torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).backward()
    for l, (W, b) in enumerate(ours(layers, X, labels)[1]):
        want = sum(np.outer(each[i][0][l], a[l][i]) for i in range(6)) / 6
        np.testing.assert_allclose(W, want, **EXACT)
        np.testing.assert_allclose(leaves[l][0].grad, want, **EXACT)
        want = sum(each[i][0][l] for i in range(6)) / 6
        np.testing.assert_allclose(b, want, **EXACT)
        np.testing.assert_allclose(leaves[l][1].grad, want, **EXACT)


def loss_of(theta):
    z, _ = backprop.forward(backprop.unflatten(theta, WIDTHS), INPUT[None], activations.TANH)
    return losses.cross_entropy(z[-1], [LABEL])


def test_equation_4_9_measures_a_slope(written, layers):
    assert written["4.9"] == (
        r"\frac{\partial\mathcal{L}}{\partial\theta_i} \approx "
        r"\frac{\mathcal{L}(\theta + h\, e_i) - \mathcal{L}(\theta - h\, e_i)}{2h}"
    )
    theta, h = backprop.flatten(layers), 1e-5
    e = np.eye(theta.size)
    want = [(loss_of(theta + h * e_i) - loss_of(theta - h * e_i)) / (2 * h) for e_i in e]
    np.testing.assert_allclose(backprop.central_difference(loss_of, theta, h), want, **EXACT)
    exact = backprop.flatten(judged(layers, INPUT)[1])
    np.testing.assert_allclose(want, exact, rtol=0, atol=1e-9)


def test_equation_4_10_bounds_the_error_of_differences(written):
    assert written["4.10"] == (r"E(h) = \frac{h^2}{6}\,|\mathcal{L}'''| + \frac{\epsilon\,|\mathcal{L}|}{h}")
    t, s = sp.symbols("t s")
    for L in (sp.exp(t), sp.sin(t), t**5):  # the first term, by Taylor's formula
        off = (L.subs(t, t + s) - L.subs(t, t - s)) / (2 * s) - sp.diff(L, t)
        assert sp.simplify(sp.series(off, s, 0, 4).removeO() - s**2 / 6 * sp.diff(L, t, 3)) == 0
    eps = np.finfo(float).eps
    for w in (0.5, 0.75, 1.25):  # both together: L = exp = L''', and w ± h is exact
        for h in 2.0 ** -np.arange(2, 45):
            bound = h**2 / 6 * np.exp(w + h) + eps * np.exp(w + h) / h
            assert abs(backprop.central_difference(np.exp, w, h) - np.exp(w)) <= bound


def test_equation_4_11_is_its_lowest_point(written):
    assert written["4.11"] == (
        r"h^* = \left( \frac{3\,\epsilon\,|\mathcal{L}|}{|\mathcal{L}'''|} \right)^{1/3}"
    )
    h, eps, L, L3 = sp.symbols("h epsilon L L3", positive=True)
    E = h**2 / 6 * L3 + eps * L / h
    best = (3 * eps * L / L3) ** sp.Rational(1, 3)
    assert sp.simplify(sp.diff(E, h).subs(h, best)) == 0
    assert sp.simplify(sp.diff(E, h, 2).subs(h, best)).is_positive
    w, steps = np.linspace(0.5, 1.5, 2000), np.geomspace(1e-8, 1e-2, 100)
    error = [np.abs((np.exp(w + h) - np.exp(w - h)) / (2 * h) - np.exp(w)).mean() for h in steps]
    assert 1 / 4 < steps[np.argmin(error)] / np.cbrt(3 * np.finfo(float).eps / 2) < 4  # L = L'''


def test_equation_4_12_measures_along_a_direction(written, layers):
    assert written["4.12"] == (
        r"r^\top \nabla\mathcal{L}(\theta) \approx "
        r"\frac{\mathcal{L}(\theta + h r) - \mathcal{L}(\theta - h r)}{2h}"
    )
    theta, h = backprop.flatten(layers), 1e-5
    r = np.random.default_rng(3).normal(size=theta.size)
    r /= np.linalg.norm(r)
    measured = (loss_of(theta + h * r) - loss_of(theta - h * r)) / (2 * h)
    got = backprop.central_difference(lambda t: loss_of(theta + t * r), 0.0, h)
    np.testing.assert_allclose(got, measured, **EXACT)
    exact = backprop.flatten(judged(layers, INPUT)[1])
    np.testing.assert_allclose(r @ exact, measured, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [3**-0.5, 1.0, 2**0.5, 2.5])
def test_equation_4_13_is_the_factor_per_layer(written, scale):
    assert written["4.13"] == (
        r"\frac{\|\delta_l\|}{\|\delta_{l+1}\|} \approx s\,\sqrt{\operatorname{mean}\,\varphi'(z_l)^2}"
    )
    rng = np.random.default_rng(4)
    for sigma in (activations.RELU, activations.TANH, activations.SIGMOID):
        layers = backprop.random_layers(rng, (700, 600, 500, 10), scale)
        z, _ = backprop.forward(layers, rng.normal(size=(40, 700)), sigma)
        deltas = backprop.backward(layers, z, rng.normal(size=(40, 10)), sigma)
        for l in (0, 1):
            want = scale * (sigma.slope(z[l]) ** 2).mean() ** 0.5
            got = np.linalg.norm(deltas[l]) / np.linalg.norm(deltas[l + 1])
            np.testing.assert_allclose(got, want, rtol=0.05)
    relu = activations.RELU.slope(rng.normal(size=100_000))
    np.testing.assert_allclose(scale * (relu**2).mean() ** 0.5, scale / 2**0.5, rtol=0.01)
    assert activations.SIGMOID.slope(np.linspace(-9, 9, 1001)).max() == 0.25
