"""A real Chromium, a bare page that shows an explorer without Jupyter, and a real JupyterLab."""

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from losslab import widget

FLAGS = [
    "--no-sandbox",  # containers; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# Plays the part of Jupyter: a model with the explorer's traits, and a record of what is sent to the kernel.
BARE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Explorer</title>
<style>:root {{ color-scheme: light dark }} {css}</style><body><main id="here"></main><script type="module">
const bytes = (s) => new DataView(Uint8Array.from(atob(s), (c) => c.charCodeAt(0)).buffer);
const state = {state};
for (const [k, v] of Object.entries({binary})) state[k] = bytes(v);
state.stages = Object.fromEntries(Object.entries({stages}).map(([k, v]) => [k, bytes(v)]));
window.sent = [];
window.painted = [];
addEventListener("losslab:painted", (e) => window.painted.push(e.detail));
const model = {{ get: (k) => state[k], set: (k, v) => {{ state[k] = v; window.sent.push([k, v]); }},
  save_changes() {{}}, on() {{}}, off() {{}} }};
const module = await import("data:text/javascript;base64,{js}");
window.cleanUp = await module.default.render({{ model, el: document.getElementById("here") }});
</script></body></html>"""


@pytest.fixture(scope="session")
def chromium():
    """Return the path of a Chromium or Chrome, or None for the one Playwright has installed for itself."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as p:
        if not found and not Path(p.chromium.executable_path).exists():
            pytest.skip("no Chromium: install one, or run '.venv/bin/playwright install chromium'")
    return found


@pytest.fixture(scope="session")
def browser(chromium):
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser):
    """Open pages that collect their errors; closing the test asserts that there were none."""
    contexts, errors = [], []

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def bare(new_page, tmp_path):
    """Show an explorer on a page of its own."""

    def show(explorer, **options):
        text = {k: getattr(explorer, k) for k in ("meta", "state", "ask")}
        code = lambda data: base64.b64encode(data).decode()  # noqa: E731
        source = Path(widget.__file__)
        path = tmp_path / "explorer.html"
        path.write_text(
            BARE.format(
                css=source.with_name("widget.css").read_text(),
                js=code(source.with_name("widget.js").read_bytes()),
                state=json.dumps(text),
                binary=json.dumps({k: code(getattr(explorer, k)) for k in ("atlas", "preview")}),
                stages=json.dumps({k: code(v) for k, v in explorer.stages.items()}),
            )
        )
        page = new_page(**options)
        page.goto(path.as_uri())
        page.wait_for_function("window.painted?.length > 0 && !!window.cleanUp")
        return page

    return show


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Start JupyterLab on a free port with a token; return its address and the folder it serves."""
    root = tmp_path_factory.mktemp("lab")
    own = {f"JUPYTER_{k}_DIR": str(root / f".{k.lower()}") for k in ("CONFIG", "DATA", "RUNTIME")}
    token = secrets.token_hex(16)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ip=127.0.0.1",
        "--port=0",
        "--no-browser",
        "--expose-app-in-browser",
    ]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}", "--LabApp.news_url="]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    server = subprocess.Popen(
        command,
        env=os.environ | own | {"IPYTHONDIR": str(root / ".ipython")},
        stderr=subprocess.PIPE,
        text=True,
    )
    log = []
    for line in server.stderr:
        log.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    else:
        pytest.fail("JupyterLab did not start:\n" + "".join(log))
    drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
    yield found[0], token, root
    server.terminate()
    server.wait(20)
    drain.wait(20)
    server.stderr.close()


@pytest.fixture
def notebook(new_page, lab):
    """Open a notebook of the given code cells in JupyterLab and run all of them."""
    address, token, root = lab

    def show(*cells, **options):
        nb = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        name = f"{secrets.token_hex(4)}.ipynb"
        nbformat.write(nb, root / name)
        page = new_page(**{"viewport": {"width": 1100, "height": 900}, **options})
        page.goto(f"{address}/doc/tree/{name}?reset&token={token}")
        page.wait_for_function(
            "window.jupyterapp && document.querySelector('.jp-NotebookPanel .jp-Cell')", timeout=60_000
        )
        page.wait_for_timeout(1500)
        page.evaluate(
            "() => { window.painted = [];"
            " addEventListener('losslab:painted', (e) => window.painted.push(e.detail));"
            " window.jupyterapp.commands.execute('notebook:run-all-cells') }"
        )
        page.wait_for_selector(".ll canvas", timeout=60_000)
        page.wait_for_function("window.painted.length > 0")
        return page

    return show
