"""A chapter's parameters, judged before it begins: nobody should wait an hour to see `-p epochs ten` fail."""

from numbers import Integral

import torch

from losslab.data import mnist


def judge(*, data="sample", epochs=1, seed=0, device="auto"):
    """Raise unless a chapter can run with these parameters, on this machine.

    Parameters
    ----------
    data : "sample" or "full"
        As for `mnist.load`.
    epochs : int
        At least 1.
    seed : int
        At least 0 and below 2⁶³ − 2: a chapter uses the next two as well.
    device : str
        "auto", "cpu", or an accelerator of this machine, such as "cuda" or "cuda:1".

    Raises
    ------
    ValueError
        Saying what was expected and what came.
    """
    if data not in tuple(mnist.SHA256):
        raise ValueError(f"data must be 'sample' or 'full', got {data!r}")
    if not whole(epochs) or epochs < 1:
        raise ValueError(f"epochs must be a whole number from 1, got {epochs!r}")
    if not whole(seed) or not 0 <= seed < 2**63 - 2:
        raise ValueError(f"seed must be a whole number from 0 to 2**63 - 3, got {seed!r}")
    if device not in devices():
        raise ValueError(f"device must be one that this machine has, {devices()}, got {device!r}")


def whole(number):
    """Say whether this is a whole number; True and 2.0 are not."""
    return isinstance(number, Integral) and not isinstance(number, bool)


def devices():
    """Return the devices that can be asked for here: "auto", "cpu" and the accelerator's names."""
    if not torch.accelerator.is_available():
        return ["auto", "cpu"]
    kind = torch.accelerator.current_accelerator().type
    return ["auto", "cpu", kind, *[f"{kind}:{i}" for i in range(torch.accelerator.device_count())]]
