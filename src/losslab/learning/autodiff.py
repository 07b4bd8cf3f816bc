"""What autograd does behind the scenes, made visible: what it records, keeps and computes."""

from typing import NamedTuple

import torch
from torch.overrides import TorchFunctionMode
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


class Number(NamedTuple):
    """One number of a computation: an input, a constant, or what an operation made of others.

    `reads` gives for each number it was made of, by its place in the list, the derivative with respect to it:
    the local slope. `constants` are the places of what it also read and autograd did not record.
    """

    name: str
    value: float
    reads: dict
    constants: tuple


class Arguments(TorchFunctionMode):
    """While it is on, remember the result and the arguments of every recorded operation."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Run the operation as if this were off."""
        result = function(*args, **(kwargs or {}))
        if getattr(result, "grad_fn", None) is not None:
            self.of[result.grad_fn] = function.__name__, result, args
        return result


def trace(function, **inputs):
    """Return every number of a computation of single numbers, the result first, each before what it read.

    Parameters
    ----------
    function : callable
        Returns a tensor of shape () from the inputs.
    **inputs : tensor, shape ()
        At least one of them requires a gradient.

    Returns
    -------
    list of Number
        Inputs have their own names, operations those of torch, other constants none.

    Raises
    ------
    ValueError
        If nothing was recorded.
    """
    with Arguments() as arguments:
        result = function(**inputs)
    steps, constants = operations(result), []
    names = {id(tensor): name for name, tensor in inputs.items()}
    numbers = [_number(step, arguments.of, names, constants, len(steps)) for step in steps]
    return numbers + [Number(names.get(id(c), ""), float(c), {}, ()) for c in constants]


def _number(step, arguments, names, constants, recorded):
    """Describe one recorded step; what it read besides is added to the constants of all."""
    if step.name == "leaf":
        return Number(names.get(id(step.node.variable), ""), step.node.variable.item(), {}, ())
    name, result, args = arguments[step.node]
    own = [arg for arg in args if not getattr(arg, "requires_grad", False)]
    places = tuple(range(recorded + len(constants), recorded + len(constants) + len(own)))
    constants += own
    return Number(name, result.item(), _local_slopes(step, result), places)


def _local_slopes(step, result):
    """Ask a step for its derivatives: its backward function of a slope of 1; what is read twice adds up."""
    with torch.no_grad():
        slopes = step.node(torch.ones_like(result))
    slopes = [s.item() for s in (slopes if isinstance(slopes, tuple) else (slopes,)) if s is not None]
    local = dict.fromkeys(step.reads, 0.0)
    for before, slope in zip(step.reads, slopes, strict=True):
        local[before] += slope
    return local


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


def places(reads):
    """Return where to draw what was recorded, (n, 2): the result on the right, what it came from to its left.

    Parameters
    ----------
    reads : sequence of n sequences of int
        What each was made of; each comes before those it read.
    """
    depth, height = [0] * len(reads), [0.0] * len(reads)
    for i, before in enumerate(reads):
        for k in before:
            depth[k] = max(depth[k], depth[i] + 1)
    for level in range(1, max(depth) + 1):
        column = [k for k, d in enumerate(depth) if d == level]
        height_of = _spread({k: _aim(k, reads, height) for k in column}, reads)
        for k in column:
            height[k] = height_of[k]
    return [(float(-d), y) for d, y in zip(depth, height, strict=True)]


def _aim(k, reads, height):
    """Mean height of those that read number k."""
    readers = [height[i] for i, before in enumerate(reads) if k in before]
    return sum(readers) / len(readers)


def _spread(aims, reads):
    """Move heights apart until they differ by 1 or more; of equals, what was made of others goes below."""
    found, low = {}, float("-inf")
    for k in sorted(aims, key=lambda k: (aims[k], not reads[k])):
        found[k] = low = max(aims[k], low + 1)
    off = sum(found[k] - aims[k] for k in aims) / len(aims)
    return {k: y - off for k, y in found.items()}
