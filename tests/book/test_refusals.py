"""What would give a wrong result or an obscure error is refused at once, in one sentence.

The core (losses, gradients, inference, surfaces, trajectories) has such tables in its own tests.
"""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import DataLoader

from losslab.data import augment, elements, pixels
from losslab.figures import artists
from losslab.formulas import attribution, costs, losses, regression
from losslab.learning import autodiff, cuda_graph, history, profiling, timing, training

pytestmark = pytest.mark.trains

IMAGES = torch.randn(20, 2, 3, generator=torch.Generator().manual_seed(0))
LABELS = IMAGES.flatten(1)[:, :3].argmax(1)
PIXELS = torch.zeros(2, 28, 28, dtype=torch.uint8)
SETS = {"validation": (IMAGES, LABELS)}
COUNT = "must be a whole number from 1, got"


def net(*more):
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 3), *more)


def fit(model=None, **knobs):
    return training.fit(model or net(), IMAGES, LABELS, **{"epochs": 1, "progress": False} | knobs)


def ax():
    return Figure().subplots()


def total(x):
    return np.sum(x, -1)


FIT = [
    ({"epochs": 0}, f"epochs {COUNT} 0"),
    ({"epochs": "ten"}, f"epochs {COUNT} 'ten'"),
    ({"epochs": 2.5}, f"epochs {COUNT} 2.5"),
    ({"epochs": True}, f"epochs {COUNT} True"),
    ({"batch_size": 0}, f"batch_size {COUNT} 0"),
    ({"batch_size": -1}, f"batch_size {COUNT} -1"),
    ({"lr": 0}, "lr must be a positive number, got 0"),
    ({"lr": -0.1}, "lr must be a positive number, got -0.1"),
    ({"lr": math.nan}, "lr must be a positive number, got nan"),
    ({"lr": math.inf}, "lr must be a positive number, got inf"),
    ({"lr": "0.1"}, "lr must be a positive number, got '0.1'"),
    (
        {"schedule": lambda s: -s},
        "schedule must give factors from 0, got the learning rate -0.0005 at step 1",
    ),
    (
        {"schedule": lambda s: math.nan},
        "schedule must give factors from 0, got the learning rate nan at step 1",
    ),
    ({"patience": 0, "watch": SETS, "keep": ("validation", "loss")}, f"patience {COUNT} 0"),
    ({"patience": math.nan, "watch": SETS, "keep": ("validation", "loss")}, f"patience {COUNT} nan"),
    ({"keep": "loss"}, 'keep must be a watched set and "loss" or "accuracy", got \'loss\' of []'),
    ({"keep": ()}, 'keep must be a watched set and "loss" or "accuracy", got () of []'),
    ({"generator": 0}, "generator must be a torch.Generator, not its seed, got 0"),
    ({"average": 0.9}, "average must be an AveragedModel of the network, got 0.9"),
    ({"checkpoint": "run"}, "checkpoint must be a checkpoints.Folder, got 'run'"),
    ({"model": nn.Flatten()}, "the model must have parameters, got Flatten(start_dim=1, end_dim=-1)"),
    ({"model": net(nn.Flatten(0))}, "the model must give logits (N, K), got (3,) for one image"),
]
CASES = [
    *[(partial(fit, **knobs), words) for knobs, words in FIT],
    (lambda: next(training.shuffled(IMAGES, LABELS, 0)), f"batch_size {COUNT} 0"),
    (lambda: training.predict(net(), IMAGES, chunk=0), f"chunk {COUNT} 0"),
    (
        lambda: pixels.mean_std(PIXELS / 255),
        "images must be uint8 pixels, got torch.float32: standardised bef",
    ),
    (lambda: pixels.mean_std(PIXELS[:0]), "there must be images, got shape (0, 28, 28)"),
    (
        lambda: pixels.standardise(PIXELS, math.nan, 1),
        "mean must be finite and std must be positive, got nan and",
    ),
    (
        lambda: pixels.standardise(PIXELS, 0, math.inf),
        "mean must be finite and std must be positive, got 0 and i",
    ),
    (lambda: training.one_cycle(1.5), "progress must be from 0 to 1 and warmup below 1, got 1.5 and 0.3"),
    (lambda: training.one_cycle(1, warmup=1), "progress must be from 0 to 1 and warmup below 1, got 1 and 1"),
    (
        lambda: history.History().best("test", "loss"),
        'there must be "loss" or "accuracy" of a set with scores, []',
    ),
    (
        lambda: fit(watch=SETS).best("validation", "error"),
        "with scores, ['validation'], got 'error' of 'validation'",
    ),
    (lambda: cuda_graph.Graph(0), "steps must be a whole number from 1, got 0"),
    (lambda: cuda_graph.Graph(2.0), "steps must be a whole number from 1, got 2.0"),
    (lambda: pixels.Transform(0.1, 0, (28, 28), ())(PIXELS), "std must be positive, got 0"),
    (
        lambda: augment.affine(PIXELS),
        "images must be floats (N, height, width), got torch.uint8 (2, 28, 28)",
    ),
    (
        lambda: augment.affine(IMAGES[:, None]),
        "images must be floats (N, height, width), got torch.float32 (20",
    ),
    (lambda: augment.affine(IMAGES, zoom=1), "zoom must be from 0 to below 1, got 1"),
    (lambda: augment.affine(IMAGES, zoom=-0.1), "zoom must be from 0 to below 1, got -0.1"),
    (lambda: timing.take_turns({"a": int}, rounds=0), "rounds must be 1 or more, got 0"),
    (lambda: timing.race({}), "functions must be a dict of one or more, got none"),
    (lambda: profiling.spans(int, warmup=-1), "warmup must be 0 or more, got -1"),
    (
        lambda: autodiff.operations(3.0),
        "nothing was recorded: no input requires a gradient, or autograd was off",
    ),
    (lambda: elements.decode([1, -1]), "symbols must be in 0..26, got [-1]"),
    (lambda: elements.one_hot([27, 1]), "symbols must be in 0..26, got [27]"),
    (lambda: elements.pairs("iron"), "names must be a list of names, got 'iron'"),
    (lambda: elements.pairs([]), "names must be a list of names, got []"),
    (lambda: regression.curvature([1.0, 2.0]), "X must be (N, d), got (2,)"),
    (lambda: regression.lr_limit(np.ones((0, 2))), "X must be (N, d), got (0, 2)"),
    (
        lambda: regression.solve(np.ones((3, 2)), np.ones((3, 1))),
        "X must be (N, d) and y (N,), got (3, 2) and (3, 1)",
    ),
    (lambda: costs.train_days(1e20, 0, 1e12), "devices must be 1 or more, got 0"),
    (lambda: costs.train_days(1e20, 8, -1), "rate must be positive, got -1"),
    (lambda: costs.train_energy(1, 8, watts=400, overhead=0.1), "overhead must be 1 or more, got 0.1"),
    (lambda: costs.speedup(8, 5), "serial must be a share from 0 to 1, got 5"),
    (lambda: costs.efficiency(0, 0.5), "devices must be 1 or more, got 0"),
    (lambda: costs.average_gradient([[1.0], [2.0]], [0, 0]), "sizes must be numbers of samples, got [0. 0.]"),
    (
        lambda: costs.average_gradient([[1.0], [2.0]], [3, -1]),
        "sizes must be numbers of samples, got [ 3. -1.]",
    ),
    (lambda: costs.dealt_error([3, 0], 1.0), "sizes must be positive numbers of samples, got [3. 0.]"),
    (lambda: costs.ring_bytes(100, 0), "devices must be 1 or more, got 0"),
    (
        lambda: costs.ring_all_reduce(np.ones((3, 4))),
        "arrays must be (n, P), P a multiple of n, got (3, 4)",
    ),
    (lambda: costs.ring_all_reduce(np.ones(4)), "arrays must be (n, P), P a multiple of n, got (4,)"),
    (
        lambda: costs.train_memory(1e9, precision="fp16"),
        "precision must be one of ['fp32', 'mixed'], got 'fp16'",
    ),
    (lambda: costs.train_memory(1e9, 0), "devices must be 1 or more, got 0"),
    (
        lambda: attribution.shapley(total, np.ones((2, 3)), np.zeros((2, 3))),
        "x and baseline must be (n,), got (2, 3)",
    ),
    (
        lambda: attribution.shapley(total, np.ones(3), np.zeros(2)),
        "x and baseline must be (n,), got (3,) and (2,)",
    ),
    (
        lambda: attribution.shapley(total, np.ones(21), np.zeros(21)),
        "2ⁿ subsets are too many for n = 21 inputs, 20",
    ),
    (
        lambda: attribution.sampled_shapley(total, np.ones(2), np.zeros(2), [[0, 1]]),
        "orders must be two or more perm",
    ),
    (
        lambda: attribution.sampled_shapley(total, np.ones(2), np.zeros(2), [[0, 1], [0, 0]]),
        "permutations of 0..1, got",
    ),
    (
        lambda: attribution.occlusion(total, np.ones(2), np.zeros(3)),
        "x and baseline must be (n,), got (2,) and (3,)",
    ),
    (
        lambda: attribution.deletion(total, np.ones(3), np.zeros(3), [0, 1, 1]),
        "order must be a permutation of 0..2, got [0, 1, 1]",
    ),
    (
        lambda: attribution.lime(total, np.ones(3), np.zeros(3), np.ones((4, 2), bool)),
        "on must be (m, 3) and width positive, got (4, 2) and 0.25",
    ),
    (
        lambda: attribution.lime(total, np.ones(3), np.zeros(3), np.ones((4, 3), bool), width=0),
        "on must be (m, 3) and width positive, got (4, 3) and 0",
    ),
    (
        lambda: attribution.rank_correlation([1, 2], [1, 2, 3]),
        "equally many values, two or more, got 2 and 3",
    ),
    (
        lambda: artists.paths(ax(), {"GD": np.ones((2, 9))}),
        "a path must be (steps + 1, 2), got (2, 9) of 'GD'",
    ),
    (
        lambda: losses.mse(torch.ones(2, requires_grad=True), [1.0, 1.0]),
        "the formulas compute with NumPy and record no gradients, got a tensor that requires one: pass "
        "x.detach(), or use torch.nn.functional",
    ),
    (
        lambda: training.fit(net(), DataLoader(IMAGES), None, epochs=1),
        "images and labels must be tensors in memory, got DataLoader and NoneType: what a DataLoader yields "
        "is for a loop of your own around `training.step` (docs/use.md shows it)",
    ),
    (
        lambda: fit(optimizer="SGD"),
        "optimizer must make one from parameters and lr=, such as torch.optim.SGD or "
        "partial(torch.optim.SGD, momentum=0.9), got 'SGD'",
    ),
    (lambda: artists.digits(ax(), []), "images must be (N, height, width), got (0,)"),
    (lambda: artists.digits(ax(), np.ones((28, 28))), "images must be (N, height, width), got (28, 28)"),
    (lambda: artists.digits(ax(), np.ones((2, 8, 8)), "a"), "captions must be one per image, got 1 for 2"),
    (lambda: artists.confusion(ax(), np.ones((2, 3))), "counts must be (K, K), got (2, 3)"),
    (lambda: artists.class_bars(ax(), [1, 2, 3], -1), "truth must be a class in 0..2, got -1"),
]


@pytest.mark.parametrize(("call", "words"), CASES, ids=[words for _, words in CASES])
def test_it_is_refused_in_one_sentence(call, words):
    with pytest.raises((ValueError, TypeError), match=re.escape(words)) as caught:
        call()
    assert len(str(caught.value).splitlines()) <= 2  # a matrix may take a second line


@pytest.mark.parametrize("knobs", [knobs for knobs, _ in FIT if "model" not in knobs])
def test_a_training_that_is_refused_has_changed_nothing(knobs):
    model = net().eval()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises((ValueError, TypeError)):
        fit(model, **knobs)
    torch.testing.assert_close([*model.parameters()], before, rtol=0, atol=0)
    assert not model.training


def test_numbers_of_numpy_are_numbers():
    knobs = {"epochs": np.int64(2), "batch_size": np.int32(10), "lr": np.float32(0.01)}
    assert len(fit(**knobs, patience=np.int64(1), watch=SETS, keep=("validation", "loss")).running) in (1, 2)
