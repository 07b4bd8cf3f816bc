"""A real mouse on real sliders in a real browser."""

import re
from functools import cache

import browser
import numpy as np
import pytest
from site_demo import openers

from losslab import explorers
from losslab.explorers import stage
from losslab.figures import palette
from losslab.formulas import trajectories

pytestmark = pytest.mark.browser


def drag(page, label, to, seconds=1.0):
    """Drag a slider to the fraction `to` of its track; return the number of pictures painted meanwhile."""
    before = page.evaluate("window.painted.length")
    browser.drag(page, page.get_by_role("slider", name=label, exact=True), to, seconds)
    page.wait_for_timeout(400)
    return page.evaluate("window.painted.length") - before


def picture(page):
    return page.locator(".ll-stage canvas").screenshot()


EXPLORERS = {
    "explore": (explorers.explore, ["learning rate α", "momentum β, β₁", "step"]),
    "bowl": (explorers.bowl, ["learning rate α", "curvature λ", "step"]),
    "eigenvalues": (explorers.eigenvalues, ["rate αλ", "momentum β"]),
    "noise": (explorers.noise, ["learning rate α", "examples per step B"]),
    "turned": (explorers.turned, ["angle, degrees", "learning rate α", "step"]),
    "denominator": (explorers.denominator, ["memory β₂", "ε"]),
    "worked_example": (explorers.worked_example, ["learning rate α", "input x", "step"]),
    "inputs": (explorers.inputs, ["shift (mean)", "scale (deviation)", "step"]),
    "logits": (explorers.logits, ["logit z₁", "logit z₂"]),
    "price_list": (explorers.price_list, ["probability p"]),
    "outlier": (explorers.outlier, ["outlier y", "Huber's δ"]),
    "entropy": (explorers.entropy, ["p₁ of the model", "share of the rest for class 2"]),
    "temperature": (explorers.temperature, ["temperature T", "logit of the cat"]),
    "passes": (explorers.passes, ["stage", "flower"]),
    "ripple": (explorers.ripple, ["nudge"]),
    "slopes": (explorers.slopes, ["petal length, cm", "petal width, cm"]),
    "gradient_check": (
        lambda: explorers.gradient_check(mistake="bias forgotten"),
        ["step size h", "size of the mistake"],
    ),
    "vanishing": (explorers.vanishing, ["hidden layers", "weight scale s"]),
    "initialisation": (explorers.initialisation, ["deviation σ of the weights", "neurons per layer n"]),
    "lap": (explorers.lap, ["lap", "step of the lap"]),
    "data_size": (explorers.data_size, ["training images", "epoch"]),
    "digits_race": (explorers.digits_race, ["settings tried", "epoch"]),
    "neuron": (explorers.neuron, ["weight w", "bias b"]),
    "bend": (explorers.bend, ["layer"]),
    "network_size": (explorers.network_size, ["neurons per hidden layer", "hidden layers"]),
    "microscope": (explorers.microscope, ["step size h", "weight w"]),
    "training_time": (explorers.training_time, ["devices G", "tokens D"]),
    "scaling": (explorers.scaling, ["devices G", "share q of the work that is split"]),
    "speed_up": (explorers.speed_up, ["share q of the time in this part", "the part, times as fast"]),
    "zero": (explorers.zero, ["parameters P", "devices G"]),
    "skew": (explorers.skew, ["contrast", "moved right, pixels"]),
    "answers": (explorers.answers, ["threshold τ", "temperature T"]),
    "precision_recall": (explorers.precision_recall, ["threshold τ", "price of a miss"]),
    "reject": (explorers.reject, ["threshold τ"]),
    "rare": (explorers.rare, ["prevalence π", "threshold τ"]),
    "ab_test": (explorers.ab_test, ["users per arm", "true difference"]),
    "cross_validation": (explorers.cross_validation, ["folds", "sample"]),
    "schedule": (explorers.schedule, ["peak learning rate"]),
    "multi_label": (explorers.multi_label, ["threshold τ", "picture"]),
    "shrink": (explorers.shrink, ["bits per weight", "share pruned"]),
    "privacy": (explorers.privacy, ["privacy budget ε", "epochs without privacy"]),
    "energy": (explorers.energy, ["device-hours", "overhead of the data centre (PUE)"]),
    "wrong_labels": (explorers.wrong_labels, ["share of wrong labels", "steps"]),
    "writing": (explorers.writing, ["temperature T", "top-p"]),
}
# Live explorers need a kernel; those that train are run and stopped, the others' sliders are dragged.
LIVE = {
    "train": (explorers.train, ["learning rate α", "images per step"]),
    "draw": (explorers.draw, []),  # tests/browser/test_drawing.py draws
}


