"""The explorers without a browser: what they say, draw and answer; `test_explorers_robust.py` drives each."""

import base64
import io
import re
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ipywidgets import Widget
from matplotlib import pyplot as plt
from PIL import Image

from losslab import explorers
from losslab.book.words import Sentence
from losslab.data import handwriting
from losslab.explorers import contract, stage
from losslab.explorers.live import LiveExplorer
from losslab.explorers.views import draw, explore, worked_example
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import optim, surfaces, trajectories
from losslab.learning import trained

pytestmark = pytest.mark.trains


@pytest.fixture(autouse=True)
def closed():
    """What a test has opened would stay in ipywidgets' memory."""
    yield
    Widget.close_all()


def test_opening_leaves_no_figure_behind_and_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorers.explore("beale", lr=1.0, beta=0.99)._repr_mimebundle_()
    assert plt.get_fignums() == []


def test_paths_on_the_grid_are_the_runs_of_the_chapter():
    explorer = explorers.explore("beale", lr=0.01, beta=0.5, start=(1.0, 1.0))
    i, j = explorer.state["index"]
    adam = next(s for s in explorer.computed().series if s.key == "Adam" and s.panel == 0)
    rule = partial(optim.adam, lr=0.01, beta1=0.5)
    run = trajectories.run(rule, surfaces.SURFACES["beale"].gradient, (1.0, 1.0), 100)
    np.testing.assert_allclose(adam.points[i, j], run, rtol=1e-12)


START = np.array(surfaces.SURFACES["ravine"].start)


@pytest.fixture
def ravine():
    """The view of four optimisers at lr = 0.3, where λ = 20: gradient descent is stable below 0.1."""
    start = surfaces.SURFACES["ravine"].start
    return explore.compute(np.array([[0.3]]), np.array([[0.9]]), surface="ravine", start=start, steps=100)


def test_diverging_runs_are_said_to_diverge(ravine):
    text = ravine.sentence((0, 0), ["GD", "Adam"])
    assert "GD diverged at step 5" in text
    assert "Adam diverged" not in text


def example(lr, x):
    """The view of the worked example at one setting."""
    return worked_example.compute(np.array([[lr]]), np.array([[x]]))


@pytest.mark.parametrize(
    ("lr", "x", "printed", "corrected"),
    [
        (0.01, 2, "1.040 as printed (diverges)", "0.920 corrected (converges)"),
        (0.125, 2, "1.500 as printed (diverges)", "0.000 corrected (lands in one step)"),
        (0.25, 2, "2.000 as printed (diverges)", "-1.000 corrected (oscillates for ever)"),
        (0.01, -2, "0.960 as printed (converges)", "0.920 corrected (converges)"),
        (0.01, 10, "1.200 as printed (diverges)", "-1.000 corrected (oscillates for ever)"),
        (0.3, 2, "2.200 as printed (diverges)", "-1.400 corrected (diverges)"),
        (0.24, 2, "1.960 as printed (diverges)", "-0.920 corrected (zig-zags in)"),
        (0.0, 2, "1.000 as printed (stays where it is)", "1.000 corrected (stays where it is)"),
        (0.1, 0, "(the input is 0: w has no influence)", "(the input is 0: w has no influence)"),
    ],
)
def test_worked_example_says_the_factor_and_what_it_means(lr, x, printed, corrected):
    text = example(lr, x).sentence((0, 0), ["As printed", "Corrected"])
    assert printed in text
    assert corrected in text


@pytest.mark.parametrize(("lr", "x"), [(0.01, 2.0), (0.2, 1.5), (0.01, -2.0)])
def test_worked_example_runs_by_the_factors_it_states(lr, x):
    k = np.arange(worked_example.STEPS + 1)
    fixed = {"As printed": worked_example.Y / x, "Corrected": worked_example.Y / x}
    factor = {"As printed": 1 + 2 * lr * x, "Corrected": 1 - 2 * lr * x**2}
    paths = [series for series in example(lr, x).series if series.panel == 0 and series.scrub]
    assert {series.key for series in paths} == set(fixed)
    for series in paths:
        w = fixed[series.key] * (1 - factor[series.key] ** k)
        stop = len(k) if series.ends[0, 0] < 0 else series.ends[0, 0]
        np.testing.assert_allclose(series.points[0, 0, :stop, 0], w[:stop], rtol=1e-9, atol=1e-12)


