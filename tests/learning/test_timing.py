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


# --- a race ---


def race(waited=None, **rounds):
    return timing.Race({name: timing.Times.of(each) for name, each in rounds.items()}, waited)


def test_times_have_the_fastest_turn_the_median_and_the_slowest_over_the_fastest():
    assert timing.Times.of([3.0, 2.0, 2.5]) == (2.0, 2.5, 1.5, (3.0, 2.0, 2.5))
    assert timing.Times.of([0.0, 0.0]).scatter == 1
    assert timing.Times.of([0.0, 0.1]).scatter == float("inf")


def test_the_fastest_turns_rank_and_the_rounds_have_to_agree():
    found = race(a=[2.0, 2.0, 2.0, 2.0, 2.4], b=[1.9, 2.1, 1.7, 2.1, 2.1], c=[1.6, 1.5, 1.6, 1.5, 2.5])
    assert found.ranking == ["c", "b", "a"]
    assert found.faster("a", "b") is found.faster("b", "a") is None  # three rounds of five
    assert (found.faster("c", "a"), found.faster("a", "c")) == (True, False)  # four of five
    assert found.faster("a", "a") is None
    assert found.alike == [("b", "a")]
    assert found.times_as_fast("c", "a") == pytest.approx(2.0 / 1.5)


def test_one_round_tells_nothing_apart():
    assert race(a=[1.0], b=[1.5]).faster("a", "b") is None
    assert race(a=[1.0, 1.0], b=[1.5, 1.5]).faster("a", "b") is True


@pytest.mark.parametrize(
    ("found", "busy"),
    [
        (race(a=[1.0, 1.9], b=[5.0, 5.0]), False),
        (race(a=[1.0, 1.0], b=[5.0, 11.0]), True),  # the turns of one of them differ
        (race(a=[1.0, 1.0], b=[5.0, 5.0], waited=0.05), False),
        (race(a=[1.0, 1.0], b=[5.0, 5.0], waited=0.4), True),  # all of them slow alike: its threads waited
    ],
)
def test_nothing_is_told_apart_on_a_busy_machine(found, busy):
    assert found.busy is busy
    assert found.faster("a", "b") is (None if busy else True)
    assert found.alike == ([("a", "b")] if busy else [])


@pytest.fixture
def clock(monkeypatch):
    """A clock that only `nap` moves, and the seconds that threads have waited, by the same clock."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(timing, "waiting", lambda: now[0] / 4)

    def nap(seconds):
        now[0] += seconds

    return nap


def test_no_round_begins_after_the_limit_but_two_always_do(clock):
    slow = timing.race({"a": lambda: clock(30.0)}, rounds=5, progress=False, limit=10.0)
    assert slow["a"].rounds == (30.0, 30.0)
    some = timing.race({"a": lambda: clock(3.0)}, rounds=5, progress=False, limit=10.0)
    assert some["a"].rounds == (3.0, 3.0, 3.0)  # with the one for practice 12 s
    assert len(timing.race({"a": lambda: clock(3.0)}, rounds=5, progress=False)["a"].rounds) == 5
    assert timing.take_turns({"a": lambda: clock(3e3)}, rounds=3, progress=False) == {"a": 3e3}


def test_a_race_knows_how_long_its_threads_have_waited(clock, monkeypatch):
    assert timing.race({"a": lambda: clock(1.0)}, 2, progress=False).waited == 0.25
    monkeypatch.setattr(timing, "waiting", lambda: None)
    assert timing.race({"a": lambda: clock(1.0)}, 2, progress=False).waited is None


def test_linux_counts_what_a_thread_has_waited(monkeypatch, tmp_path):
    for name, text in {"1": "5 2000000000 7", "2": "5 500000000 7", "3": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedstat").write_text(text)
    monkeypatch.setattr(timing, "Path", lambda folder: tmp_path)
    assert timing.waiting() == 2.5
    monkeypatch.setattr(timing, "Path", lambda folder: tmp_path / "nowhere")
    assert timing.waiting() is None
