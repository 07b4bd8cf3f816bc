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

ROOT = Path(__file__).resolve().parents[1]
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
DIVIDES = "print(1 / 1.0)"
FILLS = "import time\nheld = bytearray(10**6 * 100)\nheld[::1000] = bytes(len(held) // 1000)\ntime.sleep(1)"

# name: source, is its output compared?, (what is stored, what somebody makes of it afterwards),
#       the items that must fail, and words that must stand in each of their messages
FAULTS = {
    "number": (PRINTS, True, ("0.8444", "0.8445"), {"Cell 0"}, ["0.8444", "0.8445"]),
    "seed": (PRINTS, True, ("seed(0)", "seed(1)"), {"Cell 0"}, ["0.8444", "0.1344"]),
    "slider": (
        INTERACTS,
        False,
        ("FloatSlider(1.0", "FloatSlider(0.0"),
        {"clean"},
        ["a widget raised ZeroDiv"],
    ),
    "callback": (OBSERVES, False, ("value = 0.25", "value = 1.0"), {"clean"}, ["a widget raised ZeroDiv"]),
    "stderr": (STREAMS, False, ("sys.stdout", "sys.stderr"), {"clean"}, ["cell c0 wrote to stderr: epoch 1"]),
    "ignored": (DIVIDES, False, ("1 / 1.0", "1 / 0.0"), {"Cell 0", "clean"}, ["ZeroDivisionError"]),
    "memory": (FILLS, True, ("10**6 * 100", "10**6 * 2000"), {"clean"}, ["GB of memory, 2.0 GB at most"]),
    "dead": (
        DIES,
        True,
        ("if False", "if True"),
        {"Cell 0", "clean"},
        ["dead.ipynb, cell c0: DeadKernelError"],
    ),
}


def write(path, source, compared=True):
    """Write a notebook with a title and the code cell c0, without outputs."""
    tags = {} if compared else {"tags": ["nbval-ignore-output"]}
    cells = [new_markdown_cell("# Title", id="title"), new_code_cell(source, id="c0", metadata=tags)]
    nb = new_notebook(cells=cells, metadata=notebooks.METADATA)
    path.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")


def verify(folder, stock=False):
    """Run the project's verification over a folder; return {notebook: {item: message or None}}."""
    report = folder / "report.xml"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    options = "--nbval --nbval-cell-timeout=60 -p conftest -c pyproject.toml -p no:cacheprovider"
    options += " --color=no -o junit_family=xunit1"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), f"--junit-xml={report}", str(folder)],
        cwd=ROOT,
        env=clean | {"LOSSLAB_STOCK_NBVAL": str(int(stock))},
        capture_output=True,
        text=True,
        timeout=300,  # a dead kernel must not hang it
    )
    assert report.exists(), run.stdout + run.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        bad = [child.text for child in case if child.tag in ("failure", "error", "skipped")]
        found.setdefault(Path(case.get("file")).stem, {})[case.get("name")] = bad[0] if bad else None
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every fault planted in a notebook that `tools/notebooks.py` ran and stored, and one without fault."""
    folder = tmp_path_factory.mktemp("planted")
    write(folder / "right.ipynb", PRINTS)
    for name, (source, compared, *_) in FAULTS.items():
        write(folder / f"{name}.ipynb", source, compared)
    command = [
        sys.executable,
        str(ROOT / "tools" / "notebooks.py"),
        "--timings",
        str(folder / "rows.json"),
    ]
    run = subprocess.run([*command, *folder.glob("*.ipynb")], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    for name, (_, _, (old, new), *_) in FAULTS.items():
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
    assert all(0 < row["seconds"] < 60 for row in rows.values())
    assert all(0.02 < row["memory_gb"] < 1 for row in rows.values())


def test_a_right_notebook_passes(verdicts):
    assert verdicts["right"] == {"Cell 0": None, "clean": None}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(verdicts, name):
    *_, items, words = FAULTS[name]
    failed = {item: message for item, message in verdicts[name].items() if message}
    assert set(failed) == items
    for message in failed.values():
        assert all(word in message for word in words), message


def test_a_notebook_that_was_never_run_is_caught(verdicts):
    assert verdicts["never_run"] == {"Cell 0": None, "clean": "stored: no cell was executed"}


def test_stock_nbval_judges_alike(folder, tmp_path):
    for name in ("right", "number", "seed", "ignored"):
        shutil.copy(folder / f"{name}.ipynb", tmp_path)
    verdicts = verify(tmp_path, stock=True)
    assert verdicts.pop("right") == {"Cell 0": None}
    assert {name: set(items) for name, items in verdicts.items()} == dict.fromkeys(verdicts, {"Cell 0"})
    assert all(verdict["Cell 0"] for verdict in verdicts.values())
    assert len(verdicts) == 3


def test_another_nbval_is_refused(monkeypatch):
    import conftest

    monkeypatch.setattr(conftest, "NBVAL", "0.0.1")
    monkeypatch.setattr(conftest, "STOCK", False)
    config = type("Config", (), {"getoption": lambda self, name, default: True})()
    with pytest.raises(pytest.UsageError, match=r"nbval==0\.0\.1"):
        conftest.pytest_configure(config)
    monkeypatch.setattr(conftest, "STOCK", True)
    conftest.pytest_configure(config)  # who lets nbval run the notebooks may have any
