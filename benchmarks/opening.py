"""How long a reader waits for the first explorer: `python benchmarks/opening.py`, on a quiet machine.

Stretches, each the median of several, measured in processes and kernels of their own: importing
`losslab.explorers`; running `from losslab import explorers; explorers.explore()` in a kernel that has already
started, until its answer is complete; in JupyterLab, from *Run* to the first picture that is painted; and a
first visit: from `make lab` (of a set-up that is complete) over the start page's link to chapter 05, whose
race is run, a single cell, to a picture that has followed the mouse.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
RECORD = ROOT / "benchmarks" / "results" / "opening.json"
GOALS = {"import losslab.explorers": 0.5, "from Run to the first picture in JupyterLab": 2.0}
PACKAGES = "losslab", "jupyterlab", "matplotlib", "numpy"
CELL = "from losslab import explorers\nexplorers.explore()"
IMPORT = "import time; t = time.perf_counter(); import losslab.explorers; print(time.perf_counter() - t)"
COMPUTE = "import time; t = time.perf_counter()\n{}\nprint(time.perf_counter() - t)"
FIRST = """
addEventListener("painted", () => { window.firstPainted ??= Date.now(); });"""
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
TAB = ".lm-TabBar-tab.jp-mod-current:has-text('05_optimizers')"
TORCH = "import sys, losslab.explorers as e; e.explore(); print('torch' in sys.modules)"


def printed(code):
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def painted(repeats):
    """Return the seconds from Run to the first picture, once in each of several fresh kernels."""
    from browser import FLAGS, PAINTED, chromium, jupyterlab, open_notebook
    from playwright.sync_api import sync_playwright

    seconds = []
    with tempfile.TemporaryDirectory() as root, jupyterlab(root) as (address, token), sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(repeats):
            page = browser.new_page(viewport={"width": 1100, "height": 900})
            page.add_init_script(PAINTED + FIRST)
            open_notebook(page, address, token, root, [CELL])
            page.wait_for_function("window.painted.length > 0")
            seconds.append(page.evaluate("(window.firstPainted - window.began) / 1000"))
            page.close()
        browser.close()
    return seconds


def visit():
    """Return the seconds from `make lab` to each event of a first visit."""
    from browser import FLAGS, PAINTED, chromium, drag
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.add_init_script(PAINTED)
        begin, seconds = time.perf_counter(), {}
        with served(home) as address:
            seconds["from make lab to its address"] = time.perf_counter() - begin
            page.goto(address)
            page.locator(".jp-RenderedMarkdown a", has_text="05 · Race the optimisers").first.click()
            page.wait_for_selector(TAB)
            page.wait_for_selector(
                f"{SHOWN} .jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=120_000
            )
            page.locator(f"{SHOWN} .jp-CodeCell .cm-content").nth(1).click()  # the first is the set-up
            page.keyboard.press("Shift+Enter")
            page.wait_for_function("window.painted.length > 0", timeout=120_000)
            seconds["from make lab to the first picture of chapter 05"] = time.perf_counter() - begin
            slider = page.locator(f"{SHOWN} .ll input[type=range]").first
            slider.scroll_into_view_if_needed()
            page.wait_for_timeout(300)  # until the page has come to rest, which counts
            before = page.evaluate("window.painted.length")
            drag(page, slider, 0.7, seconds=0.3)
            page.wait_for_function(f"window.painted.length > {before}")
            seconds["from make lab to the first drag in chapter 05"] = time.perf_counter() - begin
        browser.close()
    return seconds


@contextlib.contextmanager
def served(home):
    """Run `make lab` with an empty HOME; yield the address that it prints."""
    given = {"HOME": home, "NO_BROWSER": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    server = subprocess.Popen(
        ["make", "lab"], cwd=ROOT, env=os.environ | given, start_new_session=True, **streams
    )
    try:
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+token=\S+", line)))
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.communicate(timeout=30)


def main(repeats):
    """Measure, store and print."""
    rows = {
        "import losslab.explorers": [float(printed(IMPORT)) for _ in range(repeats)],
        "import and open explore": [float(printed(COMPUTE.format(CELL))) for _ in range(repeats)],
        "from Run to the first picture in JupyterLab": painted(repeats),
    }
    visits = [visit() for _ in range(repeats)]
    rows |= {name: [one[name] for one in visits] for name in visits[0]}
    record = {
        "date": date.today().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {
            name: metadata.version(name) for name in ("losslab", "jupyterlab", "matplotlib", "numpy")
        },
        "torch loaded": printed(TORCH).strip() == "True",
        "seconds": {name: round(statistics.median(each), 3) for name, each in rows.items()},
        "spread": {name: [round(min(each), 3), round(max(each), 3)] for name, each in rows.items()},
    }
    print(json.dumps(record, indent=1))
    missed = [name for name, goal in GOALS.items() if record["seconds"][name] > goal]
    print("\n".join(f"missed: {name}, {GOALS[name]} s" for name in missed))
    return record


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure once and store nothing")
    begin, options = time.monotonic(), parser.parse_args()
    record = main(1 if options.quick else 5)
    if not options.quick:
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"{time.monotonic() - begin:.0f} s in all")
