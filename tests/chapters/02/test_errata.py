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
DRAWN = {"D2": "box-split", "D7": "box-loop"}  # the cells with a diagram
LOSS = [("prediction", "compare"), ("target", "compare"), ("loss function", "compare"), ("compare", "number")]
FORWARD = [("x", "layer 1"), ("weights", "layer 1"), ("layer 1", "layer 2"), ("layer 2", "logits")]
INITIALISE = [("layer", "deviation"), ("deviation", "draw"), ("generator", "draw"), ("draw", "weights")]


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


def given(arrows):
    """Where no arrow leads."""
    return {a for a, _ in arrows} - {b for _, b in arrows}


def arrows_of(chain):
    return list(zip(chain, chain[1:], strict=False))


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


@pytest.mark.parametrize("name", [f"D{n}" for n in range(2, 8)])
def test_as_printed_nothing_ever_loops(name):
    assert not has_loop(arrows_of(PRINTED[name]))


@pytest.mark.parametrize(("name", "loops"), [("D2", False), ("D7", True)])
def test_loops_are_drawn_where_there_are_loops(cells, name, loops):
    _, arrows = diagram(cells[DRAWN[name]])
    assert has_loop(arrows) == loops


def test_e035_the_training_loop_passes_all_stations_and_has_an_exit(cells):
    assert not {"forward", "backward", "stop?"} & {label.lower() for label in PRINTED["D7"]}
    assert PRINTED["D7"][-1] == "Convergence"  # as printed the only way out
    nodes, arrows = diagram(cells["box-loop"])
    names = {label: letter for letter, (label, _) in nodes.items()}
    for done in ("forward", "loss", "backward", "update"):
        assert names[done] in made_from(arrows, names["weights"])
    needs = made_from(arrows, names["result"])
    assert {names["validation set"], names["stop?"]} <= needs
    assert not [a for a, _ in arrows if a == names["result"]]


def test_e032_the_loss_needs_a_target_and_a_function():
    assert {"prediction", "target", "loss function"} == given(LOSS) <= made_from(LOSS, "number")
    assert PRINTED["D5"][-1] == "MSE/Cross-Entropy"  # as printed the function comes out at the end
    assert not {"target", "label", "truth"} & {label.lower() for label in PRINTED["D5"]}
    with pytest.raises(TypeError, match="target"):
        cross_entropy(torch.zeros(1, 10))


def test_e031_input_is_where_forward_starts():
    assert "x" in given(FORWARD) & made_from(FORWARD, "logits")
    assert "Input Data" not in given(arrows_of(PRINTED["D4"]))  # as printed something produces it
    called = []
    net = models.Net()
    for name, layer in net.named_children():
        layer.register_forward_hook(lambda layer, read, made, name=name: called.append(name))
    net(torch.zeros(1, 28, 28))
    assert called == ["fc1", "fc2", "fc3", "fc4"]


