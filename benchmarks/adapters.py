"""How far a thin adapter gets: mirrored and inverted digits, learnt from 300 pictures, several seeds.

    python benchmarks/adapters.py            writes benchmarks/results/adapters.json (some minutes)
    python benchmarks/adapters.py --smoke    one seed, one setting; writes nothing

`trained.reader` has learnt upright dark digits. Each seed draws 300 of its training digits, changes them, and
trains either the whole network or an adapter of some rank, with each of four peak learning rates. The rate is
chosen by the mean accuracy on the 600 validation digits, changed in the same way; what is stored is that on
the 1,000 test digits, for the chosen rate alone.
"""

import argparse
import json
import os
import platform
import sys
from copy import deepcopy
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from losslab.learning import adapters, trained, training

RESULTS = Path(__file__).with_name("results") / "adapters.json"
IMAGES, EPOCHS, BATCH, SEEDS = 300, 20, 30, 5
RATES, RANKS = (1e-3, 3e-3, 1e-2, 2e-2), (0, 1, 4, 16)  # rank 0: the whole network
CHANGES = {"mirrored": lambda x: x.flip(2), "inverted": lambda x: 255 - x}


def changed(change):
    """Return the sample's three parts, changed and standardised: {"train", ...} to (images, labels)."""
    reader = trained.reader()
    return {part: (reader.transform(CHANGES[change](x)), y) for part, (x, y) in trained.split().items()}


def run(parts, rank, lr, seed):
    """Return the accuracies on validation and test digits after a training, and the numbers trained."""
    generator = torch.Generator().manual_seed(seed)
    few = torch.randperm(len(parts["train"][1]), generator=generator)[:IMAGES]
    model = trained.reader().model
    net = adapters.adapted(model, rank, generator) if rank else deepcopy(model)
    knobs = {"epochs": EPOCHS, "batch_size": BATCH, "lr": lr, "schedule": training.one_cycle}
    training.fit(net, *(part[few] for part in parts["train"]), generator=generator, progress=False, **knobs)
    right = [training.score(net, *parts[part]).accuracy for part in ("validation", "test")]
    return right, adapters.trained_numbers(net)


def row(change, rank, seeds, rates):
    """Return what was found with the best of the rates."""
    parts = changed(change)
    found = {lr: [run(parts, rank, lr, seed) for seed in range(seeds)] for lr in rates}
    lr = max(found, key=lambda one: np.mean([right[0] for right, _ in found[one]]))
    test = [right[1] for right, _ in found[lr]]
    sd = np.std(test, ddof=1) if seeds > 1 else 0.0
    accuracy = {"mean": round(float(np.mean(test)), 4), "sd": round(float(sd), 4)}
    return {"change": change, "rank": rank, "trained": found[lr][0][1], "lr": lr, "accuracy": accuracy}


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one seed, one setting; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    seeds, rates = (1, RATES[2:3]) if options.smoke else (SEEDS, RATES)
    before = {
        change: round(training.score(trained.reader().model, *changed(change)["test"]).accuracy, 4)
        for change in CHANGES
    }
    rows = []
    for change in CHANGES:
        for rank in RANKS[-1:] if options.smoke else RANKS:
            rows.append(row(change, rank, seeds, rates))
            print(rows[-1], flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "command": "python benchmarks/adapters.py",
        "seeds": list(range(seeds)),
        "images": IMAGES,
        "epochs": EPOCHS,
        "rates tried": list(rates),
        "before": before,
        "rows": rows,
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
