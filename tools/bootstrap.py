"""Make ``.venv`` and install the project into it: the recipe of ``.venv/ready`` in the Makefile.

Standard library only, in a grammar that Python 2.7 still reads: a Python that is too old has to get far
enough to say so. Hence ``format`` instead of f-strings, and nothing newer is called before
``refuse_old_python``.
"""
# ruff: noqa: UP032

import argparse
import ast
import os
import platform
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
READY = os.path.join(VENV, "ready")
SCRATCH = os.path.join(VENV, "tmp")
# Measured on Linux, whose default PyTorch brings CUDA along: 6.4 GB installed, 3.2 GB of wheels while pip
# works, and as much again where pip keeps its cache.
NEEDED_GB = (10 if os.environ.get("PIP_NO_CACHE_DIR") else 13) if sys.platform.startswith("linux") else 3

# Settings of pip that would send packages elsewhere than into .venv, or nowhere.
ELSEWHERE = ("DRY_RUN", "NO_DEPS", "PREFIX", "PYTHON", "REQUIREMENT", "ROOT", "SRC", "TARGET", "USER")

# What venv or pip print when they fail -> the sentence that says what to do. The first match counts.
TROUBLES = (
    (
        ("No space left on device", "Disk quota exceeded"),
        "The disk is full; about {needed} GB are needed here. Free some space, or move this folder to\n"
        "another disk.",
    ),
    (
        ("Permission denied", "Read-only file system", "Operation not permitted"),
        "{root} cannot be written. Move this folder to a place where you may write.",
    ),
    (
        ("connection broken by", "Max retries exceeded", "timed out", "Connection aborted", "IncompleteRead"),
        "The package index cannot be reached. Check the network connection (or the proxy settings).",
    ),
    (
        ("No matching distribution found",),
        "There is no ready-made package for Python {python} on {machine}. Take another Python\n"
        "(make lab PYTHON=python3.12), or conda with environment.yml.",
    ),
)


class SetupError(Exception):
    """A sentence: what went wrong and what to do about it."""


def newest_python(names=("python3.14", "python3.13", "python3.12", "python3.11")):
    """Return the name of the newest Python on PATH that is new enough and really starts, or None."""
    question = "import sys; sys.exit(sys.version_info < {})".format(OLDEST)
    for name in names:
        try:
            with open(os.devnull, "w") as silent:
                if subprocess.call([name, "-c", question], stdout=silent, stderr=silent) == 0:
                    return name
        except OSError:
            pass
    return None


def refuse_old_python(again):
    """Stop if this Python is older than ``OLDEST``, and name a newer one if there is one."""
    if sys.version_info[:2] >= OLDEST:
        return
    newer = newest_python()
    sys.exit(
        "This is Python {} ({}); {}.{} or newer is needed.\n{} Type:\n\n    {} PYTHON={}\n".format(
            platform.python_version(),
            sys.executable,
            OLDEST[0],
            OLDEST[1],
            "You have one." if newer else "Install one (from python.org, say).",
            again.split(" PYTHON=")[0],
            newer or "python3.12",
        )
    )


def require_venv_module():
    """Raise if this Python cannot make virtual environments (Debian packages that part separately)."""
    from importlib.util import find_spec

    if not all(map(find_spec, ("venv", "ensurepip"))):
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        raise SetupError(
            "This Python ({}) cannot make virtual environments.\n"
            "On Debian and Ubuntu:  sudo apt install {}".format(sys.executable, package)
        )


def require_space():
    """Raise if the disk that will hold ``.venv`` has less than ``NEEDED_GB`` free."""
    free = shutil.disk_usage(VENV if os.path.isdir(VENV) else ROOT).free / 1e9
    if free < NEEDED_GB:
        raise SetupError(
            "The disk of {} has {:.1f} GB free; about {} GB are needed, most of it for PyTorch.\n"
            "Free some space, or move this folder to another disk.".format(ROOT, free, NEEDED_GB)
        )


def reusable():
    """Return whether ``.venv`` was made in this place, by this version of Python, and starts with pip."""
    question = "import sys, pip; sys.exit(sys.version_info[:2] != {})".format(tuple(sys.version_info[:2]))
    try:
        with open(os.path.join(VENV, "pyvenv.cfg"), encoding="utf-8") as config:
            here = VENV + "\n" in config.read()
        return here and subprocess.call([PYTHON, "-c", question], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def pip_environment():
    """Return the variables for pip: the reader's settings of it, from files too, less those of ``ELSEWHERE``.

    pip runs itself once more for what builds the package, and options would not reach that call.
    """
    left_out = ["PIP_" + name for name in ELSEWHERE]
    found = {name: value for name, value in os.environ.items() if name not in left_out}
    listing = [PYTHON, "-m", "pip", "config", "list"]
    told = subprocess.check_output(listing, env=found, encoding="utf-8").splitlines()
    for section in ("install.", "global."):  # in pip's order: variables, then these
        for line in [line[len(section) :] for line in told if line.startswith(section)]:
            name, _, value = line.partition("=")
            found.setdefault("PIP_" + name.upper().replace("-", "_"), ast.literal_eval(value))
    found = {name: value for name, value in found.items() if name not in left_out}
    return dict(found, PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", TMPDIR=SCRATCH)


def run(command, env=None):
    """Run ``command`` in the root and show what it says; raise the fitting ``SetupError`` if it fails."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    said = []
    for line in process.stderr:
        sys.stderr.write(line)
        said.append(line)
    if process.wait() != 0:
        raise SetupError(advice("".join(said)))


def advice(said):
    """Return the sentence for what a failed command ``said``."""
    for signs, sentence in TROUBLES:
        if any(sign in said for sign in signs):
            machine = "{} {}".format(platform.system(), platform.machine())
            python = platform.python_version()
            return sentence.format(needed=NEEDED_GB, root=ROOT, python=python, machine=machine)
    return "The set-up did not finish; the lines above say why."


def explain(trouble):
    """Return what to tell the reader about an exception."""
    if isinstance(trouble, SetupError):
        return trouble
    if isinstance(trouble, KeyboardInterrupt):
        return "Interrupted."
    return "{}\n{}".format(trouble, advice(str(trouble)))


def set_up():
    """Make ``.venv`` unless a usable one is there, install into it, and then leave ``.venv/ready``.

    The mark holds the place it was made for: a virtual environment does not survive a move. pip's scratch
    files lie beside what it installs, so that one disk is enough and a small ``/tmp`` does no harm.
    """
    if not reusable():
        require_venv_module()
        require_space()
        run([sys.executable, "-m", "venv", "--clear", VENV])
    shutil.rmtree(SCRATCH, ignore_errors=True)
    os.mkdir(SCRATCH)
    install = [PYTHON, "-m", "pip", "install", "-c", "constraints.txt", "-e", ".[test]"]
    run(install, env=pip_environment())
    shutil.rmtree(SCRATCH)
    with open(READY, "wb") as ready:
        ready.write(os.fsencode(ROOT) + b"\n")


def main(again="make lab"):
    """Set everything up; ``again`` is the command to repeat after a failure."""
    refuse_old_python(again)
    start = time.time()
    print("Setting up .venv, once: this takes minutes, and about 6 GB of disk on Linux.")
    sys.stdout.flush()
    try:
        set_up()
    except (KeyboardInterrupt, OSError, SetupError) as trouble:
        sys.exit("\n{}\nThen type again, it goes on where it stopped:  {}".format(explain(trouble), again))
    print("Set up in {:.0f} s.".format(time.time() - start))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("again", nargs="?", default="make lab", help="the command to repeat after a failure")
    main(parser.parse_args().again)
