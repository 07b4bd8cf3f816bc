"""What the reader's machine has measured, in words."""

import pytest

from losslab.book import reports
from losslab.learning import timing
from losslab.learning.measure import Measured


def race(waited=0.0, **rounds):
    return timing.Race({name: timing.Times.of(each) for name, each in rounds.items()}, waited)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(7.914, "7.91 s"), (123.4, "123 s"), (0.0421, "42.1 ms"), (9.996e-4, "1e+03 µs"), (2.5e-7, "0.25 µs")],
)
def test_a_time_has_three_digits_and_a_unit(seconds, said):
    assert reports.duration(seconds) == said.replace("1e+03", "1000")


def test_a_race_is_a_table_with_the_fastest_first():
    found = reports.race(race(slow=[2.0, 3.0, 2.5], fused=[0.5, 0.5, 0.75])).data.splitlines()
    assert found[2:4] == ["| fused | 500 ms | 500 ms | 1.50 | 4.0 |", "| slow | 2 s | 2.5 s | 1.50 | 1.0 |"]
    assert found[5].startswith("fused is the fastest.")


def test_pairs_that_are_not_told_apart_are_named():
    found = race(a=[1.0, 1.1, 1.0], b=[1.05, 1.0, 1.05], c=[3.0, 3.0, 3.0])
    assert "disagree: a and b." in reports.verdict(found)
    assert reports.verdict(race(a=[1.0, 1.0])).startswith("One way alone")
    assert reports.verdict(race(a=[1.0], b=[2.0])).startswith("One round tells nothing")


@pytest.mark.parametrize("found", [race(a=[1.0, 2.5], b=[9.0, 9.0]), race(0.3, a=[1.0, 1.0], b=[9.0, 9.0])])
def test_a_busy_machine_is_said_to_be_too_busy_and_nothing_else(found):
    assert reports.verdict(found).startswith("The machine was too busy to judge")
    assert "fastest." not in reports.verdict(found)
    assert reports.verdict(found) in reports.race(found).data


PARTS = {"batch": 0.1e-3, "forward": 0.3e-3, "backward": 0.4e-3, "optimizer": 0.2e-3}
MACHINE = {"processor": "Z80", "threads": 1, "torch": "9.0", "python": "4.0"}


def test_a_loop_has_its_parts_what_was_counted_and_where():
    found = Measured(0.9e-3, PARTS, 100, 32, None, 105_000_000, 210e9, 1.2, 0.0, MACHINE)
    lines = reports.loop(found).data.splitlines()
    assert lines[2] == "| wait for the batch | 100 µs | 10% |"
    assert lines[6] == "| the parts, each waited for | 1 ms | 100% |"
    assert lines[7] == "| **a step, not waited for in between** | **900 µs** | |"
    assert "32 operators. Its products are 105 MFLOP" in lines[9]
    assert lines[9].endswith("210 GFLOP/s, and at that rate they would take 500 µs, 56% of the step.")
    assert lines[11] == "*Z80, 1 thread, torch 9.0, Python 4.0*"


def test_a_loop_on_a_gpu_has_kernels_and_a_busy_machine_is_named():
    machine = MACHINE | {"gpu": "H1", "threads": 2}
    found = Measured(0.9e-3, PARTS, 100, 32, 41, 105_000_000, 210e9, 2.2, 0.0, machine)
    said = reports.loop(found).data
    assert "32 operators and starts 41 kernels on the GPU." in said
    assert "too busy to judge" in said
    assert "*H1, Z80, 2 threads," in said
