"""The arithmetic of large trainings: hand-checked values, limits, published figures, exact statistics."""

from itertools import permutations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from losslab import explorers
from losslab.explorers.contract import vocabulary
from losslab.explorers.views import amdahl, training_time
from losslab.explorers.views import shards as views
from losslab.formulas import attribution, costs
from losslab.learning import models

# --- operations, days, energy, money ---


def test_six_operations_per_parameter_and_sample():
    assert costs.train_flop(1, 1) == 6
    assert costs.train_flop(7, 11) == 462


def test_six_n_is_what_torch_counts_once_the_input_needs_a_slope():
    net = models.Net()
    N = sum(p.numel() for p in net.parameters())
    weights = [p.numel() for p in net.parameters() if p.ndim == 2]
    assert (N, sum(weights)) == (242_762, 242_304)
    for needs_slope in (False, True):
        with FlopCounterMode(display=False) as counter:
            cross_entropy(
                net(torch.zeros(10, 784, requires_grad=needs_slope)), torch.zeros(10).long()
            ).backward()
        # a matrix: 2 forward, 2 for its own slope, and 2 for the slope of its input where that is needed
        assert counter.get_total_flops() == 10 * (6 * sum(weights) - 2 * weights[0] * (not needs_slope))


@pytest.mark.parametrize("name", [name for name, run in costs.PUBLISHED.items() if run.flop])
def test_published_operations_are_six_n_d(name):
    run = costs.PUBLISHED[name]
    np.testing.assert_allclose(costs.train_flop(run.parameters, run.tokens), run.flop, rtol=0.03)


def test_every_table_and_explorer_knows_a_model_by_one_size():
    counted = {size.name: size.parameters for size in costs.MODELS}
    net = sum(p.numel() for p in models.Net().parameters())
    assert costs.PARAMETERS["Net"] == counted["the article's Net"] == net
    assert costs.PARAMETERS["BERT"] == counted["BERT large"]
    published = {name: run.parameters for name, run in costs.PUBLISHED.items()}
    assert costs.PARAMETERS | published == costs.PARAMETERS
    np.testing.assert_allclose(published["GPT-3"], counted["GPT-3"], rtol=1e-4)  # one is rounded


def test_a_day_of_a_petaflop_per_second():
    assert costs.train_days(8.64e19, 1, 1e15) == pytest.approx(1)  # a "petaflop/s-day"
    assert costs.train_flop(174.6e9, 300e9) / 8.64e19 == pytest.approx(3640, rel=0.001)  # as in the paper


def test_the_published_estimates_of_narayanan_and_others():
    """8 T P / (n X): forward twice. 175 billion on 1,024 A100: 34 days; a trillion on 3,072: 84 days."""
    for N, D, n, rate, days in [(175e9, 300e9, 1024, 140e12, 34), (1.008e12, 450e9, 3072, 163e12, 84)]:
        assert round(costs.train_days(8 / 6 * costs.train_flop(N, D), n, rate)) == days


@pytest.mark.parametrize(
    ("hours", "megawatt_hours"), [(82_432, 36), (135_168, 59), (530_432, 233), (1_022_362, 449)]
)
def test_energy_agrees_with_table_15_of_touvron_and_others(hours, megawatt_hours):
    energy = costs.train_energy(hours / 24, 1, watts=400, overhead=1.1)
    np.testing.assert_allclose(energy / 1000, megawatt_hours, atol=1)
    np.testing.assert_allclose(costs.train_energy(hours / 48, 2, watts=400, overhead=1.1), energy)


def test_cost_is_device_hours_times_price():
    assert costs.train_cost(2, 3, price=0.5) == 72


# --- Amdahl ---


def test_amdahl_by_hand_and_in_its_limits():
    assert costs.speedup(2, 0.5) == pytest.approx(4 / 3)
    assert costs.speedup(8, 0.0) == 8
    assert costs.speedup(8, 1.0) == 1
    assert costs.speedup(1e12, 0.05) == pytest.approx(20)
    assert costs.speedup(1, 0.3) == 1
    assert costs.efficiency(2, 0.5) == pytest.approx(2 / 3)


def test_efficiency_only_falls():
    n = np.arange(1, 200)
    for s in (0.001, 0.05, 0.5):
        assert (np.diff(costs.efficiency(n, s)) < 0).all()
        assert (np.diff(costs.speedup(n, s)) > 0).all()


# --- averaging ---


def test_the_weighted_mean_is_the_mean_over_all_samples():
    g = np.random.default_rng(0).normal(size=(100, 3))
    shards = np.split(g, [60, 90, 97])
    mean = costs.average_gradient([part.mean(0) for part in shards], [len(part) for part in shards])
    np.testing.assert_allclose(mean, g.mean(0), rtol=1e-12)


