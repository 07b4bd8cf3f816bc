"""The explorers of chapter 4 show the slopes of autograd, and say what they show."""

import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from losslab import explorers
from losslab.explorers import shapes
from losslab.explorers.contract import vocabulary
from losslab.explorers.views import gradient_check, passes, ripple, vanishing
from losslab.explorers.views import slopes as views
from losslab.figures import artists
from losslab.formulas import backprop

TO_12_DIGITS = {"rtol": 0, "atol": 1e-12}


def by_autograd(layers, x, labels):
    """Slopes of the pre-activations and of (W, b), by torch alone."""
    tensors = [[torch.tensor(t, requires_grad=True) for t in layer] for layer in layers]
    a, z = torch.tensor(x), []
    for W, b in tensors:
        z.append(torch.nn.functional.linear(a, W, b))
        z[-1].retain_grad()
        a = torch.relu(z[-1])
    torch.nn.functional.cross_entropy(z[-1], torch.tensor(labels)).backward()
    return [one.grad for one in z], [(W.grad, b.grad) for W, b in tensors]


def test_the_chapter_prints_the_network_of_its_explorers(cells):
    names = {"np": np}
    exec(cells["network"].partition("\n\n\ndef draw")[0], names)
    for (W, b), w, c in zip(views.LAYERS, ("W1", "W2"), ("b1", "b2"), strict=True):
        np.testing.assert_array_equal(names[w], W)
        np.testing.assert_array_equal(names[c], b)
    np.testing.assert_array_equal(names["x"], views.FLOWER[0])
    assert names["species"] == views.SPECIES
    np.testing.assert_array_equal(names["y"], np.eye(3)[views.LABEL[0]])


def of(view, name, panel):
    return [series for series in view.series if (series.key, series.panel) == (name, panel)]


def tops(series, at):
    """Heights of the bars of an outline."""
    return series.points[at].reshape(-1, 4, 2)[:, 1, 1]


def slopes_at(length=4.7, width=1.4, truth="versicolor", formulas="corrected"):
    return views.compute(np.array([[length]]), np.array([[width]]), truth=truth, formulas=formulas)


def drawn(view):
    """Signed thickness of the 35 lines, (5, 7): per hidden neuron those that enter, then those that leave."""
    found = {}
    for key, sign in (("Positive", 1), ("Negative", -1)):
        lines = [s.points[0, 0] for s in of(view, key, 1)]
        rows = []
        for path, n in zip(lines, [4, 3] * 5, strict=True):
            one = path.reshape(n, -1, 2)
            rows.append(sign * np.linalg.norm(one[:, 1] - one[:, -2], axis=-1))
        found[key] = np.concatenate(rows).reshape(5, 7)
    assert (found["Positive"] * found["Negative"] == 0).all(), "a line has one sign"
    return found["Positive"] + found["Negative"]


@pytest.mark.parametrize("truth", views.SPECIES)
@pytest.mark.parametrize(("length", "width"), [(4.7, 1.4), (1.0, 2.5), (7.0, 0.1)])
def test_slopes_shows_autograds_derivatives_with_their_signs(truth, length, width):
    view = slopes_at(length, width, truth)
    deltas, found = by_autograd(
        views.LAYERS, np.array([[7.0, 3.2, length, width]]), [views.SPECIES.index(truth)]
    )
    up, down = (tops(of(view, key, 0)[0], (0, 0)) for key in ("Positive", "Negative"))
    np.testing.assert_allclose(up + down, torch.cat(deltas, 1)[0], **TO_12_DIGITS)
    assert (up >= 0).all()
    assert (down <= 0).all()
    expected = np.concatenate([found[0][0].numpy(), found[1][0].numpy().T], 1)
    wide = 2 * np.clip(0.025 * np.abs(expected) ** 0.5, 0.012, 0.09) * np.sign(expected)
    np.testing.assert_allclose(drawn(view), wide, atol=1e-6)
    signs = f"{(expected != 0).sum()} have a derivative other than 0: {(expected > 0).sum()} positive"
    assert signs in view.sentence()


