"""What a call of a function spends its time on, as PyTorch's profiler sees it: parts, operators, kernels."""

import os
from functools import cache
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile, record_function

CALL = "losslab: one call"


class Span(NamedTuple):
    """Something that ran: its name, its lane ("part", "operator", "kernel"), start and length in µs."""

    name: str
    lane: str
    start: float
    length: float


def step(model, optimizer, x, y, loss=cross_entropy):
    """Take one step whose parts are marked for the profiler: forward (with the loss), backward, optimizer."""
    with record_function("forward"):
        value = loss(model(x), y)
    with record_function("backward"):
        value.backward()
    with record_function("optimizer"):
        optimizer.step()
        optimizer.zero_grad()


def spans(function, warmup=3):
    """
    Profile one call of a function.

    The profiler itself takes time for every operator, so small ones look slower than they are.

    Parameters
    ----------
    function : callable
        What it marks with `torch.profiler.record_function`, as `step` does, is a part.
    warmup : int
        Calls beforehand: the first ones reserve memory, and an optimizer its averages.

    Returns
    -------
    list of Span
        Lane by lane, in the order of time, which begins with the first. An operator is one that PyTorch
        dispatches (`addmm`), not what it is called by (`linear`) or calls itself (`copy_`); kernels are there
        on a GPU.
    """
    if warmup < 0:
        raise ValueError(f"warmup must be 0 or more, got {warmup}")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it reports in a notebook that there is no GPU
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
    for _ in range(warmup):
        function()
    with profile(activities=activities) as seen:
        function()  # what the profiler does once belongs to this call
        wait()
        with record_function(CALL):
            function()
            wait()
    events = [event for event in seen.events() if event.time_range.elapsed_us() > 0]
    call = next(event for event in events if event.name == CALL and not on_gpu(event)).time_range
    events = [event for event in events if call.start <= event.time_range.start < call.end]
    return began_at_zero(sorted((*parts(events), *operators(events), *kernels(events)), key=order))


def wait():
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def order(span):
    """Sort by lane, then by time."""
    return ("part", "operator", "kernel").index(span.lane), span.start


def began_at_zero(found):
    """Return spans with their times counted from the first."""
    first = min((span.start for span in found), default=0.0)
    return [span._replace(start=span.start - first) for span in found]


def on_gpu(event):
    """Whether an event took place on the GPU."""
    return str(event.device_type).endswith("CUDA")


def span(event, lane, name):
    """Return an event as a Span."""
    return Span(name, lane, event.time_range.start, event.time_range.elapsed_us())


def parts(events):
    """Yield what was marked, the outermost marks only."""
    for event in events:
        above = event.cpu_parent
        if marked(event) and not (above and marked(above)) and not on_gpu(event):
            yield span(event, "part", event.name.partition("#")[2] or event.name)


def marked(event):
    """Whether an event is a mark of the reader's or of an optimizer's."""
    return event.is_user_annotation and event.name != CALL


def operators(events):
    """Yield operators: the outermost that are dispatched."""
    for event in events:
        if dispatched(event.name) and not on_gpu(event) and not inside(event):
            yield span(event, "operator", event.name.removeprefix("aten::"))


def inside(event):
    """Whether a dispatched operator called this event."""
    above = event.cpu_parent
    while above:
        if dispatched(above.name):
            return True
        above = above.cpu_parent
    return False


@cache
def dispatched(name):
    """Whether PyTorch dispatches what has this name; `aten::linear`, say, is only made of such operators."""
    if not name.startswith("aten::"):
        return False
    packet = getattr(torch.ops.aten, name.removeprefix("aten::"), None)
    return packet is None or not all(composite(getattr(packet, one)) for one in packet.overloads())


def composite(operator):
    """Whether an operator is only made of others; so counts what has no kernel at all, or writes to `out`."""
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    try:
        return operator._overloadname.endswith("out") or operator.has_kernel_for_dispatch_key(key)
    except RuntimeError:  # an operator of TorchScript
        return True


def kernels(events):
    """Yield what the GPU did."""
    for event in events:
        if on_gpu(event) and not event.is_user_annotation:
            yield span(event, "kernel", event.name.removeprefix("void ").partition("<")[0].partition("(")[0])


def totals(found, lane="operator"):
    """Return {name: µs} of a lane's spans, what took longest first."""
    sums = {}
    for one in found:
        if one.lane == lane:
            sums[one.name] = sums.get(one.name, 0.0) + one.length
    return dict(sorted(sums.items(), key=lambda item: -item[1]))
