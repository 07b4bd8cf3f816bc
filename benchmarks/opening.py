"""How long a reader waits for the first explorer: `python benchmarks/opening.py`, on a quiet machine.

Three stretches, each the median of several, measured in processes and kernels of their own: importing
`losslab.explorers`; running `from losslab import explorers; explorers.explore()` in a kernel that has already
started, until its answer is complete; and, in JupyterLab, from *Run* to the first picture that is painted.
"""

import argparse
import json
import os
import platform
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


def main(repeats):
    """Measure, store and print."""
    rows = {
        "import losslab.explorers": [float(printed(IMPORT)) for _ in range(repeats)],
        "import and open explore": [float(printed(COMPUTE.format(CELL))) for _ in range(repeats)],
        "from Run to the first picture in JupyterLab": painted(repeats),
    }
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
