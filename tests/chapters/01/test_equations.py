"""Every numbered equation of chapter 1 as it stands in the notebook, against our code, SymPy and torch."""

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn

from losslab.book import predictions
from losslab.explorers.views import microscope, neuron
from losslab.formulas import costs
from losslab.learning import autodiff, models

EXACT = {"rtol": 0, "atol": 1e-12}


def test_equation_1_1_is_a_linear_layer_and_its_activation(written):
    assert written["1.1"] == r"a = \varphi\Bigl( \sum_i w_i x_i + b \Bigr)"
    torch.manual_seed(0)
    layer, x = nn.Linear(5, 3).double(), torch.randn(5).double()
    w, b = layer.weight.tolist(), layer.bias.tolist()
    a = [max(sum(w[k][i] * x[i].item() for i in range(5)) + b[k], 0.0) for k in range(3)]
    np.testing.assert_allclose(torch.relu(layer(x)).detach(), a, **EXACT)
    assert max(2 * 1 + 1 * -3 + 2, 0) == 1  # the chapter's example, with and without the bias
    assert max(2 * 1 + 1 * -3, 0) == 0


def test_equation_1_2_has_the_smallest_squared_error(written, cells):
    assert written["1.2"] == (
        r"w = \frac{\sum_i (x_i - \bar x)(y_i - \bar y)}{\sum_i (x_i - \bar x)^2}, \qquad "
        r"b = \bar y - w\,\bar x"
    )
    names = {"celsius": neuron.CELSIUS}
    exec(cells["fit-by-sympy"], names)
    x, y = np.array(names["pairs"], float).T
    dx, dy = x - x.mean(), y - y.mean()
    w = (dx * dy).sum() / (dx**2).sum()
    b = y.mean() - w * x.mean()
    assert (x.mean(), y.mean(), (dx**2).sum(), (dx * dy).sum()) == (40, 104, 11_200, 20_160)  # as in the text
    np.testing.assert_allclose((w, b), np.polyfit(x, y, 1), **EXACT)
    best, mse = names["fitted"](names["bias"])
    assert (best[names["weight"]], best[names["bias"]], mse) == (sp.Rational(9, 5), 32, 0)
    best, mse = names["fitted"](0)
    np.testing.assert_allclose(float(best[names["weight"]]), (x * y).sum() / (x * x).sum(), **EXACT)
    assert mse == 512


def test_equation_1_3_collapses_two_layers(written):
    assert written["1.3"] == r"W_2 (W_1 x + b_1) + b_2 = (W_2 W_1)\, x + (W_2 b_1 + b_2)"
    rng = np.random.default_rng(0)
    W1, b1, W2, b2, x = (rng.normal(size=shape) for shape in ((4, 3), 4, (2, 4), 2, 3))
    np.testing.assert_allclose(W2 @ (W1 @ x + b1) + b2, (W2 @ W1) @ x + (W2 @ b1 + b2), **EXACT)
    assert 3 * (2 * 5 + 1) + 4 == 6 * 5 + 7


def test_equation_1_4_is_a_tent_and_folds(written, cells):
    assert written["1.4"] == r"T(x) = 2 \max(x, 0) - 4 \max\bigl(x - \tfrac12,\, 0\bigr)"
    names = {"np": np, "predictions": predictions}
    exec(cells["tent"], names)
    x = np.linspace(0, 1, 101)
    np.testing.assert_allclose(names["tent"](x), 1 - np.abs(2 * x - 1), **EXACT)
    by_hand = [2 * max(v, 0) - 4 * max(v - 0.5, 0) for v in (0, 0.25, 0.5, 0.75, 1)]
    assert by_hand == [0, 0.5, 1, 0.5, 0]
    assert names["tent"](np.array([0, 0.25, 0.5, 0.75, 1])).tolist() == by_hand


def kinks(y):
    return np.count_nonzero(np.abs(np.diff(y, 2)) > 1e-9)