def test_slopes_shows_what_the_print_leaves_out():
    corrected, printed = slopes_at(), slopes_at(formulas="as printed")
    assert np.count_nonzero(drawn(corrected)) == 28
    assert np.count_nonzero(drawn(printed)) == 4
    assert not drawn(printed)[:, :4].any(), "nothing reaches the left half"
    (bars,) = of(printed, "Negative", 0)
    np.testing.assert_allclose(tops(bars, (0, 0)), [0, tops(of(corrected, "Negative", 0)[0], (0, 0))[-2], 0])


@pytest.mark.parametrize(("length", "silent"), [(4.7, 1), (5.2, 1), (5.4, 2), (5.9, 3), (6.6, 4), (7.0, 4)])
def test_neurons_fall_silent_where_the_chapter_says(length, silent):
    z, _ = backprop.forward(views.LAYERS, np.array([[7.0, 3.2, length, 1.4]]))
    assert (z[0] <= 0).sum() == silent
    view = slopes_at(length)
    crossed = [s.points[0, 0, 0] for s in of(view, "Silent", 1)]
    inside = [y for y in crossed if np.abs(y).max() < 10]
    np.testing.assert_allclose(inside, views.nodes()[1][z[0][0] <= 0] + (0, 0.33))
    assert f"Of 35 weights, {7 * (5 - silent)} have" in view.sentence()
    names = "".join(f" h{'₁₂₃₄₅'[k]}" for k in np.flatnonzero(z[0][0] <= 0))
    assert f"silent (z < 0):{names}." in view.sentence()


def test_somewhere_no_neuron_or_all_but_one_is_silent():
    every = views.compute(
        views.SLIDERS[0].values[:, None], np.array([[1.4]]), truth="setosa", formulas="corrected"
    )
    said = {text.partition("; ")[2].partition(". Of")[0] for text in every.said("en")[0].ravel()}
    assert "silent (z < 0): h₁ h₂ h₃ h₅" in said


@pytest.mark.parametrize("mistake", gradient_check.MISTAKES)
def test_planted_mistakes_are_found_where_they_are(mistake):
    off = {"none": [], "σ' forgotten": ["W₁", "b₁"], "bias forgotten": ["b₁", "b₂"]}
    expected = off.get(mistake, ["W₁", "b₁", "W₂", "b₂"])
    explorer = explorers.gradient_check(mistake=mistake)
    at = tuple(explorer.state["index"])
    (bars,) = of(explorer.computed(), "Every slope", 0)
    blocks = zip(("W₁", "b₁", "W₂", "b₂"), np.split(tops(bars, at), [20, 25, 40]), strict=True)
    assert [name for name, block in blocks if block.max() > 1e-3] == expected
    verdict = f"these do not pass: {' '.join(expected)}" if expected else "every derivative passes"
    assert f"Below 1e-06 {verdict}." in explorer.computed().sentence(
        tuple(at) if isinstance(at, list) else at
    )


def test_eight_bars_belong_to_the_silent_neuron_and_one_mistake_brings_back_five():
    def missing(mistake):
        explorer = explorers.gradient_check(mistake=mistake)
        (bars,) = of(explorer.computed(), "Every slope", 0)
        return set(np.flatnonzero(tops(bars, tuple(explorer.state["index"])) <= gradient_check.FLOOR))

    into, out_of = {0, 1, 2, 3, 20}, {25, 30, 35}
    assert missing("none") == into | out_of
    assert {name: missing(name) & (into | out_of) for name in gradient_check.MISTAKES} == {
        name: out_of if name == "σ' forgotten" else into | out_of for name in gradient_check.MISTAKES
    }


@pytest.mark.parametrize(
    ("parameter", "block"),
    [(0, "W₁"), (19, "W₁"), (20, "b₁"), (24, "b₁"), (25, "W₂"), (39, "W₂"), (40, "b₂"), (42, "b₂")],
)
def test_the_sentence_names_the_block_of_the_wrong_slope(parameter, block):
    (text,) = gradient_check.verdict(np.eye(43)[[parameter]]).said(vocabulary("gradient_check"))
    assert text == f"these do not pass: {block}"


