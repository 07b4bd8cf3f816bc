"""How fast pictures follow the hand: a mouse drags a slider for two seconds, 60 moves a second.

    python benchmarks/sliders.py            writes benchmarks/results/sliders.json and prints its rows
    python benchmarks/sliders.py --quick    one drag each over a few variants; writes nothing
    python benchmarks/sliders.py --only explore lap     measures these beside the common way, and keeps the
                                            stored rows of the others if machine and versions are the same

In one run, in real JupyterLab in headless Chromium: the common way (`interact`, a new figure, `plt.show`) and
every explorer; some of them on a bare page too, and with 100 ms added to every round trip of JupyterLab.

The hand takes the slider with the most positions, and goes to and fro over 80 % of its track just often
enough for every move to reach another position: nobody can count 50 pictures a second on a slider that has 40
positions, moved across once (`set_per_s` says how often it was set: a slider of five positions dwells on
them). It keeps its own pace, however long the page needs. A picture counts when it shows another value than
the one before; latency is the time from the pointer event that set a value to the first frame that shows it,
and the backlog is how long after the release the last one comes. `build_s` is the time Python takes to make
an explorer (`first_s` the first time, when it may train a network for itself and those after it), `atlas_kb`
all that it then hands to the browser: every slider position, and the stage in light and dark. An explorer
that the kernel computes is measured too, but not one that only trains: that shows a progress bar.
"""

import argparse
import asyncio
import contextlib
import json
import math
import platform
import socket
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path

import numpy as np
import psutil
import websocket
from playwright.sync_api import TimeoutError, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from browser import FLAGS, PAINTED, bare_html, chromium, jupyterlab, open_notebook  # noqa: E402

from losslab import explorers  # noqa: E402

RESULTS = Path(__file__).with_name("results") / "sliders.json"
SECONDS, RATE, REPEATS = 2.0, 60, 5
FEW = ("explore", "worked_example")  # on a bare page and with a delay too
PACKAGES = ("anywidget", "ipykernel", "ipywidgets", "jupyterlab", "jupyter-server", "matplotlib")

COMMON = """
from functools import partial
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from losslab.formulas import optim, surfaces, trajectories

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
START = """
  window.set = []; window.shown = []; window.released = 0;
  addEventListener("pointerup", (e) => (window.released = e.timeStamp), true);
  const soon = (f) => { const c = new MessageChannel(); c.port1.onmessage = f; c.port2.postMessage(0); };
  const note = (list, value, time) => { if (list.at(-1)?.[0] !== value) list.push([value, time]); };