def test_every_explorer_is_in_a_table():
    assert set(EXPLORERS) | set(LIVE) == set(openers()), "a new explorer has to be dragged too"


@pytest.mark.parametrize("name", EXPLORERS | LIVE)
def test_every_slider_is_in_the_table(name):
    make, labels = (EXPLORERS | LIVE)[name]
    meta = made(make).meta
    assert [s["label"] for s in meta["sliders"]] == [label for label in labels if label != "step"]
    assert ("step" in labels) == bool(meta["steps"])


@cache
def made(make):
    """An explorer as it opens; without a kernel, a page does not change it."""
    return make()


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_slider_is_dragged_end_to_end_and_changes_the_picture(bare, name):
    make, labels = EXPLORERS[name]
    page = bare(made(make))
    for label in labels:
        drag(page, label, 0.0, seconds=0.3)
        low, sent = picture(page), page.evaluate("window.sent.length")
        drag(page, label, 1.0, seconds=0.5)
        assert picture(page) != low, f"{label}: the picture did not change"
        messages = page.evaluate("window.sent.length") - sent
        assert messages == 1, f"{label}: {messages} messages to the kernel, 1 expected, when it is let go"
    assert_copied(page, made(make))
    page.get_by_role("checkbox").first.uncheck()
    assert_copied(page, made(make))


def assert_copied(page, explorer):
    """The line on the page is what Python says when the page has told it how the explorer stands."""
    before, explorer.state = (
        explorer.state,
        page.evaluate("window.sent.filter(([k]) => k === 'state').at(-1)[1]"),
    )
    page.wait_for_timeout(400)
    assert page.locator(".ll code").inner_text() == repr(explorer)
    explorer.state = before


@pytest.mark.parametrize("name", EXPLORERS)
def test_pictures_keep_up_with_the_hand(bare, name):
    """The gate for a noisy machine, best of five; benchmarks/sliders.py measures properly.

    A drag across few positions cannot paint more pictures than it passes.
    """
    make, (label, *_) = EXPLORERS[name]
    page, painted = bare(made(make)), []
    passed = [len(s["values"]) - 1 for s in made(make).meta["sliders"] if s["label"] == label]
    required = min([30, *passed])
    for to in (0.0, 1.0, 0.0, 1.0, 0.0):
        painted.append(drag(page, label, to))
        if painted[-1] >= required:
            return
    pytest.fail(f"{label}: {painted} pictures in drags of one second, {required} required")


@pytest.mark.parametrize("name", LIVE)
def test_live_explorers_are_run_and_stopped_or_dragged(bare, name):
    make, labels = LIVE[name]
    page = bare(make(), kernel=True)
    run = page.get_by_role("button", name="Run", exact=True)
    if not run.count():
        for label in labels:
            low = picture(page), drag(page, label, 0.0, seconds=0.2)
            assert drag(page, label, 1.0, seconds=0.5) >= 3, f"{label}: the kernel's pictures do not follow"
            assert picture(page) != low[0], f"{label}: the picture did not change"
        return
    begin, said = picture(page), page.locator(".ll-say")
    run.click()
    page.wait_for_function("document.querySelector('.ll progress').value > 20")
    heard = page.locator(".ll-heard")
    assert heard.get_attribute("aria-busy") == "true", "a screen reader would read every step"
    assert picture(page) != begin
    page.get_by_role("button", name="Stop").click()
    page.wait_for_timeout(300)
    stopped, words = picture(page), said.inner_text()
    page.wait_for_timeout(500)
    assert (picture(page), said.inner_text()) == (stopped, words), "it has not stopped"
    assert heard.get_attribute("aria-busy") == "false"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelector('.ll progress').value === 0")
    assert picture(page) == begin


