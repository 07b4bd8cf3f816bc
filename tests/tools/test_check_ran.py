"""A run that left something out does not pass for a green one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import check_ran
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CELL = ("notebooks.05_a.ipynb", "Cell 0", "passed", "")
DRAG = ("tests.browser.test_drag", "test_drag", "passed", "")
NEEDS = ("tests.test_x", "test_full", "skipped", "needs ../shared/mnist, the full set")


@pytest.mark.parametrize(
    ("tests", "browser", "shared", "said"),
    [
        ([CELL], [DRAG], True, []),
        ([], [DRAG], False, ["no cell of 05_a.ipynb was compared"]),
        ([(CELL[0], "clean", "passed", "")], [DRAG], False, ["no cell of 05_a.ipynb was compared"]),
        ([CELL], [], False, ["no browser test ran"]),
        (
            [CELL],
            [(*DRAG[:2], "skipped", "no Chromium")],
            False,
            ["no browser test ran", "skipped: tests.browser.test_drag::test_drag (no Chromium)"],
        ),
        ([CELL, NEEDS], [DRAG], False, []),
        ([CELL, NEEDS], [DRAG], True, [f"skipped: tests.test_x::test_full ({NEEDS[3]})"]),
        ([CELL, ("t", "z", "skipped", "")], [DRAG], False, ["skipped: t::z (without a reason)"]),
        ([CELL, ("t", "z", "failed", "boom")], [DRAG], False, ["failed: t::z (boom)"]),
    ],
)
def test_what_did_not_run_is_named(tests, browser, shared, said):
    assert check_ran.complaints(tests, browser, ["05_a.ipynb"], shared) == said


def test_what_trains_must_have_passed_under_both_numerics():
    two = {("tests.test_x", "test_y"), ("notebooks.05_a.ipynb", "Cell 0")}
    assert check_ran.unstable(two, two | {("tests.test_x", "test_z")}) == []
    assert check_ran.unstable(two, {("tests.test_x", "test_y")}) == [
        "did not pass under foreign numerics: notebooks.05_a.ipynb::Cell 0"
    ]
    assert check_ran.unstable(set(), two) == ["no test is marked as one that trains"]


SUITE = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError("in set-up")

def test_passes(): pass
def test_fails(): assert False, "boom"
def test_error(broken): pass
def test_skips_itself(): pytest.skip("needs a GPU")

@pytest.mark.xfail(reason="known")
def test_expected_to_fail(): assert False
"""


def test_it_reads_what_pytest_and_nbval_write(tmp_path):
    """The real plugin, whose names of cells ``complaints`` looks for: a change there must not pass unseen."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_x.py").write_text(SUITE)
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nb = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    nbformat.write(nb, tmp_path / "notebooks" / "05_a.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--junit-xml=tests.xml"]
    path = {"PYTHONPATH": str(ROOT / "tools")}
    subprocess.run(command, cwd=tmp_path, env=os.environ | path, capture_output=True)
    cases = check_ran.read(tmp_path / "tests.xml")
    assert check_ran.training(tmp_path / "tests.xml") >= {("notebooks.05_a.ipynb", "Cell 0")}
    assert {name: outcome for where, name, *outcome in cases if where == "test_x"} == {
        "test_passes": ["passed", ""],
        "test_fails": ["failed", "AssertionError: boom\nassert False"],
        "test_error": ["failed", 'failed on setup with "RuntimeError: in set-up"'],
        "test_skips_itself": ["skipped", "needs a GPU"],
        "test_expected_to_fail": ["skipped", "known"],
    }

    command = [sys.executable, ROOT / "tools" / "check_ran.py", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "no browser test ran\n" in ran.stdout
    assert ran.stdout.endswith("3 passed, 2 failed, 2 skipped\n")
