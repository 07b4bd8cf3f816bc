"""The benchmarks count what they say they count, and name every goal that was missed."""

import argparse
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tables
import torch

from losslab.article import listings
from losslab.book import records
from losslab.data import mnist
from losslab.learning import models, training

pytestmark = pytest.mark.trains

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
FIGURES = {"painted_per_s", "latency_median_ms", "latency_p95_ms", "backlog_ms", "kernel_messages"}
FIGURES |= {"kernel_cpu_ms_per_update", "kb_per_update", "ready_s"}


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- benchmarks/sliders.py ---


@pytest.fixture(scope="module")
def sliders():
    return load("sliders")


def test_the_figures_that_are_stored_are_of_every_explorer_near_and_far_and_reach_every_goal(sliders):
    rows = json.loads((RESULTS / "sliders.json").read_text(encoding="utf-8"))["rows"]
    assert all(row.keys() >= {"variant", "page", "round_trip_ms"} | FIGURES for row in rows)
    measured = {(row["variant"], row["page"], row["round_trip_ms"]) for row in rows}
    assert {
        (name, "lab", ms) for name in ("common", "explore", "worked_example") for ms in (0, 100)
    } <= measured
    assert {row["variant"] for row in rows} - {"common"} == sliders.openers().keys() - {"train"}
    # How long Python takes to build one is a goal of the record, not of a test: machines differ.
    assert [goal for goal in sliders.missed(rows, {"draw"}) if "build_s" not in goal] == []


def row(variant, round_trip_ms, **figures):
    zero = dict.fromkeys(FIGURES, 0.0) | {"kernel_messages": 0, "build_s": 1.0, "first_s": 1.0, "atlas_kb": 9}
    return {"variant": variant, "page": "lab", "round_trip_ms": round_trip_ms} | zero | figures


def test_explorers_measured_alone_join_the_record_of_the_same_machine_only(sliders):
    start = {"date": "2000-01-01", "machine": {"cpu_cores": 2}, "versions": {"chromium": "9"}}
    stored = start | {"rows": [row("common", 0, painted_per_s=5.0), row("wave", 0, painted_per_s=50.0)]}
    stored["rows"].append(row("wave", 100, painted_per_s=40.0))
    new = start | {"date": "2000-01-02"}
    new |= {"rows": [row("common", 0, painted_per_s=6.0), row("lap", 0, painted_per_s=55.0)]}
    record = sliders.joined(new, stored)
    assert record["date"] == "2000-01-02"
    assert [(one["variant"], one["painted_per_s"]) for one in record["rows"]] == [
        ("common", 6.0),
        ("lap", 55.0),
        ("wave", 50.0),
        ("wave", 40.0),
    ]
    with pytest.raises(ValueError, match=r"as stored: .*'9'.*, got .*'10'.*measure everything"):
        sliders.joined(new | {"versions": {"chromium": "10"}}, stored)


def test_the_table_puts_every_figure_in_its_column():
    near = row("wave", 0, painted_per_s=59.5, latency_median_ms=8.1, latency_p95_ms=16.2, backlog_ms=3.4)
    near |= {"kernel_messages": 7, "kernel_cpu_ms_per_update": 12.4, "first_s": 3.14, "atlas_kb": 250}
    rows = [near, row("wave", 100, painted_per_s=48.0), {**row("wave", 0, painted_per_s=1.0), "page": "bare"}]
    rows += [row("common", 0, build_s=None, first_s=None, atlas_kb=None)]
    machine, versions = {"cpu_cores": 3, "architecture": "arm"}, {"chromium": "9", "jupyterlab": "5"}
    table = tables.sliders({"date": "2000-01-01", "machine": machine, "versions": versions, "rows": rows})
    assert table.splitlines()[2:] == [
        "| `wave` | 59.5 | 8.1 / 16.2 | 3 | 7 | 12 | 48.0 | 1.0 | 250 |",
        "| the common way: `interact`, a new figure, `plt.show` | 0.0 | 0.0 / 0.0 | 0 | 0 | 0 |  |  |  |",
        "",
        "Built first, these also trained a network, for themselves and those below: `wave` 3.1 s.",
        "",
        "Measured on 2000-01-01: 3 cores (arm), Chromium 9 without a GPU, JupyterLab 5.",
    ]