def test_arrow_keys_move_a_slider_and_the_sentence_follows(bare):
    page = bare(explorers.explore())
    slider, said = page.get_by_role("slider", name="learning rate α"), page.locator(".ll-say")
    before = slider.get_attribute("aria-valuetext"), said.inner_text()
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert float(slider.get_attribute("aria-valuetext")) > float(before[0])
    assert said.inner_text() != before[1]
    assert page.locator(".ll-stage canvas").get_attribute("aria-label") == said.inner_text()


def test_the_picture_is_what_python_computed(bare):
    """The last point of Adam's path lies where matplotlib puts it: a pixel of Adam's colour is there."""
    explorer = explorers.explore(shown=["Adam"])
    page = bare(explorer)
    i, j = explorer.state["index"]
    path = next(s for s in explorer.computed().series if s.key == "Adam" and s.panel == 0).points[i, j]
    x, y = stage.pixels(explorer.panels[0], path[-1])
    colour = page.evaluate(
        "([x, y]) => { const c = document.querySelector('.ll-stage canvas'), k = c.width / 800;"
        " return [...c.getContext('2d').getImageData(Math.round(x * k), Math.round(y * k), 1, 1).data] }",
        [x, y],
    )
    assert tuple(colour[:3]) == (0xA3, 0x33, 0x7A)


def test_diverging_runs_are_named_on_the_page(bare):
    page = bare(explorers.explore("beale", lr=0.1))
    said, step = page.locator(".ll-say"), page.get_by_role("slider", name="step")
    assert "GD diverged at step 5" in said.inner_text()
    step.fill("4")
    page.wait_for_function(
        "/^Loss at step 4: GD [\\d.]+/.test(document.querySelector('.ll-say').textContent)"
    )
    step.fill("5")
    page.wait_for_function("document.querySelector('.ll-say').textContent.includes('GD diverged at step 5')")


def test_of_a_long_run_the_step_that_is_shown_and_copied_is_one_that_is_stored(bare):
    explorer = explorers.explore(lr=0.101, steps=1000, shown=["GD"])
    page, stored = bare(explorer, kernel=True), trajectories.thinned(1000).tolist()
    step = page.get_by_role("slider", name="step")
    assert (step.get_attribute("aria-valuetext"), step.get_attribute("max")) == ("1000", "100")
    assert page.locator(".ll-say").inner_text() == "Loss at step 1000: GD diverged at step 355."
    drag(page, "step", 0.8, seconds=0.2)
    shown = int(step.get_attribute("aria-valuetext"))
    assert shown in stored[65:95]
    line = page.locator(".ll code").inner_text()
    assert f"step={shown}, " in line
    assert line == repr(explorer) == repr(eval(line, {"explorers": explorers}))
    assert page.locator(".ll-say").inner_text().startswith(f"Loss at step {shown}: GD ")
    page.get_by_role("combobox", name="steps").select_option("300")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('steps=300')")
    page.wait_for_timeout(400)
    at = int(step.input_value())
    assert step.get_attribute("aria-valuetext") == str(trajectories.thinned(300)[at])
    assert page.locator(".ll code").inner_text() == repr(explorer)


