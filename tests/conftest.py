"""What tests of a chapter read from its notebook, the path in their NOTEBOOK."""

import re

import nbformat
import pytest


@pytest.fixture(scope="module")
def cells(request):
    """The notebook as {cell id: source}."""
    return {cell.id: cell.source for cell in nbformat.read(request.module.NOTEBOOK, as_version=4).cells}


@pytest.fixture(scope="module")
def written(cells):
    """{"5.1": the TeX of that equation}; each test of an equation repeats it and then evaluates it."""
    found = re.findall(r"\$\$((?:(?!\$\$).)+?)\\tag\{(.+?)\}", "\n".join(cells.values()), re.S)
    return {number: " ".join(tex.split()) for tex, number in found}
