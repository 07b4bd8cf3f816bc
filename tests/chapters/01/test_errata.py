"""E013–E025 and E076, the concepts: the printed form fails the very fact that the correction satisfies."""

import re
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models as vision

from losslab.article import misprints
from losslab.book import environment, predictions
from losslab.data import mnist, pixels
from losslab.explorers.views import microscope
from losslab.explorers.views import neuron as thermometer
from losslab.formulas import costs
from losslab.learning import autodiff, models, training

pytestmark = pytest.mark.trains


def run(cells, *ids, **names):
    """Execute cells of the notebook one after the other; return what they have defined."""
    names = {"np": np, "torch": torch, "nn": nn, "autodiff": autodiff, "models": models, **names}
    names |= {"costs": costs, "training": training, "mnist": mnist, "pixels": pixels}
    for one in ids:
        exec(cells[one], names)
    return names


# --- chapter 1 of the article: who reads what ---


def test_e013_only_its_own_kind_of_input_enters_a_model():
    with torch.device("meta"):
        pieces, picture = torch.zeros(1, 10, dtype=int), torch.zeros(1, 3, 224, 224)
        bert, vit = nn.Embedding(30_522, 768), nn.Conv2d(3, 768, 16, 16)
    assert (bert(pieces).shape, vit(picture).shape) == ((1, 10, 768), (1, 768, 14, 14))
    for door, thing in ((bert, picture), (vit, pieces)):
        with pytest.raises(RuntimeError):
            door(thing)


