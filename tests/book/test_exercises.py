"""How `check` treats blanks, right answers, wrong answers and answers that break."""

import operator
import re
import sys
from types import ModuleType

import numpy as np
import pytest

from losslab import exercises
from losslab.book import words
from losslab.exercises import ch00, judge

HINT = "Look at the sign."
WORDS = {"sign": HINT, "off": "It should be {right:.1f}, got {got}. {hint}"}


@pytest.fixture(autouse=True)
def chapter(monkeypatch):
    """A chapter 98 with exercises for a value, a function and a pair, and one that says what it was given."""
    module = ModuleType("losslab.exercises.ch98")
    module.__spec__ = ch00.__spec__
    module.check_98_1 = lambda answer: None if answer == 2 else "sign"
    module.check_98_2 = lambda f: None if f(3) == 9 else "sign"
    module.check_98_3 = lambda pair: None if pair[0] == 1 and pair[1](3) == 9 else "sign"
    module.check_98_10 = lambda answer: None if answer == 1 else words.Sentence("off", right=1, **answer)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for number in ("98.1", "98.2", "98.3", "98.10"):
        monkeypatch.setitem(words.read("en"), number, WORDS)


def nothing(x):
    pass


def dots(x):
    return ...


def pair_of_blanks(x):
    return ..., ...


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("98.1", None),
        ("98.1", ...),
        ("98.2", ...),
        ("98.2", nothing),
        ("98.2", dots),
        ("98.2", pair_of_blanks),
        ("98.3", (1, ...)),
        ("98.3", (..., nothing)),
        ("98.3", (1, nothing)),
    ],
)
def test_a_blank_is_not_an_answer(number, answer):
    assert exercises.verdict(number, answer) == f"Exercise {number}: not answered yet."


def square(x):
    return x * x


@pytest.mark.parametrize(("number", "answer"), [("98.1", 2), ("98.2", square), ("98.3", (1, square))])
def test_right(number, answer):
    assert exercises.verdict(number, answer) == f"Exercise {number}: yes, that is right."


@pytest.mark.parametrize(
    ("number", "answer"), [("98.1", -2), ("98.1", 0), ("98.2", abs), ("98.3", (2, square))]
)
def test_wrong_gets_the_hint(number, answer):
    assert exercises.verdict(number, answer) == f"Exercise {number}: not yet. {HINT}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"got": 2}, "It should be 1.0, got 2."),
        ({"got": np.zeros(2), "hint": None}, "It should be 1.0, got [0. 0.]."),
        ({"got": ("{", 3), "hint": "sign"}, f"It should be 1.0, got ('{{', 3). {HINT}"),
    ],
)
def test_the_words_are_filled_in_with_whatever_came(given, said):
    assert exercises.verdict("98.10", given) == f"Exercise 98.10: not yet. {said}"


def test_an_answer_that_breaks_is_a_hint_and_no_traceback():
    verdict = exercises.verdict("98.2", lambda x: 1 / 0)
    assert verdict == "Exercise 98.2: not yet. Trying your answer raised ZeroDivisionError: division by zero"


def test_check_prints_the_verdict_and_returns_nothing(capsys):
    assert exercises.check("98.1", 2) is None
    assert capsys.readouterr().out == "Exercise 98.1: yes, that is right.\n"


def test_the_checker_sees_the_function_of_the_reader():
    assert exercises.filled_in(square).__name__ == "square"
    assert exercises.filled_in(square)(4) == 16


def test_a_model_stays_what_it_is():
    class Model:
        def __call__(self):
            return None

    model = Model()
    assert exercises.filled_in(model) is model


def test_two_digits_after_the_dot():
    assert exercises.verdict("98.10", 1).endswith("right.")


@pytest.mark.parametrize("number", ["98.4", "97.1", "98", "x.1", "1.x", "../1.1", "98.1.1"])
def test_an_unknown_exercise_is_an_error(number):
    with pytest.raises(ValueError, match=re.escape(f"there is no exercise {number!r}")):
        exercises.find(number)


def test_a_slip_is_named_by_what_it_gives():
    slips = {"half": 0.5, "pair": (1, 2), "row": np.ones((1, 2)), "ones": np.ones(2), "first": 0.5}
    assert judge.named(0.5 * (1 + 1e-7), slips) == "half"
    assert judge.named(0.5 * (1 + 1e-5), slips) is None
    assert judge.named(0.5 * (1 + 1e-7), slips, judge.very_close) is None
    assert judge.named(np.float32(0.1), {"tenth": 0.1}) == "tenth"
    assert judge.named((1, 2), slips) == "pair"
    assert judge.named([1.0, 1.0], slips) == "ones"
    assert judge.named(float("nan"), {"nan": float("nan")}) is None
    assert judge.named("half", {"half": "half"}, operator.eq) == "half"


def test_chinese_where_there_is_some(monkeypatch):
    monkeypatch.setenv("LOSSLAB_LANGUAGE", "zh")
    assert exercises.verdict("0.1", -4) == "练习 0.1：答对了。"
    assert exercises.verdict("0.1", ...) == "练习 0.1：还没有作答。"
    assert exercises.verdict("0.1", "-4") == "练习 0.1：还不对。这里要的是一个数，你给的类型是 str。"
    assert exercises.verdict("0.1", -2) == "练习 0.1：还不对。那是 w - 3。平方求导之后，前面还有一个因子。"
    off = exercises.verdict("5.1", lambda curvature, beta: 4 / curvature)
    assert off.startswith("练习 5.1：还不对。曲率为 50、β = 0.9 时，你返回 0.08；此时 2(1 + β) − αλ = -0.2，")
    assert exercises.verdict("98.1", 3) == f"练习 98.1：还不对。{HINT}"
