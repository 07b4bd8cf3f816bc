"""What the house promises: one list of dependencies, Binder, the same bytes everywhere, CI."""

import ast
import importlib.metadata
import os
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
ROOT = Path(__file__).resolve().parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
PINS = [Requirement(line) for line in read("constraints.txt").splitlines()]


def ranges(lines):
    """Return {name: SpecifierSet} for lines such as "numpy>=1.26,<3"."""
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, lines)}


RUNTIME = ranges(PROJECT["dependencies"])
EXTRAS = {name: ranges(lines) for name, lines in PROJECT["optional-dependencies"].items()}
ALL = RUNTIME | {name: spec for extra in EXTRAS.values() for name, spec in extra.items()}

# --- the lists of dependencies ---


def test_conda_asks_for_what_pip_does_and_binder_for_the_same():
    python, pip, *rest = yaml.safe_load(read("environment.yml"))["dependencies"]
    names = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
    assert ranges(rest) == {names.get(name, name): spec for name, spec in RUNTIME.items()}
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_each_system_has_one_pin_per_package_within_its_range(python, system):
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system}
    pins = [pin for pin in PINS if not pin.marker or pin.marker.evaluate(here)]
    versions = {canonicalize_name(pin.name): pin.specifier for pin in pins}
    assert len(versions) == len(pins)
    for name, allowed in ALL.items():
        (pin,) = versions[name]
        assert (pin.operator, pin.version in allowed) == ("==", True), f"{name}{pin} is not in {allowed}"


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


def imported(text):
    """Yield the packages from which a piece of code imports."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from (name.partition(".")[0] for name in names)


def test_no_package_is_listed_twice():
    assert len(ALL) == len(RUNTIME) + sum(map(len, EXTRAS.values()))


def foreign(code, installed):
    """Return what pieces of code import that is here, but not among these distributions."""
    owners = importlib.metadata.packages_distributions()
    used = {name: set(map(canonicalize_name, owners.get(name, ()))) for t in code for name in imported(t)}
    return {name for name, theirs in used.items() if theirs and not theirs & installed}


def at_import(path):
    """Return the part of a module that runs when it is imported: the bodies of its functions left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def test_what_a_reader_runs_imports_only_what_make_lab_installs():
    """And a module of the package only inside functions what `make applications` adds."""
    tools = [ROOT / "tools" / f"{name}.py" for name in ("lab", "notebooks", "site_demo", "update")]
    source = list((ROOT / "src").rglob("*.py"))
    installed = needed(RUNTIME) | {"losslab"}
    assert foreign([path.read_text(encoding="utf-8") for path in tools], installed) == set()
    assert foreign(map(at_import, source), installed) == set()
    more = installed | needed(EXTRAS["applications"])
    assert foreign([path.read_text(encoding="utf-8") for path in source], more) == set()


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_that_needs_more_than_make_lab_installs_says_so_first(path):
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    says = 'environment.needs("applications")' in code[0]
    more = needed(EXTRAS["applications"]) if says else set()
    assert foreign(code, needed(RUNTIME) | {"losslab"} | more) == set()
    if says:
        before = code[0].partition("environment.needs(")[0]
        assert foreign([before], needed(RUNTIME) | {"losslab"}) == set()


# --- Binder ---


@posix
def test_binders_last_step_installs_the_package_and_fails_if_that_does(script, monkeypatch, tmp_path):
    monkeypatch.setenv("NB_PYTHON_PREFIX", str(tmp_path))
    monkeypatch.setenv("PATH", f"{script('jupyter', 'exit 0').parent}:{os.environ['PATH']}")
    script("python", f'echo "$*" >> "{tmp_path}/said"')
    subprocess.run([ROOT / "binder" / "postBuild"], cwd=ROOT, check=True)
    said = (tmp_path / "said").read_text().splitlines()
    assert said == ["-m pip install --no-cache-dir -e .[applications]", "-m losslab.book.above"]
    script("python", "exit 3")
    assert subprocess.run([ROOT / "binder" / "postBuild"], cwd=ROOT).returncode == 3


@posix
@pytest.mark.filterwarnings("ignore:pythonjsonlogger.jsonlogger has been moved:DeprecationWarning")
def test_repo2docker_sees_our_environment(monkeypatch):
    """repo2docker's own detection, in its own order; its Dockerfile needs no Docker."""
    from repo2docker.app import Repo2Docker
    from repo2docker.buildpacks import CondaBuildPack

    monkeypatch.chdir(ROOT)
    packs = (pack(base_image="docker.io/library/buildpack-deps:jammy") for pack in Repo2Docker().buildpacks)
    pack = next(pack for pack in packs if pack.detect())
    assert type(pack) is CondaBuildPack
    assert f"python={pack.python_version}" in yaml.safe_load(read("environment.yml"))["dependencies"]
    pack.platform = "linux/amd64"
    dockerfile = pack.render()
    assert '${MAMBA_EXE} env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert "\nRUN ./binder/postBuild\n" in dockerfile
    assert (ROOT / "binder" / "environment.yml").resolve() == ROOT / "environment.yml"


