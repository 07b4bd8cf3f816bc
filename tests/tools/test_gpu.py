"""The check on a GPU: its parts, their time, and notebooks that run without Jupyter. All of it on a CPU."""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cells
import gpu
import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable

# --- notebooks without Jupyter ---

FIGURE = """import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([0, 1], [0, 1])
plt.show()"""
EXPLORER = "from losslab import explorers\nopened = 1\nexplorers.logits(z1=2.0, z2=0.0, label=1)"


def notebook(path, *sources):
    """Write a notebook whose first cell has the parameters; a source may come with tags."""
    found = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# A *title*, no code"]}]
    for number, source in enumerate(['device = "auto"\nepochs = 10', *sources]):
        source, tags = source if isinstance(source, tuple) else (source, [])
        metadata = {"tags": ["parameters"] if number == 0 else tags}
        lines = source.splitlines(keepends=True)
        found.append({"cell_type": "code", "id": f"c{number}", "metadata": metadata, "source": lines})
    path.write_text(json.dumps({"cells": found}), encoding="utf-8")
    return path


def run_cells(path, *words, **environ):
    command = [PYTHON, ROOT / "tools" / "cells.py", path, "--output", path.parent / "out", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **environ)


def test_cells_share_a_namespace_and_open_no_explorer(tmp_path):
    path = notebook(
        tmp_path / "tiny.ipynb",
        (EXPLORER.replace("logits", "no_such"), ["nbval-ignore-output"]),
        "from IPython.display import Markdown, display\ndisplay(Markdown('**bold**'))\nopened + 1",
        FIGURE,
        "import inspect\ndef twice(x):\n    return 2 * x\n",
        "print(inspect.getsource(twice), device, epochs + 1)",
    )
    done = run_cells(path, "--set", "device=cpu", "--set", "epochs=1")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "**bold**\n2\n",
        "    return 2 * x\n cpu 2\n",
        "6 cells run, 1 explorers not opened, 1 fig",
    ):
        assert words in done.stdout
    report = json.loads((tmp_path / "out" / "tiny.json").read_text())
    assert (report["explorers"], report["figures"], report["failed"]) == (["c1"], 1, None)
    assert zipfile.ZipFile(tmp_path / "out" / "tiny.zip").namelist() == ["01-c3.png"]


@pytest.mark.parametrize(
    ("source", "tags", "opens"),
    [
        (EXPLORER, ["nbval-ignore-output"], True),
        (EXPLORER, [], False),
        ("opened = explorers.logits(z1=2.0)", ["nbval-ignore-output"], False),
        ("explorers.logits(z1=2.0).sentence()", ["nbval-ignore-output"], False),
        ("training.fit(model)", ["nbval-ignore-output"], False),
        ("", ["nbval-ignore-output"], False),
    ],
)
def test_an_explorer_is_told_from_what_only_asks_one(source, tags, opens):
    assert cells.opens_explorer(cells.ast.parse(source), tags) is opens


def test_the_first_error_ends_it_and_names_its_cell(tmp_path):
    path = notebook(tmp_path / "tiny.ipynb", "print('before')", "x = 1\nx / 0", "print('after')")
    done = run_cells(path)
    assert done.returncode == 1
    assert "before" in done.stdout
    assert "after" not in done.stdout
    assert 'File "<tiny, cell c2>", line 2' in done.stdout
    assert "ZeroDivisionError" in done.stdout
    assert done.stderr == "tiny.ipynb stopped at cell c2.\n"
    assert json.loads((tmp_path / "out" / "tiny.json").read_text())["failed"] == "c2"


def test_a_parameter_that_is_none_is_refused(tmp_path):
    done = run_cells(notebook(tmp_path / "tiny.ipynb"), "--set", "devise=cuda")
    assert done.returncode == 1
    assert "must have every parameter that is set, it lacks devise" in done.stderr


def test_without_jupyter_a_chapters_beginning_runs(tmp_path):
    """On a bare machine there is no kernel, papermill or nbformat to import."""
    absent = {"papermill", "nbformat", "nbclient", "ipykernel", "jupyter_client", "jupyterlab", "nbval"}
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({absent!r}))  # importing None raises ImportError\n"
    )
    begin = "from losslab.book import environment, glossary\nenvironment.begin()\nglossary.of('gradient')"
    path = notebook(tmp_path / "tiny.ipynb", "import nbformat", begin)
    bare = {"PATH": "", "PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}", "HOME": str(tmp_path)}
    assert "ModuleNotFoundError" in run_cells(path, env=bare).stdout
    done = run_cells(notebook(tmp_path / "tiny.ipynb", begin), env=bare)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "- **gradient**" in done.stdout


# --- parts and time ---


def part(name, share, code="", **others):
    return gpu.Part(name, [PYTHON, "-c", code], share, **others)


def test_a_part_gets_what_is_left_but_the_shares_of_the_later_ones():
    first, second, third = parts = [part("a", 0.2), part("b", 0.5), part("c", 0.3)]
    assert gpu.allowed(first, parts[1:], left=100, total=100) == pytest.approx(20)
    assert gpu.allowed(second, parts[2:], left=99, total=100) == pytest.approx(69), "a took one second"
    assert gpu.allowed(third, [], left=25, total=100) == pytest.approx(30), "never less than its share"
    skipped = part("b", 0.5, skipped="there is no b")
    assert gpu.allowed(first, [skipped, third], left=100, total=100) == pytest.approx(70)