def test_latency_is_counted_from_the_event_that_set_the_value(sliders):
    was_set = [[5, 0], [6, 10], [7, 20], [6, 30], [5, 40]]  # to and fro: 5 and 6 are set twice
    assert sliders.delays(was_set, [[5, 4], [6, 13], [7, 22], [6, 35], [5, 47]]) == [4, 3, 2, 5, 7]
    assert sliders.delays(was_set, [[7, 22], [5, 47]]) == [2, 7]  # 5 and 6 were passed over
    assert sliders.delays(was_set, [[6, 36]]) == [26]  # in doubt the longer one
    assert sliders.delays(was_set, [[9, 50]]) == []  # never set


def test_a_row_is_made_from_what_was_shown_during_the_drag(sliders):
    step = 1000 / sliders.RATE
    was_set = [[k, k * step] for k in range(120)]
    shown = [[k, k * step + 5] for k in range(0, 120, 2)] + [[119, 2100.0]]
    found = sliders.summary([([was_set, shown, 2000.0], 3, 6100, 0.61)])
    assert (found["set_per_s"], found["painted_per_s"]) == (60, 30)  # the last one came too late
    assert (found["latency_median_ms"], found["backlog_ms"], found["kernel_messages"]) == (5, 100, 3)
    assert (found["kernel_cpu_ms_per_update"], found["kb_per_update"]) == (10, 0.1)
    assert found.keys() == FIGURES - {"ready_s"} | {"set_per_s"}


def test_missed_goals_are_named(sliders):
    good = {"painted_per_s": 58.0, "build_s": 1.0, "atlas_kb": 900}
    rows = [
        row("common", 0, painted_per_s=5.5),
        row("a", 0, **good),
        row("a", 100, **good | {"painted_per_s": 46.0}),
    ]
    assert sliders.missed(rows, set()) == []
    few = good | {"set_per_s": 40.0}  # too few positions to be set oftener
    assert sliders.missed([*rows, row("c", 0, **few | {"painted_per_s": 37.0})], set()) == []
    said = sliders.missed([*rows, row("c", 0, **few | {"painted_per_s": 35.0})], set())
    assert said == ["c (lab, 0 ms): painted_per_s is 35.0, 36.0 required"]
    slow = good | {"painted_per_s": 20.0, "latency_p95_ms": 121.0, "kernel_messages": 40}
    assert sliders.missed([*rows, row("pad", 0, **slow)], {"pad"}) == [
        "pad (lab, 0 ms): latency_p95_ms is 121.0, 120 allowed"
    ]
    bad = {"painted_per_s": 54.0, "latency_p95_ms": 34.0, "backlog_ms": 51.0, "kernel_messages": 1}
    said = sliders.missed([*rows, row("b", 0, **bad, build_s=1.6, atlas_kb=1001)], set())
    assert [line.removeprefix("b (lab, 0 ms): ") for line in said] == [
        "latency_p95_ms is 34.0, 33 allowed",
        "backlog_ms is 51.0, 50 allowed",
        "kernel_messages is 1, 0 allowed",
        "build_s is 1.6, 1.5 allowed",
        "atlas_kb is 1001, 1000 allowed",
        "painted_per_s is 54.0, 55.0 required",
    ]


# --- benchmarks/mnist.py ---


@pytest.fixture(scope="module")
def bench():
    return load("mnist")


@pytest.fixture(scope="module")
def data(bench, tmp_path_factory):
    """A thousand real images, laid out for the listing, too."""
    folder, few = tmp_path_factory.mktemp("mnist"), mnist.load("sample")
    few = mnist.Digits(few.train_images[:1000], few.train_labels[:1000], few.test_images, few.test_labels)
    bench.mnist_loops.lay_out(few, folder)
    return bench.mnist_loops.Data.of(few, torch.device("cpu"), folder)


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_every_variant_trains_as_the_plain_loop_does(bench, data):
    fast = ["listing", "preload", "permute", "gather", "fused", "fit", "by hand"]
    assert bench.check(fast, data, 2) == {}


