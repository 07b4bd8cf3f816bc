"""What the house promises: one list of dependencies, Binder, licences, CI."""

import ast
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no bash, no symbolic links and no run bit")
ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
START = "notebooks/00_start_here.ipynb"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def specifiers(lines):
    """Return {name: SpecifierSet} for lines such as "numpy>=1.26,<3"."""
    parsed = map(Requirement, lines)
    return {canonicalize_name(r.name): r.specifier for r in parsed}


# --- the lists of dependencies ---

RUNTIME = specifiers(PROJECT["dependencies"])
EXTRA = specifiers(line for group in PROJECT["optional-dependencies"].values() for line in group)
PINS = [Requirement(line) for line in read("constraints.txt").splitlines()]


def conda():
    return yaml.safe_load(read("environment.yml"))["dependencies"]


def test_conda_asks_for_what_pip_does():
    own = {CONDA_NAMES.get(name, name): spec for name, spec in RUNTIME.items()}
    assert specifiers(conda()[2:]) == own


def test_conda_has_an_exact_python_that_the_project_supports_and_no_pip_section():
    python, pip = conda()[:2]
    assert re.fullmatch(r"python=3\.\d+", python)  # Binder reads only this form
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert all(isinstance(entry, str) for entry in conda())


def test_a_comment_says_which_line_to_change_for_a_gpu():
    (line,) = [line for line in read("environment.yml").splitlines() if "- pytorch-cpu" in line]
    cpu, _, comment = line.partition("#")
    assert "GPU" in comment
    assert cpu.strip(" -").replace("-cpu", "-gpu") in comment


@pytest.mark.parametrize("name", sorted(RUNTIME | EXTRA))
def test_every_pinned_version_is_in_its_range(name):
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == name]
    assert pins, f"constraints.txt does not pin {name}"
    for pin in pins:
        (version,) = pin.specifier
        assert version.operator == "=="
        assert version.version in (RUNTIME | EXTRA)[name], f"{pin} is not in {(RUNTIME | EXTRA)[name]}"


def test_constraints_hold_pins_and_no_addresses():
    assert all(len(pin.specifier) == 1 and not pin.url and not pin.extras for pin in PINS)
    assert not re.search(r"https?:|file:|^-", read("constraints.txt"), re.MULTILINE)


def test_the_pins_are_made_for_the_oldest_python_too():
    """uv would else take the Python it runs on for the oldest."""
    assert f"--universal --python-version {PROJECT['requires-python'].removeprefix('>=')} " in read(
        "Makefile"
    )


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_each_system_has_one_pin_per_package(python, system):
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system}
    names = [canonicalize_name(pin.name) for pin in PINS if not pin.marker or pin.marker.evaluate(here)]
    assert len(names) == len(set(names))
    assert set(names) >= set(RUNTIME | EXTRA)


