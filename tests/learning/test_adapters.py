"""A thin adapter: it begins as the network it adapts, trains few numbers, and leaves the others alone."""

import pytest
import torch

from losslab.formulas import compression
from losslab.learning import adapters, models, training

pytestmark = pytest.mark.trains


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def net():
    return models.initialised(models.Net, seeded())


@pytest.fixture
def images():
    return torch.rand(40, 28, 28, generator=seeded(1))


def test_it_begins_as_the_network_was(net, images):
    other = adapters.adapted(net, 4, seeded())
    torch.testing.assert_close(other(images), net(images), rtol=0, atol=0)


@pytest.mark.parametrize("rank", [1, 4])
def test_it_trains_rank_times_rows_and_columns(net, rank):
    shapes = [layer.weight.shape for layer in net.children()]
    shares = sum(m * n * compression.lora_share(m, n, rank) for m, n in shapes)
    assert adapters.trained_numbers(adapters.adapted(net, rank, seeded())) == round(shares)
    assert adapters.trained_numbers(net) == 242_762


def test_a_training_moves_the_adapter_and_nothing_else(net, images):
    other, labels = adapters.adapted(net, 2, seeded()), torch.arange(40) % 10
    training.fit(other, images, labels, epochs=3, lr=1e-2, generator=seeded(), progress=False)
    for layer, kept in zip(other.children(), net.children(), strict=True):
        torch.testing.assert_close(layer.layer.weight, kept.weight, rtol=0, atol=0)
        torch.testing.assert_close(layer.layer.bias, kept.bias, rtol=0, atol=0)
        assert layer.up.abs().max() > 0
    assert training.score(other, images, labels).loss < training.score(net, images, labels).loss


def test_the_layer_is_a_matrix_of_that_rank_away(net, images):
    other = adapters.adapted(net, 3, seeded())
    torch.nn.init.normal_(other.fc1.up, generator=seeded())
    W = net.fc1.weight + other.fc1.up @ other.fc1.down
    assert torch.linalg.matrix_rank(other.fc1.up @ other.fc1.down) == 3
    x = images.flatten(1)
    torch.testing.assert_close(other.fc1(x), x @ W.T + net.fc1.bias, rtol=1e-4, atol=1e-5)


def test_a_rank_below_one_is_refused(net):
    with pytest.raises(ValueError, match="rank must be 1 or more, got 0"):
        adapters.adapted(net, 0, seeded())
