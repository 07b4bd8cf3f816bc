"""Train so that no single example shows: DP-SGD (Abadi et al. 2016), and what opacus accounts for it."""

import warnings

import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

# Orders of the Rényi divergences that are tried: the best gives the account, and every other an upper bound.
ORDERS = [1.005, 1.01, 1.02, 1.05] + [1 + k / 10 for k in range(1, 100)] + [*range(11, 64), 96, 128, 256]


def gradients(model, x, y):
    """Return the gradient of every example's own loss, {name of a parameter: (B, ...)}.

    Parameters
    ----------
    model : torch.nn.Module
        Without layers that mix the examples of a batch, such as batch normalisation.
    x, y : tensors, shapes (B, ...) and (B,)
    """
    weights = {name: p.detach() for name, p in model.named_parameters()}
    if not len(x):
        return {name: p.new_zeros(0, *p.shape) for name, p in weights.items()}

    def loss(weights, x, y):
        return cross_entropy(functional_call(model, weights, (x[None],)), y[None])

    return vmap(grad(loss), (None, 0, 0))(weights, x, y)


@torch.no_grad()
def step(model, x, y, *, lr, clip, noise, batch, generator):
    """Take one private step in place: shorten each example's gradient, add them up, blur the sum.

    Parameters
    ----------
    x, y : tensors, shapes (drawn, ...) and (drawn,)
        The examples that were drawn; there may be none.
    clip, noise : float
        No example's gradient stays longer than `clip`; the noise has the deviation `noise` · `clip`.
    batch : float
        How many examples are *expected*: what the sum is divided by.
    generator : torch.Generator
        Of the noise.
    """
    each = gradients(model, x, y)
    lengths = sum(g.flatten(1).square().sum(1) for g in each.values()).sqrt()
    factors = (clip / lengths.clamp(min=1e-12)).clamp(max=1)
    for name, p in model.named_parameters():
        total = torch.tensordot(factors, each[name], 1)
        blur = noise * clip * torch.randn(p.shape, generator=generator)
        p -= lr * (total + blur) / batch


def fit(model, x, y, *, steps, batch, lr, clip, noise, generator):
    """Train in place by private steps; each draws every example with the probability batch / N.

    Parameters
    ----------
    model, lr, clip, noise
        As for `step`.
    x, y : tensors, shapes (N, ...) and (N,)
    steps : int
    batch : float
        Up to N.
    generator : torch.Generator
        Draws the examples and the noise.
    """
    if not 0 < batch <= len(x):
        raise ValueError(f"batch must be above 0 and at most the number of examples, {len(x)}, got {batch}")
    for _ in range(steps):
        drawn = torch.rand(len(x), generator=generator) < batch / len(x)
        step(model, x[drawn], y[drawn], lr=lr, clip=clip, noise=noise, batch=batch, generator=generator)


def noise_for(epsilon, delta, *, rate, steps):
    """Return the noise with which `steps` steps spend ε, or up to 0.01 less.

    Parameters
    ----------
    epsilon, delta : float
    rate : float
        Probability with which a step draws an example, batch / N.
    """
    from opacus.accountants.utils import get_noise_multiplier

    budget = {"target_epsilon": epsilon, "target_delta": delta}
    with warnings.catch_warnings():  # on its way the search tries noise for which no order is the best
        warnings.filterwarnings("ignore", "Optimal order", UserWarning)
        return get_noise_multiplier(**budget, sample_rate=rate, steps=steps, accountant="rdp", alphas=ORDERS)


def spent(noise, delta, *, rate, steps):
    """Return the ε that `steps` steps with this noise have spent, for this δ."""
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(noise, rate, steps)]
    return float(accountant.get_epsilon(delta, alphas=ORDERS))
