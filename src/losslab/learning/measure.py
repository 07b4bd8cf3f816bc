"""What a training loop costs on this machine: each part of a step, and the least that its products take."""

import copy
import platform
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from losslab.learning import autodiff, timing

BLOCKS = 5  # of the steps that are timed without a wait in between


@dataclass(frozen=True)
class Measured:
    """What `loop` has measured; times in seconds, per step.

    Attributes
    ----------
    seconds : float
        A whole step, without waiting for a GPU between its parts: the median of the blocks of steps.
    parts : dict of str to float
        "batch" (wait for it, and bring it to the device), "forward" (with the loss), "backward" and
        "optimizer", each waited for, so that they add up to more than `seconds` on a GPU.
    batch : int
        Samples of a step.
    operators : int
        Operators that a step asks for; views of a tensor are not counted.
    kernels : int or None
        What it starts on a GPU.
    flop : int
        Operations of its matrix products, convolutions and attention, forward and backward.
    rate : float
        FLOP/s of the fastest matrix product that was found here, with the threads that are set.
    scatter : float
        The slowest block of steps over the fastest.
    waited : float or None
        As for `timing.Race`.
    machine : dict
        As `machine` gives it.
    """

    seconds: float
    parts: dict
    batch: int
    operators: int
    kernels: int | None
    flop: int
    rate: float
    scatter: float
    waited: float | None
    machine: dict

    @property
    def least(self):
        """The seconds that the products alone would take at the rate of the fastest one."""
        return self.flop / self.rate

    @property
    def share(self):
        """How much of a step these are: what is left can be saved at most."""
        return self.least / self.seconds

    @property
    def busy(self):
        """Whether the machine was too busy to judge, as for `timing.Race`."""
        return self.scatter > timing.UNSTEADY or (self.waited or 0.0) > timing.WAITED