def test_equation_1_5_counts_the_pieces_of_side_by_side_and_of_folded(written, cells):
    assert written["1.5"] == (
        r"\text{pieces} \le n + 1 \;\text{ for $n$ neurons in one layer}, \qquad "
        r"\text{pieces} = 2^L \;\text{ for $L$ tents, $2L$ neurons}"
    )
    names = {"np": np, "predictions": predictions}
    exec(cells["tent"], names)
    assert names["pieces"] == {L: 2**L for L in range(1, 9)}
    assert all(1 + kinks(y) == 2**L for L, y in names["folded"].items())
    rng, x = np.random.default_rng(0), np.linspace(-6, 6, 12_001)
    for n in (1, 2, 5, 16):
        w, v, at = rng.normal(size=n), rng.normal(size=n), rng.integers(-5_000, 5_000, n) / 1000
        y = np.maximum(w * (x[:, None] - at), 0) @ v  # each neuron bends at one grid point
        assert 1 + kinks(y) == len(set(at)) + 1 <= n + 1


@pytest.mark.parametrize("widths", [(784, 256, 128, 64, 10), (2, 1), (5, 4, 4)])
def test_equation_1_6_counts_parameters(written, widths):
    assert written["1.6"] == r"P = \sum_{l=1}^{L} n_l\,(n_{l-1} + 1)"
    layers = nn.Sequential(*[nn.Linear(m, n) for m, n in zip(widths, widths[1:], strict=False)])
    P = sum(widths[l] * (widths[l - 1] + 1) for l in range(1, len(widths)))
    assert sum(p.numel() for p in layers.parameters()) == P
    if len(widths) == 5:
        assert P == 242_762 == sum(p.numel() for p in models.Net().parameters())


def test_equation_1_7_is_the_count_of_a_transformer_without_attention_scores(written):
    """Each parameter is used once per token: 2 FLOP forward, 4 back. And the published products."""
    assert written["1.7"] == r"C \approx 6\,P\,D"
    assert costs.train_flop(3, 5) == 6 * 3 * 5
    np.testing.assert_allclose(costs.train_flop(174.6e9, 300e9), 3.14e23, rtol=0.002)  # Table D.1
    np.testing.assert_allclose(costs.train_flop(109e6, 250e9), 1.64e20, rtol=0.005)
    np.testing.assert_allclose(costs.train_flop(355e6, 250e9), 5.33e20, rtol=0.005)
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
        tokens = torch.empty(1, 8, 256, requires_grad=True)  # few tokens: the scores cost next to nothing
    P = sum(p.numel() for p in layer.parameters())
    counted = autodiff.flop(lambda: layer(tokens).sum().backward())
    np.testing.assert_allclose(counted, 6 * P * 8, rtol=0.03)


def test_equation_1_8_is_the_error_of_a_forward_difference(written):
    assert written["1.8"] == r"\frac{\mathcal{L}(w + h) - \mathcal{L}(w)}{h} = -4\,(3 - 2w) + 4h"
    w, h = sp.symbols("w h")
    found = (microscope.loss(w + h) - microscope.loss(w)) / h
    assert sp.simplify(found - (-4 * (3 - 2 * w) + 4 * h)) == 0
    assert sp.expand(sp.diff(microscope.loss(w), w) - microscope.slope(w)) == 0
    for at in (-1.0, 0.0, 0.5):
        got = microscope.forward_difference(at, 0.25)
        np.testing.assert_allclose(got, -4 * (3 - 2 * at) + 1, **EXACT)


@pytest.mark.parametrize("B", [1, 100])
@pytest.mark.parametrize("n", [(784, 256, 128, 64, 10), (5, 4, 4, 2)])
def test_equation_1_9_is_what_torch_counts(written, n, B):
    assert written["1.9"] == (
        r"C_{\text{forward}} = 2B \sum_{l} n_l\, n_{l-1}, \qquad "
        r"C_{\text{backward}} = 2\,C_{\text{forward}} - 2B\, n_1 n_0"
    )
    with torch.device("meta"):
        layers = [nn.Linear(n[l - 1], n[l]) for l in range(1, len(n))]
        net, x = nn.Sequential(*layers), torch.empty(B, n[0])
    forward = 2 * B * sum(n[l] * n[l - 1] for l in range(1, len(n)))
    backward = 2 * forward - 2 * B * n[1] * n[0]
    assert autodiff.flop(lambda: net(x)) == forward
    assert autodiff.flop(lambda: net(x).sum().backward()) == forward + backward
