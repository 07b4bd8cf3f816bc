"""The captured loop against the plain one, on a GPU or with a stand-in for the graph; and its excuses."""

from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from losslab.learning import checkpoints, cuda_graph, training

pytestmark = [pytest.mark.trains, pytest.mark.gpu]

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
IMAGES = torch.randn(60, 2, 3, generator=torch.Generator().manual_seed(7))
LABELS = IMAGES.flatten(1)[:, :3].argmax(1)


class Net(nn.Module):
    """A network with all that steps can change; its training forward number `at` raises an error."""

    def __init__(self, at=0, error=None, saved=True):
        super().__init__()
        self.at, self.error, self.forwards = at, error, 0
        layers = [nn.Flatten(), nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.Dropout(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(8, 3))
        self.register_buffer("drift", torch.zeros(3), persistent=saved)  # state_dict knows what is saved

    def forward(self, x):
        if self.training:
            self.forwards += 1
            if self.forwards == self.at:
                raise self.error
            self.drift.add_(0.01)
        return self.layers(x) + self.drift


def net(*fault, device=DEVICE):
    torch.manual_seed(0)
    return Net(*fault).to(device)


def train(model=None, device=DEVICE, **knobs):
    model = model or net(device=device)
    knobs = {"epochs": 3, "batch_size": 5, "lr": 0.02, "schedule": training.one_cycle} | knobs
    history = training.fit(
        model,
        IMAGES.to(device),
        LABELS.to(device),
        generator=torch.Generator().manual_seed(0),
        progress=False,
        **knobs,
    )
    return history, [tensor.detach().double().cpu() for tensor in cuda_graph.tensors(model).values()]


def averaged(**knobs):
    model = net()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    history, _ = train(model, average=average, **knobs)
    return history, [tensor.detach().double().cpu() for tensor in average.parameters()]


@pytest.fixture
def graphs(monkeypatch):
    """Whatever is recorded, on a GPU if there is one, else with `StandIn`."""
    made = []

    class Recorded(cuda_graph.Recorded):
        def __init__(self, *args):
            made.append(self)
            super().__init__(*args)

    monkeypatch.setattr(cuda_graph, "Recorded", Recorded)
    if DEVICE == "cpu":
        obstacle = cuda_graph.obstacle
        monkeypatch.setattr(cuda_graph, "obstacle", lambda model, *args: obstacle(Pretender("cuda"), *args))
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: StandIn(made[-1]))
        monkeypatch.setattr(torch.cuda, "graph", StandIn.recording)
        monkeypatch.setattr(torch.cuda, "Stream", Stream)
        monkeypatch.setattr(torch.cuda, "stream", nullcontext)
        monkeypatch.setattr(torch.cuda, "current_stream", Stream)
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.get_rng_state())
        monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: torch.set_rng_state(state))
    return made


class StandIn:
    """A graph for machines without a GPU: recording changes no numbers, a replay takes the steps."""

    def __init__(self, recorded):
        self.recorded = recorded

    @contextmanager
    def recording(self):
        tensors = [*cuda_graph.tensors(self.recorded.model).values()]
        tensors += [value for memory in self.recorded.optimizer.state.values() for value in memory.values()]
        before, drawn = [tensor.detach().clone() for tensor in tensors], torch.get_rng_state()
        try:
            yield
        finally:
            torch.set_rng_state(drawn)
            with torch.no_grad():
                for tensor, value in zip(tensors, before, strict=True):
                    tensor.copy_(value)

    def replay(self):
        for k in range(len(self.recorded.losses)):
            self.recorded.step(k)


class Stream:
    def wait_stream(self, other):
        pass


class Pretender:
    """A network that says it is elsewhere."""

    def __init__(self, device):
        self.device = torch.device(device)

    def parameters(self):
        yield self


def assert_same(ours, plain):
    np.testing.assert_allclose(ours[0].steps, plain[0].steps, rtol=1e-4)
    for a, b in zip(ours[1], plain[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("steps", "together"), [(1, 1), (4, 4), (8, 4), (600, 12)])
def test_the_replayed_steps_are_the_plain_ones(steps, together, graphs):
    """Rates, batches, losses, weights; the warm-up leaves no trace, an epoch is divided without rest."""
    assert_same(train(loop=cuda_graph.Graph(steps)), train())
    assert len(graphs[0].losses) == together
    assert len(graphs) == 1, "recorded once for all epochs"


def half_done(folder):
    """Leave a checkpoint after the second of three epochs."""

    def pulled(model, optimizer, batches, rates, bar):
        if len(rates) == 12:
            raise KeyboardInterrupt
        return training.train_epoch(model, optimizer, batches, rates, bar)

    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=folder, loop=pulled)


