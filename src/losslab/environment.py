"""Is everything here that the notebooks need? Each check answers with one sentence; nothing is raised."""

import platform
import textwrap
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from jupyter_core.paths import jupyter_path
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

INSTALL = "run 'make lab', or 'pip install -e .' in the folder of the repository"
FRONT_ENDS = {"anywidget": "anywidget", "ipywidgets": "@jupyter-widgets/jupyterlab-manager"}


class Check(NamedTuple):
    """What was looked at, whether it is in order, and what was found or what to do."""

    name: str
    ok: bool
    sentence: str


def report():
    """Return the list of all checks, the cheap ones first (list of Check)."""
    try:
        distribution = metadata.distribution("losslab")
    except metadata.PackageNotFoundError:
        return [Check("losslab", False, f"it is not installed: {INSTALL}")]
    return [
        python(distribution.metadata["Requires-Python"]),
        *(package(needed) for needed in requirements(distribution)),
        front_end(),
        torch_runs(),
        digits(),
    ]


def summary(checks):
    """Return the names of what is in order, and one line for each thing that is not."""
    good = ", ".join(check.name for check in checks if check.ok)
    bad = [f"TO DO  {check.name}: {check.sentence}" for check in checks if not check.ok]
    return "\n".join([textwrap.fill(f"OK  {good}", 88, subsequent_indent="    ")] * bool(good) + bad)


def details(checks):
    """Return what was found, one line each: the text to paste into a report of an error."""
    machine = f"{platform.system()} {platform.machine()}, losslab {installed('losslab') or 'not installed'}"
    return "\n".join([machine, *(f"{check.name}: {check.sentence}" for check in checks)])


def links():
    """Return the project's addresses, as its metadata has them (dict of label -> address)."""
    lines = metadata.metadata("losslab").get_all("Project-URL") if installed("losslab") else None
    return dict(line.split(", ", 1) for line in lines or [])


def installed(name):
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def requirements(distribution):
    """Return what a distribution needs at run time, extras left out (list of Requirement)."""
    parsed = [Requirement(text) for text in distribution.requires or []]
    return [r for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]


def python(needed, version=None):
    """Check the interpreter against a specifier such as ">=3.11"."""
    version = version or platform.python_version()
    if SpecifierSet(needed).contains(version, prereleases=True):
        return Check("Python", True, version)
    return Check("Python", False, f"Python {needed} is needed, this is {version}: install it, then {INSTALL}")


def package(needed):
    """Check one installed package against a Requirement."""
    version = installed(needed.name)
    if version is None:
        return Check(needed.name, False, f"it is not installed: {INSTALL}")
    if needed.specifier.contains(version, prereleases=True):
        return Check(needed.name, True, version)
    return Check(needed.name, False, f"{needed.specifier} is needed, {version} is installed: {INSTALL}")


def front_end(folders=None):
    """Check that JupyterLab has the parts in the browser that draw sliders."""
    folders = jupyter_path("labextensions") if folders is None else folders
    missing = [
        name
        for name, extension in FRONT_ENDS.items()
        if not any(Path(folder, extension, "package.json").is_file() for folder in folders)
    ]
    if not missing:
        return Check("sliders", True, "their front end is installed")
    return Check("sliders", False, f"JupyterLab lacks the front end of {' and '.join(missing)}: {INSTALL}")


def torch_runs():
    """Check that torch and torchvision import and compute on the best device here."""
    try:
        import torch
        import torchvision  # noqa: F401  a torchvision made for another torch fails here

        device = best_device(torch)
        total = torch.ones(3, device=device).sum().item()
    except Exception as error:
        line = str(error).strip().split("\n")[0]
        return Check("torch computes", False, f"{type(error).__name__}: {line}; {INSTALL}")
    return Check("torch computes", total == 3, f"1 + 1 + 1 = {total:.0f} on {device}")


def best_device(torch):
    """Return "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def digits():
    """Check that the sample of MNIST which comes with the package can be read."""
    try:
        from losslab import datasets

        sample = datasets.mnist("sample")
    except Exception as error:
        return Check("digits", False, f"{type(error).__name__}: {error}")
    return Check("digits", True, f"{len(sample.train_labels)} + {len(sample.test_labels)} images")
