"""Pages without kernel, server and network, opened from the disk: they are dragged like the others."""

import json
from pathlib import Path

import nbformat
import pytest
import site_demo
from browser import PAINTED, drag

from losslab import explorers

pytestmark = pytest.mark.browser
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def offline(new_page, tmp_path):
    """Open a page from the disk in a browser without network."""

    def show(text, **options):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        page = new_page(offline=True, **options)
        page.goto(path.as_uri())
        page.wait_for_function("window.painted.length > 0")
        return page

    return show


def test_an_explorers_page_is_dragged_and_its_menu_answered_without_a_kernel(offline):
    page = offline(site_demo.page("logits", explorers.logits))
    slider = page.get_by_role("slider", name="logit z₁")
    before, said = page.evaluate("window.painted.length"), page.locator(".ll-say").inner_text()
    drag(page, slider, 0.1, seconds=1)
    page.wait_for_timeout(400)
    assert page.evaluate("window.painted.length") - before >= 20
    assert page.locator(".ll-say").inner_text() != said
    page.get_by_role("combobox", name="label").select_option("3")
    page.get_by_text("If class 3 is right").first.wait_for()
    line = page.locator(".ll code").inner_text()
    explorer = eval(line, {"explorers": explorers})
    index, shown = explorer.state["index"], explorer.state["shown"]
    assert page.locator(".ll-say").inner_text() == explorer.computed().sentence(index, shown)


def test_nobody_is_offered_what_needs_a_kernel():
    explorer = explorers.explore("saddle", start=(-1.8, 0.001))
    explorer.menus.pop("steps")
    explorer.menus["surface"].pop("rosenbrock")
    explorer.menus["surface"].pop("beale")
    text = site_demo.fragment(explorer, "one")
    stored = [json.loads(part.split("</script>")[0]) for part in text.split('type="application/json">')[1:]]
    assert [part["meta"]["choices"]["surface"][0] for part in stored] == ["saddle", "ravine", "saddle"]
    assert [part["meta"]["point"] for part in stored] == [None] * 3, "another start would need one"


def test_explorers_stay_live_in_an_exported_notebook(browser, tmp_path):
    """Its formulas come from the network and are missing here; the explorer does not."""
    text, count = site_demo.export(NOTEBOOKS / "06_worked_example.ipynb")
    assert count == 3
    path = tmp_path / "chapter.html"
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script(PAINTED)
    page.goto(path.as_uri())
    page.wait_for_function("window.painted.length > 0")
    slider = page.get_by_role("slider", name="learning rate α").first
    slider.scroll_into_view_if_needed()
    before = page.evaluate("window.painted.length")
    drag(page, slider, 0.8, seconds=0.5)
    page.wait_for_timeout(400)
    assert page.evaluate("window.painted.length") - before >= 10
    assert "lr=0.2" in page.locator(".ll code").first.inner_text()
    context.close()


def test_a_stored_notebook_alone_shows_a_picture_of_every_explorer():
    """What GitHub and `jupyter nbconvert` show: stored notebooks hold no widget state."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for data in (output.get("data", {}) for output in cell.get("outputs", [])):
                if data.get("text/plain", "").startswith("explorers."):
                    assert data["image/png"].startswith("iVBOR"), path.name


def test_the_index_leads_to_every_page_and_names_what_needs_a_notebook():
    text = site_demo.index(["logits"], ["05_optimizers"])
    assert '<a href="logits.html">logits: Open the explorer of softmax' in text
    assert '<a href="05_optimizers.html">' in text
    assert "<li>train: Open a training" in text
