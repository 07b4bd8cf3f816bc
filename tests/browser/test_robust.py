"""A second view, Run All twice, a kernel that is restarted: nothing breaks, and the page says what to do."""

import browser
import pytest

pytestmark = pytest.mark.browser
CELLS = ["from losslab import explorers\ne = explorers.explore()\ne", "e"]


def slider(page, view):
    return page.locator(".ll").nth(view).get_by_role("slider", name="learning rate α")


def test_second_view_run_all_twice_and_a_restarted_kernel(notebook):
    page = notebook(*CELLS)
    page.locator(".ll canvas").nth(1).wait_for()
    page.locator(".ll").nth(1).scroll_into_view_if_needed()

    # Two views of one explorer: what is let go, hidden or chosen in one, the other follows.
    browser.drag(page, slider(page, 1), 0.9, seconds=0.3)
    page.wait_for_timeout(500)
    assert slider(page, 0).input_value() == slider(page, 1).input_value()
    said = page.locator(".ll-say")
    assert said.nth(0).inner_text() == said.nth(1).inner_text()
    page.locator(".ll").nth(1).get_by_role("checkbox", name="Adam").uncheck()
    page.wait_for_timeout(500)
    assert not page.locator(".ll").nth(0).get_by_role("checkbox", name="Adam").is_checked()
    page.locator(".ll").nth(1).get_by_role("combobox", name="surface").select_option("saddle")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('saddle')")
    assert page.locator(".ll").nth(0).get_by_role("combobox", name="surface").input_value() == "saddle"

    # Run All a second time, in the same kernel.
    page.evaluate("document.querySelectorAll('.ll').forEach((e) => (e.dataset.old = 1))")
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        "document.querySelectorAll('.ll:not([data-old]) canvas').length"
        " && !document.querySelector('.ll[data-old]')"
    )
    page.locator(".ll-say").nth(1).wait_for()
    page.wait_for_timeout(500)
    page.locator(".ll").nth(0).scroll_into_view_if_needed()
    assert slider(page, 0).input_value() == slider(page, 1).input_value() != "96"
    painted = page.evaluate("window.painted.length")
    browser.drag(page, slider(page, 0), 0.1, seconds=0.3)
    page.wait_for_timeout(300)
    assert page.evaluate("window.painted.length") > painted + 3

    # The kernel is restarted: what needs none goes on; what needs one says what to do.
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function(browser.KERNEL_IDLE, timeout=60_000)
    painted = page.evaluate("window.painted.length")
    browser.drag(page, slider(page, 0), 0.8, seconds=0.3)
    page.wait_for_timeout(300)
    assert page.evaluate("window.painted.length") > painted + 3, "sliders need no kernel"
    page.locator(".ll").nth(0).get_by_role("combobox", name="surface").select_option("beale")
    page.get_by_text("run this cell again").first.wait_for(timeout=10_000)
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        "!document.querySelector('.ll-say')?.textContent.includes('run this cell')", timeout=60_000
    )
    page.locator(".ll").nth(0).get_by_role("combobox", name="surface").select_option("beale")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('beale')")
