"""The verification verified: notebooks with one planted fault each, judged by the same `pytest --nbval`."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import notebooks

ROOT = Path(__file__).resolve().parents[2]
PRINTS = "import random\nrandom.seed(0)\nprint(round(random.random(), 4))"
INTERACTS = """from ipywidgets import FloatSlider, interact
def draw(beta):
    print(1 / beta)
_ = interact(draw, beta=FloatSlider(1.0, max=1.0))"""
OBSERVES = """from ipywidgets import FloatSlider, Output
out, slider = Output(), FloatSlider(0.5)
@out.capture()
def draw(change):
    print(1 / (change["new"] - 1.0))
slider.observe(draw, "value")
slider.value = 0.25
out"""
STREAMS = "import sys\nprint('epoch 1', file=sys.stdout)"
DIES = "import os\nif False:\n    os._exit(1)"
FILLS = "import time\nheld = bytearray(10**6 * 100)\nheld[::1000] = bytes(len(held) // 1000)\ntime.sleep(1)"
RUNS_AGAIN = "runs = globals().get('runs', 0) + 1\nassert runs < 9"
BOTH = {"Cell 0", "clean"}

# name: source, is its output compared?, what is stored, what somebody makes of it afterwards,
#       the items that must fail, and a word that must stand in each of their messages
FAULTS = {
    "number": (PRINTS, True, "0.8444", "0.8445", {"Cell 0"}, "0.8445"),
    "seed": (PRINTS, True, "seed(0)", "seed(1)", {"Cell 0"}, "0.1344"),
    "slider": (INTERACTS, False, "FloatSlider(1.0", "FloatSlider(0.0", {"clean"}, "a widget raised ZeroDiv"),
    "callback": (OBSERVES, False, "value = 0.25", "value = 1.0", {"clean"}, "a widget raised ZeroDiv"),
    "stderr": (STREAMS, False, "sys.stdout", "sys.stderr", {"clean"}, "cell c0 wrote to stderr: epoch 1"),
    "ignored": ("print(1 / 1.0)", False, "1 / 1.0", "1 / 0.0", BOTH, "ZeroDivisionError"),
    "memory": (FILLS, True, "10**6 * 100", "10**6 * 2000", {"clean"}, "GB of memory, 2.0 GB at most"),
    "again": (RUNS_AGAIN, True, "runs < 9", "runs < 2", {"clean"}, "cell c0-again-1: AssertionError"),
    "dead": (DIES, True, "if False", "if True", BOTH, "dead.ipynb, cell c0: DeadKernelError"),
}


def write(path, source, compared=True):
    """Write a notebook with a title and the code cell c0, without outputs."""
    tags = {} if compared else {"tags": ["nbval-ignore-output"]}
    cells = [new_markdown_cell("# Title", id="title"), new_code_cell(source, id="c0", metadata=tags)]
    nb = new_notebook(cells=cells, metadata=notebooks.METADATA)
    path.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")


def verify(folder, stock=False):
    """Run the project's verification over a folder; return {notebook: {item: message of a failure}}."""
    report = folder / "report.xml"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    options = "--nbval --nbval-cell-timeout=60 -p conftest -c pyproject.toml -p no:cacheprovider"
    options += f" --color=no -o junit_family=xunit1 --junit-xml={report}"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), str(folder)],
        cwd=ROOT,
        env=clean | {"LOSSLAB_STOCK_NBVAL": str(int(stock))},
        capture_output=True,
        text=True,
        timeout=300,  # a dead kernel must not hang it
    )
    assert report.exists(), run.stdout + run.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failed = found.setdefault(Path(case.get("file")).stem, {})
        failed |= {case.get("name"): bad.text for bad in case if bad.tag in ("failure", "error", "skipped")}
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every fault planted in a notebook that `tools/notebooks.py` ran and stored, and one without fault."""
    folder = tmp_path_factory.mktemp("planted")
    write(folder / "right.ipynb", PRINTS)
    for name, (source, compared, *_) in FAULTS.items():
        write(folder / f"{name}.ipynb", source, compared)
    command = [sys.executable, ROOT / "tools" / "notebooks.py", "--timings", folder / "rows.json"]
    command += ["--timeout", "60", *folder.glob("*.ipynb")]
    for _ in range(2):  # once in a long while nbclient misses the reply to a cell with an Output widget
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode == 0:
            break
    assert run.returncode == 0, run.stdout + run.stderr
    for name, (_, _, old, new, *_) in FAULTS.items():
        path = folder / f"{name}.ipynb"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    write(folder / "never_run.ipynb", PRINTS)
    return folder


@pytest.fixture(scope="module")
def verdicts(folder):
    return verify(folder)


def test_the_tool_measures_every_notebook(folder):
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    assert set(rows) == {f"{name}.ipynb" for name in [*FAULTS, "right"]}
    assert all(row["seconds"] > 0 and 0.02 < row["memory_gb"] < 1 for row in rows.values())


def test_a_right_notebook_passes_and_one_that_never_ran_does_not(verdicts):
    assert verdicts["right"] == {}
    assert verdicts["never_run"] == {"clean": "stored: no cell was executed"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(verdicts, name):
    *_, items, word = FAULTS[name]
    assert set(verdicts[name]) == items
    for message in verdicts[name].values():
        assert word in message


def test_stock_nbval_judges_alike(folder, tmp_path):
    for name in ("right", "number", "ignored"):
        shutil.copy(folder / f"{name}.ipynb", tmp_path)
    verdicts = {name: set(failed) for name, failed in verify(tmp_path, stock=True).items()}
    assert verdicts == {"right": set(), "number": {"Cell 0"}, "ignored": {"Cell 0"}}
