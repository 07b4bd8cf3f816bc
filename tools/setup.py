"""Make ``.venv`` and install the project into it: the recipe of ``.venv/ready…`` in the Makefile."""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SCRATCH = VENV / "tmp"  # on the disk that needs the room anyway: /tmp may be small
# The extras of pyproject.toml (none: its dependencies alone), how long each takes, and how large it is.
EXTRAS = {
    "": "What the notebooks need: some minutes, and on Linux about 6 GB of disk (13 GB while it works)",
    "test": "What the tests need: about a minute and 0.2 GB of disk",
    "applications": "What chapters 11, 12 and 17 need: about a minute and 0.5 GB of disk",
    "peers": "What the benchmark of MNIST compares with: less than a minute and 0.5 GB of disk",
    "mutants": "What `make mutants` needs: less than a minute and 0.1 GB of disk",
}
# Settings of pip that would send packages somewhere other than .venv, or nowhere.
ELSEWHERE = {"DRY_RUN", "NO_DEPS", "PREFIX", "PYTHON", "REQUIREMENT", "ROOT", "SRC", "TARGET", "USER"}
# What venv or pip print when they fail, and what to do then. The first match counts.
ADVICE = {
    "No space left|quota exceeded": "The disk is full. Free some space, or move this folder to another disk.",
    "Permission denied|Read-only file|not permitted": "Move this folder to a place where you may write.",
    "connection broken|Max retries|timed out|Connection aborted|IncompleteRead": (
        "The package index cannot be reached. Check the network connection (or the proxy settings)."
    ),
    "No matching distribution": (
        f"There is no ready-made package for Python {sys.version.split()[0]} here. Take another Python "
        "(make lab PYTHON=python3.12), or conda with environment.yml."
    ),
    "": "The set-up did not finish; the lines above say why.",
}


def usable():
    """Return whether ``.venv`` was made in this place, by this version of Python, and starts with pip."""
    question = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        here = f"{VENV}\n" in (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
        return here and subprocess.call([PYTHON, "-c", question], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def pip_settings():
    """Return the environment for pip, with the reader's own settings of it, except those in ``ELSEWHERE``.

    They come from files, too (a mirror, a proxy). pip calls itself again for what builds the package, and
    options on its command line would not reach that call.
    """
    left_out = {f"PIP_{name}" for name in ELSEWHERE}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    told = subprocess.check_output([PYTHON, "-m", "pip", "config", "list"], env=kept, text=True)
    settings = re.findall(r"^(install|global)\.([\w-]+)=(.+)$", told, re.M)
    for _, name, value in sorted(settings, reverse=True):  # pip's order: variables, [install], [global]
        kept.setdefault(f"PIP_{name.upper().replace('-', '_')}", ast.literal_eval(value))
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "TMPDIR": str(SCRATCH)}
    return {name: value for name, value in kept.items() if name not in left_out} | own


def run(*command, env=None):
    """Run a command in the root and show what it says; raise CalledProcessError if it fails."""
    pipe = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "errors": "replace"}
    with subprocess.Popen(command, cwd=ROOT, env=env, **pipe) as process:
        said = [sys.stderr.write(line) and line for line in process.stderr]
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr="".join(said))


def advice(error):
    """Return what went wrong and what to do about it."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    shown = isinstance(error, subprocess.CalledProcessError)
    said = error.stderr if shown else str(error)
    sentence = next(sentence for signs, sentence in ADVICE.items() if re.search(signs, said))
    return sentence if shown else f"{said}\n{sentence}"


def set_up(extra):
    """Make ``.venv`` unless a usable one is there, and install into it."""
    free = shutil.disk_usage(ROOT).free / 1e9
    print(f"{EXTRAS[extra]}, once. Here {free:.0f} GB are free.", flush=True)
    if not usable():
        if not find_spec("ensurepip"):
            package = "python{}.{}-venv".format(*sys.version_info)
            sys.exit(f"{sys.executable} lacks ensurepip. On Debian and Ubuntu:  sudo apt install {package}")
        run(sys.executable, "-m", "venv", "--clear", VENV)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir()
    what = f".[{extra}]" if extra else "."
    run(PYTHON, "-m", "pip", "install", "-c", "constraints.txt", "-e", what, env=pip_settings())
    shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", default="make lab", help="the command to repeat after a failure")
    parser.add_argument("extra", nargs="?", choices=EXTRAS, default="", help="of pyproject.toml")
    options = parser.parse_args()
    try:
        set_up(options.extra)
    except (KeyboardInterrupt, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"\n{advice(error)}\nThen type again, it goes on where it stopped:  {options.again}")