def test_the_sentence_follows_the_step(ravine):
    said = partial(ravine.sentence, (0, 0), ["GD"])
    assert said(step=0) == f"Loss at step 0: GD {surfaces.SURFACES['ravine'].value(START):.2g}."
    assert [said(step=k)[:18] for k in (4, 5)] == ["Loss at step 4: GD", "Loss at step 5: GD"]
    assert "diverged" not in said(step=4)
    assert said(step=5) == "Loss at step 5: GD diverged at step 5."


def test_a_sentence_says_the_loss_of_the_run_at_every_step():
    explorer = explorers.explore("beale", lr=0.01, beta=0.5)
    view, at = explorer.computed(), explorer.state["index"]
    rule = partial(optim.adam, lr=0.01, beta1=0.5)
    beale = surfaces.SURFACES["beale"]
    losses = beale.value(trajectories.run(rule, beale.gradient, beale.start, 100))
    said = [view.sentence(at, ["Adam"], step=k) for k in range(101)]
    assert said == [f"Loss at step {k}: Adam {loss:.2g}." for k, loss in enumerate(losses)]


@pytest.fixture(scope="module")
def long():
    """1,000 steps in the ravine, 101 of them stored; gradient descent is stable below α = 0.1."""
    rates, betas = np.array([[0.03], [0.101]]), np.array([[0.9, 0.5]])
    return explore.compute(rates, betas, surface="ravine", start=tuple(START), steps=1000)


def test_a_long_run_is_stored_at_its_steps_and_drawn_over_them(long):
    assert (len(long.steps), long.steps[-1]) == (101, 1000)
    gd, momentum = (
        next(s for s in long.series if (s.key, s.panel) == (key, 1)) for key in ("GD", "Momentum")
    )
    assert (gd.points.shape[:2], momentum.points.shape[:2]) == ((2, 1), (2, 2))
    np.testing.assert_array_equal(gd.points[0, 0, :, 0], long.steps)
    w = START * np.stack([(1 - 0.03) ** long.steps, (1 - 0.6) ** long.steps], -1)
    np.testing.assert_allclose(gd.points[0, 0, :, 1], surfaces.SURFACES["ravine"].value(w), rtol=1e-9)


def test_a_run_that_diverges_between_two_stored_steps_is_said_to_at_the_right_one(long):
    """With α = 0.101 the coordinate of curvature 20 grows by 1.02 a step, from 0.9 beyond 1,000."""
    first = int(np.ceil(np.log(1e3 / START[1]) / np.log(1.02)))
    assert first not in long.steps
    k = int((long.steps < first).sum())
    before, after = (long.sentence((1, 0), ["GD"], step=at) for at in (k - 1, k))
    loss = 10 * (START[1] * 1.02 ** long.steps[k - 1]) ** 2
    assert before == f"Loss at step {long.steps[k - 1]}: GD {loss:.2g}."
    assert after == f"Loss at step {long.steps[k]}: GD diverged at step {first}."


def lasting(**given):
    return explorers.explore(lr=0.101, steps=1000, shown=["GD"], **given)


def test_the_picture_of_a_long_run_ends_before_it_diverges_and_says_when():
    explorer = lasting()
    (line,) = [line for line in explorer.still().axes[0].get_lines() if line.get_label().startswith("GD")]
    assert line.get_label() == "GD (diverged at step 355)"
    assert len(line.get_xdata()) == (trajectories.thinned(1000) < 355).sum()
    assert explorer.still().axes[1].get_xlim() == (-20, 1020)


