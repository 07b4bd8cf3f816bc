"""A training that was killed resumes from its last epoch: its state in a folder, tensors and JSON, no code.

A checkpoint is one file, `epoch-00007.safetensors`: the tensors, and in its metadata, as JSON, the settings,
the history and a hash of the tensors. It is written under another name, flushed to the disk and then renamed,
which happens entirely or not at all. The one before it stays until then.
"""

import hashlib
import inspect
import json
import os
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from losslab.learning import history, saving

KEPT = 2  # the last one, and the one before it in case the disk damages that
KEY = "losslab.training"  # the key of the facts in the file's metadata


class Folder:
    """Where `training.fit` keeps the checkpoints of one training.

    Parameters
    ----------
    path : path
        A folder of its own for each training; it is created if it is missing.
    """

    def __init__(self, path):
        self.path = Path(path)
        if self.path.exists() and not (self.path.is_dir() and os.access(self.path, os.W_OK)):
            raise ValueError(f"checkpoints need a folder that can be written to, got {self.path}")

    def save(self, state):
        """Write a `history.State`, then remove older ones; return once it has reached the disk."""
        write(self.path, state.epoch, *collect(state))

    def load(self, state):
        """Restore a `history.State` from the last intact checkpoint, if there is one.

        Raises
        ------
        ValueError
            If the checkpoint is of a training with other settings, or there are some but none is intact.
        """
        if (found := read(self.path)) is not None:
            restore(state, *found, self.path)


def write(path, epoch, tensors, facts):
    """Write tensors and JSON values, both dicts, as the checkpoint of an epoch; keep the one before."""
    path.mkdir(parents=True, exist_ok=True)
    facts = {"epoch": epoch, "sha256": sha256(tensors), **facts}
    saving.replace(path / f"epoch-{epoch:05}.safetensors", save(tensors, metadata={KEY: json.dumps(facts)}))
    for file in [*sorted(path.glob("epoch-*.safetensors"))[:-KEPT], *path.glob("unfinished-*")]:
        file.unlink()


def read(path):
    """Return the tensors and the facts of the last intact checkpoint; None if nothing was ever saved."""
    faults = []
    for file in sorted(path.glob("epoch-*.safetensors"), reverse=True):
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
    """Return the tensors and the facts of a file; raise unless they are what was saved under this name."""
    with safe_open(file, "pt") as opened:
        facts = json.loads((opened.metadata() or {})[KEY])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    if sha256(tensors) != facts["sha256"]:
        raise ValueError("the tensors are not those that were saved")
    if file.stem != f"epoch-{facts['epoch']:05}":
        raise ValueError(f"this is the checkpoint of epoch {facts['epoch']}")
    return tensors, facts


