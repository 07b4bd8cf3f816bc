"""E013–E025 and E076, the concepts: the printed form fails the very fact that the correction satisfies."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from losslab.article import misprints
from losslab.data import mnist, pixels
from losslab.explorers.views import microscope
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


# --- chapter 1 of the article: what can be looked up, who reads what ---


def test_e015_the_claims_have_no_year_and_no_source_and_the_rewritten_one_has_both(cells):
    names = run(cells, "evidence")
    assert names["evidence"](names["claimed"]) == (0, 0)
    assert names["evidence"](names["checkable"]) == (1, 2)  # arXiv:2005.14165 holds no year
    assert names["evidence"]("24/7, a gain of 30 %, 5.2") == (0, 0)
    assert names["evidence"]("[3]; https://x.org; A. Author et al. 1999; 2020") == (2, 3)


def test_e013_only_its_own_kind_of_input_enters_a_model(cells):
    names = run(cells, "front-doors", "front-doors-tried")
    table = [[names["enters"](door, thing) for thing in names["offers"]] for door in names["doors"].values()]
    assert [[cell != "refused" for cell in row] for row in table] == np.eye(3, dtype=bool).tolist()
    assert table[2][2] == "(1, 512, 49)"  # a vector every 20 ms, as the paper says


@pytest.fixture(scope="module")
def text_models(cells):
    return run(cells, "walks", "two-readers", "two-readers-trained", "written")


def test_e014_a_model_that_sees_the_next_word_beats_a_coin_and_cannot_write(text_models):
    full, causal = text_models["readers"].values()
    assert full[1] < 0.1 < np.log(2)
    assert abs(causal[1] - np.log(2)) < 0.06
    assert text_models["legal"]["full (BERT)"] < 0.5
    assert text_models["legal"]["causal (GPT)"] > 0.95


@pytest.mark.parametrize("causal", [True, False])
def test_e014_by_slopes_only_the_causal_model_is_blind_to_what_follows(text_models, causal):
    """An independent look: which embeddings have a slope in the answer at position 4?"""
    torch.manual_seed(0)
    model, rows = text_models["TextModel"](causal).eval(), []
    model.hours.register_forward_hook(lambda layer, given, made: rows.append(made.requires_grad_()) or made)
    answer = model(torch.arange(9)[None])[0, 4]
    slopes = torch.autograd.grad(answer.square().sum(), rows[0])[0][0].norm(dim=1)
    assert slopes[:5].gt(1e-6).all()
    assert slopes[5:].gt(1e-6).any() != causal


def test_e025_writing_is_one_pass_per_word_and_each_pass_reads_what_was_written(text_models):
    seen, model = [], text_models["readers"]["causal (GPT)"][0]
    hook = model.register_forward_hook(lambda model, given, made: seen.append(given[0].clone()))
    text = text_models["write"](model, torch.tensor([[7]]), torch.Generator().manual_seed(0))
    hook.remove()
    assert [one.shape[1] for one in seen] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(torch.equal(one, text[:, : one.shape[1]]) for one in seen)


# --- chapter 2: neuron, depth, size ---


def test_e017_without_a_bias_the_origin_is_always_answered_by_zero():
    rng = np.random.default_rng(0)
    for w in rng.normal(size=(20, 3)):
        assert misprints.neuron_as_printed(w, np.zeros(3), lambda z: np.maximum(z, 0)) == 0
    x, y = np.array([1.0, 2, 3, 4]), np.array([2.0, 3, 5, 6])

    def mse(w, b):
        return ((w * x + b - y) ** 2).mean()

    grid = min(mse(w, 0) for w in np.linspace(0, 3, 3001))
    np.testing.assert_allclose(grid, 11 / 120, atol=1e-5)
    assert mse(1.4, 0.5) < 0.6 * grid
    assert sum(fc.bias.numel() for fc in models.Net().children()) == 458


def test_e016_layers_are_one_layer_until_they_are_bent(cells):
    names = run(cells, "rings", "rings-trained")
    assert names["right"]["four layers, no bend"] < 0.6
    assert names["right"]["four layers, ReLU"] > 0.97
    run(cells, "collapse")  # asserts


def test_e023_equal_weights_stay_equal_and_a_run_is_one_path(cells):
    names = run(cells, "rings", "rings-trained", "equal-start", net=models.Net())
    assert names["right"]["ReLU, all weights 0.1"] < 0.75 < names["right"]["four layers, ReLU"]
    names = run(cells, "fan-in", net=models.Net(), **{k: names[k] for k in ("stack", "points", "labels")})
    first, again, other = names["path"](0), names["path"](0), names["path"](1)
    assert first.shape == (9, 626)
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, other)
    assert (first[1:] != first[:-1]).any(1).all()


def test_e024_as_drawn_one_act_has_three_names_and_corrected_it_needs_shape_and_scale(cells):
    arrows = diagrams(cells["box-start"])[0]
    needs = {b for a, b in arrows if a in ("shape of the layer", "inputs per neuron")}
    assert needs == {"inputs per neuron", "distribution and scale", "biases: zeros"}
    assert ("distribution and scale", "weights") in arrows


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


def test_e076_every_size_that_says_counted_is_counted(cells):
    """Parameters and operations from the models themselves, on the meta device."""
    names = run(cells, "skeletons", "counted", "flop-counted")
    for model in costs.MODELS:
        assert (model.name in names["counts"]) == model.source.startswith("counted")
        assert names["counts"].get(model.name, model.parameters) == model.parameters
        assert names["flop"].get(model.name) == model.flop


def test_e019_the_name_fits_two_models(cells):
    names = run(cells, "turing")
    assert len(names["meant"]) == 2
    assert "Turing" not in names["named"]


def test_e020_the_same_network_on_five_test_sets(cells):
    names = run(cells, "digits-trained", "digits-changed", "bands")
    assert names["share"]["inverted"] < 0.15 < 0.88 < names["share"]["as they are"]
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


def test_a_recording_is_laid_out_with_every_step_right_of_what_it_read():
    steps = autodiff.operations(neuron()[2])
    places = autodiff.places(steps)
    assert len(set(places)) == len(steps)
    for i, step in enumerate(steps):
        assert all(places[before][0] < places[i][0] for before in step.reads)


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


def opened(text):
    """{"from → to": what the truth table says when it is opened}."""
    return dict(re.findall(r"<summary>(.*?)</summary>\n\n(.*?)\n\n</details>", text, re.S))


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
    inference = "Inference: no slopes needed"
    assert [a for a, b in corrected if b == inference] == ["Training"]
    assert leads(corrected, ["Neural networks"], "Deep learning")
    assert leads(printed, ["Deep Learning"], "Neural Networks")


@pytest.mark.parametrize(("cell", "number"), [("truth-printed", 0), ("truth-corrected", 1)])
def test_every_arrow_of_both_maps_can_be_opened_and_has_a_verdict_and_evidence(cells, cell, number):
    table = opened(cells[cell])
    arrows = diagrams(cells["box-map"])[number]
    said = {re.sub(r" \(.*", "", arrow) for arrow in table}
    assert said == {f"{a} → {b.split(':')[0]}" for a, b in arrows}
    for text in table.values():
        assert re.match(r'"[A-Z].*?": \*\*(true|false)\b', text)
        assert "](#cell-id=" in text
    verdicts = [re.search(r"\*\*(true|false)", text)[1] for text in table.values()]
    assert verdicts == (["false", "true", "false", "false"] if number == 0 else ["true"] * 6)


# --- the explorers ---


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


def test_e015_chapters_1_and_6_have_no_year_and_no_source(article, cells):
    names = run(cells, "evidence")
    for first, last in ((3, 23), (1193, 1270)):
        assert names["evidence"]("\n".join(article[first - 1 : last])) == (0, 0)
    years, sources = names["evidence"]("\n".join(article))
    assert years == 0  # in the whole article, so the search below shows that it can find something
    assert sources > 5


def test_e016_and_e017_what_the_article_leaves_out(article):
    assert "layer" not in article[68]
    whole = "\n".join(article)
    assert "偏置" not in whole
    assert {line[m.end() : m.end() + 11] for line in article for m in re.finditer("bias", line)} == {
        " correction"
    }
