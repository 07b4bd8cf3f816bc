"""Data-parallel training with torch's own engine: one script for one process, one machine and many.

    torchrun --standalone --nproc-per-node 2 -m losslab.parallel.worker --runs all-reduce

starts it twice. Each process (its number is the *rank*, their count the *world*) holds a replica of the
article's network and works on its share of every batch; `DistributedDataParallel` averages the gradients over
all processes during `backward`: the all-reduce. Without torchrun the script is a single process.
"""

import argparse
import contextlib
import faulthandler
import importlib
import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import torch
from torch import distributed as dist
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parameters_to_vector

from losslab.data import mnist, pixels
from losslab.learning import models, training


class Plan(NamedTuple):
    """How the processes share the work."""

    first: int = 1  # images of rank 0 for one image of each other
    shard: bool = True  # False: every process works on the share of rank 0
    reduce: bool = True  # False: every process keeps its own gradient
    weigh: bool = False  # True: a gradient counts by the images behind it


PLANS = {
    "all-reduce": Plan(),
    "no-all-reduce": Plan(reduce=False),
    "no-sharding": Plan(shard=False),
    "unequal": Plan(first=3),
    "unequal-weighted": Plan(first=3, weigh=True),
}


def place():
    """Return this process's rank and the world: (0, 1) for a process on its own."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def shares(plan, batch_size, world):
    """Split a batch into one whole share per rank, as `plan.first` : 1 : 1 : …."""
    ends = [batch_size * (plan.first + r) // (plan.first + world - 1) for r in range(world)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def batches(count, batch_size, steps, generator):
    """Yield the numbers of the images of `steps` batches; each pass through the images has a new order."""
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < batch_size:
            order = torch.randperm(count, generator=generator)
        batch, order = order[:batch_size], order[batch_size:]
        yield batch


@torch.no_grad()
def drift(model):
    """Return ‖θ − θ₀‖ / ‖θ₀‖: how far this replica is from that of rank 0."""
    theta = parameters_to_vector(model.parameters())
    first = theta.clone()
    if dist.is_initialized():
        dist.broadcast(first, 0)
    return ((theta - first).norm() / first.norm()).item()


def digits(device, dtype):
    """Return the sample of MNIST, standardised, as (images, labels) to train and to test on."""
    sample = mnist.load()
    scale = pixels.mean_std(sample.train_images)
    pairs = (sample.train_images, sample.train_labels), (sample.test_images, sample.test_labels)
    return [(pixels.standardise(x, *scale).to(device, dtype), y.long().to(device)) for x, y in pairs]


def train_replica(plan, *, steps=60, batch_size=100, lr=0.1, seed=0, dtype=torch.float32, device="cpu"):
    """Train this process's replica by gradient descent; every process must call it with the same arguments.

    Parameters
    ----------
    plan : Plan
    steps, batch_size : int
        Images per step of all processes together.
    lr : float
    seed : int
        Of the weights and of the order of the images: the same in every process.

    Returns
    -------
    dict
        "size": images in this process's share; "losses": their mean loss before every step; "seconds" of
        every step; "drift" of this replica after every step; "test": its loss and accuracy on the test
        images.

    Raises
    ------
    ValueError
        If a batch is larger than the data, or too small for a share per process.
    """
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(models.Net, generator).to(device, dtype)
    (images, labels), test = digits(device, dtype)
    sizes = shares(plan, batch_size, place()[1])
    if min(sizes) < 1 or batch_size > len(images):
        raise ValueError(f"batch_size must give each process an image of {len(images):,}, got shares {sizes}")
    order = batches(len(images), batch_size, steps, generator)
    result = follow(plan, model, images, labels, order, sizes, lr)
    return result | {"test": training.evaluate(model, *test)[:2]}


def follow(plan, model, images, labels, order, sizes, lr):
    """Take one step per batch of `order` on this process's share of it; `sizes` are those of all shares."""
    rank, world = place()
    replica = DistributedDataParallel(model) if plan.reduce and world > 1 else model
    optimizer = torch.optim.SGD(replica.parameters(), lr=lr)
    own = rank if plan.shard else 0
    weight = world * sizes[own] / sum(sizes) if plan.weigh else 1.0
    result = {"size": sizes[own], "losses": [], "seconds": [], "drift": []}

    def weighted(z, y):
        loss = cross_entropy(z, y)
        result["losses"].append(loss.item())
        return weight * loss

    for batch in order:
        share = batch.split(sizes)[own].to(images.device)
        start = time.perf_counter()
        # backward() waits for the gradients of all processes and averages them: the all-reduce.
        training.step(replica, optimizer, images[share], labels[share], weighted)
        result["seconds"].append(time.perf_counter() - start)
        result["drift"].append(drift(model))
    return result


