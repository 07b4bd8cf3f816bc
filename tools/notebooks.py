"""How a notebook is run and how it is stored: `python tools/notebooks.py [notebook ...]` does both.

`--strip` runs nothing: it removes what JupyterLab adds, and renews the links under the title.
"""

import argparse
import base64
import io
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import nbformat
import papermill
import psutil
from PIL import Image
from tqdm import tqdm
from traitlets.config import Config

from losslab.book import chapters

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
LAST_RUN = ROOT / "benchmarks" / "results" / "notebooks.json"  # of each notebook, when all were run
MOST_MEMORY = 2.0  # GB that a chapter may take, as much as Binder gives
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {  # what ipykernel says, less its version: nbconvert names and colours a script by this
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
CELL_METADATA = ("editable", "jupyter", "slideshow", "tags")
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class NotebookError(Exception):
    """A cell raised or the kernel died; the message names the notebook, the cell and the last line."""


# --- run ---


def execute(path, done, parameters=None, timeout=600, cwd=None):
    """
    Run a notebook from top to bottom in a fresh kernel with papermill; the original is only read.

    Parameters
    ----------
    path, done : Path
        The notebook, and where its executed copy goes (written up to the failing cell on an error).
    parameters : dict, optional
        Values for the cell tagged `parameters`.
    timeout : float
        Seconds one cell may take.
    cwd : Path, optional
        Where the kernel works; by default where the notebook lies.

    Returns
    -------
    float
        The most memory that the kernel and the processes it started ever took together, in GB.

    Raises
    ------
    ValueError
        If the notebook has no parameter of a given name (papermill itself only logs that).
    NotebookError
        If a cell raises, takes longer than `timeout`, or its kernel dies.
    """
    path, done, parameters = Path(path).resolve(), Path(done).resolve(), parameters or {}
    if path == done:
        raise ValueError(f"the executed copy must not overwrite the notebook {path}")
    refuse_unknown(path, parameters)
    started = []
    try:
        with tempfile.TemporaryDirectory() as folder, kernel_environment(folder), peak_memory() as peak:
            papermill.execute_notebook(
                literal(path),
                literal(done),
                parameters,
                kernel_name="python3",
                cwd=cwd or path.parent,
                progress_bar=False,
                request_save_on_cell_execute=False,
                execution_timeout=timeout,
                config=connection(folder),
                # The rest goes to nbclient, behind papermill.
                coalesce_streams=True,
                shutdown_kernel="immediate",
                extra_arguments=["--IPKernelApp.log_level=40", "--HistoryManager.enabled=False"],
                on_cell_start=lambda cell, cell_index: started.append(cell.get("id", cell_index)),
            )
    except Exception as error:
        where = f"cell {started[-1]}" if started else "before the first cell"
        raise NotebookError(f"{path.name}, {where}: {last_line(error)}") from error
    return max(peak)


def literal(path):
    """Return a path with doubled braces, for papermill, which replaces {name} by a parameter."""
    return str(path).replace("{", "{{").replace("}", "}}")


def refuse_unknown(path, parameters):
    """Raise unless the notebook's `parameters` cell has every name."""
    known = list(papermill.inspect_notebook(literal(path))) if parameters else []
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise ValueError(
            f"{path.name} has no parameter {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )


def connection(folder):
    """Return the setting that makes kernels talk through files in `folder` instead of ports, where possible.

    A port is chosen before the kernel opens it. With many kernels starting at once another program may be
    faster, and then a cell waits for an answer that went elsewhere. The name of a socket has room for about
    a hundred bytes: where `folder` is longer, ports have to do.
    """
    files = {"transport": "ipc", "ip": str(Path(folder, "kernel"))}
    short = len(os.fsencode(files["ip"])) <= 100
    return Config(KernelManager=files if os.name == "posix" and short else {})


def kernel_environment(folder):
    """Context in which kernels start as a reader's do, but without what a reader has IPython run first."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
    return mock.patch.dict(os.environ, kept | {"IPYTHONDIR": str(Path(folder, "ipython"))}, clear=True)


@contextmanager
def peak_memory(every=0.2):
    """
    Watch the processes that this one starts in the meantime, and those that they start.

    Yields
    ------
    list of float
        Their memory together, in GB, at moments `every` seconds apart.
    """
    before = {child.pid for child in psutil.Process().children()}
    found, over = [0.0], threading.Event()

    def watch():
        while not over.wait(every):
            new = [child for child in psutil.Process().children() if child.pid not in before]
            found.append(sum(map(tree_memory, new)) / 1e9)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def tree_memory(process):
    """Return the bytes that a process and those below it need and the system cannot reclaim."""
    try:
        return sum(map(kept_memory, [process, *process.children(recursive=True)]))
    except (psutil.Error, OSError):  # one of them has just ended
        return 0


def kept_memory(process):
    """Return a process's bytes, without the pages of files that can be dropped and read again (Linux).

    A control group of 2 GB runs what needs less by this measure, whatever else lies in the page cache.
    """
    rollup = Path(f"/proc/{process.pid}/smaps_rollup")
    if not rollup.exists():
        return process.memory_full_info().uss
    lines = rollup.read_text(encoding="utf-8").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon", "Pss_Shmem")))


def last_line(error):
    """Return `NameError: name 'x' is not defined`, without the traceback around it."""
    if isinstance(error, papermill.PapermillExecutionError):
        return f"{error.ename}: {error.evalue}"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"


def run_again(nb, orders):
    """
    Return a notebook in which every code cell comes once more behind the last, as a reader goes back to it.

    Parameters
    ----------
    nb : NotebookNode
    orders : int
        How many times, each in a shuffled order of its own, which changes with the code.
    """
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    seed = "".join(cell.source for cell in code)
    nb = nbformat.from_dict({**nb, "cells": list(nb.cells)})
    for order in range(1, orders + 1):
        for cell in random.Random(f"{order} {seed}").sample(code, len(code)):
            again = nbformat.v4.new_code_cell(cell.source, id=f"{cell.id}-again-{order}")
            nb.cells.append(again)
    return nb


# --- judge ---


def problems(nb):
    """
    Say what papermill lets pass in an executed notebook.

    Returns
    -------
    list of str
        One sentence per error or stderr output (also those hidden in a slider's output widget) and per
        code cell that never ran; empty for a clean notebook.
    """
    code = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]
    unrun = [f"cell {cell.id} was never executed" for cell in code if cell.execution_count is None]
    found = unrun if len(unrun) < len(code) else ["no cell was executed"]
    found += [f"cell {cell.id} {bad}" for cell in code for bad in complaints(cell.outputs)]
    widgets = nb.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for model in widgets.values():
        found += [f"a widget {bad}" for bad in complaints(model["state"].get("outputs", []))]
    return found


def complaints(outputs):
    """Yield `raised NameError: …` and `wrote to stderr: …` for the outputs that are errors or stderr."""
    for output in outputs:
        if output["output_type"] == "error":
            yield f"raised {output['ename']}: {output['evalue']}"
        elif output.get("name") == "stderr":
            yield f"wrote to stderr: {output['text'].strip()[:200]}"


# --- store ---


def stored(nb):
    """
    Return the text of the notebook as it is committed.

    Outputs, execution counts and cell ids stay. What differs between machines and runs goes: papermill's
    paths and times, the interpreter's version, widget state. Pictures are stored with a palette.
    """
    nb = nbformat.from_dict({**nb, "metadata": METADATA})
    for cell in nb.cells:
        cell.metadata = {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key)}
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(WIDGET_VIEW, None)
            if "image/png" in data:
                data["image/png"] = small_png(data["image/png"])
                output.setdefault("metadata", {})["image/png"] = {"alt": reading(cell)}
    return nbformat.writes(nb) + "\n"


def reading(cell):
    """Return the last line that a cell prints under its pictures: their alternative text."""
    printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    return printed.strip().split("\n")[-1] or "the explorer as it opens"


def small_png(text):
    """Return a base64 PNG with at most 256 colours where that is smaller; one with a palette stays."""
    before = base64.b64decode(text)
    picture = Image.open(io.BytesIO(before))
    if picture.mode == "P":
        return text
    if picture.mode == "RGBA" and picture.getextrema()[3] == (255, 255):
        picture = picture.convert("RGB")
    method = Image.Quantize.FASTOCTREE if picture.mode == "RGBA" else Image.Quantize.MEDIANCUT
    after = io.BytesIO()
    picture.quantize(256, method, dither=Image.Dither.NONE).save(after, "PNG", optimize=True)
    return base64.b64encode(after.getvalue()).decode() if len(after.getvalue()) < len(before) else text


def write(path, nb):
    """Put the stored form of a notebook in its place, with the links under its title, all or nothing."""
    for cell in nb.cells[:1]:
        banner = r"^\*\*Loss to Launch\*\* · .*$"
        cell.source = re.sub(banner, lambda _: chapters.banner(path.stem), cell.source, flags=re.M)
    new = path.with_suffix(".ipynb.new")
    new.write_text(stored(nb), encoding="utf-8", newline="\n")
    os.replace(new, path)


def store(path, timeout=600):
    """Run a notebook and put its stored form in its place, unless it fails; return its row of LAST_RUN."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = Path(folder, path.name)
        memory = execute(path, done, timeout=timeout)
        nb = nbformat.read(done, as_version=4)
    if bad := problems(nb):
        raise NotebookError(f"{path.name}: {'; '.join(bad)}")
    write(path, nb)
    return {"seconds": round(time.perf_counter() - start, 1), "memory_gb": round(memory, 2)}


# --- the command ---


def store_all(paths, timeout=600):
    """Store notebooks two at a time; return {name: row of LAST_RUN} and the list of failures."""
    rows, failures = {}, []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool, tqdm(total=len(paths), disable=None) as bar:
        jobs = {pool.submit(store, path, timeout): path for path in paths}
        for job in as_completed(jobs):
            name = jobs[job].name
            try:
                rows[name] = row = job.result()
                bar.write(f"{name:32} {row['seconds']:6.1f} s {row['memory_gb']:6.2f} GB")
            except Exception as error:
                failures.append(str(error) if isinstance(error, NotebookError) else f"{name}: {error!r}")
                bar.write(f"{name:32} FAILED")
            bar.update()
    return rows, failures


def main():
    """Run and store the notebooks named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="default: every notebook")
    parser.add_argument("--timeout", type=float, default=600, help="seconds that one cell may take")
    parser.add_argument("--strip", action="store_true", help="run nothing, only write the stored form")
    parser.add_argument(
        "--timings", type=Path, help="write the seconds and the memory of each notebook to this JSON file"
    )
    options = parser.parse_args()
    paths = options.paths or sorted(FOLDER.glob("*.ipynb"))
    if options.strip:
        for path in paths:
            write(path, nbformat.read(path, as_version=4))
        return 0
    start = time.perf_counter()
    rows, failures = store_all(paths, options.timeout)
    print(f"{len(rows)} stored, {len(failures)} failed, {time.perf_counter() - start:.1f} s in all")
    all_ran = not options.paths and not failures
    timings = options.timings or (LAST_RUN if all_ran else None)
    if timings:
        timings.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