def test_a_right_gradient_draws_a_v_and_a_wrong_one_a_floor():
    right, wrong = (explorers.gradient_check(mistake=name).computed() for name in ("none", "bias forgotten"))
    curve, floor = (of(view, "Central differences", 1)[0].points[0, -1] for view in (right, wrong))
    assert 1e-7 < curve[curve[:, 1].argmin(), 0] < 1e-4
    assert curve[:, 1].min() < 1e-9
    assert min(curve[0, 1], curve[-1, 1]) > 1e-3
    assert floor[:, 1].min() > 0.01
    (line,) = of(right, "This step size", 1)
    np.testing.assert_allclose(line.points[:, 0, 0, 0], gradient_check.SLIDERS[0].values)


def test_every_size_of_a_mistake_lifts_the_curve_in_proportion():
    explorer = explorers.gradient_check(h=1e-5, mistake="y − p for p − y")
    (central,) = of(explorer.computed(), "Central differences", 1)
    sizes, error = gradient_check.SLIDERS[1].values, central.points[0, :, explorer.state["index"][0], 1]
    large = sizes > 1e-8
    np.testing.assert_allclose(error[large], 2 * sizes[large], rtol=0.02)
    assert error[~large].max() < 1e-7


@pytest.mark.parametrize(("depth", "scale"), [(20, 1.0), (40, 2**0.5), (7, 0.3), (2, 3.0)])
def test_depth_shows_what_autograd_sends_back(depth, scale):
    view = vanishing.compute(np.array([[depth]]), np.array([[scale]]))
    rng = np.random.default_rng(0)
    drawn = backprop.random_layers(rng, (64,) * 41 + (10,), 1.0)
    x, delta = rng.normal(size=(4, 64)), rng.normal(size=(4, 10))
    for name, sigma in {"ReLU": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}.items():
        a, z = torch.tensor(x, requires_grad=True), []
        for W, _ in [*drawn[:depth], drawn[-1]]:
            z.append(a @ torch.tensor(scale * W).T)
            z[-1].retain_grad()
            a = sigma(z[-1])
        z[-1].backward(torch.tensor(delta))
        back = [one.grad.norm() / np.linalg.norm(delta) for one in z[:-1]]
        size = [sigma(one).detach().square().mean() ** 0.5 for one in z[:-1]]
        for panel, heights in enumerate((back, size)):
            (line,) = of(view, name, panel)
            np.testing.assert_array_equal(line.points[0, 0, :depth, 0], np.arange(1, depth + 1))
            np.testing.assert_allclose(line.points[0, 0, :depth, 1], heights, rtol=1e-9)
            assert (line.points[0, 0, depth:] == line.points[0, 0, depth - 1]).all()
        assert view.sentence((0, 0), [name]).endswith(f"first layer: {back[0]:.1e} with {name}.")


def test_a_network_is_drawn_where_it_is_and_with_its_words():
    ax = Figure().subplots()
    artists.network(ax, [np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([[3.0, 1.5]])], [["a", "b"], ["c"]])
    assert {t.get_text(): t.get_position() for t in ax.texts} == {"a": (0, 1), "b": (0, 2), "c": (3, 1.5)}
    assert all(t.get_bbox_patch() for t in ax.texts)
    np.testing.assert_allclose([*ax.get_xlim(), *ax.get_ylim()], [-0.7, 3.7, 0.3, 2.7])


def test_weights_are_lines_thicker_for_larger_and_dashed_for_negative():
    ax = Figure().subplots()
    layers = [np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([[3.0, 1.5]])]
    artists.weights(ax, layers, [np.array([[4.0, -2.0]])], gaps=(0.5, 0.25), widest=5.0)
    positive, negative = ax.lines
    np.testing.assert_allclose(positive.get_xydata(), [[0.5, 1.0], [2.75, 1.5]])
    np.testing.assert_allclose(negative.get_xydata(), [[0.5, 2.0], [2.75, 1.5]])
    assert (positive.get_linewidth(), negative.get_linewidth()) == (5.0, 0.4 + 4.6 / 2)
    assert (positive.get_linestyle(), negative.get_linestyle()) == ("-", "--")
    assert positive.get_color() != negative.get_color()


