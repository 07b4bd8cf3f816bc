"""How many training images it takes: losses and accuracies of one network trained on 50 to 4,500 digits.

    python benchmarks/data_size.py            writes benchmarks/results/data_size.json (about two minutes)
    python benchmarks/data_size.py --smoke    two sizes, one seed, one epoch; writes nothing

The sample's 6,000 training images are divided once: 1,500 judge (validation), and each seed draws its own
training images from the other 4,500. The test images are not touched. The network is the article's, with Adam
at its usual rate for the same number of *epochs* whatever the size, so a larger set also means more steps.
Pixels are scaled by the mean and deviation of the images that are trained on.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from losslab.data import mnist, pixels
from losslab.explorers.views.data_size import EPOCHS, SIZES
from losslab.learning import models, training

RESULTS = Path(__file__).with_name("results") / "data_size.json"
BATCH, LR, SEEDS, HELD_OUT = 20, 1e-3, 5, 1500
PARTS, SCORES = ("training", "validation"), ("loss", "accuracy")


def divided():
    """Return the rows of the training images to learn from, and those held out to judge."""
    order = torch.randperm(6000, generator=torch.Generator().manual_seed(0))
    return order[:-HELD_OUT], order[-HELD_OUT:]


def run(digits, size, seed, epochs):
    """Train on `size` images; return both scores of both parts before the training and after every epoch.

    Returns
    -------
    array, shape (len(PARTS), len(SCORES), epochs + 1)
    """
    generator = torch.Generator().manual_seed(seed)
    pool, held_out = divided()
    rows = pool[torch.randperm(len(pool), generator=generator)[:size]]
    mean, std = pixels.mean_std(digits.train_images[rows])
    sets = {
        part: (pixels.standardise(digits.train_images[one], mean, std), digits.train_labels[one].long())
        for part, one in zip(PARTS, (rows, held_out), strict=True)
    }
    model = models.initialised(models.Net, generator)
    scores = {part: [training.score(model, *one)] for part, one in sets.items()}
    knobs = {"epochs": epochs, "batch_size": BATCH, "lr": LR, "generator": generator}
    after = training.fit(model, *sets["training"], watch=sets, progress=False, **knobs).scores
    courses = [scores[part] + after[part] for part in PARTS]
    return np.array([[[getattr(s, what) for s in course] for what in SCORES] for course in courses])


def row(digits, size, seeds, epochs):
    """Return the mean and the standard deviation over the seeds, rounded, of every course of scores."""
    found = np.array([run(digits, size, seed, epochs) for seed in range(seeds)])
    mean, sd = found.mean(0), found.std(0, ddof=1 if seeds > 1 else 0)
    return {"images": size} | {
        f"{part} {what}": {"mean": digits_of(mean[i, j]), "sd": digits_of(sd[i, j])}
        for i, part in enumerate(PARTS)
        for j, what in enumerate(SCORES)
    }


def digits_of(values):
    """Return numbers with three significant digits, as a list."""
    return [float(f"{value:.3g}") for value in values]


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="two sizes, one seed, one epoch; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    sizes, seeds, epochs = (SIZES.tolist()[:2], 1, 1) if options.smoke else (SIZES.tolist(), SEEDS, EPOCHS)
    rows = []
    for size in sizes:
        rows.append(row(mnist.load(), size, seeds, epochs))
        last = {name: scores["mean"][-1] for name, scores in rows[-1].items() if name != "images"}
        print(size, last, flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "epochs": epochs,
        "batch": BATCH,
        "lr": LR,
        "seeds": list(range(seeds)),
        "held_out": HELD_OUT,
        "rows": rows,
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
