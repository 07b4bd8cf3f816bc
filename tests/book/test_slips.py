"""The slips that the tests of every chapter's exercises list: each is answered with a hint of its own."""

import re
import runpy
from pathlib import Path

import pytest

from losslab import exercises

pytestmark = pytest.mark.trains

ROOT = Path(__file__).resolve().parents[2]
TABLES = [
    runpy.run_path(str(path)).get("SLIPS", []) for path in ROOT.glob("tests/chapters/*/test_exercises.py")
]
SLIPS = sorted((slip for table in TABLES for slip in table), key=lambda slip: slip[::2])
EXERCISES = sorted(
    number.replace("_", ".")
    for path in Path(exercises.__file__).parent.glob("ch*.py")
    for number in re.findall(r"^def check_(\d+_\d+)\(", path.read_text(encoding="utf-8"), re.M)
)
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


@pytest.mark.parametrize("number", EXERCISES)
def test_two_hints_of_an_exercise_never_come_in_one_sentence(number):
    said = {(exercises.verdict(number, wrong), hint) for name, wrong, hint in SLIPS if name == number}
    assert len({sentence for sentence, _ in said}) == len(said)


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_answered_not_raised(number, nonsense):
    assert exercises.verdict(number, NONSENSE[nonsense]).startswith(f"Exercise {number}: not yet. ")
