"""The article's training of MNIST in every form that `benchmarks/mnist.py` compares.

Each form is a function `run(net, data, epochs, order)`: it trains the network in place with the article's
recipe (batches of 100, Adam at 0.001, pixels scaled by 0.5 and 0.5) and yields a `Result` after every epoch,
or once at the end. `order` is a generator on the CPU; all forms but the listing draw the same permutations
from it, so that their losses can be compared.
"""

import contextlib
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mnist_peers
import torch
from mnist_peers import BATCH, RATE, Result
from torch import nn
from torch.nn.functional import cross_entropy, one_hot
from torch.utils.data import DataLoader, TensorDataset

from losslab.article import listings
from losslab.data import mnist, pixels
from losslab.learning import compiled as compiled_steps
from losslab.learning import cuda_graph, models, training


@dataclass(frozen=True)
class Data:
    """MNIST on a device, scaled as in the listing, and a folder that holds `data/MNIST/raw` for it."""

    images: torch.Tensor
    labels: torch.Tensor
    folder: Path

    @classmethod
    def of(cls, digits, device, folder):
        """Scale the training images of some `mnist.Digits`."""
        images = pixels.standardise(digits.train_images, 0.5, 0.5).to(device)
        return cls(images, digits.train_labels.long().to(device), folder)


def lay_out(digits, folder):
    """Write `mnist.Digits` as the files that the listing looks for."""
    raw = Path(folder, "data", "MNIST", "raw")
    raw.mkdir(parents=True)
    for name, array in zip(mnist.SHA256["full"], vars(digits).values(), strict=True):
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        Path(raw, name).write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.numpy().tobytes())


def wait(device):
    """Wait until a device has done everything that it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize()


# --- (0), (1): the article's listing, word for word ---


def listing(net, data, epochs, order, workers=0):
    """Run the printed text with its missing import, on a GPU `.to(device)`, and perhaps worker processes."""
    device, names = data.images.device, {"print": lambda *_: None}
    setup, train = pieces(device, workers)
    torch.manual_seed(order.initial_seed())
    seconds, means = [], []
    with contextlib.chdir(data.folder):
        exec(setup, names)
        names["model"].load_state_dict(net.state_dict())
        for _ in range(epochs):
            begin = time.perf_counter()
            exec(train, names)
            wait(device)
            seconds.append(time.perf_counter() - begin)
            means.append(names["running_loss"] / len(names["train_loader"]))
            net.load_state_dict(names["model"].state_dict())
            yield Result(seconds, means, None)


def pieces(device, workers):
    """Return what the listing does before its loop, and the loop with one epoch instead of ten."""
    text = f"import torch\n{listings.MNIST_DATA_LISTING}{listings.MNIST_TRAINING_LISTING}"
    changes = {"range(10)": "range(1)"}
    if device.type != "cpu":
        changes |= {
            "model = Net()": f"model = Net().to('{device}')",
            "inputs, labels = data": f"inputs, labels = data[0].to('{device}'), data[1].to('{device}')",
        }
    if workers:
        changes["shuffle=True)"] = f"shuffle=True, num_workers={workers}, persistent_workers=True)"
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"the listing has no {old!r}")
        text = text.replace(old, new)
    setup, rest = text.split("# Train the model\n")
    return setup, rest.split("# Test the model\n")[0]


# --- (2): our steps, one after the other ---


def plain(net, device):
    """Return the network that is trained, and its loss on a batch."""
    return net, lambda x, y: cross_entropy(net(x), y)


COMPILED = {}  # mode → (network, its compiled loss): compiling takes longer than the training


def compiled(mode, net, device):
    """Return a copy of the network, and its loss compiled by torch."""
    if mode not in COMPILED:
        copy = type(net)().to(device)
        COMPILED[mode] = copy, torch.compile(lambda x, y: cross_entropy(copy(x), y), mode=mode)
    copy, loss_of = COMPILED[mode]
    copy.load_state_dict(net.state_dict())
    return copy, loss_of


class Order(torch.utils.data.Sampler):
    """A new permutation for every epoch, from a generator."""

    def __init__(self, n, generator):
        self.n, self.generator = n, generator

    def __len__(self):
        return self.n

    def __iter__(self):
        """Yield every number below n once."""
        yield from torch.randperm(self.n, generator=self.generator).tolist()


def batches_of_loader(data, order):
    """Preload: the images scaled once and kept as tensors, still served one by one by a DataLoader."""
    images, labels = data.images, data.labels
    loader = DataLoader(TensorDataset(images, labels), batch_size=BATCH, sampler=Order(len(images), order))
    return lambda: loader


def batches_by_index(data, order):
    """Permute: a hundred images at a time are fetched by index."""

    def batches():
        for batch in torch.randperm(len(data.images), generator=order).split(BATCH):
            batch = batch.to(data.images.device)
            yield data.images[batch], data.labels[batch]

    return batches


def batches_by_slice(data, order):
    """Gather: ten batches are fetched at a time, each is a slice of them."""
    return lambda: training.shuffled(data.images, data.labels, BATCH, order)


def stepwise(batches_of, fused, prepare, net, data, epochs, order):
    """Train with one way to make batches, one kind of Adam and one way to get the loss of a batch."""
    batches, device = batches_of(data, order), data.images.device
    trained, loss_of = prepare(net, device)
    adam, steps, seconds, means = torch.optim.Adam(trained.parameters(), lr=RATE, fused=fused), [], [], []
    for _ in range(epochs):
        wait(device)
        begin, losses = time.perf_counter(), []
        for x, y in batches():
            adam.zero_grad()
            loss = loss_of(x, y)
            loss.backward()
            adam.step()
            losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
        steps += losses
        means.append(sum(losses) / len(losses))
        net.load_state_dict(trained.state_dict())
        yield Result(seconds, means, steps)


def fit(net, data, epochs, order, loop=training.train_epoch):
    """Run `training.fit`, the book's loop; an epoch lasts until the next one begins, or to the end."""
    stamps, device = [], data.images.device

    def stamped(*args):
        wait(device)
        stamps.append(time.perf_counter())
        return loop(*args)

    knobs = {"epochs": epochs, "batch_size": BATCH, "lr": RATE, "generator": order, "progress": False}
    history = training.fit(net, data.images, data.labels, loop=stamped, **knobs)
    wait(device)
    stamps.append(time.perf_counter())
    seconds = [after - before for before, after in zip(stamps, stamps[1:], strict=False)]
    yield Result(seconds, history.running, history.steps)


