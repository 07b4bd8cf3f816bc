"""Runs a notebook's code cells without Jupyter: `python tools/cells.py NOTEBOOK --set epochs=1`.

All cells share one namespace, in the folder of the notebook. A cell that only opens an explorer is skipped:
there is no browser. What is printed or displayed goes to stdout, figures into a zip archive, and what ran,
what was skipped and where it stopped into a JSON file, both named after the notebook and written as it goes.
"""

import argparse
import ast
import importlib.util
import json
import linecache
import os
import sys
import time
import traceback
import zipfile
from pathlib import Path
from types import ModuleType


class Shown:
    """What stands in for IPython's Markdown, HTML and the like: the data, to be printed."""

    def __init__(self, data=None, **_):
        self.data = data


class Application:
    """What stands in for a kernel's application: there is none."""

    @staticmethod
    def initialized():
        """Return False."""
        return False


STAND_INS = {  # a module that the chapters import -> what they take from it
    "IPython": {"get_ipython": lambda: None},
    "IPython.display": dict.fromkeys(("Markdown", "HTML", "Image", "Code", "Math"), Shown),
    "jupyter_core": {},
    "jupyter_core.paths": {"jupyter_path": lambda *_: []},
    "traitlets": {},
    "traitlets.config": {"Application": Application},
}


def here(name):
    """Say whether a top-level module can be imported."""
    return name in sys.modules or importlib.util.find_spec(name) is not None


def serve(display):
    """Let cells import `display` and what else of Jupyter is absent."""
    absent = [name for name in STAND_INS if not here(name.partition(".")[0])]
    for name in absent:
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(STAND_INS[name])
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
    import IPython.display

    IPython.display.display = display


class Book:
    """Where the figures of a notebook and the report on its cells go."""

    def __init__(self, notebook, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.figures, self.file = folder / f"{notebook.stem}.zip", folder / f"{notebook.stem}.json"
        self.figures.unlink(missing_ok=True)
        self.report = {"seconds": {}, "skipped": {}, "figures": 0, "failed": None}
        self.cell = ""

    def note(self):
        """Write the report as it is now."""
        self.file.write_text(json.dumps(self.report, indent=1) + "\n", encoding="utf-8")

    def keep(self, png):
        """Put a picture into the archive."""
        self.report["figures"] += 1
        with zipfile.ZipFile(self.figures, "a") as archive:
            archive.writestr(f"{self.report['figures']:02}-{self.cell}.png", png)

    def display(self, *values):
        """Print values, or keep them if they are pictures."""
        for value in values:
            data = getattr(value, "data", None)
            if isinstance(data, bytes):
                self.keep(data)
            else:
                print(data if isinstance(data, str) else repr(value), flush=True)

    def show(self):
        """Keep all open figures, as a notebook shows them below the cell."""
        from io import BytesIO

        from matplotlib import pyplot

        for number in pyplot.get_fignums():
            pyplot.figure(number).savefig(file := BytesIO(), format="png", bbox_inches="tight")
            pyplot.close(number)
            self.keep(file.getvalue())


def opens_explorer(tree, tags):
    """Say whether a cell ends by opening an explorer, whose output nobody compares."""
    last = tree.body[-1].value if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if "nbval-ignore-output" not in tags or not isinstance(last, ast.Call):
        return False
    called = last.func
    return isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "explorers"


def why_skipped(source, tree, tags):
    """Return why a cell is not run, or None."""
    if opens_explorer(tree, tags):
        return "it opens an explorer"
    if "explorers." in source and not here("anywidget"):
        return "it asks an explorer, which needs anywidget"
    return None


def run_cell(name, source, tree, names, display):
    """Run a cell; display the value of its last line, as a notebook does."""
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec", dont_inherit=True), names)
    if last:
        value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), names)
        if value is not None:
            display(value)


def run(notebook, parameters, folder):
    """Run a notebook up to its end or the first error.

    Parameters
    ----------
    notebook : Path
    parameters : dict
        What the cell tagged `parameters` defines, with other values.
    folder : Path
        Where figures and report go.

    Returns
    -------
    dict
        The report: seconds of each cell by its id, reasons of those skipped, number of figures, and the id of
        the cell that failed, or None.

    Raises
    ------
    ValueError
        If the notebook has no parameter of a given name.
    """
    from matplotlib import pyplot

    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    book, names = Book(notebook, folder.resolve()), {"__name__": "__main__"}
    serve(book.display)
    pyplot.switch_backend("Agg")
    pyplot.show = lambda *_, **__: book.show()
    os.chdir(notebook.parent)
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        source, tags = "".join(cell["source"]), cell["metadata"].get("tags", ())
        book.cell, tree = cell.get("id", str(number)), ast.parse(source)
        if reason := why_skipped(source, tree, tags):
            book.report["skipped"][book.cell] = reason
            continue
        print(f"\n--- {notebook.stem}, cell {book.cell} ---", flush=True)
        begin = time.perf_counter()
        try:
            run_cell(f"<{notebook.stem}, cell {book.cell}>", source, tree, names, book.display)
            book.show()
        except Exception:
            traceback.print_exc(file=sys.stdout)
            book.report["failed"] = book.cell
        book.report["seconds"][book.cell] = round(time.perf_counter() - begin, 2)
        if "parameters" in tags:
            replace(names, parameters)
        book.note()
        if book.report["failed"]:
            break
    return book.report


def replace(names, parameters):
    """Give the parameters of a notebook other values."""
    if unknown := parameters.keys() - names.keys():
        raise ValueError(f"the notebook must have every parameter that is set, it lacks {', '.join(unknown)}")
    names.update(parameters)


def value(text):
    """Return what an argument such as `epochs=1` or `device=cuda` sets, as (name, value)."""
    name, equals, given = text.partition("=")
    if not (name.isidentifier() and equals):
        raise argparse.ArgumentTypeError(f"expected name=value, got {text!r}")
    return name, int(given) if given.isdigit() else given


def main():
    """Run one notebook."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--set", type=value, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--output", type=Path, default=Path("build/cells"))
    options = parser.parse_args()
    report = run(options.notebook.resolve(), dict(options.set), options.output)
    ran, skipped = len(report["seconds"]), len(report["skipped"])
    print(f"\n{options.notebook.name}: {ran} cells run, {skipped} skipped, {report['figures']} figures.")
    if report["failed"]:
        sys.exit(f"{options.notebook.name} stopped at cell {report['failed']}.")


if __name__ == "__main__":
    main()
