"""The explorers of chapter 3 draw and say what autograd and torch say."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from losslab import explorers
from losslab.explorers.stage import draw_stage
from losslab.figures import palette


def at(explorer, name, panel):
    """Points of the only or last series of that name on that panel, at the present position."""
    series = [s for s in explorer.computed().series if (s.key, s.panel) == (name, panel)][-1]
    i, j = (min(k, n - 1) for k, n in zip(explorer.state["index"], series.points.shape, strict=False))
    return series.points[i, j]


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
    assert f"slope {'p₁ − 1' if label == 1 else 'p₁'} = {z.grad[0].item():.3f}." in said(explorer)


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
    for ax, to_p in zip(axes, (lambda x: x, lambda x: 1 / (1 + np.exp(-x))), strict=True):
        lines = ax.get_lines()
        assert [line.get_color() for line in lines] == [palette.colour(name, theme) for name in PRICES]
        for line, price in zip(lines, PRICES.values(), strict=True):
            x, y = line.get_data()
            np.testing.assert_allclose(y, price(torch.tensor(to_p(x))).numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("price", ["−log p", "(1 − p)²"])
def test_a_tangent_touches_its_curve_from_the_right_side(price):
    """Both curves are convex in p, so their tangents lie below them."""
    name = {"−log p": "Cross-entropy", "(1 − p)²": "Squared error"}[price]
    for p in (0.1, 0.5, 0.9):
        _, left, right, _ = at(explorers.price_list(p), name, 0)
        inside = [(x, y) for x, y in (left, right) if 0 < x < 1]
        assert inside
        assert all(y < PRICES[name](torch.tensor(x)).item() for x, y in inside)


def test_choosing_another_label_recomputes():
    explorer = explorers.logits()
    explorer.ask = {"choice": ["label", "3"], "n": 1}
    assert explorer.settings == {"label": 3}
    assert "If class 3 is right" in said(explorer)


@pytest.mark.parametrize("make", [explorers.logits, explorers.price_list])
def test_repr_opens_the_same_explorer(make):
    first = make()
    again = eval(repr(first), {"explorers": explorers})
    assert repr(again) == repr(first)
    assert (again.state, again.settings) == (first.state, first.settings)
