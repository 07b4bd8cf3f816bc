"""Whole steps as one compiled program: forward, backward and Adam, without PyTorch's bookkeeping between.

The compiler joins what surrounds the matrix products, so that the memory is passed over less often. Where it
cannot be had, one line says why, and the plain loop runs.
"""

import torch
from torch.func import functional_call, grad_and_value
from torch.nn.functional import cross_entropy

from losslab.learning import training


class Step:
    """A `loop` for `training.fit`: the same steps as `training.train_epoch`, compiled.

    The first epoch takes some seconds more, in which it is compiled; one object can serve several trainings
    of networks with the same layers.
    """

    def __init__(self):
        self.reason = None
        self.take = torch.compile(take, fullgraph=True, dynamic=False)

    def __call__(self, model, optimizer, batches, rates, bar, loss=cross_entropy):
        """Take one step per batch, as `training.train_epoch` does."""
        reason = self.reason or obstacle(model, optimizer)
        if reason:
            if not self.reason:
                print(f"No compiled step ({reason}): the plain loop runs.")
            self.reason = reason
            return training.train_epoch(model, optimizer, batches, rates, bar, loss)
        model.train()
        weights = {name: p.detach() for name, p in model.named_parameters()}
        memory = [remembered(optimizer, p) for p in model.parameters()]
        losses, sizes = [], []
        with torch.no_grad():
            for (x, y), rate in zip(batches, rates, strict=False):
                optimizer.param_groups[0]["lr"] = rate
                losses.append(self.take(model, loss, weights, memory, torch.tensor(rate), x, y))
                sizes.append(len(y))
                bar.update()
        return torch.stack(losses), sizes


def obstacle(model, optimizer):
    """Return why the steps of a training cannot be compiled, or None if they can."""
    knobs = optimizer.param_groups[0]
    if type(optimizer) is not torch.optim.Adam or knobs["weight_decay"] or knobs["amsgrad"]:
        return "only plain Adam is written out"
    if any(True for _ in model.buffers()):
        return "the network changes buffers"
    if optimizer._optimizer_step_post_hooks:
        return "something runs after each step, such as an average of the weights"
    return None


def remembered(optimizer, p):
    """Return what Adam remembers of a parameter (t, m, v), as PyTorch keeps it."""
    memory = optimizer.state[p]
    if not memory:
        memory["step"] = torch.zeros((), device=p.device)
        memory["exp_avg"], memory["exp_avg_sq"] = torch.zeros_like(p), torch.zeros_like(p)
    return memory["step"], memory["exp_avg"], memory["exp_avg_sq"]


def take(model, loss, weights, memory, rate, x, y, beta1=0.9, beta2=0.999, eps=1e-8):
    """Take one step of Adam in place; return the loss before it."""
    slopes, before = grad_and_value(lambda w: loss(functional_call(model, w, (x,)), y))(weights)
    for (name, w), (t, m, v) in zip(weights.items(), memory, strict=True):
        g = slopes[name]
        t.add_(1)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        w.sub_(rate / (1 - beta1**t) * m / ((v / (1 - beta2**t)).sqrt() + eps))
    return before
