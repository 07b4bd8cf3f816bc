"""Chapter 11's explorers: what they say is what the formulas, a simulation and the record say."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from losslab import explorers
from losslab.book import records, words
from losslab.explorers.views import ab_test, cross_validation, rare
from losslab.formulas import metrics, power


def at(view, *values):
    return view.compute(*(np.array([[value]]) for value in values))


def lines(view):
    return {(series.key, series.panel): series.points[0, 0] for series in view.series}


# --- rare ---


def drawn(prevalence, count=200_000):
    """Scores as they are said to be drawn, and their labels."""
    rng = np.random.default_rng(0)
    truth = np.arange(count) < prevalence * count
    return rng.normal(np.where(truth, rare.POSITIVES, rare.NEGATIVES), rare.DEVIATION), truth


@pytest.mark.parametrize(("prevalence", "threshold"), [(0.01, 0.5), (0.1, 0.65), (0.5, 0.35)])
def test_what_is_expected_of_the_detector_is_what_drawn_scores_do(prevalence, threshold):
    scores, truth = drawn(prevalence)
    found, here = metrics.counts(scores, truth, threshold), rare.at(prevalence, threshold)
    assert here.accuracy == pytest.approx(metrics.accuracy(found), abs=0.003)
    assert here.recall == pytest.approx(found.tp / truth.sum(), abs=0.02)
    assert here.false_alarms == pytest.approx(found.fp / (~truth).sum(), abs=0.003)
    assert here.precision == pytest.approx(found.tp / (found.tp + found.fp), abs=0.02)
    assert here.always_no == 1 - truth.mean()


def test_the_histograms_hold_all_cases_and_the_bars_are_those_of_drawn_scores():
    scores, truth = drawn(0.1)
    view = lines(at(rare, 0.1, 0.5))
    for key, those, cases in (("Positives", truth, 1000), ("Negatives", ~truth, 9000)):
        tops = view[key, 0][1::4, 1]
        assert tops[tops > rare.LEAST].sum() == pytest.approx(cases, rel=2e-3)
        want = np.histogram(scores[those], rare.EDGES)[0] / len(scores) * rare.CASES
        np.testing.assert_allclose(tops, np.maximum(want, rare.LEAST), atol=0.1 * want.max())


def test_curves_pass_through_the_setting_and_their_area_is_the_share_of_pairs_in_order():
    view = lines(at(rare, 0.02, 0.55))
    here = rare.at(0.02, 0.55)
    assert view["This setting", 2].tolist() == [[here.false_alarms, here.recall]]
    assert view["This setting", 3].tolist() == [[here.recall, here.precision]]
    for key, value in (
        ("Share right", here.accuracy),
        ("Precision", here.precision),
        ("Recall", here.recall),
    ):
        assert np.interp(0.55, *view[key, 1].T) == pytest.approx(value, abs=1e-12)
    recall, precision = view["Precision", 3][::-1].T
    assert np.interp(here.recall, recall, precision) == pytest.approx(here.precision, abs=1e-12)
    (count, rates, roc, _) = rare.stage(Figure(), "light", words.of("series") | words.of("rare"))
    assert count.get_ylim()[1] > rare.CASES * 0.1  # the highest bar holds less than a tenth
    assert rates.get_ylim()[1] > 1
    x, y = roc.get_lines()[0].get_data()
    area = -np.trapezoid(y, x)
    assert area == pytest.approx(power.normal(3 / np.sqrt(2)), abs=1e-3)
    assert metrics.auroc(*drawn(0.1)) == pytest.approx(area, abs=0.003)


def test_prevalence_moves_precision_and_leaves_the_roc_where_it_is():
    few, many = rare.at(0.01, 0.5), rare.at(0.5, 0.5)
    assert (few.recall, few.false_alarms) == (many.recall, many.false_alarms)
    assert few.precision < 0.15 < 0.9 < many.precision
    assert (lines(at(rare, 0.3, 0.5))["Always yes", 3][:, 1] == 0.3).all()


def test_the_detector_beats_always_no_exactly_where_its_precision_is_above_one_half():
    prevalence, threshold = (slider.values for slider in rare.SLIDERS)
    here = rare.at(prevalence[:, None], threshold)
    np.testing.assert_array_equal(here.accuracy > here.always_no, here.precision > 0.5)


def test_the_detector_of_e142_lies_on_the_curve():
    """Of 1,000 cases 10 positive: 8 found, 20 false alarms."""
    here = rare.at(0.01, 0.555)
    assert 1000 * 0.01 * here.recall == pytest.approx(8, abs=0.5)
    assert 1000 * 0.99 * here.false_alarms == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (0.5, "Found 93, missed 6.7, false alarms 661. Recall 93.3%, precision 12.4%. 93.3% of the"),
        (0.5, "always says no 99.00%: this one is right less often, and finds more."),
        (
            0.65,
            "99.37% of the answers are right, of a detector that always says no 99.00%: this one is right m",
        ),
        (1.0, "no difference at four digits"),
    ],
)
def test_the_sentence_says_how_the_detector_does_beside_always_no(threshold, said):
    assert said in at(rare, 0.01, threshold).sentence()


# --- ab_test ---


def test_the_power_is_that_of_the_formula_and_the_sentence_says_how_many_users_are_needed():
    view = at(ab_test, 20_000, 0.003)
    assert lines(view)["This setting", 1].tolist() == [[20_000, power.power(0.03, 0.033, 20_000)]]
    assert "40.4% (from 0.34 percentage points on). For 80% it needs 53,210 users" in view.sentence()
    assert "with probability 5.0% " in at(ab_test, 20_000, 0.0).sentence()
    assert "with probability over 99.9% " in at(ab_test, 1_000_000, 0.01).sentence()


def test_with_the_users_that_the_sentence_names_the_power_is_80_percent():
    assert ab_test.at(53_210, 0.003) == pytest.approx(0.8, abs=1e-5)
    curve = lines(at(ab_test, 20_000, 0.003))["Power", 1]
    assert np.interp(53_210, *curve.T) == pytest.approx(0.8, abs=0.002)


def area(outline):
    x, y = outline.T
    return abs((np.roll(x, -1) * y - x * np.roll(y, -1)).sum()) / 2


@pytest.mark.parametrize(
    ("size", "difference"), [(1000, 0.0), (20_000, 0.003), (5000, 0.01), (1_000_000, 0.002)]
)
def test_what_is_filled_is_the_power(size, difference):
    view = lines(at(ab_test, size, difference))
    filled = sum(area(side) for side in np.split(view["Noticed", 0] / (1, 0.01), 2))
    whole = area(view["True difference", 0] / (1, 0.01))
    assert filled / whole == pytest.approx(ab_test.at(size, difference), abs=0.01)


def test_the_curves_are_those_of_simulated_tests():
    rng, n = np.random.default_rng(0), 20_000
    seen = (rng.binomial(n, 0.033, 50_000) - rng.binomial(n, 0.03, 50_000)) / n * 100
    x, y = lines(at(ab_test, n, 0.003))["True difference", 0].T
    middle, width = np.average(x, weights=y), 4 * (x[-1] - x[0]) / 32  # four deviations on each side
    assert seen.mean() == pytest.approx(middle, abs=0.005)
    assert seen.std() == pytest.approx(width, rel=0.02)
    x, y = lines(at(ab_test, n, 0.003))["No difference", 0].T
    assert np.average(x, weights=y) == pytest.approx(0, abs=1e-12)


# --- cross_validation ---


@pytest.fixture(scope="module")
def benchmark():
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "folds.py"
    spec = importlib.util.spec_from_file_location("benchmark_folds", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_record_is_of_what_is_offered(benchmark):
    record = cross_validation.measured()
    offered = [(k, where) for k in cross_validation.FOLDS.tolist() for where in cross_validation.KEYS]
    assert [(row["folds"], row["where"]) for row in record["rows"]] == offered
    assert record["seeds"] == list(range(cross_validation.SEEDS))
    want = (benchmark.SAMPLES, benchmark.FEATURES, benchmark.KEPT)
    assert (record["samples"], record["features"], record["kept"]) == want
    for row in record["rows"]:
        found = cross_validation.scores(row["folds"], row["where"])
        assert found.shape == (cross_validation.SEEDS, row["folds"])
        spread = cross_validation.at(row["folds"], row["where"])
        np.testing.assert_allclose((spread.mean, spread.sd), (row["mean"], row["sd"]), atol=1e-4)
        assert (spread.lowest, spread.highest) == (found.min(), found.max())


@pytest.mark.parametrize("where", cross_validation.KEYS)
def test_a_sample_today_agrees_with_the_record(benchmark, where):
    found = benchmark.run(5, where, 0)
    np.testing.assert_allclose(found, cross_validation.scores(5, where)[0], atol=0.11)  # two of twenty cases


def test_chosen_before_the_split_noise_looks_like_knowledge_and_chosen_inside_it_does_not():
    for k in cross_validation.FOLDS.tolist():
        assert 0.8 < cross_validation.at(k, "outside").mean < 0.95
        assert 0.45 < cross_validation.at(k, "inside").mean < 0.55
    few, many = (cross_validation.at(k, "inside") for k in (2, 20))
    assert many.highest - many.lowest > few.highest - few.lowest  # a fold of five cases says little


@pytest.mark.parametrize(("folds", "seed"), [(2, 0), (5, 7), (20, 19)])
def test_bars_and_sentence_are_those_of_the_record(folds, seed):
    view = cross_validation.compute(np.array([[folds]]), np.array([[seed]]), "inside")
    found = cross_validation.scores(folds, "inside")[seed]
    drawn = lines(view)
    np.testing.assert_allclose(drawn["Fold", 0][1 : 4 * folds : 4, 1], found)
    assert (drawn["Fold", 0][4 * folds :] == drawn["Fold", 0][0]).all()
    assert (drawn["Mean of the folds", 0][:, 1] == found.mean()).all()
    assert drawn["Mean of the folds", 1].tolist() == [[folds, found.mean()]]
    said = view.sentence()
    assert said.startswith(f"Features chosen inside the folds, {folds} folds, sample {seed}: ")
    assert f"single folds {found.min():.0%} to {found.max():.0%}, mean {found.mean():.1%}." in said
    for name, key in cross_validation.KEYS.items():
        middles = drawn[key, 1][::10]
        want = [(k, cross_validation.at(k, name).mean) for k in cross_validation.FOLDS.tolist()]
        np.testing.assert_allclose(middles, want)


@pytest.mark.parametrize(("asked", "given"), [(5, 5), (4, 3), (14, 10), (16, 20)])
def test_what_was_not_measured_is_not_made_up(asked, given):
    explorer = explorers.cross_validation(folds=asked)
    assert f"folds={given}, " in repr(explorer)
    explorer.close()


def test_without_the_repository_one_sentence_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    cross_validation.measured.cache_clear()
    with pytest.raises(FileNotFoundError, match=re.escape("install losslab from a clone")):
        explorers.cross_validation()