def test_a_weight_of_0_has_no_line():
    ax = Figure().subplots()
    artists.weights(ax, views.nodes(), [np.zeros((5, 4)), np.eye(3, 5)], gaps=(0, 0, 0))
    assert len(ax.lines) == 3
    artists.weights(ax, views.nodes(), [np.zeros((5, 4)), np.zeros((3, 5))], gaps=(0, 0, 0))
    assert len(ax.lines) == 3


def moved_to_0(path):
    """A pen's way with its left end at 0, without the corners where it waits."""
    path = [tuple(corner) for corner in (path - (path[:, 0].min(), 0)).round(2).tolist()]
    return tuple(corner for k, corner in enumerate(path) if k == 0 or corner != path[k - 1])


def written(view, key, panel):
    """What is written on a panel, read off the pen's ways: {height: signs from left to right}."""
    ways = {
        moved_to_0(np.array([shapes.SEGMENTS[s] for s in way])): sign for sign, way in shapes.STROKES.items()
    }
    found = {}
    for series in of(view, key, panel):
        path = series.points[0, 0]
        if np.abs(path).max() < 100:
            y = next(y for y in np.arange(-2.5, 3, 0.5) if np.abs(path[:, 1] - y).max() < 0.14)
            unit = (path - (0, y)) / (passes.DIGIT[1], passes.DIGIT[0] / 2) + (0, 1)
            found.setdefault(y, []).append((path[0, 0], ways[moved_to_0(unit)]))
    return {y: "".join(sign for _, sign in sorted(signs)) for y, signs in found.items()}


@pytest.mark.parametrize("flower", [1, 2, 3, 4, 5])
def test_passes_writes_the_numbers_of_autograd(flower):
    x, label = passes.FLOWERS[flower - 1 : flower], passes.LABELS[flower - 1]
    (delta1, delta2), ((dW1, _), (dW2, _)) = by_autograd(views.LAYERS, x, [label])
    (W1, b1), (W2, b2) = (map(torch.tensor, layer) for layer in views.LAYERS)
    z1 = W1 @ torch.tensor(x[0]) + b1
    z2 = W2 @ z1.relu() + b2
    p = z2.softmax(0)
    want = [x[0], z1, z1.relu(), z2, p, -p[label].log()[None], delta2[0], dW2, delta1[0], dW1]
    found = passes.values(flower)
    for name, expected in zip(passes.STAGES, want, strict=True):
        np.testing.assert_allclose(found[name], expected, **TO_12_DIGITS)
        view = passes.compute(np.array([[passes.STAGES.index(name)]]), np.array([[flower]]))
        numbers = [f"{v:.2f}" for v in np.ravel(expected).round(2) + 0.0]
        assert re.findall(r"-?\d+\.\d\d", view.sentence()) == numbers
        assert ("δ" in view.sentence()) == (name in passes.STAGES[6:])


def test_passes_shows_what_has_been_reached_and_nothing_else():
    counts = []
    for stage in range(10):
        view = passes.compute(np.array([[stage]]), np.array([[1]]))
        inside = [(s.key, s.panel) for s in view.series if np.abs(s.points).max() < 100]
        counts.append([inside.count(one) for one in (("This step", 0), ("This step", 1))])
        lines = [s.points for s in view.series if s.key in ("Positive", "Negative")]
        shown = sum(np.abs(one).max() < 100 for one in lines)
        assert shown == {7: 10, 8: 10, 9: 20}.get(stage, 0)
        columns = sum(stage >= passes.STAGES.index(name) for name in passes.FORWARD)
        assert written(view, "Forward", 0)[1.5] == "7.00"
        assert len(re.findall(r"\.", written(view, "Forward", 0).get(0.0, ""))) == max(columns - 1, 0)
        assert (("Backward", 1) in inside) == (stage >= 6)
    assert counts == [[1, 0]] * 6 + [[0, 1], [0, 0], [0, 1], [0, 0]]


def test_passes_writes_digits_where_the_network_stands():
    view = passes.compute(np.array([[9]]), np.array([[1]]))
    assert written(view, "Forward", 0)[2.0] == "-9.750.00"
    assert written(view, "Forward", 0)[1.5] == "7.00"
    assert written(view, "Forward", 0)[0.0] == "1.101.10-2.600.053.10"
    assert written(view, "Backward", 1)[0.0] == "-1.43-0.95"