def test_one_size_per_gradient():
    with pytest.raises(ValueError, match=r"one number per gradient, got \(2,\) and \(3, 5\)"):
        costs.average_gradient(np.zeros((3, 5)), [1, 2])


@pytest.mark.parametrize("sizes", [(3, 2, 1), (2, 2, 2), (4, 1, 1), (5, 1)])
def test_the_expected_error_is_exact_over_all_ways_to_deal(sizes):
    g = np.random.default_rng(0).normal(1, 1, size=(6, 2))
    full, ends = g.mean(0), np.cumsum(sizes)[:-1]
    squares = [
        ((np.mean([part.mean(0) for part in np.split(g[list(order)], ends)], 0) - full) ** 2).sum()
        for order in permutations(range(6))
    ]
    noise = (((g - full) ** 2).sum() / 5) ** 0.5 / np.linalg.norm(full)
    np.testing.assert_allclose(
        costs.dealt_error(sizes, noise), np.mean(squares) ** 0.5 / np.linalg.norm(full), atol=1e-12
    )


def test_products_of_gradients_are_those_of_autograd():
    """The explorer never holds 400 gradients; compare a few with autograd, through the same network."""
    from losslab.data import mnist, pixels
    from losslab.formulas import backprop

    digits = mnist.load()
    rng = np.random.default_rng(0)
    layers = backprop.random_layers(rng, views.WIDTHS)
    batch = rng.permutation(6000)[:400]
    net = models.Net().double()
    with torch.no_grad():
        for linear, (W, b) in zip(net.children(), layers, strict=True):
            linear.weight.copy_(torch.tensor(W))
            linear.bias.copy_(torch.tensor(b))
    x = pixels.standardise(digits.train_images, *pixels.mean_std(digits.train_images)).double()[batch]
    y = digits.train_labels.long()[batch]

    def slopes(part):
        found = torch.autograd.grad(cross_entropy(net(x[part]), y[part]), list(net.parameters()))
        return torch.cat([slope.flatten() for slope in found]).numpy()

    few, K = [0, 17, 399], views.products(0)
    G = np.array([slopes([k]) for k in few])
    np.testing.assert_allclose(K[np.ix_(few, few)], G @ G.T, rtol=1e-5)
    g = slopes(slice(None))
    shards = [slopes(slice(a, b)) for a, b in ((0, 300), (300, 360), (360, 390), (390, 400))]
    plain, weighted, _ = views.errors(np.array([300, 60, 30, 10]), K)
    np.testing.assert_allclose(plain, np.linalg.norm(np.mean(shards, 0) - g) / np.linalg.norm(g), rtol=1e-4)
    assert weighted < 1e-15


@pytest.mark.parametrize("rest", views.REST)
def test_every_image_has_a_worker(rest):
    n = views.sizes(views.SLIDERS[0].values[:, None], views.SLIDERS[1].values, rest)
    assert (n.sum(-1) == views.N).all()
    assert n.min() >= 1
    assert (n == n.round()).all()


def test_equal_shards_are_right_without_weights():
    assert views.sizes(100.0, 1 / 3, "even").tolist() == [100, 100, 100, 100]
    plain, weighted, expected = views.errors(np.full(4, 100.0), views.products(0))
    assert max(plain, weighted) < 1e-15
    assert expected < 1e-7


# --- the ring ---


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_after_the_ring_everybody_has_the_sum(n):
    a = np.random.default_rng(0).normal(size=(n, 3 * n))
    after, sent = costs.ring_all_reduce(a)
    np.testing.assert_allclose(after, np.tile(a.sum(0), (n, 1)), rtol=1e-12)
    assert sent == costs.ring_bytes(3 * n, n)
    assert (after == after[0]).all()  # bit for bit: each piece was summed once and then copied


# --- memory ---


@pytest.mark.parametrize("precision", ["fp32", "mixed"])
def test_sixteen_bytes_per_parameter(precision):
    assert costs.train_memory(1, precision=precision) == 16


def test_the_figures_of_rajbhandari_and_others():
    """Figure 1 of the ZeRO paper: 7.5 billion parameters on 64 devices: 120, 31.4, 16.6 and 1.9 GB."""
    held = [costs.train_memory(7.5e9, 64, stage) / 1e9 for stage in range(4)]
    np.testing.assert_allclose(held, [120, 31.4, 16.6, 1.9], atol=0.05)


def test_an_unknown_stage_is_an_error():
    with pytest.raises(ValueError, match="stage must be 0, 1, 2 or 3, got 4"):
        costs.train_memory(1, stage=4)


# --- the calculator on the page ---


@pytest.mark.parametrize(
    ("days", "said"),
    [(1 / 86400, "1 s"), (1e-9, "8.64e-05 s"), (0.5, "12 h"), (33.9, "33.9 days"), (36525, "100 years")],
)
def test_times_are_said_in_a_unit_that_fits(days, said):
    assert training_time.span(days).said(vocabulary("training_time")) == said