@pytest.fixture
def reader():
    """One transformer layer; with the mask it looks back only."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
    return lambda text, causal: layer(text, torch.ones(9, 9, dtype=bool).triu(1) if causal else None)


@pytest.mark.parametrize("causal", [True, False])
def test_e014_only_a_reader_from_left_to_right_is_blind_to_what_follows(reader, causal):
    """Its answers can be the factors p(next token | tokens so far); those of the other cannot."""
    text = torch.randn(1, 9, 8, requires_grad=True)
    answer = reader(text, causal)[0, 4, 0]
    slopes = torch.autograd.grad(answer, text)[0][0].norm(dim=1)
    assert slopes[:5].gt(1e-6).all()  # itself, and those before
    assert slopes[5:].gt(1e-6).any() != causal


# --- chapter 2: neuron, depth, size ---


def test_e017_without_a_bias_the_origin_is_always_answered_by_zero():
    rng = np.random.default_rng(0)
    for w in rng.normal(size=(20, 3)):
        assert misprints.neuron_as_printed(w, np.zeros(3), lambda z: np.maximum(z, 0)) == 0
    grid = min(thermometer.mean_squared_error(w, 0.0) for w in np.linspace(0, 4, 4001))
    np.testing.assert_allclose(grid, 512, rtol=1e-9)  # at w = 2.2, as SymPy finds
    np.testing.assert_allclose(thermometer.mean_squared_error(1.8, 32.0), 0, atol=1e-20)
    assert sum(fc.bias.numel() for fc in models.Net().children()) == 458


def rings(count, generator):
    """Points on two noisy circles of radius 1 and 2, (N, 2), and which of the two, (N,)."""
    angle, label = 2 * torch.pi * torch.rand(count, generator=generator), torch.arange(count) % 2
    radius = 1 + label + 0.15 * torch.randn(count, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1), label


def accuracy(activation):
    """Train four layers on rings, and read new ones."""
    random = torch.Generator().manual_seed(0)
    (points, label), new = rings(400, random), rings(1000, random)
    torch.manual_seed(0)
    wide = [part for _ in range(2) for part in (nn.Linear(16, 16), activation())]
    net = nn.Sequential(nn.Linear(2, 16), activation(), *wide, nn.Linear(16, 2))
    training.fit(net, points, label, epochs=60, lr=0.01, generator=random, progress=False)
    return training.evaluate(net, *new).accuracy


def test_e016_layers_are_one_layer_until_they_are_bent(cells):
    assert accuracy(nn.Identity) < 0.6
    assert accuracy(nn.ReLU) > 0.97
    run(cells, "collapse")  # asserts


def test_e018_e076_the_printed_range_takes_in_the_small_and_leaves_out_the_large():
    size = {model.name: model.parameters for model in costs.MODELS}
    printed = {name for name in size if misprints.is_large_as_printed(size[name])}
    usual = {name for name in size if size[name] >= 1e9}
    assert "ResNet-18" in printed - usual
    assert {"GPT-3", "GShard"} <= usual - printed
    assert "the article's Net" not in printed | usual
    assert 7e5 < size["GPT-3"] / size["the article's Net"] < 7.3e5
    assert [misprints.is_large_as_printed(n) for n in (999_999, 1e6, 9.9e9, 1e10)] == [
        False,
        True,
        True,
        False,
    ]


PICTURES = {"the article's Net": (1, 28, 28), "ResNet-18": (1, 3, 224, 224)}
PICTURES |= {"ResNet-50": (1, 3, 224, 224), "ViT-B/16": (1, 3, 224, 224)}
IMAGES = {"the article's Net": 10 * 60_000, "ViT-B/16": 300 * costs.IMAGENET}  # seen in the training


@pytest.fixture(scope="module")
def built(cells):
    """Models without numbers, by their names in `costs.MODELS`."""
    text_model = run(cells, "counted")["text_model"]

    def bert(width, layers, heads):
        pair = {"sentence": nn.Embedding(2, width), "pooler": nn.Linear(width, width)}
        return text_model(30_522, 512, width, layers, heads, **pair)

    with torch.device("meta"):
        return {
            "the article's Net": models.Net(),
            "ResNet-18": vision.resnet18(),
            "ResNet-50": vision.resnet50(),
            "ViT-B/16": vision.vit_b_16(),
            "BERT base": bert(768, 12, 12),
            "BERT large": bert(1024, 24, 16),
            "GPT-3": text_model(50_257, 2048, 12_288, 96, 96),
        }


def test_e076_every_size_that_says_counted_is_counted(built):
    """Parameters, on the meta device."""
    counts = {name: sum(p.numel() for p in model.parameters()) for name, model in built.items()}
    assert counts == {m.name: m.parameters for m in costs.MODELS if m.source.startswith("counted")}


def test_e018_the_notebook_prints_these_sizes(cells, capsys):
    run(cells, "counted")
    rows = dict(re.findall(r"^(\S.*?)\s+([\d,]+) parameters", capsys.readouterr().out, re.M))
    size = {model.name: f"{model.parameters:,}" for model in costs.MODELS}
    assert rows == {name: size[name] for name in ("the article's Net", "ResNet-18", "BERT base", "GPT-3")}


@pytest.mark.parametrize("name", PICTURES)
def test_e076_every_operation_of_a_picture_model_is_counted(built, name):
    """One picture forward and backward, times all pictures of the training."""
    picture = torch.empty(PICTURES[name], device="meta")
    once = autodiff.flop(lambda: built[name](picture).sum().backward())
    (model,) = [model for model in costs.MODELS if model.name == name]
    assert model.flop == once * IMAGES.get(name, 90 * costs.IMAGENET)


def test_e020_nine_networks_on_five_test_sets(cells):
    drawing = {"plt": Mock(subplots=lambda figsize: (Mock(), Mock())), "artists": Mock()}
    shown = {**drawing, "environment": environment, "predictions": predictions}
    names = run(cells, "digits-changed", "digits-net", "digits-trained", **shown)
    share = names["share"]
    assert names["helps"]["as they are"] == ["yes", "yes"]
    assert names["helps"]["4 px right"] == names["helps"]["inverted"] == ["no", "no"]
    assert share["inverted"].max() < 0.2 < 0.6 < share["as they are"].min()
    assert share["4 px right"].max() < 0.4
    assert share["as they are"][2, 2] > 0.88
    image = torch.zeros(1, 28, 28)
    image[0, 5, 20] = 1
    assert names["moved"](image, 4).nonzero().tolist() == [[0, 5, 24]]
    assert not names["moved"](image, 8).any()


# --- autodiff, training, inference ---


def test_e021_a_parameter_has_a_slope_for_every_result_and_none_by_itself():
    w = torch.tensor(0.0, requires_grad=True)
    with pytest.raises(ValueError, match="nothing was recorded"):
        autodiff.operations(w)
    slopes = [torch.autograd.grad(f(w), w)[0].item() for f in (microscope.loss, lambda w: (3 - 2 * w).abs())]
    assert slopes == [-12, -2]
    for h, low, high in ((1e-8, 1e-9, 1e-6), (1e-15, 0.1, 1)):
        assert low < abs(microscope.forward_difference(0.0, h) + 12) < high


def test_e021_the_view_draws_the_slope_that_autodiff_finds():
    w = torch.linspace(-1, 2, 31, dtype=torch.float64, requires_grad=True)
    microscope.loss(w).sum().backward()
    np.testing.assert_allclose(microscope.slope(w.detach().numpy()), w.grad, rtol=0, atol=1e-13)


def neuron():
    w, b = torch.tensor(2.0, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
    return w, b, (3 - torch.relu(w * 1.5 + b)) ** 2 + 0.5 * w**2


def test_the_recording_is_in_the_order_of_the_backward_pass():
    w, b, loss = neuron()
    steps, visited = autodiff.operations(loss), []
    for i, step in enumerate(steps):
        step.node.register_prehook(lambda slopes, i=i: visited.append(i))
    loss.backward()
    assert sorted(visited) == list(range(10))
    assert [step.name for step in steps].count("leaf") == 2
    assert steps[0].name == "Add"
    for i, step in enumerate(steps):
        assert all(before > i and visited.index(before) > visited.index(i) for before in step.reads)
    assert {step.node.variable for step in steps if step.name == "leaf"} == {w, b}
    assert (w.grad, b.grad) == (-1, -2)


def test_e022_inference_keeps_nothing_and_answers_the_same():
    torch.manual_seed(0)
    net, x, y = models.Net(), torch.rand(100, 28, 28), torch.arange(100) % 10

    def loss():
        return nn.functional.cross_entropy(net(x), y)

    pixels_and_activations = 784 + 256 + 128 + 64 + 10
    weights = 128 * 256 + 64 * 128 + 10 * 64
    labels = 100 * 8 + 4  # int64, and the number of them
    assert autodiff.saved_bytes(loss) == 4 * (100 * pixels_and_activations + weights) + labels == 664_004
    with torch.no_grad():
        assert autodiff.saved_bytes(loss) == 0
        silent = net(x)
    assert torch.equal(net(x), silent)


def test_what_is_kept_counts_once_and_a_slice_counts_what_it_holds():
    w, long = torch.ones(3, requires_grad=True), torch.ones(1000)
    assert autodiff.saved_bytes(lambda: w * long[:3]) == 3 * 4
    assert autodiff.saved_bytes(lambda: (w * long[:3]) + (w * 2 * long[:3])) == 3 * 4


# --- the map ---


def diagrams(text):
    """Arrows [(from, to), …] between the labels, for each Mermaid block."""
    found = []
    for body in re.findall(r"```mermaid\n(.*?)```", text, re.S):
        labels = dict(re.findall(r"(\w+)\[(.*?)\]", body))
        lines = [re.sub(r"\[.*?\]|\|.*?\|", "", line) for line in body.splitlines()[1:]]
        found.append([tuple(labels[end] for end in line.split(" --> ")) for line in lines])
    return found


def test_e022_the_printed_map_is_the_articles(cells):
    printed, corrected = diagrams(cells["box-map"])
    chain = misprints.CONCEPT_MAP_AS_PRINTED
    assert printed == list(zip(chain, chain[1:], strict=False))
    assert len(corrected) == 6


def test_e022_inference_needs_autodiff_only_in_print(cells):
    def leads(arrows, start, goal):
        return goal in start or any(leads(arrows, [b], goal) for a, b in arrows if a in start)

    printed, corrected = diagrams(cells["box-map"])
    assert leads(printed, ["Large-scale Models"], "Automatic Differentiation")
    assert not leads(corrected, ["Large models"], "Automatic differentiation")
    assert ("Automatic Differentiation", "Training & Inference") in printed
    assert [a for a, b in corrected if b == "Inference"] == ["Training"]
    assert leads(corrected, ["Neural networks"], "Deep learning")
    assert leads(printed, ["Deep Learning"], "Neural Networks")


def rows(text):
    """The rows of a table as lists of cells, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[part.strip(" *") for part in line.strip("|").split("|")] for line in lines][1:]


