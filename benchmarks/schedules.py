"""Peaks of the learning rate and schedules: the article's network on MNIST, every pair, several seeds.

    python benchmarks/schedules.py --data FOLDER    writes benchmarks/results/schedules.json (some minutes)
    python benchmarks/schedules.py --smoke          two peaks, one seed, one epoch; writes nothing

FOLDER is the one with MNIST/raw, as in `mnist.load`. The 60,000 training images are divided once: 55,000 are
trained on, 5,000 judge (validation). The test images are not touched. A seed draws the weights and the order
of the images, the same for every peak and schedule. A training that explodes is a result like any other.
"""

import argparse
import json
import math
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from losslab.data import mnist, pixels
from losslab.explorers.views.schedule import EPOCHS, PARTS, PEAKS, SHAPES
from losslab.learning import models, training

RESULTS = Path(__file__).with_name("results") / "schedules.json"
BATCH, SEEDS, HELD_OUT = 100, 3, 1 / 12  # the last: of the training images


def divided(digits):
    """Return the images and labels to train on and those that judge, scaled by the former's pixels."""
    count = len(digits.train_images)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    parts = order.split([count - round(HELD_OUT * count), round(HELD_OUT * count)])
    scale = pixels.mean_std(digits.train_images[parts[0]])
    return [
        (pixels.standardise(digits.train_images[i], *scale), digits.train_labels[i].long()) for i in parts
    ]


def run(parts, shape, peak, seed, epochs):
    """Train once; return after every third of an epoch how many judges are read wrong, and the loss."""
    (images, labels), judge = parts
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(models.Net, generator)
    adam = torch.optim.Adam(model.parameters(), peak, fused=True)
    steps, course = math.ceil(len(images) / BATCH), []
    looks = {round(k * steps / PARTS) for k in range(1, PARTS * epochs + 1)}
    rates = training.rates_of(peak, SHAPES[shape], steps * epochs)
    batches = (pair for _ in range(epochs) for pair in training.shuffled(images, labels, BATCH, generator))
    for t, ((x, y), rate) in enumerate(zip(batches, rates, strict=True), start=1):
        adam.param_groups[0]["lr"] = rate
        training.step(model, adam, x, y)
        if t in looks:
            score = training.score(model, *judge)
            course.append((round((1 - score.accuracy) * len(judge[1])), score.loss))
    return list(zip(*course, strict=True))


def row(parts, shape, peak, seeds, epochs):
    """Return the record of one peak and schedule; a loss that is no number is null."""
    wrong, loss = zip(*(run(parts, shape, peak, seed, epochs) for seed in range(seeds)), strict=True)
    losses = [[float(f"{x:.4g}") if math.isfinite(x) else None for x in course] for course in loss]
    return {"schedule": shape, "lr": peak, "wrong": wrong, "loss": losses}


def main():
    """Train with every peak and schedule, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, help="folder with MNIST/raw; default $LOSSLAB_DATA, or a download"
    )
    parser.add_argument("--smoke", action="store_true", help="two peaks, one seed, one epoch of the sample")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    peaks, seeds, epochs = (PEAKS[[0, -1]], 1, 1) if options.smoke else (PEAKS, SEEDS, EPOCHS)
    parts = divided(mnist.load("sample") if options.smoke else mnist.load("full", options.data))
    rows = []
    for shape in SHAPES:
        for peak in peaks.tolist():
            rows.append(row(parts, shape, peak, seeds, epochs))
            print(shape, peak, [course[-1] for course in rows[-1]["wrong"]], flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "architecture": platform.machine(),
        },
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "images": len(parts[0][0]),
        "held_out": len(parts[1][0]),
        "epochs": epochs,
        "batch": BATCH,
        "seeds": list(range(seeds)),
        "rows": rows,
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
