"""Trainings that are killed, really, go on as if nothing had happened; damaged files and other trainings."""

import json
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from losslab.data import augment
from losslab.learning import checkpoints, training

pytestmark = pytest.mark.trains

KILLED = Path(__file__).with_name("killed_trainings.py")
TENSORS = {"model/0.weight": torch.arange(6.0).view(2, 3), "random/torch": torch.arange(8, dtype=torch.uint8)}
IMAGES = torch.randn(60, 2, 3, generator=torch.Generator().manual_seed(7))
LABELS = IMAGES.flatten(1)[:, :3].argmax(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("when", ["at_random", "at_every_call"])
def test_a_training_that_is_killed_ends_as_if_it_had_never_been(when, tmp_path):
    command = [sys.executable, str(KILLED), str(tmp_path), when]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


# --- the files ---


def files(path):
    return sorted(file.name for file in path.iterdir())


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(ValueError, match=r"checkpoints need a folder that can be written to, got .*run$"):
        checkpoints.Folder(tmp_path / "run")


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    facts = {"settings": {"batch_size": 10}, "history": {"steps": [0.1 + 0.2, 1e-300], "scores": {"a": []}}}
    checkpoints.write(tmp_path / "new" / "folder", 3, TENSORS, facts)
    tensors, found = checkpoints.read(tmp_path / "new" / "folder")
    assert {name: (t.dtype, t.tolist()) for name, t in tensors.items()} == {
        name: (t.dtype, t.tolist()) for name, t in TENSORS.items()
    }
    assert {key: found[key] for key in facts} == facts
    assert found["epoch"] == 3


def test_the_last_two_are_kept_and_what_was_left_unfinished_goes(tmp_path):
    for name in ("unfinished-epoch-00001.safetensors", "epoch-00001.safetensors", "notes.txt"):
        (tmp_path / name).touch()
    for epoch in (9, 10, 11):
        checkpoints.write(tmp_path, epoch, TENSORS, {})
    assert files(tmp_path) == ["epoch-00010.safetensors", "epoch-00011.safetensors", "notes.txt"]


def test_nothing_saved_is_nothing_read(tmp_path):
    assert checkpoints.read(tmp_path / "missing") is None
    (tmp_path / "unfinished-epoch-00001.safetensors").touch()  # killed before it had its name
    assert checkpoints.read(tmp_path) is None


def garble(file):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


def without_facts(file):
    tensors = safetensors.torch.load_file(file)
    safetensors.torch.save_file(tensors, file, metadata={"somebody": "else's"})


def without_hash(file):
    tensors = safetensors.torch.load_file(file)
    safetensors.torch.save_file(tensors, file, metadata={checkpoints.KEY: "{}"})


DAMAGE = {
    "one bit of the tensors": (garble, "not those that were saved"),
    "half of the file": (lambda file: os.truncate(file, file.stat().st_size // 2), "header"),
    "an empty file": (lambda file: os.truncate(file, 0), "header"),
    "no facts": (without_facts, "losslab.training"),
    "no hash": (without_hash, "sha256"),
    "another's file": (
        lambda file: file.write_bytes(file.with_stem("epoch-00001").read_bytes()),
        "this is the checkpoint of epoch 1",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_leads_back_to_the_checkpoint_before_and_twice_to_a_sentence(what, tmp_path):
    damage, words = DAMAGE[what]
    for epoch in (1, 2):
        checkpoints.write(tmp_path, epoch, TENSORS, {"history": epoch})
    damage(tmp_path / "epoch-00002.safetensors")
    assert checkpoints.read(tmp_path)[1]["history"] == 1
    (tmp_path / "epoch-00001.safetensors").unlink()
    with pytest.raises(ValueError, match=rf"no checkpoint in .* is complete \(epoch-00002: .*({words})"):
        checkpoints.read(tmp_path)


def test_weights_are_numbers_and_words_are_words(tmp_path):
    """No pickle: the file cannot hold anything that runs."""
    train(tmp_path)
    content = (tmp_path / "epoch-00002.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    facts = json.loads(header.pop("__metadata__")[checkpoints.KEY])
    assert {value["dtype"] for value in header.values()} == {"F32", "U8"}
    assert set(facts) == {"epoch", "sha256", "settings", "rates", "history"}


# --- the training it belongs to ---


def net(hidden=8, activation=nn.ReLU):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, hidden), activation(), nn.Linear(hidden, 3))


def train(path, model=None, images=IMAGES, labels=LABELS, average=None, **knobs):
    model = model or net()
    average = average and AveragedModel(model, **average)
    knobs = {"epochs": 2, "batch_size": 10, "watch": {"all": (IMAGES, LABELS)}, "progress": False} | knobs
    return training.fit(model, images, labels, checkpoint=checkpoints.Folder(path), average=average, **knobs)


class Times:
    """A transform with a number in it."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x, generator):
        return x * self.factor

    def again(self, x, generator):
        return self(self(x, generator), generator)


def ema(decay):
    return {"multi_avg_fn": get_ema_multi_avg_fn(decay)}


def halved(at):
    """Schedules that begin and end alike."""
    return lambda progress: 1.0 if progress < at else 0.5


def seeded():
    return torch.Generator().manual_seed(0)


def turned(degrees):
    return partial(augment.affine, degrees=degrees)


ONE_WRONG = torch.cat([LABELS[:59], (LABELS[59:] + 1) % 3])
OTHERS = {  # what was asked for first, what is asked for then, and what the sentence says
    "batch_size": ({}, {"batch_size": 20}, "batch_size was 10, is 20"),
    "lr": ({}, {"lr": 0.01}, "learning rate was 12 steps .first, highest, last: 0.001, 0.001, 0.001"),
    "schedule": ({}, {"schedule": training.one_cycle}, "the learning rate"),
    "shape of the schedule": ({"schedule": halved(0.3)}, {"schedule": halved(0.6)}, "the learning rate was"),
    "a schedule over more epochs": (
        {"schedule": training.one_cycle},
        {"schedule": training.one_cycle, "epochs": 3},
        "only under a constant schedule can a training have more epochs than it began with",
    ),
    "an optimizer": ({}, {"optimizer": torch.optim.SGD}, 'optimizer was "Adam .* is "SGD'),
    "its momentum": (
        {"optimizer": torch.optim.SGD},
        {"optimizer": partial(torch.optim.SGD, momentum=0.9)},
        "optimizer was .*'momentum': 0.* is .*'momentum': 0.9",
    ),
    "a loss": ({}, {"loss": nn.MultiMarginLoss()}, "loss was .*cross_entropy.* is .*MultiMarginLoss"),
    "its smoothing": (
        {"loss": partial(cross_entropy, label_smoothing=0.1)},
        {"loss": partial(cross_entropy, label_smoothing=0.2)},
        "loss was .*label_smoothing=0.1.* is .*label_smoothing=0.2",
    ),
    "watch": ({}, {"watch": {}}, r"watch was \['all'\], is \[\]"),
    "keep": ({}, {"keep": ("all", "loss")}, r"keep was None, is \['all', 'loss'\]"),
    "images": ({}, {"images": IMAGES * 1.0001}, r"the training set was '\(60, 2, 3\) torch.float32, SHA"),
    "half of the images": ({}, {"images": IMAGES[:30], "labels": LABELS[:30]}, "the training set was"),
    "one label": ({}, {"labels": ONE_WRONG}, "the training set was '.*labels .60,. torch.int64, SHA"),
    "watched images": ({}, {"watch": {"all": (-IMAGES, LABELS)}}, "watched 'all' was"),
    "a transform": ({}, {"transform": augment.affine}, "was None, is 'losslab.data.augment.affine()"),
    "its knobs": ({"transform": turned(5)}, {"transform": turned(6)}, "degrees=5.* is .*degrees=6"),
    "its numbers": ({"transform": Times(2)}, {"transform": Times(3)}, r"Times\(factor=2\)', is .*factor=3"),
    "its method": ({"transform": Times(2)}, {"transform": Times(2).again}, r"Times.again\(factor=2\)"),
    "an average": ({}, {"average": ema(0.9)}, "average was None, is 'AveragedModel .*decay=0.9"),
    "no average": ({"average": ema(0.9)}, {}, "average was 'AveragedModel .*, is None"),
    "its decay": ({"average": ema(0.9)}, {"average": ema(0.99)}, "decay=0.9.*, is .*decay=0.99"),
    "another average": ({"average": ema(0.9)}, {"average": {"use_buffers": True}}, "average was"),
    "a generator": ({}, {"generator": seeded()}, "the generator was None, is 'on cpu'"),
    "no generator": ({"generator": seeded()}, {}, "the generator was 'on cpu', is None"),
    "a wider network": ({}, {"model": net(9)}, "layer '1' was 'Linear.*out_features=8.* is .*out_features=9"),
    "other neurons": ({}, {"model": net(8, nn.Tanh)}, r"layer '2' was 'ReLU\(\)', is 'Tanh\(\)'"),
    "a longer network": ({}, {"model": nn.Sequential(*net(), nn.Identity())}, "layer '4' was None"),
    "a shorter network": ({"model": nn.Sequential(*net(), nn.Identity())}, {}, "layer '4' was .*, is None"),
    "double precision": (
        {"watch": {}},
        {"watch": {}, "images": IMAGES.double(), "model": net().double()},
        "float32.* is .*float64",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_another_training_is_refused_and_nothing_changed(what, tmp_path):
    first, then, words = OTHERS[what]
    train(tmp_path, **first)
    model = then.get("model") or net()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=f"is of another training, so take another folder: .*{words}"):
        train(tmp_path, **then | {"model": model})
    torch.testing.assert_close([*model.parameters()], before, rtol=0, atol=0)


def test_the_same_training_made_anew_is_the_same(tmp_path):
    """In another process every object is another one, and so is the seed of what comes from the folder."""

    def asked(seed):
        torch.manual_seed(seed)
        transform = partial(augment.affine, degrees=5)
        generator = torch.Generator().manual_seed(seed)
        return {"images": IMAGES.clone(), "average": ema(0.9), "transform": transform, "generator": generator}

    first = train(tmp_path, **asked(0))
    assert train(tmp_path, **asked(1)) == first


def test_a_finished_training_is_not_repeated(tmp_path):
    first, again = train(tmp_path), train(tmp_path)
    assert first == again
    assert len(again.steps) == 12


@pytest.mark.parametrize("optimizer", [None, partial(torch.optim.SGD, momentum=0.9)])
def test_a_finished_training_goes_on_with_more_epochs_at_the_same_rate(optimizer, tmp_path):
    train(tmp_path, optimizer=optimizer)
    longer = train(tmp_path, optimizer=optimizer, epochs=3)
    assert longer == train(tmp_path / "whole", optimizer=optimizer, epochs=3)
    assert len(longer.steps) == 18


def test_fewer_epochs_than_were_taken_are_refused(tmp_path):
    train(tmp_path)
    with pytest.raises(ValueError, match="has taken 12 steps, more than the 6 of these epochs"):
        train(tmp_path, epochs=1)


def test_a_training_that_has_diverged_leaves_its_last_healthy_epoch(tmp_path):
    def late(progress):
        return 1e30 if progress > 0.7 else 1.0

    with pytest.raises(FloatingPointError, match="at step 10 of 12"):
        train(tmp_path, schedule=late)
    _, facts = checkpoints.read(tmp_path)
    assert facts["epoch"] == 1
    assert all(math.isfinite(loss) for loss in facts["history"]["steps"])
