"""A training that was killed goes on from its last epoch: its state in a folder, numbers and words, no code.

A checkpoint is a pair of files, `epoch-00007.safetensors` and `epoch-00007.json`. Each is written under
another name, flushed to the disk and then renamed, which happens at once or not at all. The words come last
and hold the hash of the numbers: a pair is whole or does not count. The pair before it stays until then.
"""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from losslab import runs, saving

KEPT = 2  # pairs: the last one, and the one before in case a disk damages it


class Folder:
    """Where `training.fit` keeps the checkpoints of one training.

    Parameters
    ----------
    path : path
        A folder of its own for each training; it is made if it is missing.
    """

    def __init__(self, path):
        self.path = Path(path)
        if self.path.exists() and not (self.path.is_dir() and os.access(self.path, os.W_OK)):
            raise ValueError(f"checkpoints need a folder that can be written to, got {self.path}")

    def save(self, run):
        """Write the state of a `runs.Run`, then remove older ones; return after it has reached the disk."""
        write(self.path, run.epoch, *collect(run))

    def load(self, run):
        """Bring a `runs.Run` into the state of the last complete checkpoint, if there is one.

        Raises
        ------
        ValueError
            If the checkpoint is of a training with other settings, or none of several is complete.
        """
        if (found := read(self.path)) is not None:
            restore(run, *found, self.path)


def write(path, epoch, tensors, facts):
    """Write tensors and JSON values, both dicts, as the checkpoint of an epoch; keep the one before."""
    path.mkdir(parents=True, exist_ok=True)
    name = path / f"epoch-{epoch:05}"
    content = save(tensors, metadata={"epoch": str(epoch)})
    facts = {"epoch": epoch, "sha256": hashlib.sha256(content).hexdigest(), **facts}
    saving.replace(name.with_suffix(".safetensors"), content)
    saving.replace(name.with_suffix(".json"), json.dumps(facts).encode())
    last = {file.stem for file in sorted(path.glob("epoch-*.json"))[-KEPT:]}
    for file in [*path.glob("epoch-*"), *path.glob("unfinished-*")]:
        if file.stem not in last:
            file.unlink()


def read(path):
    """Return the tensors and the facts of the last complete checkpoint; None if nothing was ever saved."""
    faults = []
    for file in sorted(path.glob("epoch-*.json"), reverse=True):
        try:
            return verified(file)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            faults.append(f"{file.stem}: {error or type(error).__name__}")
    if faults:
        raise ValueError(
            f"no checkpoint in {path} is complete ({'; '.join(faults)}): empty the folder to start again"
        )
    return None


def verified(file):
    """Return the tensors and the facts that belong to this JSON file; raise unless they are whole."""
    facts = json.loads(file.read_bytes())
    content = file.with_suffix(".safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != facts["sha256"]:
        raise ValueError("the numbers are not those that were saved")
    if file.stem != f"epoch-{facts['epoch']:05}":
        raise ValueError(f"the words are those of epoch {facts['epoch']}")
    return load(content), facts


def collect(run):
    """Return what a `runs.Run` is made of: a flat dict of tensors on the CPU, and a dict of JSON values."""
    groups = {
        "model": run.model.state_dict(),
        "average": run.average.state_dict() if run.average is not None else {},
        "best": run.best or {},
        "optimizer": {
            f"{i}.{name}": value
            for i, memory in run.optimizer.state_dict()["state"].items()
            for name, value in memory.items()
        },
        "random": random_states(run),
    }
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous().clone()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    history = {"steps": run.history.steps, "running": run.history.running, "scores": run.history.scores}
    return tensors, {"settings": run.settings, "history": history}


def random_states(run):
    """Return the states of all generators that a training draws from."""
    states = {"torch": torch.get_rng_state()}
    if run.generator is not None:
        states["generator"] = run.generator.get_state()
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore(run, tensors, facts, path):
    """Bring a run into the state that `collect` has recorded."""
    for what in run.settings | facts["settings"]:
        was, now = facts["settings"].get(what), run.settings.get(what)
        if was != now:
            raise ValueError(
                f"the checkpoint in {path} is of another training, so take another folder: {what} was "
                f"{was!r}, is {now!r}"
            )
    groups = {}
    for key, tensor in tensors.items():
        group, name = key.split("/", 1)
        groups.setdefault(group, {})[name] = tensor
    run.model.load_state_dict(groups["model"])
    if run.average is not None:
        run.average.load_state_dict(groups["average"])
    device = next(run.model.parameters()).device
    run.best = {name: tensor.to(device) for name, tensor in groups.get("best", {}).items()} or None
    restore_optimizer(run.optimizer, groups["optimizer"])
    restore_random(run, groups["random"])
    run.history.steps[:], run.history.running[:] = facts["history"]["steps"], facts["history"]["running"]
    for name, scores in facts["history"]["scores"].items():
        run.history.scores[name] = [runs.Score(*score) for score in scores]


def restore_optimizer(optimizer, memories):
    """Give an optimiser the memories "0.exp_avg" and so on of its parameters."""
    state = {}
    for key, tensor in memories.items():
        i, name = key.split(".", 1)
        state.setdefault(int(i), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def restore_random(run, states):
    """Set all generators that a training draws from."""
    torch.set_rng_state(states["torch"])
    if run.generator is not None:
        run.generator.set_state(states["generator"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
