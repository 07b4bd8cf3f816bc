"""A trained network with fewer bits and fewer weights: accuracies of the article's network, several seeds.

    python benchmarks/shrink.py            writes benchmarks/results/shrink.json (about a minute)
    python benchmarks/shrink.py --smoke    one seed, few settings; writes nothing

The network is `trained.reader`, by chapter 7's better recipe on 5,400 digits of the sample. The smallest
weights of all matrices are set to 0 first, then what is left is rounded, row by row; nothing is trained
afterwards, and biases stay. The 600 validation digits judge; the test images are not touched.
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

from losslab.explorers.views.shrink import BITS, PRUNED
from losslab.formulas import compression
from losslab.learning import trained, training

RESULTS = Path(__file__).with_name("results") / "shrink.json"
SEEDS = 5


def shrunk(model, bits, pruned):
    """Return a copy of a network, pruned and then rounded; 32 bits leave its weights as they are."""
    model = deepcopy(model)
    matrices = [p for p in model.parameters() if p.ndim == 2]
    left = compression.prune([p.detach().numpy() for p in matrices], pruned)
    for p, W in zip(matrices, left, strict=True):
        p.data = torch.from_numpy(compression.quantise(W, bits) if bits < 32 else W)
    return model


def run(seed, bits, pruned):
    """Return the accuracy on the validation digits, (bits, pruned)."""
    reader, (images, labels) = trained.reader(seed=seed), trained.split()["validation"]
    judge = reader.transform(images), labels
    return np.array(
        [[training.score(shrunk(reader.model, b, s), *judge).accuracy for s in pruned] for b in bits]
    )


def spread(values, digits):
    """Return the mean and the standard deviation over the first axis, rounded, as lists."""
    sd = values.std(0, ddof=1 if len(values) > 1 else 0)
    return {"mean": values.mean(0).round(digits).tolist(), "sd": sd.round(digits).tolist()}


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one seed, few settings; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    bits, pruned = ([2, 32], [0, 0.95]) if options.smoke else (BITS.tolist(), PRUNED.tolist())
    found = []
    for seed in range(1 if options.smoke else SEEDS):
        found.append(run(seed, bits, pruned))
        print(
            f"seed {seed}: as trained {found[-1][-1, 0]:.4f}, {bits[0]} bits {found[-1][0, 0]:.4f}",
            flush=True,
        )
    found = np.array(found)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "command": "python benchmarks/shrink.py",
        "seeds": list(range(len(found))),
        "judged": len(trained.split()["validation"][1]),
        "bits": bits,
        "pruned": pruned,
        "accuracy": spread(found, 4),
        "lost": spread(found[:, -1:, :1] - found, 4),
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