@pytest.mark.parametrize(
    ("asked", "stored"), [(0, 0), (61, 60), (64, 65), (100, 100), (999, 1000), (1000, 1000)]
)
def test_a_step_between_those_that_are_stored_is_the_nearest_one(asked, stored):
    explorer = lasting(step=asked)
    assert explorer.meta["steps"][explorer.state["step"]] == stored
    assert f"steps=1000, lr=0.101, beta=0.9, step={stored}, shown" in repr(explorer)
    assert explorer.sentence().startswith(f"Loss at step {stored}: GD ")


def test_the_length_of_the_runs_is_chosen_and_the_place_of_the_step_stays():
    explorer = explorers.explore(step=60)
    for steps in ("300", "1000", "100"):
        explorer.ask = {"choice": ["steps", steps], "n": int(steps)}
        assert explorer.meta["steps"][-1] == explorer.settings["steps"] == int(steps)
        assert explorer.state["step"] == 60
    assert repr(explorer) == repr(explorers.explore(step=60))


def test_fewer_steps_than_before_leave_the_last_one():
    def compute(k, size):
        line = contract.Series("Loss", 0, np.zeros((5, 1, size, 2)), scrub=True)
        return contract.View(
            {"slider.k": "k", "menu.size": "n", "says": "."}, explore_stage, [line], Sentence("says")
        )

    def one(k=0.0, size=9):
        slider = contract.Slider("k", np.linspace(0, 1, 5))
        return GridExplorer(one, compute, (slider,), {"size": (9, 4)}, k=k, size=size)

    explorer = one()
    assert explorer.state["step"] == 8
    explorer.ask = {"choice": ["size", "4"], "n": 1}
    assert explorer.state["step"] == 3
    assert repr(explorer).endswith("step=3)")


def test_steps_that_do_not_fit_what_is_drawn_are_refused():
    line = contract.Series("Loss", 0, np.zeros((1, 1, 5, 2)), scrub=True)
    view = contract.View("explore", explore_stage, [line], Sentence("says"), steps=np.arange(4))
    with pytest.raises(
        ValueError, match=re.escape("steps must have the shape (5,) of what is drawn, got (4,)")
    ):
        view.stored()


def test_the_sentence_follows_the_legend(ravine):
    said = partial(ravine.sentence, (0, 0))
    assert re.fullmatch(r"Loss at step 100: Adam [\d.]+\.", said(["Adam"]))
    assert re.fullmatch(r"Loss at step 100: GD [\w ]+, RMSProp \S+\.", said(["RMSProp", "GD"]))
    assert said([]) == "Loss at step 100: … (no line is shown)."


def test_a_stage_looks_the_same_whatever_style_the_notebook_has_chosen():
    def pixels():
        return explorers.price_list().stages["light"]

    plain = pixels()
    with plt.style.context({"axes.grid": False, "font.size": 20, "lines.linewidth": 5}):
        assert pixels() == plain
        assert plt.rcParams["font.size"] == 20, "the notebook's own style is left alone"


@pytest.mark.parametrize(
    ("opener", "filled", "outlined"),
    [(explorers.slopes, "Positive", "Negative"), (explorers.writing, "Kept", "Cut off")],
)
def test_bars_of_two_kinds_differ_by_more_than_colour(opener, filled, outlined):
    explorer = opener()
    keys, names = explorer.meta["keys"], dict(zip(explorer.meta["keys"], explorer.meta["names"], strict=True))
    kinds = {keys[s["name"]]: s["fill"] for s in explorer.meta["series"] if s["fill"]}
    assert (kinds[filled], kinds[outlined]) == (1, 2)
    figure = explorer.still()
    patches = {patch.get_label(): patch for patch in figure.axes[0].patches}
    assert patches[names[outlined]].get_facecolor()[3] == 0 < patches[names[filled]].get_facecolor()[3]


@pytest.mark.parametrize("opener", [explorers.explore, explorers.logits, explorers.vanishing])
def test_one_stage_is_laid_out_and_the_others_take_its_places_over(opener):
    explorer = opener()
    alone, _ = stage.draw_stage(explorer.stage, "dark", explorer.topic)
    assert explorer.stages["dark"] == stage.png(alone, 2)


