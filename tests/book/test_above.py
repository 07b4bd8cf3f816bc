"""A name that no cell has made yet: the error says which command makes it."""

import json
import re

import pytest
from jupyter_client.manager import start_new_kernel

from losslab.book import above

NOTE = "If an earlier cell makes {}, run what stands above: choose Run ▸ Run All Above Selected Cell"
SPEC = {
    "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "metadata": {"debugger": True},
}


def plain(text):
    """A traceback without its colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.fixture(scope="module")
def errors():
    """A function: code → (name, value, traceback) of its error, in one kernel that `LOAD` started."""
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=[above.LOAD])

    def run(code):
        found = []
        client.execute_interactive(code, timeout=60, output_hook=found.append)
        (error,) = [message["content"] for message in found if message["msg_type"] == "error"]
        return error["ename"], error["evalue"], plain("\n".join(error["traceback"]))

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("code", ["digits + 1", "def f():\n    return digits\n\n\nf()"])
def test_the_first_cell_of_a_fresh_kernel_says_what_to_run(code, errors):
    name, value, shown = errors(code)
    assert (name, value) == ("NameError", "name 'digits' is not defined")
    assert NOTE.format("digits") in shown


@pytest.mark.parametrize(
    ("code", "error"),
    [("1 / 0", "ZeroDivisionError"), ("def f():\n    a += 1\n\n\nf()", "UnboundLocalError")],
)
def test_other_errors_are_shown_as_ever(code, error, errors):
    name, _, shown = errors(code)
    assert name == error
    assert "Run All Above" not in shown


def test_begin_turns_it_on(errors):
    manager, client = start_new_kernel(kernel_name="python3")
    shown = []
    for code in ("from losslab.book import environment\nenvironment.begin()", "digits"):
        client.execute_interactive(code, timeout=60, output_hook=shown.append)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    (error,) = [message["content"] for message in shown if message["msg_type"] == "error"]
    assert NOTE.format("digits") in plain("\n".join(error["traceback"]))


def test_installing_twice_adds_one_argument_and_keeps_the_rest(tmp_path):
    path = tmp_path / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(SPEC))
    above.install(tmp_path)
    above.install(tmp_path)
    assert json.loads(path.read_text()) == SPEC | {"argv": [*SPEC["argv"], above.LOAD]}
    assert [file.name for file in path.parent.iterdir()] == ["kernel.json"]
