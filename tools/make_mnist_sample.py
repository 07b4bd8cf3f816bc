"""Make the sample of MNIST that losslab ships: `python tools/make_mnist_sample.py [root of the full set]`.

600 training and 100 test images of each digit, drawn without replacement from the full training and test sets
with seed 0 and kept in their order. The hashes it prints belong in `losslab.data.mnist.SHA256["sample"]`.
"""

import argparse
import gzip
import hashlib
import io
from pathlib import Path

import numpy as np

from losslab.data import mnist

SAMPLE = Path(__file__).parents[1] / "src" / "losslab" / "data" / "files"


def draw(labels, per_digit, rng):
    """Return the sorted indices of `per_digit` random examples of every digit; `labels` has shape (N,)."""
    digits = (np.flatnonzero(labels == digit) for digit in range(10))
    return np.sort(np.concatenate([rng.choice(at, per_digit, replace=False) for at in digits]))


def idx(values):
    """Return a uint8 array as an IDX file: two zeros, 8 for uint8, axes, big-endian sizes, values."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


def sample(full):
    """Return the uncompressed content of the sample's four files, by name, for the full `Digits`."""
    rng = np.random.default_rng(0)
    arrays = []
    for images, labels, per_digit in (
        (full.train_images, full.train_labels, 600),
        (full.test_images, full.test_labels, 100),
    ):
        chosen = draw(labels.numpy(), per_digit, rng)
        arrays += [images.numpy()[chosen], labels.numpy()[chosen]]
    return dict(zip(mnist.SHA256["sample"], map(idx, arrays), strict=True))


def gzipped(content):
    """Compress without a file name or time, so that the same content gives the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


def main(root=None):
    """Write the four files and print their hashes and sizes."""
    SAMPLE.mkdir(exist_ok=True)
    for name, content in sample(mnist.load("full", root)).items():
        written = (SAMPLE / f"{name}.gz").write_bytes(gzipped(content))
        print(f'"{name}": "{hashlib.sha256(content).hexdigest()}",  # {written:,} bytes packed')


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "root", nargs="?", help="folder with MNIST/raw (default: where losslab.data.mnist.load looks)"
    )
    main(parser.parse_args().root)
