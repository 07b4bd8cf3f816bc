"""Start the worker through torchrun from a notebook: on this machine only, and never without a time limit."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOOPBACK = {"linux": "lo", "darwin": "lo0"}  # the network interface that leads only to this machine


class LaunchError(RuntimeError):
    """The processes could not be started, or did not finish; the message says why."""


def launch(*arguments, processes=2, limit=120):
    """Run the script in several processes and wait for its results.

    The processes meet in a file and talk over the loopback interface: no port is open to the network.

    Parameters
    ----------
    *arguments : str
        For the script, such as "--steps", "60".
    processes : int
    limit : float
        Seconds after which all of them are stopped.

    Returns
    -------
    dict
        "world": number of processes; "device" of rank 0; "runs": for each name of a run, what
        `losslab.parallel.worker.train_replica` returned in each process.

    Raises
    ------
    LaunchError
        If they do not start, or do not finish.
    """
    # Windows cannot delete a file that a dying process still has open: then it stays.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out = Path(folder, "results.json")
        script = ["--meet", Path(folder, "workers"), "--out", out, "--limit", limit, *arguments]
        said = ended([*command(folder, processes), *map(str, script)], limit)
        if not out.exists():
            raise LaunchError(f"{processes} processes were started and did not finish: {reason(said)}")
        return json.loads(out.read_text(encoding="utf-8"))


def command(folder, processes, nodes=1):
    """Return torchrun's command line up to the name of the script; its agents meet in a file in `folder`."""
    agents = ["--rdzv-backend", "c10d", "--rdzv-conf", "store_type=file"]
    agents += ["--rdzv-endpoint", str(Path(folder, "agents")), "--local-addr", "127.0.0.1"]
    size = ["--nnodes", str(nodes), "--nproc-per-node", str(processes)]
    return [sys.executable, "-m", "torch.distributed.run", *size, *agents, "-m", "losslab.parallel.worker"]


def surroundings():
    """Return the environment of the processes: this very package, one thread, no port but on loopback."""
    path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(path), "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
    ours["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"  # it would listen on every interface
    if sys.platform in LOOPBACK:
        ours["GLOO_SOCKET_IFNAME"] = LOOPBACK[sys.platform]
    return os.environ | ours


def ended(command, limit):
    """Run a command and return what it said; whatever happens here, it has ended by then."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    try:
        process = subprocess.Popen(command, env=surroundings(), start_new_session=True, **pipes)
    except OSError as error:
        raise LaunchError(f"no process could be started: {error}") from error
    try:
        return process.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        raise LaunchError(f"the processes had not finished after {limit:g} s and were ended") from None
    finally:
        end(process)


def end(process):
    """End torchrun and the processes that it has started; wait until it is gone.

    SIGTERM lets torchrun end them itself. Windows has no such signal, and ends the whole tree at once.
    """
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    process.terminate()
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def reason(said):
    """Return the first exception named in an output, else its last line."""
    found = re.findall(r"^(?:\[rank\d+\]: *)?(\w[\w.]*(?:Error|Exception|error):.*)$", said, re.M)
    return (found or said.strip().splitlines()[-1:] or ["they said nothing"])[0]