def test_a_menu_draws_the_stage_again_only_if_it_has_another_one():
    same, other = explorers.slopes(), explorers.logits()
    before = same.stages["light"], other.stages["light"]
    same.ask = {"choice": ["truth", "setosa"], "n": 1}
    other.ask = {"choice": ["label", "2"], "n": 1}
    assert same.stages["light"] is before[0]
    assert other.stages["light"] != before[1], "its title has another number"


def test_a_legend_names_two_series_of_one_name_once():
    explorer = explorers.logits()
    figure = explorer.still()
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(labels) == len(set(labels)) > 0


def test_a_stage_is_cut_between_axes_that_stand_side_by_side():
    explorer = explorers.logits()
    pieces = explorer.meta["pieces"]
    assert [x for x, _ in pieces] == np.cumsum([0, *(w for _, w in pieces)])[:-1].round(2).tolist()
    assert sum(w for _, w in pieces) == pytest.approx(stage.WIDTH)
    _, axes = stage.draw_stage(explorer.stage, "light", explorer.topic)
    for ax, (x, width) in zip(axes, pieces, strict=True):
        box = ax.get_tightbbox()
        assert x <= box.x0 < box.x1 <= x + width, "nothing that is drawn may be cut through"


def test_a_stage_is_not_cut_through_a_title_of_its_own_or_axes_on_each_other():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = list(figure.subplots(1, 2))
    assert len(stage.pieces(axes)) == 2
    figure.suptitle("both")
    assert len(stage.pieces(axes)) == 1
    assert len(stage.pieces(list(Figure().subplots(2, 1)))) == 1
    assert len(stage.pieces(list(Figure().subplots(1, 2, sharey=True)))) == 1, (
        "one axis names the rows of both"
    )


def test_the_contribution_guide_adds_an_explorer_in_twenty_lines():
    guide = Path(explorers.__file__).parents[3].joinpath("CONTRIBUTING.md").read_text(encoding="utf-8")
    section = guide.partition("## How an explorer is added")[2].partition("\n## ")[0]
    one, other = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    assert max(len([line for line in code.splitlines() if line]) for code in (one, other)) <= 20
    names = {"LiveExplorer": LiveExplorer}
    exec(one, names)
    explorer = names["wave"](k=3.0)
    np.testing.assert_allclose(
        explorer.computed().series[0].points[60, 0, :, 1], np.sin(3 * np.linspace(0, 2 * np.pi, 200))
    )
    assert explorer.computed().sentence(tuple(explorer.state["index"])) == "sin(3.00 x)"
    exec(other, names)
    said = [view.sentence() for view in names["compute"](lr=0.5)][:3]
    assert said == ["w = 1", "w = 0.5", "w = 0.25"]
    assert names["descent"](lr=0.5).answer["done"] == [0, 100]


def test_requested_values_are_exact_grid_values():
    explorer = explorers.explore(lr=0.0123, beta=0.87)
    for slider, index, want in zip(explorer.sliders, explorer.state["index"], (0.0123, 0.87), strict=True):
        assert slider.values[index] == want
        assert (np.diff(slider.values) > 0).all()


def test_fallback_picture_and_stable_repr_are_in_the_bundle():
    data, _ = explorers.explore()._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")
    assert data["text/plain"] == repr(explorers.explore())


def test_still_shows_the_present_setting():
    explorer = explorers.explore("ravine", lr=0.3, step=3, shown=["GD", "Adam"])
    figure = explorer.still()
    lines = {line.get_label().split(" (")[0]: line for line in figure.axes[0].get_lines()}
    assert {"GD", "Adam"} <= set(lines)
    assert "Momentum" not in lines
    start = stage.pixels(explorer.panels[0], np.array(surfaces.SURFACES["ravine"].start))
    seen = lines["Adam"].get_transform().transform(lines["Adam"].get_xydata()[0])
    np.testing.assert_allclose(seen * (1, -1) + (0, stage.HEIGHT), start, atol=0.5 / stage.UNIT)
    assert len(lines["Adam"].get_xydata()) == 4
    assert lines["GD"].get_label() == "GD (diverged at step 5)"


