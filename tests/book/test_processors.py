"""Quotas are found in both versions of control groups, wherever they stand."""

import math
import os

import pytest
import torch

from losslab.book import processors

V2 = "0::/user/kernel\n"
V1 = "5:memory:/elsewhere\n4:cpu,cpuacct:/kube/pod\n0::/\n"
# name: /proc/self/cgroup, {file below /sys/fs/cgroup: what it holds}, the processors' worth of time
TREES = {
    "version 2": (V2, {"user/kernel/cpu.max": "150000 100000\n"}, 1.5),
    "no limit": (V2, {"user/kernel/cpu.max": "max 100000\n", "cpu.max": "max 100000\n"}, math.inf),
    "a tighter group around it": (
        V2,
        {"user/kernel/cpu.max": "400000 100000\n", "user/cpu.max": "50000 50000\n"},
        1.0,
    ),
    "the path is the host's": ("0::/docker/4f2a\n", {"cpu.max": "200000 100000\n"}, 2.0),
    "a path outside the mount": ("0::/../../kernel\n", {"cpu.max": "200000 100000\n"}, 2.0),
    "version 1": (
        V1,
        {
            "cpu,cpuacct/kube/pod/cpu.cfs_quota_us": "50000\n",
            "cpu,cpuacct/kube/pod/cpu.cfs_period_us": "100000\n",
        },
        0.5,
    ),
    "version 1, mounted as cpu": (
        V1,
        {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"},
        3.0,
    ),
    "version 1 without a limit": (
        V1,
        {"cpu/kube/pod/cpu.cfs_quota_us": "-1\n", "cpu/kube/pod/cpu.cfs_period_us": "100000\n"},
        math.inf,
    ),
    "both versions": (V1, {"unified/cpu.max": "100000 100000\n"}, 1.0),
    "another controller's group": (
        V1,
        {"cpu/elsewhere/cpu.cfs_quota_us": "10000\n", "cpu/elsewhere/cpu.cfs_period_us": "100000\n"},
        math.inf,
    ),
    "no control groups": (None, {}, math.inf),
}


@pytest.mark.parametrize("name", TREES)
def test_the_quota_is_the_tightest_of_the_groups_around_this_process(name, tmp_path):
    groups, files, expected = TREES[name]
    if groups is not None:
        files = {"../../../proc/self/cgroup": groups} | files
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    for file, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert processors.quota(tmp_path) == expected


@pytest.fixture
def threads():
    """Two threads of torch, and afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield torch.get_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("asked", "environ", "got"),
    [
        (None, {}, 1),
        (None, {"OMP_NUM_THREADS": "2"}, 2),
        (None, {"MKL_NUM_THREADS": "2"}, 2),
        (None, {"OMP_NUM_THREADS": ""}, 1),
        (3, {}, 3),
        (1, {"OMP_NUM_THREADS": "2"}, 1),
    ],
)
def test_torch_gets_one_thread_unless_the_reader_says_otherwise(asked, environ, got, threads):
    processors.set_threads(asked, environ)
    assert threads() == got


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "two"])
def test_a_number_of_threads_is_judged(wrong, threads):
    with pytest.raises(ValueError, match=r"an integer of at least 1, or None, got"):
        processors.set_threads(wrong)
    assert threads() == 2


@pytest.mark.parametrize(
    ("usable", "quota", "begins"),
    [
        (1, math.inf, "1 processor; torch computes on 2 threads."),
        (8, 1.5, "8 processors, but only the time of 1.5; torch"),
        (2, 4.0, "2 processors; torch"),
    ],
)
def test_one_line_says_what_was_found_and_how_to_change_it(usable, quota, begins, threads, monkeypatch):
    monkeypatch.setattr(processors, "usable", lambda: usable)
    monkeypatch.setattr(processors, "quota", lambda: quota)
    line = processors.summary()
    assert line.startswith(begins)
    assert "OMP_NUM_THREADS=2" in line
    assert "\n" not in line


def test_the_processors_are_those_this_process_may_run_on(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert processors.usable() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert processors.usable() == 7
