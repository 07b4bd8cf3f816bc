"""The drawing pad, and that a slow kernel is asked for the newest input only; then the real Jupyter."""

import time

import browser
import numpy as np
import pytest

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.live import LiveExplorer
from losslab.explorers.shapes import bars
from losslab.figures import palette

pytestmark = pytest.mark.browser


def stage(figure, theme, words):
    ax = figure.subplots()
    ax.set(xlim=(-0.5, 1.5), ylim=(0, 1))
    palette.tint(ax, theme)
    return [ax]


class Inked:
    """How much of the pad is ink, computed in `seconds`; keeps what it was asked."""

    def __init__(self, seconds=0.0):
        self.seconds, self.asked = seconds, []

    def __call__(self, ink, threshold):
        time.sleep(self.seconds)
        self.asked.append((ink.copy(), threshold))
        share = (ink > threshold).mean()
        series = [Series("Measured", 0, bars(np.array([share])), fill=True)]
        words = {"slider.threshold": "grey", "says": "{share:.2%} ink."}
        return View(words, stage, series, Sentence("says", share=share), image=ink[::4, ::4])

    def pad(self):
        def inked(threshold=128):
            sliders = (Slider("threshold", np.arange(256)),)
            return LiveExplorer(inked, self, sliders, pad=112, threshold=threshold)

        return inked()


def at(page, x, y):
    """A point of the pad, in shares of its sides, in pixels of the page."""
    box = page.locator(".ll-pad canvas").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def line(page, start, end, steps=20):
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=steps)
    page.mouse.up()


def share(page):
    page.wait_for_timeout(500)
    return float(page.locator(".ll-say").inner_text().split("%")[0])


def settled(page, inked):
    """Wait until the kernel has answered what was drawn last; return the ink it was asked about."""
    page.wait_for_timeout(200)
    return inked.asked[-1][0]


def test_what_is_drawn_is_what_the_kernel_gets(bare):
    inked = Inked()
    page = bare(inked.pad(), kernel=True)
    assert min(page.locator(".ll-pad canvas").bounding_box()[side] for side in ("width", "height")) >= 280
    line(page, (0.2, 0.5), (0.8, 0.5))
    ink = settled(page, inked)
    assert ink[56, 25:87].min() == 255, "a line from 22 to 90 of 112, in the middle"
    assert ink[:48].max() == ink[64:].max() == ink[:, :15].max() == 0, "and nothing elsewhere"
    thumbnail = page.evaluate(
        "() => { const c = document.querySelector('.ll-seen canvas');"
        " return [c.width, c.height, ...c.getContext('2d').getImageData(14, 14, 1, 1).data] }"
    )
    assert thumbnail == [28, 28, 0, 0, 0, 255]
    assert share(page) == pytest.approx(100 * (ink > 128).mean(), abs=0.01)


def test_clear_eraser_and_reset(bare):
    inked = Inked()
    page = bare(inked.pad(), kernel=True)
    line(page, (0.2, 0.5), (0.8, 0.5))
    drawn = settled(page, inked).sum()
    eraser = page.get_by_role("button", name="Eraser")
    eraser.click()
    assert eraser.get_attribute("aria-pressed") == "true"
    line(page, (0.5, 0.2), (0.5, 0.8))
    left = settled(page, inked)
    assert 0 < left.sum() < drawn
    assert left[56, 56] == 0
    page.get_by_role("button", name="Clear").click()
    assert settled(page, inked).sum() == 0
    eraser.click()
    line(page, (0.2, 0.2), (0.8, 0.8))
    page.get_by_role("button", name="Reset").click()
    assert share(page) == 0
    assert settled(page, inked).sum() == 0


