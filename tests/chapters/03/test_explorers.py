"""The explorers of chapter 3 draw and say what autograd and torch say."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from losslab import explorers
from losslab.explorers.stage import draw_stage
from losslab.explorers.views import entropy, outlier, temperature
from losslab.figures import palette


def at(explorer, name, panel):
    """Points of the only or last series of that name on that panel, at the present position."""
    series = [s for s in explorer.computed().series if (s.key, s.panel) == (name, panel)][-1]
    i, j = (min(k, n - 1) for k, n in zip(explorer.state["index"], series.points.shape, strict=False))
    return series.points[i, j]


def single(name, panel, view):
    """Points of the last series of that name on that panel, of a view of a single position."""
    return [s for s in view.series if (s.key, s.panel) == (name, panel)][-1].points[0, 0]


def said(explorer):
    return explorer.computed().sentence(explorer.state["index"], explorer.state["shown"])


@pytest.mark.parametrize("label", [1, 2, 3])
@pytest.mark.parametrize(("z1", "z2"), [(2.0, 0.0), (-6.0, 6.0), (6.0, 6.0), (0.4, -3.2)])
def test_softmax_shows_torchs_numbers(z1, z2, label):
    explorer = explorers.logits(z1, z2, label)
    z = torch.tensor([z1, z2, 0.0], dtype=torch.float64, requires_grad=True)
    loss, p = functional.cross_entropy(z, torch.tensor(label - 1)), z.softmax(0).tolist()
    loss.backward()
    bars = [at(explorer, f"Class {k}", 1) for k in (1, 2, 3)]
    np.testing.assert_allclose([bar[:, 0].mean() for bar in bars], [1, 2, 3])
    np.testing.assert_allclose([bar[1, 1] for bar in bars], p, rtol=1e-12)
    np.testing.assert_allclose([at(explorer, f"Class {k}", 0)[1, 1] for k in (1, 2, 3)], z.tolist())
    touch = at(explorer, "Class 1", 2)
    np.testing.assert_allclose(touch[[0, -1]], [[z1, loss.item()]] * 2, rtol=1e-10)
    slope = np.diff(touch[1:3, 1]) / np.diff(touch[1:3, 0])
    np.testing.assert_allclose(slope, z.grad[0].item(), rtol=1e-9)
    for number in (*p, loss.item(), z.grad[0].item()):
        assert f"{number:.3f}" in said(explorer)
    assert f"If class {label} is right" in said(explorer)
    assert f"z₁ is {'p₁ − 1' if label == 1 else 'p₁'} = {z.grad[0].item():.3f}." in said(explorer)


@pytest.mark.parametrize("label", [1, 2, 3])
def test_the_softmax_curve_is_the_loss_along_z1(label):
    explorer = explorers.logits(1.0, -2.2, label)
    curve = at(explorer, "Loss", 2)
    z = torch.tensor([[z1, -2.2, 0.0] for z1 in curve[:, 0]], dtype=torch.float64)
    want = functional.cross_entropy(z, torch.full((len(z),), label - 1), reduction="none")
    np.testing.assert_allclose(curve[:, 1], want.numpy(), rtol=1e-10)


@pytest.mark.parametrize("p", [0.001, 0.05, 1 / 3, 0.7, 0.999])
def test_price_list_shows_autograds_slopes(p):
    explorer = explorers.price_list(p)
    ours = {name: (at(explorer, name, 0), at(explorer, name, 1)) for name in palette.LINES if name in PRICES}
    for name, price in PRICES.items():
        for panel, start, of in ((0, p, lambda p: p), (1, np.log(p / (1 - p)), torch.sigmoid)):
            x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
            value = price(of(x))
            value.backward()
            points = ours[name][panel]
            np.testing.assert_allclose(points[0], [start, value.item()], rtol=1e-9, atol=1e-12)
            slope = np.diff(points[1:3, 1]) / np.diff(points[1:3, 0])
            np.testing.assert_allclose(slope, x.grad.item(), rtol=1e-9, atol=1e-12)
        pull = at(explorer, name, 2)
        np.testing.assert_allclose(pull, [[x.item(), -x.grad.item()]], rtol=1e-9, atol=1e-12)
        template = "{} {:.0f} and {:.0f}" if name == "0/1 loss" else "{} {:.3f} and {:.3f}"
        words = template.format(name.lower(), value.item(), abs(x.grad.item()))
        assert explorer.computed().sentence(explorer.state["index"], [name]).endswith(f"logit: {words}.")


PRICES = {
    "Cross-entropy": lambda p: -p.log(),
    "Squared error": lambda p: (1 - p) ** 2,
    "0/1 loss": lambda p: (p <= 0.5) + 0 * p,
}


def test_price_list_charges_a_tie_as_a_mistake():
    assert said(explorers.price_list(0.5)).endswith("0/1 loss 1 and 0.")
    assert said(explorers.price_list(0.505)).endswith("0/1 loss 0 and 0.")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_curves_on_the_stage_are_the_three_losses(theme):
    _, axes = draw_stage(explorers.price_list().stage, theme, "price_list")
    for ax, to_p in zip(axes, (lambda x: x, torch.sigmoid, torch.sigmoid), strict=True):
        lines = ax.get_lines()
        assert [line.get_color() for line in lines] == [palette.colour(name, theme) for name in PRICES]
        for line, price in zip(lines, PRICES.values(), strict=True):
            x, y = map(torch.tensor, line.get_data())
            x.requires_grad_()
            want = price(to_p(x))
            if ax is axes[2]:
                (slope,) = torch.autograd.grad(want.sum(), x)
                want = -slope
            np.testing.assert_allclose(y, want.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("price", ["−log p", "(1 − p)²"])
def test_a_tangent_touches_its_curve_from_the_right_side(price):
    """Both curves are convex in p, so their tangents lie below them."""
    name = {"−log p": "Cross-entropy", "(1 − p)²": "Squared error"}[price]
    for p in (0.1, 0.5, 0.9):
        _, left, right, _ = at(explorers.price_list(p), name, 0)
        inside = [(x, y) for x, y in (left, right) if 0 < x < 1]
        assert inside
        assert all(y < PRICES[name](torch.tensor(x)).item() for x, y in inside)


@pytest.mark.parametrize(("y", "delta"), [(8.0, 1.0), (-8.0, 0.1), (0.4, 10.0), (7.9, 3.16), (0.0, 1.0)])
def test_the_outlier_pulls_where_the_definitions_say(y, delta):
    view = outlier.compute(np.array([[y]]), np.array([[delta]]))
    seven = [*outlier.MEASURED, y]
    c = np.linspace(-3, 3, 6001)
    error = torch.tensor(c[:, None] - np.array(seven))
    huber = functional.huber_loss(error, 0 * error, delta=delta, reduction="none").mean(1).numpy()
    wanted = {
        "Squared error": (sum(seven) / 7, (error**2).mean(1).numpy()),
        "Absolute error": (sorted(seven)[3], error.abs().mean(1).numpy()),
        "Huber loss": (c[huber.argmin()], huber),
    }
    for key, (best, loss) in wanted.items():
        np.testing.assert_allclose(single(key, 1, view), [[best, 0]], atol=1e-3)
        np.testing.assert_allclose(single(key, 0, view)[:, 0], best, atol=1e-3)
        curve = next(s for s in view.series if (s.key, s.panel) == (key, 1)).points
        np.testing.assert_allclose(curve[0, 0, :, 1], loss[::100] - loss.min(), atol=1e-5)
        shown = single(key, 1, view)[0, 0].round(2) + 0.0
        assert f"{shown:.2f} ({key.lower()})" in view.sentence().lower()
    np.testing.assert_allclose(single("Outlier", 0, view), [[y, 0]])


def test_how_far_an_outlier_can_pull():
    """The mean without limit, the median to the next point, Huber's estimate no farther than δ allows."""
    y = np.array([-1e6, -8, -0.5, 0, 0.3, 0.5, 8, 1e6])
    best = outlier.best_constants(y, 1.0)
    np.testing.assert_allclose(best["Squared error"], y / 7, atol=1e-12)
    np.testing.assert_allclose(best["Absolute error"], np.clip(y, -0.5, 0.5))
    far = best["Huber loss"][-1]
    np.testing.assert_allclose(best["Huber loss"][[0, 1, -2]], [-far, -far, far], atol=1e-12)
    np.testing.assert_allclose(np.clip(far - outlier.MEASURED, -1, 1).sum(), 1.0, atol=1e-12)


