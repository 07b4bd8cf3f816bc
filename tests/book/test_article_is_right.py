"""What the article gets right, so that nobody corrects it: formulas as printed, arithmetic, program."""

import ast
import inspect
import re
from functools import partial

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn

from losslab.article import coverage, listings
from losslab.data import mnist
from losslab.formulas import losses, optim, trajectories
from losslab.learning import models, training

pytestmark = pytest.mark.trains

LISTING = listings.MNIST_DATA_LISTING + listings.MNIST_TRAINING_LISTING
PRINTED = {  # a formula that is right: its TeX in the article
    "F1": r"\text{MSE} = \frac{1}{n}\sum_{i=1}^{n}(y_i - \hat{y}_i)^2",
    "F5": r"w_{\text{new}} = w_{\text{current}} - \alpha \cdot \nabla_w \text{L}",
    "F8": r"m_t = \beta_1 \cdot m_{t-1} + (1 - \beta_1) \cdot \nabla_w \text{L}",
    "F9": r"v_t = \beta_2 \cdot v_{t-1} + (1 - \beta_2) \cdot (\nabla_w \text{L})^2",
    "F10": r"\hat{m}_t = \frac{m_t}{1 - \beta_1^t}",
    "F11": r"\hat{v}_t = \frac{v_t}{1 - \beta_2^t}",
    "F13": r"\hat{y} = w \cdot x = 0 \cdot 2 = 0",
    "F16": r"\hat{y} = w \cdot x = -0.06 \cdot 2 = -0.12",
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_formula_is_printed_so_in_both_halves(name, article):
    (part,) = (part for part in coverage.parts() if part.id == name)
    assert [article[line - 1] for line in part.lines] == [rf"\[ {PRINTED[name]} \]"] * 2


# --- the formulas ---


def test_f1_is_mse():
    y, y_hat = np.random.default_rng(0).normal(size=(2, 20))
    f1 = 1 / 20 * sum((y[i] - y_hat[i]) ** 2 for i in range(20))
    np.testing.assert_allclose(losses.mse(y_hat, y), f1)
    np.testing.assert_allclose(nn.MSELoss()(torch.tensor(y_hat), torch.tensor(y)).item(), f1)


def test_f5_is_gradient_descent():
    w = torch.tensor([1.0, -2.0], dtype=torch.float64)
    w.grad = torch.tensor([0.5, 3.0], dtype=torch.float64)
    f5 = w.numpy() - 0.1 * w.grad.numpy()
    np.testing.assert_allclose(optim.gd(w.numpy(), w.grad.numpy(), lr=0.1)[0], f5, rtol=1e-15)
    torch.optim.SGD([w], lr=0.1).step()
    np.testing.assert_allclose(w.numpy(), f5, rtol=1e-15)


def test_f8_to_f11_are_adams_averages_and_their_corrections():
    m = v = 0.0
    state, w = (0.0,), torch.zeros((), dtype=torch.float64, requires_grad=True)
    stepper = torch.optim.Adam([w], lr=0.01)
    for t, g in enumerate((3.0, -1.0, 0.2, 7.0), start=1):
        m = 0.9 * m + (1 - 0.9) * g  # F8
        v = 0.999 * v + (1 - 0.999) * g**2  # F9
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)  # F10, F11
        before = state[0]
        state = optim.adam(before, g, *state[1:], lr=0.01)
        np.testing.assert_allclose(state[1:3], (m, v), rtol=1e-14)
        w.grad = torch.tensor(g, dtype=torch.float64)
        stepper.step()
        np.testing.assert_allclose(stepper.state[w]["exp_avg"].item(), m, rtol=1e-12)
        np.testing.assert_allclose(stepper.state[w]["exp_avg_sq"].item(), v, rtol=1e-12)
        f12 = before - 0.01 * m_hat / v_hat**0.5  # right up to the missing ε
        np.testing.assert_allclose(state[0], f12, rtol=1e-7)
        np.testing.assert_allclose(w.item(), state[0], rtol=1e-12)


def test_f10_and_f11_make_the_averages_of_a_constant_right_at_every_step():
    g, beta = sp.symbols("g beta", positive=True)
    average = 0
    for t in range(1, 7):
        average = beta * average + (1 - beta) * g
        assert sp.simplify(average / (1 - beta**t) - g) == 0


