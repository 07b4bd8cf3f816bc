"""As many labels are wrong as are asked for, and the least probable are looked at first."""

import numpy as np
import pytest

from losslab.formulas import labels

GIVEN = np.random.default_rng(0).integers(0, 10, 1000)


@pytest.mark.parametrize(("share", "wrong"), [(0.0, 0), (0.15, 150), (0.4, 400), (1.0, 1000)])
def test_exactly_the_share_is_wrong_and_the_given_labels_stay(share, wrong):
    before = GIVEN.copy()
    found = labels.flipped(GIVEN, share, np.random.default_rng(1))
    assert (found != GIVEN).sum() == wrong
    assert set(found.tolist()) <= set(range(10))
    np.testing.assert_array_equal(GIVEN, before)


def test_every_other_class_is_as_likely():
    shift = (labels.flipped(np.full(90_000, 4), 1.0, np.random.default_rng(2)) - 4) % 10
    np.testing.assert_allclose(np.bincount(shift, minlength=10)[1:], 10_000, rtol=0.04)


def test_folds_are_as_equal_as_can_be_and_in_no_order():
    fold = labels.folds(1001, 5, np.random.default_rng(0))
    assert sorted(np.bincount(fold)) == [200, 200, 200, 200, 201]
    assert (fold != np.arange(1001) % 5).any()


def test_the_least_probable_label_comes_first():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    assert labels.suspicious(p, [0, 1, 2]).tolist() == [2, 0, 1]
    assert labels.suspicious(p, [1, 0, 2]).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: labels.flipped(GIVEN, 1.5, None),
            "share must be from 0 to 1 .*, got 1.5 and 10",
        ),
        (lambda: labels.flipped(GIVEN, 0.5, None, 1), "share must be from 0 to 1 and classes 2 or more"),
        (lambda: labels.folds(3, 4, None), "parts must be from 2 to the number of rows, 3, got 4"),
        (lambda: labels.suspicious(np.ones((3, 2)), [0, 1]), r"one row per label, got \(3, 2\) and \(2,\)"),
    ],
)
def test_what_would_be_nonsense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
