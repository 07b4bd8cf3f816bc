"""The four rules race on the digits: the same number of random settings for each, all knobs, several seeds.

    python benchmarks/digits_race.py            writes benchmarks/results/digits_race.json (some minutes)
    python benchmarks/digits_race.py --smoke    two settings, one seed, one epoch; writes nothing

The network is the article's. The sample's 6,000 training images are divided once: 4,500 are trained on, 1,500
judge (validation). The test images are not touched. A seed draws the weights and the order of the images, the
same for every rule and setting. Settings are drawn from `RANGES`: learning rates from four decades around the
usual one, evenly in their logarithm, and the decays β evenly in the logarithm of 1 − β.
"""

import argparse
import json
import math
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from losslab.data import mnist, pixels
from losslab.explorers.views.digits_race import EPOCHS, TRIED
from losslab.learning import models, training

RESULTS = Path(__file__).with_name("results") / "digits_race.json"
BATCH, SEEDS, HELD_OUT = 100, 3, 1500
RANGES = {
    "GD": {"lr": (1e-3, 10.0)},
    "Momentum": {"lr": (1e-4, 1.0), "beta": (0.0, 0.99)},
    "RMSProp": {"lr": (1e-5, 0.1), "beta2": (0.5, 0.999)},
    "Adam": {"lr": (1e-5, 0.1), "beta1": (0.5, 0.99), "beta2": (0.9, 0.9999)},
}
RULES = {
    "GD": torch.optim.SGD,
    "Momentum": lambda p, lr, beta: torch.optim.SGD(p, lr, momentum=beta),
    "RMSProp": lambda p, lr, beta2: torch.optim.RMSprop(p, lr, alpha=beta2),
    "Adam": lambda p, lr, beta1, beta2: torch.optim.Adam(p, lr, betas=(beta1, beta2)),
}


def drawn(rule, number):
    """Draw settings of a rule, each {"lr": …, …}."""
    rng = np.random.default_rng(list(RANGES).index(rule))
    return [
        {knob: one(knob, *ends, rng.random()) for knob, ends in RANGES[rule].items()} for _ in range(number)
    ]


def one(knob, low, high, share):
    """Return what lies at a share of the way between the ends of a range, rounded."""
    if knob == "lr":
        return float(f"{low * (high / low) ** share:.4g}")
    return round(1 - float(f"{(1 - low) * ((1 - high) / (1 - low)) ** share:.4g}"), 9)


def divided(digits):
    """Return the images and labels to train on and those that judge, scaled by the former's pixels."""
    order = torch.randperm(len(digits.train_images), generator=torch.Generator().manual_seed(0))
    parts = order[:-HELD_OUT], order[-HELD_OUT:]
    scale = pixels.mean_std(digits.train_images[parts[0]])
    return [
        (pixels.standardise(digits.train_images[i], *scale), digits.train_labels[i].long()) for i in parts
    ]


def run(parts, rule, setting, seed, epochs):
    """Train once; return after every epoch how many held-out images are read wrong, and their mean loss."""
    (images, labels), judge = parts
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(models.Net, generator)
    optimizer = RULES[rule](model.parameters(), **setting)
    course = []
    for _ in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
        score = training.score(model, *judge)
        course.append((round((1 - score.accuracy) * HELD_OUT), score.loss))
    return list(zip(*course, strict=True))


def row(parts, rule, setting, seeds, epochs):
    """Return the record of one setting; a loss that is no number is null."""
    wrong, loss = zip(*(run(parts, rule, setting, seed, epochs) for seed in range(seeds)), strict=True)
    losses = [[float(f"{x:.3g}") if math.isfinite(x) else None for x in course] for course in loss]
    return {"rule": rule} | setting | {"wrong": wrong, "loss": losses}


def main():
    """Race, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--smoke", action="store_true", help="two settings, one seed, one epoch; writes nothing"
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    number, seeds, epochs = (2, 1, 1) if options.smoke else (TRIED[-1].item(), SEEDS, EPOCHS)
    parts, rows = divided(mnist.load()), []
    for rule in RULES:
        for setting in drawn(rule, number):
            rows.append(row(parts, rule, setting, seeds, epochs))
            print(rule, setting, [course[-1] for course in rows[-1]["wrong"]], flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "epochs": epochs,
        "batch": BATCH,
        "seeds": list(range(seeds)),
        "held_out": HELD_OUT,
        "ranges": RANGES,
        "rows": rows,
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
