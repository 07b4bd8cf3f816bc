"""The captured loop against the plain one, on a GPU or with a stand-in for the graph; and its excuses."""

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from losslab import capture, checkpoints, training

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
IMAGES = torch.randn(60, 2, 3, generator=torch.Generator().manual_seed(7))
LABELS = IMAGES.flatten(1)[:, :3].argmax(1)


def train(device=DEVICE, **knobs):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
    model = model.to(device)
    knobs = {"epochs": 3, "batch_size": 5, "lr": 0.02, "schedule": training.one_cycle} | knobs
    history = training.fit(
        model,
        IMAGES.to(device),
        LABELS.to(device),
        generator=torch.Generator().manual_seed(0),
        progress=False,
        **knobs,
    )
    return history, [tensor.double().cpu() for tensor in model.state_dict().values()]


@pytest.fixture
def graphs(monkeypatch):
    """Whatever is recorded, on a GPU if there is one, else with `StandIn`."""
    made = []

    class Recorded(capture.Recorded):
        def __init__(self, *args):
            made.append(self)
            super().__init__(*args)

    monkeypatch.setattr(capture, "Recorded", Recorded)
    if DEVICE == "cpu":
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: StandIn(made[-1]))
        monkeypatch.setattr(torch.cuda, "graph", StandIn.recording)
        monkeypatch.setattr(torch.cuda, "Stream", Stream)
        monkeypatch.setattr(torch.cuda, "stream", nullcontext)
        monkeypatch.setattr(torch.cuda, "current_stream", Stream)
        monkeypatch.setattr(torch.random, "fork_rng", lambda devices: nullcontext())
        monkeypatch.setattr(capture, "obstacle", lambda *args: None)
    return made


class StandIn:
    """A graph for machines without a GPU: recording changes nothing, a replay takes the steps."""

    def __init__(self, recorded):
        self.recorded = recorded

    @contextmanager
    def recording(self):
        model, optimizer = self.recorded.model, self.recorded.optimizer
        tensors = [*model.state_dict().values()]
        tensors += [value for memory in optimizer.state.values() for value in memory.values()]
        before = [tensor.clone() for tensor in tensors]
        yield
        for tensor, value in zip(tensors, before, strict=True):
            tensor.copy_(value)

    def replay(self):
        for k in range(len(self.recorded.losses)):
            self.recorded.step(k)


class Stream:
    def wait_stream(self, other):
        pass


def assert_same(ours, plain):
    np.testing.assert_allclose(ours[0].steps, plain[0].steps, rtol=1e-4)
    for a, b in zip(ours[1], plain[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("steps", "together"), [(1, 1), (4, 4), (8, 4), (600, 12)])
def test_the_replayed_steps_are_the_plain_ones(steps, together, graphs):
    """Rates, batches, losses, weights; the warm-up leaves no trace, an epoch is divided without rest."""
    assert_same(train(loop=capture.Graph(steps)), train())
    assert len(graphs[0].losses) == together
    assert len(graphs) == 1, "recorded once for all epochs"


def test_a_resumed_training_warms_up_without_a_trace_too(graphs, tmp_path):
    folder = checkpoints.Folder(tmp_path)

    def pulled(model, optimizer, batches, rates, bar):
        if len(rates) == 12:
            raise KeyboardInterrupt
        return training.train_epoch(model, optimizer, batches, rates, bar)

    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=folder, loop=pulled)
    assert_same(train(checkpoint=folder, loop=capture.Graph(4)), train())


def test_the_recording_fails_with_one_line_and_the_plain_loop(graphs, monkeypatch, capsys):
    def refuse(*args):
        raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors might be …")

    monkeypatch.setattr(capture, "Recorded", refuse)
    assert_same(train(loop=capture.Graph()), train())
    (line,) = capsys.readouterr().out.splitlines()
    reason = "recording failed: operation not permitted when stream is capturing"
    assert line == f"No CUDA graph ({reason}): the plain loop runs."


def test_on_the_cpu_one_line_says_why_and_the_plain_loop_runs(capsys):
    assert train("cpu", loop=capture.Graph())[0] == train("cpu")[0]
    assert capsys.readouterr().out == "No CUDA graph (the network is on cpu): the plain loop runs.\n"


class Pretender:
    """A network that says it is elsewhere."""

    def __init__(self, device):
        self.device = torch.device(device)

    def parameters(self):
        yield self


@pytest.mark.parametrize(
    ("device", "sizes", "hook", "words"),
    [
        ("mps", [5, 5], False, "the network is on mps"),
        ("cuda", [5, 5, 3], False, "the last batch has 3 images, the others 5"),
        ("cuda", [5, 5], True, "something runs after each step, such as an average of the weights"),
        ("cuda", [5, 5], False, None),
    ],
)
def test_obstacles_are_named(device, sizes, hook, words):
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters())
    if hook:
        optimizer.register_step_post_hook(lambda *_: None)
    batches = [(torch.zeros(n, 2), torch.zeros(n)) for n in sizes]
    assert capture.obstacle(Pretender(device), optimizer, batches) == words
