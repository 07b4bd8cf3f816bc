"""tools/notebooks.py: how a notebook is run, judged and stored."""

import base64
import io
import json
import os
import subprocess
import sys
import time

import matplotlib.style
import nbformat
import numpy as np
import psutil
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import notebooks


def write(path, *sources, tags=()):
    """Write a notebook of the code cells c0, c1, …, the first one tagged."""
    cells = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    cells[0].metadata["tags"] = list(tags)
    path.write_text(nbformat.writes(new_notebook(cells=cells, metadata=notebooks.METADATA)) + "\n")
    return path


def read(path):
    return nbformat.read(path, as_version=4)


# --- run ---


def test_runs_in_its_folder_with_the_parameters_and_only_reads_the_original(tmp_path):
    (tmp_path / "beside.txt").write_text("beside")
    sources = ("n = 1", "print(n, open('beside.txt').read())\nprint(' 50 %\\r100 %')", "n + 1", "")
    path = write(tmp_path / "a.ipynb", *sources, tags=["parameters"])
    before = path.read_bytes()
    assert notebooks.execute(path, tmp_path / "done.ipynb", {"n": 41}) < 1
    done = read(tmp_path / "done.ipynb")
    by_id = {cell.id: cell.outputs for cell in done.cells}
    assert by_id["c1"] == [new_output("stream", name="stdout", text="41 beside\n100 %\n")]
    assert by_id["c2"][0].data["text/plain"] == "42"
    assert notebooks.problems(done) == []
    with pytest.raises(ValueError, match=r"a\.ipynb has no parameter m; it has n$"):
        notebooks.execute(path, tmp_path / "other.ipynb", {"m": 1})
    with pytest.raises(ValueError, match="must not overwrite"):
        notebooks.execute(path, path)
    assert path.read_bytes() == before


def test_every_cell_comes_once_more_in_each_order_and_the_first_run_is_unchanged(tmp_path):
    path = write(tmp_path / "a.ipynb", *(f"print({i})" for i in range(20)), tags=["parameters"])
    nb = read(path)
    more = notebooks.run_again(nb, 2)
    assert more.cells[:20] == nb.cells
    first, second = ([cell.source for cell in more.cells[i : i + 20]] for i in (20, 40))
    assert sorted(first) == sorted(second) == sorted(cell.source for cell in nb.cells)
    assert len({tuple(first), tuple(second), tuple(cell.source for cell in nb.cells)}) == 3
    assert [cell.source for cell in notebooks.run_again(nb, 1).cells[20:]] == first, "it can be repeated"
    assert read(path) == nb
    assert len({cell.id for cell in more.cells}) == 60


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("int('x')", r"^b\.ipynb, cell c1: ValueError: invalid literal for int\(\) with base 10: 'x'$"),
        ("import sys\nprint('oops', file=sys.stderr)", r"b\.ipynb: cell c1 wrote to stderr: oops"),
    ],
)
def test_what_fails_is_named_and_not_stored(source, message, tmp_path):
    path = write(tmp_path / "b.ipynb", "1", source, "3")
    before = path.read_text()
    with pytest.raises(notebooks.NotebookError, match=message):
        notebooks.store(path)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_cell_that_takes_too_long_is_named(tmp_path):
    path = write(tmp_path / "d.ipynb", "import time\ntime.sleep(60)")
    with pytest.raises(notebooks.NotebookError, match=r"d\.ipynb, cell c0: CellTimeoutError"):
        notebooks.execute(path, tmp_path / "done.ipynb", timeout=1)


def test_kernels_start_as_a_readers_do_but_run_nothing_first(monkeypatch, tmp_path):
    for name, value in {"MPLBACKEND": "agg", "PYTHONSTARTUP": "mine.py", "IPYTHONDIR": "theirs"}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with notebooks.kernel_environment(tmp_path):
        changed = {name: os.environ.get(name) for name in before if os.environ.get(name) != before[name]}
    assert changed == {"PYTHONSTARTUP": None, "IPYTHONDIR": str(tmp_path / "ipython")}
    assert dict(os.environ) == before


