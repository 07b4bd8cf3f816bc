"""The tables of the recorded measurements say what the record says, or why there is none."""

import json

import pytest

from losslab.book import records, words

ROW = {
    "variant": "listing", "threads": 2, "seconds_per_epoch": 4.1234, "spread": 0.1, "ratio_to_listing": 1.0,
    "accuracy_mean": 0.97491, "accuracy_sd": 0.00203, "seeds": 3, "seconds_to_98": None, "peak_mb": 823,
}  # fmt: skip
RECORD = {
    "date": "2000-01-01",
    "machine": {"cores": 2, "processor": "Abacus 7", "architecture": "x86_64"},
    "versions": {"torch": "9.9"},
    "images": 60_000,
    "rows": [
        ROW,
        ROW
        | {"variant": "gather", "threads": 1, "accuracy_mean": None, "accuracy_sd": None, "peak_mb": None},
        ROW
        | {
            "variant": "one cycle (3 epochs)",
            "accuracy_sd": None,
            "seconds_to_98": 2.44,
            "ratio_to_listing": 6.37,
        },
    ],
    "steps": [{"variant": "fit", "threads": 1, "us_per_step": 1234.5, "share_of_floor": 0.625}],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mnist-cpu.json").write_text(json.dumps(RECORD))
    return tmp_path


def test_every_figure_stands_in_its_column():
    head, rule, *lines = records.table(RECORD).splitlines()
    assert head == "| variant | threads | s per epoch | times as fast | test accuracy | to 98 % | peak MB |"
    assert rule.count("|") == head.count("|")
    assert lines == [
        "| the article's listing | 2 | 4.12 | 1.0 | 97.49% ± 0.20% | never | 823 |",
        "| ten batches gathered at a time, then slices | 1 | 4.12 | 1.0 |  |  |  |",
        "| `fit`, one cycle (3 epochs) | 2 | 4.12 | 6.4 | 97.49% | 2.4 s | 823 |",
    ]
    assert records.table(RECORD, records.ON_THE_WAY).splitlines()[2:] == [lines[0], lines[2]]


def test_steps_are_told_with_their_share_of_the_unavoidable():
    assert records.floor_table(RECORD).splitlines()[2:] == [f"| {records.variant('fit')} | 1 | 1234 | 62% |"]


def test_guests_stand_beside_what_the_same_took_alone():
    guest = {"variant": "listing", "threads": 2, "epochs": 5, "fastest": 8, "slowest": 12}
    both = [
        guest | {"place": place, "seconds_per_epoch": s} for place, s in {"a busy": 9.87, "one": 10.3}.items()
    ]
    head, rule, *lines = records.guest_table(RECORD | {"guests": both}).splitlines()
    assert rule.count("|") == head.count("|")
    assert lines == ["| the article's listing | 2 | 4.12 | 9.87 | 10.3 |"]
    assert records.guest_table(RECORD) == ""


def test_what_was_measured_comes_with_its_place(folder):
    text = records.shown("cpu", folder)
    place = "2 cores of Abacus 7, torch 9.9, 2000-01-01, 60,000 images"
    assert text == f"**On a CPU** ({place}):\n\n{records.table(RECORD)}"
    assert records.place(RECORD | {"machine": {"gpu": "H9", "cores": 1}}).startswith("H9, torch 9.9")


def test_what_was_not_measured_says_so(folder):
    assert records.read("cuda", folder) is None
    assert records.shown("cuda", folder) == "**On a GPU**: not yet measured."


def test_the_records_are_found_from_any_folder_and_missed_in_words(tmp_path, monkeypatch):
    before = records.shown("cpu")
    monkeypatch.chdir(tmp_path)
    assert records.shown("cpu") == before
    assert before.startswith("**On a CPU** (")
    text = records.shown("cpu", tmp_path / "nowhere")
    assert "in `benchmarks/results`, and losslab is not installed from a clone" in text


def test_on_the_way_names_variants_that_have_words():
    assert {f"variant.{name}" for name in records.ON_THE_WAY} < set(words.of("records"))
