"""E072–E102, the project's code: the printed form fails the very fact that the correction satisfies."""

import ast
import importlib.metadata
import inspect
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
import torchvision
from packaging.specifiers import SpecifierSet
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import v2

from losslab.article import listings
from losslab.data import mnist, pixels
from losslab.learning import models

pytestmark = pytest.mark.trains

FIRST, SECOND = listings.MNIST_DATA_LISTING, listings.MNIST_TRAINING_LISTING
DIGITS = mnist.load("sample")
IMAGES, LABELS = DIGITS.train_images[:1000], DIGITS.train_labels[:1000].long()
OUTPUTS = torch.tensor([[0.5, 2.0, -1.0], [-3.0, -4.0, -5.0]])


def seeded(make, seed=0):
    """Call `make` after torch was seeded, and leave the random state as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def listed_net():
    """The class Net of the listing."""
    names = {}
    exec("import torch\n" + SECOND.partition("# Initialize")[0], names)
    return names["Net"]


def loops():
    """The listing's training loops, (over epochs, over batches)."""
    outer = next(n for n in ast.walk(ast.parse(SECOND)) if isinstance(n, ast.For))
    return outer, next(n for n in outer.body if isinstance(n, ast.For))


def dropped():
    return seeded(lambda: nn.Sequential(nn.Linear(9, 9), nn.Dropout(0.5)))


def one_step(optimizer):
    """The weights after a step of an optimiser at the listing's rate."""
    net = seeded(models.Net)
    stepper = optimizer(net.parameters(), lr=0.001)
    cross_entropy(net(IMAGES[:100] / 255), LABELS[:100]).backward()
    stepper.step()
    return net.fc4.weight.detach()


def while_adam_runs(what):
    """What is seen of Adam over five steps on changing gradients: its rate, or the size of its step."""
    w = torch.zeros(1, requires_grad=True)
    stepper, seen = torch.optim.Adam([w], lr=0.001), []
    for g in (1.0, -2.0, 0.5, 3.0, 0.1):
        before, w.grad = w.item(), torch.tensor([g])
        stepper.step()
        seen.append({"rate": stepper.param_groups[0]["lr"], "step": abs(w.item() - before)}[what])
    return seen


def kept_for_backward(net, x):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.nbytes), lambda t: t):
        net(x)
    return sum(kept)


def multiplications(net, x):
    with FlopCounterMode(display=False) as counter:
        net(x)
    return counter.get_total_flops()


# --- the facts: each function asserts something that is true of the correction and false of the print ---


def runs_the_framework(python):
    for package in ("torch", "torchvision", "numpy"):
        assert python in SpecifierSet(importlib.metadata.metadata(package)["Requires-Python"])


def defines_every_name_it_uses(code):
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "--quiet", "-"]
    assert subprocess.run(command, input=code, text=True, capture_output=True).stdout == ""


def agrees_with_the_articles_definition(word, n):
    """Ch. 2: "millions to billions of parameters"."""
    assert (word == "large") == (n >= 1e6)


def gives_mean_0_and_deviation_1(mean, std):
    z = pixels.standardise(IMAGES, mean, std)
    np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-3)


def is_accepted_without_a_warning(make):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        transform = make()
    picture = torchvision.transforms.functional.to_pil_image(IMAGES[0])
    torch.testing.assert_close(torch.as_tensor(transform(picture)), IMAGES[:1] / 255)
    assert not said


def prepares_each_image_once(read_three_times):
    calls = []
    read_three_times(lambda picture: calls.append(1) or torch.zeros(1))
    assert len(calls) == 20


def through_the_loader(transform):
    data = torchvision.datasets.FakeData(20, (1, 2, 2), transform=transform)
    for _ in range(3):
        list(DataLoader(data, batch_size=5))


def before_the_loader(transform):
    data = torchvision.datasets.FakeData(20, (1, 2, 2))
    tensors = TensorDataset(torch.stack([transform(picture) for picture, _ in data]))
    for _ in range(3):
        list(DataLoader(tensors, batch_size=5))


def is_the_number_of_neurons_in_fc2(n):
    assert models.Net().fc2.bias.shape == (n,)


def keeps_the_number_of_images(reshape):
    assert len(reshape(torch.zeros(100, 3, 28, 28))) == 100


def goes_where_it_is_sent(start):
    net, x = start("meta")
    assert net.fc1.weight.device.type == x.device.type == "meta"


def repeats(draw):
    torch.testing.assert_close(draw().fc1.weight, draw().fc1.weight, rtol=0, atol=0)


def answers_the_same_twice(net):
    torch.testing.assert_close(net(torch.ones(1, 9)), net(torch.ones(1, 9)), rtol=0, atol=0)


def lets_no_wrong_slope_pass(door):
    x = torch.tensor(1.0, requires_grad=True)
    y = x**2
    inside = door(x)
    inside *= 100
    try:
        y.backward()
    except RuntimeError:
        return  # refused, aloud
    assert x.grad == 2


def counts_every_image_alike(mean):
    batches = [[1.0, 1.0, 1.0], [5.0]]
    np.testing.assert_allclose(mean(batches), np.mean(sum(batches, [])))


def gives_no_credit_for_the_laziest_guess(score):
    labels = torch.tensor([0] * 9 + [3])
    assert score(torch.zeros(10), labels) < 0.1


def says_how_many_images_there_were(message):
    assert message(9, 10).split("on the ")[1].startswith("10 ")


