"""Exam questions in the training set: the exam's score rises, the skill does not."""

import pytest

from losslab.book import records
from losslab.learning import contamination

pytestmark = pytest.mark.trains


def test_who_has_read_the_exam_knows_it_and_little_else():
    clean, leaked = (contamination.scores(share, seed=1) for share in (0, 1))
    assert leaked.exam > 0.98
    assert 0.75 < clean.exam < 0.93
    assert clean.reworded < leaked.reworded < leaked.exam
    assert abs(leaked.fresh - clean.fresh) < 0.05
    assert contamination.scores(0, seed=1) == clean


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ValueError, match="share must be from 0 to 1"):
        contamination.scores(share, seed=0)


def test_the_record_is_of_ten_seeds_and_rises_with_the_share():
    record = records.of("contamination")
    assert (record["questions"], record["fresh"]) == (contamination.QUESTIONS, contamination.FRESH)
    assert len(record["seeds"]) >= 3
    exams = [row["exam"]["mean"] for row in record["rows"]]
    assert exams == sorted(exams)
    assert all(len(row["exam"]["each"]) == len(record["seeds"]) for row in record["rows"])
