"""A compiled whole step against the plain one, and what it says where it cannot be had."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from losslab.learning import checkpoints, compiled, training

pytestmark = pytest.mark.trains

IMAGES = torch.randn(60, 2, 3, generator=torch.Generator().manual_seed(7))
LABELS = IMAGES.flatten(1)[:, :3].argmax(1)


@pytest.fixture
def loop():
    """The step as torch traces it; which compiler then writes it is the benchmark's business."""
    torch._dynamo.reset()
    return compiled.Step(backend="eager")


def net(*layers):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), *layers, nn.Linear(8, 3))


def train(model=None, **knobs):
    model = model or net()
    knobs = {"epochs": 3, "batch_size": 20, "lr": 0.02, "schedule": training.one_cycle} | knobs
    order = torch.Generator().manual_seed(0)
    return training.fit(model, IMAGES, LABELS, generator=order, progress=False, **knobs), model


def assert_same(one, two):
    (first, ours), (second, theirs) = one, two
    torch.testing.assert_close(first.steps, second.steps, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close([*ours.parameters()], [*theirs.parameters()], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [20, 25])
@pytest.mark.parametrize("loss", [nn.functional.cross_entropy, nn.MultiMarginLoss()])
def test_the_compiled_steps_are_the_plain_ones(batch_size, loss, loop, capsys):
    knobs = {"batch_size": batch_size, "loss": loss}
    assert_same(train(loop=loop, **knobs), train(**knobs))
    assert "plain loop" not in capsys.readouterr().out


def test_adam_remembers_what_the_plain_loop_would(loop, tmp_path):
    """A training that the compiled loop began is finished by the plain one."""
    knobs = {"schedule": training.constant, "checkpoint": checkpoints.Folder(tmp_path)}
    train(loop=loop, epochs=1, **knobs)
    assert_same(train(**knobs), train(schedule=training.constant))


def test_one_object_serves_a_second_training(loop):
    train(loop=loop)
    assert_same(train(loop=loop), train())


@pytest.mark.parametrize(
    ("model", "knobs", "words"),
    [
        (net(), {"optimizer": torch.optim.SGD}, "only plain Adam is written out"),
        (net(), {"optimizer": partial(torch.optim.Adam, amsgrad=True)}, "only plain Adam is written out"),
        (net(), {"optimizer": partial(torch.optim.Adam, eps=1e-3)}, "only plain Adam is written out"),
        (net(nn.BatchNorm1d(8)), {}, "the network changes buffers"),
    ],
)
def test_where_it_cannot_be_had_the_plain_loop_runs(model, knobs, words, loop, capsys):
    again = net(*[nn.BatchNorm1d(8)] * (len(model) > 4))
    ours, theirs = train(model, loop=loop, **knobs), train(again, **knobs)
    assert ours[0] == theirs[0]
    assert capsys.readouterr().out.count(f"No compiled step ({words}): the plain loop runs.") == 1


def test_an_average_of_the_weights_needs_the_plain_loop(loop, capsys):
    model = net()
    train(model, loop=loop, average=AveragedModel(model))
    assert "something runs after each step" in capsys.readouterr().out


class Asks(nn.Module):
    """A layer that asks for a number, which no compiled program can wait for."""

    def forward(self, x):
        return x if x.sum().item() > 1e9 else x * 1.0


def test_what_cannot_be_compiled_is_said_and_nothing_has_changed(loop, capsys):
    assert train(net(Asks()), loop=loop)[0] == train(net(Asks()))[0]
    assert "No compiled step (it cannot be compiled: " in capsys.readouterr().out


def test_dropout_draws_from_where_it_would_have_drawn(loop):
    """Compiling takes a step for practice, which must leave no trace in the random state."""
    ours = net(nn.Dropout(0.5))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    loop.compile(ours, (IMAGES[:20], LABELS[:20]), nn.functional.cross_entropy)
    assert torch.equal(torch.get_rng_state(), before)
