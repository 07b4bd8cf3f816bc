"""The explorers of thresholds, a yes or no and several labels, against counting one picture at a time."""

import numpy as np
import pytest
import torch

from losslab import explorers
from losslab.explorers import contract
from losslab.explorers.views import multi_label, precision_recall
from losslab.learning import trained, training

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def nines():
    return precision_recall.nines()


def counted(scores, truth, threshold):
    """True and false positives, and false negatives."""
    pairs = [(score >= threshold, bool(is_one)) for score, is_one in zip(scores, truth, strict=True)]
    return pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True))


def panel(view, key, number):
    return [one.points[0, 0] for one in view.series if (one.key, one.panel) == (key, number)]


def test_the_digits_are_validation_digits_moved_by_a_pixel(nines):
    scores, truth = nines
    images, labels = trained.split()["validation"]
    assert (len(scores), truth.sum()) == (5 * 600, 5 * (labels == 9).sum())
    finished, page = trained.reader(measured=False), np.zeros((5, 600, 28, 28), np.uint8)
    page[0] = images
    page[1, :, :, 1:], page[2, :, :, :-1] = images[:, :, :-1], images[:, :, 1:]
    page[3, :, 1:], page[4, :, :-1] = images[:, :-1], images[:, 1:]
    z = training.predict(finished.model, finished.transform(torch.from_numpy(page.reshape(-1, 28, 28))))
    np.testing.assert_allclose(scores, z.double().softmax(1)[:, 9], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(("threshold", "price"), [(0.5, 10.0), (0.09, 10.0), (0.9, 0.1), (0.999, 100.0)])
def test_precision_recall_and_cost_are_those_of_counting(nines, threshold, price):
    hits, alarms, misses = counted(*nines, threshold)
    view = precision_recall.compute(np.array([[threshold]]), np.array([[price]]))
    precision = hits / (hits + alarms) if hits + alarms else 1.0
    recall, cost = hits / (hits + misses), (alarms + price * misses) / 3
    assert panel(view, "Precision", 1)[0][0].tolist() == pytest.approx([threshold, precision])
    assert panel(view, "Recall", 1)[0][0].tolist() == pytest.approx([threshold, recall])
    best, least = precision_recall.cheapest(price)
    _, alarms, misses = counted(*nines, best)
    assert least == pytest.approx((alarms + price * misses) / 3)
    dot, _ = panel(view, "This threshold", 2)
    assert dot[0].tolist() == pytest.approx([threshold, cost / least])
    said = f"{precision:.1%} of the yeses are right, {recall:.1%} of the nines are found"
    assert said in view.sentence()
    assert f": {contract.plain(cost)} per 1,000 digits. Cheapest is τ = {best:.3g}" in view.sentence()


def test_nothing_on_the_slider_is_cheaper_and_the_formula_lies_on_the_curve(nines):
    view = precision_recall.compute(np.array([[0.5]]), np.array([[3.0]]))
    (curve,) = panel(view, "Cost", 2)
    (best,), (formula,) = panel(view, "Cheapest", 2), panel(view, "Believed", 2)
    assert curve[:, 1].min() == 1
    assert curve[curve[:, 1].argmin()].tolist() == best[0].tolist()
    assert formula[0].tolist() == pytest.approx([0.25, np.interp(0.25, *curve.T)])


def test_every_digit_is_in_a_bar(nines):
    view = precision_recall.compute(np.array([[0.5]]), np.array([[1.0]]))
    scores, truth = nines
    for key, those in (("Nines", truth), ("Other digits", ~truth)):
        tops = panel(view, key, 0)[0][1::4, 1]
        assert tops[tops >= 1].sum() == those.sum()
        assert tops[-1] == max(((scores >= 0.95) & those).sum(), precision_recall.LEAST)


def test_dearer_misses_never_raise_the_cheapest_threshold():
    best = [precision_recall.cheapest(price)[0] for price in precision_recall.SLIDERS[1].values]
    assert (np.diff(best) <= 0).all()
    assert best[0] > 0.6 > 0.2 > best[-1]


# --- several labels ---


def test_the_overlaid_digits_are_validation_digits():
    images, truth, scores = multi_label.pictures()
    one, two = trained.split()["validation"]
    again, there = trained.overlaid(one, two, 1000, torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(truth, there)
    assert set(truth.sum(1)) == {1, 2}
    assert scores.shape == (1000, 10)


@pytest.mark.parametrize(("threshold", "label"), [(0.5, "all"), (0.2, "all"), (0.99, "4"), (0.35, "8")])
def test_rates_of_labels_are_those_of_counting(threshold, label):
    _, truth, scores = multi_label.pictures()
    if label != "all":
        truth, scores = truth[:, int(label)], scores[:, int(label)]
    hits, extra, missed = counted(scores.ravel(), truth.ravel(), threshold)
    precision, recall = hits / (hits + extra), hits / (hits + missed)
    f1 = hits / (hits + (extra + missed) / 2)
    view = multi_label.compute(np.array([[threshold]]), np.array([[1]]), label=label)
    for key, rate in zip(multi_label.RATES, (precision, recall, f1), strict=True):
        assert panel(view, key, 1)[0][0].tolist() == pytest.approx([threshold, rate])
    assert f"precision {precision:.0%}, recall {recall:.0%}, F1 {f1:.2f}" in view.sentence()
    at, most = multi_label.best(label)
    assert most >= f1
    assert multi_label.rates(at, label)[2] == most
    whose = "Over all labels" if label == "all" else f"For label {label}"
    assert f"{whose}" in view.sentence()


@pytest.mark.parametrize("picture", [1, 4, 12])
@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.99])
def test_a_picture_is_given_every_label_that_reaches_the_threshold(picture, threshold):
    _, truth, scores = (one[picture - 1] for one in multi_label.pictures())
    view = multi_label.compute(np.array([[threshold]]), np.array([[picture]]), label="all")
    given, there = ({k for k in range(10) if marks[k]} for marks in (scores >= threshold, truth))
    names = " ".join(map(str, sorted(given))) or "–"
    assert (
        f"given are {names}; {len(there - given)} missed, {len(given - there)} too many." in view.sentence()
    )
    tops = panel(view, "There", 0)[0][1::4, 1] + panel(view, "Not there", 0)[0][1::4, 1]
    np.testing.assert_allclose(tops, scores)
    assert set(np.flatnonzero(panel(view, "There", 0)[0][1::4, 1])) == there


def test_the_frame_lies_around_the_picture():
    explorer = explorers.multi_label(picture=6)
    tiles = explorer.still().axes[0].images[0].get_array()
    (frame,) = panel(multi_label.compute(np.array([[0.5]]), np.array([[6]]), label="all"), "This picture", 2)
    left, top = (frame.min(0) + 0.5).astype(int)
    right, bottom = (frame.max(0) + 0.5).astype(int)
    np.testing.assert_array_equal(tiles[top:bottom, left:right], multi_label.pictures()[0][5])
    explorer.close()
