"""Steps recorded once as a CUDA graph and then replayed: the processor no longer launches each kernel.

A step of a small network is some dozens of kernels of a few microseconds each; asking for them one by one
from Python takes longer than they do. Where nothing can be recorded, one line says why, and the plain loop
runs.
"""

import math

import torch
from torch.nn.functional import cross_entropy

from losslab import training


class Graph:
    """A `loop` for `training.fit`: the same steps as `training.train_epoch`, replayed from a CUDA graph.

    Parameters
    ----------
    steps : int
        So many steps, or as many as divide an epoch, are recorded together. More mean fewer launches and a
        longer recording. One object serves one training.
    """

    def __init__(self, steps=20):
        self.steps = steps
        self.recorded = None
        self.said = False

    def __call__(self, model, optimizer, batches, rates, bar):
        """Take one step per batch, as `training.train_epoch` does."""
        batches = list(batches)
        reason = obstacle(model, optimizer, batches) or self.record(model, optimizer, batches)
        if reason:
            if not self.said:
                print(f"No CUDA graph ({reason}): the plain loop runs.")
                self.said = True
            return training.train_epoch(model, optimizer, batches, rates, bar)
        return self.recorded.replay(batches, rates, bar), [len(y) for _, y in batches]

    def record(self, model, optimizer, batches):
        """Record the graph if that has not been done; return why it cannot be, or None."""
        if self.recorded is None:
            try:
                self.recorded = Recorded(model, optimizer, batches, math.gcd(self.steps, len(batches)))
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
    if optimizer._optimizer_step_post_hooks:
        return "something runs after each step, such as an average of the weights"
    return None


class Recorded:
    """Steps of a model and its Adam on tensors at fixed addresses, into which the batches are copied."""

    def __init__(self, model, optimizer, batches, steps):
        self.model, self.optimizer = model, optimizer
        self.x = torch.stack([x for x, _ in batches[:steps]])
        self.y = torch.stack([y for _, y in batches[:steps]])
        self.rates = torch.zeros(steps, device=self.x.device)
        self.rate = torch.zeros((), device=self.x.device)
        self.losses = torch.zeros(steps, device=self.x.device)
        model.train()
        optimizer.param_groups[0].update(lr=self.rate)
        self.warm_up()
        optimizer.param_groups[0].update(capturable=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            for k in range(steps):
                self.step(k)

    def step(self, k):
        """Take the step of batch k; every number it needs is read from the device."""
        self.rate.copy_(self.rates[k])
        self.optimizer.zero_grad()
        loss = cross_entropy(self.model(self.x[k]), self.y[k])
        loss.backward()
        self.optimizer.step()
        self.losses[k].copy_(loss.detach())

    def warm_up(self):
        """Take a few steps on a stream of their own, as recording demands, and undo them."""
        weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        memories = {p: {k: v.clone() for k, v in m.items()} for p, m in self.optimizer.state.items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.random.fork_rng(devices=[self.x.device]), torch.cuda.stream(stream):
            for _ in range(3):
                self.step(0)
        torch.cuda.current_stream().wait_stream(stream)
        self.model.load_state_dict(weights)
        for p, memory in self.optimizer.state.items():
            for name, tensor in memory.items():  # in place: the graph will know these addresses
                tensor.copy_(memories[p][name]) if p in memories else tensor.zero_()

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