# --- git, licences, commands ---


def test_a_clone_by_git_for_windows_has_the_same_bytes(git, tmp_path):
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


def test_the_citation_and_the_licences_agree_with_pyproject():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == PROJECT["version"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
    assert [author["name"] for author in citation["authors"]] == [a["name"] for a in PROJECT["authors"]]
    assert set(citation["license"]) <= set(PROJECT["license"].split(" AND "))
    assert all((ROOT / name).exists() for name in PROJECT["license-files"])


LIBRARIES = {"browser.py", "tables.py"}  # imported by others, and no command
SCRIPTS = [path for folder in ("tools", "benchmarks") for path in sorted((ROOT / folder).glob("*.py"))]


@pytest.mark.parametrize("path", [p for p in SCRIPTS if p.name not in LIBRARIES], ids=lambda path: path.name)
def test_a_script_that_is_asked_for_help_gives_it_and_does_nothing(path, tmp_path):
    command = [sys.executable, path, "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {path.name}")
    assert list(tmp_path.iterdir()) == []


def test_the_hook_gives_a_notebook_back_as_it_is_stored(tmp_path):
    """What JupyterLab adds when it saves one is taken away again."""
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    (entry,) = [hook["entry"] for hook in repo["hooks"] if hook["id"] == "notebooks"]
    stored = ROOT / "notebooks" / "05_optimizers.ipynb"
    nb = nbformat.read(stored, as_version=4)
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nb.cells[1].metadata["execution"] = {"iopub.execute_input": "now"}
    nbformat.write(nb, tmp_path / stored.name)
    words = shlex.split(entry.replace(".venv/bin/python", shlex.quote(sys.executable)))
    subprocess.run([*words, tmp_path / stored.name], cwd=ROOT, check=True)
    assert (tmp_path / stored.name).read_bytes() == stored.read_bytes()


# --- CI ---


def test_ci_may_only_read_takes_the_oldest_python_and_elsewhere_the_readmes_plain_commands():
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in jobs.values())
    assert f">={jobs['verify']['strategy']['matrix']['python'][0]}" == PROJECT["requires-python"]
    plain = read("README.md").split("## Without make")[1].split("## ")[0].splitlines()
    ours = [step["run"] for step in jobs["elsewhere"]["steps"] if "run" in step]
    assert len(ours) == 2
    assert set(ours) <= set(plain)


CELL = """<testsuite><testcase classname="notebooks.07_mnist.ipynb" name="Cell 0">
<properties><property name="trains" value="yes"/></properties></testcase></testsuite>"""
DRAG = '<testsuite><testcase classname="tests.browser" name="test_drag"/></testsuite>'
SUMMARY = "============ 2 passed in 1.00s ============"


@pytest.fixture
def ci(script, tmp_path, monkeypatch):
    """Run .ci/run in a small tree whose long steps are stand-ins; return the finished process."""
    tree = tmp_path / "tree"
    for folder in (".ci", "tools", "notebooks", ".venv/bin", "build/junit"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tree / ".ci")
    shutil.copy(ROOT / "tools" / "check_ran.py", tree / "tools")
    (tree / "notebooks" / "07_mnist.ipynb").touch()
    (tmp_path / "shared" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{script('chromium', '').parent}:{os.environ['PATH']}")

    def run(make=f'echo "{SUMMARY}"', numerics=0, papermill=0, **reports):
        for name, text in ({"tests": CELL, "sse": CELL, "browser": DRAG} | reports).items():
            (tree / "build" / "junit" / f"{name}.xml").write_text(text)
        script("make", make)
        python = f"""case "$1 $2" in
            "tools/numerics.py sse") exit {numerics} ;;
            "-m papermill") echo "LOSSLAB_DATA=$LOSSLAB_DATA $*"; exit {papermill} ;;
            *) exec "{sys.executable}" "$@" ;;
        esac"""
        shutil.copy(script("python", python), tree / ".venv" / "bin" / "python")
        return subprocess.run(["bash", ".ci/run"], cwd=tree, capture_output=True, text=True)

    return run


@posix
def test_ci_passes_when_everything_ran_and_ends_with_pytests_summary(ci, tmp_path):
    done = ci()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"2 passed, 0 failed, 0 skipped\n{SUMMARY}\n")
    full = f"LOSSLAB_DATA={tmp_path.resolve()}/shared/mnist -m papermill --cwd notebooks -p data full "
    assert full in done.stdout


@posix
@pytest.mark.parametrize(
    "broken",
    [
        {"make": f'echo "{SUMMARY}"; exit 2'},
        {"make": "true"},  # pytest never said anything
        {"numerics": 1},
        {"papermill": 1},
        *({report: "<testsuite/>"} for report in ("tests", "sse", "browser")),
    ],
    ids=str,
)
def test_ci_fails_when_something_is_missing(ci, broken):
    assert ci(**broken).returncode != 0
