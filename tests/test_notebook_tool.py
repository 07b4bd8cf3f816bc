"""tools/notebooks.py: how a notebook is run, judged and stored."""

import base64
import io
import json
import os
import subprocess
import sys
import time

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


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A notebook that was run once with parameters, in its own folder."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "beside.txt").write_text("beside")
    sources = ("n = 1", "print(n, open('beside.txt').read())\nprint(' 50 %\\r100 %')", "n + 1", "")
    path = write(folder / "a.ipynb", *sources, tags=["parameters"])
    assert notebooks.execute(path, folder / "done.ipynb", {"n": 41}) < 1
    return read(folder / "done.ipynb"), path


def test_runs_in_the_folder_of_the_notebook_with_the_parameters(run):
    done, _ = run
    by_id = {cell.id: cell.outputs for cell in done.cells}
    assert by_id["c1"] == [new_output("stream", name="stdout", text="41 beside\n100 %\n")]
    assert by_id["c2"][0].data["text/plain"] == "42"
    assert notebooks.problems(done) == []


def test_the_original_is_only_read(run):
    _, path = run
    assert all(cell.execution_count is None for cell in read(path).cells)


def test_a_mistyped_parameter_is_an_error(run, tmp_path):
    _, path = run
    with pytest.raises(ValueError, match=r"a\.ipynb has no parameter m; it has n$"):
        notebooks.execute(path, tmp_path / "done.ipynb", {"m": 1})
    assert not (tmp_path / "done.ipynb").exists()


def test_the_copy_may_not_overwrite_the_notebook(run):
    _, path = run
    with pytest.raises(ValueError, match="must not overwrite"):
        notebooks.execute(path, path)


def test_an_error_names_the_cell_and_leaves_the_stored_file_alone(tmp_path):
    path = write(tmp_path / "b.ipynb", "1", "int('x')", "3")
    before = path.read_text()
    message = r"^b\.ipynb, cell c1: ValueError: invalid literal for int\(\) with base 10: 'x'$"
    with pytest.raises(notebooks.NotebookError, match=message):
        notebooks.store(path)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_hidden_fault_is_not_stored(tmp_path):
    path = write(tmp_path / "c.ipynb", "import sys\nprint('oops', file=sys.stderr)")
    before = path.read_text()
    with pytest.raises(notebooks.NotebookError, match=r"c\.ipynb: cell c0 wrote to stderr: oops"):
        notebooks.store(path)
    assert path.read_text() == before


def test_a_cell_that_takes_too_long_is_named(tmp_path):
    path = write(tmp_path / "d.ipynb", "import time\ntime.sleep(60)")
    with pytest.raises(notebooks.NotebookError, match=r"d\.ipynb, cell c0: CellTimeoutError"):
        notebooks.execute(path, tmp_path / "done.ipynb", timeout=1)


def test_kernels_start_as_a_readers_do_but_run_nothing_first(monkeypatch, tmp_path):
    theirs = {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "3", "PYTHONSTARTUP": "mine.py", "IPYTHONDIR": "theirs"}
    for name, value in theirs.items():
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


