"""The first command: what it says when something is missing, and that it goes on where it stopped."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs make, a shell and POSIX signals")
ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = """
[build-system]
requires = [{requires}]
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"
optional-dependencies.test = ["helper"]
optional-dependencies.applications = []
optional-dependencies.peers = []
"""
BACKEND = """
import os, shutil, time

def build_editable(folder, config_settings=None, metadata_directory=None):
    with open("installed", "a") as count:
        count.write("x")
    {first}
    return os.path.basename(shutil.copy("tiny-1-py3-none-any.whl", folder))
"""
AGAIN = "Then type again, it goes on where it stopped:  "


def wheel(folder, name):
    """Write a package of that name without any content."""
    folder.mkdir(exist_ok=True)
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
        "Provides-Extra: test\nProvides-Extra: peers\nProvides-Extra: applications\n"
        "Requires-Dist: helper; extra == 'test'\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as file:
        for path, text in files.items():
            file.writestr(f"{name}-1.dist-info/{path}", text)


class Tiny:
    """Our Makefile and setup.py with a project that installs in seconds and needs no network."""

    def __init__(self, root, home):
        self.root, self.home = root, home
        home.mkdir()
        (root / "tools").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", root)
        shutil.copy(ROOT / "tools" / "setup.py", root / "tools")
        (root / "tools" / "lab.py").write_text(
            "import importlib.metadata as m; print('lab', m.version('tiny'))"
        )
        (root / "constraints.txt").touch()
        wheel(root, "tiny")
        self.project()

    def project(self, *requires, first="pass"):
        """Let the build take packages from the index, then do something ``first``."""
        (self.root / "pyproject.toml").write_text(PYPROJECT.format(requires=", ".join(map(repr, requires))))
        (self.root / "backend.py").write_text(BACKEND.format(first=first))

    def start(self, goal, python=sys.executable, **environ):
        """Start make with an empty HOME and an index that does not answer."""
        own = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}
        pip = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "1", "PIP_NO_CACHE_DIR": "1"}
        command = ["make", *goal.split(), *([f"PYTHON={python}"] if python else [])]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        options = {"text": True, "start_new_session": True}
        return subprocess.Popen(command, cwd=self.root, env=own | pip | environ, **pipes, **options)

    def make(self, goal, **options):
        """Run make; return its exit status and what it says."""
        with self.start(goal, **options) as process:
            said = process.stdout.read()
        return process.returncode, said

    def installations(self):
        return len((self.root / "installed").read_text())


@pytest.fixture
def tiny(tmp_path):
    return Tiny(tmp_path / "a folder, with spaces", tmp_path / "home")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13)])
def test_an_old_python_is_refused_and_a_newer_one_asked_for(version, tiny, script):
    python = script("python", f'exec "{sys.executable}" -c "import sys; sys.version_info = {version}; $2"')
    status, said = tiny.make("lab", python=python)
    assert status != 0
    assert said.startswith(f"Python 3.11 or newer is needed, and {python} is none.")
    assert "make lab PYTHON=python3.12" in said
    assert "python3.99 is none" in tiny.make("lab", python="python3.99")[1]
    assert not (tiny.root / ".venv").exists()


def test_a_python_without_ensurepip_names_debians_package(tiny, script, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['ensurepip'] = None")
    python = script("python", f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"')
    status, said = tiny.make("lab", python=python)
    assert status != 0
    assert "On Debian and Ubuntu:  sudo apt install python{}.{}-venv\n".format(*sys.version_info) in said


@pytest.mark.parametrize(
    ("requires", "first", "sentence"),
    [
        (["hatchling"], "pass", "The package index cannot be reached. Check the network connection"),
        ([], "raise OSError(28, os.strerror(28))", "The disk is full. Free some space"),
        ([], "raise SystemExit('no compiler')", "The set-up did not finish; the lines above say why."),
    ],
    ids=["no network", "disk full", "else"],
)
def test_a_set_up_that_fails_says_why_and_goes_on_where_it_stopped(requires, first, sentence, tiny):
    tiny.project(*requires, first=first)
    status, said = tiny.make("lab")
    assert status != 0
    assert sentence in said
    assert shlex.split(said.split(AGAIN)[1].splitlines()[0]) == ["make", "lab", f"PYTHON={sys.executable}"]
    (tiny.root / ".venv" / "kept").touch()
    tiny.project()
    assert tiny.make("lab")[1].endswith("lab 1\n")
    assert (tiny.root / ".venv" / "kept").exists()
    assert not (tiny.root / ".venv" / "tmp").exists()


def test_ctrl_c_names_the_command_that_goes_on(tiny):
    tiny.project(first="time.sleep(60)")
    with tiny.start("lab") as process:
        while not (tiny.root / "installed").exists():
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        assert f"\nInterrupted.\n{AGAIN}make lab" in process.stdout.read()
    assert process.returncode != 0


def test_a_set_up_is_reused_renewed_by_its_own_python_and_made_anew_after_a_move(tiny, tmp_path):
    assert tiny.make("lab")[0] == 0
    assert tiny.make("lab", python=None) == (0, "lab 1\n")
    os.utime(tiny.root / "constraints.txt", (time.time() + 9,) * 2)
    assert '.venv/bin/python" tools/setup.py' in tiny.make("-n lab", python=None)[1]
    os.utime(tiny.root / "constraints.txt")
    (tiny.root / ".venv" / "kept").touch()
    assert tiny.make("lab", python=None)[0] == 0
    assert (tiny.root / ".venv" / "kept").exists()
    assert tiny.installations() == 2

    tiny.root = tiny.root.rename(tmp_path / "一 个")
    status, said = tiny.make("lab")
    assert status == 0, said
    assert not (tiny.root / ".venv" / "kept").exists()
    assert tiny.make("lab", python=None) == (0, "lab 1\n")
    (tiny.root / ".venv" / "bin" / "python").unlink()
    assert "tools/setup.py" in tiny.make("-n lab")[1]


def test_what_the_tests_need_comes_on_top_when_it_is_first_asked_for(tiny, index):
    (tiny.root / "benchmarks").mkdir()
    (tiny.root / "benchmarks" / "x.py").write_text(
        "import importlib.metadata as m; print(m.version('helper'))"
    )
    assert "What the notebooks need: some minutes" in tiny.make("lab")[1]
    assert not list((tiny.root / ".venv").rglob("helper-1*"))
    status, said = tiny.make("bench", PIP_NO_INDEX="1", PIP_FIND_LINKS=index["find-links"])
    assert (status, said.splitlines()[-1]) == (0, "1"), said
    assert said.startswith("What the tests need: about a minute and 0.2 GB of disk, once. Here ")
    assert "What the benchmark of MNIST compares with: less than a minute and 0.5 GB of disk, once." in said
    assert "What chapters 11, 12 and 17 need: about a minute and 0.5 GB of disk, once." in said
    assert tiny.make("bench") == (0, "== benchmarks/x.py\n1\n")
    assert tiny.make("lab") == (0, "lab 1\n")
    assert tiny.installations() == 4


@pytest.fixture
def index(tmp_path):
    """Return the pip settings of a reader who has an index of their own, with a package for the build."""
    wheel(tmp_path / "index", "helper")
    return {"no-index": "1", "find-links": (tmp_path / "index").as_uri()}


def test_what_the_shell_says_to_pip_and_python_does_no_harm(tiny, index, tmp_path):
    tiny.project("helper")
    (tmp_path / "pip.py").write_text("raise SystemExit('this is not pip')")
    elsewhere = {f"PIP_{name}": str(tmp_path / "there") for name in ("TARGET", "PREFIX", "ROOT", "SRC")}
    pip = {"PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_DRY_RUN": "1", "PIP_PYTHON": "/nowhere"}
    pip |= {f"PIP_{name.replace('-', '_').upper()}": value for name, value in index.items()}
    python = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere", "VIRTUAL_ENV": str(tmp_path)}
    home = {"HOME": str(tmp_path / "pip.py" / "home")}  # cannot be written
    status, said = tiny.make("lab", **elsewhere, **pip, **python, **home)
    assert (status, said.splitlines()[-1]) == (0, "lab 1"), said
    assert not (tmp_path / "there").exists()


def test_a_configuration_of_pip_names_the_index_but_no_other_place(tiny, index, tmp_path):
    tiny.project("helper")
    config = tmp_path / "pip.conf"
    there = "".join(f"{name} = {tmp_path}/there\n" for name in ("target", "prefix"))
    own = "".join(f"{name} = {value}\n" for name, value in index.items())
    config.write_text(f"[install]\nuser = true\n[global]\n{there}{own}")
    status, said = tiny.make("lab", PIP_CONFIG_FILE=str(config))
    assert (status, said.splitlines()[-1]) == (0, "lab 1"), said
    assert not (tmp_path / "there").exists()


def test_make_alone_lists_the_commands_and_does_nothing(tiny):
    _, listed = tiny.make("")
    (phony,) = re.findall(r"^\.PHONY: (help .*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert re.findall(r"^  make (\S+) +\S", listed, re.M) == phony.split()
    assert not (tiny.root / ".venv").exists()
