"""
nbval compares what is stored with *one* papermill run per notebook, instead of starting a kernel of its own.

papermill runs a notebook; nbval then gets its outputs as if a kernel had just sent them. That halves the
time, and a dead kernel fails at once where nbval alone would wait for it. LOSSLAB_STOCK_NBVAL=1 turns it off.
Behind the last cell every cell is run again, in as many shuffled orders as LOSSLAB_ORDERS says; none may
fail.
"""

import importlib.metadata
import itertools
import os
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile

NBVAL = "0.11.0"
STOCK = os.environ.get("LOSSLAB_STOCK_NBVAL", "0") not in ("", "0")
ORDERS = int(os.environ.get("LOSSLAB_ORDERS", "1"))


def pytest_configure(config):
    """Refuse any nbval but the one whose internals `Recording` knows."""
    installed = importlib.metadata.version("nbval")
    if config.getoption("nbval", False) and not STOCK and installed != NBVAL:
        raise pytest.UsageError(
            f"conftest.py feeds nbval {NBVAL} through its internals, and nbval {installed} is installed: "
            f"run 'pip install nbval=={NBVAL}', or set LOSSLAB_STOCK_NBVAL=1 to let nbval run the notebooks"
        )


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(items):
    """Mark every notebook as one that trains, and let the reports say which tests do (tools/check_ran.py)."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("trains")
        if item.get_closest_marker("trains"):
            item.user_properties.append(("trains", "yes"))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Put `Notebook` in place of nbval's collector."""
    found = yield
    if STOCK:
        return found
    return [Notebook.from_parent(parent, path=file_path) if isinstance(f, IPyNbFile) else f for f in found]


class Notebook(IPyNbFile):
    """A notebook whose kernel is the recording of a papermill run."""

    def setup(self):
        """Run the notebook; called before its first cell is compared."""
        self.kernel = Recording(self.path, self.config.option.nbval_cell_timeout)
        self.setup_sanitize_files()

    def collect(self):
        """Yield nbval's items, one per code cell, and ours."""
        yield from super().collect()
        yield Clean.from_parent(self, name="clean")


class Recording:
    """Runs a notebook, then plays its outputs in the form of kernel messages."""

    def __init__(self, path, timeout):
        from lessons import LATER  # in tools/; slow to import, needed only with --nbval

        from notebooks import NotebookError, execute, run_again

        self.error, self.memory = None, 0.0
        orders = 0 if path.stem[:2] in LATER else ORDERS
        with tempfile.TemporaryDirectory() as folder:
            more, done = Path(folder, path.name), Path(folder, "done.ipynb")
            nbformat.write(run_again(nbformat.read(path, as_version=4), orders), more)
            try:
                self.memory = execute(more, done, timeout=timeout, cwd=path.parent)
            except NotebookError as error:
                self.error = str(error)
            self.nb = nbformat.read(done, as_version=4) if done.exists() else never_run(path)
        self.cells = (cell for cell in self.nb.cells if cell.cell_type == "code")
        self.ids = itertools.count()

    def execute_cell_input(self, source, allow_stdin=None):
        """Queue the outputs of the next cell with this source; for a cell not reached, the reason why."""
        cell = next(cell for cell in self.cells if cell.source == source)
        outputs = cell.outputs
        if self.error and cell.execution_count is None:
            outputs = [nbformat.v4.new_output("error", ename="NotRun", evalue="", traceback=[self.error])]
        messages = [(output.output_type, output) for output in outputs]
        messages.append(("status", {"execution_state": "idle"}))
        header = {"msg_id": next(self.ids)}
        self.messages = [{"msg_type": t, "content": c, "parent_header": header} for t, c in messages]
        return header["msg_id"]

    def get_message(self, stream, timeout=None):
        """Return the next message."""
        return self.messages.pop(0)

    def await_reply(self, msg_id, timeout=None):
        """Return at once: everything has happened already."""

    def await_idle(self, msg_id, timeout=None):
        """Return at once."""

    def is_alive(self):
        """Return True, or nbval would not ask for more."""
        return True

    def stop(self):
        """Do nothing: the kernel is gone."""


def never_run(path):
    """Return the notebook without outputs."""
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


class Clean(pytest.Item):
    """Stored or run here, the notebook holds no error that nbval overlooks; it leaves memory for others."""

    def runtest(self):
        """Fail with one line per problem."""
        from notebooks import MOST_MEMORY, problems

        run = self.parent.kernel
        bad = [f"stored: {problem}" for problem in problems(self.parent.nb)]
        bad += [f"this run: {problem}" for problem in ([run.error] if run.error else problems(run.nb))]
        if run.memory > MOST_MEMORY:
            bad.append(f"this run: it took {run.memory:.2f} GB of memory, {MOST_MEMORY} GB at most")
        if bad:
            pytest.fail("\n".join(bad), pytrace=False)

    def reportinfo(self):
        """Name the notebook in the report."""
        return self.path, 0, f"{self.path.name}::clean"