def imported(text):
    """Yield the modules that a piece of code imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def needed(names):
    """Return these distributions and those that they need, as they are installed here."""
    found, waiting = set(), list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            more = map(Requirement, importlib.metadata.requires(name) or [])
            waiting += [r.name for r in more if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


def test_what_a_reader_runs_imports_only_what_make_lab_installs():
    readers = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "tools" / f"{t}.py" for t in ("lab", "update", "notebooks")),
    ]
    code = [path.read_text(encoding="utf-8") for path in readers]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        code += [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    used = {name.partition(".")[0] for text in code for name in imported(text)}
    owners = importlib.metadata.packages_distributions()
    ours = needed(RUNTIME) | {"losslab"}
    assert [
        name
        for name in sorted(used)
        if name in owners and not set(map(canonicalize_name, owners[name])) & ours
    ] == []


# --- Binder ---


@posix
def test_binder_gets_the_same_environment():
    assert os.readlink(ROOT / "binder" / "environment.yml") == "../environment.yml"
    assert read("binder/environment.yml") == read("environment.yml")


@posix
@pytest.mark.parametrize("name", ["binder/postBuild", ".ci/run"])
def test_scripts_have_the_run_bit_stop_at_errors_and_parse(name):
    path = ROOT / name
    assert path.stat().st_mode & 0o111 == 0o111
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in path.read_text()
    subprocess.run(["bash", "-n", path], check=True)


def test_binder_opens_jupyterlab_at_the_start_notebook():
    assert PROJECT["urls"]["Binder"].endswith(f"?urlpath=lab/tree/{START}")
    assert PROJECT["urls"]["Binder"].startswith("https://mybinder.org/v2/gh/")
    assert PROJECT["urls"]["Source"].removeprefix("https://github.com/") in PROJECT["urls"]["Binder"]
    assert (ROOT / START).exists()


@pytest.fixture
def stubs(tmp_path):
    """Return a function that puts shell scripts on a PATH of their own, and the file in which they record."""
    folder, record = tmp_path / "stubs", tmp_path / "record"
    folder.mkdir()
    record.touch()

    def add(**scripts):
        for name, body in scripts.items():
            (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{record}"\n{body}\n')
            (folder / name).chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    return add, record


@posix
def test_post_build_installs_the_package_and_nothing_else(stubs, tmp_path):
    add, record = stubs
    env = add(python="", jupyter="") | {"NB_PYTHON_PREFIX": str(tmp_path)}
    subprocess.run([ROOT / "binder" / "postBuild"], cwd=ROOT, env=env, check=True)
    install, notices = record.read_text().splitlines()
    assert install == "python -m pip install --no-deps --no-cache-dir -e ."
    assert notices.startswith("jupyter labextension disable")


@posix
def test_post_build_fails_if_the_installation_does(stubs, tmp_path):
    add, _ = stubs
    env = add(python="exit 3", jupyter="")
    assert subprocess.run([ROOT / "binder" / "postBuild"], cwd=tmp_path, env=env).returncode == 3


@pytest.mark.filterwarnings("ignore:pythonjsonlogger.jsonlogger has been moved:DeprecationWarning")
def test_repo2docker_sees_our_environment(monkeypatch):
    """repo2docker's own detection, in its own order; its Dockerfile needs no Docker."""
    from repo2docker.app import Repo2Docker
    from repo2docker.buildpacks import CondaBuildPack

    monkeypatch.chdir(ROOT)
    packs = (pack(base_image="docker.io/library/buildpack-deps:jammy") for pack in Repo2Docker().buildpacks)
    pack = next(pack for pack in packs if pack.detect())
    assert type(pack) is CondaBuildPack
    assert pack.python_version == conda()[0].removeprefix("python=")
    pack.platform = "linux/amd64"
    dockerfile = pack.render()
    assert '${MAMBA_EXE} env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert "\nRUN ./binder/postBuild\n" in dockerfile


# --- git ---