def test_memory_is_that_of_a_process_and_all_below_it():
    held = "import subprocess, sys; held = bytes([1]) * {} * 10**6; {}; print(flush=True); sys.stdin.read()"
    below = f"subprocess.Popen([sys.executable, '-c', {held.format(150, 'pass')!r}], stdout=2)"
    with notebooks.peak_memory(every=0.02) as peak:
        command = [sys.executable, "-c", held.format(100, below)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            deadline = time.monotonic() + 60
            while max(peak) < 0.25 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.stdin.close()
    assert 0.25 <= max(peak) < 0.4
    assert notebooks.tree_memory(psutil.Process()) > 1e7


# --- judge and store ---


def executed():
    """A notebook as papermill and JupyterLab leave it: full of what differs between machines."""
    data = {"text/plain": "x", notebooks.WIDGET_VIEW: {"model_id": "1"}}
    cell = new_code_cell("1", id="keep-me", execution_count=3)
    cell.outputs = [new_output("display_data", data), new_output("stream", name="stdout", text="said\n")]
    cell.metadata.update(execution={"iopub": "now"}, papermill={"duration": 1}, tags=[], collapsed=False)
    text = new_markdown_cell("# T", id="title", metadata={"tags": ["erratum"], "editable": False})
    widgets = {notebooks.WIDGET_STATE: {"state": {}}}
    return new_notebook(cells=[text, cell], metadata={"papermill": {"input_path": "/a"}, "widgets": widgets})


def test_stored_drops_what_a_machine_adds_keeps_the_rest_and_changes_nothing_the_second_time():
    nb = executed()
    before, once = nbformat.writes(nb), notebooks.stored(nb)
    assert nbformat.writes(nb) == before
    assert notebooks.stored(nbformat.reads(once, as_version=4)) == once
    kept = json.loads(once)
    assert kept["metadata"] == notebooks.METADATA
    title, cell = kept["cells"]
    assert title["metadata"] == {"tags": ["erratum"]}
    assert (cell["id"], cell["execution_count"], cell["metadata"]) == ("keep-me", 3, {})
    assert cell["outputs"][0]["data"] == {"text/plain": ["x"]}
    assert cell["outputs"][1]["text"] == ["said\n"]


def test_the_links_under_the_title_are_renewed_and_nothing_else(tmp_path, monkeypatch):
    links = r"**Loss to Launch** · \alpha, \1 and \g<1>"  # no pattern
    monkeypatch.setattr(notebooks.chapters, "banner", {"a": links}.get)
    title = "# T\n\n{}\n\nText about **Loss to Launch** · kept"
    cell = new_markdown_cell(title.format("**Loss to Launch** · old"), id="title")
    notebooks.write(tmp_path / "a.ipynb", new_notebook(cells=[cell, new_code_cell("1", id="c0")]))
    assert read(tmp_path / "a.ipynb").cells[0].source == title.format(links)


def test_problems_are_named():
    nb = executed()
    nb.metadata.widgets[notebooks.WIDGET_STATE]["state"] = {
        "slider": {"state": {"value": 1}},
        "out": {"state": {"outputs": [{"output_type": "error", "ename": "KeyError", "evalue": "'beta'"}]}},
    }
    nb.cells += [new_code_cell("late()", id="late"), new_code_cell("  ", id="empty")]
    assert notebooks.problems(nb) == ["cell late was never executed", "a widget raised KeyError: 'beta'"]


def picture(pixels):
    """Return an array as a base64 PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="module")
def figure():
    """A plot with smooth lines on shades of blue, as RGBA pixels."""
    file = io.BytesIO()
    with matplotlib.style.context("default"):  # whatever a test before this one has set
        fig = Figure((4, 3), dpi=100)
        ax, x = fig.subplots(), np.linspace(0, 7, 200)
        ax.contourf(x, x, np.outer(np.sin(x), np.cos(x)), levels=40, cmap="Blues")
        ax.plot(x, 3 + np.sin(x[:, None] + np.arange(5)))
        fig.savefig(file, format="rgba")
    return np.frombuffer(file.getvalue(), np.uint8).reshape(300, 400, 4).copy()


@pytest.mark.parametrize("alpha", [255, 0])
def test_pictures_get_a_palette_and_look_the_same(alpha, figure):
    figure[:50, :, 3] = alpha
    before = picture(figure)
    after = notebooks.small_png(before)
    assert len(after) < 0.7 * len(before)
    assert notebooks.small_png(after) == after
    shown = Image.open(io.BytesIO(base64.b64decode(after)))
    assert shown.mode == "P"
    seen = np.asarray(shown.convert("RGBA"), int)
    np.testing.assert_array_equal(seen[..., 3], figure[..., 3])
    assert np.abs(seen - figure)[50:].mean() < 2


def test_a_picture_that_would_grow_is_left_alone():
    tiny = picture(np.zeros((1, 1, 3), np.uint8))
    assert notebooks.small_png(tiny) == tiny


def test_a_picture_gets_the_sentence_printed_under_it_as_its_alternative_text(figure):
    nb = executed()
    nb.cells[1].outputs += [
        new_output("display_data", {"image/png": picture(figure)}),
        new_output("stream", name="stdout", text="a table\nAdam wins.\n"),
    ]
    outputs = json.loads(notebooks.stored(nb))["cells"][1]["outputs"]
    assert [o["metadata"] for o in outputs if "image/png" in o.get("data", {})] == [
        {"image/png": {"alt": "Adam wins."}}
    ]
