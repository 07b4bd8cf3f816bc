"""The settings under which the tests are repeated take effect, and no test that trains can hide from them."""

import os
import subprocess
import sys
from pathlib import Path

import numerics
import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = "torch.optim.SGD([torch.zeros(1, requires_grad=True)]).step()"
TESTS = f"""
import pytest, torch

@pytest.fixture(scope="module")
def trained():
    {STEPS}

def test_steps():
    {STEPS}

def test_has_a_fixture_that_steps(trained):
    pass

@pytest.mark.trains
def test_says_so():
    {STEPS}

def test_only_looks():
    torch.zeros(1).sum()

def test_asks_for_a_network(monkeypatch):
    from losslab.learning import trained
    monkeypatch.setattr(trained.reader, "cache_info", lambda: (1, 0))
"""


def test_the_settings_change_what_torch_computes_with_or_are_refused(monkeypatch):
    found = {name: numerics.effective(name) for name in ("native", "two-threads", "sse")}
    assert found["sse"] == "DEFAULT 1"
    assert found["native"].replace(" 1", " 2") == found["two-threads"]
    monkeypatch.setitem(numerics.NUMERICS, "sse", {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "mmx"})
    with pytest.raises(SystemExit, match="numerics 'sse' need a torch that computes with MMX 1, got"):
        numerics.effective("sse")


def test_a_training_without_the_mark_fails(tmp_path):
    (tmp_path / "test_them.py").write_text(TESTS, encoding="utf-8")
    options = "-q -rA -p tests.conftest -p no:cacheprovider -c pyproject.toml --color=no"
    command = [sys.executable, "-m", "pytest", *options.split(), str(tmp_path)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    ran = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True).stdout
    lines = [line for line in ran.splitlines() if "::" in line]
    assert {line.split("::")[1].split(" ")[0]: line.split()[0] for line in lines} == {
        "test_steps": "FAILED",
        "test_has_a_fixture_that_steps": "FAILED",
        "test_says_so": "PASSED",
        "test_only_looks": "PASSED",
        "test_asks_for_a_network": "FAILED",
    }, ran
