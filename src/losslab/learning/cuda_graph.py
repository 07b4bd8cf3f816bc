"""Steps recorded once as a CUDA graph and then replayed: the processor no longer launches each kernel.

A step of a small network is a few dozen kernels of a few microseconds each; launching them one by one from
Python takes longer than running them. Where nothing can be recorded, one line says why, and the plain loop
runs.
"""

import math

import torch
from torch.nn.functional import cross_entropy

from losslab.learning import training


class Graph:
    """A `loop` for `training.fit`: the same steps as `training.train_epoch`, replayed from a CUDA graph.

    Parameters
    ----------
    steps : int
        Steps recorded together; if they do not divide an epoch, their greatest common divisor with it. More
        mean fewer launches and a longer recording. One object serves one training.

    Raises
    ------
    ValueError
        If `steps` is not a whole number ≥ 1; when called, if the training is not the one it began with.
    torch.OutOfMemoryError
        If the recording does not fit into the device's memory. As after any other failure, the network, its
        optimiser and the random state are then what they were.
    """

    def __init__(self, steps=20):
        if not isinstance(steps, int) or steps < 1:
            raise ValueError(f"steps must be a whole number from 1, got {steps!r}")
        self.steps = steps
        self.serves = self.recorded = self.reason = None

    def __call__(self, model, optimizer, batches, rates, bar, loss=cross_entropy):
        """Take one step per batch, as `training.train_epoch` does."""
        batches = list(batches)
        self.engage(model, optimizer, batches, loss)
        reason = self.reason or obstacle(model, optimizer, batches)
        reason = reason or self.record(model, optimizer, batches, loss)
        if reason:
            if not self.reason:
                print(f"No CUDA graph ({reason}): the plain loop runs.")
            self.reason = reason
            return training.train_epoch(model, optimizer, batches, rates, bar, loss)
        return self.recorded.replay(batches, rates, bar), [len(y) for _, y in batches]

    def engage(self, model, optimizer, batches, loss):
        """Remember the training that comes first; raise if another one comes later."""
        forms = [(x.shape, x.dtype, y.shape, y.dtype) for x, y in batches]
        serves = {"network": model, "optimiser": optimizer, "loss": loss, "shape of batches": forms}
        self.serves = self.serves or serves
        if others := [what for what in serves if self.serves[what] != serves[what]]:
            raise ValueError(
                f"a Graph serves one training, and this one began with another {others[0]}: make a new one"
            )

    def record(self, model, optimizer, batches, loss):
        """Record the graph unless that has been done; return why it cannot be recorded, or None."""
        if self.recorded is None:
            try:
                steps = math.gcd(self.steps, len(batches))
                self.recorded = Recorded(model, optimizer, batches, steps, loss)
            except torch.OutOfMemoryError:  # a RuntimeError, too, but not the network's fault
                raise
            except RuntimeError as error:  # the network asks for a number, say, or copies from the host
                return f"recording failed: {str(error).splitlines()[0]}"
        return None


def obstacle(model, optimizer, batches):
    """Return why the steps of an epoch cannot be recorded, or None if they can."""
    device = next(model.parameters()).device
    if device.type != "cuda":
        return f"the network is on {device.type}"
    if len({x.shape for x, _ in batches}) > 1:
        return f"the last batch has {len(batches[-1][1])} images, the others {len(batches[0][1])}"
    if "capturable" not in optimizer.defaults:
        return f"{type(optimizer).__name__} cannot be captured"
    if optimizer._optimizer_step_post_hooks:
        return "something runs after each step, such as an average of the weights"
    return None


class Before:
    """What a network, its optimiser and the random states were, to be restored."""

    def __init__(self, model, optimizer, device):
        self.model, self.optimizer, self.device = model, optimizer, device
        self.weights = {name: tensor.detach().clone() for name, tensor in tensors(model).items()}
        self.slopes = {p: p.grad for p in model.parameters()}  # a step replaces them and writes to none
        self.memories = {p: {k: v.clone() for k, v in m.items()} for p, m in optimizer.state.items()}
        self.groups = [dict(group) for group in optimizer.param_groups]
        self.random = torch.get_rng_state(), torch.cuda.get_rng_state(device)

    @torch.no_grad()
    def undo_steps(self):
        """Undo what steps do, in place: a graph remembers the addresses of weights and memories."""
        for name, tensor in tensors(self.model).items():
            tensor.copy_(self.weights[name])
        for p, memory in self.optimizer.state.items():
            for name, tensor in memory.items():
                tensor.copy_(self.memories[p][name]) if p in self.memories else tensor.zero_()
        torch.set_rng_state(self.random[0])
        torch.cuda.set_rng_state(self.random[1], self.device)

    def undo_all(self):
        """Bring back everything, as if nothing had ever been recorded."""
        self.undo_steps()
        for p, slope in self.slopes.items():
            p.grad = slope
        for p in self.optimizer.state.keys() - self.memories.keys():
            del self.optimizer.state[p]
        for group, before in zip(self.optimizer.param_groups, self.groups, strict=True):
            group.update(before)


def tensors(model):
    """Return everything that the steps of a network may change, by name: parameters and buffers."""
    return dict(model.named_parameters()) | dict(model.named_buffers())


class Recorded:
    """Steps of a model and its optimiser on tensors at fixed addresses, into which the batches are copied.

    If the recording fails, for whatever reason, all is as it was before.
    """

    def __init__(self, model, optimizer, batches, steps, loss):
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.x = torch.stack([x for x, _ in batches[:steps]])
        self.y = torch.stack([y for _, y in batches[:steps]])
        self.rates = torch.zeros(steps, device=self.x.device)
        self.rate = torch.zeros((), device=self.x.device)
        self.losses = torch.zeros(steps, device=self.x.device)
        before = Before(model, optimizer, self.x.device)
        try:
            self.warm_up()
            before.undo_steps()
            self.capture()
        except BaseException:
            before.undo_all()
            raise

    def capture(self):
        """Record the steps; none of them is taken."""
        self.optimizer.param_groups[0].update(capturable=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            for k in range(len(self.losses)):
                self.step(k)

    def step(self, k):
        """Take the step of batch k; every number it needs is read from the device."""
        self.rate.copy_(self.rates[k])
        self.losses[k].copy_(training.step(self.model, self.optimizer, self.x[k], self.y[k], self.loss))

    def warm_up(self):
        """Take a few steps on a stream of their own, as recording requires."""
        self.model.train()
        self.optimizer.param_groups[0].update(lr=self.rate)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                for _ in range(3):
                    self.step(0)
        finally:  # undoing these steps must not overtake them
            torch.cuda.current_stream().wait_stream(stream)

    def replay(self, batches, rates, bar):
        """Take all steps of an epoch; return their losses, on the device."""
        steps, losses = len(self.losses), []
        for start in range(0, len(batches), steps):
            part = batches[start : start + steps]
            torch.stack([x for x, _ in part], out=self.x)
            torch.stack([y for _, y in part], out=self.y)
            self.rates.copy_(torch.tensor(rates[start : start + steps]))
            self.graph.replay()
            losses.append(self.losses.clone())
            bar.update(steps)
        return torch.cat(losses)