PEERS = """
import json, sys
sys.path.insert(0, {tools!r})
import test_benchmarks as tests
bench = tests.load("mnist")
data = bench.mnist_loops.Data.of(tests.mnist.load("sample"), tests.torch.device("cpu"), None)
names = [name for name in {names} if name in bench.mnist_loops.variants(data.images.device)]
print(json.dumps([names, bench.check(names, data, 2)]))
"""


@pytest.mark.parametrize("names", [["jax"], ["sklearn"]])
def test_the_peers_train_as_the_plain_loop_does(names):
    """In a process of their own: JAX starts threads, and whatever forks afterwards is warned."""
    tools = str(Path(__file__).parent)
    paths = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", PEERS.format(tools=tools, names=names)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    found, failed = json.loads(done.stdout.splitlines()[-1])
    assert found == names, "make test installs the extras applications and peers"
    assert failed == {}


def test_a_variant_that_does_not_is_caught(bench, data, monkeypatch):
    def twice_the_rate(model, optimizer, batches, rates, bar):
        return training.train_epoch(model, optimizer, batches, [2 * rate for rate in rates], bar)

    def wrong(*given):
        return bench.mnist_loops.fit(*given, loop=twice_the_rate)

    def broken(*given):
        raise RuntimeError("no kernel image\nis available")

    def early(*given):
        """Other losses at first, which a mean over the epoch would not show."""
        (result,) = bench.mnist_loops.fit(*given)
        yield dataclasses.replace(result, steps=[1.01 * result.steps[0], *result.steps[1:]])

    known = bench.mnist_loops.variants(torch.device("cpu"))
    more = known | {"wrong": ("", wrong), "broken": ("", broken), "early": ("", early)}
    monkeypatch.setattr(bench.mnist_loops, "variants", lambda device: more)
    failed = bench.check(["fit", "wrong", "broken", "early"], data, 1)
    assert list(failed) == ["wrong", "broken", "early"]
    assert failed["broken"] == "RuntimeError: no kernel image"


def test_the_listing_is_the_printed_one_but_for_what_is_said(bench):
    setup, train = bench.mnist_loops.pieces(torch.device("cpu"), 0)
    printed = listings.MNIST_DATA_LISTING + listings.MNIST_TRAINING_LISTING
    before, after = printed.split("# Train the model\n")
    assert setup == "import torch\n" + before
    assert train == after.split("# Test the model\n")[0].replace("range(10)", "range(1)")
    setup, train = bench.mnist_loops.pieces(torch.device("cuda"), 4)
    assert "model = Net().to('cuda')" in setup
    assert "shuffle=True, num_workers=4, persistent_workers=True)" in setup
    assert "inputs, labels = data[0].to('cuda'), data[1].to('cuda')" in train


def clock(bench, share_spent):
    """A clock with a limit of 100 seconds, of which this share is gone."""
    return bench.Clock(100.0, bench.time.perf_counter() - 100 * share_spent)


def test_a_clock_allows_what_will_be_done_within_a_share_of_the_limit(bench):
    assert clock(bench, 0.5).allows(0.6)
    assert not clock(bench, 0.5).allows(0.6, 11)
    assert clock(bench, 0.5).allows(0.6, 9)
    assert bench.Clock().allows(0.6, 1e9), "without a limit everything"


def test_without_time_there_is_one_round_and_neither_the_listings_epochs_nor_memory(bench, data, monkeypatch):
    monkeypatch.setattr(bench, "MOST", 1)
    found = bench.take_turns(["fused"], data, 3, 1, clock(bench, 0.7))
    assert [len(runs) for runs in found.values()] == [1]
    assert [len(runs) for runs in bench.take_turns(["fused"], data, 3, 1, bench.Clock()).values()] == [3]
    few = mnist.load("sample")
    few = mnist.Digits(*[part[:100] for part in vars(few).values()])
    names = bench.accuracies(few, data, 1, 2, 60.0, clock(bench, 0.7))
    assert "listing" not in names
    assert "fit" in names
    assert bench.peaks(None, None, ["fit"], clock(bench, 1.1)) == {}


