"""The article's network: its sizes, its formula, and the sizes it refuses."""

import numpy as np
import pytest
import torch

from losslab.article import listings
from losslab.learning import models


@pytest.mark.parametrize("listing", [listings.MNIST_DATA_LISTING, listings.MNIST_TRAINING_LISTING])
def test_the_listing_is_the_articles_word_for_word(listing, article):
    assert f"```python\n{listing}```" in "\n".join(article)


def printed_net():
    """The class Net exactly as the article prints it."""
    header, _, rest = listings.MNIST_TRAINING_LISTING.partition("class Net")
    namespace = {}
    exec(header + "class Net" + rest.partition("# Initialize")[0], namespace)
    return namespace["Net"]()


def test_net_has_the_articles_layers():
    net = models.Net()
    shapes = {name: tuple(p.shape) for name, p in net.named_parameters()}
    assert shapes == {
        "fc1.weight": (256, 784),
        "fc1.bias": (256,),
        "fc2.weight": (128, 256),
        "fc2.bias": (128,),
        "fc3.weight": (64, 128),
        "fc3.bias": (64,),
        "fc4.weight": (10, 64),
        "fc4.bias": (10,),
    }
    assert sum(p.numel() for p in net.parameters()) == 242_762


def test_net_is_the_listings_net():
    printed, ours = printed_net(), models.Net()
    ours.load_state_dict(printed.state_dict())
    x = torch.randn(7, 1, 28, 28)
    torch.testing.assert_close(ours(x), printed(x), rtol=0, atol=0)


def test_net_is_three_rectified_layers_and_a_linear_one():
    net = models.Net().double()
    x = np.random.default_rng(0).normal(size=(5, 28, 28))
    h = x.reshape(5, 784)
    for layer in (net.fc1, net.fc2, net.fc3):
        h = np.maximum(h @ layer.weight.detach().numpy().T + layer.bias.detach().numpy(), 0)
    z = h @ net.fc4.weight.detach().numpy().T + net.fc4.bias.detach().numpy()
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach().numpy(), z, rtol=1e-10)


@pytest.mark.parametrize(("shape", "folded"), [((100, 3, 28, 28), 300), ((100, 1, 56, 56), 400)])
def test_net_refuses_what_the_printed_one_folds(shape, folded):
    images = torch.zeros(shape)
    assert len(printed_net()(images)) == folded
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        models.Net()(images)


def test_net_starts_from_the_global_seed():
    torch.manual_seed(3)
    first = models.Net().fc1.weight
    torch.manual_seed(3)
    torch.testing.assert_close(models.Net().fc1.weight, first, rtol=0, atol=0)
    assert not torch.equal(models.Net().fc1.weight, first)


def test_weights_are_drawn_as_torch_does_but_from_a_generator():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first, again, other = (
        models.initialised(models.Net, torch.Generator().manual_seed(s)) for s in (0, 0, 1)
    )
    assert torch.rand(1) == expected
    for layer in (first.fc1, first.fc4):
        for p in (layer.weight, layer.bias):
            bound = layer.in_features**-0.5
            assert 0.8 * bound < p.abs().max() <= bound
        np.testing.assert_allclose(layer.weight.std().item(), bound / 3**0.5, rtol=0.05)
    assert torch.equal(first.fc4.weight, again.fc4.weight)
    assert not torch.equal(first.fc4.weight, other.fc4.weight)


def test_filters_are_drawn_as_torch_does_too():
    net = models.initialised(models.Conv, torch.Generator().manual_seed(0))
    for layer, inputs in ((net.features[0], 9), (net.features[3], 72), (net.head, 784)):
        for p in (layer.weight, layer.bias):
            assert 0.5 * inputs**-0.5 < p.abs().max() <= inputs**-0.5
    assert net(torch.zeros(5, 28, 28)).shape == net(torch.zeros(5, 1, 28, 28)).shape == (5, 10)
    with pytest.raises(RuntimeError, match="invalid for input of size"):
        net(torch.zeros(5, 2, 28, 28))


def test_a_layer_that_cannot_be_drawn_is_named():
    with pytest.raises(TypeError, match="only linear and convolutional layers can be drawn, got BatchNorm1d"):
        models.initialised(lambda: torch.nn.BatchNorm1d(3), torch.Generator())
