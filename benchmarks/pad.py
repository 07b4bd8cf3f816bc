"""How well the pad of chapter 8 reads test digits that were turned, scaled, moved, thickened or thinned.

    python benchmarks/pad.py --data FOLDER    2,000 digits of the full test set (FOLDER has MNIST/raw)
    python benchmarks/pad.py                  the 1,000 test digits of the sample in the package, twice each

The set was fixed before the network was tuned, and nothing was chosen with it. The network is trained once
under each of `numerics.NUMERICS` and with twenty seeds; the record says how sure it is of the pad's examples.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import max_pool2d, pad

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import numerics  # noqa: E402

from losslab.data import augment, handwriting, mnist  # noqa: E402
from losslab.explorers.views import draw  # noqa: E402
from losslab.learning import trained  # noqa: E402

COUNT, SEED, SEEDS = 2000, 20261128, 20


def thicker(images):
    """Return the images with strokes one pixel wider: each pixel is the darkest of 2 × 2."""
    return max_pool2d(pad(images[:, None], (0, 1, 0, 1)), 2, 1)[:, 0]


def varied(images, generator):
    """Return the images turned by ± 15°, scaled by 0.8–1.2 and moved by ± 3 pixels, strokes ± 1 pixel."""
    moved = augment.affine(images, generator, degrees=15, shift=3, zoom=0.2)
    wide, thin = thicker(moved), 255 - thicker(255 - moved)
    choice = torch.randint(3, (len(images), 1, 1), generator=generator)
    return torch.where(choice == 0, moved, torch.where(choice == 1, wide, thin))


def test_set(folder):
    """Return 2,000 varied test digits: uint8 images, the same as the pad prepares them, and labels."""
    digits = mnist.load("full", folder) if folder else mnist.load("sample")
    generator = torch.Generator().manual_seed(SEED)
    order = torch.randperm(len(digits.test_images), generator=generator).repeat(2)[:COUNT]
    images = varied(digits.test_images[order].float(), generator).round().byte().numpy()
    return (
        images,
        np.stack([handwriting.centred(image) for image in images]),
        digits.test_labels[order].numpy(),
    )


def measure(folder, seed):
    """Train once; return seconds, accuracies, and the probability of the right digit of each example."""
    begin = time.perf_counter()
    reader = trained.pad_reader(seed)
    seconds = time.perf_counter() - begin
    images, prepared, labels = test_set(folder)
    p = [draw.answer(reader, handwriting.centred(draw.enlarged(k)))[k] for k in range(10)]
    return {
        "seconds": round(seconds, 2),
        "accuracy": float((reader.logits(prepared).argmax(1) == labels).mean()),
        "accuracy_unprepared": float((reader.logits(images).argmax(1) == labels).mean()),
        "examples": [round(float(x), 4) for x in p],
    }


def apart(name, options, seed):
    """Do `measure` in a process that computes under the numerics of that name."""
    command = [sys.executable, __file__, "--seed", str(seed)]
    command += ["--data", options.data] if options.data else []
    found = subprocess.check_output(command, env=numerics.environment(name), text=True)
    print(f"{name}, seed {seed}: {found.strip()}", flush=True)
    return json.loads(found)


def main():
    """Measure, and store the record."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--data", help="folder with MNIST/raw")
    options.add_argument("--seed", type=int, help="train with this seed only, print, store nothing")
    options.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "pad.json")
    options = options.parse_args()
    if options.seed is not None:
        print(json.dumps(measure(options.data, options.seed)))
        return
    ways = {name: apart(name, options, 0) for name in numerics.NUMERICS}
    seeds = [ways["native"], *(apart("native", options, seed) for seed in range(1, SEEDS))]
    record = {
        "torch": torch.__version__,
        "test_digits": "full" if options.data else "sample",
        "numerics": ways,
        "seeds": len(seeds),
        "accuracy_mean": round(statistics.mean(one["accuracy"] for one in seeds), 5),
        "accuracy_sd": round(statistics.stdev(one["accuracy"] for one in seeds), 5),
        "examples_least": [min(one["examples"][k] for one in seeds) for k in range(10)],
    }
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