def test_what_fetches_images_one_by_one_takes_one_epoch_a_turn(bench, data, monkeypatch):
    monkeypatch.setattr(bench, "MOST", 1)
    found = bench.take_turns(["preload", "fused"], data, 1, 3, bench.Clock())
    assert {name: len(*runs) for (name, _), runs in found.items()} == {"preload": 1, "fused": 3}


def test_the_record_is_stored_after_every_stage(bench, tmp_path, monkeypatch):
    stored, seconds = [], {("listing", 1): [[2.0]], ("fit", 1): [[1.0]]}
    trainings = {"fit": [([1.0, 1.0], [0.97, 0.98])]}
    floors = {"kernels_per_step": None, "threads 1": {"products_us": 1.0}}
    monkeypatch.setattr(bench, "MOST", 1)
    for name, result in {
        "check": {},
        "take_turns": seconds,
        "roofline": floors,
        "guests": [{"variant": "fit"}],
        "accuracies": trainings,
        "peaks": {"fit": 500},
    }.items():
        monkeypatch.setattr(bench, name, lambda *_, result=result: result)
    options = argparse.Namespace(device="cpu", smoke=True, sample=False, skip="", limit=9.0, data=None)
    last = bench.measure(options, tmp_path, lambda record: stored.append(dict(record)))
    assert [record.get("guests") for record in stored] == [None, *3 * [[{"variant": "fit"}]]]
    fits = [record["rows"][1] for record in stored]
    assert [(row["accuracy_mean"], row["peak_mb"]) for row in fits] == [
        (None, None),
        (None, None),
        (0.98, None),
        (0.98, 500),
    ]
    assert stored[-1] == last
    assert all(record.keys() | {"guests"} == last.keys() for record in stored)


def test_rows_have_the_medians_the_ratios_and_what_was_trained(bench, monkeypatch):
    monkeypatch.setattr(bench, "MOST", 2)
    seconds = {
        ("listing", 2): [[4.0], [5.0], [4.2]],
        ("fit", 1): [[9.0, 0.8, 0.7]],
        ("fit", 2): [[1.0], [0.6], [0.7]],
    }
    trainings = {
        "fit": [([1.0, 1.0], [0.97, 0.975]), ([1.0, 1.0], [0.96, 0.985])],
        "one cycle (2 epochs)": [([0.5, 0.5], [0.975, 0.986]), ([0.7, 0.7], [0.96, 0.985])],
    }
    found = bench.rows(seconds, trainings, {"fit": 900})
    timed = ("variant", "threads", "seconds_per_epoch", "ratio_to_listing")
    assert [tuple(row[name] for name in timed) for row in found] == [
        ("listing", 2, 4.2, 1.0),
        ("fit", 1, 0.75, 5.6),  # the first epoch of several may record or compile
        ("fit", 2, 0.7, 6.0),
        ("one cycle (2 epochs)", 2, 0.6, 7.0),
    ]
    trained = ("accuracy_mean", "seconds_to_98", "seeds", "peak_mb")
    assert [tuple(row[name] for name in trained) for row in found] == [
        (None, None, 0, None),
        (None, None, 0, 900),
        (0.98, 2.0, 2, 900),
        (0.9855, 1.2, 2, None),
    ]
    assert found[0]["spread"] == pytest.approx(1 / 4.2, abs=1e-3)
    assert found[2]["accuracy_sd"] == pytest.approx(0.01 / 2**0.5, abs=1e-5)
    for device in ("cpu", "cuda"):  # what is stored has the same columns
        record = records.read(device, RESULTS)
        assert ("not yet measured" in records.shown(device, RESULTS)) == (record is None)
        assert record is None or all(row.keys() == found[0].keys() for row in record["rows"])


def test_the_floor_counts_what_a_step_must_do(bench):
    floors = bench.mnist_floors
    W = [784 * 256, 256 * 128, 128 * 64, 64 * 10]
    assert floors.flops() == 2 * 100 * (3 * sum(W) - W[0])  # no gradient of the images
    assert sum(p.numel() for p in models.Net().parameters()) == floors.PARAMETERS
