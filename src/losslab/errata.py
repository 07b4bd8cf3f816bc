"""The article's mistakes: what is printed and what is right, as data and, to be seen failing, as code.

Wrong code lives here and nowhere else.
"""

import tomllib
from functools import cache, partial
from importlib import resources
from typing import NamedTuple

import numpy as np

from losslab import chapters, losses, optim

# --- the list (the file says what each field is) ---


class Erratum(NamedTuple):
    """One mistake of the article, as written in `data/errata.toml`."""

    id: str
    severity: str
    languages: list
    where: str
    printed: str
    right: str
    source: str
    chapter: str
    cell: str = ""
    why: str = ""
    as_printed: str = ""
    zh: list = ()
    en: list = ()
    absent: list = ()


@cache
def entries():
    """Return all mistakes in the article's first five chapters, in the order of their ids."""
    text = (resources.files("losslab") / "data" / "errata.toml").read_text(encoding="utf-8")
    return tuple(Erratum(**entry) for entry in tomllib.loads(text)["erratum"])


def search(words="", severity=""):
    """
    Return the entries in which all words occur, in any order and in capitals or not.

    Parameters
    ----------
    words : str
        Separated by spaces; each may be part of a longer word. Empty: every entry.
    severity : str
        "wrong", "misleading", "outdated" or "style"; empty: all of them.
    """

    def text(e):
        return f"{e.id} {e.where} {e.printed} {e.right} {e.source} {chapters.find(e.chapter).title}".lower()

    wanted = words.lower().split()
    return [e for e in entries() if e.severity.startswith(severity) and all(w in text(e) for w in wanted)]


def table(found):
    """Return entries as a Markdown table whose last column leads to the cell that shows the mistake."""
    head = "| | where | the article | what is right | seen in |\n|:--|:--|:--|:--|:--|"
    rows = [f"| **{e.id}** {e.severity} | {e.where} | {e.printed} | {e.right} | {link(e)} |" for e in found]
    return "\n".join([head, *rows])


def link(entry):
    """Return a Markdown link to the cell that shows a mistake, or to its chapter where nothing can be run."""
    page = f"{chapters.find(entry.chapter).stem}.ipynb"
    return f"[{entry.chapter}]({page}#cell-id={entry.cell})" if entry.cell else f"([{entry.chapter}]({page}))"


# --- the formulas as printed ---


def momentum_as_printed(w, g, u=0.0, *, beta=0.9):
    """F6 and F7 as printed (E056, E057): the velocity is added and there is no learning rate.

    On ½ λ w² it diverges for every λ > 0 and every 0 ≤ β < 1: one eigenvalue of the step exceeds 1.
    """
    u = beta * u + (1 - beta) * g
    return w + u, u


def momentum_without_rate(w, g, u=0.0, *, beta=0.9):
    """F7 with the sign repaired but still no learning rate (E057): stable only for λ < 2 (1 + β)/(1 − β)."""
    return optim.ema_momentum(w, g, u, lr=1.0, beta=beta)


def momentum_as_drawn(w, g, u=0.0, *, beta=0.9):
    """D9 (E041): the drawn chain ends with the velocity, no arrow leads back to the parameters."""
    return w, beta * u + (1 - beta) * g


