"""E050–E055, gradients: the printed form fails the very fact that the correction satisfies."""

import inspect
import re

import numpy as np
import pytest
import torch

from losslab.article import misprints
from losslab.data import mnist, pixels
from losslab.formulas import activations, backprop, losses
from losslab.learning import models

WIDTHS, LABEL = (4, 5, 3), 1


@pytest.fixture(scope="module")
def net():
    """A 4-5-3 network, its forward pass of one sample, and autograd's slopes: (layers, z, a, p, judge)."""
    rng = np.random.default_rng(0)
    layers = [(W, rng.normal(size=b.shape)) for W, b in backprop.random_layers(rng, WIDTHS)]
    x = rng.normal(size=(1, 4))
    leaves = [[torch.tensor(t, requires_grad=True) for t in layer] for layer in layers]
    tensors = {"a0": torch.tensor(x, requires_grad=True)}
    tensors["z1"] = torch.nn.functional.linear(tensors["a0"], *leaves[0])
    tensors["a1"] = torch.relu(tensors["z1"])
    tensors["z2"] = torch.nn.functional.linear(tensors["a1"], *leaves[1])
    for t in tensors.values():
        t.retain_grad()
    torch.nn.functional.cross_entropy(tensors["z2"], torch.tensor([LABEL])).backward()
    judge = {name: t.grad.numpy() for name, t in tensors.items()}
    judge["layers"] = [(W.grad.numpy(), b.grad.numpy()) for W, b in leaves]
    z, a = backprop.forward(layers, x)
    return layers, z, a, activations.softmax(z[-1]), judge


# --- the facts: each function asserts something that is true of the correction and false of the print ---


def needs_no_label(step):
    assert "labels" not in inspect.signature(step).parameters


def has_one_slope_per_neuron(slopes, neurons):
    assert np.shape(slopes) == neurons


def is_the_slope_in(tensor, slopes):
    np.testing.assert_allclose(slopes, tensor, rtol=0, atol=1e-12)


def pushes_every_class(delta):
    np.testing.assert_allclose(delta.sum(-1), 0, atol=1e-12)
    np.testing.assert_array_less(0, np.abs(delta))


def can_be_sent_back(layers, z, delta):
    try:
        sent = backprop.backward(layers, z, delta)[0]
    except ValueError as error:
        raise AssertionError(str(error)) from error
    assert sent.shape == z[0].shape


def moves_every_parameter(found, judge):
    for got, want in zip(found, judge, strict=True):
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=0, atol=1e-12)


def test_e050_the_forward_pass_knows_no_label(net):
    needs_no_label(backprop.forward)
    for step in (backprop.output_delta, misprints.output_delta_as_printed):
        with pytest.raises(AssertionError):
            needs_no_label(step)
    p = net[3]
    deltas = [backprop.output_delta(p, [label]) for label in range(3)]
    assert len({delta.tobytes() for delta in deltas}) == 3


def test_e051_z_is_the_pre_activation(net):
    layers, _, _, p, judge = net
    J, slope_in_p = backprop.softmax_jacobian(p[0]), -np.eye(3)[LABEL] / p[0]
    corrected, printed = J.T @ slope_in_p, (J @ layers[1][0]).T @ slope_in_p
    has_one_slope_per_neuron(corrected, (3,))
    with pytest.raises(AssertionError):
        has_one_slope_per_neuron(printed, (3,))
    is_the_slope_in(judge["z2"][0], corrected)
    is_the_slope_in(judge["a1"][0], printed)  # what it is instead: the slope in the layer's input
    fc4 = models.Net().fc4
    assert (fc4.in_features, fc4.out_features) == (64, 10)


def test_e052_softmax_has_a_full_jacobian(net):
    p, judge = net[3], net[4]
    corrected, printed = backprop.output_delta(p, [LABEL]), misprints.output_delta_as_printed(p, [LABEL])
    for fact in (pushes_every_class, lambda delta: is_the_slope_in(judge["z2"], delta)):
        fact(corrected)
        with pytest.raises(AssertionError):
            fact(printed)
    y = np.eye(3)[[LABEL]]
    np.testing.assert_allclose(printed, (-y / p) * (p * (1 - p)), rtol=1e-12)  # F3, factor by factor
    np.testing.assert_allclose(printed[0, LABEL], corrected[0, LABEL], rtol=1e-12)
    assert (np.delete(printed, LABEL) == 0).all()


def test_e052_the_elementwise_reading_is_right_for_a_sigmoid():
    z = torch.linspace(-2, 2, 5, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.0, 1, 1, 0, 1], dtype=torch.float64)
    torch.nn.functional.binary_cross_entropy(torch.sigmoid(z), y, reduction="sum").backward()
    p = torch.sigmoid(z).detach()
    elementwise = (-y / p + (1 - y) / (1 - p)) * p * (1 - p)
    np.testing.assert_allclose(elementwise, z.grad, atol=1e-12)


def test_e053_the_printed_delta_is_the_weights_slope(net):
    layers, z, a, p, judge = net
    delta = backprop.output_delta(p, [LABEL])
    printed = misprints.delta_as_printed(delta, a[1])
    is_the_slope_in(judge["layers"][1][0], printed[0])
    has_one_slope_per_neuron(delta[0], (3,))
    can_be_sent_back(layers, z, delta)
    is_the_slope_in(judge["z1"], backprop.backward(layers, z, delta)[0])
    with pytest.raises(AssertionError):
        has_one_slope_per_neuron(printed[0], (3,))
    with pytest.raises(AssertionError):
        can_be_sent_back(layers, z, printed)


