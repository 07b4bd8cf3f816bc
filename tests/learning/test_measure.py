"""What a loop costs: counted exactly, and timed so that nothing else changes. No test asks how long."""

import re

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from losslab.learning import measure, models
from losslab.learning.measure import Measured

pytestmark = pytest.mark.trains

X, Y = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
BATCHES = [(X[:10], Y[:10]), (X[10:20], Y[10:20])]


def pair(**knobs):
    with torch.random.fork_rng():
        model = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.ReLU(), nn.Linear(5, 3))
    return model, torch.optim.Adam(model.parameters(), **knobs)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The rate of this machine's products, without measuring it."""
    monkeypatch.setattr(measure, "matmul_rate", lambda device, dtype: 1e9)


def test_parts_operators_and_operations_of_a_step():
    model, adam = pair(fused=True)
    found = measure.loop(model, adam, BATCHES, steps=5)
    assert list(found.parts) == ["batch", "forward", "backward", "optimizer"]
    assert min(found.seconds, *found.parts.values()) > 0
    assert found.flop == 2 * 10 * (2 * 6 * 5 + 3 * 5 * 3)  # no gradient of the images
    assert (found.batch, found.rate, found.kernels) == (10, 1e9, None)
    assert found.machine["threads"] == torch.get_num_threads()
    assert found.scatter >= 1


def test_a_layer_more_asks_for_its_operators_forward_and_backward():
    def operators(*more):
        with torch.random.fork_rng():
            model = nn.Sequential(nn.Linear(6, 3), *more)
        return measure.loop(model, torch.optim.SGD(model.parameters()), BATCHES, steps=5).operators

    assert operators(nn.ReLU()) == operators() + 2
    assert operators(nn.Unflatten(1, (3, 1)), nn.Flatten()) == operators()  # views cost nothing


def test_views_are_not_counted():
    with measure.Count() as count:
        x = torch.ones(3).view(3, 1).t()
        x @ x.t()
    assert count.calls == 2  # ones and the product: views cost nothing


def test_model_optimizer_and_random_numbers_are_left_as_they_were():
    model, adam = pair()
    model.eval()
    loader = DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    found = measure.loop(model, adam, loader, steps=7)  # more than the loader has
    assert found.batch == 8
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert not adam.state
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_optimizer_moves_the_copy_that_is_measured(monkeypatch):
    seen = []
    forward = nn.Linear.forward
    monkeypatch.setattr(
        nn.Linear, "forward", lambda layer, x: seen.append(layer.weight.norm().item()) or forward(layer, x)
    )
    w = nn.Linear(6, 3)
    measure.loop(w, torch.optim.SGD(w.parameters(), lr=0.1), BATCHES, steps=5)
    assert len(set(seen)) > 5


def test_the_least_time_and_its_share_follow():
    found = Measured(2e-3, {}, 10, 5, None, 10**9, 1e12, 1.2, 0.0, {})
    assert found.least == pytest.approx(1e-3)
    assert found.share == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scatter", "waited", "busy"),
    [(1.2, 0.05, False), (1.2, None, False), (2.5, 0.0, True), (1.2, 0.3, True)],
)
def test_it_says_when_the_machine_was_busy(scatter, waited, busy):
    assert Measured(1.0, {}, 1, 1, None, 1, 1.0, scatter, waited, {}).busy is busy


def other():
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"model": nn.ReLU()}, "model must be a torch.nn.Module with parameters, got ReLU"),
        ({"model": print}, "model must be a torch.nn.Module with parameters, got builtin_function_or_method"),
        ({"optimizer": "adam"}, "optimizer must be a torch.optim.Optimizer, got str"),
        ({"optimizer": other()}, "optimizer must hold parameters of the model, got others"),
        (
            {"batches": iter(BATCHES)},
            "batches must be able to begin again, as a DataLoader or a list can, got",
        ),
        ({"batches": 3}, "batches must be able to begin again, as a DataLoader or a list can, got int"),
        ({"batches": []}, "batches must be one or more, got none"),
        ({"batches": [X]}, "batches must be pairs (x, y), got Tensor"),
        ({"steps": 4}, "steps must be a whole number from 5, got 4"),
        ({"steps": 7.5}, "steps must be a whole number from 5, got 7.5"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(knobs, said):
    model, adam = pair()
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        measure.loop(**{"model": model, "optimizer": adam, "batches": BATCHES, "steps": 5} | knobs)


def test_the_articles_network_has_the_operations_that_its_shapes_say():
    with torch.random.fork_rng():
        net = models.Net()
    batch = torch.zeros(4, 1, 28, 28), torch.zeros(4, dtype=torch.long)
    found = measure.loop(net, torch.optim.Adam(net.parameters()), [batch], steps=5)
    weights = [784 * 256, 256 * 128, 128 * 64, 64 * 10]
    assert found.flop == 2 * 4 * (3 * sum(weights) - weights[0])


def test_the_rate_is_that_of_the_fastest_product(monkeypatch):
    monkeypatch.undo()
    taken = {8: 2e-6, 16: 1e-6}
    monkeypatch.setattr(measure, "least", lambda function, *rest, **more: taken[len(function())])
    assert measure.matmul_rate("cpu", sizes=(8, 16)) == 2 * 16**3 / 1e-6


def test_the_least_of_the_rounds_counts_and_not_the_practice(monkeypatch):
    naps, now = iter([1.0, 1.0, 4.0, 4.0, 3.0, 5.0]), [0.0]
    monkeypatch.setattr(measure.time, "perf_counter", lambda: now[0])

    def call():
        now[0] += next(naps)

    assert measure.least(call, torch.device("cpu"), 2, rounds=2) == 4.0
