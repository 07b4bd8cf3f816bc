"""Data-parallel training in real processes: they agree with one process, and none outlives its launcher."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from losslab.parallel import torchrun, worker
from losslab.parallel.worker import PLANS, Plan

POSIX = pytest.mark.skipif(os.name != "posix", reason="looks at processes and sockets as POSIX has them")
pytestmark = [POSIX, pytest.mark.trains]
STEPS = 30
KNOBS = ("--steps", str(STEPS), "--double")


@pytest.fixture(scope="module")
def two():
    """Every run in two processes, float64: {name of the run: [result of rank 0, of rank 1]}."""
    found = torchrun.launch("--runs", *PLANS, *KNOBS)
    assert (found["world"], found["device"]) == (2, "cpu")
    return found["runs"]


@pytest.fixture(scope="module")
def one():
    """The same training in this process."""
    return worker.train_replica(Plan(), steps=STEPS, dtype=torch.float64)


def curve(replicas):
    return np.array(worker.batch_losses(replicas))


def test_two_processes_follow_the_loss_of_one(two, one):
    np.testing.assert_allclose(curve(two["all-reduce"]), one["losses"], rtol=1e-12)
    for replica in two["all-reduce"]:
        assert replica["size"] == 50
        assert replica["drift"] == [0.0] * STEPS  # bit for bit the same weights
        np.testing.assert_allclose(replica["test"], one["test"], rtol=1e-12)
    assert one["losses"][-1] < 0.9 * one["losses"][0]


def test_each_process_sees_its_own_half_of_the_batch(two):
    first, second = (np.array(replica["losses"]) for replica in two["all-reduce"])
    assert (np.abs(first - second) > 1e-6).all()


def test_without_the_all_reduce_the_replicas_drift_apart(two, one):
    first, second = two["no-all-reduce"]
    assert first["drift"] == [0.0] * STEPS  # measured from rank 0
    assert 0 < second["drift"][0] < second["drift"][STEPS // 2] < second["drift"][-1]
    assert np.abs(first["test"][0] - second["test"][0]) > 1e-3
    assert np.abs(curve(two["no-all-reduce"]) - one["losses"]).max() > 0.01


def test_without_sharding_the_second_process_adds_nothing(two):
    alone, _ = two["no-all-reduce"]
    for replica in two["no-sharding"]:
        np.testing.assert_allclose(replica["losses"], alone["losses"], rtol=1e-12)
        assert replica["drift"] == [0.0] * STEPS


def test_unequal_shards_need_weights(two, one):
    assert [replica["size"] for replica in two["unequal"]] == [75, 25]
    np.testing.assert_allclose(curve(two["unequal-weighted"]), one["losses"], rtol=1e-12)
    off = np.abs(curve(two["unequal"]) - one["losses"])
    assert off[0] < 1e-12  # before the first step nothing has been averaged yet
    assert off.max() > 1e-3


# --- the parts, in this process ---


@pytest.mark.parametrize(
    ("run", "world", "sizes"),
    [
        (Plan(), 1, [100]),
        (Plan(), 3, [33, 33, 34]),
        (Plan(first=3), 2, [75, 25]),
        (Plan(first=3), 4, [50, 16, 17, 17]),
    ],
)
def test_shares_cover_the_batch(run, world, sizes):
    assert worker.shares(run, 100, world) == sizes


def test_batches_go_through_all_images_before_they_begin_anew():
    seen = list(worker.batches(10, 3, 7, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in seen] == [3] * 7
    for epoch in (seen[:3], seen[3:6]):
        assert len(torch.cat(epoch).unique()) == 9
    assert torch.cat(seen[:3]).tolist() != torch.cat(seen[3:6]).tolist()


def test_a_batch_too_small_or_too_large_is_refused():
    for size in (0, 6001):
        with pytest.raises(ValueError, match="each process an image"):
            worker.train_replica(Plan(), steps=1, batch_size=size)


def test_alone_the_script_prints_its_results(capsys):
    threads = torch.get_num_threads()
    worker.main(["--steps", "2", "--threads", str(threads)])
    found = json.loads(capsys.readouterr().out)
    assert (found["world"], len(found["runs"]["all-reduce"])) == (1, 1)


# --- how processes start, and how they end ---


def test_two_agents_meet_as_on_two_machines(tmp_path):
    """--nnodes 2: torchrun is started twice, and the processes of both form one world."""
    out = tmp_path / "results.json"
    script = ["--meet", tmp_path / "workers", "--out", out, "--steps", "2", "--limit", "60"]
    line = [*torchrun.command(tmp_path, processes=1, nodes=2), *map(str, script)]
    pipes = {"env": torchrun.surroundings(), "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    agents = [subprocess.Popen(line, **pipes) for _ in range(2)]
    try:
        said = [agent.communicate(timeout=90)[0].decode() for agent in agents]
    finally:  # an agent waits for another that has died
        for agent in agents:
            torchrun.end(agent)
    assert [agent.returncode for agent in agents] == [0, 0], said
    found = json.loads(out.read_text())
    assert found["world"] == 2
    assert [replica["size"] for replica in found["runs"]["all-reduce"]] == [50, 50]


TRAIN_AND_COUNT = """
import psutil, sys
from losslab.parallel import worker

