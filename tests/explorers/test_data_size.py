"""What more training images do: the explorer shows the record, and a training today still agrees with it."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from losslab import explorers
from losslab.book import records
from losslab.data import mnist
from losslab.explorers.views import data_size

pytestmark = pytest.mark.trains

SCORES = [f"{part} {what}" for part in ("training", "validation") for what in ("loss", "accuracy")]


@pytest.fixture(scope="module")
def benchmark():
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "data_size.py"
    spec = importlib.util.spec_from_file_location("benchmark_data_size", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_record_is_of_the_sizes_and_epochs_that_are_offered_and_of_several_seeds():
    record = data_size.measured()
    assert [row["images"] for row in record["rows"]] == data_size.SIZES.tolist()
    assert len(record["seeds"]) >= 3
    assert record["epochs"] == data_size.EPOCHS
    for row in record["rows"]:
        for name in SCORES:
            assert {len(values) for values in row[name].values()} == {data_size.EPOCHS + 1}
    assert (records.RESULTS / "data_size.json").stat().st_size < 60_000


def test_more_images_mean_a_smaller_gap_and_the_text_may_say_so():
    loss = {part: data_size.scores(part, "loss")[0] for part in data_size.PARTS}
    gap = (loss["validation"] - loss["training"])[:, -1]
    assert (np.diff(gap) < 0).all()
    assert (np.diff(data_size.scores("validation", "accuracy")[0][:, -1]) > 0).all()
    assert (loss["training"][:, -1] < 0.01).all(), "every size is learnt by heart"
    best = loss["validation"].argmin(-1)
    assert (best < data_size.EPOCHS).all(), "and every validation loss has turned round before the end"


def test_who_judges_is_not_learnt_from_and_the_test_images_are_not_looked_at(benchmark):
    pool, held_out = (set(rows.tolist()) for rows in benchmark.divided())
    assert (len(pool | held_out), len(held_out)) == (6000, benchmark.HELD_OUT)
    assert len(pool) == data_size.SIZES[-1]
    digits = mnist.load()
    blind = mnist.Digits(digits.train_images, digits.train_labels, None, None)
    assert benchmark.run(blind, 50, 0, 1).shape == (2, 2, 2)


def test_a_training_today_agrees_with_the_record(benchmark):
    found = benchmark.run(mnist.load(), 100, 0, data_size.EPOCHS)
    row = data_size.measured()["rows"][1]
    for course, name in zip(found.reshape(4, -1), SCORES, strict=True):
        mean, sd = (np.array(row[name][what]) for what in ("mean", "sd"))
        np.testing.assert_array_less(np.abs(course - mean), 6 * sd + 0.05 * mean + 0.03, err_msg=name)


@pytest.mark.parametrize(("images", "epoch"), [(50, 40), (1000, 3), (4500, 0)])
def test_lines_and_sentence_are_those_of_the_record(images, epoch):
    view = data_size.compute(np.array([[images]]), np.array([[epoch]]))
    row = next(row for row in data_size.measured()["rows"] if row["images"] == images)
    lines = {(s.key, s.panel): s.points[0, 0] for s in view.series}
    for part, key in data_size.PARTS.items():
        course = np.array(row[f"{part} loss"]["mean"])
        np.testing.assert_allclose(lines[key, 0][: epoch + 1, 1], course[: epoch + 1])
        assert lines[key, 0][-1].tolist() == [epoch, course[epoch]]
        for panel, what in ((1, "loss"), (2, "accuracy")):
            at = [other[f"{part} {what}"]["mean"][epoch] for other in data_size.measured()["rows"]]
            np.testing.assert_allclose(lines[key, panel][::10], np.column_stack([data_size.SIZES, at]))
            reach = np.ptp(lines[key, panel][:10, 1])
            assert reach == pytest.approx(2 * data_size.measured()["rows"][0][f"{part} {what}"]["sd"][epoch])
            low, high = np.sort([row[f"{one} {what}"]["mean"][epoch] for one in data_size.PARTS])
            gap = lines["Gap", panel]
            assert (gap[:, 1].min(), gap[:, 1].max()) == (low, high)
    gap = row["validation loss"]["mean"][epoch] - row["training loss"]["mean"][epoch]
    said = view.sentence()
    assert f"a gap of {gap:.2f}" in said
    assert f"epoch {epoch} ({epoch * -(-images // 20):,} steps)" in said


@pytest.mark.parametrize(("asked", "given"), [(1000, 1000), (60, 50), (4400, 4500)])
def test_what_was_not_measured_is_not_made_up(asked, given):
    explorer = explorers.data_size(images=asked)
    assert f"images={given}, " in repr(explorer)
    explorer.close()


def test_without_the_repository_one_sentence_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    data_size.measured.cache_clear()
    with pytest.raises(FileNotFoundError, match=re.escape("install losslab from a clone")):
        explorers.data_size()
