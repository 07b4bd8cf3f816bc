"""The explorer of peaks and schedules shows the record, and a training today still agrees with it."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from losslab import explorers
from losslab.book import records
from losslab.data import mnist
from losslab.explorers.views import schedule
from losslab.learning import training

pytestmark = pytest.mark.trains

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_schedules", ROOT / "benchmarks" / "schedules.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_schedule_makes_the_same_effort():
    record = schedule.measured()
    pairs = [(row["schedule"], row["lr"]) for row in record["rows"]]
    assert pairs == [(shape, peak) for shape in schedule.SHAPES for peak in schedule.PEAKS.tolist()]
    for shape in schedule.SHAPES:
        assert schedule.wrong(shape).shape == schedule.losses(shape).shape == (15, 3, 9)
        assert (schedule.wrong(shape) >= 0).all()
        assert (schedule.wrong(shape) <= 1).all()
    assert (record["images"], record["held_out"], record["epochs"]) == (55_000, 5_000, schedule.EPOCHS)
    assert (records.RESULTS / "schedules.json").stat().st_size < 60_000


def test_who_judges_is_not_learnt_from_and_the_test_images_are_not_looked_at(benchmark):
    digits = mnist.load()
    (images, labels), (judges, judged) = benchmark.divided(
        mnist.Digits(digits.train_images, digits.train_labels, None, None)
    )
    assert (len(images), len(labels), len(judges), len(judged)) == (5500, 5500, 500, 500)
    assert not set(map(bytes, images.numpy())) & set(map(bytes, judges.numpy()))
    assert abs(images.mean()) < 1e-4 < abs(judges.mean()), "scaled by the pixels that are trained on"


@pytest.mark.parametrize("shape", schedule.SHAPES)
def test_a_run_is_a_training_with_fit_that_is_looked_at_three_times_an_epoch(benchmark, shape):
    parts = [(x[:450], y[:450]) for x, y in benchmark.divided(mnist.load())]
    wrong, loss = benchmark.run(parts, shape, 2e-3, 1, 2)
    assert len(wrong) == len(loss) == 6
    generator = benchmark.torch.Generator().manual_seed(1)
    model = benchmark.models.initialised(benchmark.models.Net, generator)
    knobs = {"lr": 2e-3, "schedule": schedule.SHAPES[shape], "generator": generator}
    past = training.fit(model, *parts[0], epochs=2, watch={"judges": parts[1]}, progress=False, **knobs)
    scores = past.scores["judges"]
    np.testing.assert_allclose(loss[2::3], [score.loss for score in scores], rtol=1e-4)
    assert list(wrong[2::3]) == pytest.approx([450 * (1 - score.accuracy) for score in scores], abs=1)


def test_a_loss_that_is_no_number_is_null(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "run", lambda *_: [(450, 7), (float("nan"), 0.123456)])
    assert benchmark.row(None, "linear", 3.0, 2, 1) == {
        "schedule": "linear",
        "lr": 3.0,
        "wrong": ((450, 7), (450, 7)),
        "loss": [[None, 0.1235]] * 2,
    }


def test_smoke_trains_a_little_and_writes_nothing(benchmark, monkeypatch, tmp_path, capsys):
    file = tmp_path / "none.json"
    monkeypatch.setattr(sys, "argv", ["schedules.py", "--smoke", "--output", str(file)])
    benchmark.main()
    assert len(capsys.readouterr().out.splitlines()) == 2 * len(schedule.SHAPES)
    assert not file.exists()


def test_schedules_begin_and_end_where_they_should():
    start, end = ({name: shape(at) for name, shape in schedule.SHAPES.items()} for at in (0.0, 1.0))
    assert start == {"constant": 1, "linear": 1, "cosine": 1, "one cycle": 0}
    assert end == pytest.approx({"constant": 1, "linear": 0, "cosine": 0, "one cycle": 0})
    assert schedule.linear(0.25) == 0.75
    assert schedule.cosine(0.25) == pytest.approx((1 + np.sqrt(0.5)) / 2)


@pytest.mark.parametrize("shape", schedule.SHAPES)
@pytest.mark.parametrize("peak", [1e-4, 3e-3, 0.03])
def test_lines_and_sentence_are_those_of_the_record(peak, shape):
    view, k = schedule.compute(np.array([[peak]]), shape), schedule.PEAKS.tolist().index(peak)
    row = next(r for r in schedule.measured()["rows"] if (r["schedule"], r["lr"]) == (shape, peak))
    rate, *runs, mean = [s.points[0, 0] for s in view.series if s.panel < 2]
    assert rate[:, 1].max() == pytest.approx(1)
    assert rate[60, 1] == pytest.approx(schedule.SHAPES[shape](1 / 3)), "after one epoch of three"
    for run, loss in zip(runs, row["loss"], strict=True):
        np.testing.assert_allclose(run, np.column_stack([np.arange(1, 10) / 3, loss]))
    np.testing.assert_allclose(mean[:, 1], np.mean(row["loss"], 0))
    ends = {
        key: [s.points[0, 0] for s in view.series if s.key == key and s.panel == 2]
        for key in schedule.KEYS.values()
    }
    for name, key in schedule.KEYS.items():
        (line,) = ends[key]
        np.testing.assert_allclose(line[::10, 1], schedule.wrong(name)[..., -1].mean(1))
    (dot,) = [s.points[0, 0, -1] for s in view.series if s.key == "This setting"]
    right = [1 - wrong[-1] / 5000 for wrong in row["wrong"]]
    assert dot.tolist() == pytest.approx([peak, 1 - np.mean(right)])
    assert ends[schedule.KEYS[shape]][0][10 * k].tolist() == pytest.approx(dot.tolist()), "on its curve"
    assert f"peak {peak:g}: after 3 epochs {np.mean(right):.1%} of the 5,000" in view.sentence()
    assert f"({min(right):.1%} to {max(right):.1%} over 3 seeds)" in view.sentence()
    best = np.mean([r["wrong"] for r in schedule.rows(shape)], 1)[:, -1]
    found = f"schedule: {1 - best.min() / 5000:.1%} with a peak of {schedule.PEAKS[best.argmin()]:g};"
    assert found in view.sentence()


@pytest.mark.parametrize(
    ("errors", "low", "high"),
    [
        ([9, 3, 2, 3, 9, 2.5], 1, 3),
        ([2, 9, 9, 9, 9, 2.5], 0, 0),
        ([5, 4, 3, 2.5, 2.4, 2], 2, 5),
        ([9, 3, 2, 3, 3, 3], 1, 5),
    ],
)
def test_near_the_best_are_its_neighbours_that_come_close(monkeypatch, errors, low, high):
    monkeypatch.setattr(schedule, "PEAKS", np.arange(6))
    monkeypatch.setattr(schedule, "wrong", lambda shape: np.array(errors)[:, None, None] / 1000 * [[1, 1]])
    monkeypatch.setattr(schedule, "NEAR", 0.001)
    found = schedule.best("linear")
    assert (found["from"], found["to"]) == (low, high)
    assert found["highest"] == 0.998
    assert found["best"] == np.argmin(errors)


def test_everything_that_was_recorded_is_in_the_window():
    for shape in schedule.SHAPES:
        assert schedule.wrong(shape)[..., -1].mean(1).min() > schedule.BEST
        assert schedule.wrong(shape)[..., -1].mean(1).max() < schedule.WORST
        assert np.nanmin(schedule.losses(shape)) > schedule.LOWEST, "loss"
        assert np.nanmax(schedule.losses(shape)) < schedule.HIGHEST, "loss"


@pytest.mark.parametrize(("asked", "shown"), [(0.00012, 1e-4), (0.0029, 3e-3), (0.03, 0.03)])
def test_of_other_peaks_the_nearest_that_was_measured_is_shown(asked, shown):
    explorer = explorers.schedule(peak=asked)
    assert repr(explorer) == f"explorers.schedule(shape='one cycle', peak={shown!r})"
    explorer.close()


def test_without_the_repository_one_sentence_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    schedule.measured.cache_clear()
    with pytest.raises(FileNotFoundError, match=re.escape("install losslab from a clone")):
        explorers.schedule()