def test_play_walks_through_the_steps_and_pauses(bare):
    page = bare(explorers.explore(step=0))
    start = picture(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Pause").click()
    step = int(page.get_by_role("slider", name="step").input_value())
    assert 0 < step < 100
    assert picture(page) != start


def test_legend_hides_a_line_and_reset_brings_everything_back(bare):
    page = bare(explorers.explore())
    first = picture(page)
    page.get_by_role("checkbox", name="RMSProp").uncheck()
    drag(page, "learning rate α", 0.9, seconds=0.2)
    assert picture(page) != first
    page.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(500)
    assert page.get_by_role("checkbox", name="RMSProp").is_checked()
    assert picture(page) == first


def test_the_copied_line_opens_the_same_explorer(bare):
    page = bare(explorers.explore())
    drag(page, "learning rate α", 0.2, seconds=0.2)
    page.get_by_role("checkbox", name="GD").uncheck()
    drag(page, "step", 0.5, seconds=0.2)
    page.get_by_role("button", name="Copy").click()
    page.wait_for_timeout(400)
    line = page.locator(".ll code").inner_text()
    again = eval(line, {"explorers": explorers})
    state = page.evaluate("window.sent.filter(([k]) => k === 'state').at(-1)[1]")
    assert (again.state["index"], again.state["step"]) == (state["index"], state["step"])
    assert again.state["shown"] == ["Momentum", "RMSProp", "Adam"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_stage_follows_the_theme(bare, theme):
    page = bare(explorers.explore(), color_scheme=theme)
    explorer = explorers.explore()
    colour = page.evaluate(
        "() => { const c = document.querySelector('.ll-swatch').getContext('2d');"
        " return [...c.getImageData(14, 14, 1, 1).data].slice(0, 3) }"
    )
    assert "#" + "".join(f"{v:02X}" for v in colour) == explorer.meta["colours"][theme][0]


def test_the_sentence_follows_the_legend_on_the_page(bare):
    page = bare(made(explorers.explore))
    said = page.locator(".ll-say")
    assert all(name in said.inner_text() for name in ("GD", "Momentum", "RMSProp", "Adam"))
    page.get_by_role("checkbox", name="Momentum").uncheck()
    assert said.inner_text() == explorers.explore().computed().sentence(
        explorers.explore().state["index"], ["GD", "RMSProp", "Adam"]
    )


# Moves a slider through all its positions, one a frame; returns what was said with each picture, for the eye
# and for a screen reader.
WALK = """async (label) => {
  const row = [...document.querySelectorAll(".ll-slider")].find((e) => e.textContent.startsWith(label));
  const slider = row.querySelector("input");
  const [seen, heard] = [".ll-say", ".ll-heard"].map((name) => document.querySelector(name)), said = [];
  for (let k = +slider.min; k <= +slider.max; k++) {
    slider.value = k;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => addEventListener("painted", () => setTimeout(done), { once: true }));
    said.push([seen.textContent, heard.textContent]);
  }
  return said;
}"""


@pytest.mark.parametrize(("label", "axis"), [("learning rate α", 0), ("momentum β, β₁", 1), ("step", 2)])
def test_the_sentence_follows_with_every_picture_and_is_read_out_when_it_rests(bare, label, axis):
    explorer = made(explorers.explore)
    page, (i, j), view = bare(explorer), explorer.state["index"], explorer.computed()
    said = page.evaluate(WALK, label)
    for k in (0, 1, len(said) // 2, len(said) - 2, len(said) - 1):
        at = [i, j, explorer.state["step"]]
        at[axis] = k
        assert said[k][0] == view.sentence(at[:2], step=at[2])
    assert len({heard for _, heard in said}) < len(said) / 4, "a screen reader would read every position"
    page.wait_for_timeout(500)
    assert page.locator(".ll-heard").text_content() == said[-1][0]
    assert page.locator(".ll-heard").get_attribute("aria-live") == "polite"
    assert page.locator(".ll-say").get_attribute("aria-hidden") == "true"


def test_the_sentence_follows_the_start_point_while_it_is_dragged(bare):
    page = bare(explorers.explore(), kernel=True)
    said, handle = page.locator(".ll-say"), page.locator(".ll-point").bounding_box()
    before, x, y = said.inner_text(), handle["x"] + 12, handle["y"] + 12
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y + 20, steps=5)
    page.wait_for_timeout(600)
    during = said.inner_text()
    page.mouse.up()
    page.wait_for_timeout(900)
    assert during not in ("", before)
    assert said.inner_text() == during


def test_what_is_below_the_sentence_never_moves(bare):
    page = bare(made(explorers.explore), viewport={"width": 360, "height": 740})
    tops = []
    for rate in ("0", "60", "120"):
        page.get_by_role("slider", name="learning rate α").fill(rate)
        for _ in range(2):
            page.get_by_role("checkbox", name="Adam").click()
            page.wait_for_timeout(100)
            tops.append(page.locator(".ll-stage").bounding_box()["y"])
    assert len(set(tops)) == 1


def test_a_control_without_effect_on_what_is_shown_is_not_offered(bare):
    page = bare(explorers.explore(shown=["GD"]))
    rate, beta, step = (
        page.get_by_role("slider", name=name) for name in ("learning rate", "momentum", "step")
    )
    places = page.locator(".ll-row").evaluate_all(
        "rows => rows.map((row) => row.getBoundingClientRect().top)"
    )
    assert (rate.count(), beta.count(), step.count()) == (1, 0, 1), "gradient descent has no β"
    page.get_by_role("checkbox", name="RMSProp").check()
    assert beta.count() == 0
    page.get_by_role("checkbox", name="Adam").check()
    assert beta.count() == 1
    beta.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(400)
    for name in ("GD", "RMSProp", "Adam"):
        page.get_by_role("checkbox", name=name).uncheck()
    assert (rate.count(), beta.count(), step.count()) == (0, 0, 0), "there is nothing to move"
    assert page.get_by_role("button", name="Play").count() == 0
    after = page.locator(".ll-row").evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().top)")
    assert after == places, "nothing else moves"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(300)
    assert (rate.count(), beta.count(), step.count()) == (1, 0, 1)


# How many pixels around (x, y) of the stage have each colour, within 12 of its three parts.
NEAR = """([x, y, reach, colours]) => {
  const c = document.querySelector(".ll-stage canvas"), k = c.width / 800;
  const box = [(x - reach) * k, (y - reach) * k, 2 * reach * k, 2 * reach * k].map(Math.round);
  const { data } = c.getContext("2d").getImageData(...box);
  return colours.map((colour) => {
    let found = 0;
    for (let p = 0; p < data.length; p += 4) {
      if (data[p + 3] > 250 && colour.every((v, n) => Math.abs(v - data[p + n]) < 12)) found++;
    }
    return found;
  });
}"""


@pytest.mark.parametrize("opener", [explorers.explore, explorers.worked_example])
def test_lines_on_each_other_are_all_seen(bare, opener):
    """Where β = 0, Momentum is gradient descent; where x = −1, the article's step is the right one."""
    if opener is explorers.explore:
        keys, explorer = ["GD", "Momentum"], opener(beta=0, shown=["GD", "Momentum"])
    else:
        keys, explorer = ["As printed", "Corrected"], opener(x=-1, shown=["As printed", "Corrected"])
    page, at = bare(explorer), tuple(explorer.state["index"])
    grid = [len(s.values) for s in explorer.sliders]
    one, other = (
        np.broadcast_to(s.points, (*grid, *s.points.shape[2:]))[at]
        for key in keys
        for s in explorer.computed().series
        if s.key == key and s.panel == 1
    )
    xy = stage.pixels(explorer.panels[1], one)
    assert abs(xy - stage.pixels(explorer.panels[1], other)).max() < 0.5, "they coincide"
    colours = [list(bytes.fromhex(palette.colour(key, "light")[1:])) for key in keys]
    for k in (15, 24):  # between two markers, and at some
        found = page.evaluate(NEAR, [*xy[k], 24, colours])
        assert min(found) > 10, found


def test_the_browser_dashes_lines_as_the_still_picture_does(bare):
    explorer = explorers.explore()
    page = bare(explorer)
    page.evaluate(
        """() => {
          window.drawn = [];
          const set = CanvasRenderingContext2D.prototype.setLineDash;
          CanvasRenderingContext2D.prototype.setLineDash = function (dash) {
            set.call(this, dash);
            const width = this.lineWidth;
            if (this.canvas.closest(".ll-stage")) drawn.push([dash.map((v) => v / width), width]);
          };
        }"""
    )
    drag(page, "step", 0.9, seconds=0.1)
    drawn = page.evaluate("drawn")
    figure = explorer.still()
    for key in explorer.meta["keys"]:
        line = next(line for line in figure.axes[1].get_lines() if line.get_label() == key)
        assert line.get_color() == palette.LINES[key]["color"]
        pattern = [v / line.get_linewidth() for v in line._dash_pattern[1] or ()]
        width = line.get_linewidth() / 72 * stage.DPI * stage.UNIT
        found = [
            dash for dash, thick in drawn if thick == pytest.approx(width) and dash == pytest.approx(pattern)
        ]
        assert found, (key, pattern, width)


# The first picture that comes is not unpacked before the test says so.
LATE = """() => {
  const real = Response.prototype.arrayBuffer, until = new Promise((done) => (window.unpack = done));
  let calls = 0;
  Response.prototype.arrayBuffer = async function () {
    const late = !calls++, data = await real.call(this);
    if (late) await until;
    return data;
  };
}"""


def test_of_two_menu_changes_in_quick_succession_the_second_stands(bare):
    explorer = explorers.explore()
    page = bare(explorer, kernel=True)
    menu, line = page.get_by_role("combobox", name="surface"), page.locator(".ll code")
    page.evaluate(LATE)
    for surface in ("beale", "saddle"):
        menu.select_option(surface)
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('saddle')")
    page.evaluate("unpack()")
    page.wait_for_timeout(500)
    assert explorer.settings["surface"] == menu.input_value() == "saddle"
    words = explorer.computed().sentence(explorer.state["index"], explorer.state["shown"])
    assert (page.locator(".ll-say").inner_text(), line.inner_text()) == (words, repr(explorer))


def test_a_start_point_that_is_dragged_to_and_fro_and_reset_is_where_it_was(bare):
    explorer = explorers.explore(start=(-1, 0.5))
    page = bare(explorer, kernel=True)
    said, line, seen = page.locator(".ll-say"), repr(explorer), picture(page)
    words = said.inner_text()
    handle = page.locator(".ll-point").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=5)
    page.wait_for_timeout(300)
    assert picture(page) != seen
    page.mouse.move(x, y)
    page.mouse.up()
    page.wait_for_timeout(700)
    assert (said.inner_text(), repr(explorer)) == (words, line)
    page.get_by_role("combobox", name="surface").select_option("saddle")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('saddle')")
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('ravine')")
    page.wait_for_timeout(400)
    assert (said.inner_text(), page.locator(".ll code").inner_text()) == (words, line)
    assert page.get_by_role("combobox", name="surface").input_value() == "ravine"


