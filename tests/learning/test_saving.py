"""A model goes through a file unchanged, and every other file is refused with a sentence."""

import errno
import json
import math
import os
import pickle
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from losslab.data import mnist, pixels
from losslab.learning import saving

KEY = saving.KEY
TRANSFORM = pixels.Transform(0.1 + 0.2, 1 / 3, (28, 28), ("no", "yes"))


def net(width=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.BatchNorm1d(width), nn.Linear(width, 2))
    for p in model.parameters():
        nn.init.normal_(p, generator=generator)
    return model


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.safetensors"
    saving.save(path, net(), TRANSFORM)
    return path


def test_the_round_trip_is_exact(file):
    other = net(seed=1)
    transform = saving.load(file, other)
    assert transform == TRANSFORM
    assert type(transform) is pixels.Transform
    assert type(transform.shape) is type(transform.classes) is tuple
    saved = net().state_dict()
    for name, tensor in other.state_dict().items():
        torch.testing.assert_close(tensor, saved[name], rtol=0, atol=0)
    images = mnist.load("sample").test_images[:9]
    want = net().eval()(TRANSFORM(images))
    torch.testing.assert_close(other.eval()(transform(images)), want, rtol=0, atol=0)


def test_the_transform_is_that_of_the_training():
    images = mnist.load("sample").test_images[:9]
    mean, std = pixels.mean_std(images)
    want = pixels.standardise(images, mean, std)
    got = pixels.Transform(mean, std, (28, 28), ())(images)
    torch.testing.assert_close(got, want, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (torch.zeros(2, 28, 28), "torch.float32 of shape (2, 28, 28)"),
        (torch.zeros(2, 32, 32, dtype=torch.uint8), "torch.uint8 of shape (2, 32, 32)"),
        (torch.zeros(28, 28, dtype=torch.uint8), "torch.uint8 of shape (28, 28)"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), "torch.uint8 of shape (2, 1, 28, 28)"),
    ],
)
def test_the_transform_refuses_other_images(images, got):
    with pytest.raises(ValueError, match=re.escape(f"must be torch.uint8 of shape (N, 28, 28), got {got}")):
        TRANSFORM(images)


def test_an_old_file_is_replaced_and_nothing_else_is_left(file):
    saving.save(file, net(seed=5), TRANSFORM)
    other = net()
    saving.load(file, other)
    torch.testing.assert_close(other[1].weight, net(seed=5)[1].weight, rtol=0, atol=0)
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_save_leaves_the_old_file(file):
    before = file.read_bytes()
    bad = TRANSFORM._replace(std=0.0)
    with pytest.raises(saving.ModelFileError, match="makes no sense"):
        saving.save(file, net(seed=5), bad)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("model", "transform", "words"),
    [
        (net(), (0.1, 0.3), r"needs a Transform to be saved with its model, got (0.1, 0.3)"),
        (net(), TRANSFORM._replace(mean=torch.tensor(0.1)), "no readable transform"),
        (nn.Linear(2, 1).requires_grad_(False), TRANSFORM, "weight holds NaN or infinity"),
    ],
)
def test_what_load_would_refuse_is_not_saved(model, transform, words, tmp_path):
    if "NaN" in words:
        model.weight.fill_(math.nan)
    with pytest.raises(saving.ModelFileError, match=re.escape(words)):
        saving.save(tmp_path / "net", model, transform)
    assert list(tmp_path.iterdir()) == []


def test_a_file_reaches_the_disk_before_it_takes_the_place_of_the_old_one(file, monkeypatch):
    """Or a machine that loses its power may be left with neither."""
    calls = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, n=name, call=call: (calls.append(n), call(*args)))
    saving.save(file, net(seed=5), TRANSFORM)
    assert calls[:2] == ["fsync", "replace"]


