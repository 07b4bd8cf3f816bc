"""Digits drawn on the pad of chapter 8: with a mouse in JupyterLab, with a finger, with the keyboard."""

import re

import numpy as np
import pytest

from losslab import explorers
from losslab.explorers.contract import vocabulary
from losslab.explorers.views import draw
from losslab.learning import trained

pytestmark = pytest.mark.browser

OPEN = "from losslab import explorers\nexplorers.draw()"
STEM, BAR = [(0.58, 0.2), (0.5, 0.8)], [(0.25, 0.2), (0.58, 0.2)]


def skeleton(digit):
    """The middle of the ink in every row of a test image of a digit without loops, in shares of the pad."""
    image = draw.enlarged(digit)[::4, ::4].astype(float)
    rows = np.flatnonzero(image.sum(1) > 200)
    columns = [image[row] @ np.arange(28) / image[row].sum() for row in rows]
    return [(0.2 + 0.6 * (x + 0.5) / 28, (row + 0.5) / 28) for x, row in zip(columns, rows, strict=True)]


def stroke(page, points):
    box = page.locator(".ll-pad canvas").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()


def answer(page, digit):
    """Wait until the page says that it reads `digit`; return the whole sentence."""
    said = page.locator(".ll-say")
    said.get_by_text(re.compile(f"^(This is|Not sure enough to answer:) a {digit} ")).wait_for()
    return said.inner_text()


def pixels(page, canvas, side):
    """The ink on a canvas of side × side, as it is seen."""
    seen = page.evaluate(
        "([which, side]) => [...document.querySelector(which).getContext('2d')"
        ".getImageData(0, 0, side, side).data]",
        [canvas, side],
    )
    return np.array(seen, np.uint8)[3::4].reshape(side, side)


def thumbnail(page):
    """What the small picture shows."""
    return pixels(page, ".ll-seen canvas", 28)


def test_a_one_becomes_a_seven_in_jupyterlab(notebook):
    page = notebook(OPEN)
    page.get_by_text("The page is empty.").first.wait_for()
    stroke(page, skeleton(1))
    one = answer(page, 1)
    seen = thumbnail(page)
    assert np.ptp(np.flatnonzero(seen.any(1))) == 19, "scaled to 20 pixels"
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("The page is empty.").first.wait_for()
    stroke(page, STEM)
    answer(page, 1)
    stroke(page, BAR)
    seven = answer(page, 7)
    assert one != seven
    assert (thumbnail(page) != seen).any()
    page.get_by_role("combobox", name="example").select_option("a 3")
    answer(page, 3)


def test_what_is_said_is_what_python_reads_in_the_drawing(bare):
    explorer = explorers.draw()
    page = bare(explorer, kernel=True)
    stroke(page, [*BAR, *STEM[1:]])
    said = answer(page, 7)
    page.wait_for_timeout(400)
    ink = pixels(page, ".ll-pad canvas", 112)
    seen, p = draw.read(ink)
    assert said == page.locator(".ll-say").inner_text() == draw.said(p).said(vocabulary("draw"))
    np.testing.assert_array_equal(thumbnail(page), seen)


def test_small_and_in_a_corner_it_is_read_unless_it_is_only_shrunk(bare):
    page = bare(explorers.draw(), kernel=True)
    stroke(page, [(0.6 + 0.35 * x, 0.6 + 0.35 * y) for x, y in [*BAR, *STEM[1:]]])
    answer(page, 7)
    seen = thumbnail(page)
    page.get_by_role("combobox", name="preparation").select_option("only shrunk")
    page.wait_for_function("!document.querySelector('.ll-say').textContent.includes('This is a 7')")
    assert np.flatnonzero(thumbnail(page).any(1))[0] > 14 > np.flatnonzero(seen.any(1))[0]


def test_a_finger_draws_a_seven(bare):
    page = bare(explorers.draw(), kernel=True, has_touch=True, viewport={"width": 360, "height": 700})
    box, session = page.locator(".ll-pad canvas").bounding_box(), page.context.new_cdp_session(page)
    corners = [*BAR, *STEM[1:]]
    path = [
        np.add(a, np.subtract(b, a) * k / 8)
        for a, b in zip(corners, corners[1:], strict=False)
        for k in range(9)
    ]
    for k, (x, y) in enumerate(path):
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        kind = "touchMove" if k else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        page.wait_for_timeout(16)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    answer(page, 7)


def test_the_keyboard_draws_a_one_and_a_menu_brings_a_digit(bare):
    page = bare(explorers.draw(), kernel=True)
    page.locator(".ll-pad canvas").focus()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(18):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    answer(page, 1)
    page.get_by_role("combobox", name="example").select_option("a 8")
    answer(page, 8)
    np.testing.assert_array_equal(thumbnail(page), draw.read(draw.enlarged(8))[0])


def test_drawing_never_runs_ahead_of_the_kernel(bare):
    """Every request is answered before the next is sent, and the last one has the whole stroke."""
    page = bare(explorers.draw(), kernel=True)
    zigzag = [(0.2 + 0.6 * (k % 2), 0.1 + 0.08 * k) for k in range(11)]
    stroke(page, zigzag)
    page.wait_for_function("document.querySelector('.ll-say').textContent.includes(' a ')")
    page.wait_for_timeout(600)
    numbers = page.evaluate("window.sent.filter(([k]) => k === 'ask').map(([, v]) => v.n)")
    assert numbers == sorted(set(numbers))
    ink = pixels(page, ".ll-pad canvas", 112)
    np.testing.assert_array_equal(thumbnail(page), draw.PREPARATIONS["centred"](ink))


def test_the_skeleton_is_a_real_one():
    assert trained.NAMES[1] == "1"
    xs, ys = zip(*skeleton(1), strict=True)
    assert len(xs) >= 18
    assert max(ys) - min(ys) > 0.6
    assert max(xs) - min(xs) < 0.4
