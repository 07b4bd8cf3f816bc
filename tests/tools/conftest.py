"""Stand-ins that the tests of the tools share: a reader's git, shell scripts, Jupyter servers."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import lab
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def git(monkeypatch):
    """Return a function that runs git; nobody has a configuration of their own meanwhile."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    who = ("-c", "user.name=A Reader", "-c", "user.email=reader@example.org", "-c", "init.defaultBranch=main")

    def run(*words, cwd):
        done = subprocess.run(["git", *who, *words], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def script(tmp_path):
    """Return a function that writes a shell script, into a folder with a space, and returns its path."""

    def write(name, body):
        path = tmp_path / "stand ins" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


class Server:
    """A Jupyter server with an empty HOME, no browser, and no terminal unless one is given."""

    def __init__(self, home, port, command, terminal=subprocess.DEVNULL, **environ):
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "PORT": str(port), "NO_BROWSER": "1"}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=env | environ,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def url(self):
        """Return the address that is printed, with its token."""
        self.said, deadline = [], threading.Timer(60, self.process.kill)
        deadline.start()
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"http://\S+:\d+/\S+\?token=\w+", line):
                deadline.cancel()
                return found[0]
        raise AssertionError("no address was printed:\n" + "".join(self.said))

    def interrupt(self):
        """Send what Ctrl-C sends; return what it said until it ended."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30)[0]


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Return a function that starts servers, by default as ``make lab`` does; all have ended afterwards."""
    servers = []

    def start(port=None, command=(ROOT / "tools" / "lab.py",), **options):
        port = port or lab.first_free(20000 + os.getpid() % 10000)
        servers.append(Server(tmp_path_factory.mktemp("home"), port, command, **options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.communicate(timeout=30)
