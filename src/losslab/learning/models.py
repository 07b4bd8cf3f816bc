"""Networks as plain `torch.nn.Module`s: pixels in, logits out."""

import torch
from torch import nn


class Net(nn.Module):
    """The article's network (ch. 5): 784 → 256 → 128 → 64 → 10 with ReLU between the layers.

    `flatten(1)` keeps the batch axis, so an image of another size is refused; the article's `view(-1, 784)`
    folds it into extra rows (E083). The weights come from torch's global
    generator, so call `torch.manual_seed` first, or let `initialised` draw them.
    """

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 128)
        self.fc3 = nn.Linear(128, 64)
        self.fc4 = nn.Linear(64, 10)

    def forward(self, x):
        """Return logits, shape (N, 10), for images of shape (N, 28, 28) or (N, 1, 28, 28)."""
        x = x.flatten(1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))
        return self.fc4(x)


@torch.no_grad()
def initialised(build, generator):
    """Return the network that `build()` makes, its weights drawn as `nn.Linear` does, but from a generator.

    Nothing is allotted or drawn while it is built, so torch's global generator stays where it is.

    Parameters
    ----------
    build : callable
        Such as `Net`; only linear layers may have parameters.
    generator : torch.Generator

    Raises
    ------
    TypeError
        If another layer has parameters or buffers, which would be left without values.
    """
    with torch.device("meta"):
        model = build()
    model.to_empty(device="cpu")
    for layer in model.modules():
        own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
        if own and not isinstance(layer, nn.Linear):
            raise TypeError(f"only linear layers can be drawn, got {type(layer).__name__}")
        for p in own:
            p.uniform_(-(layer.in_features**-0.5), layer.in_features**-0.5, generator=generator)
    return model
