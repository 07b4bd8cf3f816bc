"""Views that come and go leave nothing in the page: no object URL, no listener, no observer, no memory."""

import pytest

from losslab import explorers

pytestmark = pytest.mark.browser

# Counts what a page holds for the views on it; `cycle` opens a view, uses everything on it, and closes it.
COUNT = """() => {
  window.urls = new Set();
  const create = URL.createObjectURL, revoke = URL.revokeObjectURL;
  URL.createObjectURL = (blob) => { const url = create(blob); urls.add(url); return url; };
  URL.revokeObjectURL = (url) => { urls.delete(url); revoke(url); };
  window.watching = new Set(); // observers, and what listens to the model
  for (const kind of ["MutationObserver", "ResizeObserver"])
    window[kind] = class extends window[kind] {
      observe(...what) { watching.add(this); super.observe(...what); }
      disconnect() { watching.delete(this); super.disconnect(); }
    };
  const heard = {};
  model.on = (event, f) => { (heard[event] ??= new Map()).set(f, {}); watching.add(heard[event].get(f)); };
  model.off = (event, f) => { watching.delete(heard[event]?.get(f)); heard[event]?.delete(f); };
  window.views = [];
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  window.cycle = async () => {
    const el = document.body.appendChild(document.createElement("div"));
    const close = await module.default.render({ model, el });
    el.querySelectorAll("input[type=range]").forEach((input) => {
      input.value = +input.max;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const dark = document.body.dataset.jpThemeLight === "true";
    document.body.dataset.jpThemeLight = !dark;
    [...el.querySelectorAll("button")].find((b) => b.textContent === "Play")?.click();
    await frame();
    await frame();
    window.open = { urls: urls.size, watching: watching.size };
    close();
    el.remove();
    views.push(new WeakRef(el));
    painted.length = sent.length = 0;
  };
}"""
CYCLES = "async (n) => { for (let k = 0; k < n; k++) await cycle(); }"
ALIVE = "views.filter((view) => view.deref()).length"
METRICS = ("JSEventListeners", "Nodes", "JSHeapUsedSize")


def held(page, cdp):
    """Listeners, nodes and bytes of JavaScript after collecting garbage."""
    page.wait_for_timeout(500)  # timers and frames that are on their way
    for _ in range(3):
        cdp.send("HeapProfiler.collectGarbage")
    metrics = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
    return [metrics[name] for name in METRICS]


@pytest.mark.parametrize("name", ["explore", "logits"])
def test_a_hundred_views_that_were_closed_leave_nothing(bare, name):
    page = bare(getattr(explorers, name)())
    page.evaluate("cleanUp()")
    page.evaluate(COUNT)
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    page.evaluate(CYCLES, 10)
    listeners, nodes, heap = held(page, cdp)
    page.evaluate(CYCLES, 100)
    after = held(page, cdp)
    opened = page.evaluate("open")
    assert min(opened["urls"], opened["watching"]) > 0, "the counters did not see a view at work"
    assert page.evaluate("[urls.size, watching.size]") == [0, 0]
    assert page.evaluate(ALIVE) == 0
    assert after[0] <= listeners + 5
    assert after[1] <= nodes + 50
    assert after[2] < 1.05 * heap