"""
RECORD_COMMON = """() => {START
  const readout = document.querySelector(".widget-slider .widget-readout");
  addEventListener("pointermove", (e) => setTimeout(() => note(set, readout.textContent, e.timeStamp)));
  const area = document.querySelector(".widget-interact .jp-OutputArea");
  const paint = (text) => requestAnimationFrame(() => soon(() => note(shown, text, performance.now())));
  new MutationObserver(() => {
    const image = area.querySelector("img"), text = area.querySelector("pre")?.textContent.trim();
    if (image && text) image.decode().then(() => paint(text), () => {});
  }).observe(area, { childList: true, subtree: true });
}"""
RECORD_SLIDER = """() => {START
  const slider = document.querySelectorAll(".ll-slider input")[NUMBER];
  slider.addEventListener("input", (e) => note(set, +slider.value, e.timeStamp));
  addEventListener("painted", () => {
    const value = +slider.value; // an explorer draws the position where its slider stands
    soon(() => note(shown, value, performance.now()));
  });
}"""
# A drawing pad has no value, so its pointer events are counted. One question to the kernel is under way at a
# time: what was drawn when one answer came is in the next (but perhaps not the newest event).
RECORD_PAD = """() => {START
  let known = 0, count = 0;
  const pad = document.querySelector(".ll-pad canvas");
  pad.addEventListener("pointermove", (e) => note(set, ++count, e.timeStamp));
  addEventListener("painted", () => {
    const value = known;
    known = Math.max(count - 1, 0);
    if (value) soon(() => note(shown, value, performance.now()));
  });
}"""


@dataclass(frozen=True)
class Subject:
    """What is measured: the cell that opens it, what the hand drags, how often across, what is recorded."""

    variant: str
    cell: str
    ready: str  # selector: it is there
    track: str  # selector: where the hand goes to and fro
    record: str
    strokes: int = 1
    settle_ms: int = 350
    build_s: float | None = None
    first_s: float | None = None
    atlas_kb: float | None = None
    explorer: object = None


def common():
    """The way most notebooks do it; its 199 values need one stroke."""
    slider = ".widget-slider .noUi-base"
    return Subject("common", COMMON, ".jp-OutputArea img", slider, RECORD_COMMON, settle_ms=1500)


def openers():
    """Every function that opens an explorer, under its name."""
    return {name: getattr(explorers, name) for name in explorers.__all__}


def ours(variant):
    """Open an explorer four times and return what to measure, or None if it only trains."""
    times = []
    for _ in range(4):
        begin = time.perf_counter()
        explorer = openers()[variant]()
        times.append(time.perf_counter() - begin)
    if getattr(explorer, "trains", False):
        return None
    atlas = len(getattr(explorer, "atlas", b"")) + sum(map(len, explorer.stages.values()))
    first, *again = times
    build = {"build_s": round(statistics.median(again), 2), "first_s": round(first, 2)}
    build["atlas_kb"] = round(atlas / 1000)
    cell, ready = OURS.format(variant), ".ll-stage canvas"
    if explorer.live and not explorer.pad:
        raise ValueError(f"{variant} is live and must have a pad: nobody sees which value its picture shows")
    if explorer.live:
        return Subject(variant, cell, ready, ".ll-pad canvas", RECORD_PAD, 3, explorer=explorer, **build)
    sizes = [len(s.values) for s in explorer.sliders]
    number = sizes.index(max(sizes))
    strokes = math.ceil(1.1 * RATE * SECONDS / (0.8 * (max(sizes) - 1)))
    record = RECORD_SLIDER.replace("NUMBER", str(number))
    track = f".ll-slider input >> nth={number}"
    return Subject(variant, cell, ready, track, record, strokes, explorer=explorer, **build)


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
    """Return the kernel process that this run's JupyterLab started last."""
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