def test_a_still_picture_says_how_to_move_it_and_covers_nothing():
    explorer = explorers.explore()
    figure = stage.invite(explorer.still())
    (said,) = [text for text in figure.texts if "Run this cell" in text.get_text()]
    words = said.get_window_extent()
    assert figure.bbox.x0 < words.x0 < words.x1 < figure.bbox.x1
    assert figure.bbox.y0 < words.y0
    assert words.y1 < min(ax.get_tightbbox().y0 for ax in figure.axes)
    for ax, panel in zip(figure.axes, explorer.panels, strict=True):
        left, top, width, height = panel.box
        assert ax.bbox.bounds == pytest.approx((left, figure.bbox.y1 - top - height, width, height))
    stages = [figure_of(explorer, theme) for theme in ("light", "dark")]
    assert not [text for one in stages for text in one.texts], "the live picture does not"


@pytest.mark.parametrize("opener", [explorers.explore, explorers.draw, explorers.multi_label])
def test_an_invitation_leaves_the_lines_on_their_axes(opener):
    explorer = opener()
    plain, invited = explorer.still(), stage.invite(explorer.still())

    def seen(figure):
        figure.draw_without_rendering()  # Axes of equal units shrink only then
        ax = figure.axes[0]
        drawn = ax.patches[-1] if opener is explorers.draw else ax.get_lines()[-1]
        path = drawn.get_path().transformed(drawn.get_transform())
        return path.transformed(ax.transAxes.inverted()).vertices

    np.testing.assert_allclose(seen(invited), seen(plain), atol=1e-9)


def test_a_still_picture_shows_what_is_on_the_pad_and_what_is_seen_of_it():
    pad = explorers.draw(example="a 3")
    bars, *sheets = pad.still().axes
    ink, seen = (np.asarray(ax.images[0].get_array()) for ax in sheets)
    np.testing.assert_array_equal(ink, draw.enlarged(3))
    np.testing.assert_array_equal(seen, handwriting.centred(ink))
    assert [ax.get_title() for ax in sheets] == ["drawing pad", "what the network sees"]
    bar = bars.patches[0]
    p = draw.answer(trained.pad_reader(), seen)
    tops = bar.get_transform().transform(bar.get_xy())[1::4]
    tops = bars.transData.inverted().transform(tops)
    np.testing.assert_allclose(tops, np.stack([np.arange(10) - 0.4, p], 1), atol=0.01)
    assert max(ax.get_tightbbox().x1 for ax in sheets) < bars.get_tightbbox().x0


def test_the_picture_above_an_explorer_is_its_own_without_an_invitation():
    explorer = explorers.explore(lr=0.3, step=3, shown=["GD"])
    shown = Image.open(io.BytesIO(explorer.picture().data))
    assert shown.size == (round(0.8 * stage.WIDTH), round(0.8 * stage.HEIGHT))
    invited = Image.open(io.BytesIO(base64.b64decode(explorer._repr_mimebundle_()[0]["image/png"])))
    assert abs(invited.height - shown.height - 0.8 * stage.FOOT) <= 1


def test_the_sentence_is_that_of_the_present_setting():
    explorer = explorers.explore(lr=0.3, step=3, shown=["GD"])
    view = explorer.computed()
    expected = view.sentence(explorer.state["index"], ["GD"], "en", 3)
    assert explorer.sentence() == expected
    assert expected.startswith("Loss at step 3: GD ")
    assert explorers.explore(lr=0.03, step=3, shown=["GD"]).sentence() != expected


def figure_of(explorer, theme):
    return stage.draw_stage(explorer.stage, theme, explorer.topic, at=explorer.places)[0]


