"""What every chapter does first, and whether everything that the chapters need is here.

`begin` gives a kernel the settings of the book. Each check answers in one sentence; none raises. Only `needs`
does, at the head of a chapter that cannot go on.
"""

import os
import platform
import sys
import textwrap
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from jupyter_core.paths import jupyter_path
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from traitlets.config import Application

from losslab.book import words

FRONT_ENDS = {"anywidget": "anywidget", "ipywidgets": "@jupyter-widgets/jupyterlab-manager"}


def begin(threads=None):
    """
    Give this process the settings of the book, whatever the reader's own configuration says.

    Figures are drawn with matplotlib's defaults and `palette.STYLE` on top; in a notebook they appear below
    their cell as PNG. A script keeps its backend. A printed line names what cannot be undone from here.

    Parameters
    ----------
    threads : int, optional
        For torch; by default OMP_NUM_THREADS if the reader has set it, otherwise one.
    """
    from IPython import get_ipython
    from matplotlib import style

    from losslab.book import above, processors
    from losslab.figures import palette

    processors.set_threads(threads)
    shell = get_ipython()
    if hasattr(shell, "kernel"):
        show_figures_inline(shell)
        above.load_ipython_extension(shell)
    style.use(["default", palette.STYLE])
    if not (check := settings()).ok:
        print(summary([check]))


def show_figures_inline(shell):
    """Let a kernel show figures as IPython does by default: as PNG, once, below the cell."""
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib_inline.config import InlineBackend

    shell.enable_matplotlib("inline")
    InlineBackend.instance(parent=shell).close_figures = True
    select_figure_formats(shell, {"png"}, bbox_inches="tight")


said = partial(words.say, "environment")


def printed():
    """Return what an assertion says that guards a sentence of the book: other numbers may break it."""
    return said("printed")


class NotInstalledError(ImportError):
    """What a chapter needs is not here. A notebook shows the sentence, and no traceback."""

    def _render_traceback_(self):  # what IPython asks an error for
        return [f"{type(self).__name__}: {self}"]


def needs(extra):
    """
    Do nothing if an extra of pyproject.toml is installed; otherwise say how to get it.

    Parameters
    ----------
    extra : str
        Such as "applications".

    Raises
    ------
    NotInstalledError
        Saying what to type where, how much it is and how long it takes.
    """
    if not (check := optional(extra)).ok:
        raise NotInstalledError(said("needed", sentence=check.sentence))


class Check(NamedTuple):
    """What was checked, whether it is in order, and what was found or what to do.

    `ok` is None for what some chapters only need: it is not here, and need not be yet.
    """

    name: str
    ok: bool | None
    sentence: str


def report():
    """Return the list of all checks, the cheap ones first (list of Check)."""
    try:
        distribution = metadata.distribution("losslab")
    except metadata.PackageNotFoundError:
        return [Check("losslab", False, said("not_installed"))]
    return [
        python(distribution.metadata["Requires-Python"]),
        *(package(needed) for needed in requirements(distribution)),
        front_end(),
        torch_runs(),
        digits(),
        settings(),
        optional("applications"),
    ]


def summary(checks):
    """Return the names of the checks that passed, and one line for each that did not."""
    good = ", ".join(check.name for check in checks if check.ok)
    lines = {False: "to_do", None: "later"}
    bad = [said(lines[one.ok], name=one.name, sentence=one.sentence) for one in checks if not one.ok]
    fine = textwrap.fill(said("fine", names=good), 88, subsequent_indent="    ")
    return "\n".join([fine] * bool(good) + bad)


def details(checks):
    """Return what was found, one line each: the text to paste into a bug report."""
    version = installed("losslab") or said("absent")
    machine = f"{platform.system()} {platform.machine()}, losslab {version}"
    return "\n".join([machine, *(f"{check.name}: {check.sentence}" for check in checks)])


def links():
    """Return the project's addresses, as its metadata gives them (dict of label -> address)."""
    lines = metadata.metadata("losslab").get_all("Project-URL") if installed("losslab") else None
    return dict(line.split(", ", 1) for line in lines or [])