def test_a_full_disk_leaves_the_old_file_alone(file, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = file.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        saving.save(file, net(seed=5), TRANSFORM)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_columns_out_of_order_are_saved_as_they_are(tmp_path):
    model = nn.Linear(3, 2)
    model.weight = nn.Parameter(torch.arange(6.0).reshape(3, 2).T)  # not contiguous
    saving.save(tmp_path / "net", model, TRANSFORM)
    other = nn.Linear(3, 2)
    saving.load(tmp_path / "net", other)
    torch.testing.assert_close(other.weight, model.weight, rtol=0, atol=0)


def write(file, weights=None, **transform):
    known = TRANSFORM._asdict() | transform
    save_file(weights or net().state_dict(), file, metadata={KEY: json.dumps(known)})


def without(weights, name):
    return {k: v for k, v in weights.items() if k != name}


STATE = net().state_dict()
REFUSED = {  # what is done to the file, what the sentence says
    "cut short": (lambda f: f.write_bytes(f.read_bytes()[:-1]), "damaged or no safetensors file"),
    "empty": (lambda f: f.write_bytes(b""), "damaged or no safetensors file"),
    "a pickle": (lambda f: f.write_bytes(pickle.dumps({"a": 1})), "damaged or no safetensors file"),
    "torch.save": (lambda f: torch.save(STATE, f), "damaged or no safetensors file"),
    "missing": (lambda f: f.unlink(), "does not exist"),
    "no metadata": (lambda f: save_file(STATE, f), "weights without their transform"),
    "no json": (lambda f: save_file(STATE, f, metadata={KEY: "mean"}), "no readable transform"),
    "json of a list": (lambda f: save_file(STATE, f, metadata={KEY: "[]"}), "no readable transform"),
    "no std": (lambda f: save_file(STATE, f, metadata={KEY: '{"mean": 0}'}), "(KeyError: 'std')"),
    "mean is a word": (lambda f: write(f, mean="0.1"), "no readable transform"),
    "mean is infinite": (lambda f: write(f, mean=math.inf), "makes no sense"),
    "std is NaN": (lambda f: write(f, std=math.nan), "makes no sense"),
    "std is infinite": (lambda f: write(f, std=math.inf), "makes no sense"),
    "std is 0": (lambda f: write(f, std=0), "makes no sense"),
    "an empty axis": (lambda f: write(f, shape=(28, 0)), "makes no sense"),
    "numbers for names": (lambda f: write(f, classes=(0, 1)), "makes no sense"),
    "a layer less": (lambda f: write(f, without(STATE, "3.bias")), "lacks 3.bias: a partial file"),
    "a layer more": (lambda f: write(f, STATE | {"4.bias": torch.ones(1)}), "holds 4.bias, which the model"),
    "another width": (
        lambda f: write(f, net(width=5).state_dict()),
        "1.weight is (5, 784) torch.float32, the model needs (4, 784) torch.float32",
    ),
    "double precision": (
        lambda f: write(f, STATE | {"3.bias": STATE["3.bias"].double()}),
        "3.bias is (2,) torch.float64, the model needs (2,) torch.float32",
    ),
    "NaN": (lambda f: write(f, STATE | {"3.bias": torch.tensor([0.0, math.nan])}), "3.bias holds NaN"),
}


@pytest.mark.parametrize(("damage", "sentence"), REFUSED.values(), ids=REFUSED)
def test_any_other_file_is_refused_and_the_model_unchanged(file, damage, sentence):
    damage(file)
    model = net(seed=1)
    with pytest.raises(saving.ModelFileError, match=re.escape(sentence)) as raised:
        saving.load(file, model)
    assert str(file) in str(raised.value)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, net(seed=1).state_dict()[name], rtol=0, atol=0)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(saving.ModelFileError, match="damaged or no safetensors file"):
        saving.load(tmp_path, net())


def test_a_pickle_could_run_code_and_is_not_even_read(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the file's code was run",))

    file = tmp_path / "trap"
    file.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(saving.ModelFileError):
        saving.load(file, net())
