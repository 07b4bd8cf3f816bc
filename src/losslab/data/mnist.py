"""MNIST for the notebooks: a balanced sample shipped with the package, or the full set, downloaded once.

Both come as the four IDX files of LeCun, Cortes and Burges. No byte of them is used before the SHA-256 of the
whole uncompressed file has been compared with the table below; this is why the parser needs no checks.
"""

import errno
import gzip
import hashlib
import os
import shutil
import socket
import tempfile
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from importlib import resources
from pathlib import Path

import numpy as np
import torch

SHA256 = {  # of the uncompressed files, in the order of the fields of Digits
    "sample": {
        "train-images-idx3-ubyte": "2552e7ed83db49429bfbe826379a0d9d4332bc8baeab0bf6ac46314b61bbc940",
        "train-labels-idx1-ubyte": "d57fd2c35c7d79943bbbdad853489a0fa992aee7fc28208cca2481eabbcc2d65",
        "t10k-images-idx3-ubyte": "7f2ba90f83cef36b1c915eaa41461af190f186f7ac6cc72d75136e4fbcdb64a5",
        "t10k-labels-idx1-ubyte": "a6418679c72702ef42e5e405599252ef845d42cd933bb3d3013a2ffd1c9cc235",
    },
    "full": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
}
SAMPLE = resources.files("losslab.data") / "files"
SCRATCH = "losslab-download-"  # prefix of the folders that hold downloads until they are verified
STALLED = 30.0  # seconds without a byte after which a mirror counts as failed
STALE = 3600.0  # seconds after which a scratch folder counts as left behind by a killed process


class DataError(RuntimeError):
    """The data cannot be obtained; the message says which file, what is wrong with it, and what to do."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Images and labels of handwritten digits, 0 (paper) to 255 (ink).

    Attributes
    ----------
    train_images : torch.uint8 (N, 28, 28)
    train_labels : torch.uint8 (N,), 0 to 9
    test_images : torch.uint8 (M, 28, 28)
    test_labels : torch.uint8 (M,), 0 to 9
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor

    def __repr__(self):
        return f"Digits({len(self.train_images):,} training + {len(self.test_images):,} test images)"


def load(which="sample", root=None):
    """Return MNIST (LeCun, Cortes, Burges; article ch. 5), or a balanced sample of it that needs no network.

    Parameters
    ----------
    which : "sample" or "full"
        "sample": 600 training and 100 test images of each digit, shipped with the package.
        "full": all 60,000 + 10,000, downloaded on first use with torchvision's progress bar.
    root : path, optional
        Where the full files are kept, in `root/MNIST/raw` as torchvision lays them out (`.gz` is read too).
        Default: `$LOSSLAB_DATA`, else `~/.cache/losslab`.

    Returns
    -------
    Digits
        Fresh tensors: writing to them changes nothing else.

    Raises
    ------
    ValueError
        If `which` is neither.
    DataError
        If a file can be neither read nor downloaded, or cannot be kept.
    """
    if which not in tuple(SHA256):
        raise ValueError(f"which must be 'sample' or 'full', got {which!r}")
    if which == "sample":
        return Digits(*[_idx(_shipped(*file)) for file in SHA256["sample"].items()])
    folder = Path(root or os.environ.get("LOSSLAB_DATA") or "~/.cache/losslab").expanduser() / "MNIST" / "raw"
    _sweep(folder.parent)
    return Digits(*[_idx(_fetched(folder, *file)) for file in SHA256["full"].items()])


def _idx(content):
    """Parse the bytes of an IDX file of uint8: two zeros, 8, the number of axes, the sizes, the values."""
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    return torch.from_numpy(values.reshape(shape).copy())  # the copy is writable


def verified(file, sha256):
    """Content of `file`, unpacked if it is a .gz; a DataError completes the sentence "this file ..."."""
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.name.endswith(".gz") else content
    except FileNotFoundError:
        raise DataError("is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"holds {len(content):,} bytes with SHA-256 {found[:16]}..., not {sha256[:16]}...")
    return content


def _shipped(name, sha256):
    """Content of one file of the sample."""
    file = SAMPLE / f"{name}.gz"
    try:
        return verified(file, sha256)
    except DataError as fault:
        raise DataError(f"{file} {fault}, so the installed package is damaged: reinstall losslab") from fault


def _fetched(folder, name, sha256):
    """Content of one file of the full set: kept in `folder`, or downloaded into it first."""
    faults = []
    for file in (folder / name, folder / f"{name}.gz"):
        try:
            return verified(file, sha256)
        except DataError as fault:
            if os.path.lexists(file):
                faults.append(f"{file} {fault}")
    _download(folder, name, sha256, faults)
    return verified(folder / name, sha256)


def _download(folder, name, sha256, faults):
    """Download one file beside `folder`, verify it, then move it in: `folder` never holds half a file."""
    for fault in faults:
        print(f"Downloading {name} again: {fault}.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder.parent) as scratch:
            os.replace(_from_mirrors(folder, name, sha256, Path(scratch), faults), folder / name)
        (folder / f"{name}.gz").unlink(missing_ok=True)  # if there was one, it was broken
    except OSError as error:
        raise DataError(
            f"{name} cannot be kept in {folder} ({error.strerror or error}): make room and allow writing "
            "there, or name another folder with root=... or LOSSLAB_DATA, or use mnist.load('sample')"
        ) from error


def _from_mirrors(folder, name, sha256, scratch, faults):
    """Download one file from the first of torchvision's mirrors that has it whole; return its path."""
    from torchvision.datasets import MNIST  # here: slow to import, and the sample does without it

    for number, mirror in enumerate(MNIST.mirrors):
        try:
            return _from(f"{mirror}{name}.gz", sha256, scratch / str(number))
        except (OSError, EOFError, zlib.error, HTTPException, RuntimeError) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise  # our disk is full, whatever the mirror
            faults.append(f"{mirror}{name}.gz: {' '.join(str(error).split())}")
    raise DataError(
        f"{name} (SHA-256 {sha256[:16]}...) could not be obtained ({'; '.join(faults)}): go online and run "
        f"again, or put the file or its .gz into {folder}, or use mnist.load('sample')"
    )


def _from(url, sha256, scratch):
    """Download, unpack and verify one file as torchvision does, progress bar included; return its path."""
    from torchvision.datasets.utils import download_and_extract_archive

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED)  # torchvision sets none and would wait forever
    try:
        download_and_extract_archive(url, scratch)
    finally:
        socket.setdefaulttimeout(before)
    file = scratch / url.rsplit("/", 1)[1].removesuffix(".gz")
    verified(file, sha256)
    return file


def _sweep(folder):
    """Remove the scratch folders that killed processes left in `folder`; younger ones may be in use."""
    for scratch in folder.glob(f"{SCRATCH}*"):
        with suppress(OSError):  # gone already, or not ours to remove
            if time.time() - scratch.stat().st_mtime > STALE:
                shutil.rmtree(scratch)
