"""E023 and E026–E036, the six steps: the printed form fails the very fact that the correction satisfies."""

import re
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from losslab import explorers
from losslab.article import coverage
from losslab.data import mnist, pixels
from losslab.explorers.views import initialisation
from losslab.learning import models, training

pytestmark = pytest.mark.trains

PRINTED = {part.id: part.chain for part in coverage.parts() if part.chain}
DRAWN = {  # the boxes with their replacements
    "D2": "box-split",
    "D3": "box-zero",
    "D4": "box-forward",
    "D5": "box-loss",
    "D6": "box-backward",
    "D7": "box-loop",
}


def diagram(text):
    """Nodes {letter: (label, is something done)} and arrows [(from, to)] of a Mermaid block."""
    body = re.search(r"```mermaid\n(.*?)```", text, re.S)[1]
    nodes, arrows = {}, []
    for line in body.splitlines()[1:]:
        node = r"(\w+)(\(\[.*?\]\)|\[.*?\])?"
        match = re.fullmatch(rf"{node} -->(?:\|[^|]+\|)? {node}", line)
        assert match, f"{line!r} is no arrow"
        for name, label in (match.group(1, 2), match.group(3, 4)):
            if label:
                nodes[name] = (label.strip("([])"), label.startswith("("))
        arrows.append(match.group(1, 3))
    return nodes, arrows


def has_loop(arrows):
    needs = {}
    for a, b in arrows:
        needs.setdefault(b, set()).add(a)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        return True
    return False


def made_from(arrows, goal):
    """Every node from which arrows lead to `goal`."""
    found, before = {goal}, set()
    while found != before:
        before, found = found, found | {a for a, b in arrows if b in found}
    return found


# --- the diagrams ---


@pytest.mark.parametrize("name", DRAWN)
def test_every_arrow_joins_a_thing_and_something_done(cells, name):
    """So every arrow means "is needed" or "is made"; and the text says so."""
    nodes, arrows = diagram(cells[DRAWN[name]])
    assert set(nodes) == {end for arrow in arrows for end in arrow}, "a node without a label"
    for a, b in arrows:
        assert nodes[a][1] != nodes[b][1], f"{nodes[a][0]} → {nodes[b][0]} has no meaning"
    for letter, (label, done) in nodes.items():
        if done:
            assert {letter} & {b for _, b in arrows}, f"{label} needs nothing"
            assert {letter} & {a for a, _ in arrows}, f"{label} makes nothing"
    assert 'means "is needed"' in cells["box-loop"]
    assert '"is made"' in cells["box-loop"]


@pytest.mark.parametrize(("name", "loops"), [*zip(DRAWN, [False] * 4 + [True] * 2, strict=True)])
def test_loops_are_drawn_where_there_are_loops(cells, name, loops):
    """Weights are read and written (D6, D7); the other steps go one way. As printed nothing ever loops."""
    assert not has_loop(list(zip(PRINTED[name], PRINTED[name][1:], strict=False)))
    _, arrows = diagram(cells[DRAWN[name]])
    assert has_loop(arrows) == loops


def test_e035_the_training_loop_passes_all_stations_and_has_an_exit(cells):
    assert not {"forward", "backward", "stop?"} & {label.lower() for label in PRINTED["D7"]}
    assert PRINTED["D7"][-1] == "Convergence"  # as printed the only way out
    nodes, arrows = diagram(cells["box-loop"])
    names = {label: letter for letter, (label, _) in nodes.items()}
    for done in ("forward", "loss", "backward", "update", "stop?"):
        assert names[done] in made_from(arrows, names["weights"]) | {names["stop?"]}
    needs = made_from(arrows, names["result"])
    assert {names["validation set"], names["stop?"]} <= needs
    assert not [a for a, _ in arrows if a == names["result"]]


def test_e032_the_loss_needs_a_target_and_a_function(cells):
    nodes, arrows = diagram(cells["box-loss"])
    names = {label: letter for letter, (label, _) in nodes.items()}
    function = next(label for label in names if label.startswith("loss function"))
    needed = made_from(arrows, names["one number"])
    assert {names["target y"], names[function]} <= needed
    assert PRINTED["D5"][-1] == "MSE/Cross-Entropy"  # as printed it comes out at the end
    with pytest.raises(TypeError, match="target"):
        cross_entropy(torch.zeros(1, 10))


