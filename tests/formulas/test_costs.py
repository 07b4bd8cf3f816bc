"""The arithmetic of large trainings: hand-checked values, limits, published figures, exact statistics."""

from itertools import permutations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from losslab import explorers
from losslab.book import words
from losslab.explorers.contract import vocabulary
from losslab.explorers.views import scaling, training_time, zero
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


@pytest.mark.parametrize(("devices", "share"), [(1, 0.3), (2, 0.5), (64, 0.95), (100_000, 0.999)])
def test_both_laws_time_the_same_work(devices, share):
    """Amdahl splits one batch; Gustafson gives each device its own, and asks how long one needs for all."""
    alone, split = 1 - share, share
    assert costs.amdahl(devices, share) == pytest.approx((alone + split) / (alone + split / devices))
    one_device_would_need = alone + devices * split
    assert costs.gustafson(devices, share) == pytest.approx(one_device_would_need / (alone + split))


def test_gustafson_by_hand():
    assert costs.gustafson(2, 0.5) == 1.5
    assert costs.gustafson(1024, 0.996) == pytest.approx(1019.908)
    assert costs.gustafson(8, 0.0) == 1
    assert costs.gustafson(8, 1.0) == 8


@pytest.mark.parametrize("law", [costs.amdahl, costs.gustafson])
def test_the_split_share_is_a_share(law):
    with pytest.raises(ValueError, match="share must be a share from 0 to 1, got 1.5"):
        law(8, 1.5)
    with pytest.raises(ValueError, match="devices must be 1 or more, got 0"):
        law(0, 0.5)


# --- should I distribute? ---

A100 = {"memory": 80e9, "bandwidth": 25e9, "rate": 150e12}


def test_one_billion_parameters_by_hand():
    """6 · 10⁹ · 10⁶ operations at 1.5 · 10¹⁴/s are 40 s; 2 · 7/8 · 2 · 10⁹ bytes at 25 · 10⁹/s are 0.14 s."""
    advice = costs.should_distribute(1e9, 1e6, devices=8, **A100)
    assert advice.need == 16e9
    assert advice.memory == 80e9
    assert advice.compute == pytest.approx(40)
    assert advice.traffic == pytest.approx(0.14)
    assert advice.speedup == pytest.approx(40 / 5.14)
    assert advice.verdict == "batch"


def test_a_small_network_stays_on_one_device_where_that_is_fast():
    advice = costs.should_distribute(242_762, 100, devices=8, memory=2e9, bandwidth=1e8, rate=1e10)
    assert advice.compute == pytest.approx(6 * 242_762 * 100 / 1e10)  # 15 ms
    assert advice.traffic == pytest.approx(2 * 7 / 8 * 2 * 242_762 / 1e8)  # 8 ms
    assert advice.speedup == pytest.approx(0.0145657 / (0.0145657 / 8 + 0.0084967), rel=1e-4)
    slower = costs.should_distribute(242_762, 100, devices=8, memory=2e9, bandwidth=1e8, rate=1e11)
    assert slower.speedup < 1
    assert slower.verdict == "one"


def test_a_model_that_does_not_fit_is_split_first_however_good_the_wires():
    advice = costs.should_distribute(70e9, 4e6, devices=64, memory=80e9, bandwidth=1e15, rate=150e12)
    assert advice.need == 16 * 70e9
    assert advice.verdict == "model"
    assert costs.should_distribute(5e9, 4e6, devices=64, **A100).verdict == "batch"  # 80 GB in 80 GB


