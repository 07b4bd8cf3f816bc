"""Run by test_checkpoints.py in a process of its own: trainings are killed, and what they left is looked at.

    python tests/learning/killed_trainings.py FOLDER at_random | at_every_call

It has imported torch and then forks a training for every kill. It prints nothing unless something is wrong.
"""

import os
import random
import signal
import stat
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from losslab.data import augment
from losslab.learning import checkpoints, training

EPOCHS = 8
ROOT = Path(sys.argv[1])


def train(name, seed=0):
    """Train with everything that has a state; leave all losses, scores and weights in a file."""
    images = torch.randn(200, 8, 8, generator=torch.Generator().manual_seed(7))
    labels = images.flatten(1)[:, :5].argmax(1)
    wrong = (labels[:100] + 1) % 5  # whoever learns the labels gets worse at these
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    history = training.fit(
        model,
        images,
        labels,
        epochs=EPOCHS,
        batch_size=20,
        lr=0.03,
        schedule=training.one_cycle,
        generator=torch.Generator().manual_seed(seed),
        transform=augment.affine,
        average=average,
        watch={"validation": (images[:100], wrong)},
        keep=("validation", "loss"),
        checkpoint=checkpoints.Folder(ROOT / name),
        progress=False,
    )
    assert history.best("validation", "loss") < EPOCHS / 2  # or nothing would show that it comes back
    weights = [w.double().sum().item() for net in (model, average) for w in net.state_dict().values()]
    (ROOT / f"{name}.txt").write_text(repr((history, weights)))


def forked(function, *args):
    """Return the number of a new process that calls a function and ends."""
    if pid := os.fork():
        return pid
    try:
        function(*args)
        os._exit(0)
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)


def ended(pid):
    """Wait for a process; return whether it was killed, and insist that else it did well."""
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def epoch(name):
    """Return the epoch of the checkpoint that the next process will find."""
    found = checkpoints.read(ROOT / name)
    return found[1]["epoch"] if found else 0


def result(name):
    return (ROOT / f"{name}.txt").read_text()


def at_random(seconds):
    """Kill trainings at random moments, from outside; `seconds` is what one of them takes."""
    moments, inside, trainings = random.Random(0), 0, 0
    while inside < 5:  # kills after the first checkpoint and before the end
        trainings += 1
        name, done = f"killed {trainings}", [0]
        while not (ROOT / f"{name}.txt").exists():
            # Another seed once there is a checkpoint: then every random state has to come from there.
            pid = forked(train, name, len(done) if done[-1] else 0)
            time.sleep(moments.uniform(0.2, 1) * seconds / 2)
            os.kill(pid, signal.SIGKILL)
            killed = ended(pid)
            done.append(epoch(name))
            inside += killed and 0 < done[-1] < EPOCHS
        assert done == sorted(done), done
        assert result(name) == result("whole"), name
        assert trainings < 20, "no kill hits a training: the moments are too early or too late"


def dying(call, number, calls):
    """Return an os.replace, os.fsync or os.unlink that kills the process before or after call `number`."""

    def die_if_due():
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(9)

    def counted(*args):
        if call is FSYNC and calls[0] + 1 == number and stat.S_ISREG(os.fstat(args[0]).st_mode):
            os.ftruncate(args[0], os.fstat(args[0]).st_size // 2)  # only half of it was written
        die_if_due()
        call(*args)
        die_if_due()

    return counted


FSYNC = os.fsync


def train_and_die(name, number):
    """Train until the disk has been asked for something `number` / 2 times."""
    calls = [0]
    for call in (os.replace, os.fsync, os.unlink):
        setattr(os, call.__name__, dying(call, number, calls))
    train(name)


def at_every_call(seconds):
    """Kill trainings before and after each of the first calls to the disk: three epochs and a half."""
    done = []
    for number in range(1, 24):
        name = f"number {number}"
        assert ended(forked(train_and_die, name, number))
        done.append(epoch(name))
        if number % 5 == 0:  # what the next process finds is looked at always, where it leads now and then
            ended(forked(train, name, 99 if done[-1] else 0))
            assert result(name) == result("whole"), name
    assert done == sorted(done), done
    assert set(done) == {0, 1, 2, 3}, done


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.optim.Adam([torch.zeros(1)], fused=True)  # imports a second's worth of torch, once for all forks
    begin = time.perf_counter()
    ended(forked(train, "whole"))
    {"at_random": at_random, "at_every_call": at_every_call}[sys.argv[2]](time.perf_counter() - begin)
