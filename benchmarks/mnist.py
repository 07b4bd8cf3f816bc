"""How fast the article's network trains, and how good it gets: its listing, our steps one by one, the floor.

    python benchmarks/mnist.py --data FOLDER                on the CPU: 8 minutes on two cores
    python benchmarks/mnist.py --device cuda --data FOLDER   on a GPU
    python benchmarks/mnist.py --smoke                       on two thousand images, to see that it works

With `--limit 200` no round, training or process begins that would not be done, as far as can be foreseen,
before its share of these seconds is spent. The record is written after every stage, with what there is.

First every variant has to reproduce the losses of the plain loop; one that does not is left out and named in
the record, and the exit status is 1. Then all take turns, five times over. Accuracies are means over three
seeds; memory is measured in a process of its own for each variant.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
import mnist_floors  # noqa: E402
import mnist_loops  # noqa: E402
from neighbours import neighbour  # noqa: E402

from losslab.book import records
from losslab.data import augment, mnist, pixels
from losslab.learning import models, training  # noqa: E402

RESULTS = Path(__file__).with_name("results")
GOAL = 0.98  # the accuracy up to which time is measured
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
MOST = min(2, CORES)  # threads: more do not help a network this small
BY_ITSELF = ("listing", "workers")  # they open the files and shuffle by themselves
BY_THE_IMAGE = (*BY_ITSELF, "preload")  # they fetch every image by itself: one epoch tells enough
PEERS = ("jax", "sklearn")  # other libraries: how many threads JAX takes cannot be said once it has begun
ONCE = (*BY_THE_IMAGE, "compile", "compiled step", *PEERS)  # not worth a turn for every number of threads
COMPILES = ("compile", "compiled step", "jax")  # in their first epoch
PATIENCE = 60  # seconds after which a process that is not alone begins no further epoch
LOOSE = dict.fromkeys(BY_ITSELF, 0.15) | {"sklearn": 0.35}  # they draw their own order, or weights, too
BETTER = {"schedule": training.one_cycle, "lr": 3e-3}
RECIPES = {  # what is trained by `training.fit` beside the article's recipe
    "fit": {"constants": (0.5, 0.5)},
    "one cycle": BETTER,
    "one cycle, augmented": BETTER | {"transform": augment.affine},
}


def load(options):
    """Return the `mnist.Digits` that were asked for."""
    if not (options.smoke or options.sample):
        return mnist.load("full", options.data)
    digits = mnist.load("sample")
    if options.sample:
        return digits
    few = [digits.train_images[:2000], digits.train_labels[:2000]]
    return mnist.Digits(*few, digits.test_images, digits.test_labels)


@dataclass(frozen=True)
class Clock:
    """A limit in seconds for everything together, which `share` of it a stage may use up."""

    limit: float = math.inf
    begin: float = field(default_factory=time.perf_counter)

    def allows(self, share, seconds=0.0):
        """Say whether something that takes so many seconds is done when this share of the limit is spent."""
        return time.perf_counter() - self.begin + seconds <= share * self.limit


# --- correctness first, then time ---


def check(names, data, epochs):
    """Return {name: what is wrong} of the variants without the plain loop's losses."""
    plain, _ = mnist_loops.run("permute", data, epochs, 0)
    failed = {}
    for name in names:
        try:
            result, _ = mnist_loops.run(name, data, epochs, 0)
        except Exception as error:  # one that does not run here must not cost the others their turn
            failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            continue
        off = furthest(result.means, plain.means)
        first = furthest((result.steps or [])[:20], plain.steps[:20])
        if off > LOOSE.get(name, 0.02) or first > 1e-3:
            failed[name] = f"mean losses {result.means} instead of {plain.means}"
        print(f"  {name:16} epochs within {off:.2%} of the plain loop's, first steps {first:.0e}", flush=True)
    return failed


def furthest(ours, theirs):
    """Return the largest relative difference between two lists, up to the end of the shorter one."""
    return max((abs(a - b) / b for a, b in zip(ours, theirs, strict=False)), default=0.0)


def take_turns(names, data, repeats, epochs, clock):
    """Return {(name, threads): seconds of all epochs}; back and forth, so that none gets the quiet hours."""
    counts = sorted({1, MOST}) if data.images.device.type == "cpu" else [MOST]
    turns = [(name, count) for name in names for count in counts if count == MOST or name not in ONCE]
    seconds = {turn: [] for turn in turns}
    took = 0.0
    for k in range(repeats):
        if k and not clock.allows(0.6, took):
            print(f"  no time left for round {k + 1} of {repeats}", flush=True)
            break
        begin = time.perf_counter()
        for turn in turns[:: (-1) ** k]:
            torch.set_num_threads(turn[1])
            count = 1 if turn[0] in BY_THE_IMAGE else epochs + (turn[0] in COMPILES and not k)
            result, _ = mnist_loops.run(turn[0], data, count, k)
            seconds[turn].append(result.seconds)
            print(f"  turn {k + 1}: {turn[0]}, threads {turn[1]}: {result.seconds[-1]:.3f} s", flush=True)
        took = time.perf_counter() - begin
    torch.set_num_threads(MOST)
    return seconds