@pytest.mark.parametrize(("bandwidth", "verdict"), [(2.2e9, "one"), (2.8e9, "batch")])
def test_a_tenth_of_the_time_is_what_makes_it_worth_while(bandwidth, verdict):
    """One second on one device, half on each of two, and all-reduces of 0.455 and 0.357 s."""
    given = {"devices": 2, "memory": 1e12, "rate": 6e12}
    assert costs.should_distribute(5e8, 2000, bandwidth=bandwidth, **given).verdict == verdict


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"parameters": 0}, "parameters must be positive, got 0"),
        ({"batch": -1}, "batch must be positive, got -1"),
        ({"memory": 0}, "memory must be positive, got 0"),
        ({"bandwidth": 0}, "bandwidth must be positive, got 0"),
        ({"rate": float("nan")}, "rate must be positive, got nan"),
        ({"devices": 1}, "devices must be 2 or more, got 1"),
    ],
)
def test_advice_refuses_what_makes_no_sense(wrong, said):
    with pytest.raises(ValueError, match=said):
        costs.should_distribute(**{"parameters": 1e9, "batch": 1e6, "devices": 8} | A100 | wrong)


def test_every_verdict_has_its_sentence():
    assert set(words.of("should_distribute", "en")) == {"one", "batch", "model"}


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


@pytest.mark.parametrize("model", [7e9, 70_000_000_000, np.float64(1.2e5)])
def test_a_number_is_a_model_of_the_readers_own(model):
    explorer = explorers.training_time(model, devices=1000, tokens=1e12)
    chosen, offered, _ = explorer.meta["choices"]["model"]
    assert [name for name, _ in offered] == [*costs.PARAMETERS, "yours"]
    assert chosen == "yours"
    assert explorer.sentence().startswith(
        f"Your model, P = {model:.3g}, D = 1e+12: {6 * model * 1e12:.3g} FLOP"
    )
    again = eval(repr(explorer), {"explorers": explorers})
    assert (again.settings, repr(again)) == (explorer.settings, repr(explorer))
    explorer.ask = {"choice": ["model", "GPT-3"], "n": 1}
    assert explorer.sentence().startswith("GPT-3, D = 1e+12")
    explorer.ask = {"choice": ["model", "yours"], "n": 2}
    assert repr(explorer) == repr(again)


@pytest.mark.parametrize("model", [9e4, 1.1e13, -7e9, True, "7e9", None])
def test_a_model_is_a_name_or_a_number_that_is_on_the_picture(model):
    names = "Net, BERT, GPT-3, Chinchilla, PaLM, LLaMA"
    with pytest.raises(ValueError, match="^model must be one of") as refused:
        explorers.training_time(model)
    either = f"one of {names}, or a number of parameters from 100000 to 1e+13"
    assert str(refused.value) == f"model must be {either}, got {model!r}"


# --- strong and weak scaling, and ZeRO, on the page ---


@pytest.mark.parametrize(
    ("law", "gain", "said"),
    [
        ("strong", 64 / 4.15, ("15.4 times as fast as by one device, and never 20 times", "24.1%", "4.15")),
        ("weak", 60.85, ("60.8 times the work of one device in the same time", "95.1%", "1.05")),
    ],
)
def test_the_scaling_explorer_marks_its_law_on_both_panels(law, gain, said):
    view = scaling.compute(np.array([[64]]), np.array([[0.95]]), law=law)
    for panel, height in enumerate((gain, gain / 64)):
        lines = {one.key: one.points[0, 0] for one in view.series if one.panel == panel}
        np.testing.assert_allclose(lines.pop("This setting"), [[64, height]], rtol=1e-12)
        assert np.interp(64, *lines[scaling.LINES[law]].T) == pytest.approx(height, rel=2e-2)
        assert (lines["Weak scaling"][1:, 1] > lines["Strong scaling"][1:, 1]).all()
    assert all(part in view.sentence() for part in said)


def test_one_device_gains_nothing_by_either_law():
    for law in scaling.LAWS:
        view = scaling.compute(np.array([[1]]), scaling.SLIDERS[1].values[None], law=law)
        assert (view.series[-1].points == 1).all()