def test_e053_counts_in_the_articles_network():
    linear = [module for module in models.Net().modules() if isinstance(module, torch.nn.Linear)]
    assert [fc.out_features for fc in linear] == [256, 128, 64, 10]
    assert [fc.weight.numel() for fc in linear] == [200_704, 32_768, 8_192, 640]


def test_e054_without_the_recursion_one_matrix_learns(net):
    layers, z, a, p, judge = net
    delta = backprop.output_delta(p, [LABEL])
    moves_every_parameter(backprop.layer_gradients(backprop.backward(layers, z, delta), a), judge["layers"])
    printed = misprints.layer_gradients_as_printed(layers, a, delta)
    with pytest.raises(AssertionError):
        moves_every_parameter(printed, judge["layers"])
    (W1, b1), (W2, b2) = printed
    np.testing.assert_allclose(W2, judge["layers"][1][0], rtol=0, atol=1e-12)  # all that is left
    for nothing, whole in ((W1, layers[0][0]), (b1, layers[0][1]), (b2, layers[1][1])):
        np.testing.assert_array_equal(nothing, np.zeros_like(whole))


def test_e055_one_letter_three_shapes(net):
    layers, z, a, p, _ = net
    for one, pre_activation in zip(
        backprop.backward(layers, z, backprop.output_delta(p, [LABEL])), z, strict=True
    ):
        has_one_slope_per_neuron(one, pre_activation.shape)
    delta = backprop.output_delta(p, [LABEL])
    uses = delta[0], misprints.delta_as_printed(delta, a[1])[0], misprints.worked_gradient_as_printed(0, 2, 3)
    assert [np.shape(one) for one in uses] == [(3,), (3, 5), ()]
    for one in uses[1:]:
        with pytest.raises(AssertionError):
            has_one_slope_per_neuron(one, (3,))


# --- what the readings do to a training on real digits ---


@pytest.mark.parametrize("lr", [0.03, 0.1, 0.3])
def test_only_the_corrected_formulas_train_the_whole_network(lr):
    digits = mnist.load()
    x = pixels.standardise(digits.train_images, 0.1307, 0.3081).flatten(1).numpy()
    y, widths = digits.train_labels.numpy(), (784, 32, 10)

    def train(slopes, output_delta, steps=120):
        rng = np.random.default_rng(0)
        theta = backprop.flatten(backprop.random_layers(rng, widths)).astype(np.float32)
        for batch in rng.integers(len(x), size=(steps, 50)):
            layers = backprop.unflatten(theta, widths)
            z, a = backprop.forward(layers, x[batch])
            delta = output_delta(activations.softmax(z[-1]), y[batch])
            theta = theta - lr * backprop.flatten(slopes(layers, z, a, delta))
        return (backprop.forward(backprop.unflatten(theta, widths), x)[0][-1].argmax(1) == y).mean()

    def corrected(layers, z, a, delta):
        return backprop.layer_gradients(backprop.backward(layers, z, delta), a)

    def printed(layers, z, a, delta):
        return misprints.layer_gradients_as_printed(layers, a, delta)

    right = train(corrected, backprop.output_delta)
    no_recursion = train(printed, backprop.output_delta)
    as_printed = train(printed, misprints.output_delta_as_printed)
    assert right > no_recursion + 0.05
    assert no_recursion > as_printed + 0.02


@pytest.mark.parametrize(("lr", "steps"), [(0.03, 11), (0.1, 5), (0.3, 5)])
def test_f3_through_all_layers_raises_every_output_and_runs_away(lr, steps):
    digits = mnist.load()
    x = pixels.standardise(digits.train_images, 0.1307, 0.3081).flatten(1).double().numpy()
    y, widths = digits.train_labels.numpy(), (784, 256, 128, 64, 10)
    rng = np.random.default_rng(0)
    theta, outputs = backprop.flatten(backprop.random_layers(rng, widths)), []
    for batch in rng.permutation(6000).reshape(60, 100)[:steps]:
        z, a = backprop.forward(backprop.unflatten(theta, widths), x[batch])
        outputs.append(z[-1].mean(0))
        delta = misprints.output_delta_as_printed(activations.softmax(z[-1]), y[batch])
        deltas = backprop.backward(backprop.unflatten(theta, widths), z, delta)
        theta = theta - lr * backprop.flatten(backprop.layer_gradients(deltas, a))
    assert losses.cross_entropy(z[-1], y[batch]) > 1000
    assert (np.diff(outputs[-3:], axis=0) > 0).all()


# --- what the article leaves out ---


def test_the_output_error_stands_under_forward_propagation_and_the_recursion_nowhere(article):
    assert article[426] == "##### 2.1 前向传播（Forward Propagation）"
    assert article[547] == "##### 2.1 Forward Propagation"
    for section in (article[422:442], article[543:563]):
        assert not re.search(r"l ?\+ ?1|l ?- ?1|_b|bias|偏置", "\n".join(section))
