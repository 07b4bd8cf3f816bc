"""What autograd does behind the scenes, made visible: what it records, keeps and computes."""

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode


class Operation(NamedTuple):
    """One recorded operation: the node, a short name, and the numbers of the steps whose results it read.

    A leaf (a parameter) reads nothing and is called "leaf".
    """

    node: object
    name: str
    reads: tuple


def operations(result):
    """Return what was recorded on the way to `result`, in the order in which backward() visits it.

    Parameters
    ----------
    result : tensor
        Computed from at least one tensor that requires a gradient.

    Returns
    -------
    list of Operation
        The operation that made `result` first; every operation before those that it read.

    Raises
    ------
    ValueError
        If nothing was recorded.
    """
    if getattr(result, "grad_fn", None) is None:
        raise ValueError("nothing was recorded: no input requires a gradient, or autograd was off")
    order = [node for node, _ in _finished(result.grad_fn, {})][::-1]
    number = {node: i for i, node in enumerate(order)}
    return [Operation(node, _name(node), tuple(number[n] for n in _before(node))) for node in order]


def _before(node):
    """Nodes whose results this one read; constants are not recorded."""
    return [before for before, _ in node.next_functions if before is not None]


def _finished(node, seen):
    """Yield nodes depth first, each after all that it read."""
    if node not in seen:
        seen[node] = True
        for before in _before(node):
            yield from _finished(before, seen)
        yield node, True


def _name(node):
    """Shorten "MulBackward0" to Mul; a node that collects the slope of a parameter is a leaf."""
    return "leaf" if hasattr(node, "variable") else node.name().split("Backward")[0]


def saved_bytes(function):
    """Run `function()` and return the bytes that autograd keeps for a backward pass.

    What is kept twice counts once: a result of one step that is read by the next is the same memory.
    """
    kept = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = max(kept.get(tensor.data_ptr(), 0), tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = function()  # alive until all is counted, so that no address is reused
    del result
    return sum(kept.values())


def flop(function):
    """Run `function()` and count the operations of its matrix products, convolutions and attention.

    A multiplication and an addition count as two. Works on the "meta" device, where nothing is computed.
    """
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def places(steps):
    """Return where to draw recorded steps, (n, 2): the result on the right, what it came from to its left."""
    depth = [0] * len(steps)
    for i, step in enumerate(steps):  # every step comes before those it read
        for before in step.reads:
            depth[before] = max(depth[before], depth[i] + 1)
    rows = [[i for i, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]
    lane = {i: k - (len(row) - 1) / 2 for row in rows for k, i in enumerate(row)}
    return [(float(-depth[i]), -lane[i]) for i in range(len(steps))]
