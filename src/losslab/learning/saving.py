"""A finished model in one file: weights, and the transform without which they mean nothing.

The format is safetensors: tensors and JSON. Opening such a file runs no code, unlike opening a pickle.
"""

import json
import math
import os
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open

from losslab.data.pixels import Transform

KEY = "losslab.transform"  # the key of the transform in the file's metadata


class ModelFileError(RuntimeError):
    """The file is not the finished model that was asked for; the message says what is wrong with it."""


def save(file, model, transform):
    """Write a model's weights and its transform into one file: all of it or, if that fails, nothing.

    Parameters
    ----------
    file : path
        An older file of that name is replaced.
    model : torch.nn.Module
    transform : Transform

    Raises
    ------
    ModelFileError
        If `load` would refuse the transform or the weights.
    """
    if not isinstance(transform, Transform):
        raise ModelFileError(f"{file} needs a Transform to be saved with its model, got {transform!r}")
    file, text = Path(file), json.dumps(transform._asdict(), default=repr)
    _transform(text, file)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    _fit(weights, weights, file)
    replace(file, safetensors.torch.save(weights, metadata={KEY: text}))


def replace(file, content):
    """Give a file new content: whenever the process or the machine dies, it has the old or the new."""
    unfinished = file.with_name(f"unfinished-{file.name}")
    try:
        with open(unfinished, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unfinished, file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the folder's list of names has to reach the disk as well
        folder = os.open(file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def load(file, model):
    """Fill a model with the weights of a file, in place, and return its transform.

    Parameters
    ----------
    file : path
        Written by `save`.
    model : torch.nn.Module
        Of the same architecture. Unchanged if the file is refused.

    Returns
    -------
    Transform

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, not a finished model, or one of another architecture.
    """
    try:
        with safe_open(file, "pt") as opened:
            text = (opened.metadata() or {}).get(KEY)
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelFileError(f"{file} does not exist") from None
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{file} is damaged or no safetensors file ({error})") from error
    transform = _transform(text, file)
    _fit(weights, model.state_dict(), file)
    model.load_state_dict(weights)
    return transform


def _transform(text, file):
    """Read a transform from its JSON text, or say what is wrong with it."""
    if text is None:
        raise ModelFileError(f"{file} holds weights without their transform: nobody knows what they read")
    try:
        known = json.loads(text)
        mean, std, shape, classes = (known[name] for name in Transform._fields)
        numbers = math.isfinite(mean) and math.isfinite(std) and std > 0
        fine = numbers and all(n > 0 for n in shape) and all(isinstance(c, str) for c in classes)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelFileError(f"{file} has no readable transform ({type(error).__name__}: {error})") from error
    if not fine:
        raise ModelFileError(f"{file} has a transform that makes no sense: {text}")
    return Transform(mean, std, tuple(shape), tuple(classes))


def _fit(weights, wanted, file):
    """Raise unless the weights have the names, shapes and types of the model's, and are finite."""
    if missing := wanted.keys() - weights.keys():
        raise ModelFileError(f"{file} lacks {', '.join(sorted(missing))}: a partial file, or another model")
    if spare := weights.keys() - wanted.keys():
        raise ModelFileError(f"{file} holds {', '.join(sorted(spare))}, which the model does not have")
    for name, tensor in wanted.items():
        got = weights[name]
        if (got.shape, got.dtype) != (tensor.shape, tensor.dtype):
            found, need = (f"{tuple(t.shape)} {t.dtype}" for t in (got, tensor))
            raise ModelFileError(f"{file}: {name} is {found}, the model needs {need}")
        if not got.isfinite().all():
            raise ModelFileError(f"{file}: {name} holds NaN or infinity")
