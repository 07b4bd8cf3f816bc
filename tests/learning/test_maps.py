"""Maps of a network: captum's numbers, completeness, and copies whose layers are drawn anew."""

import pytest
import torch
from captum.attr import (
    IntegratedGradients,
    LayerActivation,
    LayerAttribution,
    LayerGradCam,
    Saliency,
)

from losslab.learning import maps, models


@pytest.fixture
def net():
    return models.initialised(models.Conv, torch.Generator().manual_seed(0)).double()


X = torch.rand(3, 28, 28, generator=torch.Generator().manual_seed(1)).double()
LABELS = torch.tensor([3, 0, 7])


def logarithms(net):
    """What captum explains: all log-probabilities."""
    return lambda x: net(x).log_softmax(1)


def test_one_label_for_all_or_one_for_each(net):
    every = logarithms(net)(X)
    torch.testing.assert_close(maps.log_probability(net, 3)(X), every[:, 3])
    torch.testing.assert_close(maps.log_probability(net, LABELS)(X), every[range(3), LABELS])


def test_captum_finds_the_same_gradient_and_integrated_gradients(net):
    f, paper = maps.log_probability(net, LABELS), torch.full((1, 28, 28), 0.2).double()
    want = Saliency(logarithms(net)).attribute(X.clone().requires_grad_(), target=LABELS, abs=False)
    torch.testing.assert_close(maps.gradient(f, X), want)
    knobs = {"baselines": paper, "target": LABELS, "n_steps": 20, "method": "riemann_middle"}
    want = IntegratedGradients(logarithms(net)).attribute(X, **knobs)
    torch.testing.assert_close(maps.integrated_gradients(f, X, paper, steps=20), want.detach())


def test_captum_finds_the_same_grad_cam_and_activations(net):
    layer, every = net.features[3], logarithms(net)
    net.forward = lambda x, forward=net.forward: forward(x).log_softmax(1)
    want = LayerGradCam(net, layer).attribute(X, target=LABELS, relu_attributions=True)[:, 0].detach()
    wide = LayerAttribution.interpolate(want[:, None], (28, 28), "bilinear")[:, 0]
    seen = LayerActivation(net, layer).attribute(X)
    del net.forward, every
    found = maps.grad_cam(maps.log_probability(net, LABELS), layer, X)
    assert (found.shape, found.min()) == ((3, 14, 14), 0)
    torch.testing.assert_close(found, want)
    torch.testing.assert_close(maps.enlarged(found, 28), wide)
    torch.testing.assert_close(maps.activations(net, layer, X), seen)


def test_the_parts_of_the_path_add_up(net):
    f, paper = maps.log_probability(net, LABELS), torch.zeros(1, 28, 28).double()
    total = maps.integrated_gradients(f, X, paper, steps=400).sum((1, 2))
    torch.testing.assert_close(total, (f(X) - f(paper.expand(3, 28, 28))).detach(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("layer", [0, 2])
def test_a_layer_that_is_written_over_is_still_seen_as_it_was(net, layer):
    net.features[1], net.features[4] = torch.nn.ReLU(inplace=True), torch.nn.ReLU(inplace=True)
    f = maps.log_probability(net, LABELS)
    assert maps.activations(f, net.features[0], X).min() < 0
    assert maps.grad_cam(f, net.features[layer], X).isfinite().all()
    assert not net.features[layer]._forward_hooks, "nothing is left behind"


def test_a_frozen_network_can_be_explained(net):
    before = maps.grad_cam(maps.log_probability(net, 3), net.features[3], X)
    net.requires_grad_(False)
    after = maps.grad_cam(maps.log_probability(net, 3), net.features[3], X)
    torch.testing.assert_close(after, before)
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize(
    ("layers", "changed"),
    [
        (("head",), {"head"}),
        (("head", "features.3"), {"head", "features.3"}),
        (("features",), {"features.0", "features.3"}),
    ],
)
def test_only_the_named_layers_are_drawn_anew(net, layers, changed):
    before = {name: p.clone() for name, p in net.state_dict().items()}
    copy = maps.randomised(net, torch.Generator().manual_seed(5), layers)
    other = {name for name, p in copy.state_dict().items() if not torch.equal(p, before[name])}
    assert {name.rpartition(".")[0] for name in other} == changed
    assert all(torch.equal(p, before[name]) for name, p in net.state_dict().items()), "the first one stays"


def test_a_layer_that_is_not_there_is_named(net):
    with pytest.raises(ValueError, match=r"layers must be among features, .*head, got tail"):
        maps.randomised(net, torch.Generator(), ("head", "tail"))