def test_the_zero_explorer_shows_the_figures_of_the_paper():
    """Figure 1 of Rajbhandari and others (2020): 7.5 billion parameters on 64 devices."""
    view = zero.compute(np.array([[7.5e9]]), np.array([[64]]), memory=20.0)
    for number in ("120 GB in stage 0", "31.4 in stage 1", "16.6 in stage 2", "1.88 in stage 3"):
        assert number in view.sentence()
    assert view.sentence().endswith("The first that fits into 20 GB is stage 2.")
    tops = [one.points[0, 0, 1, 1] for one in view.series if one.key == "Optimiser states"]
    np.testing.assert_allclose(tops, [16, 4 + 12 / 64, 2 + 14 / 64, 16 / 64])
    dots = [one.points[0, 0, 0] for one in view.series if one.key.startswith("Stage")]
    np.testing.assert_allclose(dots, [(64, top) for top in tops])
    rooms = [one.points[0, 0, :, 1] for one in view.series if one.key == "Device memory"]
    np.testing.assert_allclose(rooms, 20 / 7.5)


def test_a_stack_is_weights_then_gradients_then_states():
    view = zero.compute(np.array([[1e9]]), np.array([[4]]), memory=80.0)
    edges = {key: [] for key in zero.PARTS.values()}
    for one in view.series:
        if one.fill:
            edges[one.key].append((one.points[0, 0, 0, 1], one.points[0, 0, 1, 1]))
    assert edges["Weights"] == [(0, 2), (0, 2), (0, 2), (0, 0.5)]
    assert edges["Gradients"] == [(2, 4), (2, 4), (2, 2.5), (0.5, 1)]
    assert edges["Optimiser states"] == [(4, 16), (4, 7), (2.5, 5.5), (1, 4)]


def test_a_model_too_large_for_every_stage():
    view = zero.compute(np.array([[1e12]]), np.array([[8]]), memory=80.0)
    assert view.sentence().endswith("None fits into 80 GB.")
    exact = zero.compute(np.array([[5e9]]), np.array([[1]]), memory=80.0)
    assert exact.sentence().endswith("The first that fits into 80 GB is stage 0.")


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


# --- energy and emissions ---


def test_a_lamp_of_a_hundred_watts_for_ten_hours_by_hand():
    assert costs.energy(10, 100) == 1
    assert costs.energy(10, 100, 1.5) == 1.5
    assert costs.emissions(1.5, 400) == 0.6


def test_the_published_figures_of_bloom_follow_from_one_another():
    bloom = costs.FOOTPRINTS["BLOOM"]
    assert costs.energy(bloom.hours, bloom.watts) == pytest.approx(bloom.kwh, rel=1e-4)
    assert costs.emissions(bloom.kwh, 57) / 1000 == pytest.approx(bloom.tonnes, rel=1e-3)


@pytest.mark.parametrize(("name", "low", "high"), [("Llama 3.1 405B", 410, 417), ("GPT-3", 427, 431)])
def test_what_the_others_report_needs_a_grid_that_there_is(name, low, high):
    run = costs.FOOTPRINTS[name]
    kwh = run.kwh or costs.energy(run.hours, run.watts)
    assert low < run.tonnes / kwh * 1e6 < high
    assert min(costs.GRIDS.values()) < low < high < max(costs.GRIDS.values())


def test_every_grid_is_between_hydropower_and_coal_and_they_are_in_order():
    grams = list(costs.GRIDS.values())
    assert grams == sorted(grams)
    assert 10 < grams[0] < grams[-1] < 1000


def test_the_fitted_loss_falls_with_both_to_what_no_model_avoids():
    assert costs.fitted_loss(1e30, 1e40) == pytest.approx(1.69, abs=1e-3)
    assert costs.fitted_loss(70e9, 1.4e12) < costs.fitted_loss(280e9, 300e9)  # Chinchilla below Gopher
    flop, P = 1e23, np.geomspace(1e9, 1e12, 20_001)
    best = P[costs.fitted_loss(P, flop / 6 / P).argmin()]
    assert best == pytest.approx(14.6e9, rel=0.02)


def test_no_overhead_below_one_and_no_grid_below_nothing():
    with pytest.raises(ValueError, match="overhead must be 1 or more, got 0.9"):
        costs.energy(1, 1, 0.9)
    with pytest.raises(ValueError, match="grid must be 0 g/kWh or more, got -1"):
        costs.emissions(1, -1)
