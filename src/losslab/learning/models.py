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


class Conv(nn.Module):
    """A small convolutional network: two layers of 3 × 3 filters, each followed by maxima, and a linear one.

    `features` has 8 and then 16 maps, at last of 7 × 7 places; `head` reads them.
    """

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Linear(16 * 7 * 7, 10)

    def forward(self, x):
        """Return logits, shape (N, 10), for images of shape (N, 28, 28) or (N, 1, 28, 28)."""
        return self.head(self.features(x.reshape(len(x), 1, 28, 28)).flatten(1))


def initialised(build, generator):
    """Return the network that `build()` makes, its weights drawn as torch does, but from a generator.

    Nothing is allotted or drawn while it is built, so torch's global generator stays where it is.

    Parameters
    ----------
    build : callable
        Such as `Net`; only linear and convolutional layers may have parameters.
    generator : torch.Generator

    Raises
    ------
    TypeError
        If another layer has parameters or buffers, which would be left without values.
    """
    with torch.device("meta"):
        model = build()
    return draw(model.to_empty(device="cpu"), generator)


@torch.no_grad()
def draw(model, generator):
    """Draw the weights of a network anew, in place, as `nn.Linear` and `nn.Conv2d` do; return it."""
    for layer in model.modules():
        own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
        if own and not isinstance(layer, nn.Linear | nn.Conv2d):
            kind = type(layer).__name__
            raise TypeError(f"only linear and convolutional layers can be drawn, got {kind}")
        for p in own:
            reach = layer.weight[0].numel() ** -0.5  # of the number of inputs
            p.uniform_(-reach, reach, generator=generator)
    return model
