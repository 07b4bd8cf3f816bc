"""The explorers of chapter 4 show the slopes of autograd, and say what they show."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from losslab import explorers
from losslab.explorers.contract import vocabulary
from losslab.explorers.views import gradient_check, vanishing
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


@pytest.mark.parametrize("truth", views.SPECIES)
@pytest.mark.parametrize(("length", "width"), [(4.7, 1.4), (1.0, 2.5), (7.0, 0.1)])
def test_backprop_shows_autograds_slopes(truth, length, width):
    explorer = explorers.slopes(length, width, truth)
    at = tuple(explorer.state["index"])
    x = np.array([[7.0, 3.2, length, width]])
    deltas, found = by_autograd(views.LAYERS, x, [views.SPECIES.index(truth)])
    (bars,), lines = of(explorer.computed(), "Corrected", 0), of(explorer.computed(), "Corrected", 1)
    np.testing.assert_allclose(tops(bars, at), torch.cat(deltas, 1)[0], **TO_12_DIGITS)
    first, second = (dW.numpy() for dW, _ in found)
    slopes = [first[j] if k == 0 else second[:, j] for j in range(5) for k in range(2)]
    for line, expected in zip(lines, slopes, strict=True):
        edges = line.points[at].reshape(-1, 4, 2)
        wide = 2 * np.minimum(0.045 * np.abs(expected) ** 0.5, 0.15)
        np.testing.assert_allclose(edges[:, 0, 1] - edges[:, 3, 1], wide, atol=1e-6)
        assert (np.ptp(edges[:, :2, 0], axis=1) > 0).tolist() == (expected != 0).tolist()


def test_backprop_shows_what_the_print_leaves_out():
    explorer = explorers.slopes()
    at = tuple(explorer.state["index"])
    (bars,), lines = of(explorer.computed(), "As printed", 0), of(explorer.computed(), "As printed", 1)
    np.testing.assert_allclose(tops(bars, at), [0, explorer.computed().series[0].points[at][-7, 1], 0])
    drawn = [np.ptp(edge[:, 0]) > 0 for line in lines for edge in line.points[at].reshape(-1, 4, 2)]
    assert sum(drawn) == 4
    assert (
        explorer.computed()
        .sentence(at, ["Corrected"])
        .endswith("slope: corrected (0.93, -0.95, 0.03) and 28.")
    )
    assert (
        explorer.computed()
        .sentence(at, ["As printed"])
        .endswith("slope: as printed (0.00, -0.95, 0.00) and 4.")
    )


@pytest.mark.parametrize(("length", "silent"), [(4.7, 1), (5.2, 1), (5.4, 2), (5.9, 3), (6.6, 4), (7.0, 4)])
def test_neurons_fall_silent_where_the_chapter_says(length, silent):
    z, _ = backprop.forward(views.LAYERS, np.array([[7.0, 3.2, length, 1.4]]))
    assert (z[0] <= 0).sum() == silent
    view = views.compute(np.array([[length]]), np.array([[1.4]]), truth="versicolor")
    assert view.sentence((0, 0), ["Corrected"]).endswith(f" and {7 * (5 - silent)}.")


@pytest.mark.parametrize("mistake", gradient_check.MISTAKES)
def test_planted_mistakes_are_found_where_they_are(mistake):
    off = {"none": [], "σ' forgotten": ["W₁", "b₁"], "bias forgotten": ["b₁", "b₂"]}
    expected = off.get(mistake, ["W₁", "b₁", "W₂", "b₂"])
    explorer = explorers.gradient_check(mistake=mistake)
    at = tuple(explorer.state["index"])
    (bars,) = of(explorer.computed(), "Every slope", 0)
    blocks = zip(("W₁", "b₁", "W₂", "b₂"), np.split(tops(bars, at), [20, 25, 40]), strict=True)
    assert [name for name, block in blocks if block.max() > 1e-3] == expected
    verdict = f"these do not pass: {' '.join(expected)}" if expected else "every slope passes"
    assert f"below 1e-06 {verdict}." in explorer.computed().sentence(
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
    artists.weights(ax, layers, [np.array([[4.0, -2.0]])], gap=(0.5, 0.25), widest=5.0)
    positive, negative = ax.lines
    np.testing.assert_allclose(positive.get_xydata(), [[0.5, 1.0], [2.75, 1.5]])
    np.testing.assert_allclose(negative.get_xydata(), [[0.5, 2.0], [2.75, 1.5]])
    assert (positive.get_linewidth(), negative.get_linewidth()) == (5.0, 0.4 + 4.6 / 2)
    assert (positive.get_linestyle(), negative.get_linestyle()) == ("-", "--")
    assert positive.get_color() != negative.get_color()


def test_a_weight_of_0_has_no_line():
    ax = Figure().subplots()
    artists.weights(ax, views.nodes(), [np.zeros((5, 4)), np.eye(3, 5)])
    assert len(ax.lines) == 3
    artists.weights(Figure().subplots(), views.nodes(), [np.zeros((5, 4)), np.zeros((3, 5))])
