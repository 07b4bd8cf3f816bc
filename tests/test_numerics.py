"""The settings under which the tests are repeated take effect, and no test that trains can hide from them."""

import os
import subprocess
import sys
from pathlib import Path

import numerics
import pytest

ROOT = Path(numerics.__file__).resolve().parents[1]


def test_the_settings_change_what_torch_computes_with():
    found = {name: numerics.effective(name) for name in ("native", "two-threads", "sse")}
    assert found["sse"] == "DEFAULT 1"
    assert found["native"].replace(" 1", " 2") == found["two-threads"]


def test_a_setting_without_effect_is_refused(monkeypatch):
    monkeypatch.setitem(numerics.NUMERICS, "sse", {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "mmx"})
    with pytest.raises(SystemExit, match="numerics 'sse' need a torch that computes with MMX 1, got"):
        numerics.effective("sse")


def test_every_numerics_that_is_named_is_run_and_a_failure_is_told(monkeypatch, capsys):
    ran = []

    def test(name, arguments):
        ran.append((name, arguments))
        return int(name == "sse")

    monkeypatch.setattr(numerics, "test", test)
    assert numerics.main(["native", "--", "-m", "trains"]) == 0
    assert ran == [("native", ["-m", "trains"])]
    assert numerics.main([]) == 1
    assert ran[1:] == [(name, ["-m", "not browser"]) for name in numerics.NUMERICS]
    assert capsys.readouterr().out.splitlines()[-1] == "The tests failed under sse."
    with pytest.raises(SystemExit, match="numerics must be of native, .*, got mips"):
        numerics.main(["mips"])


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


def test_a_training_without_the_mark_fails(tmp_path):
    (tmp_path / "test_them.py").write_text(TESTS, encoding="utf-8")
    options = "-q -rA -p tests.conftest -p no:cacheprovider -c pyproject.toml --color=no"
    command = [sys.executable, "-m", "pytest", *options.split(), str(tmp_path)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    ran = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True).stdout
    verdicts = {
        line.split("::")[1].split(" ")[0]: line.split()[0] for line in ran.splitlines() if "::" in line
    }
    assert verdicts == {
        "test_steps": "FAILED",
        "test_has_a_fixture_that_steps": "FAILED",
        "test_says_so": "PASSED",
        "test_only_looks": "PASSED",
        "test_asks_for_a_network": "FAILED",
    }, ran