def test_a_slider_without_effect_is_seen_in_what_is_packed():
    meta = explorers.explore().meta
    shapes = {meta["keys"][s["name"]]: s["shape"][:2] for s in meta["series"]}
    assert shapes == {"GD": [97, 1], "Momentum": [97, 21], "RMSProp": [97, 1], "Adam": [97, 21]}
    said = {key: one[:3] for key, one in zip(["", *meta["keys"]], meta["said"], strict=True)}
    assert said[""] == [1, 1, 101]
    assert (said["GD"], said["Adam"]) == ([97, 1, 101], [97, 21, 101])


def test_a_sentence_that_does_not_fit_the_grid_is_refused():
    def compute(k):
        series = [contract.Series("Loss", 0, np.zeros((5, 1, 3, 2)))]
        text = Sentence("says", k=np.zeros((5, 1, 4)))  # four steps of none
        return contract.View({"slider.k": "k", "says": "{k}"}, explore_stage, series, text)

    def one(k=0.0):
        return GridExplorer(one, compute, (contract.Slider("k", np.linspace(0, 1, 5)),), k=k)

    with pytest.raises(ValueError, match="broadcast"):
        one()


def explore_stage(figure, theme, words):
    return [figure.subplots()]


def test_a_sentence_of_too_many_texts_is_refused():
    texts = [str(k) for k in range(70_000)]
    with pytest.raises(ValueError, match="at most 65536 texts, got 70000"):
        stage.pack_words([(texts, np.arange(70_000).reshape(-1, 1, 1))])


def test_what_is_packed_is_unpacked_again():
    numbers = np.array([0, 1, -1, 255, 256, -32768, 32767], "<i2")
    found, texts = stage.inflate(stage.deflate(numbers.tobytes(), "σ\nμ"), len(numbers))
    np.testing.assert_array_equal(found, numbers)
    assert texts == "σ\nμ"


def test_choosing_a_surface_takes_its_start_along():
    explorer = explorers.explore()
    explorer.ask = {"choice": ["surface", "beale"], "n": 1}
    assert explorer.settings == {"surface": "beale", "start": surfaces.SURFACES["beale"].start, "steps": 100}
    assert explorer.meta["choices"]["surface"][0] == "beale"


def test_dragging_the_start_previews_one_position_and_letting_go_computes_all():
    explorer = explorers.explore()
    whole, target = explorer.atlas, np.array([0.5, -0.25])
    point = stage.pixels(explorer.panels[0], target).tolist()
    explorer.ask = {"point": point, "preview": True, "n": 1}
    assert explorer.settings["start"] == (0.5, -0.25)
    assert explorer.atlas is whole
    series, said = explorer.meta["series"], explorer.preview["said"]
    count = sum(s["shape"][2] for s in series) + sum(steps for _, _, steps, _ in said)
    assert len(explorer.preview["data"]) == 2 * count
    assert [(a, b) for a, b, *_ in said] == [(1, 1)] * len(said)
    assert "GD " in explorer.preview["texts"], "the sentence goes along"
    explorer.ask = {"point": point, "preview": False, "n": 2}
    assert explorer.atlas != whole
    np.testing.assert_allclose(explorer.computed().series[0].points[:, 0, 0], [target] * 97)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_line_and_word_stands_out_from_the_ground(theme):
    """WCAG 2.1: contrast of graphics ≥ 3, of text ≥ 4.5, on the palest and the darkest part of the stage."""
    page = {"light": "#FFFFFF", "dark": "#111111"}[theme]
    grounds = [page, palette.GROUND[theme](0.0), palette.GROUND[theme](1.0)]
    for name in palette.LINES:
        assert min(contrast(palette.colour(name, theme), g) for g in grounds) >= 3, name
    assert contrast(palette.TEXT[theme], page) >= 4.5


def contrast(one, other):
    """WCAG contrast ratio of two colours."""
    from matplotlib.colors import to_rgb

    def luminance(colour):
        c = np.array(to_rgb(colour))
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