@pytest.mark.parametrize("truth", entropy.TRUTHS)
@pytest.mark.parametrize(("p1", "p2"), [(0.3, 0.5), (0.99, 0.02), (0.01, 0.98), (0.7, 2 / 3), (1 / 3, 0.5)])
def test_the_stack_is_torchs_cross_entropy(truth, p1, p2):
    view = entropy.compute(np.array([[p1]]), np.array([[p2]]), truth=truth)
    real = torch.tensor(entropy.TRUTHS[truth], dtype=torch.float64)
    p = torch.tensor([p1, p2 * (1 - p1), (1 - p2) * (1 - p1)], dtype=torch.float64)
    crossed = functional.cross_entropy(p.log(), real).item()
    own = torch.distributions.Categorical(real).entropy().item()
    divergence = functional.kl_div(p.log(), real, reduction="sum").item()
    lower, upper = single("Entropy", 1, view)[:, 1], single("KL divergence", 1, view)[:, 1]
    np.testing.assert_allclose(lower, [0, own, own, 0], atol=1e-6)
    np.testing.assert_allclose(upper, [own, crossed, crossed, own], atol=1e-6)
    for key, heights in (("Truth", real), ("Model", p)):
        np.testing.assert_allclose(single(key, 0, view).reshape(3, 4, 2)[:, 1, 1], heights, rtol=1e-12)
    sum_of_two = f"{crossed:.3f} = {abs(own):.3f} + {abs(divergence):.3f} nats"
    assert view.sentence().endswith(sum_of_two.replace("-0.000", "0.000") + ".")