# --- accuracy ---


def train_listing(digits, data, seed, epochs):
    """Run the listing; return the seconds of every epoch, and the test accuracy after it."""
    device, accuracies = data.images.device, []
    images = pixels.standardise(digits.test_images, 0.5, 0.5).to(device)
    labels = digits.test_labels.long().to(device)
    torch.manual_seed(seed)
    net, order = models.Net().to(device), torch.Generator().manual_seed(seed)
    for result in mnist_loops.listing(net, data, epochs, order):
        accuracies.append(training.evaluate(net, images, labels).accuracy)
        seconds = result.seconds
    return seconds, accuracies


def train_recipe(digits, device, seed, epochs, constants=None, **knobs):
    """Train as RECIPES says, from raw images; return the same, with scaling and scoring in the seconds."""
    torch.manual_seed(seed)
    net, order = models.Net().to(device), torch.Generator().manual_seed(seed)
    begin = time.perf_counter()
    constants = constants or pixels.mean_std(digits.train_images)
    sets = (digits.train_images, digits.train_labels), (digits.test_images, digits.test_labels)
    train, test = [(pixels.standardise(x, *constants).to(device), y.long().to(device)) for x, y in sets]
    watch, knobs = {"test": test}, {"generator": order, "progress": False} | knobs
    history = training.fit(net, *train, epochs=epochs, watch=watch, **knobs)
    mnist_loops.wait(device)
    each = (time.perf_counter() - begin) / epochs
    return [each] * epochs, [score.accuracy for score in history.scores["test"]]


def summary(runs):
    """Return the row entries of the same training with several seeds."""
    last = [accuracies[-1] for _, accuracies in runs]
    means = [statistics.mean(at) for at in zip(*(accuracies for _, accuracies in runs), strict=True)]
    reached = next((k + 1 for k, mean in enumerate(means) if mean >= GOAL), None)
    return {
        "accuracy_mean": round(statistics.mean(last), 5),
        "accuracy_sd": round(statistics.stdev(last), 5) if len(last) > 1 else None,
        "seeds": len(last),
        "seconds_to_98": reached and round(statistics.mean(sum(s[:reached]) for s, _ in runs), 3),
    }


def accuracies(digits, data, seeds, epochs, listing, clock):
    """Return {name: runs}: the listing's recipe with `fit`, the better ones, and the listing."""
    device, found = data.images.device, {}

    def note(name, runs, epochs):
        found[name] = runs
        row = summary(runs)
        print(
            f"  {name}: {row['accuracy_mean']:.2%} after {epochs} epochs, to 98 %: {row['seconds_to_98']} s"
        )

    for name, knobs in RECIPES.items():
        title = name if name == "fit" else f"{name} ({epochs} epochs)"
        note(title, [train_recipe(digits, device, seed, epochs, **knobs) for seed in range(seeds)], epochs)
    for few in range(1, epochs):  # the shortest one cycle that gets there: each is a training of its own
        runs = [train_recipe(digits, device, seed, few, **BETTER) for seed in range(seeds)]
        if summary(runs)["seconds_to_98"]:
            note(f"one cycle ({few} epochs)", runs, few)
            break
    if clock.allows(0.9, listing * seeds * epochs):
        note("listing", [train_listing(digits, data, seed, epochs) for seed in range(seeds)], epochs)
    else:
        print("  no time left for the listing's", flush=True)
    return found


# --- memory ---


