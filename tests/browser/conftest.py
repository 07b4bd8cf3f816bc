"""A real Chromium, a bare page that shows an explorer without Jupyter, and a real JupyterLab."""

from pathlib import Path

import pytest
from browser import FLAGS, PAINTED, Kernel, bare_html, chromium, jupyterlab, open_notebook
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as p:
        found = chromium()
        if not found and not Path(p.chromium.executable_path).exists():
            pytest.skip("no Chromium: install one, or run '.venv/bin/playwright install chromium'")
        browser = p.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser):
    """Open pages that collect their errors and the kernel's; the end of the test asserts there are none."""
    contexts, errors = [], []

    def raised(frame):
        if b'"msg_type": "error"' in (frame if isinstance(frame, bytes) else frame.encode()):
            errors.append(f"the kernel: {frame[-3000:]}")

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(PAINTED)
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("websocket", lambda socket: socket.on("framereceived", raised))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def bare(new_page, tmp_path):
    """Show an explorer on a page of its own."""

    def show(explorer, kernel=False, **options):
        path = tmp_path / "explorer.html"
        path.write_text(bare_html(explorer), encoding="utf-8")
        page = new_page(**options)
        if kernel:
            page.expose_function("toKernel", Kernel(explorer))
        page.goto(path.as_uri())
        page.wait_for_function("window.painted.length > 0 && !!window.cleanUp")
        if kernel:
            page.evaluate("() => void setInterval(listen, 50)")
        return page

    return show


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Start JupyterLab; return its address, its token and the folder it serves."""
    root = tmp_path_factory.mktemp("lab")
    with jupyterlab(root) as (address, token):
        yield address, token, root


@pytest.fixture
def notebook(new_page, lab):
    """Open a notebook of the given code cells in JupyterLab and run all of them."""

    def show(*cells, **options):
        page = new_page(**{"viewport": {"width": 1100, "height": 900}, **options})
        open_notebook(page, *lab, cells)
        page.wait_for_function("window.painted.length > 0")
        return page

    return show