def installed(name):
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def requirements(distribution, extra=""):
    """Return what a distribution needs at run time, or what an extra adds to that (list of Requirement)."""
    parsed = [Requirement(text) for text in distribution.requires or []]
    always = [r for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
    added = [r for r in parsed if r not in always and r.marker.evaluate({"extra": extra})]
    return added if extra else always


def optional(extra):
    """Check an extra of pyproject.toml that some chapters need."""
    if f"extra.{extra}" not in words.of("environment"):
        raise ValueError(f"no chapter needs an extra {extra!r}")
    distribution = metadata.distribution("losslab")
    known = extra in (distribution.metadata.get_all("Provides-Extra") or [])  # not if installed long ago
    lacking = [r.name for r in requirements(distribution, extra) if not package(r).ok] if known else [extra]
    if not lacking:
        return Check(extra, True, said("extra_here"))
    return Check(extra, None, said(f"extra.{extra}", names=", ".join(lacking)))


def python(needed, version=None):
    """Check the interpreter against a specifier such as ">=3.11"."""
    version = version or platform.python_version()
    if SpecifierSet(needed).contains(version, prereleases=True):
        return Check("Python", True, version)
    return Check("Python", False, said("old_python", needed=needed, version=version))


def package(needed):
    """Check one installed package against a Requirement."""
    version = installed(needed.name)
    if version is None:
        return Check(needed.name, False, said("not_installed"))
    if needed.specifier.contains(version, prereleases=True):
        return Check(needed.name, True, version)
    return Check(needed.name, False, said("other_version", needed=needed.specifier, version=version))


def front_end(folders=None):
    """Check that JupyterLab has the front-end parts that draw sliders."""
    folders = jupyter_path("labextensions") if folders is None else folders
    missing = [
        name
        for name, extension in FRONT_ENDS.items()
        if not any(Path(folder, extension, "package.json").is_file() for folder in folders)
    ]
    if not missing:
        return Check("sliders", True, said("front_end"))
    return Check("sliders", False, said("no_front_end", names=", ".join(missing)))


def torch_runs():
    """Check that torch and torchvision import and compute on the best device here."""
    try:
        import torch
        import torchvision  # noqa: F401  a torchvision built for another torch fails here

        device = best_device(torch)
        total = torch.ones(3, device=device).sum().item()
    except Exception as error:
        line = str(error).strip().split("\n")[0]
        return Check("torch computes", False, said("no_torch", error=f"{type(error).__name__}: {line}"))
    return Check("torch computes", total == 3, said("torch", total=total, device=device))


def best_device(torch):
    """Return "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def digits():
    """Check that the sample of MNIST shipped with the package can be read."""
    try:
        from losslab.data import mnist

        sample = mnist.load("sample")
    except Exception as error:
        return Check("digits", False, f"{type(error).__name__}: {error}")
    return Check("digits", True, said("images", train=len(sample.train_labels), test=len(sample.test_labels)))


def settings(app=None):
    """Check that nothing that `begin` cannot undo was set or run before the first cell.

    Parameters
    ----------
    app : traitlets.config.Application, optional
        The kernel's; by default this process's, if there is one.
    """
    app = app or (Application.instance() if Application.initialized() else None)
    found = ["PYTHONOPTIMIZE"] if sys.flags.optimize else []  # assertions are not checked
    found += startup(app) if hasattr(app, "exec_PYTHONSTARTUP") else []
    if not found:
        return Check("settings", True, said("nothing_before"))
    return Check("settings", False, said("something_before", found=", ".join(found)))


def startup(app):
    """Return what an IPython application runs and reads before the first cell (list of str)."""
    script = os.environ.get("PYTHONSTARTUP") if app.exec_PYTHONSTARTUP else None
    folders = [Path(folder, "startup") for folder in app.config_file_paths]
    scripts = [str(path) for folder in folders for path in sorted(folder.glob("*.*py"))]  # .py and .ipy
    changed = {name for name, values in app.config.items() if values and values != app.cli_config.get(name)}
    files = app.loaded_config_files if changed - {"InlineBackend"} else []
    return [*([f"PYTHONSTARTUP={script}"] if script else []), *scripts, *files]
