"""How fast pictures follow the hand: a mouse drags a slider for two seconds, 60 moves a second.

    python benchmarks/sliders.py            writes benchmarks/results/sliders.json and prints the table

In one run, in real JupyterLab in headless Chromium: the common way (`interact`, a new figure, `plt.show`) and
our explorers; the explorers on a bare page too; JupyterLab also with 100 ms added to every round trip.
Latency is the time from the pointer event that set a value to the first frame that shows it.
"""

import argparse
import asyncio
import contextlib
import json
import platform
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import TimeoutError, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from browser import FLAGS, bare_html, chromium, jupyterlab, open_notebook  # noqa: E402

from losslab import explorers  # noqa: E402

RESULTS = Path(__file__).with_name("results") / "sliders.json"
SECONDS, RATE, REPEATS = 2.0, 60, 5
PACKAGES = ("anywidget", "ipykernel", "ipywidgets", "jupyterlab", "jupyter-server", "matplotlib")

COMMON = """
from functools import partial
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from losslab import optim, surfaces, trajectories

surface = surfaces.SURFACES["ravine"]
x, y = np.meshgrid(np.linspace(*surface.xlim, 160), np.linspace(*surface.ylim, 160))
z = surface.value(np.stack([x, y], -1))

slider = ipywidgets.FloatSlider(value=0.05, min=0.001, max=0.1, step=0.0005, readout_format=".4f")

@ipywidgets.interact(lr=slider)
def show(lr):
    rules = dict(GD=optim.gd, Momentum=optim.momentum, RMSProp=optim.rmsprop, Adam=optim.adam)
    fig, (plane, curve) = plt.subplots(1, 2, figsize=(8, 4))
    plane.contourf(x, y, z, levels=20)
    for name, rule in rules.items():
        path = trajectories.run(partial(rule, lr=lr), surface.gradient, surface.start, 100)
        plane.plot(*path.T, label=name)
        curve.semilogy(surface.value(path) + 1e-12)
    plane.legend()
    print(f"{lr:.4f}")
    plt.show()
"""
OURS = "from losslab import explorers\nexplorers.{}()"

# What a page records: [value, time] when a pointer event has set a value, and when a frame shows one.
RECORD = """() => {
  window.set = []; window.shown = [];
  const soon = (f) => { const c = new MessageChannel(); c.port1.onmessage = f; c.port2.postMessage(0); };
  const note = (list, value, time) => { if (list.at(-1)?.[0] !== value) list.push([value, time]); };
  const common = document.querySelector(".jupyter-widgets.widget-slider");
  if (!common) {
    const slider = document.querySelector(".ll-slider input");
    slider.addEventListener("input", (e) => note(set, +slider.value, e.timeStamp));
    addEventListener("losslab:painted", ({ detail }) =>
      soon(() => note(shown, detail.index[0], performance.now())));
    return;
  }
  const readout = common.querySelector(".widget-readout");
  addEventListener("pointermove", (e) => setTimeout(() => note(set, readout.textContent, e.timeStamp)));
  const area = document.querySelector(".widget-interact .jp-OutputArea");
  const paint = (text) => requestAnimationFrame(() => soon(() => note(shown, text, performance.now())));
  new MutationObserver(() => {
    const image = area.querySelector("img"), text = area.querySelector("pre")?.textContent.trim();
    if (image && text) image.decode().then(() => paint(text), () => {});
  }).observe(area, { childList: true, subtree: true });
}"""


