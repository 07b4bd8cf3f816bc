"""The whole right program of chapter 7: it runs, repeats, and saves what it needs."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from losslab.data import mnist
from losslab.formulas import intervals

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def program(notebook):
    (cell,) = [cell for cell in notebook.cells if cell.id == "program-text"]
    names = {"math": math, "torch": torch, "nn": nn, "cross_entropy": cross_entropy}
    exec(cell.source, names)
    return names["program"]


def run(program, file, seed=0):
    with torch.random.fork_rng():
        return program(mnist.load("sample"), 2, seed, "cpu", file)


def test_the_same_seed_gives_the_same_program_another_seed_another(program, tmp_path):
    scores = [run(program, tmp_path / f"{k}.pt", seed) for k, seed in enumerate((0, 0, 1))]
    weights = [torch.load(tmp_path / f"{k}.pt", weights_only=True)["weights"]["0.weight"] for k in range(3)]
    assert scores[0] == scores[1] > 0.85
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_it_prints_wilsons_interval_of_the_images_that_it_counted(program, tmp_path, capsys):
    share = run(program, tmp_path / "net.pt")
    low, high = intervals.wilson(round(1000 * share), 1000)
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"{share:.2%} of 1,000 test images read right (95 % interval {low:.2%} to {high:.2%})"


def test_it_saves_the_constants_of_its_training_images(program, tmp_path, capsys):
    run(program, tmp_path / "net.pt")
    saved = torch.load(tmp_path / "net.pt", weights_only=True)
    assert saved["mean"] == pytest.approx(0.131, abs=0.002)
    assert saved["std"] == pytest.approx(0.308, abs=0.002)


def test_its_numbers_are_the_numbers_of_the_list_below_it(notebook):
    text = {cell.id: cell.source for cell in notebook.cells}
    marked = {line.rpartition("# ")[2] for line in text["program-text"].splitlines() if "  # " in line}
    listed = [line.partition(".")[0] for line in text["program-why"].splitlines() if line[:1].isdigit()]
    assert marked == set(listed)
    assert listed == [str(n) for n in range(1, len(listed) + 1)]
