"""The race on the digits: the explorer shows the record, and a training today still agrees with it."""

import importlib.util
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from losslab import explorers
from losslab.book import records
from losslab.data import mnist
from losslab.explorers.views import digits_race

pytestmark = pytest.mark.trains

SETTINGS = len(digits_race.TRIED)


@pytest.fixture(scope="module")
def benchmark():
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "digits_race.py"
    spec = importlib.util.spec_from_file_location("benchmark_digits_race", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_rule_makes_the_same_effort(benchmark):
    record = digits_race.measured()
    for rule in digits_race.RULES:
        rows = digits_race.rows(rule)
        knobs = list(record["ranges"][rule])
        assert [{knob: row[knob] for knob in knobs} for row in rows] == benchmark.drawn(rule, SETTINGS)
        assert digits_race.errors(rule).shape == (SETTINGS, 3, digits_race.EPOCHS)
        for knob, (low, high) in record["ranges"][rule].items():
            assert all(low <= row[knob] <= high for row in rows)
    assert {high / low for one in record["ranges"].values() for low, high in [one["lr"]]} == {1e4}
    assert len(record["rows"]) == 4 * SETTINGS
    assert (records.RESULTS / "digits_race.json").stat().st_size < 60_000


def test_who_judges_is_not_learnt_from_and_the_test_images_are_not_looked_at(benchmark):
    digits = mnist.load()
    (images, labels), (judges, judged) = benchmark.divided(
        mnist.Digits(digits.train_images, digits.train_labels, None, None)
    )
    assert (len(images), len(labels), len(judges), len(judged)) == (4500, 4500, 1500, 1500)
    assert not set(map(bytes, images.numpy())) & set(map(bytes, judges.numpy()))
    assert abs(images.mean()) < 1e-4 < abs(judges.mean()), "scaled by the pixels that are trained on"


@pytest.mark.parametrize("rule", digits_race.RULES)
def test_a_training_today_agrees_with_the_record(benchmark, rule):
    errors = digits_race.errors(rule)[:, 0]  # of the first seed
    at = np.abs(errors[:, -1] - np.quantile(errors[:, -1], 0.25)).argmin()
    setting = benchmark.drawn(rule, SETTINGS)[at]
    wrong, loss = benchmark.run(benchmark.divided(mnist.load()), rule, setting, 0, 2)
    assert np.abs(np.array(wrong) / 1500 - errors[at, :2]).max() < 0.03
    np.testing.assert_allclose(loss, digits_race.rows(rule)[at]["loss"][0][:2], rtol=0.1)


@pytest.mark.parametrize("tried", [1, 3, 6])
def test_what_is_expected_of_the_best_is_the_mean_over_all_draws(tried):
    errors = np.array([[0.3, 0.1, 0.9, 0.1, 0.5, 0.2], [1.0, 2, 3, 4, 5, 6]])
    draws = [one.min(-1) for k in itertools.combinations(range(6), tried) for one in [errors[:, k]]]
    np.testing.assert_allclose(digits_race.expected_best(errors)[:, tried - 1], np.mean(draws, 0))


@pytest.mark.parametrize(("tried", "epoch"), [(1, 5), (8, 3), (SETTINGS, 1)])
def test_lines_and_sentence_are_those_of_the_record(tried, epoch):
    view = digits_race.compute(np.array([[tried]]), np.array([[epoch]]))
    said, best = view.sentence(), {}
    for rule in digits_race.RULES:
        mean = np.mean([row["wrong"] for row in digits_race.rows(rule)], 1)[:, epoch - 1] / 1500
        line, reach, *dots = [s.points[0, 0] for s in view.series if s.key == rule]
        best[rule] = line[tried - 1, 1]
        assert line[0, 1] == pytest.approx(100 * mean.mean()), "one setting: their mean"
        assert line[-1].tolist() == pytest.approx([SETTINGS, 100 * mean.min()]), "all settings: their best"
        assert reach[0].tolist() == reach[-1].tolist() == pytest.approx([tried, best[rule]])
        assert reach[1, 1] <= reach[2, 1]
        rates = [row["lr"] for row in digits_race.rows(rule)]
        np.testing.assert_allclose(np.concatenate(dots), np.column_stack([rates, 100 * mean]))
        assert f"{rule} {best[rule]:.1f}%" in said
    first, second = sorted(best, key=best.get)[:2]
    assert f"{first} is ahead of {second}" in said or f"{first} and {second} are not told apart" in said


def test_rules_that_do_not_differ_are_not_told_apart():
    draws = np.random.default_rng(1).normal(0.1, 0.02, (4, 500, 1, 1))
    here = np.array([0.1, 0.101, 0.2, 0.3])[:, None, None]
    draws[2:] += 0.1
    tried, epoch = np.array([[8]]), np.array([[5]])
    words = {"GD": "GD", "Momentum": "Momentum", "says": "ahead", "says_near": "{first} {second} near"}
    assert digits_race.verdict(here, draws, tried, epoch).said(words) == "GD Momentum near"
    draws[1:] += 0.2
    assert digits_race.verdict(here, draws, tried, epoch).said(words) == "ahead"


def test_without_the_repository_one_sentence_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    digits_race.measured.cache_clear()
    digits_race.found.cache_clear()
    with pytest.raises(FileNotFoundError, match=re.escape("install losslab from a clone")):
        explorers.digits_race()
