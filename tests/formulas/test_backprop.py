"""Backpropagation by hand against autograd, and the check by differences."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from losslab.data import mnist, pixels
from losslab.formulas import activations, backprop
from losslab.learning import models

TO_12_DIGITS = {"rtol": 0, "atol": 1e-12}
ACTIVATIONS = {
    "relu": (activations.RELU, torch.relu),
    "tanh": (activations.TANH, torch.tanh),
    "sigmoid": (activations.SIGMOID, torch.sigmoid),
}


def network(widths, seed=0):
    """A drawn network whose biases are not 0."""
    rng = np.random.default_rng(seed)
    return [(W, rng.normal(size=b.shape)) for W, b in backprop.random_layers(rng, widths)]


def batch(widths, count=7, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, widths[0])), rng.integers(widths[-1], size=count)


def by_hand(layers, x, labels, sigma=activations.RELU):
    z, a = backprop.forward(layers, x, sigma)
    delta = backprop.output_delta(activations.softmax(z[-1]), labels)
    deltas = backprop.backward(layers, z, delta, sigma)
    return z, deltas, backprop.layer_gradients(deltas, a)


def by_autograd(layers, x, labels, sigma=torch.relu):
    """Pre-activations, their slopes and the slopes of (W, b), by torch alone."""
    tensors = [[torch.tensor(t, requires_grad=True) for t in layer] for layer in layers]
    a, z = torch.tensor(x), []
    for W, b in tensors:
        z.append(torch.nn.functional.linear(a, W, b))
        z[-1].retain_grad()
        a = sigma(z[-1])
    torch.nn.functional.cross_entropy(z[-1], torch.tensor(labels)).backward()
    return z, [one.grad for one in z], [(W.grad, b.grad) for W, b in tensors]


# --- parity with autograd ---


@pytest.mark.parametrize("widths", [(4, 5, 3), (3, 2), (6, 5, 4, 3, 2), (2, 9, 9, 9, 3)], ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_slope_is_autograds(name, widths):
    ours, theirs = ACTIVATIONS[name]
    layers, (x, labels) = network(widths), batch(widths)
    z, deltas, found = by_hand(layers, x, labels, ours)
    z_torch, deltas_torch, found_torch = by_autograd(layers, x, labels, theirs)
    for got, want in zip([*z, *deltas], [*z_torch, *deltas_torch], strict=True):
        np.testing.assert_allclose(got, want.detach(), **TO_12_DIGITS)
    for (W, b), (W_torch, b_torch) in zip(found, found_torch, strict=True):
        np.testing.assert_allclose(W, W_torch, **TO_12_DIGITS)
        np.testing.assert_allclose(b, b_torch, **TO_12_DIGITS)


def test_the_articles_network_on_real_digits():
    digits = mnist.load()
    images = pixels.standardise(digits.train_images[:100], 0.5, 0.5).flatten(1).double()
    torch.manual_seed(1)
    net = models.Net().double()
    linear = [net.fc1, net.fc2, net.fc3, net.fc4]
    layers = [(fc.weight.detach().numpy(), fc.bias.detach().numpy()) for fc in linear]
    torch.nn.functional.cross_entropy(net(images), digits.train_labels[:100].long()).backward()
    _, _, found = by_hand(layers, images.numpy(), digits.train_labels[:100].numpy())
    assert sum(W.size + b.size for W, b in found) == 242_762
    for (W, b), fc in zip(found, linear, strict=True):
        assert np.abs(W).max() > 1e-3  # far above the tolerance
        np.testing.assert_allclose(W, fc.weight.grad, **TO_12_DIGITS)
        np.testing.assert_allclose(b, fc.bias.grad, **TO_12_DIGITS)


def test_the_jacobian_of_softmax_is_autograds():
    z = np.random.default_rng(0).normal(size=(2, 4, 5))
    got = backprop.softmax_jacobian(activations.softmax(z))
    assert got.shape == (2, 4, 5, 5)
    for i, j in np.ndindex(2, 4):
        softmax = partial(torch.softmax, dim=-1)
        want = torch.autograd.functional.jacobian(softmax, torch.tensor(z[i, j]))
        np.testing.assert_allclose(got[i, j], want, **TO_12_DIGITS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activations_slope_is_its_derivative(name):
    sigma, _ = ACTIVATIONS[name]
    z = np.array([-3.0, -0.4, 0.2, 2.0])
    slopes = [backprop.central_difference(sigma.value, one) for one in z]
    np.testing.assert_allclose(sigma.slope(z), slopes, rtol=1e-8, atol=1e-10)
    assert activations.RELU.slope(np.zeros(1)) == 0  # at the corner, as torch has it
    far = np.array([-1e4, 1e4])
    assert np.isfinite([sigma.value(far), sigma.slope(far)]).all()


def test_float32_stays_float32():
    layers = [(W.astype(np.float32), b.astype(np.float32)) for W, b in network((4, 5, 3))]
    x, labels = batch((4, 5, 3))
    z, a = backprop.forward(layers, x.astype(np.float32))
    delta = backprop.output_delta(np.exp(z[-1]) / np.exp(z[-1]).sum(-1, keepdims=True), labels)
    deltas = backprop.backward(layers, z, delta)
    found = backprop.flatten(backprop.layer_gradients(deltas, a))
    assert {array.dtype for array in (*z, *deltas, found)} == {np.dtype(np.float32)}


def test_many_networks_are_one_at_a_time():
    widths, (x, labels) = (4, 5, 3), batch((4, 5, 3))
    theta = np.stack([backprop.flatten(network(widths, seed)) for seed in range(3)])
    together = by_hand(backprop.unflatten(theta, widths), x, labels)[2]
    for k in range(3):
        alone = by_hand(backprop.unflatten(theta[k], widths), x, labels)[2]
        for (W, b), (W_alone, b_alone) in zip(together, alone, strict=True):
            np.testing.assert_allclose(W[k], W_alone, **TO_12_DIGITS)
            np.testing.assert_allclose(b[k], b_alone, **TO_12_DIGITS)


# --- drawing, packing, refusing ---


def test_a_drawn_network_has_the_scale_asked_for():
    layers = backprop.random_layers(np.random.default_rng(0), (400, 300, 200), 0.5)
    assert [(W.shape, b.shape) for W, b in layers] == [((300, 400), (300,)), ((200, 300), (200,))]
    for W, b in layers:
        np.testing.assert_allclose(W.std() * W.shape[1] ** 0.5, 0.5, rtol=0.01)
        np.testing.assert_allclose(W.mean(), 0, atol=1e-3)
        np.testing.assert_array_equal(b, 0)
    he, _ = backprop.random_layers(np.random.default_rng(0), (400, 300))[0]
    np.testing.assert_allclose(he.var(), 2 / 400, rtol=0.02)


def test_packing_is_undone():
    layers = network((4, 5, 3))
    theta = backprop.flatten(layers)
    np.testing.assert_array_equal(theta[:20], layers[0][0].ravel())
    np.testing.assert_array_equal(theta[20:25], layers[0][1])
    for got, want in zip(backprop.unflatten(theta, (4, 5, 3)), layers, strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.shares_memory(a, theta)


STACK = [(np.ones((2, 3, 4)), np.ones((2, 3)))]  # two networks of one layer


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: backprop.forward(network((4, 3)), np.ones(4)), r"batch \(N, 4\), got \(4,\)"),
        (
            lambda: backprop.forward([(np.ones((3, 4)), np.ones(1))], np.ones((2, 4))),
            r"b \(3,\), got \(1,\)",
        ),
        (lambda: backprop.forward(STACK, np.ones(4)), r"batch \(N, 4\), got \(4,\)"),
        (
            lambda: backprop.forward([(STACK[0][0], np.ones(3))], np.ones((2, 4))),
            r"W \(2, 3, 4\) needs b \(2, 3\), got \(3,\)",
        ),
        (lambda: backprop.backward(network((4, 5, 3)), [np.ones((7, 5))] * 3, np.ones((7, 3))), "longer"),
        (lambda: backprop.layer_gradients([np.ones((7, 5))], [np.ones((7, 4))] * 2), "longer"),
        (lambda: backprop.output_delta(np.ones((2, 3)), [0]), r"got \(2, 3\) and \(1,\)"),
        (lambda: backprop.output_delta(np.ones(3), [0]), r"got \(3,\) and \(1,\)"),
        (lambda: backprop.unflatten(np.ones(42), (4, 5, 3)), r"\(4, 5, 3\) has 43 parameters, got 42"),
        (lambda: backprop.unflatten(np.ones((2, 3)), (4, 5, 3)), r"\(4, 5, 3\) has 43 parameters, got 3"),
        (
            lambda: backprop.forward(network((4, 3)), np.ones((7, 5))),
            r"^a layer with W \(3, 4\) reads \(N, 4\), got \(7, 5\)$",
        ),
        (
            lambda: backprop.forward(network((4, 3)), np.ones((7, 1))),
            r"^a layer with W \(3, 4\) reads \(N, 4\), got \(7, 1\)$",
        ),
        *[
            (lambda labels=labels: backprop.output_delta(np.ones((2, 3)) / 3, labels), words)
            for labels, words in (
                ([0, -1], r"^labels must be integers in 0..2, got \[ 0 -1\]$"),
                ([0, 3], r"^labels must be integers in 0..2, got \[0 3\]$"),
                ([0.0, 1.0], r"^labels must be integers in 0..2, got \[0. 1.\]$"),
                ([True, False], r"^labels must be integers in 0..2, got \[ True False\]$"),
            )
        ],
        *[
            (
                lambda widths=widths: backprop.random_layers(np.random.default_rng(0), widths),
                rf"^widths must be two or more whole numbers from 1, got {re.escape(str(widths))}$",
            )
            for widths in ((4,), (4, 0), (4, 2.5, 3))
        ],
        (lambda: backprop.central_difference(np.sin, 1.0, 0), "^h must be positive, got 0$"),
        (lambda: backprop.central_difference(np.sin, 1.0, np.inf), "^h must be positive, got inf$"),
        (lambda: backprop.check(np.sum, np.ones(3), np.ones((3, 1))), r"parameters, \(3,\), got \(3, 1\)"),
    ],
)
def test_what_would_go_wrong_silently_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_narrowest_networks_and_lists_are_no_mistake():
    ((W, b),) = backprop.random_layers(np.random.default_rng(0), (np.int64(1), 1))
    assert (W.shape, b.shape) == ((1, 1), (1,))
    z, _ = backprop.forward([(W, b)], [[2.0]])
    np.testing.assert_allclose(z[0], 2 * W)


# --- the check by differences ---


def test_differences_are_exact_for_a_quadratic_and_leave_the_point_alone():
    w = np.array([[1.0, -2.0], [0.5, 3.0]])
    kept = w.copy()
    got = backprop.central_difference(lambda w: (w**2 * [[1, 2], [3, 4]]).sum(), w, h=0.1)
    np.testing.assert_allclose(got, 2 * w * [[1, 2], [3, 4]], rtol=1e-12)
    np.testing.assert_array_equal(w, kept)
    np.testing.assert_allclose(backprop.central_difference(np.sin, 1), np.cos(1), rtol=1e-9)


@pytest.mark.parametrize("h", [1e-1, 1e-2, 1e-3])
def test_differences_miss_a_cubic_by_h_squared(h):
    got = backprop.central_difference(lambda w: w**3, 2.0, h)
    np.testing.assert_allclose(got - 12, h**2, rtol=1e-4)
    assert backprop.check(lambda w: w**3, 2.0, 12, h).measured == got


def test_a_right_gradient_passes_and_a_wrong_one_says_both_numbers():
    w = np.array([[1.0, -2.0], [0.5, 3.0]])
    f, g = (lambda w: (w**3).sum()), 3 * w**2
    assert backprop.check(f, w, g).error < 1e-9
    g[1, 0] = -0.75
    found = backprop.check(f, w, g)
    assert found.index == (1, 0)
    np.testing.assert_allclose([found.given, found.measured, found.error], [-0.75, 0.75, 1.5 / 27], rtol=1e-6)
    assert str(found) == "[1, 0] given -0.75, measured 0.75, error 0.056"
    assert str(backprop.check(np.sin, 0.0, 2.0)) == "given 2, measured 1, error 0.5"


def test_a_missing_or_broken_gradient_never_passes():
    assert backprop.check(np.sum, np.ones(3), np.zeros(3)).error == pytest.approx(1)
    assert np.isnan(backprop.check(np.sum, np.ones(3), [1, np.nan, 1]).error)
    assert backprop.check(lambda w: 7.0, np.ones(3), np.zeros(3)).error == 0
    assert backprop.check(lambda w: 7.0, np.ones(3), [0, 1e-9, 0]).error == pytest.approx(1)


def test_messages_and_limits_are_those_of_the_right_axis():
    """K = 3 classes, N = 2 samples, two networks: no two sizes alike."""
    p = np.full((4, 2, 3), 1 / 3)
    assert backprop.output_delta(p, [2, 0]).shape == (4, 2, 3)
    with pytest.raises(ValueError, match=r"^labels must be integers in 0\.\.2, got \[3 0\]$"):
        backprop.output_delta(p, [3, 0])
    with pytest.raises(ValueError, match=r"^a layer with W \(5, 4\) reads \(N, 4\), got \(2, 3\)$"):
        backprop.forward([(np.ones((5, 4)), np.zeros(5))], np.ones((2, 3)))


def test_three_layers_and_more_come_back_from_the_vector_they_were_laid_out_in():
    layers = backprop.random_layers(np.random.default_rng(0), (4, 3, 5, 2))
    for one, other in zip(layers, backprop.unflatten(backprop.flatten(layers), (4, 3, 5, 2)), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