def peak(options, folder, name):
    """Train one epoch of a variant or a recipe in this process; return its peak memory in MB.

    The resident memory of the process; on a GPU, what was allocated there.
    """
    device, digits = torch.device(options.device), load(options)
    if name in mnist_loops.variants(device):
        empty = torch.empty(0, device=device)
        if name in BY_ITSELF:
            data = mnist_loops.Data(empty, empty, folder)
        else:
            data = mnist_loops.Data.of(digits, device, folder)
        del digits
        mnist_loops.run(name, data, 1, 0)
    else:
        train_recipe(digits, device, 0, 1, **RECIPES[name.partition(" (")[0]])
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    status = Path("/proc/self/status")  # ru_maxrss would count what this process was forked from
    if status.exists():
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def peaks(options, folder, names, clock):
    """Return {name: peak memory in MB}, each from a process of its own."""
    found, took = {}, 0.0
    for name in names:
        if not clock.allows(1, took):
            print(f"  no time left for {name}", flush=True)
            continue
        begin = time.perf_counter()
        command = [
            sys.executable,
            __file__,
            "--device",
            options.device,
            "--peak",
            name,
            "--folder",
            str(folder),
        ]
        command += ["--smoke"] * options.smoke + ["--sample"] * options.sample
        command += ["--data", options.data] if options.data else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"--peak {name!r} failed:\n{done.stderr}")
        found[name] = round(float(done.stdout.splitlines()[-1]))
        print(f"  {name}: {found[name]} MB", flush=True)
        took = max(took, time.perf_counter() - begin)
    return found


# --- without a machine to itself ---


PLACES = ("a busy processor", "one processor")
GUESTS = [("fused", MOST), ("fit", 1), ("fit", MOST), ("compiled step", MOST), ("jax", MOST)]


def alone(options, folder, name):
    """Train a variant for some epochs in this process; print the seconds of each, the first compiles.

    `--threads` says how many threads PyTorch takes, `--processors 1` that all must share one processor.
    """
    if options.processors:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.processors])
    torch.set_num_threads(options.threads)
    data, begin = mnist_loops.Data.of(load(options), torch.device("cpu"), folder), time.perf_counter()
    for k in range(options.repeats):
        result, _ = mnist_loops.run(name, data, 2 if not k and name in COMPILES else 1, k)
        print(result.seconds[-1], flush=True)
        if time.perf_counter() - begin > PATIENCE:
            break


def guests(options, folder, names):
    """Return a row for every variant of `GUESTS`, beside an endless loop and with one processor to itself."""
    found = []
    for place in PLACES if hasattr(os, "sched_setaffinity") else PLACES[:1]:
        for name, threads in GUESTS:
            if name not in names:
                continue
            command = [sys.executable, __file__, "--alone", name, "--threads", str(threads)]
            command += ["--folder", str(folder), "--repeats", str(1 if options.smoke else options.repeats)]
            command += ["--processors", "1"] * (place == PLACES[1]) + ["--smoke"] * options.smoke
            command += ["--sample"] * options.sample + (["--data", options.data] if options.data else [])
            with neighbour() if place == PLACES[0] else nullcontext():
                done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"--alone {name!r} failed:\n{done.stderr}")
            each = [float(line) for line in done.stdout.splitlines() if line[:1].isdigit()]
            row = {"variant": name, "threads": threads, "place": place, "epochs": len(each)}
            row |= {"seconds_per_epoch": round(statistics.median(each), 4)}
            found.append(row | {"fastest": round(min(each), 4), "slowest": round(max(each), 4)})
            print(f"  {place}: {name}, threads {threads}: {row['seconds_per_epoch']:.3f} s", flush=True)
    return found


# --- the record ---


def roofline(seconds, device):
    """Return what this machine can do, and what share of a step nobody can avoid."""
    found = {"flops_per_step": mnist_floors.flops(), "bytes_per_step": mnist_floors.traffic()}
    calls, kernels = mnist_floors.launches(device)
    found |= {"operators_per_step": calls, "kernels_per_step": kernels}
    for count in sorted({count for _, count in seconds}):
        torch.set_num_threads(count)
        found[f"threads {count}"] = mnist_floors.floors(device)
    torch.set_num_threads(MOST)
    return found


def steps(seconds, count, floors):
    """Return µs per step of every variant, and the share of them that the floor explains.

    On a CPU the floor is the eleven matrix products. On a GPU they take less time than it takes to start the
    kernels of a step one after the other in a graph, and that is the floor.
    """
    found = []
    for (name, used), runs in seconds.items():
        us = 1e6 * median(runs) / count
        here = floors[f"threads {used}"]
        kernels = floors["kernels_per_step"]
        floor = kernels * here["one_node_us"] if kernels else here["products_us"]
        first = statistics.median(run[0] for run in runs)
        found.append(
            {
                "variant": name,
                "threads": used,
                "us_per_step": round(us, 1),
                "share_of_floor": round(floor / us, 3),
                "first_epoch_s": round(first, 4),
                "whole_run_s": round(statistics.median(sum(run) for run in runs), 4),
                "epochs_per_run": len(runs[0]),
            }
        )
    return found


def median(runs):
    """Return the median of all epochs but the first of several in a run, which may record or compile."""
    return statistics.median(s for run in runs for s in (run[1:] or run))


def spread(runs):
    """Return the distance between the fastest and the slowest of these epochs, as a share of their median."""
    each = [s for run in runs for s in (run[1:] or run)]
    return (max(each) - min(each)) / median(runs)