WHOLE = []  # one network and its compiled step, which takes longer than the training


def fit_compiled(net, data, epochs, order):
    """Run `training.fit` with its compiled step."""
    if not WHOLE:
        WHOLE[:] = models.Net().to(data.images.device), compiled_steps.Step()
    copy, loop = WHOLE
    copy.load_state_dict(net.state_dict())
    for result in fit(copy, data, epochs, order, loop=loop):
        net.load_state_dict(copy.state_dict())
        yield result


def fit_captured(steps, net, data, epochs, order):
    """Run `training.fit` with this many steps in a CUDA graph."""
    return fit(net, data, epochs, order, loop=cuda_graph.Graph(steps))


# --- (3): by hand, the floor ---


class ByHand:
    """Forward, backward and Adam written out on buffers that are made once; all parameters are one vector."""

    def __init__(self, net, data):
        self.layers = [layer for layer in net.children() if isinstance(layer, nn.Linear)]
        n, device = sum(p.numel() for p in net.parameters()), data.images.device
        self.w, self.g, self.m, self.v = (torch.zeros(n, device=device) for _ in range(4))
        self.t = torch.zeros((), device=device)
        self.W, self.b, self.gW, self.gb, start = [], [], [], [], 0
        for layer in self.layers:
            for p, views, grads in ((layer.weight, self.W, self.gW), (layer.bias, self.b, self.gb)):
                part = slice(start, start + p.numel())
                views.append(self.w[part].view(p.shape))
                grads.append(self.g[part].view(p.shape))
                views[-1].copy_(p.detach())
                p.data = views[-1]
                start += p.numel()
        widths = [len(b) for b in self.b]
        self.a = [torch.empty(BATCH, k, device=device) for k in widths]
        self.d = [torch.empty(BATCH, k, device=device) for k in widths]
        self.x, self.y = data.images.flatten(1).clone(), one_hot(data.labels).float()
        self.logits = torch.empty(len(self.x), widths[-1], device=device)

    def step(self, rows):
        """Take the step of the images in these rows."""
        x, y, z, a, d = self.x[rows], self.y[rows], self.logits[rows], self.a, self.d
        for k in range(3):
            torch.addmm(self.b[k], a[k - 1] if k else x, self.W[k].t(), out=a[k]).relu_()
        torch.addmm(self.b[3], a[2], self.W[3].t(), out=z)
        torch.softmax(z, 1, out=d[3]).sub_(y).div_(BATCH)
        for k in (3, 2, 1, 0):
            torch.mm(d[k].t(), a[k - 1] if k else x, out=self.gW[k])
            torch.sum(d[k], 0, out=self.gb[k])
            if k:
                torch.mm(d[k], self.W[k], out=d[k - 1])
                torch.ops.aten.threshold_backward.grad_input(d[k - 1], a[k - 1], 0, grad_input=d[k - 1])
        self.t += 1
        torch._fused_adam_(
            [self.w], [self.g], [self.m], [self.v], [], [self.t], lr=RATE, beta1=0.9, beta2=0.999,
            weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip

    def epoch(self):
        """Take all steps of an epoch."""
        for start in range(0, len(self.x), BATCH):
            self.step(slice(start, start + BATCH))

    def recorded(self):
        """Return a function that replays the epoch from a CUDA graph; nothing has happened yet."""
        states = (self.w, self.g, self.m, self.v, self.t)
        before = [state.clone() for state in states]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.step(slice(0, BATCH))
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.epoch()
        for state, value in zip(states, before, strict=True):
            state.copy_(value)
        return graph.replay


@torch.no_grad()
def by_hand(net, data, epochs, order):
    """Run `ByHand`; on a GPU from a graph of the whole epoch."""
    device, hand, seconds, means, steps = data.images.device, ByHand(net, data), [], [], []
    targets, flat = one_hot(data.labels).float(), data.images.flatten(1)
    begin = time.perf_counter()
    epoch = hand.recorded() if device.type == "cuda" else hand.epoch
    for _ in range(epochs):
        shuffle = torch.randperm(len(flat), generator=order).to(device)
        torch.index_select(flat, 0, shuffle, out=hand.x)
        torch.index_select(targets, 0, shuffle, out=hand.y)
        epoch()
        wait(device)
        seconds.append(time.perf_counter() - begin)
        each = (
            cross_entropy(hand.logits, data.labels[shuffle], reduction="none")
            .view(-1, BATCH)
            .mean(1)
            .tolist()
        )
        steps += each
        means.append(sum(each) / len(each))
        begin = time.perf_counter()
    for p in net.parameters():
        p.data = p.data.clone()
    yield Result(seconds, means, steps)


# --- the table ---


def variants(device):
    """Return {name: (what it is, run)}, in the order of the story."""
    workers = min(8, os.cpu_count())
    found = {
        "listing": ("the article's listing", listing),
        "workers": (f"+ {workers} worker processes", partial(listing, workers=workers)),
        "preload": (
            "images scaled once, DataLoader",
            partial(stepwise, batches_of_loader, None, plain),
        ),
        "permute": ("batches by index", partial(stepwise, batches_by_index, None, plain)),
        "gather": ("ten batches gathered at a time", partial(stepwise, batches_by_slice, None, plain)),
        "fused": ("fused Adam", partial(stepwise, batches_by_slice, True, plain)),
        "fit": ("losslab.learning.training.fit", fit),
        "compile": ("torch.compile", partial(stepwise, batches_by_slice, True, partial(compiled, None))),
    }
    if device.type == "cuda":
        by_graphs = partial(compiled, "reduce-overhead")
        found |= {
            "compile, graphs": (
                "torch.compile with CUDA graphs",
                partial(stepwise, batches_by_slice, True, by_graphs),
            ),
            "graph, 1 step": ("CUDA graph of a step", partial(fit_captured, 1)),
            "graph, 20 steps": ("CUDA graph of 20 steps", partial(fit_captured, 20)),
            "graph, epoch": ("CUDA graph of an epoch", partial(fit_captured, 600)),
        }
    else:
        found |= {"compiled step": ("fit, its compiled step", fit_compiled)} | mnist_peers.found()
    return found | {"by hand": ("forward, backward and Adam written out", by_hand)}


def run(name, data, epochs, seed):
    """Train the network of a seed to the end; return the last `Result` and the network."""
    torch.manual_seed(seed)
    net = models.Net().to(data.images.device)
    *_, result = variants(data.images.device)[name][1](net, data, epochs, torch.Generator().manual_seed(seed))
    return result, net