def batch_losses(replicas):
    """Return the loss of every whole batch, from what `train_replica` returned in each process."""
    total = sum(one["size"] for one in replicas)
    rows = zip(*[one["losses"] for one in replicas], strict=True)
    return [sum(one["size"] * l for one, l in zip(replicas, row, strict=True)) / total for row in rows]


# --- one process among many, as torchrun starts it ---


@contextlib.contextmanager
def connected(meet, limit):
    """Join the other processes, by gloo on CPUs and by nccl on GPUs; yield the device of this one.

    They find each other through the file `meet`, which nobody has used before; None: where torchrun says.
    """
    if "RANK" not in os.environ:  # torchrun sets it
        yield "cpu"
        return
    names = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    world, rank, local, here = (int(os.environ[name]) for name in names)
    gpu = torch.cuda.device_count() >= here
    if gpu:
        torch.cuda.set_device(local)
    importlib.import_module("torch.distributed.nn")  # imported later, its functions would keep this group
    store = dist.FileStore(str(meet), world) if meet else None  # a file:// URL may hold no space, %, # or ü
    within = timedelta(seconds=limit)
    dist.init_process_group("nccl" if gpu else "gloo", None, within, world, rank, store)
    try:
        yield f"cuda:{local}" if gpu else "cpu"
    finally:
        dist.destroy_process_group()  # and its threads, if nothing keeps it: at exit they would abort Python


def gathered(result):
    """Return the results of all processes, by rank."""
    if not dist.is_initialized():
        return [result]
    results = [None] * dist.get_world_size()
    dist.all_gather_object(results, result)
    return results


def parser():
    """Describe the command line."""
    options = argparse.ArgumentParser(prog="losslab.parallel.worker", description=__doc__.partition("\n")[0])
    options.add_argument("--runs", nargs="+", choices=PLANS, default=["all-reduce"])
    options.add_argument("--steps", type=int, default=60)
    options.add_argument("--batch-size", type=int, default=100, help="images per step of all processes")
    options.add_argument("--lr", type=float, default=0.1)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--double", action="store_true", help="compute in float64")
    options.add_argument("--threads", type=int, default=1, help="of torch, per process")
    options.add_argument("--limit", type=float, default=600, help="seconds after which a process gives up")
    options.add_argument("--meet", type=Path, help="new file in which the processes find each other")
    options.add_argument("--out", type=Path, help="file for the results; default: standard output")
    return options


def main(arguments=None):
    """Do every run, and let rank 0 write the results as JSON."""
    options = parser().parse_args(arguments)
    faulthandler.dump_traceback_later(options.limit, exit=True, file=sys.__stderr__)  # never wait forever
    torch.set_num_threads(options.threads)
    with connected(options.meet, options.limit) as device:
        knobs = {name: getattr(options, name) for name in ("steps", "batch_size", "lr", "seed")}
        knobs |= {"device": device, "dtype": torch.float64 if options.double else torch.float32}
        runs = {name: gathered(train_replica(PLANS[name], **knobs)) for name in options.runs}
        rank, world = place()
        if rank == 0:
            text = json.dumps({"world": world, "device": device, "runs": runs})
            options.out.write_text(text, encoding="utf-8") if options.out else print(text)
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
