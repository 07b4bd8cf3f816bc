"""Facts that the tests of the errata list: the print fails them, the correction satisfies them."""

import inspect
import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.trains

FILES = [Path(__file__).with_name("test_errata_form.py")]
FILES += sorted(Path(__file__).parents[1].glob("chapters/*/test_errata.py"))
TABLES = [runpy.run_path(str(path)).get("FACTS", {}) for path in FILES]
ROWS = {name: row for table in TABLES for name, row in table.items()}


@pytest.fixture
def holds(tmp_path):
    """A function that checks a fact of arguments, in an empty folder if the fact asks for a `tmp_path`."""

    def check(fact, arguments):
        needed = {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(fact).parameters else {}
        fact(*arguments, **needed)

    return check


def test_no_mistake_is_in_two_tables():
    assert len(ROWS) == sum(map(len, TABLES)) > 30


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_correction_satisfies_the_fact(name, holds):
    fact, _, corrected = ROWS[name]
    holds(fact, corrected)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_printed_form_fails_the_same_fact(name, holds):
    fact, printed, _ = ROWS[name]
    with pytest.raises(AssertionError):
        holds(fact, printed)
