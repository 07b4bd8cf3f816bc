"""How many processors this process may use, and how many threads torch computes on.

A container on Binder or a JupyterHub sees every processor of its machine, but gets the time of only a few.
torch, which takes a thread for each processor it sees, knows nothing of that, nor of other programs. Its
threads spin while they wait for each other: one that has lost its processor holds up all of them, and
training becomes many times slower (`benchmarks/busy.py`). One thread waits for nobody, and loses little in
small networks.
"""

import math
import os
from functools import partial
from pathlib import Path, PurePosixPath

from losslab.book import words

CHOICES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # environment variables with which a reader decides


def usable():
    """Return how many processors the system lets this process run on, whatever its share of their time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root="/"):
    """
    Return how many processors' worth of time this process's control groups allow, such as 1.5; inf: no limit.

    Parameters
    ----------
    root : str or Path
        Where `proc/self/cgroup` and `sys/fs/cgroup` are.

    Notes
    -----
    A group cannot have more than the groups around it, so the smallest of them counts. In a container the
    path may be the host's, which does not exist here: then the mount itself is the container's group.
    """
    try:
        lines = Path(root, "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    return min((limit(folder) for line in lines for folder in folders(line, root)), default=math.inf)


def folders(line, root="/"):
    """Return the folders that may hold the limits of one line of /proc/self/cgroup, innermost group first."""
    _, controllers, path = line.split(":", 2)
    if not controllers:  # version 2, alone or beside version 1
        mounts = ["", "unified"]
    else:
        mounts = [controllers, "cpu"] if "cpu" in controllers.split(",") else []
    group = PurePosixPath(path.lstrip("/"))
    return [Path(root, "sys/fs/cgroup", mount, part) for mount in mounts for part in (group, *group.parents)]


def limit(folder):
    """Return what one control group allows: `cpu.max` (version 2) or `cpu.cfs_quota_us` (version 1)."""
    try:
        if (both := folder / "cpu.max").exists():
            most, period = both.read_text(encoding="utf-8").split()
        else:
            most, period = (
                (folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period")
            )
    except OSError:
        return math.inf
    return math.inf if most in ("max", "-1") else int(most) / int(period)


def set_threads(threads=None, environ=os.environ):
    """Let torch compute on this many threads; None: as the reader's environment says, otherwise on one."""
    import torch

    if threads is not None and not (isinstance(threads, int) and threads >= 1):
        raise ValueError(f"threads must be an integer of at least 1, or None, got {threads!r}")
    if threads or not any(environ.get(name) for name in CHOICES):
        torch.set_num_threads(threads or 1)


def summary():
    """Return in one line what was found here, what torch does with it, and how to change that."""
    import torch

    count, share, threads = usable(), quota(), torch.get_num_threads()
    said = partial(words.say, "processors")
    found = said("one_processor" if count == 1 else "processors", count=count)
    found += said("quota", share=share) if share < count else ""
    return said("says", found=found, threads=said("one_thread" if threads == 1 else "threads", count=threads))