def test_closing_leaves_nothing_behind(bare):
    page = bare(explorers.explore())
    page.evaluate("() => { window.before = window.painted.length; window.cleanUp(); }")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert page.evaluate("window.painted.length") == page.evaluate("window.before")


def test_without_a_kernel_the_page_says_what_to_do(bare):
    page = bare(explorers.explore())
    page.get_by_role("combobox", name="surface").select_option("beale")
    page.wait_for_timeout(4500)
    assert "run this cell again" in page.locator(".ll-say").inner_text()


def test_drag_in_jupyterlab(notebook):
    page = notebook("from losslab import explorers\nexplorers.explore()")
    before = picture(page)
    painted = [drag(page, "learning rate α", to) for to in (0.9, 0.1, 0.8)]
    assert max(painted) >= 15, f"{painted} pictures in drags of one second, 15 required"
    assert picture(page) != before
    slider = page.get_by_role("slider", name="learning rate α")
    value = slider.input_value()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert int(slider.input_value()) == int(value) - 1, "JupyterLab took the arrow key"


def test_the_kernel_computes_another_surface_and_another_start(notebook):
    page = notebook("from losslab import explorers\nexplorers.explore()")
    line = page.locator(".ll code")
    page.get_by_role("combobox", name="surface").select_option("rosenbrock")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('rosenbrock')")
    before = picture(page)
    handle = page.locator(".ll-point").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 40, steps=20)
    page.wait_for_timeout(300)
    assert picture(page) != before, "the paths do not follow the start point while it is dragged"
    page.mouse.up()
    page.wait_for_function("!document.querySelector('.ll code').textContent.includes('(-1.5, 2.0)')")
    assert re.search(r"surface='rosenbrock', start=\(-?\d", line.inner_text())
