"""Pictures and sentences in one space: known products, and products that were left out, several seeds.

    python benchmarks/cross_domain.py            writes benchmarks/results/cross_domain.json (about a minute)
    python benchmarks/cross_domain.py --smoke    one fold; writes nothing

Twenty products, drawn by `shelf` (60 pictures each to learn from, 20 to judge), read by EfficientNet-Lite0;
five sentences about each, read by MiniLM. Both encoders stay as they are; two matrices are trained so that
a picture and its sentence lie close. In each of the five folds four products are left out, so that each
product is left out once; each fold has its own pictures and seed. A left-out product is judged twice:
against the other three that were left out, and against all twenty.
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

from losslab.data import shelf
from losslab.learning import contrastive, encoders

RESULTS = Path(__file__).with_name("results") / "cross_domain.json"
TEMPLATES = (
    "a photo of a {}",
    "{}",
    "we sell one {}",
    "picture showing a {} on a shelf",
    "the {} is in stock",
)
EACH, JUDGED, SIDE, EPOCHS, FOLDS = 60, 20, 96, 25, 5
NAMES = tuple(shelf.PRODUCTS)


def sentences():
    """Return the vectors of five sentences about each product, (20, 5, 384)."""
    texts = [template.format(name) for name in NAMES for template in TEMPLATES]
    return torch.from_numpy(encoders.sentences(texts)).view(len(NAMES), len(TEMPLATES), -1)


def features(each, seed):
    """Return the vectors of pictures of all products, and which each shows."""
    images, y = shelf.pictures(NAMES, each, torch.Generator().manual_seed(seed))
    return torch.from_numpy(encoders.features(images, SIDE)), y


def run(fold, texts):
    """Return the shares of pictures that are named right: known, new among the new, new among all."""
    new = torch.from_numpy(np.random.default_rng(0).permutation(len(NAMES))[fold::FOLDS].copy())
    (x, y), (other_x, other_y) = features(EACH, 2 * fold), features(JUDGED, 2 * fold + 1)
    known = ~torch.isin(y, new)
    mean, std = x[known].mean(0), x[known].std(0) + 1e-6
    generator = torch.Generator().manual_seed(fold)
    joint = contrastive.fit((x[known] - mean) / std, texts, y[known], epochs=EPOCHS, generator=generator)
    judged, unseen = (other_x - mean) / std, torch.isin(other_y, new)
    right = contrastive.named(joint, judged, texts) == other_y
    among = new[contrastive.named(joint, judged[unseen], texts[new])] == other_y[unseen]
    shares = right[~unseen], among, right[unseen]
    return [share.float().mean().item() for share in shares], [NAMES[i] for i in new]


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one fold; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    texts, rows = sentences(), []
    for fold in range(1 if options.smoke else FOLDS):
        (known, among, everywhere), names = run(fold, texts)
        rows.append({"left out": names, "known": round(known, 4)})
        rows[-1] |= {"new among new": round(among, 4), "new among all": round(everywhere, 4)}
        print(rows[-1], flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {name: version(name) for name in ("torch", "transformers")}
        | {"python": sys.version.partition(" ")[0]},
        "command": "python benchmarks/cross_domain.py",
        "seeds": list(range(len(rows))),
        "each": EACH,
        "judged": JUDGED,
        "chance": {"new among new": 1 / 4, "new among all": 1 / len(NAMES)},
        "folds": rows,
    }
    for name in ("known", "new among new", "new among all"):
        values = [row[name] for row in rows]
        sd = np.std(values, ddof=1) if len(values) > 1 else 0.0
        record[name] = {"mean": round(float(np.mean(values)), 4), "sd": round(float(sd), 4)}
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