@contextlib.contextmanager
def delayed(address, round_trip):
    """Forward a port of 127.0.0.1 to `address` with half of `round_trip` seconds in each direction."""
    if not round_trip:
        yield address
        return
    host, port = address.removeprefix("http://").split(":")
    loop, ready = asyncio.new_event_loop(), threading.Event()
    where = []

    async def pump(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                loop.call_later(round_trip / 2, lambda d=data: writer.is_closing() or writer.write(d))
        loop.call_later(round_trip / 2, writer.close)

    async def connect(reader, writer):
        there = await asyncio.open_connection(host, port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    async def serve():
        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        where.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        ready.set()

    def forward():
        loop.create_task(serve())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    thread = threading.Thread(target=forward)
    thread.start()
    ready.wait()
    try:
        yield where[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def kernel():
    """Return the kernel process that this run's JupyterLab has started last."""
    family = psutil.Process().children(recursive=True)
    kernels = (p for p in family if "ipykernel_launcher" in " ".join(p.cmdline()))
    return max(kernels, key=lambda p: p.create_time())


class Wire:
    """Counts what goes over a page's websockets to the kernel, and the kernel's processor time."""

    def __init__(self, page):
        self.sent = self.received = 0
        page.on("websocket", self.listen)

    def listen(self, socket):
        """Count the frames of a kernel's websocket."""
        if "/channels" in socket.url:
            socket.on("framesent", lambda frame: setattr(self, "sent", self.sent + 1))
            socket.on("framereceived", lambda frame: setattr(self, "received", self.received + len(frame)))

    def now(self):
        """Messages sent, bytes received, seconds of processor time."""
        return np.array([self.sent, self.received, sum(kernel().cpu_times()[:2])])


class Silence:
    """A bare page has neither kernel nor wire."""

    def now(self):
        """Nothing, three times."""
        return np.zeros(3)


def drag(page, common, wire):
    """Drag once from 10 % to 90 % of the track.

    Returns
    -------
    [set, shown], time of release in ms, and messages, bytes and processor seconds of the drag.
    """
    box = page.locator(".widget-slider .noUi-base" if common else ".ll-slider input >> nth=0").bounding_box()
    start, end = (box["x"] + f * box["width"] for f in (0.1, 0.9))
    y = box["y"] + box["height"] / 2
    page.mouse.click(start, y)
    page.wait_for_timeout(1500)
    page.evaluate("() => { set.length = shown.length = 0 }")
    page.mouse.move(start, y)
    page.mouse.down()
    before, begin = wire.now(), time.perf_counter()
    while (done := (time.perf_counter() - begin) / SECONDS) < 1:
        page.mouse.move(start + (end - start) * done, y)
        time.sleep(1 / RATE - (time.perf_counter() - begin) % (1 / RATE))
    messages, up = (wire.now() - before)[0], page.evaluate("performance.now()")
    page.mouse.up()
    page.wait_for_timeout(1000)
    with contextlib.suppress(TimeoutError):
        page.wait_for_function("shown.at(-1)?.[0] === set.at(-1)?.[0]", timeout=15_000)
    _, size, cpu = wire.now() - before
    return page.evaluate("[set, shown]"), up, int(messages), float(size), float(cpu)


def summary(runs):
    """Return a row from repeated drags: medians over the drags, the 95th percentile over all latencies."""
    rates, latencies, backlogs, sents, cpus, sizes = [], [], [], [], [], []
    for (was_set, shown), up, sent, size, cpu in runs:
        set_at = {}
        for value, at in was_set:
            set_at.setdefault(value, at)
        begin = was_set[0][1]
        during = [s for s in shown if s[1] <= begin + 1000 * SECONDS]
        rates.append(len(during) / SECONDS)
        latencies += [at - set_at[value] for value, at in shown if value in set_at]
        backlogs.append(max(0.0, shown[-1][1] - up))
        sents.append(sent)
        cpus.append(1000 * cpu / len(shown))
        sizes.append(size / 1000 / len(shown))
    return {
        "painted_per_s": round(statistics.median(rates), 1),
        "latency_median_ms": round(statistics.median(latencies), 1),
        "latency_p95_ms": round(statistics.quantiles(latencies, n=20)[-1], 1),
        "backlog_ms": round(statistics.median(backlogs), 1),
        "kernel_messages": round(statistics.median(sents)),
        "kernel_cpu_ms_per_update": round(statistics.median(cpus), 2),
        "kb_per_update": round(statistics.median(sizes), 2),
    }


def measure_lab(browser, variant, address, token, root, round_trip_ms):
    """Open a variant in JupyterLab, drag it and return its row."""
    common = variant == "common"
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    wire, cell = Wire(page), COMMON if common else OURS.format(variant)
    open_notebook(page, address, token, root, [cell], ".jp-OutputArea img" if common else ".ll canvas")
    ready_s = time.time() - page.evaluate("window.began") / 1000
    page.evaluate(RECORD)
    row = summary([drag(page, common, wire) for _ in range(REPEATS)])
    page.close()
    return {
        "variant": variant,
        "page": "lab",
        "round_trip_ms": round_trip_ms,
        **row,
        "ready_s": round(ready_s, 1),
    }


def measure_bare(browser, variant, folder):
    """Open an explorer on a bare page, drag it and return its row."""
    path, begin = Path(folder, f"{variant}.html"), time.perf_counter()
    path.write_text(bare_html(getattr(explorers, variant)()), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_function("window.painted?.length > 0 && !!window.cleanUp")
    ready_s = time.perf_counter() - begin
    page.evaluate(RECORD)
    row = summary([drag(page, False, Silence()) for _ in range(REPEATS)])
    page.close()
    return {"variant": variant, "page": "bare", "round_trip_ms": 0, **row, "ready_s": round(ready_s, 1)}


def machine():
    """What the figures depend on."""
    return {
        "cpu_cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def main():
    """Measure everything, store it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    ours, rows = ("explore", "worked_example"), []
    with tempfile.TemporaryDirectory() as root, jupyterlab(root) as (address, token), sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        rows += [measure_bare(browser, variant, root) for variant in ours]
        for round_trip_ms in (0, 100):
            with delayed(address, round_trip_ms / 1000) as url:
                for variant in ("common", *ours):
                    rows.append(measure_lab(browser, variant, url, token, root, round_trip_ms))
                    print(rows[-1], flush=True)
        chromium_version = browser.version
        browser.close()
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": {name: version(name) for name in PACKAGES} | {"chromium": chromium_version},
        "rows": rows,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
