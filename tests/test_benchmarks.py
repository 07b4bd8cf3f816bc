"""The benchmarks count what they say they count, and the README's tables are what they have measured."""

import importlib.util
import json
import re
from pathlib import Path

import contents
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
RECORD = json.loads((ROOT / "benchmarks" / "results" / "sliders.json").read_text(encoding="utf-8"))
FIGURES = {"painted_per_s", "latency_median_ms", "latency_p95_ms", "backlog_ms", "kernel_messages"}
FIGURES |= {"kernel_cpu_ms_per_update", "kb_per_update", "ready_s"}


@pytest.fixture(scope="module")
def sliders():
    spec = importlib.util.spec_from_file_location("benchmark_sliders", ROOT / "benchmarks" / "sliders.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_shows_what_was_measured_last():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"<!-- sliders -->\n(.*)<!-- /sliders -->", readme, re.S)
    assert shown == contents.sliders(RECORD) + "\n", "run: .venv/bin/python tools/contents.py"


def test_every_row_is_complete():
    for row in RECORD["rows"]:
        assert row.keys() >= {"variant", "page", "round_trip_ms"} | FIGURES
        assert row["page"] in ("lab", "bare")
    assert RECORD.keys() == {"date", "machine", "versions", "rows"}


def test_the_common_way_stands_beside_ours_near_and_far():
    measured = {(row["variant"], row["page"], row["round_trip_ms"]) for row in RECORD["rows"]}
    for name in ("common", "explore", "worked_example"):
        assert {(name, "lab", 0), (name, "lab", 100)} <= measured


def row(variant, round_trip_ms, **figures):
    zero = dict.fromkeys(FIGURES, 0.0) | {"kernel_messages": 0}
    return {"variant": variant, "page": "lab", "round_trip_ms": round_trip_ms} | zero | figures


def test_the_table_puts_every_figure_in_its_column():
    near = row("wave", 0, painted_per_s=59.5, latency_median_ms=8.1, latency_p95_ms=16.2, backlog_ms=3.4)
    near |= {"kernel_messages": 7, "kernel_cpu_ms_per_update": 12.4}
    rows = [near, row("wave", 100, painted_per_s=48.0), {**row("wave", 0, painted_per_s=1.0), "page": "bare"}]
    machine, versions = {"cpu_cores": 3, "architecture": "arm"}, {"chromium": "9", "jupyterlab": "5"}
    table = contents.sliders({"date": "2000-01-01", "machine": machine, "versions": versions, "rows": rows})
    assert table.splitlines()[2:] == [
        "| `wave` | 59.5 | 8.1 / 16.2 | 3 | 7 | 12 | 48.0 |",
        "",
        "Measured on 2000-01-01: 3 cores (arm), Chromium 9 without a GPU, JupyterLab 5.",
    ]


# --- benchmarks/sliders.py ---


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
    assert found["painted_per_s"] == 30  # the last one came too late
    assert (found["latency_median_ms"], found["backlog_ms"], found["kernel_messages"]) == (5, 100, 3)
    assert (found["kernel_cpu_ms_per_update"], found["kb_per_update"]) == (10, 0.1)
    assert found.keys() == FIGURES - {"ready_s"}


def test_missed_goals_are_named(sliders):
    good = {"painted_per_s": 58.0, "build_s": 1.0, "atlas_kb": 900}
    rows = [row("common", 0, painted_per_s=5.5), row("common", 100, painted_per_s=2.0), row("a", 0, **good)]
    rows += [row("a", 100, **good | {"painted_per_s": 46.0})]
    assert sliders.missed(rows, set()) == []
    slow = good | {"painted_per_s": 20.0, "latency_p95_ms": 119.0, "kernel_messages": 40}
    assert sliders.missed([*rows, row("pad", 0, **slow)], {"pad"}) == []
    assert sliders.missed([*rows, row("pad", 0, **slow | {"latency_p95_ms": 121.0})], {"pad"}) == [
        "pad (lab, 0 ms): latency_p95_ms is 121.0, 120 allowed"
    ]
    bad = {"painted_per_s": 54.0, "latency_p95_ms": 34.0, "backlog_ms": 51.0, "kernel_messages": 1}
    said = sliders.missed([*rows, row("b", 0, **bad, build_s=1.6, atlas_kb=1001)], set())
    assert said == [
        "b (lab, 0 ms): latency_p95_ms is 34.0, 33 allowed",
        "b (lab, 0 ms): backlog_ms is 51.0, 50 allowed",
        "b (lab, 0 ms): kernel_messages is 1, 0 allowed",
        "b (lab, 0 ms): build_s is 1.6, 1.5 allowed",
        "b (lab, 0 ms): atlas_kb is 1001, 1000 allowed",
        "b (lab, 0 ms): painted_per_s is 54.0, 55.0 required",
    ]


@pytest.mark.parametrize("strokes", [1, 2, 5])
def test_the_hand_stays_on_the_track_and_goes_there_as_often_as_it_should(sliders, strokes):
    at = np.array([sliders.share(done, strokes) for done in np.linspace(0, 1, 1001)[:-1]])
    assert at.min() >= 0.1
    assert at.max() <= 0.9 + 1e-9
    turns = np.count_nonzero(np.diff(np.sign(np.diff(at))))
    assert turns == strokes - 1
    np.testing.assert_allclose(np.abs(np.diff(at)).sum(), 0.8 * strokes, atol=2e-3 * strokes)


def test_every_move_of_the_hand_reaches_another_position(sliders):
    for variant in ("depth", "price_list", "softmax"):  # 39, 201 and 121 positions
        subject = sliders.ours(variant)
        count = max(len(slider.values) for slider in subject.explorer.sliders)
        moves = np.arange(int(sliders.SECONDS * sliders.RATE)) / sliders.RATE / sliders.SECONDS
        reached = np.round([sliders.share(done, subject.strokes) * (count - 1) for done in moves])
        assert (np.diff(reached) != 0).mean() > 0.95, variant
        assert subject.build_s > 0
        assert subject.atlas_kb < 1000


def test_every_explorer_is_measured(sliders):
    assert {"explore", "worked_example", "softmax", "initialisation"} <= sliders.openers().keys()
    assert "GridExplorer" not in sliders.openers()
