"""Adapt a trained network by a few numbers: a product of two thin matrices beside each of its own (LoRA)."""

from copy import deepcopy

import torch
from torch import nn


class Adapted(nn.Module):
    """A linear layer that stays as it is, and a trained product of two thin matrices (Hu et al. 2022).

    The second matrix begins with zeros, so the layer begins as it was.

    Parameters
    ----------
    layer : torch.nn.Linear
        Of n inputs and m outputs; its parameters are frozen.
    rank : int
        r: r (m + n) numbers are trained.
    generator : torch.Generator
    """

    def __init__(self, layer, rank, generator):
        super().__init__()
        self.layer, (m, n) = layer.requires_grad_(False), layer.weight.shape
        self.down = nn.Parameter(torch.randn(rank, n, generator=generator) / n**0.5)
        self.up = nn.Parameter(torch.zeros(m, rank))

    def forward(self, x):
        """Return W x + b + U (V x), shape (N, m)."""
        return self.layer(x) + x @ self.down.T @ self.up.T


def adapted(model, rank, generator):
    """Return a copy of a network, every linear layer that it has by name in an `Adapted` one.

    Parameters
    ----------
    model : torch.nn.Module
        Such as `models.Net`: its layers are attributes.
    rank : int
        1 or more.
    generator : torch.Generator
    """
    if not rank >= 1:
        raise ValueError(f"rank must be 1 or more, got {rank}")
    copy = deepcopy(model)
    for name, layer in list(copy.named_children()):
        if isinstance(layer, nn.Linear):
            setattr(copy, name, Adapted(layer, rank, generator))
    return copy


def trained_numbers(model):
    """Return how many numbers of a network a training would change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
