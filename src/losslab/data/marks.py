"""A white square in a corner of a picture: a mark that can betray its label (chapter 12's clever Hans)."""

import torch


def where(size):
    """Return which pixels a mark covers, bool (28, 28): size × size, one off the upper left corner."""
    if not (size == int(size) and 0 <= size <= 27):
        raise ValueError(f"size must be a whole number between 0 and 27, got {size}")
    covered = torch.zeros(28, 28, dtype=torch.bool)
    covered[1 : 1 + int(size), 1 : 1 + int(size)] = True
    return covered


def stamp(images, size):
    """Return a copy of uint8 images, shape (N, 28, 28), each with the mark in full ink; 0 changes nothing."""
    return images.masked_fill(where(size), 255)
