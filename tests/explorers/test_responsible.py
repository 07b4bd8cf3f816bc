"""What chapter 17 shows of the records and formulas, and that the records are what they say they are."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from losslab import explorers
from losslab.book import records
from losslab.data import mnist
from losslab.explorers.views import energy, privacy, shrink, wrong_labels
from losslab.formulas import compression, costs
from losslab.formulas.privacy import auc_bound
from losslab.learning import models, trained

pytestmark = pytest.mark.trains

FROM_RECORDS = {"shrink": shrink, "privacy": privacy, "wrong_labels": wrong_labels}


def load(name):
    file = Path(__file__).resolve().parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at(view, *values, **settings):
    a, b = np.array([[values[0]]]), np.array([[values[1]]])
    return view.compute(a, b, **settings)


def lines(view):
    return {(s.key, s.panel): s.points[0, 0] for s in view.series}


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_the_record_says_when_where_and_how_and_is_small(name):
    record = records.of(name)
    assert {"date", "machine", "versions", "command", "seeds"} <= record.keys()
    assert len(record["seeds"]) >= 3
    assert (records.RESULTS / f"{name}.json").stat().st_size < 20_000


@pytest.mark.parametrize("name", FROM_RECORDS)
def test_without_the_repository_one_sentence_says_what_is_missing(name, monkeypatch, tmp_path):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    FROM_RECORDS[name].measured.cache_clear()
    with pytest.raises(FileNotFoundError, match=re.escape("install losslab from a clone")):
        getattr(explorers, name)()


@pytest.mark.parametrize(
    ("name", "asked", "given"),
    [
        ("shrink", {"bits": 12, "pruned": 0.42}, "bits=8, pruned=0.4)"),
        ("privacy", {"epsilon": 4.2, "epochs": 60}, "epsilon=5, epochs=50)"),
        ("wrong_labels", {"noise": 0.12, "steps": 900}, "noise=0.1, steps=800)"),
    ],
)
def test_what_was_not_measured_is_not_made_up(name, asked, given):
    explorer = getattr(explorers, name)(**asked)
    assert repr(explorer).endswith(given)
    explorer.close()


# --- shrink ---


def test_the_record_of_shrinking_is_of_the_settings_that_are_offered():
    record = records.of("shrink")
    assert record["bits"] == shrink.BITS.tolist()
    assert record["pruned"] == shrink.PRUNED.tolist()
    for what in ("accuracy", "lost"):
        for how in ("mean", "sd"):
            assert np.shape(record[what][how]) == (len(shrink.BITS), len(shrink.PRUNED))
    assert record["lost"]["mean"][-1][0] == record["lost"]["sd"][-1][0] == 0


def test_the_matrices_are_those_of_the_network():
    shapes = [tuple(p.shape) for p in models.Net().parameters() if p.ndim == 2]
    assert tuple(shapes) == shrink.MATRICES
    assert sum(p.numel() for p in models.Net().parameters() if p.ndim == 1) == shrink.BIASES
    assert shrink.size(32, 0.0) == 4 * costs.PARAMETERS["Net"]


def test_the_cliff_is_where_the_text_may_say_it_is():
    eight, two = shrink.at(8, 0.0), shrink.at(2, 0.0)
    whole = shrink.at(32, 0.0)
    assert abs(eight[0] - whole[0]) < 0.005
    assert whole[0] - two[0] > 0.05
    assert whole[2] / eight[2] == pytest.approx(4, rel=0.02)
    assert whole[0] - shrink.at(32, 0.6)[0] < 0.02
    assert whole[0] - shrink.at(32, 0.99)[0] > 0.2


def test_a_setting_today_agrees_with_the_record():
    bench = load("shrink")
    found = bench.run(0, [2, 8], [0.0, 0.9])
    for row, bits in zip(found, (2, 8), strict=True):
        for accuracy, share in zip(row, (0.0, 0.9), strict=True):
            mean, sd, _ = shrink.at(bits, share)
            assert abs(accuracy - mean) < 5 * sd + 0.03


def test_what_is_pruned_and_rounded_has_so_many_zeros_and_levels_and_the_network_is_left_alone():
    bench, reader = load("shrink"), trained.reader()
    small = bench.shrunk(reader.model, 3, 0.8)
    weights = [p.detach().numpy() for p in small.parameters() if p.ndim == 2]
    assert sum((W == 0).sum() for W in weights) >= round(0.8 * 242_304)
    for W in weights:
        assert max(len(np.unique(row)) for row in W) <= 7
    whole = [p.detach().numpy() for p in reader.model.parameters() if p.ndim == 2]
    np.testing.assert_array_equal(weights[0], compression.quantise(compression.prune(whole, 0.8)[0], 3))
    assert all((W != 0).all() for W in whole[:1])


@pytest.mark.parametrize(("bits", "pruned"), [(8, 0.0), (2, 0.95), (32, 0.5), (32, 0.0)])
def test_the_picture_of_shrinking_is_that_of_the_record(bits, pruned):
    view, record = at(shrink, bits, pruned), records.of("shrink")
    row, column = record["bits"].index(bits), record["pruned"].index(pruned)
    mean = np.array(record["accuracy"]["mean"])
    drawn = lines(view)
    np.testing.assert_allclose(drawn["Validation images", 0][::10], np.c_[shrink.PRUNED, mean[row]])
    np.testing.assert_allclose(drawn["Validation images", 1][::10], np.c_[shrink.PLACES, mean[:, column]])
    assert drawn["This setting", 0].tolist() == [[pruned, mean[row, column]]]
    assert drawn["This setting", 1].tolist() == [[row, mean[row, column]]]
    assert drawn["This setting", 2].tolist() == [[shrink.size(bits, pruned) / 1000, mean[row, column]]]
    sd = record["accuracy"]["sd"][row][0]
    assert np.ptp(drawn["Validation images", 0][:10, 1]) == pytest.approx(2 * sd)
    assert f"{mean[row, column]:.1%} of 600 validation images" in view.sentence()
    less = record["lost"]["mean"][row][column]
    said = f"{abs(100 * less):.1f} ± {100 * record['lost']['sd'][row][column]:.1f} points"
    assert (said in view.sentence()) == ((bits, pruned) != (32, 0.0))
    assert ("less than" in view.sentence()) == (round(100 * less, 1) >= 0 and (bits, pruned) != (32, 0.0))


# --- privacy ---


def test_the_record_of_privacy_is_of_the_settings_that_are_offered_and_spends_what_it_promises():
    record = records.of("privacy")
    assert [row["epsilon"] for row in record["private"]] == privacy.EPSILONS.tolist()
    assert [row["epochs"] for row in record["plain"]] == privacy.EPOCHS.tolist()
    for row in record["private"]:
        assert row["epsilon"] - 0.012 <= row["spent"] <= row["epsilon"]
    noise = [row["noise"] for row in record["private"]]
    assert noise == sorted(noise, reverse=True)
    assert record["delta"] < 1 / record["members"] * 1.01


def test_no_attack_passes_the_bound_and_privacy_is_worth_and_costs_what_the_text_may_say():
    found, control = privacy.at(privacy.EPSILONS), privacy.plain(privacy.EPOCHS)
    assert (found.auc - 3 * found.auc_sd < auc_bound(privacy.EPSILONS, 1e-3)).all()
    assert (np.diff(control.auc) > -0.005).all()
    assert control.auc[-1] > 0.7
    assert (found.auc < 0.65).all()
    assert found.accuracy[-1] > control.accuracy[-1] + 0.05, "privacy keeps it from learning the mistakes"
    assert found.accuracy[0] < 0.5
    assert np.diff(found.accuracy).min() > -0.02


def test_members_others_and_those_that_tune_are_different_digits_and_equally_wrong():
    bench = load("privacy")
    parts = bench.drawn(3)
    assert [len(x) for x, *_ in parts] == [bench.MEMBERS, bench.OTHERS, bench.OTHERS]
    seen = [set(map(bytes, x.numpy())) for x, *_ in parts]
    assert len(set.union(*seen)) == sum(map(len, seen))
    for _, given, right in parts:
        assert (given != right).float().mean().item() == pytest.approx(bench.WRONG, abs=0.05)


def test_a_training_today_agrees_with_the_record_of_privacy():
    bench = load("privacy")
    row = records.of("privacy")["private"][privacy.EPSILONS.tolist().index(10.0)]
    accuracy, auc = bench.guarded(0, row["noise"], row["lr"])
    found = privacy.at(10.0)
    assert abs(accuracy - found.accuracy) < 5 * found.accuracy_sd + 0.02
    assert abs(auc - found.auc) < 5 * found.auc_sd + 0.01
    accuracy, auc = bench.plain(0, [10])[0]
    found = privacy.plain(10)
    assert abs(accuracy - found.accuracy) < 5 * found.accuracy_sd + 0.02
    assert abs(auc - found.auc) < 5 * found.auc_sd + 0.01


@pytest.mark.parametrize(("epsilon", "epochs"), [(0.3, 10), (3.0, 150), (50.0, 50)])
def test_the_picture_of_privacy_is_that_of_the_record(epsilon, epochs):
    view, record = at(privacy, epsilon, epochs), records.of("privacy")
    drawn = lines(view)
    row = next(row for row in record["private"] if row["epsilon"] == epsilon)
    control = next(row for row in record["plain"] if row["epochs"] == epochs)
    for panel, what in enumerate(("accuracy", "auc")):
        means = [one[what]["mean"] for one in record["private"]]
        np.testing.assert_allclose(drawn["With privacy", panel][::10], np.c_[privacy.EPSILONS, means])
        assert drawn["This setting", panel].tolist() == [[epsilon, row[what]["mean"]]]
        level = drawn["Without privacy", panel][:, 1]
        assert level[0] == level[1] == control[what]["mean"]
        assert np.ptp(level) == pytest.approx(2 * control[what]["sd"])
    bound = drawn["Provable bound", 1]
    np.testing.assert_allclose(bound[:, 1], auc_bound(bound[:, 0], record["delta"]))
    said = view.sentence()
    assert said.startswith(f"ε = {epsilon:g}: {row['accuracy']['mean']:.1%}")
    assert f"no attack can pass {auc_bound(epsilon, record['delta']):.3f}" in said
    assert f"{epochs} epochs: {control['accuracy']['mean']:.1%}" in said


def test_both_ends_of_the_privacy_budget_are_said_in_words():
    from matplotlib.figure import Figure

    from losslab.explorers.contract import vocabulary

    axes = privacy.stage(Figure(), "light", vocabulary("privacy"))
    for ax in axes:
        texts = {text.get_text() for text in ax.texts}
        assert {"strict: no example shows", "loose: little is promised"} <= texts
        assert ax.get_xscale() == "log"


# --- energy ---


def test_the_published_figures_are_in_the_picture_where_they_belong():
    kwh, tonnes = energy.at(30.84e6, 1.08, "United States")
    assert kwh == pytest.approx(30.84e6 * 0.7 * 1.08)
    assert tonnes == pytest.approx(costs.FOOTPRINTS["Llama 3.1 405B"].tonnes, rel=0.01)
    assert energy.at(1_082_990, 1.0, "France", 400)[1] == pytest.approx(433.2 * 44.18 / 1000, rel=1e-3)


@pytest.mark.parametrize("grid", ["Norway", "India"])
def test_the_setting_lies_on_the_line_of_its_grid_and_its_bar_is_marked(grid):
    view = at(energy, 1000.0, 1.5, grid=grid, watts=200.0, price=0.2)
    drawn, grams = lines(view), costs.GRIDS[grid]
    assert drawn["This setting", 0].tolist() == [[0.3, pytest.approx(0.3 * grams / 1000)]]
    np.testing.assert_allclose(drawn["This grid", 0][:, 1] / drawn["This grid", 0][:, 0], grams / 1000)
    bar = drawn["This grid", 1]
    assert bar[:, 0].max() == grams
    assert bar[bar[:, 0] > 0, 1].mean() == pytest.approx(list(costs.GRIDS).index(grid))
    said = view.sentence()
    assert said.startswith(
        "1,000 device-hours at 200 W with an overhead of 1.5: 300 kWh, and 60 at 0.2 per kWh"
    )
    assert f"({grid}, {grams:.0f} g/kWh in 2024)" in said


@pytest.mark.parametrize(
    ("kwh", "said"),
    [(0.7, "0.7 kWh"), (999, "999 kWh"), (1500, "1.5 MWh"), (21.6e6, "21.6 GWh"), (1e9, "1,000 GWh")],
)
def test_amounts_are_said_in_a_suitable_unit(kwh, said):
    from losslab.explorers.contract import vocabulary

    assert energy.amount(np.array([[kwh]]), ("kwh", "mwh", "gwh")).said(vocabulary("energy")).item() == said


# --- wrong labels ---


def test_the_record_of_wrong_labels_is_of_the_settings_that_are_offered():
    record = records.of("wrong_labels")
    assert record["noise"] == wrong_labels.NOISE.tolist()
    assert record["steps"] == wrong_labels.STEPS.tolist()
    assert np.shape(record["grid"]["accuracy"]["mean"]) == (len(wrong_labels.NOISE), len(wrong_labels.STEPS))
    assert record["grid"]["by_heart"]["mean"][0] == [0.0] * len(wrong_labels.STEPS)


def test_training_longer_learns_the_mistakes_and_the_text_may_say_so():
    accuracy, heart = (wrong_labels.course(what)[0] for what in ("accuracy", "by_heart"))
    assert (heart[1:, -1] > 0.8).all(), "nearly every wrong label is repeated in the end"
    assert (heart[:, 1] < 0.3).all(), "and hardly any at first"
    assert accuracy[0].argmax() >= 3, "with right labels, longer does no harm"
    for row in accuracy[3:]:
        assert row.argmax() < len(row) - 1
        assert row.max() - row[-1] > 0.1


def test_the_search_finds_most_and_looking_at_them_pays():
    search = records.of("wrong_labels")["search"]
    assert search["precision"]["mean"] > 0.7
    assert search["suspects"] == 195
    assert search["relabelled minus noisy"]["mean"] > 2 * search["relabelled minus noisy"]["sd"] / 3**0.5


def test_who_judges_is_not_learnt_from_and_no_fold_judges_what_it_has_seen(monkeypatch):
    bench = load("wrong_labels")
    (x, _), (judges, _) = bench.drawn(1)
    assert (len(x), len(judges)) == (bench.IMAGES, bench.HELD_OUT)
    assert not set(map(bytes, x.numpy())) & set(map(bytes, judges.numpy()))
    seen = []
    monkeypatch.setattr(bench, "SHORT", 1)
    honest = bench.trained
    monkeypatch.setattr(bench, "trained", lambda x, *more: seen.append(x) or honest(x, *more))
    small, given = x[:50], torch.arange(50) % 10
    p = bench.out_of_fold(small, given, 0)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
    assert [len(one) for one in seen] == [40] * 5
    counts = torch.stack([(one[:, None] == small).flatten(2).all(2).any(0) for one in seen]).sum(0)
    assert counts.tolist() == [4] * 50


def test_a_training_today_agrees_with_the_record_of_wrong_labels():
    bench = load("wrong_labels")
    found = bench.grid(0, 0.4, [50, 200])
    for (accuracy, heart), steps in zip(found, (50, 200), strict=True):
        for value, what in ((accuracy, "accuracy"), (heart, "by_heart")):
            mean, sd = wrong_labels.at(0.4, steps, what)
            assert abs(value - mean) < 5 * sd + 0.03


@pytest.mark.parametrize(("noise", "steps"), [(0.0, 50), (0.4, 1600), (0.6, 100)])
def test_the_picture_of_wrong_labels_is_that_of_the_record(noise, steps):
    view, record = at(wrong_labels, noise, steps), records.of("wrong_labels")
    row, column = record["noise"].index(noise), record["steps"].index(steps)
    mean = np.array(record["grid"]["accuracy"]["mean"])
    drawn = lines(view)
    np.testing.assert_allclose(drawn["Validation images", 0][::10], np.c_[wrong_labels.STEPS, mean[row]])
    np.testing.assert_allclose(
        drawn["Validation images", 1][::10], np.c_[wrong_labels.NOISE, mean[:, column]]
    )
    np.testing.assert_allclose(drawn["Best moment", 1][:, 1], mean.max(1))
    assert drawn["This setting", 0].tolist() == [[steps, mean[row, column]]]
    assert drawn["This setting", 1].tolist() == [[noise, mean[row, column]]]
    said = view.sentence()
    assert f"{steps:,} steps: {mean[row, column]:.1%}" in said
    assert ("No wrong labels" in said) == (noise == 0)
    assert ("Stopped after" in said) == (noise > 0 and mean[row].argmax() != column)


# --- cross-domain ---


def test_the_record_leaves_each_product_out_once_and_new_ones_are_hardly_found():
    from losslab.data import shelf

    record = records.of("cross_domain")
    left_out = [name for fold in record["folds"] for name in fold["left out"]]
    assert sorted(left_out) == sorted(shelf.PRODUCTS)
    assert record["known"]["mean"] > 0.6
    assert record["new among new"]["mean"] < record["known"]["mean"] - 0.2
    assert record["new among all"]["mean"] < 0.15


def test_the_test_images_are_not_looked_at(monkeypatch):
    digits = mnist.load()
    blind = mnist.Digits(digits.train_images, digits.train_labels, None, None)
    monkeypatch.setattr(mnist, "load", lambda *_: blind)
    load("privacy").drawn(0)
    load("wrong_labels").drawn(0)