def test_a_part_that_is_out_of_time_ends_with_all_that_it_started(tmp_path):
    child = "import time; time.sleep(3); open('late', 'w')"
    lines = ["import os, subprocess, sys", f"os.chdir({str(tmp_path)!r})", "print('here', flush=True)"]
    code = "\n".join([*lines, f"subprocess.run([sys.executable, '-c', {child!r}])"])
    status, seconds = gpu.carry_out(part("slow", 1.0, code), 1.5, None, tmp_path / "log.txt")
    assert status is None
    assert seconds < 3
    assert "===== slow: at most 2 s =====\nhere\n" in (tmp_path / "log.txt").read_text()
    time.sleep(2)
    assert not (tmp_path / "late").exists()


def test_only_what_is_absent_is_unpacked(tmp_path):
    wheels = [tmp_path / f"{name}-1.0-py3-none-any.whl" for name in ("numpy", "no_such_package")]
    assert gpu.lacking(wheels) == wheels[1:]
    inside = {"no_such_package/__init__.py": "here = 1"}
    inside |= {
        "no_such_package-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: no-such-package\nVersion: 1.0"
    }
    inside |= {
        "no_such_package-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
    }
    inside |= {"no_such_package-1.0.dist-info/RECORD": ""}
    with zipfile.ZipFile(wheels[1], "w") as archive:
        for name, text in inside.items():
            archive.writestr(name, text)
    gpu.unpack(wheels[1:], tmp_path / "site")
    assert (tmp_path / "site" / "no_such_package" / "__init__.py").exists()


def test_what_is_missing_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "NEEDED", ("numpy", "no_such_package"))
    with pytest.raises(SystemExit, match="Missing here: no_such_package.*--collect-wheels"):
        gpu.look({}, tmp_path)


def test_tests_that_look_for_a_gpu_are_marked():
    """And `tools/gpu.py` runs them without conftest.py, so they need nothing of it."""
    looks = "torch.cuda." + "is_available()"
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    assert [file for file in files if looks in file.read_text(encoding="utf-8")] == gpu.gpu_tests()


def test_parts_say_why_they_are_not_run(tmp_path, monkeypatch):
    options = type("options", (), {"smoke": True, "data": None, "parts": "mnist,chapter"})
    options.chapters = "07_mnist,no_such"
    found = gpu.parts(options, {"torchvision": False}, tmp_path)
    assert [(one.name, one.skipped) for one in found] == [
        ("mnist", "the article's listing needs torchvision"),
        ("chapter 07_mnist", "the article's listing needs torchvision"),
        ("chapter no_such", "there is no no_such.ipynb"),
    ]
    options.smoke = False
    (measured, chapter, _) = gpu.parts(options, {"torchvision": True}, tmp_path)
    assert not measured.skipped
    assert "--sample" in measured.command, "no data given"
    assert "device=cuda" in chapter.command
    options.data = tmp_path
    assert gpu.parts(options, {"torchvision": True}, tmp_path)[0].command[-2:] == ["--data", tmp_path]


# --- what came of it ---


def record(fast, kernels=33):
    row = {"threads": 2, "whole_run_s": 1.0}
    rows = [
        {"variant": "listing", "us_per_step": 4000.0},
        {"variant": "graph, 20 steps", "us_per_step": fast},
    ]
    floors, failed = {"kernels_per_step": kernels}, {"compile": "RuntimeError: no"}
    return {"images": 60000, "failed": failed, "floors": floors, "steps": [row | each for each in rows]}


@pytest.mark.parametrize(
    ("fast", "said"),
    [
        (50.0, ["80.0 by 'graph, 20 steps', met", "0.30 s, met"]),
        (90.0, ["44.4 by 'graph, 20 steps', MISSED", "0.54 s, met"]),
        (200.0, ["20.0 by 'graph, 20 steps', MISSED", "1.20 s, MISSED"]),
    ],
)
def test_goals_are_judged_by_the_fastest_variant(fast, said):
    lines = gpu.verdict(record(fast))
    assert lines[0] == "A step of the plain loop starts 33 kernels; 60,000 images."
    assert "Left out: compile: RuntimeError: no" in lines
    for line, end in zip(lines[-2:], said, strict=True):
        assert line.startswith("Goal ")
        assert line.endswith(f"{end}.")


def test_a_cpu_has_no_goals():
    assert not any("Goal" in line for line in gpu.verdict(record(50.0, kernels=None)))


def test_the_smoke_writes_down_what_ran_what_did_not_and_why(tmp_path):
    words = ["--smoke", "--parts", "tests,chapter", "--chapters", "no_such", "--output", tmp_path / "out"]
    done = subprocess.run(
        [PYTHON, ROOT / "tools" / "gpu.py", *words], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["found"].keys() == {"torch", "python", "gpu", "torchvision"}
    rows = summary["parts"]
    assert [rows[name]["result"] for name in ("tests", "chapter no_such")] == ["passed", "skipped"]
    assert rows["chapter no_such"]["why"] == "there is no no_such.ipynb"
    assert "passed in" in (tmp_path / "out" / "log.txt").read_text()