USES = {  # of the printed names: who works with whom; training is half of a box
    ("Deep Learning", "Neural Networks"),
    ("Large-scale Models", "Neural Networks"),
    ("Large-scale Models", "Automatic Differentiation"),
}


def test_e022_no_single_reading_makes_all_four_arrows_true(cells):
    table = rows(cells["box-map"])
    arrows = [tuple(row[0].split(" → ")) for row in table]
    assert arrows == diagrams(cells["box-map"])[0]
    uses, used, kind = zip(*(row[1:] for row in table), strict=True)
    assert uses == tuple("true" if arrow in USES else "false" for arrow in arrows)
    assert used[:3] == tuple("true" if arrow[::-1] in USES else "false" for arrow in arrows[:3])
    assert used[3] == "training only"
    assert kind == ("true", "false", "false", "false")
    assert all("false" in reading for reading in (uses, used, kind))


def test_every_arrow_of_the_corrected_map_is_shown_somewhere(cells):
    table = rows(cells["map-read"])
    assert {tuple(row[0].split(" → ")) for row in table} == set(diagrams(cells["box-map"])[1])
    assert all("](#cell-id=" in row[1] for row in table)


# --- the microscope ---


def test_microscope_shows_a_parabola_a_line_and_a_staircase():
    h = np.array([[1.0], [1e-4], [1e-15]])
    seen = microscope.compute(h, np.array([[0.0]])).series[0].points[:, 0]
    s = seen[0, :, 0]
    np.testing.assert_allclose(seen[0, :, 1], 4 * s**2 - 12 * s, rtol=0, atol=1e-12)
    np.testing.assert_allclose(seen[1, :, 1], -12 * s, rtol=0, atol=1e-3)
    assert len(np.unique(seen[2, :, 1])) < 20  # 401 points on a few stairs