def test_the_cross_entropy_is_smallest_at_the_truth_and_0_only_where_nothing_is_open():
    p1, p2 = (slider.values for slider in entropy.SLIDERS)
    for name, truth in entropy.TRUTHS.items():
        own, crossed, _ = entropy.entropies(truth, entropy.model(p1[:, None], p2))
        i, j = np.unravel_index(crossed.argmin(), crossed.shape)
        assert np.abs(entropy.model(p1[i], p2[j]) - truth).max() < 0.011, name
        assert (own == 0) == (name == "certain")
        assert crossed.min() == pytest.approx(own, abs=0.011)


@pytest.mark.parametrize(("T", "z1"), [(1.0, 3.0), (0.05, 6.0), (20.0, -4.0), (0.5, 2.0), (2.0, 1.0)])
def test_temperature_shows_torchs_softmax_and_its_entropy(T, z1):
    view = temperature.compute(np.array([[T]]), np.array([[z1]]))
    z = torch.tensor([z1, *temperature.LOGITS[1:]], dtype=torch.float64)
    found = torch.distributions.Categorical(logits=z / T)
    bars = single("Probability", 0, view).reshape(5, 4, 2)
    np.testing.assert_allclose(bars[:, 1, 1], found.probs, atol=1e-12)
    nats = found.entropy().item()
    np.testing.assert_allclose(single("This temperature", 1, view), [[T, nats]], atol=1e-10)
    first, second = found.probs.sort(descending=True)[0][:2].tolist()
    assert f"probability is {first:.3f}, {first / second:.3g} times" in view.sentence()
    assert f"entropy is {nats:.3f} nats" in view.sentence()
    for at, height in single("Entropy", 1, view)[::20]:
        want = torch.distributions.Categorical(logits=z / at).entropy().item()
        np.testing.assert_allclose(height, want, atol=1e-10)


def test_no_temperature_changes_the_order():
    p, nats = temperature.probabilities(temperature.SLIDERS[0].values, 3.0)
    assert (np.argsort(-p[nats > 1e-3], -1) == np.arange(5)).all()
    assert p[0].max() == pytest.approx(1)
    assert nats[-1] == pytest.approx(np.log(5), abs=0.01)


def test_choosing_another_label_recomputes():
    explorer = explorers.logits()
    explorer.ask = {"choice": ["label", "3"], "n": 1}
    assert explorer.settings == {"label": 3}
    assert "If class 3 is right" in said(explorer)


@pytest.mark.parametrize(
    "make", [explorers.logits, explorers.price_list, explorers.outlier, explorers.entropy]
)
def test_repr_opens_the_same_explorer(make):
    first = make()
    again = eval(repr(first), {"explorers": explorers})
    assert repr(again) == repr(first)
    assert (again.state, again.settings) == (first.state, first.settings)