def test_the_calculator_says_what_the_functions_compute():
    view = training_time.compute(
        np.array([[1], [1024]]), np.array([[3e11]]), model="GPT-3", tflops=140, watts=500, price=3
    )
    days = costs.train_days(costs.train_flop(174.6e9, 3e11), 1024, 140e12)
    text = view.sentence((1, 0))
    assert f"1,024 devices at 140 TFLOP/s: {days:.3g} days" in text
    assert f"{days * 24 * 1024 * 500 / 1e6:.3g} MWh at 500 W" in text
    assert "1,870,000 at 3 per device-hour" in text
    assert round(days * 24 * 1024 * 3, -4) == 1_870_000
    line, here, place = (series.points for series in view.series)
    np.testing.assert_allclose(here[1, 0, 0], [1024, days])
    np.testing.assert_allclose(place[0, 0, 0], [174.6e9, 3e11])
    np.testing.assert_allclose(line[0, 0, :, 0] * line[0, 0, :, 1], 1024 * days)


def test_amdahls_point_lies_on_its_curve():
    view = amdahl.compute(np.array([[64.0]]), np.array([[0.05]]))
    for curve, here in (view.series[:2], view.series[2:]):
        n, height = curve.points[0, 0].T
        assert np.interp(64, n, height) == pytest.approx(here.points[0, 0, 0, 1], rel=2e-3)
    assert "15.4 times faster, never more than 20; efficiency 24.1%" in view.sentence()


def test_the_calculators_line_opens_it_again():
    first = explorers.training_time("PaLM", devices=1024, tokens=7.8e11, watts=250)
    assert "devices=1024, tokens=7.8e+11" in repr(first)
    again = eval(repr(first), {"explorers": explorers})
    assert (again.state, again.settings, repr(again)) == (first.state, first.settings, repr(first))


# --- attribution ---


def product(x):
    return 1 + 3 * x[..., 0] + 2 * x[..., 1] * x[..., 2]


def rough(x):
    return np.sin(x @ np.arange(1, 6)) + np.maximum(x[..., 0], x[..., 3]) * x[..., 4] ** 2


X, ZERO = np.array([0.3, -1.2, 0.8, 2.0, 0.5]), np.zeros(5)


def test_shapley_by_hand():
    np.testing.assert_allclose(attribution.shapley(product, np.ones(3), np.zeros(3)), [3, 1, 1], atol=1e-15)


def test_shapley_values_share_out_exactly_the_difference():
    phi = attribution.shapley(rough, X, ZERO)
    np.testing.assert_allclose(phi.sum(), rough(X) - rough(ZERO), rtol=1e-12)


def test_shapley_of_a_sum_is_the_sum_and_a_bystander_gets_nothing():
    sum_of_both = attribution.shapley(lambda x: rough(x) + 2 * x[..., 1] ** 3, X, ZERO)
    parts = attribution.shapley(rough, X, ZERO) + np.array([0, 2 * X[1] ** 3, 0, 0, 0])
    np.testing.assert_allclose(sum_of_both, parts, atol=1e-12)
    assert attribution.shapley(lambda x: x[..., 0] * x[..., 1], X, ZERO)[2] == 0


def test_shapley_is_the_mean_over_all_orders():
    orders = np.array(list(permutations(range(5))))
    phi, _ = attribution.sampled_shapley(rough, X, ZERO, orders)
    np.testing.assert_allclose(phi, attribution.shapley(rough, X, ZERO), rtol=1e-12)


def test_sampled_values_add_up_and_know_their_error():
    exact, rng = attribution.shapley(rough, X, ZERO), np.random.default_rng(0)
    z = []
    for _ in range(200):
        orders = rng.permuted(np.tile(np.arange(5), (50, 1)), axis=1)
        phi, error = attribution.sampled_shapley(rough, X, ZERO, orders)
        np.testing.assert_allclose(phi.sum(), rough(X) - rough(ZERO), rtol=1e-12)
        z.append((phi - exact) / error)
    assert 0.8 < np.std(z) < 1.25


def test_occlusion_takes_one_input_at_a_time():
    found = attribution.occlusion(rough, X, ZERO)
    one_by_one = [rough(X) - rough(np.where(np.arange(5) == i, 0, X)) for i in range(5)]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-12)


def test_ranks_share_ties_and_correlation_sees_only_order():
    np.testing.assert_array_equal(attribution.ranks([30, 10, 10, 20]), [4, 1.5, 1.5, 3])
    a = np.random.default_rng(0).normal(size=(4, 5))
    assert attribution.rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert attribution.rank_correlation(a, -(a**3)) == pytest.approx(-1)
    assert attribution.rank_correlation([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(
        0.8
    )  # 1 − 6 Σd²/(n³ − n)
