"""From pixels as they are stored, 0 to 255, to what a network reads."""

import math
from typing import NamedTuple

import torch


def mean_std(images):
    """Return the exact mean and standard deviation of the pixels of uint8 images, on the scale 0 to 1."""
    check_pixels(images)
    share = torch.bincount(images.flatten().cpu(), minlength=256).double() / images.numel()
    grey = torch.arange(256, dtype=torch.float64) / 255
    mean = share @ grey
    return mean.item(), (share @ (grey - mean) ** 2).sqrt().item()


def standardise(images, mean, std):
    """
    Return (images / 255 − mean) / std in float32.

    Parameters
    ----------
    images : uint8 tensor, shape (N, 28, 28)
    mean, std : float
        On the scale 0 to 1: those of the *training* images (`mean_std`), or the article's 0.5 and 0.5.
    """
    check_pixels(images)
    if not (math.isfinite(mean) and 0 < std < math.inf):
        raise ValueError(f"mean must be finite and std must be positive, got {mean} and {std}")
    return images.float().div_(255).sub_(mean).div_(std)  # in place: the copy is ours


def check_pixels(images):
    """Raise unless these are uint8 images, at least one."""
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8 pixels, got {images.dtype}: standardised before?")
    if not images.numel():
        raise ValueError(f"there must be images, got shape {tuple(images.shape)}")


class Transform(NamedTuple):
    """What is done to images before the network sees them, and what its outputs are called.

    Attributes
    ----------
    mean, std : float
        Of the *training* pixels, on the scale 0 to 1.
    shape : tuple of int
        Of one image.
    classes : tuple of str
        One name per output.
    """

    mean: float
    std: float
    shape: tuple[int, ...]
    classes: tuple[str, ...]

    def __call__(self, images):
        """Return uint8 images, shape (N, *shape), as `standardise` prepares them."""
        if images.dtype != torch.uint8 or images.shape[1:] != self.shape:
            got = f"{images.dtype} of shape {tuple(images.shape)}"
            raise ValueError(f"images must be torch.uint8 of shape (N, {str(self.shape)[1:-1]}), got {got}")
        return standardise(images, self.mean, self.std)
