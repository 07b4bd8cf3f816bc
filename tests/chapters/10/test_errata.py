"""E134, E135, E139 and E140, scale: the article's claim fails the very fact that the correction satisfies."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from losslab.article import misprints
from losslab.formulas import costs, optim, races, surfaces
from losslab.learning import models
from losslab.parallel import worker

ROOT = Path(__file__).resolve().parents[3]
ARTICLE = ROOT.parent / "shared" / "article" / "article.md"


# --- E134: data parallelism needs an average, and the right one ---


def is_the_gradient_of_the_batch(mean, sizes):
    (x, y), _ = worker.digits("cpu", torch.float64)
    net = models.initialised(models.Net, torch.Generator().manual_seed(0)).double()

    def gradient(a, b):
        slopes = torch.autograd.grad(cross_entropy(net(x[a:b]), y[a:b]), list(net.parameters()))
        return torch.cat([slope.flatten() for slope in slopes]).numpy()

    ends = np.cumsum([0, *sizes])
    g = gradient(0, ends[-1])
    got = mean([gradient(a, b) for a, b in zip(ends, ends[1:], strict=False)], sizes)
    error = np.linalg.norm(got - g) / np.linalg.norm(g)
    assert error < 1e-14, error


def test_e134_unequal_shards_need_weights():
    unequal, equal = (300, 60, 30, 10), (100, 100, 100, 100)
    is_the_gradient_of_the_batch(costs.average_gradient, unequal)
    with pytest.raises(AssertionError):
        is_the_gradient_of_the_batch(misprints.mean_of_shards, unequal)
    for mean in (costs.average_gradient, misprints.mean_of_shards):
        is_the_gradient_of_the_batch(mean, equal)


def test_e134_some_models_fit_on_no_number_of_replicas():
    gpt3, room = 174.6e9, 80e9
    assert costs.train_memory(gpt3, 10**6, stage=0) > room  # the data are split, the model is not
    assert costs.train_memory(gpt3, 64, stage=3) < room


# --- E135: speed and efficiency are two things ---


def rises_with_the_devices(quantity):
    assert (np.diff(quantity(2.0 ** np.arange(11))) > 0).all()


@pytest.mark.parametrize("law", [costs.amdahl, costs.gustafson])
@pytest.mark.parametrize("share", [0.95, 0.99])
def test_e135_speed_rises_and_efficiency_falls(law, share):
    rises_with_the_devices(lambda G: law(G, share))
    with pytest.raises(AssertionError):
        rises_with_the_devices(lambda G: law(G, share) / G)
    assert law(2, share) / 2 < 1


def test_e135_figures():
    found = [[costs.amdahl(G, share) for G in (8, 64, 1024)] for share in (0.95, 0.99)]
    np.testing.assert_allclose(found, [[5.9, 15.4, 19.6], [7.5, 39.3, 91.2]], atol=0.05)


# --- E139: how long on what ---


def takes_days_to_weeks(days):
    assert 2 <= days <= 60


def test_e139_days_to_weeks_on_a_thousand_devices_only():
    flop = costs.train_flop(175e9, 300e9)
    np.testing.assert_allclose(flop, 3.15e23)
    takes_days_to_weeks(costs.train_days(flop, 1024, 140e12))
    for G, rate, years in [(1, 28e12, 356), (1, 140e12, 71), (8, 140e12, 8.9)]:
        days = costs.train_days(flop, G, rate)
        np.testing.assert_allclose(days / 365.25, years, rtol=0.01)
        with pytest.raises(AssertionError):
            takes_days_to_weeks(days)
    assert round(costs.train_days(flop * 8 / 6, 1024, 140e12), 1) == 33.9


# --- E140: Adam's steps ---

RULES = {"GD": optim.gd, "Momentum": optim.momentum, "Adam": optim.adam}
RAVINE = surfaces.quadratic((1.0, 100.0), start=(1.0, 1.0))
BOWL = surfaces.quadratic((8.0, 8.0), start=(-1.5, 0.0))  # the worked example: w − 1.5, λ = 8


@cache
def steps(name, surface):
    """Median steps of a rule that is tuned with the same effort as the others."""
    return races.tuned(RULES[name], surface, races.RANGES[name]).steps


def saves_half_of_the_steps(name, surface):
    assert steps(name, surface) < steps("GD", surface) / 2


def test_e140_adam_saves_steps_in_the_ravine_as_momentum_does_and_wastes_them_in_the_bowl():
    saves_half_of_the_steps("Adam", RAVINE)
    saves_half_of_the_steps("Momentum", RAVINE)  # with one array less
    with pytest.raises(AssertionError):
        saves_half_of_the_steps("Adam", BOWL)
    assert steps("GD", BOWL) < steps("Momentum", BOWL) < steps("Adam", BOWL)


def test_e140_adam_keeps_two_more_arrays():
    w = np.ones(5)
    kept = [sum(np.shape(part) == w.shape for part in rule(w, w, lr=0.1)) for rule in (optim.gd, optim.adam)]
    assert kept == [1, 3]


# --- the command lines that the chapter prints ---


def test_torchrun_understands_the_printed_commands(notebook):
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--help"], capture_output=True, text=True, timeout=120
    )
    documented = set(re.findall(r"--[a-z][a-z-]+", done.stdout.replace("_", "-")))
    from torch.distributed.run import parse_args

    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    commands = re.findall(r"^torchrun .+$", text, re.M)
    assert len(commands) == 2
    for command in commands:
        _, *words = shlex.split(command)
        at = words.index("-m")
        assert {word for word in words[:at] if word.startswith("--")} <= documented
        args = parse_args(words)
        assert (args.module, args.training_script) == (True, "losslab.parallel.worker")
        worker.parser().parse_args(args.training_script_args)
    many, one = (parse_args(shlex.split(command)[1:]) for command in commands)
    assert (many.nnodes, many.nproc_per_node, many.rdzv_backend) == ("2", "8", "c10d")
    assert (many.rdzv_endpoint, many.rdzv_id) == ("HOST:29500", "10")
    assert (one.standalone, one.nproc_per_node) == (True, "2")


# --- what the article does not say ---


def test_the_all_reduce_and_the_hardware_are_nowhere():
    if not ARTICLE.exists():
        pytest.skip("needs ../shared/article/article.md beside the repository")
    lines = ARTICLE.read_text(encoding="utf-8").splitlines()
    for line in (1433, 1464):
        assert not re.search(r"all-?reduce|averag|synchron|平均|同步|归约", lines[line - 1], re.I)
    for line in (1441, 1472):
        assert not re.search(r"\bGPU|V100|A100|TPU", lines[line - 1])