def adam_uncorrected(w, g, m=0.0, v=0.0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """F8–F12 without the bias correction, as if β₂ were "the correction coefficient" (E060)."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - lr * m / (v**0.5 + eps), m, v


adam_as_printed = partial(optim.adam, eps=0.0)  # F12 (E059): 0/0 where the gradient has always been zero


def worked_gradient_as_printed(w, x, y):
    """F14 as printed (E064): 2 (y − ŷ), without the inner derivative −x."""
    return 2 * (y - w * x)


def worked_gradient_without_x(w, x, y):
    """F14 with only the sign repaired (E064): converges for 0 < x < 1/α, diverges for every x < 0."""
    return -2 * (y - w * x)


def worked_gradient_without_sign(w, x, y):
    """F14 with only the factor x repaired (E064): diverges for every x ≠ 0 and every α > 0."""
    return 2 * x * (y - w * x)


def cross_entropy_as_printed(y, y_hat):
    """F2 as printed: −Σᵢ yᵢ log ŷᵢ of probabilities, over the n samples (E045) and without a mean (E047).

    With y of zeros and ones a sample with y = 0 costs nothing, so "always 1" is perfect.
    """
    return -(np.asarray(y) * np.log(y_hat)).sum()


def cross_entropy_after_softmax(z, labels):
    """L7's comment put into code (E095): softmax in front of a loss that applies softmax itself."""
    return losses.cross_entropy(losses.softmax(z), labels)


# --- ch. 4 §2: gradients (E050–E055) ---


def output_delta_as_printed(p, labels):
    """F3 as printed (E052), its "·" read elementwise: (−y/p) times p (1 − p), the diagonal of the Jacobian.

    Right for the class of the label, 0 for every other class. Shapes and the mean as in
    `gradients.output_delta`.
    """
    y = np.eye(p.shape[-1], dtype=p.dtype)[labels]
    return -y * (1 - p) / len(labels)  # (−y/p) p (1 − p), and no 0/0 where p = 0


def delta_as_printed(dz, a):
    """F4 as printed (E053): "δ_l" = ∂L/∂z_l · ∂z_l/∂w_l, of every sample (N, n_l, n_{l−1}). It is ∂L/∂W_l."""
    return dz[..., :, None] * a[..., None, :]


def layer_gradients_as_printed(layers, a, delta):
    """F3 and F4 and nothing else (E054): only the last layer's weights get a gradient, all others zeros.

    There is no formula that takes δ from layer to layer, and none for a bias.
    """
    *before, last = [(np.zeros_like(W), np.zeros_like(b)) for W, b in layers]
    return [*before, (delta_as_printed(delta, a[-1]).sum(-3), last[1])]


# --- ch. 5: the listing, word for word (E074–E100); strings, so that reading this module imports no torch ---

MNIST_DATA_LISTING = """\
import torchvision
import torchvision.transforms as transforms

transform = transforms.Compose([
    transforms.ToTensor(),
    transforms.Normalize((0.5,), (0.5,))
])

train_set = torchvision.datasets.MNIST(
    root='./data', train=True, download=True, transform=transform)
train_loader = torch.utils.data.DataLoader(
    train_set, batch_size=100, shuffle=True)

test_set = torchvision.datasets.MNIST(
    root='./data', train=False, download=True, transform=transform)
test_loader = torch.utils.data.DataLoader(
    test_set, batch_size=100, shuffle=False)
"""

MNIST_TRAINING_LISTING = """\
import torch
import torch.nn as nn
import torch.optim as optim

# Define the network structure
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(784, 256)  # 784 input features, 256 neurons
        self.fc2 = nn.Linear(256, 128)  # 256 neurons, 128 neurons
        self.fc3 = nn.Linear(128, 64)   # 128 neurons, 64 neurons
        self.fc4 = nn.Linear(64, 10)    # 64 neurons, 10 neurons

    def forward(self, x):
        x = x.view(-1, 784)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))
        x = self.fc4(x)
        return x

# Initialize the model, loss function, and optimizer
model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# Train the model
for epoch in range(10):  # loop over the dataset multiple times
    running_loss = 0.0
    for i, data in enumerate(train_loader, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f'Epoch {epoch + 1}, Loss: {running_loss / len(train_loader)}')

# Test the model
correct = 0
total = 0
with torch.no_grad():
    for data in test_loader:
        inputs, labels = data
        outputs = model(inputs)
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()

print(f'Accuracy of the network on the 10000 test images: {100 * correct / total} %')
"""


# --- ch. 2: concepts (E017, E018, E022) ---


def neuron_as_printed(w, x, sigma):
    """C2.2 as printed (E017): "weighted summation, and then … an activation function", without a bias."""
    return sigma(np.asarray(x) @ w)


def is_large_as_printed(parameters):
    """C2.3 as printed (E018): "millions to billions of parameters", read generously as 10⁶ to below 10¹⁰."""
    return 1e6 <= parameters < 1e10


CONCEPT_MAP_AS_PRINTED = (  # D1 (E022)
    "Deep Learning",
    "Neural Networks",
    "Large-scale Models",
    "Automatic Differentiation",
    "Training & Inference",
)


# --- ch. 9: scale (E134–E140) ---


def mean_of_shards(gradients, sizes):
    """Q1 without its all-reduce weights (E134): every shard counts the same, however few samples it has.

    Right for equal shards only; `scaling.average` is right for all.
    """
    return np.mean(gradients, axis=0)


# --- ch. 3 §3: inference (E042–E044, E093) ---


def prepare_as_drawn(values, normalise, encode):
    """D11 (E043): clean, normalise, encode. Only numbers can be normalised, and encoding makes them."""
    kept = [value for value in values if value is not None]  # the cleaning
    try:
        return encode(normalise(kept))
    except (TypeError, ValueError) as error:
        raise TypeError("words cannot be normalised: they are encoded only afterwards") from error


def answers_as_printed(z, threshold=0.5):
    """D13 (E044): "probability thresholding" of what the model puts out: logits, and any number of yeses.

    Parameters
    ----------
    z : array_like, shape (N, K)

    Returns
    -------
    bool array, shape (N, K)
    """
    return np.asarray(z) >= threshold


def read_as_printed(symbols, logits_of):
    """Inference as "predict the categories or labels" (E042): one forward pass, one label, no more."""
    return [int(np.argmax(logits_of(symbols)))]