def git(*words, cwd):
    """Run git as somebody with no configuration of their own; return what it says."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=A Reader", "-c", "user.email=reader@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *words], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_clone_by_git_for_windows_has_the_same_bytes(tmp_path):
    """Its installer proposes core.autocrlf=true, with which bash would read "bash\\r"."""
    left_out = shutil.ignore_patterns(".git", ".venv", "build", "mutants", "__pycache__")
    ours = shutil.copytree(ROOT, tmp_path / "ours", ignore=left_out, symlinks=True)
    git("init", "-q", cwd=ours)
    git("add", ".", cwd=ours)
    git("commit", "-q", "-m", "All", cwd=ours)
    git("clone", "-q", "-c", "core.autocrlf=true", ours, "theirs", cwd=tmp_path)
    names = git("ls-files", "-z", cwd=ours).rstrip("\0").split("\0")
    assert {".ci/run", "binder/postBuild"} <= set(names)
    assert [n for n in names if (ours / n).read_bytes() != (tmp_path / "theirs" / n).read_bytes()] == []


# --- licences, citation, changelog ---


def test_licences_say_what_pyproject_says():
    assert set(PROJECT["license-files"]) >= {"LICENSE", "LICENSE-TEXT"}
    assert read("LICENSE").startswith("MIT License\n\nCopyright (c) 2026 The Loss to Launch authors\n")
    assert read("LICENSE-TEXT").startswith("SPDX-License-Identifier: CC-BY-4.0\n")
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in read("LICENSE-TEXT")
    assert {"MIT", "CC-BY-4.0"} <= set(PROJECT["license"].split(" AND "))


def test_the_citation_agrees_with_pyproject():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == PROJECT["version"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
    assert [author["name"] for author in citation["authors"]] == [a["name"] for a in PROJECT["authors"]]
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    assert citation.keys() >= {"cff-version", "message", "title"}


def test_the_changelog_has_the_form_of_keep_a_changelog():
    headings = re.findall(r"^## (.*)", read("CHANGELOG.md"), re.MULTILINE)
    kinds = set(re.findall(r"^### (.*)", read("CHANGELOG.md"), re.MULTILINE))
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# --- the commands and CI ---

LIBRARIES = {"browser.py", "tables.py"}  # imported by others, and no command
SCRIPTS = [path for folder in ("tools", "benchmarks") for path in sorted((ROOT / folder).glob("*.py"))]


@pytest.mark.parametrize("path", [p for p in SCRIPTS if p.name not in LIBRARIES], ids=lambda path: path.name)
def test_a_script_that_is_asked_for_help_gives_it_and_does_nothing(path, tmp_path):
    command = [sys.executable, path, "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {path.name}")
    assert list(tmp_path.iterdir()) == []


WORKFLOW = yaml.safe_load(read(".github/workflows/ci.yml"))
EVENTS = WORKFLOW[True]  # YAML reads the key "on" as a truth value


def commands(job):
    return [step.get("run") for step in WORKFLOW["jobs"][job]["steps"]]


@pytest.mark.parametrize("job", ["verify", "weekly"])
def test_ci_runs_what_we_run(job):
    assert commands(job)[-1] == "bash .ci/run"


def test_ci_uses_the_oldest_python_we_promise_and_a_newer_one():
    pythons = WORKFLOW["jobs"]["verify"]["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == PROJECT["requires-python"]
    assert len(pythons) > 1
    assert {"push", "pull_request"} <= EVENTS.keys()


def test_ci_tries_the_readmes_plain_commands_on_the_other_systems():
    assert WORKFLOW["jobs"]["elsewhere"]["strategy"]["matrix"]["system"] == ["windows-latest", "macos-latest"]
    plain = read("README.md").split("## Without make")[1].split("## ")[0].splitlines()
    ours = list(filter(None, commands("elsewhere")))
    assert len(ours) == 2
    assert set(ours) <= set(plain)


def test_the_weekly_jobs_take_the_newest_releases_stock_nbval_and_other_numerics():
    assert EVENTS["schedule"][0]["cron"].split()[-1] == "1"
    weekly = WORKFLOW["jobs"]["weekly"]
    assert "schedule" in weekly["if"]
    newest, stock, numerics = weekly["strategy"]["matrix"]["what"]
    newer, portable, run = weekly["steps"][-3:]
    assert newest in newer["if"]
    assert newer["run"].startswith("make constraints")
    assert (portable["if"], portable["run"]) == (f"matrix.what == '{numerics}'", "make portable")
    assert f"matrix.what == '{stock}' && '1' || '0'" in run["env"]["LOSSLAB_STOCK_NBVAL"]


def test_the_workflow_may_only_read():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in WORKFLOW["jobs"].values())
    assert "secrets." not in read(".github/workflows/ci.yml")


def test_wheels_are_cached_by_the_constraints():
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    setups = [step["with"] for step in steps if "setup-python" in step.get("uses", "")]
    assert len(setups) == len(WORKFLOW["jobs"])
    for setup in setups:
        assert (setup["cache"], setup["cache-dependency-path"]) == ("pip", "constraints.txt")


def test_the_hook_gives_a_notebook_back_as_it_is_stored(tmp_path):
    """What JupyterLab adds when it saves one is taken away again."""
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    stored = ROOT / "notebooks" / "05_optimizers.ipynb"
    path = tmp_path / stored.name
    nb = nbformat.read(stored, as_version=4)
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nb.cells[1].metadata["execution"] = {"iopub.execute_input": "now"}
    nbformat.write(nb, path)
    (entry,) = [hook["entry"] for hook in repo["hooks"] if hook["id"] == "notebooks"]
    subprocess.run([*shlex.split(entry), path], cwd=ROOT, check=True)
    assert path.read_bytes() == stored.read_bytes()


# --- .ci/run, with stand-ins for the long steps ---

CELL = """<testsuite><testcase classname="notebooks.07_mnist.ipynb" name="Cell 0">
<properties><property name="trains" value="yes"/></properties></testcase></testsuite>"""
GREEN = {
    "tests.xml": CELL,
    "sse.xml": CELL,
    "browser.xml": '<testsuite><testcase classname="tests.browser" name="test_drag"/></testsuite>',
}
SUMMARY = "============ 2 passed in 1.00s ============"

CHROMIUM = {"chromium": ""}


@pytest.fixture
def ci(stubs, tmp_path):
    """Run .ci/run in a small tree whose ``make`` writes the JUnit files; return the finished process."""
    add, _ = stubs
    tree = tmp_path / "tree"
    for folder in (".ci", "tools", "notebooks", ".venv/bin", "build/junit"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tree / ".ci")
    shutil.copy(ROOT / "tools" / "check_ran.py", tree / "tools")
    (tree / "notebooks" / "07_mnist.ipynb").touch()

    def run(junit=GREEN, make=f'echo "{SUMMARY}"', papermill=0, shared=False, found=CHROMIUM, numerics=0):
        for name, text in junit.items():
            (tree / "build" / "junit" / name).write_text(text)
        if shared:
            (tmp_path / "shared" / "mnist").mkdir(parents=True)
        python = tree / ".venv" / "bin" / "python"
        python.write_text(
            f'#!/bin/sh\n[ "$1" = tools/numerics.py ] && echo "$*" && exit {numerics}\n'
            f'[ "$2" = papermill ] || exec "{sys.executable}" "$@"\n'
            f'echo "LOSSLAB_DATA=$LOSSLAB_DATA $*"; exit {papermill}\n'
        )
        python.chmod(0o755)
        env = add(make=make, **found)
        return subprocess.run(["bash", ".ci/run"], cwd=tree, env=env, capture_output=True, text=True)

    return run


@posix
def test_ci_installs_chromium_where_there_is_none(ci, monkeypatch, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "dirname", "id", "mkdir", "env", "tee", "grep"):
        (tools / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tools))
    assert ci(found={"apt-get": "", "sudo": 'exec "$@"'}).returncode == 0
    update, install = (tmp_path / "record").read_text().splitlines()[:2]
    assert update.startswith("apt-get update")
    assert re.match("apt-get install .* chromium", install)


@posix
def test_ci_passes_when_everything_ran_and_ends_with_pytests_summary(ci):
    done = ci()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"2 passed, 0 failed, 0 skipped\n{SUMMARY}\n")
    assert "tools/numerics.py sse -- -m trains and not browser\n" in done.stdout
    assert "NOT RUN: the MNIST chapter on the full files" in done.stdout


@posix
def test_ci_trains_on_the_full_files_when_they_are_there(ci, tmp_path):
    done = ci(shared=True)
    assert done.returncode == 0, done.stdout + done.stderr
    data = (tmp_path / "shared" / "mnist").resolve()
    assert f"LOSSLAB_DATA={data} -m papermill --cwd notebooks" in done.stdout
    assert re.search(r"-p data full .*notebooks/07_mnist\.ipynb build/", done.stdout)
    assert "NOT RUN" not in done.stdout


@posix
@pytest.mark.parametrize(
    "broken",
    [
        {"make": f'echo "{SUMMARY}"; exit 2'},
        {"make": "true"},  # pytest never said anything
        {"junit": {**GREEN, "browser.xml": "<testsuite/>"}},
        {"junit": {**GREEN, "tests.xml": "<testsuite/>"}},
        {"numerics": 1},
        {"junit": {**GREEN, "sse.xml": "<testsuite/>"}},
        {"shared": True, "papermill": 1},
    ],
    ids=[
        "make fails",
        "no pytest",
        "no browser",
        "no notebook",
        "not portable",
        "no foreign numerics",
        "full MNIST fails",
    ],
)
def test_ci_fails_when_something_is_missing(ci, broken):
    assert ci(**broken).returncode != 0
