"""Stopwatches: parts add up, and functions take turns."""

import time

import pytest

from losslab.learning import timing


def test_parts_add_up_and_keep_their_order():
    parts = timing.Parts()
    for _ in range(3):
        with parts("slow"):
            time.sleep(0.02)
        with parts("quick"):
            pass
    assert list(parts) == ["slow", "quick"]
    assert 0.06 <= parts["slow"] < 1
    assert parts["quick"] < 0.02


def test_a_part_that_fails_is_timed_and_still_fails():
    parts = timing.Parts()

    def fail():
        with parts("broken"):
            time.sleep(0.01)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert parts["broken"] >= 0.01


def test_turns_go_back_and_forth_after_a_round_for_practice(capsys):
    calls = []
    functions = {name: lambda name=name: calls.append(name) for name in "abc"}
    timing.take_turns(functions, rounds=2)
    assert "".join(calls) == "cbaabccba"
    assert "9/9" in capsys.readouterr().out
    timing.take_turns(functions, rounds=1, progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("first", "said"), [(9.0, "turns of 100 differ"), (4.0, "")])
def test_the_median_of_the_rounds_counts_and_not_the_practice(first, said, monkeypatch, capsys):
    naps = iter([99.0, first, 3.0, 2.0])  # what the clock says each call takes
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def call():
        now[0] += next(naps)

    assert timing.take_turns({100: call}, rounds=3, progress=False) == {100: 3.0}
    printed = capsys.readouterr().out
    assert (said in printed) if said else not printed
