"""The slips that the tests of every chapter's exercises list: each is answered with a hint of its own.

All that the words have for an exercise is said to one of them, and nothing that the words do not have.
"""

import re
import runpy
from pathlib import Path

import pytest

from losslab import exercises
from losslab.book import words

pytestmark = pytest.mark.trains

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [runpy.run_path(str(path)) for path in sorted(ROOT.glob("tests/chapters/*/test_exercises.py"))]
SLIPS = [slip for chapter in CHAPTERS for slip in chapter["SLIPS"]]
RIGHT = [answer for chapter in CHAPTERS for answer in chapter.get("RIGHT", [])]
EXERCISES = sorted(
    number.replace("_", ".")
    for path in Path(exercises.__file__).parent.glob("ch*.py")
    for number in re.findall(r"^def check_(\d+_\d+)\(", path.read_text(encoding="utf-8"), re.M)
)
SHARED = set(words.read("en")["exercise"]) - {"right", "not_yet", "not_answered", "raised"}
NONSENSE = {
    "a word": "a word",
    "a number": 3,
    "a list": [1, 2],
    "no arguments": lambda: 1,
    "returns a word": lambda *a, **k: "a word",
    "returns a pair": lambda *a: (1, 2),
}


def test_every_exercise_has_slips():
    assert {number for number, _, _ in SLIPS} == set(EXERCISES)


@pytest.mark.parametrize(("number", "wrong", "hint"), SLIPS, ids=[f"{s[0]} {s[2]}" for s in SLIPS])
def test_a_slip_gets_its_own_hint(number, wrong, hint):
    said = exercises.verdict(number, wrong)
    assert said.startswith(f"Exercise {number}: not yet. ")
    assert hint in said


@pytest.mark.parametrize(("number", "answer"), RIGHT, ids=[number for number, _ in RIGHT])
def test_another_right_answer_is_accepted(number, answer):
    assert exercises.verdict(number, answer) == f"Exercise {number}: yes, that is right."


@pytest.fixture
def keys(monkeypatch):
    """The keys of what the checkers say while the test runs."""
    heard, in_words = set(), exercises.in_words

    def listen(said, text):
        heard.update([said] if isinstance(said, str) else filter(None, (said.key, said.values.get("hint"))))
        return in_words(said, text)

    monkeypatch.setattr(exercises, "in_words", listen)
    return heard


def test_the_words_know_these_exercises_and_no_other():
    assert {topic for topic in words.read("en") if topic[0].isdigit()} == set(EXERCISES)


@pytest.mark.parametrize("number", EXERCISES)
def test_all_that_an_exercise_can_say_is_said_to_a_slip(number, keys):
    said = [(exercises.verdict(number, wrong), hint) for name, wrong, hint in SLIPS if name == number]
    assert len({sentence for sentence, _ in set(said)}) == len(set(said)), "two hints in one sentence"
    assert keys - SHARED == set(words.read("en")[number])


def test_all_that_exercises_share_is_said_to_a_slip(keys):
    for number, wrong, _ in SLIPS:
        if number in ("0.1", "5.3", "5.4"):
            exercises.verdict(number, wrong)
    assert keys >= SHARED


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_answered_not_raised(number, nonsense, keys):
    assert exercises.verdict(number, NONSENSE[nonsense]).startswith(f"Exercise {number}: not yet. ")
    assert keys <= SHARED | set(words.read("en")[number])
