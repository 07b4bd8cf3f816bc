"""Two networks that others have trained, as makers of features: sentences and pictures become vectors.

They are read from installed packages (the extra `applications`), need no network and are never trained here.
"""

import os
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import interpolate, normalize

from losslab.data import pretrained

MEAN, STD = 0.498, 0.502  # 127/255 and 128/255, as EfficientNet-Lite was trained
LONGEST = 256  # tokens of a sentence; what comes after them is not read


class Reader(NamedTuple):
    """A tokenizer, and the network that reads its tokens."""

    tokenizer: Any
    net: torch.nn.Module


@cache
def minilm(source="package"):
    """
    Return all-MiniLM-L6-v2, six layers of a transformer, in evaluation mode; it is loaded once.

    Parameters
    ----------
    source : "package" or "hub"
        See `pretrained.minilm`.

    Returns
    -------
    Reader
    """
    from transformers import AutoModel, AutoTokenizer

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # else it warns in every process forked later
    folder = pretrained.minilm(source)
    with torch.random.fork_rng(devices=[]), without_bars():
        net = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        return Reader(AutoTokenizer.from_pretrained(folder, local_files_only=True), net.eval())


@contextmanager
def without_bars():
    """Let transformers load without a progress bar, and afterwards as the reader has set it."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def sentences(texts, batch_size=64):
    """
    Return what sentences mean, as vectors of length 1: the mean over their tokens (Reimers & Gurevych 2019).

    Parameters
    ----------
    texts : list of str
        English. Of each the first 256 tokens are read.
    batch_size : int
        How many are read at a time.

    Returns
    -------
    float32 ndarray, shape (N, 384)
        The product of two rows is the cosine of the angle between them.
    """
    if isinstance(texts, str):
        raise ValueError(f"texts must be a list of sentences, got the sentence {texts!r}")
    reader, found = minilm(), [np.empty((0, 384), np.float32)]
    for start in range(0, len(texts), batch_size):
        tokens = reader.tokenizer(
            list(texts[start : start + batch_size]),
            padding=True,
            truncation=True,
            max_length=LONGEST,
            return_tensors="pt",
        )
        found.append(pooled(reader.net, tokens).numpy())
    return np.concatenate(found)


@torch.inference_mode()
def pooled(net, tokens):
    """Return the mean of what a network says about each token, padding left out, scaled to length 1."""
    each = net(**tokens).last_hidden_state  # (N, tokens, 384)
    real = tokens["attention_mask"][..., None]  # 1 for a token, 0 for padding
    return normalize((each * real).sum(1) / real.sum(1))


@cache
def lite0():
    """Load EfficientNet-Lite0: its layers from one package, its weights from another."""
    from efficientnet_lite_pytorch import EfficientNet

    with torch.device("meta"):  # no weights are drawn that would be thrown away
        net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(pretrained.efficientnet(), weights_only=True), assign=True)
    return net.eval()


def efficientnet():
    """
    Return EfficientNet-Lite0 as it was trained on ImageNet (Tan & Le 2019), in evaluation mode.

    Returns
    -------
    torch.nn.Module
        Makes logits (N, 1000) of what `pixels` returns; their names are `classes()`. A copy, to change at
        will. `extract_features` gives the last feature maps (N, 1280, 7, 7); before them come `_blocks`.
    """
    return deepcopy(lite0())


def pixels(pictures, size=224):
    """
    Return pictures as EfficientNet-Lite0 was shown them.

    Parameters
    ----------
    pictures : torch.Tensor (N, 3, H, W), or an array or a list of arrays (H, W, 3) or (H, W)
        uint8 from 0 to 255, or floats from 0 to 1.
    size : int
        Height and width to which each is scaled. Of a picture that is not square the middle is taken.

    Returns
    -------
    torch.float32, shape (N, 3, size, size)
    """
    each = pictures if isinstance(pictures, torch.Tensor) else [channels_first(one) for one in pictures]
    scaled = [resized(unit(one), size) for one in each]
    return (torch.stack(scaled) - MEAN) / STD


def channels_first(picture):
    """Return a NumPy picture (H, W, 3) or (H, W) as a tensor (3, H, W)."""
    picture = np.asarray(picture)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, -1)
    if picture.ndim != 3 or picture.shape[-1] != 3:
        raise ValueError(f"a picture must have shape (H, W, 3) or (H, W), got {picture.shape}")
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def unit(picture):
    """Return a tensor (3, H, W) with values from 0 to 1."""
    if picture.ndim != 3 or len(picture) != 3:
        raise ValueError(
            f"a tensor of pictures must have shape (N, 3, H, W), got (N, {tuple(picture.shape)})"
        )
    if picture.dtype == torch.uint8:
        return picture.float() / 255
    if not (picture.min() >= 0 and picture.max() <= 1):
        raise ValueError(f"floats must be from 0 to 1, got {picture.min():.3g} to {picture.max():.3g}")
    return picture.float()


def resized(picture, size):
    """Return the middle square of a tensor (3, H, W) as (3, size, size)."""
    _, height, width = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[None, :, top : top + side, left : left + side]
    return interpolate(square, (size, size), mode="bilinear", antialias=True)[0]


@torch.inference_mode()
def features(pictures, size=224, batch_size=32):
    """
    Return what EfficientNet-Lite0 sees in pictures: its last feature maps, averaged over each map.

    Parameters
    ----------
    pictures, size
        See `pixels`.
    batch_size : int
        How many are looked at at a time.

    Returns
    -------
    float32 ndarray, shape (N, 1280)
    """
    found = [np.empty((0, 1280), np.float32)]
    for start in range(0, len(pictures), batch_size):
        maps = lite0().extract_features(pixels(pictures[start : start + batch_size], size))
        found.append(maps.mean((2, 3)).numpy())
    return np.concatenate(found)


def classes():
    """Return the names of ImageNet's 1,000 classes in the order of the logits (tuple of str)."""
    from torchvision.models import EfficientNet_B0_Weights

    return tuple(EfficientNet_B0_Weights.DEFAULT.meta["categories"])
