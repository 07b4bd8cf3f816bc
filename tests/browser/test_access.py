"""Everybody can use every explorer: axe-core, 360 pixels, 200 % zoom, a finger, a keyboard, less motion."""

from functools import cache
from itertools import combinations

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import open_notebook
from site_demo import openers

from losslab import explorers, grid

pytestmark = pytest.mark.browser


@cache
def made(name):
    """An explorer as it opens; without a kernel, a page does not change it."""
    return openers()[name]()


def violations(page):
    """What axe-core finds inside our outputs, of serious or critical impact."""
    found = Axe().run(page, ".ll").response["violations"]
    return [
        (v["id"], v["help"], [node["html"][:200] for node in v["nodes"]])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def boxes(page):
    """Where the controls are, [tag, left, top, right, bottom], and how wide the page has become."""
    return page.evaluate(
        """() => [
          [...document.querySelectorAll(".ll :is(button:not(.ll-point), input, select, .ll-scroll, code)")]
            .map((e) => [e.tagName, e.getBoundingClientRect()]).filter(([, r]) => r.width)
            .map(([tag, r]) => [tag, r.left, r.top, r.right, r.bottom]),
          document.documentElement.scrollWidth,
        ]"""
    )


def overlap(one, other):
    (_, l, t, r, b), (_, left, top, right, bottom) = one, other
    return min(r, right) - max(l, left) > 1 and min(b, bottom) - max(t, top) > 1


@pytest.mark.parametrize("name", openers())
def test_axe_finds_nothing_serious_and_narrow_pages_hold_everything(bare, name):
    page = bare(made(name))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(150)
        assert violations(page) == [], scheme
    for width in (640, 360):
        page.set_viewport_size({"width": width, "height": 740})
        page.wait_for_timeout(200)
        controls, wide = boxes(page)
        assert wide <= width, f"the page has become {wide} pixels wide"
        assert all(left >= 0 and right <= width for _, left, _, right, _ in controls), controls
        crossing = [pair for pair in combinations(controls, 2) if overlap(*pair)]
        assert crossing == []
    if len(made(name).meta["pieces"]) == 1:  # it scrolls, with keys too
        assert violations(page) == []
    scale = page.locator(".ll-piece").first.bounding_box()["height"] / made(name).size[1]
    assert scale > 0.69, f"what is written on the stage has shrunk to {scale:.0%}"


def test_axe_would_find_something(bare):
    """The check above can fail."""
    page = bare(made("price_list"))
    page.evaluate("document.querySelector('.ll-slider span').remove()")
    assert [rule for rule, *_ in violations(page)] == ["label"]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious_in_jupyterlab(lab_page, theme):
    page = lab_page
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    light = "true" if "Light" in theme else "false"
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{light}'")
    page.wait_for_timeout(500)
    assert violations(page) == []
    ink = made("explore").meta["ink"]["light" if light == "true" else "dark"][0]
    assert swatch(page) == ink, "the lines follow the theme while the explorer is open"


@pytest.fixture(scope="module")
def lab_page(browser, lab):
    """One page for both themes, to save time."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    open_notebook(page, *lab, ["from losslab import explorers\nexplorers.explore()"])
    page.wait_for_function("window.painted.length > 0", timeout=60_000)
    yield page
    context.close()


def swatch(page):
    """The colour of the first line in the legend."""
    ink = page.evaluate(
        "() => { const c = document.querySelector('.ll-swatch').getContext('2d');"
        " return [...c.getImageData(14, 14, 1, 1).data].slice(0, 3) }"
    )
    return "#" + "".join(f"{v:02X}" for v in ink)


def test_at_twice_the_zoom_pictures_are_as_sharp_as_the_screen(bare):
    page = bare(made("explore"), viewport={"width": 640, "height": 400}, device_scale_factor=2)
    canvas, stage = page.evaluate(
        "[document.querySelector('.ll-stage canvas').width, document.querySelector('.ll-stage').clientWidth]"
    )
    assert canvas == 2 * stage


def test_panels_stacked_on_a_narrow_page_show_the_same_points(bare):
    """Adam's last point on the wide page, and where it is once the panels stand on each other."""
    page = bare(explorers.explore(shown=["Adam"]))
    page.set_viewport_size({"width": 360, "height": 1200})
    page.wait_for_timeout(200)
    explorer = explorers.explore(shown=["Adam"])
    i, j = explorer.state["index"]
    (_, plane_width), (cut, curve_width) = explorer.meta["pieces"]
    full = max(plane_width, curve_width)
    for series in (s for s in explorer.view.series if s.name == "Adam"):
        x, y = grid.pixels(explorer.axes[series.panel], series.points[i, j][-1])
        at = [x - (cut if series.panel else 0), y + (400 if series.panel else 0)]
        colour = page.evaluate(
            "([x, y, full]) => { const c = document.querySelector('.ll-stage canvas'), k = c.width / full;"
            " return [...c.getContext('2d').getImageData(Math.round(x * k), Math.round(y * k), 1, 1).data] }",
            [*at, full],
        )
        assert tuple(colour[:3]) == (0xA3, 0x33, 0x7A)


class Finger:
    """A finger on a page."""

    def __init__(self, page):
        self.page, self.session = page, page.context.new_cdp_session(page)

    def send(self, kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, start, end, steps=12):
        self.send("touchStart", start)
        for k in range(1, steps + 1):
            self.send("touchMove", [a + (b - a) * k / steps for a, b in zip(start, end, strict=True)])
            self.page.wait_for_timeout(16)
        self.send("touchEnd")
        self.page.wait_for_timeout(100)


def middle(locator, share=0.5):
    box = locator.bounding_box()
    return [box["x"] + share * box["width"], box["y"] + box["height"] / 2]


def test_a_finger_moves_sliders_and_the_start_point(bare):
    page = bare(made("explore"), has_touch=True, viewport={"width": 360, "height": 1200})
    finger, slider = Finger(page), page.get_by_role("slider", name="learning rate α")
    before, painted = slider.input_value(), page.evaluate("window.painted.length")
    finger.drag(middle(slider), middle(slider, 0.95))
    assert int(slider.input_value()) > int(before) + 20
    assert page.evaluate("window.painted.length") > painted + 3, "the picture follows while the finger moves"
    point = middle(page.locator(".ll-point"))
    finger.drag(point, [point[0] + 60, point[1] + 30])
    asked = page.evaluate("window.sent.filter(([k]) => k === 'ask').at(-1)[1]")
    left, *_ = made("explore").meta["panels"][0]
    assert asked["point"][0] > left


def test_every_control_is_reached_with_tab_and_shows_that_it_is(bare):
    page = bare(made("explore"))
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "() => { const e = document.activeElement, s = getComputedStyle(e), name = e.ariaLabel;"
                " return [e.tagName, name ?? e.textContent, e.type ?? '', s.outlineStyle, s.outlineWidth] }"
            )
        )
        if seen[-1][0] == "BODY":
            break
    kinds = [kind for _, _, kind, *_ in seen]
    assert (kinds.count("range"), kinds.count("checkbox"), kinds.count("select-one")) == (3, 4, 1)
    names = {name for _, name, kind, *_ in seen if kind == "button"}
    assert {"Play", "Reset", "Copy"} < names
    assert any(name.startswith("start point") for name in names)
    assert all(style == "solid" and width == "2px" for tag, *_, style, width in seen if tag != "BODY"), seen


