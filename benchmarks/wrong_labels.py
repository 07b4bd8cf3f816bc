"""What wrong labels do, and how many of them are found again: the article's network, several seeds.

    python benchmarks/wrong_labels.py            writes benchmarks/results/wrong_labels.json (some minutes)
    python benchmarks/wrong_labels.py --smoke    one seed, few settings; writes nothing

Each seed draws 1,300 digits from 4,500 of the sample's training digits and gives a share of them another
label. The grid: the article's network by Adam, judged after 50 to 1,600 steps on the other 1,500 with right
labels; and how many of the wrong labels it repeats. The search: of 15 % wrong labels, those that five
networks, each trained without the digits it judges, find least probable; precision of as many as there are
wrong ones. Then a network is trained on the labels as they are, without the most suspicious, with the most
suspicious set right where a person who looks at them would do so, and on the right labels. The test images
are not touched.
"""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from losslab.data import mnist, pixels
from losslab.explorers.views.wrong_labels import NOISE, STEPS
from losslab.formulas import labels
from losslab.learning import models, training

RESULTS = Path(__file__).with_name("results") / "wrong_labels.json"
IMAGES, HELD_OUT, BATCH, LR, SEEDS = 1300, 1500, 32, 1e-3, 3
FOUND, FOLDS, SHORT = 0.15, 5, 400  # share that is searched for; steps of the trainings of the search


def drawn(seed):
    """Return the digits of a seed and the judges, standardised, with their right labels."""
    digits = mnist.load()
    order = torch.randperm(len(digits.train_images), generator=torch.Generator().manual_seed(0))
    pool, held_out = order[:-HELD_OUT], order[-HELD_OUT:]
    rows = pool[torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:IMAGES]]
    scale = pixels.mean_std(digits.train_images[rows])
    return [
        (pixels.standardise(digits.train_images[i], *scale), digits.train_labels[i].long())
        for i in (rows, held_out)
    ]


def trained(x, y, seed, steps):
    """Train the article's network; yield it after each of these numbers of steps, ascending."""
    generator = torch.Generator().manual_seed(seed)
    model = models.initialised(models.Net, generator)
    adam, step = torch.optim.Adam(model.parameters(), LR, fused=True), 0
    while True:
        for batch in training.shuffled(x, y, BATCH, generator):
            training.step(model, adam, *batch)
            step += 1
            if step in steps:
                yield model
            if step == steps[-1]:
                return


def grid(seed, noise, steps):
    """Return accuracy and share of the wrong labels that are repeated, (steps, 2)."""
    (x, right), judge = drawn(seed)
    given = torch.from_numpy(labels.flipped(right.numpy(), noise, np.random.default_rng(seed)))
    wrong, found = given != right, []
    for model in trained(x, given, seed, steps):
        heart = (
            (training.predict(model, x[wrong]).argmax(1) == given[wrong]).float().mean().item()
            if noise
            else 0.0
        )
        found.append((training.score(model, *judge).accuracy, heart))
    return found


def out_of_fold(x, given, seed):
    """Return probabilities by networks that have not seen what they judge, (N, K)."""
    p, fold = np.zeros((len(x), 10)), labels.folds(len(x), FOLDS, np.random.default_rng(seed))
    for k in range(FOLDS):
        seen = torch.from_numpy(fold != k)
        (model,) = trained(x[seen], given[seen], seed + k, [SHORT])
        p[fold == k] = training.predict(model, x[~seen]).softmax(1).numpy()
    return p


def search(seed):
    """Return the precision of the search, and the accuracies of the four networks after it."""
    (x, right), judge = drawn(seed)
    given = torch.from_numpy(labels.flipped(right.numpy(), FOUND, np.random.default_rng(seed)))
    wrong = given != right
    first = torch.from_numpy(
        labels.suspicious(out_of_fold(x, given, seed), given.numpy())[: int(wrong.sum())].copy()
    )
    kept = torch.ones(len(x), dtype=bool)
    kept[first] = False
    relabelled = torch.where(kept, given, right)
    sets = {
        "noisy": (x, given),
        "dropped": (x[kept], given[kept]),
        "relabelled": (x, relabelled),
        "clean": (x, right),
    }
    after = {}
    for name, one in sets.items():
        (model,) = trained(*one, seed, [SHORT])
        after[name] = training.score(model, *judge).accuracy
    return {"precision": wrong[first].float().mean().item()} | after


def spread(values):
    """Return the mean and the standard deviation over the first axis, rounded, as lists."""
    values = np.asarray(values)
    sd = values.std(0, ddof=1 if len(values) > 1 else 0)
    return {"mean": values.mean(0).round(4).tolist(), "sd": sd.round(4).tolist()}


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one seed, few settings; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    noise, steps = (
        (NOISE.tolist()[:2], STEPS.tolist()[:2]) if options.smoke else (NOISE.tolist(), STEPS.tolist())
    )
    seeds = range(1 if options.smoke else SEEDS)
    found = []
    for share in noise:
        found.append([grid(seed, share, steps) for seed in seeds])
        print(f"{share:.0%} wrong:", np.mean(found[-1], 0).round(3).tolist(), flush=True)
    found = np.array(found).transpose(1, 0, 2, 3)  # seeds, noise, steps, what
    searches = [search(seed) for seed in seeds]
    columns = {name: [one[name] for one in searches] for name in searches[0]}
    print(columns, flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "command": "python benchmarks/wrong_labels.py",
        "seeds": list(seeds),
        "images": IMAGES,
        "held_out": HELD_OUT,
        "noise": noise,
        "steps": steps,
        "grid": {"accuracy": spread(found[..., 0]), "by_heart": spread(found[..., 1])},
        "search": {"share": FOUND, "folds": FOLDS, "steps": SHORT, "suspects": round(FOUND * IMAGES)}
        | {name: spread(values) for name, values in columns.items()}
        | {
            f"{name} minus noisy": spread(np.subtract(columns[name], columns["noisy"]))
            for name in ("dropped", "relabelled", "clean")
        },
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