def picture(pixels, **options):
    """Return an array as a base64 PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return base64.b64encode(file.getvalue()).decode()


def decoded(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


def executed():
    """A notebook as papermill and JupyterLab leave it: full of what differs between machines."""
    data = {"text/plain": "x", notebooks.WIDGET_VIEW: {"model_id": "1"}}
    cell = new_code_cell("1", id="keep-me", execution_count=3)
    cell.outputs = [new_output("display_data", data), new_output("stream", name="stdout", text="said\n")]
    cell.metadata.update(execution={"iopub": "now"}, papermill={"duration": 1}, tags=[], collapsed=False)
    text = new_markdown_cell("# T", id="title", metadata={"tags": ["erratum"], "editable": False})
    widgets = {notebooks.WIDGET_STATE: {"state": {}}}
    metadata = {
        "papermill": {"input_path": "/a"},
        "widgets": widgets,
        "language_info": {"name": "python", "version": "3"},
    }
    return new_notebook(cells=[text, cell], metadata=metadata)


def test_stored_drops_what_a_machine_adds_and_keeps_the_rest():
    kept = json.loads(notebooks.stored(executed()))
    assert kept["metadata"] == notebooks.METADATA
    title, cell = kept["cells"]
    assert title["metadata"] == {"tags": ["erratum"]}
    assert cell["metadata"] == {}
    assert (cell["id"], cell["execution_count"]) == ("keep-me", 3)
    assert cell["outputs"][0]["data"] == {"text/plain": ["x"]}
    assert cell["outputs"][1]["text"] == ["said\n"]


def test_storing_twice_changes_nothing_and_the_argument_stays():
    nb = executed()
    before = nbformat.writes(nb)
    once = notebooks.stored(nb)
    assert nbformat.writes(nb) == before
    assert notebooks.stored(nbformat.reads(once, as_version=4)) == once
    assert once.endswith("}\n")


def test_a_picture_gets_the_sentence_printed_under_it_as_its_alternative_text(figure):
    nb, shown = executed(), nbformat.v4.new_output("display_data", {"image/png": picture(figure)})
    nb.cells[1].outputs += [
        shown,
        nbformat.v4.new_output("stream", name="stdout", text="a table\nAdam wins.\n"),
    ]
    outputs = json.loads(notebooks.stored(nb))["cells"][1]["outputs"]
    assert [o["metadata"]["image/png"] for o in outputs if "image/png" in o.get("data", {})] == [
        {"alt": "Adam wins."}
    ]


@pytest.fixture(scope="module")
def figure():
    """A plot with smooth lines on shades of blue, as RGBA pixels."""
    fig = Figure((4, 3), dpi=100)
    ax = fig.subplots()
    x = np.linspace(0, 7, 200)
    ax.contourf(x, x, np.outer(np.sin(x), np.cos(x)), levels=40, cmap="Blues")
    for k in range(5):
        ax.plot(x, 3 + np.sin(x + k))
    file = io.BytesIO()
    fig.savefig(file, format="rgba")
    return np.frombuffer(file.getvalue(), np.uint8).reshape(300, 400, 4).copy()


def test_pictures_get_a_palette_and_look_the_same(figure):
    before = picture(figure)
    after = notebooks.small_png(before)
    assert len(after) < 0.7 * len(before)
    assert decoded(after).mode == "P"
    difference = np.asarray(decoded(after).convert("RGB"), int) - figure[..., :3]
    assert np.abs(difference).mean() < 2
    assert notebooks.small_png(after) == after
    assert notebooks.small_png(before) == after


def test_transparent_pictures_stay_transparent(figure):
    pixels = figure.copy()
    pixels[:50, :, 3] = 0
    after = decoded(notebooks.small_png(picture(pixels))).convert("RGBA")
    alpha = np.asarray(after)[..., 3]
    assert (alpha[:50] == 0).all()
    assert (alpha[50:] == 255).all()


def test_a_picture_that_would_grow_is_left_alone():
    tiny = picture(np.zeros((1, 1, 3), np.uint8))
    assert notebooks.small_png(tiny) == tiny


def test_problems_are_named():
    nb = executed()
    nb.metadata.widgets[notebooks.WIDGET_STATE]["state"] = {
        "slider": {"state": {"value": 1}},
        "out": {"state": {"outputs": [{"output_type": "error", "ename": "KeyError", "evalue": "'beta'"}]}},
    }
    nb.cells.append(new_code_cell("late()", id="late"))
    nb.cells.append(new_code_cell("  ", id="empty"))
    assert notebooks.problems(nb) == [
        "cell late was never executed",
        "a widget raised KeyError: 'beta'",
    ]


@pytest.mark.parametrize(
    ("argv", "failures", "recorded"), [([], [], True), (["a.ipynb"], [], False), ([], ["a.ipynb: no"], False)]
)
def test_seconds_and_memory_are_recorded_when_all_notebooks_ran(
    argv, failures, recorded, tmp_path, monkeypatch
):
    rows = {"a.ipynb": {"seconds": 1.5, "memory_gb": 0.5}}
    monkeypatch.setattr(notebooks, "LAST_RUN", tmp_path / "last.json")
    monkeypatch.setattr(notebooks, "store_all", lambda paths: (rows, failures))
    monkeypatch.setattr("sys.argv", ["notebooks.py", *argv])
    assert notebooks.main() == bool(failures)
    assert (tmp_path / "last.json").exists() == recorded
    if recorded:
        assert json.loads((tmp_path / "last.json").read_text()) == rows


def test_the_links_under_the_title_are_renewed_and_nothing_else(tmp_path, monkeypatch):
    links = r"**Loss to Launch** · \alpha, \1 and \g<1>"  # no pattern
    monkeypatch.setattr(notebooks.chapters, "banner", {"a": links}.get)
    title = "# T\n\n{}\n\nText about **Loss to Launch** · kept"
    cell = new_markdown_cell(title.format("**Loss to Launch** · old"), id="title")
    notebooks.write(tmp_path / "a.ipynb", new_notebook(cells=[cell, new_code_cell("1", id="c0")]))
    assert read(tmp_path / "a.ipynb").cells[0].source == title.format(links)
