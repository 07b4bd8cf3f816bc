"""Runs a notebook's code cells without Jupyter: `python tools/cells.py NOTEBOOK --set epochs=1`.

All cells share one namespace, in the folder of the notebook. Explorers are not opened: there is no browser,
and the rest of their cells is run. What is printed or displayed goes to stdout, figures into a zip archive,
and what ran and where it stopped into a JSON file; both are named after the notebook and written
as it goes. It takes IPython and anywidget, but no kernel.
"""

import argparse
import ast
import json
import linecache
import os
import sys
import time
import traceback
import zipfile
from pathlib import Path


class Book:
    """Where the figures of a notebook and the report on its cells go."""

    def __init__(self, notebook, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.figures, self.file = folder / f"{notebook.stem}.zip", folder / f"{notebook.stem}.json"
        self.figures.unlink(missing_ok=True)
        self.report = {"seconds": {}, "explorers": [], "figures": 0, "failed": None}
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
    """Say whether a cell ends by opening an explorer."""
    last = tree.body[-1].value if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if "nbval-ignore-output" not in tags or not isinstance(last, ast.Call):
        return False
    called = last.func
    return isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "explorers"


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
        The report: seconds of each cell by its id, the cells whose explorer was not opened, the number of
        figures, and the id of the cell that failed, or None.

    Raises
    ------
    ValueError
        If the notebook has no parameter of a given name.
    """
    import IPython.display
    from matplotlib import pyplot

    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    book, names = Book(notebook, folder.resolve()), {"__name__": "__main__"}
    IPython.display.display = book.display
    pyplot.switch_backend("Agg")
    pyplot.show = lambda *_, **__: book.show()
    os.chdir(notebook.parent)
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        source, tags = "".join(cell["source"]), cell["metadata"].get("tags", ())
        book.cell, tree = cell.get("id", str(number)), ast.parse(source)
        if opens_explorer(tree, tags):
            book.report["explorers"].append(book.cell)
            del tree.body[-1]
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
    ran, unopened = len(report["seconds"]), len(report["explorers"])
    counted = f"{ran} cells run, {unopened} explorers not opened, {report['figures']} figures"
    print(f"\n{options.notebook.name}: {counted}.")
    if report["failed"]:
        sys.exit(f"{options.notebook.name} stopped at cell {report['failed']}.")


if __name__ == "__main__":
    main()