def test_e031_input_is_where_forward_starts(cells):
    nodes, arrows = diagram(cells["box-forward"])
    names = {label: letter for letter, (label, _) in nodes.items()}
    assert names["x"] not in {b for _, b in arrows}
    assert names["x"] in made_from(arrows, names["logits"])
    assert PRINTED["D4"].index("Input Data") > 0  # as printed something produces it


def test_e024_weights_come_from_a_shape_a_scale_and_a_generator(cells):
    def given(arrows):
        return {a for a, _ in arrows} - {b for _, b in arrows}

    nodes, arrows = diagram(cells["box-zero"])
    names = {label: letter for letter, (label, _) in nodes.items()}
    start = {names["layer: inputs n, activation"], names["random generator"]}
    assert given(arrows) == start
    assert start | {names["σ"]} <= made_from(arrows, names["weights"])
    assert names["random generator"] not in made_from(arrows, names["biases"])
    printed = list(zip(PRINTED["D3"], PRINTED["D3"][1:], strict=False))
    assert given(printed) == {"Model Initialization"}  # nothing that a weight could come from
    assert all(label.endswith("Initialization") for label in PRINTED["D3"])


# --- the facts ---


def test_e026_choosing_on_all_rows_predicts_coin_tosses_and_on_training_rows_does_not(cells):
    names = {"np": np, "rng": np.random.default_rng(1)}
    exec(cells["leak"], names)
    assert names["test_accuracy"](slice(0, 100)) > 0.72
    assert 0.46 < names["test_accuracy"](slice(0, 50)) < 0.54


def test_e027_standardised_pixels_keep_no_range_and_rescaled_ones_only_their_own(cells):
    x = mnist.load("sample").train_images[:1500]
    z = pixels.standardise(x, *pixels.mean_std(x))
    np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-3)
    assert z.min() < -0.4
    assert z.max() > 2.5
    halves = pixels.standardise(x, 0.5, 0.5)  # the article's constants: a rescaling to −1 … 1
    np.testing.assert_allclose([halves.min(), halves.max()], [-1, 1])


def test_e028_a_shift_keeps_what_is_drawn_and_a_mirror_is_its_own_undoing(cells):
    names = {"torch": torch, "mean": 0.25, "std": 0.5}
    exec(cells["changes"], names)
    paper = names["paper"]
    assert paper == -0.5
    x = torch.full((200, 28, 28), paper)
    x[:, 5:20, 9] = 2.0
    x[:, 5, 9:14] = 2.0
    torch.manual_seed(0)
    moved, flipped = names["shifted"](x), names["mirrored"](x)
    corners = {
        (int(dark[0].min()), int(dark[1].min())) for dark in (image.gt(0).nonzero().T for image in moved)
    }
    assert corners == {(a, b) for a in (4, 5, 6) for b in (8, 9, 10)}
    assert (moved.flatten(1).sum(1) - x[0].sum()).abs().max() < 1e-3
    same = (flipped == x).flatten(1).all(1)
    assert 0.35 < same.float().mean() < 0.65
    torch.testing.assert_close(flipped[~same].flip(2), x[~same])


def test_e028_augmentation_is_off_outside_training(cells):
    names = {"torch": torch}
    exec(cells["augment-layer"], names)
    layer = names["Augment"](lambda x: x + 1)
    assert layer.train()(1) == 2
    assert layer.eval()(1) == 1


