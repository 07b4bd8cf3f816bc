"""What browser tests and slider benchmark share: Chromium, JupyterLab, an explorer on a bare page, a drag."""

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from site_demo import FAKE_MODEL, encode, sent_traits

from losslab.explorers import widget

HERE = Path(__file__).parent
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

# An explorer without Jupyter, and a record of what goes to the kernel.
# `window.toKernel`, if there is one, is the kernel: it takes what has changed and returns what it changes.
BARE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Explorer</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark }} {css}</style><body><main id="here"></main><script type="module">
{fake_model}
window.sent = [];
const exchange = async (changed) => model.take(decode(await window.toKernel(encode(changed))));
const model = window.model = fakeModel(decode({state}), (changed) => {{
  window.sent.push(...Object.entries(changed));
  if (window.toKernel) exchange(changed);
}});
window.listen = () => exchange({{}});
const module = window.module = await import("data:text/javascript;base64,{js}");
window.cleanUp = await module.default.render({{ model, el: document.getElementById("here") }});
</script></body></html>"""

# Init script of a page that sees from outside what explorers paint: a picture begins by wiping the canvas.
# For each, `window.painted` gets the step that the slider shows, if there is one; and an event is fired.
PAINTED = """{
  window.painted = [];
  const wipe = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    wipe.apply(this, box);
    if (!this.canvas.closest(".ll-stage")) return;
    const steps = this.canvas.closest(".ll").querySelector(".ll-steps input");
    window.painted.push({ step: steps && +steps.value });
    dispatchEvent(new Event("painted"));
  };
}"""

KERNEL_IDLE = """document.querySelector(".jp-NotebookPanel .jp-Cell")
  && window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle"
"""
RUN_ALL = """() => {
  window.began = Date.now();
  window.painted.length = 0;
  window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""


def chromium():
    """Return the path of an installed Chromium or Chrome, or None to let Playwright use its own."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def bare_html(explorer):
    """Return a page that shows an explorer without Jupyter and without a kernel."""
    js, css = widget.front()
    return BARE.format(
        css=css,
        js=base64.b64encode(js.encode()).decode(),
        fake_model=FAKE_MODEL,
        state=json.dumps(encode(sent_traits(explorer))),
    )


class Kernel:
    """Plays the part of the kernel for a bare page: takes what the page has changed, returns what changes."""

    def __init__(self, explorer):
        self.explorer, self.names, self.changed = explorer, list(sent_traits(explorer)), {}
        explorer.observe(lambda change: self.changed.update({change.name: change.new}), self.names)

    def __call__(self, text):
        """Apply changes, as JSON; return all others since the last call, as JSON."""
        given = json.loads(text, object_hook=lambda o: base64.b64decode(o["$bytes"]) if "$bytes" in o else o)
        for name in sorted(given, key="ask".__eq__):  # requests come last
            setattr(self.explorer, name, given[name])
        changed, self.changed = self.changed, {}
        return encode({name: value for name, value in changed.items() if name not in given})


@contextlib.contextmanager
def jupyterlab(root):
    """Serve `root` with JupyterLab on a free port of 127.0.0.1; yield (address, token)."""
    root, token = Path(root), secrets.token_hex(16)
    own = {f"JUPYTER_{k}_DIR": str(root / f".{k.lower()}") for k in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", "--port=0", "--no-browser"]
    command += ["--expose-app-in-browser", f"--IdentityProvider.token={token}", "--LabApp.news_url="]
    command += [f"--ServerApp.root_dir={root}"]
    command += ["--ServerApp.kernel_websocket_connection_class=losslab.book.nodelay.PromptConnection"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    log = root / ".jupyterlab.log"
    with log.open("w") as out:
        quiet = {"IPYTHONDIR": str(root / ".ipython"), "JUPYTER_CONFIG_PATH": str(HERE / "jupyter")}
        environment = os.environ | own | quiet
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        yield address(server, log), token
    finally:
        server.terminate()
        server.wait(20)


def address(server, log, seconds=60):
    """Wait until the server listens at the address it has logged (it does so a moment later); return that."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds and server.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", int(found[1])), timeout=1).close()
                return found[0]
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start within {seconds} s:\n{log.read_text()}")


def open_notebook(page, address, token, root, cells, ready=".ll canvas"):
    """Write a notebook of code cells, open it in JupyterLab, run all and wait for the selector `ready`."""
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    name = f"{secrets.token_hex(4)}.ipynb"
    nbformat.write(nb, Path(root) / name)
    run_notebook(page, address, token, name, ready)


def run_notebook(page, address, token, name, ready=".ll canvas"):
    """Open a notebook that lies in the served folder, run all its cells and wait for the selector `ready`."""
    page.goto(f"{address}/doc/tree/{name}?reset&token={token}")
    page.wait_for_function(KERNEL_IDLE, timeout=120_000)
    page.evaluate(RUN_ALL)
    page.wait_for_selector(ready, timeout=120_000)


def drag(page, slider, to, seconds=1.0, rate=60):
    """Drag a slider's thumb with the mouse to the fraction `to` of its track, `rate` moves a second."""
    box, share = slider.bounding_box(), slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")
    thumb, track, y = 8, box["width"] - 16, box["y"] + box["height"] / 2
    start, end = (box["x"] + thumb + f * track for f in (share, to))
    page.mouse.move(start, y)
    page.mouse.down()
    begin, moves = time.perf_counter(), 0
    while (done := (time.perf_counter() - begin) / seconds) < 1:
        page.mouse.move(start + (end - start) * done, y)  # returns when the page has noticed, a frame later
        moves += 1
        time.sleep(max(0, begin + moves / rate - time.perf_counter()))
    page.mouse.move(end, y)
    page.mouse.up()