class Hand:
    """A mouse that keeps its own pace. Playwright's waits after every move until the page has noticed."""

    def __init__(self, page, port):
        target = page.context.new_cdp_session(page).send("Target.getTargetInfo")["targetInfo"]["targetId"]
        url = f"ws://127.0.0.1:{port}/devtools/page/{target}"
        self.socket, self.sent = websocket.create_connection(url, timeout=60, suppress_origin=True), 0

    def do(self, kind, x, y):
        """Press, move or release the left button; return at once."""
        self.sent += 1
        event = {"type": f"mouse{kind}", "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
        message = {"id": self.sent, "method": "Input.dispatchMouseEvent", "params": event}
        self.socket.send(json.dumps(message))

    def finish(self):
        """Wait until the page has dealt with everything."""
        while json.loads(self.socket.recv()).get("id") != self.sent:
            pass


def share(done, strokes):
    """Where on the track the hand is when this share of the time has passed: from 0.1 to 0.9 and back."""
    turn, part = divmod(done * strokes, 1)
    return 0.1 + 0.8 * (1 - part if turn % 2 else part)


def drag(page, hand, subject, wire):
    """Drag once for SECONDS.

    Returns
    -------
    [set, shown, time of release in ms], and messages, bytes and processor seconds of the drag.
    """
    box = page.locator(subject.track).bounding_box()
    x, y = (lambda done: box["x"] + box["width"] * share(done, subject.strokes)), box["y"] + box["height"] / 2
    page.mouse.click(x(0), y)
    page.wait_for_timeout(subject.settle_ms)
    page.evaluate("() => { set.length = shown.length = 0 }")
    hand.do("Pressed", x(0), y)
    hand.finish()
    before, begin = wire.now(), time.perf_counter()
    for k in range(int(SECONDS * RATE)):
        hand.do("Moved", x(k / RATE / SECONDS), y)
        time.sleep(max(0, begin + (k + 1) / RATE - time.perf_counter()))
    page.evaluate("1")  # what came over the wire meanwhile is counted now
    messages = (wire.now() - before)[0]
    hand.do("Released", x((k / RATE) / SECONDS), y)
    hand.finish()
    page.wait_for_timeout(subject.settle_ms)
    if subject.track != ".ll-pad canvas":
        with contextlib.suppress(TimeoutError):
            page.wait_for_function("shown.at(-1)?.[0] === set.at(-1)?.[0]", timeout=15_000)
    _, size, cpu = wire.now() - before
    return page.evaluate("[set, shown, released]"), int(messages), float(size), float(cpu)


def delays(was_set, shown):
    """Milliseconds from setting a value to showing it; a value that is set twice counts from the first time.

    Both lists are in order, and a picture shows what was set after what the picture before it shows.
    """
    found, k = [], 0
    for value, at in shown:
        later = (j for j in range(k, len(was_set)) if was_set[j][0] == value and was_set[j][1] <= at)
        if (match := next(later, None)) is not None:
            k = match + 1
            found.append(at - was_set[match][1])
    return found


def summary(runs):
    """Return a row from repeated drags: medians over the drags, the 95th percentile over all latencies."""
    rates, moves, latencies, backlogs, sents, cpus, sizes = [], [], [], [], [], [], []
    for (was_set, shown, up), sent, size, cpu in runs:
        during = [at for _, at in shown if at <= was_set[0][1] + 1000 * SECONDS]
        rates.append(len(during) / SECONDS)
        moves.append(len(was_set) / SECONDS)
        latencies += delays(was_set, shown)
        backlogs.append(max(0.0, shown[-1][1] - up))
        sents.append(sent)
        cpus.append(1000 * cpu / len(shown))
        sizes.append(size / 1000 / len(shown))
    return {
        "set_per_s": round(statistics.median(moves), 1),
        "painted_per_s": round(statistics.median(rates), 1),
        "latency_median_ms": round(statistics.median(latencies), 1),
        "latency_p95_ms": round(statistics.quantiles(latencies, n=20)[-1], 1),
        "backlog_ms": round(statistics.median(backlogs), 1),
        "kernel_messages": round(statistics.median(sents)),
        "kernel_cpu_ms_per_update": round(statistics.median(cpus), 2),
        "kb_per_update": round(statistics.median(sizes), 2),
    }


def row(page, port, subject, wire, where, round_trip_ms, ready_s, repeats):
    """Drag what is on a page and return its row."""
    page.evaluate(subject.record.replace("START", START))
    hand = Hand(page, port)
    figures = summary([drag(page, hand, subject, wire) for _ in range(repeats)])
    hand.socket.close()
    begin = {"variant": subject.variant, "page": where, "round_trip_ms": round_trip_ms}
    build = {key: getattr(subject, key) for key in ("build_s", "first_s", "atlas_kb")}
    return begin | figures | {"ready_s": round(ready_s, 1)} | build


def watched_page(browser):
    """Open a page that records when an explorer paints."""
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.add_init_script(PAINTED)
    return page


def measure_lab(browser, port, subject, server, root, round_trip_ms, repeats):
    """Open a subject in JupyterLab, drag it and return its row."""
    page = watched_page(browser)
    wire = Wire(page)
    open_notebook(page, *server, root, [subject.cell], subject.ready)
    ready_s = time.time() - page.evaluate("window.began") / 1000
    found = row(page, port, subject, wire, "lab", round_trip_ms, ready_s, repeats)
    page.close()
    return found


def measure_bare(browser, port, subject, folder, repeats):
    """Open an explorer on a bare page, drag it and return its row."""
    path, begin = Path(folder, f"{subject.variant}.html"), time.perf_counter()
    path.write_text(bare_html(subject.explorer), encoding="utf-8")
    page = watched_page(browser)
    page.goto(path.as_uri())
    page.wait_for_function("window.painted.length > 0 && !!window.cleanUp")
    ready_s = time.perf_counter() - begin + subject.build_s
    found = row(page, port, subject, Silence(), "bare", 0, ready_s, repeats)
    page.close()
    return found


def free_port():
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def missed(found, live):
    """Return one sentence per missed goal; `live` names the explorers that the kernel computes."""
    common = {(r["page"], r["round_trip_ms"]): r["painted_per_s"] for r in found if r["variant"] == "common"}
    grid = {"latency_p95_ms": 33, "backlog_ms": 50, "kernel_messages": 0, "build_s": 1.5, "atlas_kb": 1000}
    said = []
    for r in (r for r in found if r["variant"] != "common"):
        slow = r["variant"] in live
        least = 10 * common.get((r["page"], r["round_trip_ms"]), 0)
        least = 0 if slow else max(least, 45 if r["round_trip_ms"] else 50)
        least = min(least, 0.9 * r.get("set_per_s", math.inf))  # of five positions, say
        most = {"latency_p95_ms": 120 + r["round_trip_ms"]} if slow else grid
        row = f"{r['variant']} ({r['page']}, {r['round_trip_ms']} ms)"
        said += [f"{row}: {key} is {r[key]}, {goal} allowed" for key, goal in most.items() if r[key] > goal]
        if r["painted_per_s"] < least:
            said.append(f"{row}: painted_per_s is {r['painted_per_s']}, {least} required")
    return said


def machine():
    """What the figures depend on."""
    return {
        "cpu_cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def rows(browser, port, subjects, repeats):
    """Yield every row, as it is measured."""
    again = [subject for subject in subjects if subject.variant in ("common", *FEW)]
    with tempfile.TemporaryDirectory() as root, jupyterlab(root) as (address, token):
        for subject in again[1:]:
            yield measure_bare(browser, port, subject, root, repeats)
        for round_trip_ms, some in ((0, subjects), (100, again)):
            with delayed(address, round_trip_ms / 1000) as url:
                for subject in some:
                    yield measure_lab(browser, port, subject, (url, token), root, round_trip_ms, repeats)


def joined(record, stored):
    """Return the stored record with the rows of a new one in place of its own.

    Raises
    ------
    ValueError
        If they were measured on different machines or with different versions.
    """
    for key in ("machine", "versions"):
        if record[key] != stored[key]:
            raise ValueError(
                f"the {key} must be as stored: {stored[key]}, got {record[key]}: measure everything"
            )
    place = itemgetter("variant", "page", "round_trip_ms")
    rows = {place(one): one for one in stored["rows"] + record["rows"]}
    order = sorted(rows, key=lambda place: (place[1], place[2], place[0] != "common", place[0]))
    return record | {"rows": [rows[place] for place in order]}


def main():
    """Measure everything, print the rows and store them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument(
        "--quick", action="store_true", help="one drag each over a few variants; writes nothing"
    )
    parser.add_argument("--only", nargs="+", choices=openers(), metavar="EXPLORER", help="measure only these")
    options = parser.parse_args()
    repeats, names = (1, FEW[:1]) if options.quick else (REPEATS, options.only or openers())
    subjects = [common(), *filter(None, map(ours, names))]
    found, port = [], free_port()
    flags = [*FLAGS, f"--remote-debugging-port={port}"]  # how the hand reaches the page
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=flags)
        for one in rows(browser, port, subjects, repeats):
            print(json.dumps(one), flush=True)
            found.append(one)
        chromium_version = browser.version
        browser.close()
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": {name: version(name) for name in PACKAGES} | {"chromium": chromium_version},
        "rows": found,
    }
    if options.only:
        record = joined(record, json.loads(options.output.read_text(encoding="utf-8")))
    if not options.quick:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    live = {subject.variant for subject in subjects if getattr(subject.explorer, "live", False)}
    print(*missed(found, live) or ["Every goal is reached."], sep="\n")


if __name__ == "__main__":
    main()