def sha256(tensors):
    """Return one hash of named tensors on the CPU."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


def collect(state):
    """Return what a training is made of: a flat dict of tensors on the CPU, and a dict of JSON values."""
    groups = {
        "model": state.model.state_dict(),
        "average": state.average.state_dict() if state.average is not None else {},
        "best": state.best or {},
        "optimizer": {
            f"{i}.{name}": value
            for i, memory in state.optimizer.state_dict()["state"].items()
            for name, value in memory.items()
        },
        "random": random_states(state),
    }
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous().clone()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    history = {"steps": state.history.steps, "running": state.history.running, "scores": state.history.scores}
    taken = summary(state.rates[: len(state.history.steps)])
    return tensors, {"settings": state.settings, "rates": taken, "history": history}


def summary(rates):
    """Return the learning rates of some steps in a line: first, highest, last, and a hash of all."""
    ends = ", ".join(f"{rate:.6g}" for rate in (rates[0], max(rates), rates[-1]))
    single = torch.tensor(rates, dtype=torch.float32)  # another machine ends its cosines in other bits
    return f"{len(rates)} steps (first, highest, last: {ends}), {digest(single)}"


def random_states(state):
    """Return the states of all generators that a training draws from."""
    states = {"torch": torch.get_rng_state()}
    if state.generator is not None:
        states["generator"] = state.generator.get_state()
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore(state, tensors, facts, path):
    """Restore a training to the state that `collect` recorded."""
    for what in state.settings | facts["settings"]:
        was, now = facts["settings"].get(what), state.settings.get(what)
        if was != now:
            raise ValueError(
                f"the checkpoint in {path} is of another training, so take another folder: {what} was "
                f"{was!r}, is {now!r}"
            )
    check_rates(state, facts, path)
    groups = {}
    for key, tensor in tensors.items():
        group, name = key.split("/", 1)
        groups.setdefault(group, {})[name] = tensor
    state.model.load_state_dict(groups["model"])
    if state.average is not None:
        state.average.load_state_dict(groups["average"])
    device = next(state.model.parameters()).device
    state.best = {name: tensor.to(device) for name, tensor in groups.get("best", {}).items()} or None
    restore_optimizer(state.optimizer, groups["optimizer"])
    restore_random(state, groups["random"])
    state.history.steps[:], state.history.running[:] = facts["history"]["steps"], facts["history"]["running"]
    for name, scores in facts["history"]["scores"].items():
        state.history.scores[name] = [history.Score(*score) for score in scores]


def check_rates(state, facts, path):
    """Raise unless the steps that were taken are the first of those to be taken now."""
    done = len(facts["history"]["steps"])
    if done > len(state.rates):
        raise ValueError(
            f"the checkpoint in {path} has taken {done} steps, more than the {len(state.rates)} of these "
            "epochs: ask for as many as before, or for more"
        )
    was, now = facts["rates"], summary(state.rates[:done])
    if was != now:
        raise ValueError(
            f"the checkpoint in {path} is of another training, so take another folder: the learning rate was "
            f"{was}, is {now}; only under a constant schedule can a training have more epochs than it began "
            "with, since any other is spread over all of them"
        )


def restore_optimizer(optimizer, memories):
    """Give an optimiser back the memories of its parameters: "0.exp_avg" and so on."""
    state = {}
    for key, tensor in memories.items():
        i, name = key.split(".", 1)
        state.setdefault(int(i), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def restore_random(state, states):
    """Set all generators that a training draws from."""
    torch.set_rng_state(states["torch"])
    if state.generator is not None:
        state.generator.set_state(states["generator"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def digest(tensor):
    """Return shape, type and SHA-256 of a tensor: a fifth of a second for all of MNIST in float32."""
    found = hashlib.sha256()
    for part in tensor.split(10_000):
        found.update(part.contiguous().view(torch.uint8).cpu().numpy())
    return f"{tuple(tensor.shape)} {tensor.dtype}, SHA-256 {found.hexdigest()[:16]}"


def named(thing):
    """Return the name of a function or object with the numbers and strings in it, alike in every process."""
    if isinstance(thing, partial):
        name, held = named(thing.func), dict(enumerate(thing.args)) | thing.keywords
    elif inspect.isfunction(thing):
        thing = inspect.unwrap(thing)
        name, held = f"{thing.__module__}.{thing.__qualname__}", inspect.getclosurevars(thing).nonlocals
    else:
        owner = getattr(thing, "__self__", thing)
        kind = thing if hasattr(thing, "__qualname__") else type(thing)
        name, held = f"{kind.__module__}.{kind.__qualname__}", getattr(owner, "__dict__", {})
    plain = {key: value for key, value in held.items() if isinstance(value, bool | int | float | str | tuple)}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in plain.items())})"


def averaging(average):
    """Return the name of an average of the weights, and how it weighs them."""
    ways = [getattr(average, way, None) for way in ("avg_fn", "multi_avg_fn")]
    return " ".join([type(average).__qualname__, *[named(way) for way in ways if way is not None]])


def architecture(model):
    """Return a network's layers, and the shape and type of each of its tensors, by name."""
    layers = {
        f"layer {name!r}": type(layer).__qualname__ if [*layer.children()] else repr(layer)
        for name, layer in model.named_modules()
    }
    tensors = {name: f"{tuple(tensor.shape)} {tensor.dtype}" for name, tensor in model.state_dict().items()}
    return layers | tensors