def loop(model, optimizer, batches, loss=cross_entropy, steps=50):
    """
    Measure what a step of a training loop costs, and what part of it cannot be avoided.

    The steps are taken by copies, so model and optimizer are left as they were, and so are torch's own random
    numbers (a generator that a DataLoader was given moves on). The first round is for practice.

    Parameters
    ----------
    model : torch.nn.Module
    optimizer : torch.optim.Optimizer
        Of parameters of the model.
    batches : iterable of (x, y)
        One that can begin again, such as a DataLoader or a list; it does if it is shorter than `steps`.
    loss : callable
        `loss(model(x), y)` is a number.
    steps : int
        How many are timed in each of two rounds: with a wait after each part, and without.

    Returns
    -------
    Measured
    """
    device = check(model, optimizer, batches, steps)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        model, optimizer = copy.deepcopy((model, optimizer))
        training = Loop(model.train(), optimizer, again(batches), loss, device)
        for _ in range(max(3, steps // BLOCKS)):
            training.step()
        parts = training.parts(steps)
        blocks, waited = training.blocks(steps)
        x, y = training.batch()
        with Count() as count:
            training.learn(x, y)
        flop = autodiff.flop(lambda: loss(model(x), y).backward())
        started = kernels(lambda: training.learn(x, y)) if device.type == "cuda" else None
    rate = matmul_rate(device, next(model.parameters()).dtype)
    whole, scatter = statistics.median(blocks), max(blocks) / min(blocks)
    return Measured(whole, parts, len(x), count.calls, started, flop, rate, scatter, waited, machine(device))


def check(model, optimizer, batches, steps):
    """Raise unless a loop can be measured with these; return the model's device."""
    ours = list(model.parameters()) if isinstance(model, torch.nn.Module) else []
    if not ours:
        raise TypeError(f"model must be a torch.nn.Module with parameters, got {type(model).__name__}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}")
    known = {id(parameter) for parameter in ours}
    if not all(id(one) in known for group in optimizer.param_groups for one in group["params"]):
        raise ValueError("optimizer must hold parameters of the model, got others")
    if isinstance(batches, Iterator) or not isinstance(batches, Iterable):
        kind = type(batches).__name__
        raise TypeError(f"batches must be able to begin again, as a DataLoader or a list can, got {kind}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < BLOCKS:
        raise ValueError(f"steps must be a whole number from {BLOCKS}, got {steps!r}")
    return ours[0].device


def again(batches):
    """Yield the batches over and over; raise unless they are pairs."""
    while True:
        count = 0
        for given in batches:
            count += 1
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise TypeError(f"batches must be pairs (x, y), got {type(given).__name__}")
            yield given
        if not count:
            raise ValueError("batches must be one or more, got none")


class Loop:
    """A training loop that can be timed part by part."""

    def __init__(self, model, optimizer, batches, loss, device):
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.batches, self.device = batches, device

    def batch(self):
        """Return the next batch, on the device."""
        x, y = next(self.batches)
        return x.to(self.device), y.to(self.device)

    def learn(self, x, y):
        """Take a step with a batch."""
        self.optimizer.zero_grad()
        self.loss(self.model(x), y).backward()
        self.optimizer.step()

    def step(self):
        """Take the next step."""
        self.learn(*self.batch())

    def parts(self, steps):
        """Return {part: median seconds} of steps that wait for the device after each part."""
        found = {name: [] for name in ("batch", "forward", "backward", "optimizer")}
        for _ in range(steps):
            watch = timing.Parts()
            with watch("batch"):
                x, y = self.batch()
                synchronize(self.device)
            with watch("forward"):
                value = self.loss(self.model(x), y)
                synchronize(self.device)
            with watch("backward"):
                value.backward()
                synchronize(self.device)
            with watch("optimizer"):
                self.optimizer.step()
                self.optimizer.zero_grad()
                synchronize(self.device)
            for name, seconds in watch.items():
                found[name].append(seconds)
        return {name: statistics.median(seconds) for name, seconds in found.items()}

    def blocks(self, steps):
        """Return the seconds per step of each block, and how long threads waited meanwhile."""
        watch = timing.Watch()
        return [each(self.step, self.device, steps // BLOCKS) for _ in range(BLOCKS)], watch.waited()


# --- what a machine can do ---


def synchronize(device):
    """Wait for a GPU; a CPU has done everything when a call returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def each(function, device, repeats):
    """Return the seconds of a call, from `repeats` of them."""
    synchronize(device)
    begin = time.perf_counter()
    for _ in range(repeats):
        function()
    synchronize(device)
    return (time.perf_counter() - begin) / repeats


def least(function, device, repeats, rounds=5):
    """Return the least seconds of a call, from rounds of `repeats` calls and one for practice."""
    return min([each(function, device, repeats) for _ in range(rounds + 1)][1:])


def matmul_rate(device, dtype=torch.float32, sizes=None):
    """
    Return the FLOP/s of the fastest of some square matrix products, with the threads that are set.

    Parameters
    ----------
    device : torch.device or str
    dtype : torch.dtype
    sizes : sequence of int, optional
        Rows and columns; default 256, 512 and 1,024, on a GPU 4,096 and 8,192.
    """
    device, rates = torch.device(device), []
    for n in sizes or ((4096, 8192) if device.type == "cuda" else (256, 512, 1024)):
        a = torch.ones(n, n, dtype=dtype, device=device)
        rates.append(2 * n**3 / least(lambda a=a: a @ a, device, max(1, 1024**3 // n**3), rounds=3))
    return max(rates)


class Count(TorchDispatchMode):
    """Counts the operators that are asked for."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Count one and do it, unless it only gives another view of a tensor."""
        self.calls += not function.is_view
        return function(*args, **(kwargs or {}))


def kernels(function):
    """Return how many kernels a function starts on the GPU."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        function()
        torch.cuda.synchronize()
    names = [event.name for event in seen.events() if str(event.device_type).endswith("CUDA")]
    return sum(not name.startswith(("Memcpy", "Memset")) for name in names)


def machine(device="cpu"):
    """Return what figures depend on: {"processor", "threads", "torch", "python"}, and "gpu" on a GPU."""
    found = {"processor": platform.machine(), "threads": torch.get_num_threads()}
    if (file := Path("/proc/cpuinfo")).exists():
        lines = file.read_text(encoding="utf-8").splitlines()
        names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
        found["processor"] = names[0] if names else found["processor"]
    found |= {"torch": torch.__version__, "python": platform.python_version()}
    if torch.device(device).type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found