threads = psutil.Process().num_threads
alone = threads()
with worker.connected(sys.argv[1], 60):
    worker.train_replica(worker.PLANS["all-reduce"], steps=1)
    together = threads()
print(alone, together, threads())
"""


def test_no_thread_outlives_the_group(tmp_path):
    """One that frees a tensor while Python ends aborts it: about one training in ten, after its results."""
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    line = [sys.executable, "-c", TRAIN_AND_COUNT, str(tmp_path / "workers")]
    ranks = [torchrun.surroundings() | world | {"RANK": r, "LOCAL_RANK": r} for r in "01"]
    workers = [subprocess.Popen(line, env=env, stdout=subprocess.PIPE, text=True) for env in ranks]
    for alone, together, after in [map(int, w.communicate(timeout=60)[0].split()) for w in workers]:
        assert after == alone < together
    assert [one.returncode for one in workers] == [0, 0]


def test_an_interrupted_launch_leaves_nothing_behind_and_opened_no_port_to_the_network():
    """As a reader does it: the launcher gets SIGINT while the workers train."""
    line = "from losslab.parallel import torchrun; torchrun.launch('--steps', '1000000')"
    pipes = {"env": torchrun.surroundings(), "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    launcher = psutil.Popen([sys.executable, "-c", line], **pipes)
    family, listening, deadline = {launcher.pid}, set(), time.monotonic() + 90
    while len({pid for pid, _ in listening}) < 2:  # until both workers listen
        assert time.monotonic() < deadline
        assert launcher.poll() is None
        for child in launcher.children(recursive=True):
            family.add(child.pid)
            listening |= {(child.pid, address) for address in listens_on(child)}
    time.sleep(0.5)
    listening |= {(child.pid, a) for child in launcher.children(recursive=True) for a in listens_on(child)}
    launcher.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in launcher.communicate(timeout=60)[0]
    assert len(family) >= 4  # the launcher, torchrun, two workers
    assert {address for _, address in listening} == {"127.0.0.1"}
    assert not [pid for pid in family if psutil.pid_exists(pid)]


def listens_on(process):
    """The address of every socket on which a process listens."""
    try:
        found = process.net_connections("inet")
    except psutil.Error:  # it has just ended
        return set()
    return {c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN}


def test_a_worker_that_fails_is_quoted():
    with pytest.raises(torchrun.LaunchError, match="ValueError: batch_size must give each process an image"):
        torchrun.launch("--batch-size", "0", processes=1)


def test_a_launch_too_long_is_ended():
    start = time.monotonic()
    with pytest.raises(torchrun.LaunchError, match="the processes had not finished after 1 s and were ended"):
        torchrun.ended([sys.executable, "-c", "import time; time.sleep(60)"], 1)
    assert time.monotonic() - start < 30
    assert not psutil.Process().children(recursive=True)


def test_a_worker_gives_up_by_itself():
    """Even if nobody is left to end it."""
    line = [sys.executable, "-m", "losslab.parallel.worker", "--steps", "1000000", "--limit", "0.1"]
    done = subprocess.run(line, env=torchrun.surroundings(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_a_command_that_cannot_start_is_one_sentence():
    with pytest.raises(torchrun.LaunchError, match="no process could be started"):
        torchrun.ended([str(Path("nowhere", "python"))], 1)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("[rank0]: Traceback\n[rank1]: ValueError: too small\nlater", "ValueError: too small"),
        ("torch.distributed.DistNetworkError: no port\n", "torch.distributed.DistNetworkError: no port"),
        ("one\ntwo\n", "two"),
        ("", "they said nothing"),
    ],
)
def test_the_reason_is_the_first_exception_or_the_last_line(said, why):
    assert torchrun.reason(said) == why


def test_processes_use_this_very_package_whatever_the_path(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert torchrun.surroundings()["PYTHONPATH"] == str(Path(worker.__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert torchrun.surroundings()["PYTHONPATH"].split(os.pathsep)[1] == "elsewhere"
    assert torchrun.surroundings()["GLOO_SOCKET_IFNAME"] == {"linux": "lo", "darwin": "lo0"}[sys.platform]