def test_a_resumed_training_warms_up_without_a_trace_too(graphs, tmp_path):
    folder = checkpoints.Folder(tmp_path)
    half_done(folder)
    assert_same(train(checkpoint=folder, loop=cuda_graph.Graph(4)), train())


REFUSED = "operation not permitted when stream is capturing"


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 6])  # three steps for practice, then four are recorded
def test_a_recording_that_fails_says_one_line_and_leaves_no_trace(at, resumed, graphs, tmp_path, capsys):
    knobs = {}
    if resumed:
        knobs["checkpoint"] = checkpoints.Folder(tmp_path)
        half_done(knobs["checkpoint"])
    failing = net(at, RuntimeError(f"{REFUSED}\nCUDA kernel errors might be …"), resumed)
    assert_same(train(failing, loop=cuda_graph.Graph(4), **knobs), train())
    assert capsys.readouterr().out == f"No CUDA graph (recording failed: {REFUSED}): the plain loop runs.\n"
    assert len(graphs) == 1, "tried once, not in every epoch"


def everything(model, optimizer):
    """Copies of all that a step changes, and of what only a recording does."""
    return {
        "tensors": {name: tensor.detach().clone() for name, tensor in cuda_graph.tensors(model).items()},
        "slopes": [p.grad.clone() for p in model.parameters()],
        "memories": optimizer.state_dict()["state"] | {},
        "groups": [dict(group) for group in optimizer.param_groups],
        "random": torch.get_rng_state(),
    }


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [2, 5])
def test_what_is_no_obstacle_comes_through_and_leaves_no_trace_either(at, error, graphs):
    model = net(at, error).train()
    batches = [(x.to(DEVICE), y.to(DEVICE)) for x, y in zip(IMAGES.split(5), LABELS.split(5), strict=True)]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, fused=True)
    nn.functional.cross_entropy(model.layers(batches[0][0]), batches[0][1]).backward()
    before = everything(model, optimizer)
    with pytest.raises(type(error)):
        cuda_graph.Graph(4)(model, optimizer, batches, [0.01] * 12, None)
    torch.testing.assert_close(everything(model, optimizer), before, rtol=0, atol=0)


def test_memory_that_does_not_suffice_is_explained(graphs):
    words = "a batch of 5 does not fit into the memory that is left on .*: try batch_size=2"
    with pytest.raises(torch.OutOfMemoryError, match=words):
        train(net(2, torch.OutOfMemoryError("CUDA out of memory.")), loop=cuda_graph.Graph())


def test_a_graph_serves_one_training_alone(graphs):
    graph, model = cuda_graph.Graph(4), net()
    train(model, loop=graph)
    for other, what in ((net(), "network"), (model, "optimiser")):
        before = [tensor.clone() for tensor in other.state_dict().values()]
        words = f"a Graph serves one training, and this one began with another {what}: make a new one"
        with pytest.raises(ValueError, match=words):
            train(other, loop=graph)
        torch.testing.assert_close([*other.state_dict().values()], before, rtol=0, atol=0)


def test_batches_of_another_shape_are_another_training(graphs):
    graph, model, forms = cuda_graph.Graph(4), net(), []

    def growing(x, generator):
        forms.append(x)
        return x if len(forms) <= 12 else torch.cat([x, x], -1)[:, :, :3].flatten(1)

    with pytest.raises(ValueError, match="began with another shape of batches"):
        train(model, loop=graph, transform=growing)


@pytest.mark.parametrize(
    ("trained", "knobs", "reason"),
    [
        (train, {"batch_size": 7}, "the last batch has 4 images, the others 7"),
        (averaged, {}, "something runs after each step, such as an average of the weights"),
        (partial(train, device="cpu"), {}, "the network is on cpu"),
    ],
    ids=["uneven", "average", "cpu"],
)
def test_where_nothing_can_be_recorded_the_plain_loop_runs(trained, knobs, reason, request, capsys):
    if reason != "the network is on cpu":
        request.getfixturevalue("graphs")
    assert_same(trained(loop=cuda_graph.Graph(), **knobs), trained(**knobs))
    assert capsys.readouterr().out == f"No CUDA graph ({reason}): the plain loop runs.\n"


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
    assert cuda_graph.obstacle(Pretender(device), optimizer, batches) == words
