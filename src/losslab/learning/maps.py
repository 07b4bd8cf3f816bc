"""Which pixels made a network answer so? Maps from its derivatives and activations (article ch. 9, Q2).

What is explained is a function f from inputs (N, …) to numbers (N,), such as `log_probability` returns.
"""

from copy import deepcopy

import torch
from torch.nn.functional import interpolate

from losslab.learning import models


def log_probability(model, label):
    """Return f, the logarithm of the probability that a network gives to a label.

    Parameters
    ----------
    model : torch.nn.Module
    label : int, or int64 tensor, shape (N,)
        One for all inputs, or one for each.
    """

    def f(x):
        labels = torch.as_tensor(label, device=x.device).expand(len(x))
        return model(x).log_softmax(1).gather(1, labels[:, None])[:, 0]

    return f


def gradient(f, x):
    """Return the derivative of f with respect to every input (Simonyan et al. 2013), of the shape of x."""
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(f(leaf).sum(), leaf)[0]


def integrated_gradients(f, x, baseline, steps=50):
    """Return gradient times the way from the baseline, averaged along it (Sundararajan et al. 2017).

    Parameters
    ----------
    f : callable
    x : tensor, shape (N, …)
    baseline : tensor
        What broadcasts to the shape of x.
    steps : int
        The path is cut into so many parts, and each is judged by its middle.

    Returns
    -------
    tensor of the shape of x
        Of one input they sum to about f(x) − f(baseline).
    """
    total, way = torch.zeros_like(x), x - baseline
    for step in range(steps):
        total += gradient(f, baseline + (step + 0.5) / steps * way)
    return way * total / steps


def grad_cam(f, layer, x):
    """Return where a layer's maps speak for f, weighted by their mean derivatives (Selvaraju et al. 2017).

    Parameters
    ----------
    f : callable
    layer : torch.nn.Module
        Of the network behind f; its output is (N, channels, h, w).
    x : tensor, shape (N, …)

    Returns
    -------
    tensor, shape (N, h, w)
        Not negative: what speaks against f is cut off.
    """
    leaf = x.detach().clone().requires_grad_()
    seen, value = overheard(f, layer, leaf)
    weight = torch.autograd.grad(value.sum(), seen)[0].mean((2, 3), keepdim=True)
    return (weight * seen).sum(1).relu().detach()


@torch.no_grad()
def activations(f, layer, x):
    """Return what a layer puts out while f is computed, shape (N, channels, h, w)."""
    return overheard(f, layer, x)[0]


def overheard(f, layer, x):
    """Compute f(x); return what the layer put out meanwhile, and f(x)."""
    kept = []

    def keep(module, inputs, output):
        kept.append(output)
        return output.clone()  # the next layer may write over what it reads

    hook = layer.register_forward_hook(keep)
    try:
        value = f(x)
    finally:
        hook.remove()
    return kept[-1], value


def enlarged(coarse, size):
    """Return maps (N, h, w) as (N, size, size), interpolated bilinearly."""
    return interpolate(coarse[:, None], size=(size, size), mode="bilinear", align_corners=False)[:, 0]


def randomised(model, generator, layers):
    """Return a copy of a network in which the named layers are drawn anew (Adebayo et al. 2018).

    Parameters
    ----------
    model : torch.nn.Module
    generator : torch.Generator
    layers : sequence of str
        As in `model.named_modules()`, each with all that it contains: ("head", "features.3").
    """
    copy = deepcopy(model)
    named = dict(copy.named_modules())
    if missing := [name for name in layers if name not in named]:
        raise ValueError(f"layers must be among {', '.join(filter(None, named))}, got {', '.join(missing)}")
    for name in layers:
        models.draw(named[name], generator)
    return copy
