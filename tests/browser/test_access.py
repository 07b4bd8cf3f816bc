"""Everybody can use every explorer: axe-core, 360 pixels, 200 % zoom, a finger, a keyboard, less motion."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import PAINTED, open_notebook
from site_demo import openers

from losslab import explorers
from losslab.book.words import Sentence
from losslab.explorers import contract, stage
from losslab.explorers.widget import GridExplorer

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
    colour = made("explore").meta["colours"]["light" if light == "true" else "dark"][0]
    assert swatch(page) == colour, "the lines follow the theme while the explorer is open"


@pytest.fixture(scope="module")
def lab_page(browser, lab):
    """One page for both themes, to save time."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.add_init_script(PAINTED)
    open_notebook(page, *lab, ["from losslab import explorers\nexplorers.explore()"])
    page.wait_for_function("window.painted.length > 0", timeout=60_000)
    yield page
    context.close()


def swatch(page):
    """The colour of the first line in the legend."""
    colour = page.evaluate(
        "() => { const c = document.querySelector('.ll-swatch').getContext('2d');"
        " return [...c.getImageData(14, 14, 1, 1).data].slice(0, 3) }"
    )
    return "#" + "".join(f"{v:02X}" for v in colour)


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [("explore", 360, 664), ("explore", 640, 360), ("explore", 683, 384), ("slopes", 360, 664)],
)
def test_on_a_small_page_controls_and_sentence_stay_in_sight(bare, name, width, height):
    """A phone upright and on its side, a laptop at 200 %: one scrolls the picture and still moves it."""
    page = bare(made(name), viewport={"width": width, "height": height})
    bottom = page.locator(".ll-stage").evaluate("e => e.getBoundingClientRect().bottom")
    page.evaluate("y => scrollTo(0, y)", bottom - height)
    page.wait_for_timeout(200)
    names = [one["label"] for one in made(name).meta["sliders"]]
    controls = [page.get_by_role("slider", name=one) for one in names]
    controls += page.get_by_role("checkbox").all() + [page.locator(".ll-say")]
    if made(name).meta["steps"]:
        controls += [page.get_by_role("slider", name="step"), page.get_by_role("button", name="Play")]
    for one in controls:
        box = one.bounding_box()
        assert box["y"] >= 0, one
        assert box["y"] + box["height"] <= height / 2, "half of the page is left for the picture"
    before = page.locator(".ll-say").inner_text()
    controls[0].focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(100)
    assert page.locator(".ll-say").inner_text() != before


@pytest.mark.parametrize(
    ("width", "height", "wide"), [(1920, 1080, 1200), (1366, 768, 856), (1000, 600, 800)]
)
def test_on_a_large_page_the_picture_and_the_words_grow(bare, width, height, wide):
    page = bare(made("explore"), viewport={"width": width, "height": height})
    assert page.locator(".ll-stage").bounding_box()["width"] == wide
    size = page.locator(".ll-say").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size == pytest.approx(13 + 5 * (wide - 800) / 400)
    code = page.locator(".ll code").bounding_box()
    assert code["y"] < height, "the whole explorer fits on the screen"


def test_at_twice_the_zoom_pictures_are_as_sharp_as_the_screen(bare):
    page = bare(made("explore"), viewport={"width": 640, "height": 400}, device_scale_factor=2)
    canvas, stage = page.evaluate(
        "[document.querySelector('.ll-stage canvas').width, document.querySelector('.ll-stage').clientWidth]"
    )
    assert canvas == 2 * stage


# The colour of the lines where a point of the stage is seen in the picture of one of its pieces.
SEEN = """([piece, x, y, wide]) => {
  const canvas = document.querySelector(".ll-stage canvas"), on = canvas.getBoundingClientRect();
  const image = document.querySelectorAll(".ll-piece img")[piece].getBoundingClientRect();
  const at = [image.left + (x * image.width) / wide - on.left, image.top + (y * image.width) / wide - on.top];
  const [u, v] = at.map((c) => Math.round((c * canvas.width) / on.width));
  return [...canvas.getContext("2d").getImageData(u, v, 1, 1).data].slice(0, 3);
}"""
ADAM = [0xA3, 0x33, 0x7A]


def assert_pieces_stand_on_each_other(page, pieces):
    """Each as wide as the widest allows, from its left edge on; that is how lines are drawn, too."""
    seen = page.evaluate(
        "() => { const edge = document.querySelector('.ll-stage').getBoundingClientRect().left;"
        " return [...document.querySelectorAll('.ll-piece img')].map((e) => e.getBoundingClientRect())"
        " .map(({ left, width }) => [left - edge, width]) }"
    )
    scale = page.locator(".ll-stage").bounding_box()["width"] / max(width for _, width in pieces)
    np.testing.assert_allclose(seen, [[-x * scale, stage.WIDTH * scale] for x, _ in pieces], atol=0.1)


def assert_adam_ends_where_it_should(page, explorer):
    """Adam's last point, on both panels: lines and what stands below them belong together."""
    assert_pieces_stand_on_each_other(page, explorer.meta["pieces"])
    view, at = explorer.computed(), tuple(explorer.state["index"])
    for series in (s for s in view.series if s.key == "Adam"):
        x, y = stage.pixels(explorer.panels[series.panel], series.points[at][-1])
        assert page.evaluate(SEEN, [series.panel, x, y, stage.WIDTH]) == ADAM, f"panel {series.panel}"