# --- the worked example ---


def test_the_examples_arithmetic_but_for_the_last_line(article):
    text = "\n".join(article)
    for printed, value in (
        (r"(3 - 0)^2 = 9", (3 - 0) ** 2),
        (r"2 \cdot (3 - 0) = 6", 2 * (3 - 0)),  # which is not the gradient
        (r"0 - 0.01 \cdot 6 = -0.06", 0 - 0.01 * 6),
        (r"-0.06 \cdot 2 = -0.12", -0.06 * 2),
    ):
        assert text.count(printed) >= 2
        np.testing.assert_allclose(value, float(printed.split("= ")[1]), rtol=1e-12)
    np.testing.assert_allclose((3 - (-0.12)) ** 2, 9.7344, rtol=1e-12)  # the article has 3.75


def test_zero_is_a_harmless_start_for_one_weight():
    slope, loss = (lambda w: -2 * 2 * (3 - 2 * w)), (lambda w: (3 - 2 * w) ** 2)
    path = trajectories.run(partial(optim.gd, lr=0.01), slope, 0.0, 300)
    assert loss(path[-1]) < 1e-8


# --- the program ---


def test_the_networks_sizes_fit_the_digits_and_each_other():
    layers = list(models.Net().children())
    assert layers[0].in_features == 28 * 28 == mnist.load().train_images[0].numel()
    assert layers[-1].out_features == len(mnist.load().train_labels.unique()) == 10
    for one, next_one in zip(layers, layers[1:], strict=False):
        assert one.out_features == next_one.in_features
    numbers = [int(n) for line in re.findall(r"nn\.Linear\((.*?)\)", LISTING) for n in line.split(",")]
    assert numbers == [n for layer in layers for n in (layer.in_features, layer.out_features)]
    assert [sum(p.numel() for p in layer.parameters()) for layer in layers] == [200_960, 32_896, 8_256, 650]
    assert sum(p.numel() for p in models.Net().parameters()) == 242_762


def test_cross_entropy_loss_on_the_raw_outputs_is_the_right_pairing():
    z = torch.randn(20, 10, generator=torch.Generator().manual_seed(0)).double()
    labels = torch.arange(20) % 10
    by_probabilities = -z.softmax(1)[range(20), labels].log().mean()
    torch.testing.assert_close(nn.CrossEntropyLoss()(z, labels), by_probabilities)
    assert "criterion = nn.CrossEntropyLoss()" in LISTING
    assert "loss = criterion(outputs, labels)" in LISTING
    assert "softmax" not in LISTING


def test_the_learning_rate_is_adams_default():
    assert "optim.Adam(model.parameters(), lr=0.001)" in LISTING
    assert inspect.signature(torch.optim.Adam).parameters["lr"].default == 0.001
    assert inspect.signature(optim.adam).parameters["lr"].default == 0.001
    assert inspect.signature(training.fit).parameters["lr"].default == 0.001


def test_the_steps_of_the_loop_come_in_the_right_order():
    called = re.findall(r"(zero_grad\(\)|= model\(|= criterion\(|backward\(\)|step\(\))", LISTING)
    order = ["zero_grad()", "= model(", "= criterion(", "backward()", "step()"]
    assert called == [*order, "= model("]  # the last of them in the test


def test_six_hundred_equal_batches_so_that_the_mean_of_their_means_is_the_mean():
    size = int(re.search(r"batch_size=(\d+)", LISTING)[1])
    assert divmod(60_000, size) == (600, 0)
    each = np.random.default_rng(0).exponential(size=60_000)
    np.testing.assert_allclose(each.reshape(600, size).mean(1).mean(), each.mean(), rtol=1e-12)


def test_training_is_shuffled_and_the_test_is_not_and_needs_no_gradient():
    assert re.findall(r"(\w+)_set, batch_size=100, shuffle=(\w+)", LISTING) == [
        ("train", "True"),
        ("test", "False"),
    ]
    (test,) = (n for n in ast.walk(ast.parse(LISTING)) if isinstance(n, ast.With))
    assert ast.unparse(test.items[0]) == "torch.no_grad()"
    assert "outputs = model(inputs)" in ast.unparse(test)