def test_home_end_and_arrows_move_a_slider(bare):
    page = bare(made("explore"))
    slider = page.get_by_role("slider", name="momentum β, β₁")
    slider.focus()
    said = []
    for key in ("Home", "ArrowRight", "End", "ArrowLeft"):
        page.keyboard.press(key)
        said.append(slider.get_attribute("aria-valuetext"))
    values = made("explore").meta["sliders"][1]["values"]
    assert said == [values[0], values[1], values[-1], values[-2]]


def test_arrow_keys_move_the_start_point(bare):
    page = bare(made("explore"))
    page.locator(".ll-point").focus()
    page.keyboard.press("ArrowRight")
    x, y = page.evaluate("window.sent.filter(([k]) => k === 'ask').at(-1)[1].point")
    assert [x, y] == pytest.approx([made("explore").meta["point"][0] + 4, made("explore").meta["point"][1]])


def test_play_jumps_for_whoever_prefers_less_motion(bare):
    page = bare(explorers.explore(step=0), reduced_motion="reduce")
    page.evaluate("window.painted = []; addEventListener('losslab:painted', (e) => painted.push(e.detail))")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(2300)
    page.get_by_role("button", name="Pause").click()
    steps = page.evaluate("[...new Set(painted.map((p) => p.step))]")
    assert steps in ([0, 10, 20], [10, 20]), "ten pictures of a run, one a second"