def test_microscope_draws_the_errors_of_both_differences():
    h = np.array([[0.25], [0.5], [1.0]])
    forward, central = (s.points for s in microscope.compute(h, np.array([[0.0, 1.0]])).series[3:5])
    for k in range(2):
        np.testing.assert_allclose(forward[0, k], np.column_stack([h[:, 0], 4 * h[:, 0]]))
        np.testing.assert_allclose(central[0, k, :, 1], microscope.FLOOR)  # exact, drawn on the floor


# --- what the article leaves out ---


def test_e015_chapters_1_and_6_have_no_year_and_no_source(article):
    year, source = r"\b(?:19|20)\d\d\b", r"arXiv:|https?://|doi:|et al\.|\[\d+\]"
    for first, last in ((3, 23), (1193, 1270)):
        assert not re.findall(f"{year}|{source}", "\n".join(article[first - 1 : last]))
    whole = "\n".join(article)
    assert not re.findall(year, whole)
    assert len(re.findall(source, whole)) > 5  # so the search can find something


def test_e016_and_e017_what_the_article_leaves_out(article):
    assert "layer" not in article[68]
    whole = "\n".join(article)
    assert "偏置" not in whole
    assert {line[m.end() : m.end() + 11] for line in article for m in re.finditer("bias", line)} == {
        " correction"
    }