def test_e023_equal_neurons_stay_equal_and_random_ones_do_not():
    x, y = torch.rand(50, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 10
    for value, alive in ((0.0, 1), (0.01, 8)):
        model = models.Net()
        for parameter in model.parameters():
            torch.nn.init.constant_(parameter, value)
        cross_entropy(model(x), y).backward()
        assert sum(bool(p.grad.any()) for p in model.parameters()) == alive
        training.fit(model, x, y, epochs=1, batch_size=10, progress=False)
        torch.testing.assert_close(model.fc1.weight, model.fc1.weight[:1].expand(256, -1), atol=1e-6, rtol=0)
    torch.manual_seed(0)
    assert len(models.Net().fc1.weight[:, 0].unique()) > 250


def test_e030_a_network_without_biases_cannot_answer_a_blank_sheet():
    torch.manual_seed(0)
    net, blank = models.Net(), torch.zeros(1, 28, 28)
    assert len(net(blank).unique()) == 10
    for layer in net.children():
        torch.nn.init.zeros_(layer.bias)
    assert not net(blank).any()


def test_e033_backward_changes_no_bit_of_any_weight():
    torch.manual_seed(0)
    net = models.Net()
    before = [p.detach().clone() for p in net.parameters()]
    cross_entropy(net(torch.rand(9, 28, 28)), torch.arange(9)).backward()
    assert all(torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True))
    assert all(p.grad.any() for p in net.parameters())
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    assert not any(torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True))


def test_e034_a_step_against_the_gradient_lowers_the_loss_only_if_it_is_small():
    torch.manual_seed(0)
    x, y = torch.rand(50, 28, 28), torch.arange(50) % 10
    falls = {}
    for lr in (0.01, 100.0):
        net = models.Net()
        before = cross_entropy(net(x), y)
        before.backward()
        torch.optim.SGD(net.parameters(), lr=lr).step()
        falls[lr] = (cross_entropy(net(x), y) < before).item()
    assert falls == {0.01: True, 100.0: False}


def test_e036_run_until_stops_and_keeps_the_best(cells):
    names = {"runs": {}, "names": ()}
    exec(cells["early-stop"], names)
    assert names["run_until"]([5, 4, 3, 3.5, 3.4, 1], 2) == (5, 3)
    assert names["run_until"]([5, 4, 3, 2], 2) == (4, 4)


# --- the explorer ---


@pytest.mark.parametrize(
    ("sigma", "width", "activation", "said"),
    [
        (0.125, 128, "ReLU", "about 1.00; layer 10 has size 1: alive"),
        (0.01, 128, "ReLU", "about 0.08; layer 10 has size 1.1e-11: collapsed"),
        (1.0, 128, "ReLU", "about 8.00; layer 10 has size 1.1e+09: exploded"),
        (0.25, 32, "ReLU", "about 1.00; layer 10 has size 1.1: alive"),
        (1.0, 128, "tanh", ": saturated"),
        (0.01, 128, "tanh", ": collapsed"),
    ],
)
def test_explorer_says_what_becomes_of_the_signal(sigma, width, activation, said):
    view = initialisation.compute(np.array([[sigma]]), np.array([[width]]), activation=activation)
    assert said in view.sentence()


def test_explorer_draws_histograms_of_the_activations_it_measured():
    view = initialisation.compute(np.array([[0.05]]), np.array([[64]]), activation="ReLU")
    ridges, measured, predicted = (s.points[0, 0] for s in view.series)
    bins = len(initialisation.BINS) - 1
    peaks = [ridges[k * (bins + 3) : (k + 1) * (bins + 3)] for k in range(10)]
    for layer, ridge in enumerate(peaks, start=1):
        assert ridge[0].tolist() == [initialisation.LOW, layer]
        assert ridge[:, 1].max() == pytest.approx(layer + initialisation.TALLEST)
        mode = ridge[ridge[:, 1].argmax(), 0]
        assert abs(mode - measured[layer, 0]) < 0.5  # half a decade
    np.testing.assert_allclose(predicted[:, 0], np.arange(11) * np.log10(0.05 * 32**0.5), rtol=1e-12)
    np.testing.assert_allclose(measured[:, 0], predicted[:, 0], atol=0.35)


def test_explorer_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="activation must be one of ReLU, tanh, got 'GELU'"):
        explorers.initialisation(activation="GELU")


# --- the article ---


def test_the_chinese_half_has_what_is_translated(article):
    text = "\n".join(article)
    assert "缩放到一个固定的范围" in text
    assert "输入和权重之间的乘积" in text
