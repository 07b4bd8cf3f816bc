"""The explorers of chapter 1: what they compute, against another way of computing it."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from losslab import explorers
from losslab.explorers.views import bend, network_size, neuron
from losslab.formulas import costs
from losslab.learning import autodiff

pytestmark = pytest.mark.trains


def at(view, key, panel):
    """The points of a series at the only position there is."""
    (found,) = [series for series in view.series if (series.key, series.panel) == (key, panel)]
    return found.points[0, 0]


def a_neuron(w, b):
    return neuron.compute(np.array([[w]]), np.array([[b]]))


# --- neuron ---


def test_the_thermometers_agree_with_physics():
    scales = dict(zip(neuron.CELSIUS.tolist(), neuron.FAHRENHEIT.tolist(), strict=True))
    assert (scales[0.0], scales[100.0]) == (32.0, 212.0)


@pytest.mark.parametrize("b", [-40.0, 0.0, 32.0, 80.0])
def test_the_best_weight_and_its_error_are_those_of_least_squares(b):
    (w,), (squares,), *_ = np.linalg.lstsq(neuron.CELSIUS[:, None], neuron.FAHRENHEIT - b, rcond=None)
    assert neuron.best_weight(b) == pytest.approx(w)
    assert neuron.mean_squared_error(w, b) == pytest.approx(squares / 7)


def test_without_a_bias_no_weight_fits():
    w = neuron.best_weight(0.0)
    assert (w, neuron.mean_squared_error(w, 0.0)) == (pytest.approx(2.2), pytest.approx(512))
    assert neuron.mean_squared_error(1.8, 32.0) == pytest.approx(0)


@pytest.mark.parametrize(
    ("w", "b", "said"),
    [
        (
            1.8,
            32.0,
            "error 0. Freezing water, 0 °C, becomes 32 °F; boiling water, 100 °C, becomes 212 °F",
        ),
        (
            2.2,
            0.0,
            "error 512. Freezing water, 0 °C, becomes 0 °F; boiling water, 100 °C, becomes 220 °F",
        ),
        (-0.28, 28.0, "becomes 28 °F; boiling water, 100 °C, becomes 0 °F"),
    ],
)
def test_the_neuron_says_what_becomes_of_water(w, b, said):
    assert said in a_neuron(w, b).sentence()


def test_every_error_stands_between_the_line_and_the_thermometer():
    view = a_neuron(1.0, 10.0)
    (x0, y0), (x1, y1) = at(view, "Neuron", 0)
    feet = at(view, "Errors", 0).reshape(7, 4, 2)
    np.testing.assert_allclose(feet[:, 0, 1], np.interp(neuron.CELSIUS, [x0, x1], [y0, y1]))
    np.testing.assert_allclose(feet[:, 1], np.stack([neuron.CELSIUS, neuron.FAHRENHEIT], -1))
    lengths = feet[:, 1, 1] - feet[:, 0, 1]
    assert at(view, "Neuron", 1)[0] == pytest.approx((1.0, (lengths**2).mean()))


def test_the_curve_passes_through_the_neurons_error():
    view = a_neuron(1.4, 32.0)
    curve, (dot,) = at(view, "Loss", 1), at(view, "Neuron", 1)
    assert np.interp(dot[0], *curve.T) == pytest.approx(dot[1])


# --- bend ---

WIDTHS = list(bend.LAYERS)


def stored(width):
    """The network of the explorer, in PyTorch."""
    W, b, v, c = (torch.tensor(part, dtype=torch.float64) for part in bend.LAYERS[width])
    net = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1)).double()
    for parameter, value in zip(net.parameters(), (W, b, v[None], c[None]), strict=True):
        parameter.data = value
    return net


@pytest.mark.parametrize("width", WIDTHS)
def test_the_stored_network_says_what_pytorch_says_and_has_rows_of_equal_length(width):
    points, _ = bend.dots()
    said = stored(width)(torch.tensor(points))[:, 0].detach()
    np.testing.assert_allclose(bend.output(points, width), said, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(bend.LAYERS[width][0], axis=1), (2 / width) ** 0.5, atol=0.01)
    assert bend.output(points, width).max() == pytest.approx(1.5, abs=0.05)


def trained(width, seed):
    """How many points a network gets right that was trained as the comment above LAYERS says."""
    points, outside = (torch.tensor(part, dtype=torch.float32) for part in bend.dots())
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))
    adam = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=1e-3)
    for _ in range(400):
        adam.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(points)[:, 0], outside).backward()
        adam.step()
    return int(((net(points)[:, 0] > 0) == (outside > 0)).sum())


@pytest.mark.parametrize(("width", "seed", "low", "high"), [(2, 5, 55, 73), (3, 6, 80, 80)])
def test_training_again_gets_as_many_points_right_as_the_stored_network(width, seed, low, high):
    points, outside = bend.dots()
    kept = ((bend.output(points, width) > 0) == outside).sum()
    assert low <= kept <= high
    assert low <= trained(width, seed) <= high


@pytest.mark.parametrize("width", WIDTHS)
def test_it_begins_with_the_plane_and_ends_with_the_output_as_height(width):
    points = np.random.default_rng(0).normal(size=(50, 2))
    first, last = bend.at(np.array([[0.0], [3.0]]), points, width)
    np.testing.assert_allclose(first, points, atol=1e-12)
    np.testing.assert_allclose(last[:, 1], bend.output(points, width), atol=1e-12)


def bending(width, layer):
    """How far the middle of a line is seen from the middle of its ends, on average over 50 lines."""
    one, other = np.random.default_rng(0).normal(size=(2, 50, 2))
    seen = [bend.at(np.array([[layer]]), x, width)[0] for x in (one, other, (one + other) / 2)]
    return np.abs((seen[0] + seen[1]) / 2 - seen[2]).mean()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sums_keep_lines_straight_and_relu_bends_them(width):
    assert max(bending(width, layer) for layer in (0.0, 0.5, 1.0)) < 1e-12
    assert min(bending(width, layer) for layer in (1.5, 2.0, 3.0)) > 0.02


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_look_at_the_hidden_layer_shows_distances_as_they_are(width):
    W, b, _, _ = bend.LAYERS[width]
    x = np.random.default_rng(0).normal(size=(2, 2))
    seen = bend.at(np.array([[1.0]]), x, width)[0]
    assert np.linalg.norm(seen[0] - seen[1]) == pytest.approx(np.linalg.norm((x[0] - x[1]) @ np.transpose(W)))
    front, _ = bend.eyes(width)
    stretch = front @ W
    np.testing.assert_allclose(stretch, stretch.T, atol=1e-12)
    assert np.linalg.eigvalsh(stretch).min() > 0, "neither turned nor flipped"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_boundary_is_where_the_output_changes_its_sign(width):
    np.testing.assert_allclose(bend.output(bend.boundary(width), width), 0, atol=1e-9)
    assert np.abs(bend.boundary(width)).max() <= bend.REACH


def by_pairs(points, label):
    """The most points a line can have on their own sides; tried are those next to two points."""
    best = max(label.sum(), (~label).sum())
    for (x, y), (u, v) in itertools.permutations(points, 2):
        normal = np.array([y - v, u - x])
        for tilt in (-1e-6, 1e-6):
            turned = normal + tilt * np.array([u - x, v - y])
            height = (points - [(x + u) / 2, (y + v) / 2]) @ turned
            for up in (height > 0, height < 0, height > -1e-5, height < 1e-5):
                best = max(best, (up == label).sum())
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_best_line_is_that_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    points, label = rng.normal(size=(10, 2)), rng.random(10) < 0.5
    assert bend.best_line(points, label) == by_pairs(points, label)


def test_no_line_passes_between_points_that_lie_on_each_other():
    points, label = np.array([[0.0, 0], [0, 0], [1, 0], [1, 0]]), np.array([False, True, False, True])
    assert bend.best_line(points, label) == 2
    assert bend.best_line(points, np.array([False, True, True, True])) == 3


def says(layer, width):
    return bend.compute(np.array([[layer]]), width=width).sentence()


@pytest.mark.parametrize(
    ("width", "layer", "said"),
    [
        (3, 0.0, "Layer 0: the plane, as it goes into the network. One straight line"),
        (3, 0.0, "gets at most 54 of 80 points right."),
        (3, 1.0, "gets at most 54 of 80 points right."),
        (3, 3.0, "gets at most 80 of 80 points right; the network's own gets 80."),
        (2, 0.7, "Layer 0.7: weighted sums and biases move and stretch the plane."),
        (2, 2.0, "ReLU folds the plane"),
        (2, 3.0, "gets at most 67 of 80 points right; the network's own gets 65."),
    ],
)
def test_bending_says_how_many_points_a_straight_line_gets_right(width, layer, said):
    assert said in says(layer, width)


def test_the_count_is_drawn_up_to_this_layer():
    view = bend.compute(np.array([[0.0], [1.0], [2.0], [3.0]]), width=3)
    counted, now = (series.points[:, 0] for series in view.series if series.panel == 1)
    np.testing.assert_allclose(now[:, 0], np.stack([np.arange(4), now[:, 0, 1]], -1))
    for k in range(4):
        np.testing.assert_allclose(counted[k, : k + 1], now[: k + 1, 0])
        np.testing.assert_allclose(counted[k, k:], np.broadcast_to(now[k], (4 - k, 2)))


# --- network_size ---


def dense(width, depth, device="meta"):
    """A network of `depth` hidden layers of `width` neurons, from 784 pixels to 10 logits."""
    layers = [nn.Linear(784, width)]
    layers += [part for _ in range(depth - 1) for part in (nn.ReLU(), nn.Linear(width, width))]
    return nn.Sequential(*layers, nn.ReLU(), nn.Linear(width, 10)).to(device)


def a_size(width, depth):
    return network_size.compute(np.array([[width]]), np.array([[depth]]))


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (256, 3), (7, 100), (16_384, 2)])
def test_parameters_are_those_that_pytorch_counts(width, depth):
    with torch.device("meta"):
        first, *between, last = [part for part in dense(width, depth) if isinstance(part, nn.Linear)]
    counted = [
        sum(p.numel() for layer in some for p in layer.parameters()) for some in ([first], between, [last])
    ]
    assert [int(part) for part in network_size.parts(width, depth)] == counted
    assert network_size.parameters(width, depth) == sum(counted)


def test_training_with_adam_holds_four_numbers_per_parameter():
    net = dense(8, 2, "cpu")
    adam = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 784)).sum().backward()
    adam.step()
    held = [[p, p.grad, state["exp_avg"], state["exp_avg_sq"]] for p, state in adam.state.items()]
    held = sum(one.numel() * one.element_size() for some in held for one in some)
    assert held == costs.train_memory(network_size.parameters(8, 2), precision="fp32")
    assert f"{held / 1000:.3g} kB with their gradients" in a_size(8, 2).sentence()


def test_an_image_takes_two_operations_per_parameter_forward_and_up_to_six_in_training():
    net, image, P = dense(256, 3), torch.empty(1, 784, device="meta"), network_size.parameters(256, 3)
    assert autodiff.flop(lambda: net(image)) == pytest.approx(2 * P, rel=0.01)
    assert 4 * P < autodiff.flop(lambda: net(image).sum().backward()) < 6 * P
    assert "takes 670 kFLOP, training on it 2.01 MFLOP" in a_size(256, 3).sentence()


@pytest.mark.parametrize(
    ("width", "depth", "said"),
    [
        (256, 3, "784 → 3 × 256 → 10: 335,114 parameters. They take 1.34 MB as float32, and 5.36 MB with"),
        (256, 3, "Twice the width: 2.78 × the parameters; twice the depth: 1.59 ×."),
        (4, 1, "Twice the width: 2.00 × the parameters; twice the depth: 1.01 ×."),
        (16_384, 1, "Twice the width: 2.00 × the parameters; twice the depth: 21.61 ×."),
        (4096, 8, "and 1.93 GB with"),
        (4096, 9, "and 2.2 GB with"),
    ],
)
def test_the_size_is_said_in_words(width, depth, said):
    assert said in a_size(width, depth).sentence()


def test_a_rounded_thousand_gets_the_next_unit():
    said = network_size.short(np.array([805.0, 999_400.0, 999_600.0, 2.5e13])).said(
        {"short": "{value:.3g} {unit}"}
    )
    assert said.tolist() == ["805 ", "999 k", "1 M", "25 T"]


def test_the_curve_passes_through_the_network_and_the_bars_add_up_to_it():
    view = a_size(512, 4)
    curve, dot, bars = (series.points[0, 0] for series in view.series)
    assert np.interp(512, *curve.T) == pytest.approx(dot[0, 1], rel=0.01)
    assert dot[0].tolist() == [512, bars.reshape(3, 4, 2)[:, 1, 1].sum()]


@pytest.mark.parametrize(
    ("old", "instead"),
    [
        ("how_large", "explorers.network_size asks"),
        ("amdahl", "explorers.scaling has"),
        ("shards", "costs.dealt_error says"),
    ],
)
def test_an_explorer_that_is_gone_says_what_stands_in_its_place(old, instead):
    with pytest.raises(AttributeError, match=f"explorers.{old} is gone: {instead}"):
        getattr(explorers, old)
