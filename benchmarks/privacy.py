"""What privacy costs, and what it buys: digits learnt with and without noise, and attacked, several seeds.

    python benchmarks/privacy.py            writes benchmarks/results/privacy.json (some minutes)
    python benchmarks/privacy.py --smoke    one seed, two settings; writes nothing

Each seed draws 800 members and 1,000 others from the sample's 6,000 training digits, averaged to 14 × 14
pixels, and gives both 20 % wrong labels: something that can only be learnt by heart. A network with one
layer of 64 neurons is trained on the members: without privacy by Adam, for 10 to 150 epochs; with privacy
by DP-SGD (opacus accounts for ε). The attack compares the losses of members and others, each with its own
label, right or wrong. The accuracy is that on the others with their right labels. The test images are not
touched.

The learning rate of each ε is chosen by the accuracy on digits that are neither, with a seed of its own.
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

import numpy as np
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy

from losslab.data import mnist, pixels
from losslab.explorers.views.privacy import EPOCHS, EPSILONS
from losslab.formulas import labels
from losslab.formulas.privacy import membership_auc
from losslab.learning import models, private, training

RESULTS = Path(__file__).with_name("results") / "privacy.json"
MEMBERS, OTHERS, WRONG, DELTA = 800, 1000, 0.2, 1e-3
BATCH, STEPS, CLIP = 160, 100, 1.0  # of the private trainings
RATES = (0.15, 0.4, 1.0, 2.5)
SEEDS, TUNING = 4, (100,)


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 10))


def drawn(seed):
    """Return members, others and a third part to tune on: images, labels as given, right labels."""
    digits = mnist.load()
    images = pixels.standardise(digits.train_images, *pixels.mean_std(digits.train_images))
    small, right = avg_pool2d(images[:, None], 2)[:, 0], digits.train_labels.long()
    rng = np.random.default_rng(seed)
    given = torch.from_numpy(labels.flipped(right.numpy(), WRONG, rng))
    parts = np.split(rng.permutation(len(right)), [MEMBERS, MEMBERS + OTHERS, MEMBERS + 2 * OTHERS])[:3]
    return [(small[rows], given[rows], right[rows]) for rows in parts]


def judged(model, members, others):
    """Return the accuracy on the others with their right labels, and the area of the attack."""
    losses = [
        cross_entropy(training.predict(model, x), given, reduction="none").numpy()
        for x, given, _ in (members, others)
    ]
    right = (training.predict(model, others[0]).argmax(1) == others[2]).float().mean().item()
    return right, membership_auc(*losses)


def plain(seed, epochs):
    """Train without privacy; return what was found after each of these numbers of epochs, (epochs, 2)."""
    members, others, _ = drawn(seed)
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(network, generator)
    adam, found = torch.optim.Adam(model.parameters(), 2e-3, fused=True), []
    for epoch in range(1, max(epochs) + 1):
        for x, y in training.shuffled(*members[:2], 32, generator):
            training.step(model, adam, x, y)
        if epoch in epochs:
            found.append(judged(model, members, others))
    return found


def guarded(seed, noise, lr, judge=1):
    """Train with privacy; return what was found: against the others (1), or against the third part (2)."""
    parts = drawn(seed)
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(network, generator)
    knobs = {"steps": STEPS, "batch": BATCH, "lr": lr, "clip": CLIP, "noise": noise}
    private.fit(model, *parts[0][:2], **knobs, generator=generator)
    return judged(model, parts[0], parts[judge])


def spread(values):
    """Return the means and deviations over the seeds of the accuracy and the area, rounded."""
    values = np.array(values)
    mean, sd = values.mean(0), values.std(0, ddof=1 if len(values) > 1 else 0)
    return {
        name: {"mean": round(float(mean[i]), 4), "sd": round(float(sd[i]), 4)}
        for i, name in enumerate(("accuracy", "auc"))
    }


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one seed, two settings; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    smoke = options.smoke
    epochs, epsilons = (EPOCHS.tolist()[:1], [3.0]) if smoke else (EPOCHS.tolist(), EPSILONS.tolist())
    seeds, tuning, rates = (1, TUNING[:1], RATES[1:2]) if smoke else (SEEDS, TUNING, RATES)
    courses = np.array([plain(seed, epochs) for seed in range(seeds)])
    rows = [{"epochs": n} | spread(courses[:, k]) for k, n in enumerate(epochs)]
    print(*rows, sep="\n", flush=True)
    guarded_rows, course = [], {"rate": BATCH / MEMBERS, "steps": STEPS}
    for epsilon in epsilons:
        noise = private.noise_for(epsilon, DELTA, **course)
        lr = max(rates, key=lambda lr: np.mean([guarded(seed, noise, lr, 2)[0] for seed in tuning]))  # noqa: B023
        row = {"epsilon": epsilon, "noise": round(noise, 3), "lr": lr}
        row["spent"] = math.floor(1e3 * private.spent(noise, DELTA, **course)) / 1e3
        guarded_rows.append(row | spread([guarded(seed, noise, lr) for seed in range(seeds)]))
        print(guarded_rows[-1], flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {name: version(name) for name in ("torch", "opacus")}
        | {"python": sys.version.partition(" ")[0]},
        "command": "python benchmarks/privacy.py",
        "seeds": list(range(seeds)),
        "members": MEMBERS,
        "others": OTHERS,
        "wrong": WRONG,
        "delta": DELTA,
        "private training": {"batch": BATCH, "steps": STEPS, "clip": CLIP, "rates tried": list(rates)},
        "plain": rows,
        "private": guarded_rows,
    }
    if not smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
