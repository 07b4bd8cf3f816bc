"""The first command: what it checks, what it says, and that it goes on where it stopped."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import bootstrap
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs make, bash and POSIX signals")
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools" / "bootstrap.py"


# --- a Python that is too old ---


NEWER = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Nonlocal, ast.YieldFrom)


def too_new(tree):
    """Return what Python 2.7 would not read in a syntax tree, as far as such a script might hold it."""
    found = [node for node in ast.walk(tree) if isinstance(node, (*NEWER, ast.Match, ast.TryStar))]
    for node in ast.walk(tree):
        match node:
            case ast.Raise(cause=ast.expr()):  # raise … from …
                found.append(node)
            case ast.arguments(kwonlyargs=[_, *_]) | ast.arg(annotation=ast.expr()):
                found.append(node)
            case ast.FunctionDef(returns=ast.expr()):
                found.append(node)
            case ast.Call(args=[*_, ast.Starred(), _]):  # only names may follow a *name
                found.append(node)
            case (
                ast.Call(func=ast.Name("print"), args=[_, _, *_])
                | ast.Call(func=ast.Name("print"), keywords=[_])
            ):
                found.append(node)
            case ast.Tuple(elts=[*_, ast.Starred(), _]) | ast.List(elts=[*_, ast.Starred(), _]):
                found.append(node)
    return found


def test_every_python_can_read_the_script():
    text = SCRIPT.read_text(encoding="utf-8")
    assert text.isascii()  # Python 2 wants a declaration for anything else
    assert [ast.unparse(node) for node in too_new(ast.parse(text))] == []


@pytest.mark.parametrize(
    "line",
    ["f'{x}'", "x: int = 1", "raise A from b", "f(*a, b)", "print(1, 2)", "[*a, 1]", "def f(*, a): pass"],
)
def test_the_reader_of_old_grammar_objects(line):
    assert too_new(ast.parse(line))


@pytest.fixture
def only_python(tmp_path, monkeypatch):
    """Return a function that leaves one executable on PATH: a shell script with this name and body."""

    def leave(name, body):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent))

    return leave


def refused(call, *args):
    with pytest.raises(SystemExit) as stop:
        call(*args)
    return stop.value.code


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13)])
def test_an_old_python_names_a_newer_one(version, monkeypatch, only_python):
    monkeypatch.setattr(sys, "version_info", version)
    only_python("python3.13", "exit 0")
    said = refused(bootstrap.refuse_old_python, "make lab PYTHON=python3.8")
    assert "You have one." in said
    assert said.endswith("    make lab PYTHON=python3.13\n")


def test_a_newer_python_that_does_not_start_is_not_named(monkeypatch, only_python):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    only_python("python3.13", "exit 127")  # as pyenv's stand-ins do
    said = refused(bootstrap.refuse_old_python, "make lab")
    assert "Install one" in said


def test_this_python_is_not_refused():
    assert bootstrap.refuse_old_python("make lab") is None


def test_the_oldest_python_is_that_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">={}.{}".format(*bootstrap.OLDEST)


# --- other things that can be missing ---


def test_a_python_without_venv_names_debians_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else name)
    with pytest.raises(bootstrap.SetupError, match=r"sudo apt install python3\.\d+-venv"):
        bootstrap.require_venv_module()


def free_disk(monkeypatch, share):
    """Let the disk have ``share`` of the needed room."""
    free = int(share * bootstrap.NEEDED_GB * 1e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(free, 0, free))


def test_a_disk_without_room_is_refused(monkeypatch):
    free_disk(monkeypatch, 0.5)
    free, needed = bootstrap.NEEDED_GB / 2, bootstrap.NEEDED_GB
    with pytest.raises(bootstrap.SetupError, match=f"has {free:.1f} GB free; about {needed} GB are needed"):
        bootstrap.require_space()


def test_a_disk_with_room_is_not_refused(monkeypatch):
    free_disk(monkeypatch, 1.01)
    bootstrap.require_space()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        ("OSError: [Errno 122] Disk quota exceeded", "disk is full"),
        ("Error: [Errno 13] Permission denied: '/usr/x/.venv'", "cannot be written"),
        ("Error: [Errno 30] Read-only file system: '/mnt/x/.venv'", "cannot be written"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for hatchling",
            "Check the network",
        ),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "Check the network"),
        ("ERROR: No matching distribution found for torch==2.15.0", "no ready-made package for Python"),
        ("Segmentation fault", "lines above say why"),
    ],
)
def test_each_failure_gets_its_sentence(said, advice):
    assert advice in bootstrap.advice(said)


# --- the real thing, on a project that needs nothing from the network ---

PYPROJECT = """
[build-system]
requires = [{requires}]
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"