SEVEN = {  # which of the seven segments a digit lights: top, upper right and so on clockwise, the middle last
    **{
        "0": "abcdef",
        "1": "bc",
        "2": "abdeg",
        "3": "abcdg",
        "4": "bcfg",
        "5": "acdfg",
        "6": "acdefg",
        "7": "abc",
    },
    **{"8": "abcdefg", "9": "abcfg"},
}
BARS = {
    "a": (0.5, 2),
    "b": (1, 1.5),
    "c": (1, 0.5),
    "d": (0.5, 0),
    "e": (0, 0.5),
    "f": (0, 1.5),
    "g": (0.5, 1),
}


@pytest.mark.parametrize("digit", "0123456789")
def test_a_digit_lights_its_segments(digit):
    path = shapes.numerals(np.array(float(digit)), 0, 1, 2, 1)[0]
    path = path - (path[:, 0].min() - (digit == "1"), 0)
    between = np.linspace(path[:-1], path[1:], 9)[1:-1].reshape(-1, 2)
    lit = {name for name, at in BARS.items() if (np.abs(between - at).max(-1) < 1e-9).any()}
    assert lit == set(SEVEN[digit])


@pytest.mark.parametrize("weight", ripple.WEIGHTS)
@pytest.mark.parametrize("nudge", [-1.0, -0.13, 0.0, 0.02, 0.7])
def test_a_nudge_changes_what_torch_says_and_the_tangent_is_autograds(weight, nudge):
    layer, row, column = ripple.WEIGHTS[weight]
    layers = [[torch.tensor(array) for array in pair] for pair in views.LAYERS]
    layers[layer][0][row, column] += nudge
    (W1, b1), (W2, b2) = layers
    z1 = W1 @ torch.tensor(views.FLOWER[0]) + b1
    z2 = W2 @ z1.relu() + b2
    want = {"z1": z1, "a1": z1.relu(), "z2": z2, "p": z2.softmax(0), "loss": -z2.log_softmax(0)[[1]]}
    for name, found in ripple.values([nudge], weight).items():
        np.testing.assert_allclose(found[0], want[name], **TO_12_DIGITS)
    slope = by_autograd(views.LAYERS, views.FLOWER, views.LABEL)[1][layer][0][row, column].item()
    assert ripple.derivative(weight) == pytest.approx(slope, abs=1e-12)
    view, before = (
        ripple.compute(np.array([[nudge]]), weight=weight),
        ripple.values([0], weight)["loss"].item(),
    )
    np.testing.assert_allclose(of(view, "Measured", 1)[0].points[0, 0], [[nudge, want["loss"].item()]])
    promised = of(view, "Promised", 1)[1].points[0, 0]
    np.testing.assert_allclose(promised, [[nudge, before + slope * nudge]], rtol=1e-12)
    change, promise = np.round([want["loss"].item() - before, slope * nudge], 3) + 0.0
    assert f"{promise:.3f}; in truth it changes by {change:.3f}, from 3.099 to" in view.sentence()


def middles(view, *keys):
    """The middles of the frames of these keys that are on the picture."""
    frames = [s.points[0, 0] for key in keys for s in of(view, key, 0) if np.abs(s.points).max() < 100]
    return [((one.min(0) + one.max(0)) / 2).round(6).tolist() for one in frames]


def test_a_nudge_into_a_silent_neuron_goes_no_farther():
    view = ripple.compute(np.array([[1.0]]), weight="petal length to h1")
    assert middles(view, "Rises", "Falls") == [passes.places("z1")[0].tolist()]
    assert (
        "promises a change of the loss by 0.00 · 1.00 = 0.000; in truth it changes by 0.000"
        in view.sentence()
    )


def test_the_ripple_reaches_every_output_and_the_frames_say_which_way():
    view = ripple.compute(np.array([[0.3]]), weight="petal length to h2")
    up, down, column = middles(view, "Rises"), middles(view, "Falls"), passes.COLUMNS
    rises = [[column["z1"], 1], [column["a1"], 1], [column["z2"], 1], [column["p"], 1], [column["loss"], 0]]
    assert sorted(up) == sorted(rises)
    assert sorted(down) == sorted([[column[name], y] for name in ("z2", "p") for y in (0, -1)])