def test_the_pen_is_moved_and_put_down_with_keys(bare):
    inked = Inked()
    page = bare(inked.pad(), kernel=True)
    page.locator(".ll-pad canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert settled(page, inked).sum() == 0, "the pen is up"
    page.keyboard.press("Space")
    for _ in range(7):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.get_by_text("Pen up.").is_visible()
    page.keyboard.press("ArrowLeft")
    ink = settled(page, inked)
    rows, columns = np.nonzero(ink > 128)
    assert (rows.min(), rows.max()) == pytest.approx((56 - 6, 84 + 5), abs=2)
    assert columns.mean() == pytest.approx(56 + 12 - 0.5, abs=1)


def test_a_finger_draws_and_the_page_does_not_scroll(bare):
    inked = Inked()
    page = bare(inked.pad(), kernel=True, has_touch=True, viewport={"width": 360, "height": 500})
    session = page.context.new_cdp_session(page)
    for kind, y in [
        ("touchStart", 0.8),
        *(("touchMove", 0.8 - k / 20) for k in range(13)),
        ("touchEnd", None),
    ]:
        points = [] if y is None else [dict(zip("xy", at(page, 0.5, y), strict=True))]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(16)
    ink = settled(page, inked)
    assert page.evaluate("scrollY") == 0
    assert ink[30:85, 56].min() == 255


def test_a_slow_kernel_gets_the_newest_drawing(bare):
    inked = Inked(seconds=0.15)
    page = bare(inked.pad(), kernel=True)
    line(page, (0.1, 0.1), (0.9, 0.9), steps=30)
    line(page, (0.1, 0.9), (0.9, 0.1), steps=30)
    page.wait_for_timeout(600)
    seen = page.evaluate(
        "() => { const g = document.querySelector('.ll-pad canvas').getContext('2d');"
        " return [...g.getImageData(0, 0, 112, 112).data] }"
    )
    np.testing.assert_array_equal(inked.asked[-1][0].ravel(), np.array(seen)[3::4])


# Sixty inputs in a second, from within the page: they go on while the kernel computes.
HURRY = """() => {
  const slider = document.querySelector(".ll-slider input");
  let value = 0;
  const timer = setInterval(() => {
    slider.value = value += 2;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    if (value === 120) clearInterval(timer);
  }, 16);
}"""


def test_a_slow_kernel_is_asked_for_the_newest_value_and_no_queue_is_left(bare):
    inked = Inked(seconds=0.2)
    page = bare(inked.pad(), kernel=True)
    before = len(inked.asked)
    page.evaluate(HURRY)
    page.wait_for_function("document.querySelector('.ll-slider input').value === '120'")
    page.wait_for_timeout(600)
    asked = [threshold for _, threshold in inked.asked[before:]]
    assert asked[-1] == 120, "the last value has to win, at once"
    assert asked == sorted(asked)
    assert 3 <= len(asked) <= 12, "1.6 seconds, 0.2 for each"
    assert len(asked) == page.evaluate("window.sent.filter(([k]) => k === 'ask').length")


def test_what_fails_in_the_kernel_is_said_on_the_page(bare):
    inked = Inked()
    explorer = inked.pad()
    page = bare(explorer, kernel=True)

    def broken(ink, threshold):
        raise FloatingPointError("too much ink")

    explorer.compute = broken
    explorer.unobserve_all("ask")

    def quiet(change):
        with pytest.raises(FloatingPointError):
            explorer._asked(**change.new)

    explorer.observe(quiet, "ask")
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("That did not work: too much ink").first.wait_for()
    explorer.compute = inked
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("0.00% ink.").first.wait_for()


TRAIN = "from losslab import explorers\nexplorers.train(lr=0.05)"


def test_a_training_runs_and_stops_in_jupyterlab_and_survives_a_closed_tab(notebook, new_page, lab):
    page = notebook(TRAIN)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function("document.querySelector('.ll progress').value > 40", timeout=60_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_timeout(500)
    done = page.evaluate("document.querySelector('.ll progress').value")
    page.wait_for_timeout(700)
    assert page.evaluate("document.querySelector('.ll progress').value") == done < 1000
    assert "validation images" in page.locator(".ll-say").inner_text()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_timeout(300)
    address = page.url
    page.close()  # in the middle of a run
    page = new_page(viewport={"width": 1100, "height": 900})
    browser.run_notebook(page, *lab[:2], address.split("/tree/")[1].split("?")[0])
    page.wait_for_function("window.painted.length > 0")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function("document.querySelector('.ll progress').value > 40", timeout=60_000)
