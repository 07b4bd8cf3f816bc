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

    Compiling takes longer than many a training: ten seconds or more for a network, and again for batches of
    another size. One object can serve several trainings of the same network.

    Parameters
    ----------
    backend : str
        Of `torch.compile`. The default, "inductor", needs a C++ compiler on a CPU.
    """

    def __init__(self, backend="inductor"):
        self.reason = None
        self.take = torch.compile(take, fullgraph=True, dynamic=False, backend=backend)

    def __call__(self, model, optimizer, batches, rates, bar, loss=cross_entropy):
        """Take one step per batch, as `training.train_epoch` does."""
        batches = list(batches)
        reason = self.reason or obstacle(model, optimizer) or self.compile(model, batches[0], loss)
        if reason:
            if not self.reason:
                print(f"No compiled step ({reason}): the plain loop runs.")
            self.reason = reason
            return training.train_epoch(model, optimizer, batches, rates, bar, loss)
        model.train()
        weights = {name: p.detach() for name, p in model.named_parameters()}
        memory, losses = [remembered(optimizer, p) for p in model.parameters()], []
        for (x, y), rate in zip(batches, rates, strict=False):
            optimizer.param_groups[0]["lr"] = rate
            losses.append(self.taken(model, loss, weights, memory, rate, x, y))
            bar.update()
        return torch.stack(losses), [len(y) for _, y in batches]

    @torch.no_grad()
    def taken(self, model, loss, weights, memory, rate, x, y):
        """Take a step in place; return the loss before it."""
        return self.take(model, loss, weights, memory, torch.tensor(rate, device=x.device), x, y)

    def compile(self, model, batch, loss):
        """Take a step on copies, which compiles it; return why that cannot be done, or None."""
        weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        memory = [
            (torch.zeros((), device=w.device), *torch.zeros(2, *w.shape).to(w)) for w in weights.values()
        ]
        state = torch.get_rng_state()
        try:
            self.taken(model.train(), loss, weights, memory, 0.0, *batch)
        except (torch._dynamo.exc.TorchDynamoException, RuntimeError) as error:
            return f"it cannot be compiled: {str(error).splitlines()[0]}"
        finally:
            torch.set_rng_state(state)
        return None


def obstacle(model, optimizer):
    """Return why the steps of a training cannot be compiled, or None if they can."""
    plain = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "maximize": False}
    if type(optimizer) is not torch.optim.Adam or plain.items() - optimizer.defaults.items():
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
