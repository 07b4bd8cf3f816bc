"""What tests read (the article, and the notebook of their chapter), and which of them train."""

import re
import signal
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import nbformat
import pytest
from torch.optim.optimizer import register_optimizer_step_pre_hook

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
ARTICLE = ROOT.parent / "shared" / "article" / "article.md"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background job: some tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

taken, before = Counter(), pytest.StashKey()
register_optimizer_step_pre_hook(lambda *_: taken.update(["step"]))


def trainings():
    """Count the optimiser steps in this process, and how often a trained network was asked for."""
    trained = sys.modules.get("losslab.learning.trained")
    makers = [value for value in vars(trained).values() if hasattr(value, "cache_info")] if trained else []
    return taken.total() + sum(sum(make.cache_info()[:2]) for make in makers)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """Remember what was trained before this test and its fixtures."""
    item.stash[before] = trainings()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a test that trains without the mark by which tools/numerics.py finds it."""
    result = yield
    marked = item.get_closest_marker("trains") or item.get_closest_marker("browser")
    if not marked and trainings() > item.stash[before]:
        pytest.fail("it trains, and its file has no pytestmark = pytest.mark.trains", pytrace=False)
    return result


@pytest.fixture(scope="session")
def article():
    """The lines of the article, which is not part of this book: without it the test is skipped."""
    if not ARTICLE.exists():
        pytest.skip("needs ../shared/article/article.md beside the repository")
    return ARTICLE.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def sections():
    """A function: file name without .ipynb → {heading of level 2: [(cell, its source below that)]}."""

    @cache
    def read(stem):
        found = {"": []}
        for cell in nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells:
            prose = cell.cell_type == "markdown"
            for piece in re.split(r"^(?=## )", cell.source, flags=re.M) if prose else [cell.source]:
                if prose and (heading := re.match(r"## (.+)", piece)):
                    found[heading[1]] = []
                found[list(found)[-1]].append((cell, piece))
        return found

    return read


@pytest.fixture(scope="module")
def notebook(request):
    """The notebook of the chapter whose number is the name of the tests' folder."""
    (path,) = NOTEBOOKS.glob(f"{request.path.parent.name}_*.ipynb")
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def cells(notebook):
    """The notebook as {cell id: source}."""
    return {cell.id: cell.source for cell in notebook.cells}


@pytest.fixture(scope="module")
def written(cells):
    """{"5.1": the TeX of that equation}; each test of an equation repeats it and then evaluates it."""
    found = re.findall(r"\$\$((?:(?!\$\$).)+?)\\tag\{(.+?)\}", "\n".join(cells.values()), re.S)
    return {number: " ".join(tex.split()) for tex, number in found}
