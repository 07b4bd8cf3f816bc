"""A chapter refuses in its first cells what would stop it, or change its meaning, after an hour."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import torch

from losslab.book import parameters

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"data": "ful"}, "data must be 'sample' or 'full', got 'ful'"),
        ({"data": ["full"]}, "data must be 'sample' or 'full', got ['full']"),
        ({"epochs": "ten"}, "epochs must be a whole number from 1, got 'ten'"),
        ({"epochs": 0}, "epochs must be a whole number from 1, got 0"),
        ({"epochs": 2.0}, "epochs must be a whole number from 1, got 2.0"),
        ({"epochs": True}, "epochs must be a whole number from 1, got True"),
        ({"seed": "x"}, "seed must be a whole number from 0 to 2**63 - 3, got 'x'"),
        ({"seed": -1}, "seed must be a whole number from 0 to 2**63 - 3, got -1"),
        ({"seed": 2**63}, f"seed must be a whole number from 0 to 2**63 - 3, got {2**63}"),
        ({"device": "cuda"}, "device must be one that this machine has, ['auto', 'cpu'], got 'cuda'"),
        ({"device": "gpu"}, "device must be one that this machine has, ['auto', 'cpu'], got 'gpu'"),
    ],
)
def test_what_a_chapter_cannot_do_is_refused(asked, words, monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        parameters.judge(**asked)


def test_an_accelerator_that_is_there_can_be_asked_for(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    for device in ("auto", "cpu", "cuda", "cuda:1"):
        parameters.judge(device=device)
    for device in ("mps", "cuda:2"):
        with pytest.raises(ValueError, match="device must be one that this machine has"):
            parameters.judge(device=device)


def tagged():
    """Return (notebook, its parameters cell, the cells after it) of every notebook that takes parameters."""
    for path in NOTEBOOKS:
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        for i, cell in enumerate(code):
            if "parameters" in cell.metadata.get("tags", []):
                yield path.stem, cell.source, [after.source for after in code[i + 1 :]]


TAGGED = [
    (stem, source, after, node.targets[0].id)
    for stem, source, after in tagged()
    for node in ast.parse(source).body
]


def test_there_are_chapters_with_parameters():
    assert "07_mnist" in {stem for stem, *_ in TAGGED}


@pytest.mark.parametrize(("stem", "source", "after", "name"), TAGGED, ids=[f"{t[0]}-{t[3]}" for t in TAGGED])
def test_every_parameter_of_every_chapter_is_judged_before_anything_is_done(stem, source, after, name):
    """By one of the two cells that follow; as it stands it passes, and as nonsense it does not."""
    (judge,) = [cell for cell in after[:2] if "parameters.judge(" in cell]
    values = {}
    exec(source, values)
    exec(judge, values)
    values[name] = "?"
    with pytest.raises(ValueError, match=rf"^{name} must be .* got '\?'$"):
        exec(judge, values)
