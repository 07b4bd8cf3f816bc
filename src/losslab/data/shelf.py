"""Pictures of products: signs of a font that matplotlib ships, in any colour, turned and partly covered.

They are drawn icons, not photographs. The font is DejaVu Sans (Bitstream Vera licence, in matplotlib).
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.ft2font import FT2Font
from torch.nn.functional import avg_pool2d

from losslab.data import augment

PRODUCTS = {
    "telephone": "☎",
    "scissors": "✂",
    "pencil": "✏",
    "keyboard": "⌨",
    "umbrella": "☂",
    "scales": "⚖",
    "flask": "⚗",
    "aeroplane": "✈",
    "snowman": "☃",
    "chess pawn": "♟",
    "chess knight": "♞",
    "dice": "⚄",
    "vase": "⚱",
    "cup of tea": "☕",
    "anchor": "⚓",
    "swords": "⚔",
    "envelope": "✉",
    "gear wheel": "⚙",
    "playing card": "🂡",
    "flag": "⚑",
}
SIZE, SIGN = 64, 90  # pixels of a side of a picture; of the longer side of a sign, before it is halved
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def sign(name):
    """Return a product's sign in the middle of a square of 2 SIZE pixels, 0 (paper) to 1 (ink)."""
    longest = max(inked(name, SIZE).shape)
    ink = inked(name, SIZE * SIGN / longest)
    (h, w), square = ink.shape, torch.zeros(2 * SIZE, 2 * SIZE)
    top, left = (2 * SIZE - h) // 2, (2 * SIZE - w) // 2
    square[top : top + h, left : left + w] = ink
    return square


def inked(name, size):
    """Return the pixels of a sign at a size of the font, cut to its edges."""
    font = FT2Font(str(FONT))
    font.set_size(size, 72)
    font.set_text(PRODUCTS[name])
    font.draw_glyphs_to_bitmap()
    ink = torch.from_numpy(np.array(font.get_image(), np.float32) / 255)
    rows, columns = ink.any(1).nonzero()[:, 0], ink.any(0).nonzero()[:, 0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def pictures(names, each, generator):
    """Draw products: `each` pictures of every one, all different.

    Parameters
    ----------
    names : sequence of str
        Of `PRODUCTS`.
    each : int
    generator : torch.Generator

    Returns
    -------
    images : float tensor, shape (N, 3, SIZE, SIZE), 0 to 1
    labels : int64 tensor, shape (N,)
        Positions in `names`.
    """
    unknown = [name for name in names if name not in PRODUCTS]
    if unknown:
        raise ValueError(f"names must be of {', '.join(PRODUCTS)}, got {', '.join(unknown)}")
    labels = torch.arange(len(names)).repeat_interleave(each)
    signs = torch.stack([sign(name) for name in names])[labels]
    ink = avg_pool2d(augment.affine(signs, generator, degrees=25, shift=10, zoom=0.2)[:, None], 2)

    def drawn(*shape):
        return torch.rand(shape, generator=generator)

    dark, bright = 0.5 * drawn(len(labels), 3, 1, 1), 0.5 + 0.5 * drawn(len(labels), 3, 1, 1)
    swap = drawn(len(labels), 1, 1, 1) < 0.5
    paper, colour = torch.where(swap, dark, bright), torch.where(swap, bright, dark)
    images = paper + ink * (colour - paper)
    for image, (x, y) in zip(images, (drawn(len(labels), 2) * (SIZE - 20)).long().tolist(), strict=True):
        image[:, y : y + 12, x : x + 20] = 0.95  # a price tag
    return (images + 0.08 * torch.randn(images.shape, generator=generator)).clamp(0, 1), labels