[project.optional-dependencies]
test = []
"""
BACKEND = """
import zipfile

FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\nProvides-Extra: test\\n",
    "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "RECORD": "",
}

def build_editable(folder, config_settings=None, metadata_directory=None):
    with open("installed", "a") as count:
        count.write("x")
    with zipfile.ZipFile(folder + "/tiny-1-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr("tiny-1.dist-info/" + name, text)
    return "tiny-1-py3-none-any.whl"
"""


class Tiny:
    """Our Makefile and bootstrap.py with a project that installs in seconds and needs no network."""

    def __init__(self, root, home):
        self.root, self.home = root, home
        home.mkdir()
        (root / "tools").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", root)
        shutil.copy(SCRIPT, root / "tools")
        (root / "tools" / "lab.py").write_text("print('the lab opens')\n")
        (root / "constraints.txt").touch()
        (root / "backend.py").write_text(BACKEND)
        self.requires()

    def requires(self, *packages):
        """Write a pyproject.toml whose build takes these packages from the index."""
        text = PYPROJECT.format(requires=", ".join(map(repr, packages)))
        (self.root / "pyproject.toml").write_text(text)

    def make(self, goal, python=sys.executable, **environ):
        """Run make with an empty HOME, nothing on standard input and an index that does not answer."""
        own = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}
        pip = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "1", "PIP_NO_CACHE_DIR": "1"}
        command = ["make", *goal.split(), *([f"PYTHON={python}"] if python else [])]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        return subprocess.run(command, cwd=self.root, env=own | pip | environ, **options)

    def installations(self):
        installed = self.root / "installed"
        return len(installed.read_text()) if installed.exists() else 0


@pytest.fixture
def tiny(tmp_path):
    return Tiny(tmp_path / "a folder, with spaces", tmp_path / "home")


def again(failed):
    """Return the words of the command that a set-up names after a failure, as the shell takes them."""
    return shlex.split(
        failed.stderr.split("Then type again, it goes on where it stopped:  ")[1].splitlines()[0]
    )


def test_a_set_up_fails_goes_on_is_reused_and_renewed(tiny):
    venv = tiny.root / ".venv"
    tiny.requires("hatchling")
    failed = tiny.make("test")
    assert failed.returncode != 0
    assert "Check the network connection" in failed.stderr
    assert again(failed) == ["make", "test", f"PYTHON={sys.executable}"]
    assert not (venv / "ready").exists()

    (venv / "kept").touch()
    tiny.requires()
    first = tiny.make("lab")
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith("the lab opens\n")
    assert (venv / "kept").exists()  # the environment was not made a second time
    assert not (venv / "tmp").exists()
    assert tiny.installations() == 1

    assert tiny.make("lab").stdout == "the lab opens\n"
    assert tiny.installations() == 1

    os.utime(tiny.root / "constraints.txt")
    assert tiny.make("lab", python=None).returncode == 0
    assert tiny.installations() == 2
    assert (venv / "kept").exists()


def test_an_environment_that_moved_or_lost_its_python_is_made_anew(tiny, tmp_path):
    tiny.make("lab")
    tiny.root = tiny.root.rename(tmp_path / "moved")
    (tiny.root / ".venv" / "stale").touch()
    moved = tiny.make("lab")
    assert moved.returncode == 0, moved.stderr
    assert not (tiny.root / ".venv" / "stale").exists()
    assert tiny.installations() == 2

    assert "bootstrap.py" not in tiny.make("-n lab").stdout
    (tiny.root / ".venv" / "bin" / "python").unlink()
    assert "bootstrap.py" in tiny.make("-n lab").stdout


def test_an_environment_is_renewed_by_the_python_it_was_made_with(tiny):
    """Whoever had to say PYTHON=python3.12 once need not say it again."""
    assert 'python3" tools/bootstrap.py' in tiny.make("-n lab", python=None).stdout
    python = tiny.root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tiny.root / ".venv" / "ready").write_text(f"{tiny.root}\n")
    assert "bootstrap" not in tiny.make("-n lab", python=None).stdout
    os.utime(tiny.root / "constraints.txt", (time.time() + 9,) * 2)
    assert '.venv/bin/python" tools/bootstrap.py' in tiny.make("-n lab", python=None).stdout


@pytest.mark.parametrize("here", [True, False])
def test_an_environment_is_used_only_where_it_was_made(here, monkeypatch, tmp_path):
    (tmp_path / "pyvenv.cfg").write_text(
        f"command = python -m venv {tmp_path}{'' if here else '/elsewhere'}\n"
    )
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path))
    monkeypatch.setattr(bootstrap, "PYTHON", sys.executable)
    assert bootstrap.reusable() is here
    monkeypatch.setattr(bootstrap, "PYTHON", str(tmp_path / "python"))
    assert not bootstrap.reusable()  # it is gone


def test_what_the_shell_says_to_other_pythons_and_a_home_that_cannot_be_written_do_no_harm(tiny, tmp_path):
    (tmp_path / "pip.py").write_text("raise SystemExit('this is not pip')")
    elsewhere = {f"PIP_{name}": str(tmp_path / name) for name in ("TARGET", "PREFIX", "ROOT", "SRC")}
    pip = {"PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_DRY_RUN": "1", "PIP_PYTHON": "/nowhere"}
    python = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere", "VIRTUAL_ENV": str(tmp_path)}
    assert_the_lab_opens(tiny, **elsewhere, **pip, **python, HOME=str(tmp_path / "pip.py" / "home"))


def test_what_a_configuration_of_pip_says_about_other_places_does_no_harm(tiny, tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[install]\nuser = true\n[global]\ntarget = {tmp_path}/there\nprefix = {tmp_path}/there\n"
    )
    assert_the_lab_opens(tiny, PIP_CONFIG_FILE=str(config))
    assert not (tmp_path / "there").exists()


def assert_the_lab_opens(tiny, **environ):
    """The build takes a package from the reader's index, so pip runs itself once more; so does the lab."""
    index = wheel(tiny.root / "index")
    tiny.requires("helper")
    (tiny.root / "tools" / "lab.py").write_text("import importlib.metadata as m; print(m.version('tiny'))")
    done = tiny.make("lab", **environ, PIP_NO_INDEX="1", PIP_FIND_LINKS=index.as_uri())
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n1\n")


def wheel(folder):
    """Make a folder with a package in it that a build can ask for."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "helper-1-py3-none-any.whl", "w") as file:
        file.writestr("helper-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: helper\nVersion: 1\n")
        file.writestr(
            "helper-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("helper-1.dist-info/RECORD", "")
    return folder


def test_a_python_in_a_folder_with_a_space_and_a_project_in_one_with_other_letters(tiny, tmp_path):
    python = tmp_path / "my pythons" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    tiny.requires("missing")
    failed = tiny.make("lab", python=python)
    assert again(failed) == ["make", "lab", f"PYTHON={python}"]
    tiny.requires()
    tiny.root = tiny.root.rename(tmp_path / "一 个")
    assert tiny.make("lab", python=python).returncode == 0
    assert tiny.make("lab", python=None).stdout == "the lab opens\n"
    assert tiny.installations() == 1


def test_without_any_python_make_says_so(tiny):
    done = tiny.make("lab", python="python3.99")
    assert done.returncode != 0
    assert "There is no python3.99 here; install Python 3.11 or newer" in done.stderr + done.stdout


def test_make_alone_lists_the_commands(tiny):
    listed = tiny.make("").stdout
    (phony,) = re.findall(r"^\.PHONY: (help .*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert re.findall(r"^  make (\S+) +\S", listed, re.M) == phony.split()
    assert not (tiny.root / ".venv").exists()


def test_interrupting_names_the_command_that_goes_on(monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "set_up", interrupt)
    said = refused(bootstrap.main, "make test")
    assert said.endswith("Interrupted.\nThen type again, it goes on where it stopped:  make test")
