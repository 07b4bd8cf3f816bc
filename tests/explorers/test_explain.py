"""The four explorers of chapter 12: what they draw and say is what the formulas and the record say."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from losslab import explorers
from losslab.book import records
from losslab.data import marks
from losslab.explorers import shapes, stage
from losslab.explorers.views import baseline, coalitions, hans, permutations
from losslab.figures import palette
from losslab.formulas import attribution
from losslab.learning import maps, trained

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def benchmark():
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "explain.py"
    spec = importlib.util.spec_from_file_location("benchmark_explain", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at(*values):
    """Slider values as arrays of one position."""
    return [np.array([[value]]) for value in values]


def lines(view, key):
    return [s.points[0, 0] for s in view.series if s.key == key]


# --- tiles and areas without an outline ---


def area(path):
    """The area that a closed path encloses, by the shoelace formula."""
    x, y = path.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


@pytest.mark.parametrize("half", [shapes.SQUARE, shapes.DIAMOND])
def test_the_areas_of_tiles_are_the_values(half):
    values = np.array([[0.5, 0.0, 1.0], [-3.0, 0.25, 7.0]])
    path = shapes.tiles(values, half)
    assert path.shape == (2 * (8 * 3 + 2), 2)
    assert area(path) == pytest.approx(0.5 + 1.0 + 0.25 + 1.0)
    only = shapes.tiles(np.array([[0.0, 0.16], [0.0, 0.0]]), half)
    assert only[:, 1].max() == pytest.approx(1.5 + (0.2 if half == shapes.SQUARE else 0.08**0.5))
    away = only[np.abs(only[:, 0] - 1.5) > 0.01]
    assert set(away[away[:, 1] > 1.6, 0]) <= {1.3, 1.7}


def test_an_area_without_an_outline_is_drawn_in_full_colour():
    explorer = explorers.coalitions()
    kinds = {explorer.meta["keys"][s["name"]]: s["fill"] for s in explorer.meta["series"]}
    assert kinds == {"Value": 1, "Input 1": 1, "Input 2": 2, "Input 3": 1, "All on": 0}
    explorer.close()
    explorer = explorers.baseline()
    kinds = {explorer.meta["keys"][s["name"]]: s["fill"] for s in explorer.meta["series"]}
    assert {key for key, kind in kinds.items() if kind == stage.SOLID} == {"Ink", "For", "Against"}
    (patch,) = explorer.still().axes[0].patches
    assert patch.get_facecolor()[3] == 1
    assert patch.get_edgecolor()[3] == 0
    explorer.close()


# --- coalitions ---


@pytest.mark.parametrize("x", [(1.0, 1.0, 1.0), (1.0, 0.0, 1.0), (-2.0, -1.0, 1.5)])
def test_shapley_values_of_a_product_are_half_of_it_each(x):
    np.testing.assert_allclose(coalitions.at(*x), [3 * x[0], x[1] * x[2], x[1] * x[2]], atol=1e-12)


def test_every_order_closes_the_gap_and_the_mean_does_too():
    view = coalitions.compute(*at(1.5, -1.0), x1=2.0)
    f = 1 + 3 * 2 + 2 * 1.5 * -1
    gains = coalitions.gains(np.array([2.0, 1.5, -1.0]))
    assert gains.sum(-1).tolist() == [f - 1] * 6
    np.testing.assert_allclose(gains.mean(0), coalitions.at(2.0, 1.5, -1.0))
    bars = np.array([lines(view, key) for key in coalitions.INPUTS])  # (3, rows, 5, 2)
    widths = bars[..., 2, 0] - bars[..., 0, 0]
    np.testing.assert_allclose(widths[:, :6].T, gains)
    np.testing.assert_allclose(widths[:, 6], gains.mean(0))
    np.testing.assert_allclose(widths[:, 7], [6, -3, -3])
    last = [bars[order[-1], k, 2, 0] for k, order in enumerate([*coalitions.ORDERS, (0, 1, 2)])]
    np.testing.assert_allclose(last, f, err_msg="every row but the last ends at f(x)")
    heights = lines(view, "Value")[0][1::4, 1]
    assert heights.tolist() == [1, 7, 1, 7, 1, 7, -2, f]
    assert (lines(view, "All on")[0][:, 0] == f).all()


def test_the_sentence_says_all_values():
    said = coalitions.compute(*at(1.0, 1.0), x1=1.0).sentence()
    assert "ψ₁ = 3, ψ₂ = 1, ψ₃ = 1." in said
    assert "would count 3, 2 and 2, together 7." in said
    assert "-0" not in coalitions.compute(*at(0.0, -1.0), x1=-1.0).sentence()


# --- permutations ---


def test_the_exact_values_split_the_log_probability():
    exact = permutations.estimates()[0]
    np.testing.assert_allclose(exact.sum(), permutations.game()[-1] - permutations.game()[0])
    table = {i: permutations.game()[2**i] for i in range(13)}
    for i in range(13):
        assert permutations.value(np.eye(13, dtype=int)[i]) == table[i]


def test_the_network_of_the_record_is_the_one_that_is_trained_today(benchmark):
    today, kept = benchmark.bottle(), permutations.wine()
    assert (today["names"], today["answer"]) == (kept["names"], kept["answer"])
    for one, other in zip(today["W"] + today["b"], kept["W"] + kept["b"], strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_more_orders_err_less_by_the_root_law():
    (_, _, few), (_, _, many) = permutations.at(10), permutations.at(1000)
    assert 0.5 < (few / many) / 10 < 2
    exact, psi, error = permutations.estimates()
    z = (psi - exact) / np.where(error > 0, error, 1)
    assert 0.7 < np.std(z[:, permutations.ORDERS >= 50]) < 1.3


@pytest.mark.parametrize(("orders", "draw"), [(2, 1), (40, 10)])
def test_bars_dots_and_sentence_are_those_of_a_draw(orders, draw):
    view = permutations.compute(*at(orders, draw))
    psi, exact, rms = permutations.at(orders, draw)
    place = np.argsort(np.abs(exact))
    np.testing.assert_allclose(lines(view, "Estimate")[0][1::4, 0], psi[place])
    np.testing.assert_allclose(lines(view, "Exact")[0][1::4, 0], exact[place])
    mine = np.sqrt(np.mean((psi - exact) ** 2))
    np.testing.assert_allclose(lines(view, "This draw")[0][0], [orders, mine])
    said = view.sentence()
    assert f"{orders:,} orders ({14 * orders:,} evaluations" in said
    assert f"off by {mine:.2g} (root mean square); over ten draws by {rms:.2g}" in said
    first, second = np.argsort(-np.abs(psi))[:2]
    assert f"{permutations.names()[first]} and {permutations.names()[second]} lead" in said


def test_of_other_numbers_of_orders_the_nearest_is_shown():
    explorer = explorers.permutations(orders=12)
    assert "orders=10" in repr(explorer)
    explorer.close()


# --- a clever Hans ---


def test_the_record_has_every_size_for_several_seeds():
    record = hans.measured()
    assert len(record["seeds"]) >= 3
    assert list(record["hans"]) == [str(size) for size in hans.SIZES]
    assert {len(v) for row in record["hans"].values() for v in row.values()} == {len(record["seeds"])}
    assert set(record["maps"]) == set(hans.PICTURES)
    assert (records.RESULTS / "explain.json").stat().st_size < 100_000


def test_the_larger_the_mark_the_more_it_takes_over_and_nobody_notices():
    rows = [hans.at(size) for size in hans.SIZES]
    assert all(row["accuracy_marked"] > 0.94 for row in rows)
    threes, called = ([row[key] for row in rows] for key in ("threes", "called_3"))
    assert threes[0] > 0.85 > 0.7 > threes[1] > threes[2] > threes[3]
    assert threes[3] < 0.3
    assert called[0] < 0.02 < called[1] < called[3]
    assert rows[3]["share"] > 20 * 9 / 784
    assert all(low <= rows[3][key] <= high for key, (low, high) in hans.spread(3).items())


def test_a_training_today_agrees_with_the_record(benchmark):
    found = benchmark.fooled(3, 0)
    for key, (low, high) in hans.spread(3).items():
        assert low - 0.1 < found[key] < high + 0.1, key


@pytest.mark.parametrize("picture", hans.PICTURES)
def test_the_picture_carries_its_mark_and_the_sentence_its_answer(picture):
    view = hans.compute(np.array([[3]]), picture)
    digit, marked = hans.PICTURES[picture]
    image = hans.seen(3, picture)
    assert (image[marks.where(3)] == 255).all() == marked
    np.testing.assert_array_equal(lines(view, "Ink")[0], shapes.tiles(image.numpy() / 255))
    kept = hans.measured()["maps"][picture]["3"]
    assert f"This picture: {kept['answer']}, with probability {kept['p']:.2f}." in view.sentence()
    assert f"{hans.at(3)['threes']:.0%} of the 3s are recognised" in view.sentence()
    assert max(map(abs, kept["map"])) == 100
    assert (kept["answer"] == digit) == (marked and digit == 3)


def test_without_the_repository_one_sentence_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    hans.measured.cache_clear()
    for opener in (explorers.hans, explorers.permutations):
        permutations.game.cache_clear(), permutations.estimates.cache_clear()
        with pytest.raises(FileNotFoundError, match=re.escape("install losslab from a clone")):
            opener()


# --- baselines ---


@pytest.mark.parametrize("start", baseline.BASELINES)
def test_the_map_adds_up_along_the_whole_way(start):
    path = baseline.walked(start, 3)
    np.testing.assert_allclose(path.sums.sum((1, 2)), path.value - path.value[0], atol=0.15)
    whole, total, rise, blank = baseline.at(start)
    assert total == pytest.approx(rise, abs=0.05)
    assert (whole.shape, 0 <= blank <= 1) == ((28, 28), True)


def test_the_map_is_that_of_integrated_gradients():
    reader = trained.marked_reader()
    x, paper = (reader.transform(one) for one in (hans.example(3)[None], baseline.pixels("paper")))
    f = maps.log_probability(reader.model, int(reader.model(x).argmax()))
    want = maps.integrated_gradients(f, x, paper, steps=baseline.PARTS * baseline.FINE)[0]
    torch.testing.assert_close(torch.tensor(baseline.at("paper")[0]), want.double(), atol=1e-4, rtol=1e-3)


def test_paper_says_nothing_of_paper_and_other_baselines_do():
    assert baseline.at("paper")[3] == 0
    assert min(baseline.at(start)[3] for start in ("mean", "ink", "noise")) > 0.05


@pytest.mark.parametrize("way", [0.0, 0.5, 1.0])
def test_what_is_drawn_stands_where_the_slider_does(way):
    view, path = baseline.compute(np.array([[way]]), "mean", 5), baseline.walked("mean", 5)
    k = round(way * baseline.PARTS)
    top = np.abs(path.sums).max()
    np.testing.assert_allclose(lines(view, "For")[0], shapes.tiles(path.sums[k] / top))
    np.testing.assert_allclose(lines(view, "Against")[0], shapes.tiles(-path.sums[k] / top, shapes.DIAMOND))
    x, y = lines(view, "Sum of the map")[0][-1]
    assert (x, y) == pytest.approx((way, path.value[0] + path.sums[k].sum()))
    assert f"{way:.0%} of the way from the mean of all digits to this 5" in view.sentence()
    assert f"The map so far sums to {path.sums[k].sum() + 0.0:+.2f}" in view.sentence()


def test_rank_correlation_of_ties_is_that_of_scipy(benchmark):
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    assert benchmark.rank(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert benchmark.rank(a, 0 * b) == 0
    assert attribution.rank_correlation(a, b) == benchmark.rank(a, b)


@pytest.mark.parametrize("key", ["For", "Against"])
def test_what_speaks_for_and_against_have_shapes_of_their_own(key):
    half = {"For": shapes.SQUARE, "Against": shapes.DIAMOND}[key]
    assert palette.LINES[key]["color"] == palette.HUES[{"For": "blue", "Against": "orange"}[key]][0]
    one = shapes.tiles(np.ones((1, 1)), half)
    assert np.unique(one, axis=0).shape[0] == {"For": 6, "Against": 5}[key]
