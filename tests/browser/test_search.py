"""Chapter 90 in JupyterLab: typing filters the list of mistakes, and a link leads to the cell."""

import shutil
from pathlib import Path

import pytest
from browser import run_notebook

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
ACTIVE = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active"
ROWS = ".jp-OutputArea:has(.widget-text) tbody tr"


@pytest.mark.browser
def test_typing_filters_the_list_and_a_link_leads_to_the_cell(new_page, lab):
    address, token, root = lab
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, root)
    page = new_page(viewport={"width": 1100, "height": 900})
    run_notebook(page, address, token, "90_errata.ipynb", ready=".widget-text input")
    page.locator(".widget-text input").fill("")
    page.wait_for_function(f"document.querySelectorAll('{ROWS}').length === 150")
    page.locator(".widget-text input").fill("reddi")
    page.wait_for_function(f"document.querySelectorAll('{ROWS}').length === 1")
    page.locator(ROWS).locator("a").click()
    page.wait_for_function("document.title.startsWith('05_optimizer')")
    page.wait_for_selector(
        ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active >> text=def last_place"
    )
