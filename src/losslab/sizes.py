"""How large models are: parameters and the operations of their training, counted or as published.

Counted means: by torch, from the definition of the model, by tests/test_errata_concepts.py.
"""

from typing import NamedTuple

IMAGENET = 1_281_167  # training images of ILSVRC 2012


class Size(NamedTuple):
    """A model's parameters and training operations; `flop` is None where no number is published.

    One multiplication and one addition are two floating-point operations (FLOP).
    """

    name: str
    parameters: float
    flop: float | None
    source: str


def dense_flop(parameters, tokens):
    """6 N D, the usual estimate of the training of a dense model (Kaplan et al. 2020; Brown et al. 2020)."""
    return 6 * parameters * tokens


# N and D of texts as Brown et al. (2020) print them in Table D.1, rounded. Devlin et al. (2019) round the
# 335 million of BERT large to 340.
TABLE_D1 = {"BERT base": (109e6, 250e9), "BERT large": (355e6, 250e9), "GPT-3": (174.6e9, 300e9)}
# Images: counted operations of one image forward and backward, times images, times epochs of the recipe.
# Texts: from Table D.1, where N and D stand with their product.
MODELS = (
    Size("the article's Net", 242_762, 1_052_416 * 60_000 * 10, "counted; 10 epochs of MNIST"),
    Size("ResNet-18", 11_689_512, 10_648_412_160 * IMAGENET * 90, "counted; torchvision's recipe"),
    Size("ResNet-50", 25_557_032, 24_299_077_632 * IMAGENET * 90, "counted; torchvision's recipe"),
    Size("ViT-B/16", 86_567_656, 105_151_758_336 * IMAGENET * 300, "counted; torchvision's recipe"),
    Size(
        "BERT base", 109_482_240, dense_flop(*TABLE_D1["BERT base"]), "counted; Brown et al. 2020, Table D.1"
    ),
    Size(
        "BERT large",
        335_141_888,
        dense_flop(*TABLE_D1["BERT large"]),
        "counted; Brown et al. 2020, Table D.1",
    ),
    Size("Turing-NLG", 17e9, None, "Rosset 2020"),
    Size("GPT-3", 174_604_259_328, dense_flop(*TABLE_D1["GPT-3"]), "counted; Brown et al. 2020, Table D.1"),
    Size("GShard", 600e9, None, "Lepikhin et al. 2021"),
)