def rows(seconds, trainings, memory):
    """Return the table: one row for every variant and number of threads, then the recipes."""
    timed = dict(seconds)
    for name, runs in trainings.items():
        if name not in mnist_loops.variants(torch.device("cpu")):
            timed[name, MOST] = [s for s, _ in runs]
    listing = median(timed["listing", MOST])
    nothing = {"accuracy_mean": None, "accuracy_sd": None, "seeds": 0, "seconds_to_98": None}
    return [
        {
            "variant": name,
            "threads": count,
            "seconds_per_epoch": round(median(runs), 5),
            "spread": round(spread(runs), 3),
            "ratio_to_listing": round(listing / median(runs), 2),
            **(summary(trainings[name]) if name in trainings and count == MOST else nothing),
            "peak_mb": memory.get(name),
        }
        for (name, count), runs in timed.items()
    ]


def machine(device):
    """Return what the figures depend on."""
    found = {"cores": CORES, "architecture": platform.machine(), "system": platform.system()}
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        found["processor"] = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "")
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
    return found


def installed(names):
    """Return the packages of the peers among some variants."""
    return [package for name, package in {"jax": "jax", "sklearn": "scikit-learn"}.items() if name in names]


def measure(options, folder, store):
    """Measure everything; give `store` the record as it is after every stage, and return it."""
    device, smoke, digits = torch.device(options.device), options.smoke, load(options)
    clock = Clock(options.limit)
    torch.set_num_threads(MOST)
    mnist_loops.lay_out(digits, folder)
    data = mnist_loops.Data.of(digits, device, folder)
    names = [name for name in mnist_loops.variants(device) if name not in options.skip.split(",")]
    print("Do all variants train alike?")
    failed = check(names, data, 1 if smoke else 2)
    names = [name for name in names if name not in failed]
    print("Time:")
    repeats, epochs = 1 if smoke else options.repeats, 10 if device.type == "cuda" else 1
    forked = [name for name in names if name in BY_ITSELF]  # first: nothing may fork once JAX has threads
    seconds = take_turns(forked, data, repeats, epochs, clock)
    seconds |= take_turns([name for name in names if name not in forked], data, repeats, epochs, clock)
    floors = roofline(seconds, device)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(device),
        "versions": {name: version(name) for name in ("torch", "torchvision", *installed(names))}
        | {"python": platform.python_version()},
        "images": len(data.images),
        "failed": failed,
        "rows": rows(seconds, {}, {}),
        "steps": steps(seconds, -(-len(data.images) // mnist_loops.BATCH), floors),
        "floors": floors,
    }
    store(record)
    if device.type == "cpu":
        print("Not alone:")
        record |= {"guests": guests(options, folder, names)}
        store(record)
    print("Accuracy:")
    listing = median(seconds["listing", MOST])
    trainings = accuracies(digits, data, *((1, 2) if smoke else (3, 10)), listing, clock)
    store(record | {"rows": rows(seconds, trainings, {})})
    print("Memory:")
    timed = [name for name, _ in seconds]
    chosen = ["listing", "fit"] if smoke else dict.fromkeys([*timed, *trainings])
    record |= {"rows": rows(seconds, trainings, peaks(options, folder, chosen, clock))}
    store(record)
    return record


def main():
    """Measure, store the record and print it as tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--data", help="folder with MNIST/raw (default: where losslab.data.mnist.load looks for it)"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="2,000 images, everything once; stores no record"
    )
    parser.add_argument("--sample", action="store_true", help="the 6,000 images of the package")
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds for everything together")
    parser.add_argument("--skip", default="", help="variants to leave out, separated by commas")
    parser.add_argument("--repeats", type=int, default=5, help="turns per variant")
    parser.add_argument("--output", type=Path, help="where the record goes")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=MOST, help=argparse.SUPPRESS)
    parser.add_argument("--processors", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no CUDA device: leave --device out to measure the CPU.")
    if options.peak:
        print(peak(options, options.folder, options.peak))
        return
    if options.alone:
        alone(options, options.folder, options.alone)
        return
    begin = time.perf_counter()
    output = options.output or (None if options.smoke else RESULTS / f"mnist-{options.device}.json")

    def store(record):
        if output:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")

    with tempfile.TemporaryDirectory() as folder:
        record = measure(options, Path(folder), store)
    print("", records.table(record), records.floor_table(record), sep="\n\n")
    print(f"\n{time.perf_counter() - begin:.0f} seconds. Left out: {record['failed'] or 'nothing'}")
    sys.exit(bool(record["failed"]))


if __name__ == "__main__":
    main()