def test_e024_weights_come_from_a_shape_a_scale_and_a_generator():
    assert given(INITIALISE) == {"layer", "generator"}
    assert "deviation" in made_from(INITIALISE, "weights")
    assert given(arrows_of(PRINTED["D3"])) == {"Model Initialization"}  # nothing a weight could come from
    assert all(label.endswith("Initialization") for label in PRINTED["D3"])
    draws = [models.initialised(models.Net, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    first, again, other = (net.fc2.weight for net in draws)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.std().item() == pytest.approx(1 / (3 * 256) ** 0.5, rel=0.02)


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
    generator = torch.Generator().manual_seed(0)
    paper = names["paper"]
    assert paper == -0.5
    x = torch.full((200, 28, 28), paper)
    x[:, 5:20, 9] = 2.0
    x[:, 5, 9:14] = 2.0
    moved, flipped = names["shifted"](x, generator), names["mirrored"](x, generator)
    corners = {
        (int(dark[0].min()), int(dark[1].min())) for dark in (image.gt(0).nonzero().T for image in moved)
    }
    assert corners == {(a, b) for a in (4, 5, 6) for b in (8, 9, 10)}
    assert (moved.flatten(1).sum(1) - x[0].sum()).abs().max() < 1e-3
    same = (flipped == x).flatten(1).all(1)
    assert 0.35 < same.float().mean() < 0.65
    torch.testing.assert_close(flipped[~same].flip(2), x[~same])


def test_e028_augmentation_is_drawn_for_every_training_batch_and_for_nothing_else(cells):
    x, y = torch.rand(30, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 10
    names = {"torch": torch, "models": models, "training": training}
    exec(cells["fitted"], names)
    seen = []

    def change(images, generator):
        seen.append(images + torch.rand(1, generator=generator))
        return seen[-1]

    history, net = names["fitted"](x, y, 0, epochs=2, batch_size=10, transform=change, watch={"x": (x, y)})
    assert len(seen) == 6
    assert sum(bool((one[:, None] == x).flatten(2).all(2).any()) for one in seen) == 0
    assert training.evaluate(net, x, y) == history.scores["x"][-1]


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


def test_e030_a_network_without_biases_answers_zeros_with_zeros():
    torch.manual_seed(0)
    net, zeros = models.Net(), torch.zeros(1, 28, 28)
    assert len(net(zeros).unique()) == 10
    for layer in net.children():
        torch.nn.init.zeros_(layer.bias)
    assert not net(zeros).any()
    assert (net.fc1.weight * torch.rand(784)).shape == (256, 784)  # products alone are no output


def test_e030_behind_relu_a_negative_logit_gets_no_gradient():
    logits = torch.tensor([[2.0, -1.0, 0.5], [1.0, -3.0, 2.0]], requires_grad=True)
    labels = torch.tensor([0, 1])
    assert torch.autograd.grad(cross_entropy(logits, labels), logits)[0].all()
    g = torch.autograd.grad(cross_entropy(logits.relu(), labels), logits)[0]
    assert not g[:, 1].any()  # class 1 is the answer to the second, and its logit never moves
    assert g[:, [0, 2]].all()


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


def test_e036_the_best_weights_are_kept_and_not_the_last(cells):
    digits = mnist.load("sample")
    x = pixels.standardise(digits.train_images, *pixels.mean_std(digits.train_images))
    y, names = digits.train_labels.long(), {"torch": torch, "models": models, "training": training}
    exec(cells["fitted"], names)
    judges = {"validation": (x[1000:2000], y[1000:2000])}
    knobs = {"epochs": 30, "keep": ("validation", "loss"), "patience": 2, "watch": judges}
    history, net = names["fitted"](x[:200], y[:200], 0, **knobs)
    scores, best = history.scores["validation"], history.best("validation", "loss")
    assert len(scores) == best + 3 < 30
    assert training.evaluate(net, *judges["validation"]).loss == pytest.approx(scores[best].loss, rel=1e-4)
    assert scores[-1].loss > scores[best].loss


# --- cleaning ---


def test_the_faults_that_are_planted_are_found_and_little_else(cells):
    digits = mnist.load("sample")
    names = {"torch": torch, "np": np, "mnist": mnist, "pixels": pixels, "models": models}
    names |= {"training": training, "cross_entropy": cross_entropy, "digits": digits}
    for one in ("load", "fitted", "spoil"):
        exec(cells[one], names)
    exec(cells["find"].partition("\nfig, ax")[0], names)
    changed = (names["spoilt"] != digits.train_images[names["sources"]]).flatten(1).any(1)
    assert torch.equal(names["dark"], changed)
    assert names["copies"].nonzero()[:, 0].tolist() == sorted(names["copied"].tolist())
    mistaken = names["claimed"] != names["truth"]
    assert mistaken.sum() == 300
    assert mistaken[names["asked"]].sum() > 250
    assert mistaken[names["asked"][:10]].sum() >= 9


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
