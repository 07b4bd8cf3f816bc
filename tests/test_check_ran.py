"""A run that left something out does not pass for a green one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import check_ran
import nbformat
import pytest

ROOT = Path(check_ran.__file__).resolve().parents[1]
CELLS = [
    ("notebooks.05_a.ipynb", "Cell 0", "passed", ""),
    ("notebooks.06_b.ipynb", "Cell 0", "passed", ""),
    ("tests.test_x", "test_y", "passed", ""),
]
DRAG = [("tests.browser.test_drag", "test_drag", "passed", "")]
NOTEBOOKS = ["05_a.ipynb", "06_b.ipynb"]
NEEDS = ("tests.test_x", "test_full", "skipped", "needs ../shared/mnist, the full set")


def complaints(tests=CELLS, browser=DRAG, notebooks=NOTEBOOKS, shared=False):
    return check_ran.complaints(tests, browser, notebooks, shared)


def test_a_complete_run_has_no_complaints():
    assert complaints() == []


def test_a_notebook_without_a_compared_cell_is_named():
    assert complaints(tests=CELLS[1:]) == ["no cell of 05_a.ipynb was compared"]


@pytest.mark.parametrize("name", ["clean", "test_headings"])
def test_only_nbval_cells_count_as_compared(name):
    other = ("notebooks.05_a.ipynb", name, "passed", "")
    assert complaints(tests=[other, *CELLS[1:]]) == ["no cell of 05_a.ipynb was compared"]


def test_no_browser_test_is_a_complaint():
    assert complaints(browser=[]) == ["no browser test ran"]


def test_a_skipped_browser_test_did_not_run():
    skipped = [(*DRAG[0][:2], "skipped", "no Chromium")]
    assert complaints(browser=skipped) == [
        "no browser test ran",
        "skipped: tests.browser.test_drag::test_drag (no Chromium)",
    ]


def test_tests_that_need_shared_may_be_skipped_only_where_it_is_absent():
    assert complaints(tests=[*CELLS, NEEDS], shared=False) == []
    assert len(complaints(tests=[*CELLS, NEEDS], shared=True)) == 1


def test_a_skip_without_a_reason_is_a_complaint():
    silent = ("tests.test_x", "test_z", "skipped", "")
    assert complaints(tests=[*CELLS, silent]) == ["skipped: tests.test_x::test_z (without a reason)"]


def test_a_failure_is_a_complaint():
    assert len(complaints(tests=[*CELLS, ("tests.test_x", "test_z", "failed", "boom")])) == 1


def test_what_trains_must_have_passed_under_both_numerics():
    two = {("tests.test_x", "test_y"), ("notebooks.05_a.ipynb", "Cell 0")}
    assert check_ran.unstable(two, two | {("tests.test_x", "test_z")}) == []
    assert check_ran.unstable(two, set(list(two)[:1]))[0].startswith("did not pass under foreign numerics: ")
    assert len(check_ran.unstable(two, set())) == 2
    assert check_ran.unstable(set(), two) == ["no test is marked as one that trains"]


PYTEST_SUITE = """
import pytest

def test_passes():
    pass

def test_fails():
    assert False, "boom"

@pytest.fixture
def broken():
    raise RuntimeError("in set-up")

def test_error(broken):
    pass

@pytest.mark.skip(reason="needs ../shared/mnist")
def test_skipped():
    pass

def test_skips_itself():
    pytest.skip("needs a GPU")

@pytest.mark.xfail(reason="known")
def test_expected_to_fail():
    assert False
"""


def test_it_reads_what_pytest_writes(tmp_path):
    (tmp_path / "test_suite.py").write_text(PYTEST_SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--junit-xml=junit.xml"]
    subprocess.run(command, cwd=tmp_path, capture_output=True)
    got = {name: (result, reason) for _, name, result, reason in check_ran.read(tmp_path / "junit.xml")}
    assert got["test_passes"] == ("passed", "")
    assert got["test_fails"][0] == got["test_error"][0] == "failed"
    assert got["test_skipped"] == ("skipped", "needs ../shared/mnist")
    assert got["test_skips_itself"] == ("skipped", "needs a GPU")
    assert got["test_expected_to_fail"] == ("skipped", "known")


def test_nbval_cells_have_the_names_it_looks_for(tmp_path):
    """The real plugin, the names that ``complaints`` matches: a rename there must not pass unseen."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_x.py").write_text("def test_no_training():\n    pass\n")
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nb = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    nbformat.write(nb, tmp_path / "notebooks" / "05_a.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--junit-xml=junit.xml"]
    path = {"PYTHONPATH": str(ROOT / "tools")}
    ran = subprocess.run(command, cwd=tmp_path, env=os.environ | path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    cells = check_ran.read(tmp_path / "junit.xml")
    assert check_ran.complaints(cells, DRAG, ["05_a.ipynb"], shared=False) == []
    assert ("tests.test_x", "test_no_training") not in check_ran.training(tmp_path / "junit.xml")
    assert ("notebooks.05_a.ipynb", "Cell 0") in check_ran.training(tmp_path / "junit.xml")


def test_the_command_fails_without_any_results(tmp_path):
    script = Path(check_ran.__file__)
    ran = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "no browser test ran" in ran.stdout
    assert ran.stdout.endswith("0 passed, 0 failed, 0 skipped\n")
