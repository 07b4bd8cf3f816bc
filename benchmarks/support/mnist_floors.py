"""What no loop can beat on this machine: rates of products and copies, and the price of launching them."""

import torch
from torch.nn.functional import cross_entropy

from losslab.learning import measure, models

WIDTHS, BATCH = (784, 256, 128, 64, 10), 100
PARAMETERS = sum((a + 1) * b for a, b in zip(WIDTHS, WIDTHS[1:], strict=False))


def products():
    """Return (m, n, k) of the eleven matrix products of a step: forward, weight gradients, and the rest."""
    pairs = list(zip(WIDTHS, WIDTHS[1:], strict=False))
    forward = [(BATCH, out, into) for into, out in pairs]
    weights = [(out, into, BATCH) for into, out in pairs]
    inputs = [(BATCH, into, out) for into, out in pairs[1:]]
    return forward + weights + inputs


def flops():
    """Return the floating-point operations of the products of a step."""
    return sum(2 * m * n * k for m, n, k in products())


def traffic():
    """Return the fewest bytes a step can move: images, weights twice, and what Adam reads and writes."""
    return 4 * (BATCH * WIDTHS[0] + 2 * PARAMETERS + 7 * PARAMETERS)


def micros(function, device, repeats):
    """Return the least time of a call in microseconds, from five rounds of `repeats` calls."""
    return 1e6 * measure.least(function, device, repeats)


def replayed(function, device):
    """Return a function that does the same from a CUDA graph; on a CPU the function itself."""
    if device.type != "cuda":
        return function
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph.replay


def floors(device):
    """Return the rates and prices of this machine, with the threads that are set.

    Returns
    -------
    dict of float
        In GFLOP/s, GB/s and microseconds, as the names say.
    """
    big = 4096 if device.type == "cuda" else 1024
    a = torch.randn(big, big, device=device)
    copied = torch.empty(2**26 if device.type == "cuda" else 2**23, device=device)
    half = len(copied) // 2
    spot = torch.zeros(1, device=device)
    shapes = [[torch.randn(*s, device=device) for s in ((m, k), (k, n), (m, n))] for m, n, k in products()]

    def all_products():
        for x, w, out in shapes:
            torch.mm(x, w, out=out)

    def many_spots():
        for _ in range(1000):
            spot.add_(1)

    return {
        "matmul_gflops": round(2e-3 * big**3 / micros(lambda: a @ a, device, 3), 1),
        "copy_gbs": round(8e-3 * half / micros(lambda: copied[:half].copy_(copied[half:]), device, 3), 1),
        "products_us": round(micros(replayed(all_products, device), device, 50), 1),
        "one_call_us": round(micros(lambda: spot.add_(1), device, 1000), 2),
        "one_node_us": round(micros(replayed(many_spots, device), device, 3) / 1000, 3),
    }


def launches(device):
    """Return how many operators a step asks for, and on a GPU how many kernels that makes, else None."""
    net = models.Net().to(device)
    adam = torch.optim.Adam(net.parameters(), fused=True)
    x, y = torch.randn(BATCH, 784, device=device), torch.zeros(BATCH, dtype=torch.long, device=device)

    def step():
        adam.zero_grad()
        cross_entropy(net(x), y).backward()
        adam.step()

    step()  # the first step makes Adam's memory
    with measure.Count() as count:
        step()
    return count.calls, measure.kernels(step) if device.type == "cuda" else None