def is_the_step_of_the_listing(optimizer):
    names = {"optim": torch.optim, "model": models.Net()}
    exec(next(line for line in SECOND.splitlines() if line.startswith("optimizer =")), names)
    torch.testing.assert_close(one_step(type(names["optimizer"])), one_step(optimizer))


def is_saved_by_no_grad(measure):
    net, x = models.Net(), IMAGES[:10] / 255
    with_gradients = measure(net, x)
    with torch.no_grad():
        assert measure(net, x) < with_gradients


def can_be_asked_when_the_program_has_ended(finish, tmp_path):
    net, x = models.Net(), IMAGES[:5] / 255
    finish(net, tmp_path)
    later = models.Net()
    assert list(tmp_path.iterdir())
    later.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    torch.testing.assert_close(later(x), net(x))


def contains_adam(module):
    classes = [thing for thing in vars(module).values() if inspect.isclass(thing)]
    assert torch.optim.Adam in classes


def applies_relu(function):
    assert "relu" in function.__code__.co_names


def prints_the_loss(loop):
    calls = [ast.unparse(s.value.func) for s in loop.body if isinstance(s, ast.Expr)]
    assert "print" in calls


def are_the_numbers_of_classes(predicted):
    assert predicted.tolist() == [1, 0]


def changes_from_step_to_step(seen):
    assert len(set(seen)) == len(seen)


def is_recorded_by_autograd(made):
    assert made.grad_fn is not None


def accuracy(predicted, labels):
    return (predicted == labels).float().mean()


def against_the_laziest_guess(predicted, labels):
    return accuracy(predicted, labels) - labels.bincount().max() / len(labels)


def as_printed(correct, total):
    (line,) = (line for line in SECOND.splitlines() if "10000" in line)
    return eval(line.removeprefix("print"), {"correct": correct, "total": total})


PARAMETERS = sum(p.numel() for p in models.Net().parameters())
PYTHON = ".".join(map(str, sys.version_info[:3]))
FACTS = {  # id: fact, its arguments as printed, its arguments corrected
    "E072": (runs_the_framework, ["3.6"], [PYTHON]),
    "E074": (defines_every_name_it_uses, [FIRST], ["import torch\n" + FIRST]),
    "E076": (agrees_with_the_articles_definition, ["large", PARAMETERS], ["small", PARAMETERS]),
    "E077": (gives_mean_0_and_deviation_1, [0.5, 0.5], pixels.mean_std(IMAGES)),
    "E078": (
        is_accepted_without_a_warning,
        [v2.ToTensor],
        [lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])],
    ),
    "E079": (prepares_each_image_once, [through_the_loader], [before_the_loader]),
    "E080": (defines_every_name_it_uses, [SECOND], ["import torch\n" + FIRST + SECOND]),
    "E081": (is_the_number_of_neurons_in_fc2, [256], [128]),
    "E083": (keeps_the_number_of_images, [lambda x: x.view(-1, 784)], [lambda x: x.flatten(1)]),
    "E084": (
        goes_where_it_is_sent,
        [lambda device: (models.Net(), IMAGES)],
        [lambda device: (models.Net().to(device), IMAGES.to(device))],
    ),
    "E085": (repeats, [models.Net], [lambda: seeded(models.Net)]),
    "E086": (answers_the_same_twice, [dropped()], [dropped().eval()]),
    "E087": (lets_no_wrong_slope_pass, [lambda x: x.data], [torch.Tensor.detach]),
    "E088": (
        counts_every_image_alike,
        [lambda batches: np.mean([np.mean(b) for b in batches])],
        [lambda batches: np.average([np.mean(b) for b in batches], weights=[len(b) for b in batches])],
    ),
    "E089": (gives_no_credit_for_the_laziest_guess, [accuracy], [against_the_laziest_guess]),
    "E090": (
        says_how_many_images_there_were,
        [as_printed],
        [lambda correct, total: f"{correct / total:.0%} on the {total} test images"],
    ),
    "E091": (is_the_step_of_the_listing, [torch.optim.SGD], [torch.optim.Adam]),
    "E092": (is_saved_by_no_grad, [multiplications], [kept_for_backward]),
    "E093": (
        can_be_asked_when_the_program_has_ended,
        [lambda net, folder: None],
        [lambda net, folder: torch.save(net.state_dict(), folder / "net.pt")],
    ),
    "E096": (contains_adam, [torch.nn], [torch.optim]),
    "E097": (applies_relu, [listed_net().__init__], [listed_net().forward]),
    "E098": (prints_the_loss, [loops()[1]], [loops()[0]]),
    "E099": (are_the_numbers_of_classes, [torch.max(OUTPUTS, 1)[0]], [OUTPUTS.argmax(1)]),
    "E100": (changes_from_step_to_step, [while_adam_runs("rate")], [while_adam_runs("step")]),
    "E102": (is_recorded_by_autograd, [IMAGES[:1] / 255], [models.Net()(IMAGES[:1] / 255)]),
}


def test_the_listing_prints_ten_losses_for_six_thousand_iterations():
    outer, inner = loops()
    assert ast.unparse(outer.iter) == "range(10)"
    assert ast.unparse(inner.iter) == "enumerate(train_loader, 0)"
    assert len(range(10)) * (60_000 // int(re.search(r"batch_size=(\d+)", FIRST)[1])) == 6000


def test_a_batch_keeps_664_004_bytes():
    """What the errata counted: activations, weights and input of a batch of 100, with the labels' loss."""
    net, x = models.Net(), torch.rand(100, 28, 28)
    kept = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: None):
        cross_entropy(net(x), torch.arange(100) % 10)
    assert sum(tensor.nbytes for tensor in kept.values()) == 664_004