def test_panels_stacked_on_a_narrow_page_show_the_same_points(bare):
    explorer = explorers.explore(shown=["Adam"])
    page = bare(explorer)
    page.set_viewport_size({"width": 360, "height": 1200})
    page.wait_for_timeout(200)
    assert_adam_ends_where_it_should(page, explorer)


def test_another_surface_on_a_narrow_page_stands_below_its_lines(bare):
    explorer = explorers.explore(shown=["Adam"])
    page, before = bare(explorer, kernel=True, viewport={"width": 360, "height": 1200}), explorer.meta
    page.get_by_role("combobox", name="surface").select_option("beale")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('beale')")
    page.wait_for_timeout(300)
    assert explorer.meta["pieces"] != before["pieces"], "it is cut elsewhere"
    assert_adam_ends_where_it_should(page, explorer)


def several(count):
    """A stage of so many panels, the same line on the first and on the last."""

    def stage(figure, theme, words):
        return list(figure.subplots(1, count, squeeze=False)[0])

    return stage


STAGES = {1: several(1), 2: several(2), 3: several(3)}


def test_a_menu_may_bring_another_number_of_panels(bare):
    def compute(k, panels):
        line = np.stack(np.broadcast_arrays([0.0, 1.0], k[..., None]), -1)
        series = [contract.Series("Loss", panel, line) for panel in (0, panels - 1)]
        words = {"slider.k": "height", "menu.panels": "panels", "says": "k = {k:.1f}"}
        return contract.View(words, STAGES[panels], series, Sentence("says", k=k))

    sliders = (contract.Slider("k", np.linspace(0, 1, 5)),)
    explorer = GridExplorer(several, compute, sliders, {"panels": STAGES}, k=0.5, panels=2)
    page = bare(explorer, kernel=True, viewport={"width": 360, "height": 900})
    for count in (3, 1, 2, 3):
        page.get_by_role("combobox", name="panels").select_option(str(count))
        page.wait_for_function(f"document.querySelector('.ll code').textContent.includes('panels={count}')")
        assert page.locator(".ll-piece").count() == len(explorer.meta["pieces"]) == count
        x, y = stage.pixels(explorer.panels[-1], np.array([0.5, 0.5]))
        seen = page.evaluate(SEEN, [count - 1, x, y, stage.WIDTH])
        colour = bytes.fromhex(explorer.meta["colours"]["light"][0][1:])
        np.testing.assert_allclose(seen, list(colour), atol=3)


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
    assert (kinds.count("range"), kinds.count("checkbox"), kinds.count("select-one")) == (3, 4, 2)
    names = {name for _, name, kind, *_ in seen if kind == "button"}
    assert {"Play", "Reset", "Copy setting"} < names
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


# What notebooks do with keys: JupyterLab and Notebook 7 ask each element from the focused one upwards whether
# it suppresses shortcuts, and take those of `:focus`; the classic notebook listens at the document.
NOTEBOOK = """() => {
  window.taken = [];
  const asks = (el) => el && !el.hasAttribute("data-lm-suppress-shortcuts")
    && (el.matches(":focus") || asks(el.parentElement));
  const take = (e) => taken.push([e.type, e.key, e.target.outerHTML.slice(0, 60)]);
  addEventListener("keydown", (e) => asks(e.target) && (e.preventDefault(), take(e)), true);
  for (const kind of ["keydown", "keypress", "keyup"]) document.addEventListener(kind, take);
}"""


@pytest.mark.parametrize("name", ["explore", "draw"])
def test_no_key_that_is_pressed_on_a_control_reaches_the_notebook(bare, name):
    page = bare(made(name), viewport={"width": 360, "height": 900})
    page.evaluate(NOTEBOOK)
    controls = page.locator(".ll :is(input, select, button, [tabindex='0'])")
    for k in range(controls.count()):
        controls.nth(k).focus()
        for key in ("ArrowRight", "PageUp", "Home", "Space", "Enter", "a"):
            page.keyboard.press(key)
    assert controls.count() >= 6
    assert page.evaluate("taken") == []


def test_a_key_that_means_nothing_to_a_slider_does_not_scroll_the_page(bare):
    page = bare(made("explore"), viewport={"width": 1000, "height": 300})
    page.get_by_role("slider", name="learning rate α").focus()
    before = page.evaluate("scrollY")
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") == before


def test_arrow_keys_move_the_start_point(bare):
    page = bare(made("explore"))
    page.locator(".ll-point").focus()
    page.keyboard.press("ArrowRight")
    x, y = page.evaluate("window.sent.filter(([k]) => k === 'ask').at(-1)[1].point")
    assert [x, y] == pytest.approx([made("explore").meta["point"][0] + 4, made("explore").meta["point"][1]])


def test_play_jumps_for_whoever_prefers_less_motion(bare):
    page = bare(explorers.explore(step=0), reduced_motion="reduce")
    page.evaluate("() => { painted.length = 0 }")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(2300)
    page.get_by_role("button", name="Pause").click()
    steps = page.evaluate("[...new Set(painted.map((p) => p.step))]")
    assert steps in ([0, 10, 20], [10, 20]), "ten pictures of a run, one a second"
