"""The threshold of chapter 7: what is answered, how much of it is right, and which mistakes remain."""

import numpy as np
import pytest

from losslab import explorers
from losslab.explorers.views import reject
from losslab.learning import trained

pytestmark = pytest.mark.trains

NETWORKS = list(reject.NETWORKS)


def view(threshold, network="article"):
    return reject.compute(np.array([[threshold]]), network)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_judges_are_the_validation_digits_the_surest_first(network):
    said, (images, labels) = reject.judged(network), trained.split()["validation"]
    assert (np.diff(said.probability) <= 0).all()
    assert sorted(map(bytes, said.images)) == sorted(map(bytes, images.numpy()))
    logits = trained.reader(measured=network == "recipe").logits(said.images)
    np.testing.assert_array_equal(said.answer, logits.argmax(1))
    p = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(said.probability, (p / p.sum(1, keepdims=True)).max(1))
    known = {bytes(image): label for image, label in zip(images.numpy(), labels.tolist(), strict=True)}
    assert [known[bytes(image)] for image in said.images] == said.label.tolist()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("threshold", [0.1, 0.7, 0.9, 0.99])
def test_the_sentence_counts(network, threshold):
    said, text = reject.judged(network), view(threshold, network).sentence()
    given = [i for i in range(600) if said.probability[i] >= threshold]
    wrong = [i for i in given if said.answer[i] != said.label[i]]
    right = len(given) - len(wrong)
    assert reject.at(threshold, network) == (len(given), right)
    assert (
        f"answers {len(given) / 600:.1%} of the 600 validation digits, and {right / len(given):.1%} of"
        in text
    )
    assert f"leaves {600 - len(given)} to a person; {600 - said.wrong.sum() - right} of these" in text
    assert f"Mistakes that remain: {len(wrong)}." in text
    assert f"surest: {said.label[wrong[0]]} read as {said.answer[wrong[0]]}, with probability 0.9" in text
    x, y = next(s for s in view(threshold, network).series if s.panel == 0).points[0, 0, 0]
    assert (x, y) == pytest.approx((len(given) / 600, right / len(given)))


def test_nothing_is_certain_and_without_mistakes_none_is_named(monkeypatch):
    three = reject.Judged(
        np.array([1.0, 0.8, 0.5]), np.array([1, 2, 3]), np.array([1, 2, 4]), np.zeros((3, 28, 28))
    )
    monkeypatch.setattr(reject, "judged", lambda network="article": three)
    texts = [view(t).sentence() for t in (0.4, 0.6)]
    assert "The surest: 4 read as 3, with probability 0.5000" in texts[0]
    assert "66.7% of the 3 validation digits, and all of its answers are right. It leaves 1" in texts[1]
    assert reject.at(0.8) == (2, 2), "that of 0.8 reaches 0.8"
    sure = three._replace(probability=np.array([0.9, 0.8, 0.5]))
    monkeypatch.setattr(reject, "judged", lambda network: sure)
    assert view(0.95).sentence() == "τ = 0.95: the network answers none of the 3 validation digits."
    assert reject.floor(0.99999) == 0.9999


@pytest.mark.parametrize("network", NETWORKS)
def test_a_mistake_is_framed_while_it_is_given_and_covered_once_it_is_not(network):
    said = reject.judged(network)
    wrong = said.probability[said.wrong][: reject.COLUMNS * reject.ROWS]
    threshold = (wrong[4] + wrong[5]) / 2
    series = view(threshold, network).series
    there = {
        key: [bool((s.points < 1000).all()) for s in series if s.key == key]
        for key in ("Still given", "Refused")
    }
    assert there["Still given"] == [k < 5 for k in range(len(wrong))]
    assert there["Refused"] == [k >= 5 for k in range(len(wrong))]
    assert {s.fill for s in series if s.key == "Refused"} == {True}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_pictures_are_those_of_the_surest_mistakes(network):
    explorer, said = explorers.reject(network=network), reject.judged(network)
    sheet = explorer.still().axes[2]
    wrong = np.flatnonzero(said.wrong)[: reject.COLUMNS * reject.ROWS]
    for k, (image, text, i) in enumerate(zip(sheet.images, sheet.texts, wrong, strict=True)):
        np.testing.assert_array_equal(image.get_array(), said.images[i])
        assert image.get_extent()[::2] == list(reject.place(k))
        assert text.get_text().startswith(f"{said.label[i]} → {said.answer[i]}  0.")
    framed = [s.points[0, 0] for s in view(0.1, network).series if s.key == "Still given"]
    for image, corners in zip(sheet.images, framed, strict=True):
        left, right, low, top = image.get_extent()
        assert corners.min(0).tolist() == [left - 1, low - 1]
        assert corners.max(0).tolist() == [
            right + 1,
            top + 1,
        ]
    explorer.close()


def test_every_digit_is_in_a_bar():
    said = reject.judged("article")
    for key, those in (("Right answers", ~said.wrong), ("Wrong answers", said.wrong)):
        corners = next(s for s in view(0.5).series if s.key == key).points[0, 0].reshape(-1, 4, 2)
        tops = corners[:, 1, 1]
        assert tops[tops > reject.LEAST].sum() == those.sum()
        for left, right, top in zip(corners[:, 0, 0], corners[:, 2, 0], tops, strict=True):
            inside = ((said.probability >= left) & (said.probability < right) & those).sum()
            if right < reject.HIGH - 1e-9:
                assert top == max(inside, reject.LEAST)
    assert tops.max() <= reject.MOST


def test_another_network_hangs_other_pictures():
    explorer = explorers.reject()
    before = explorer.stages
    explorer.ask = {"n": 1, "choice": ["network", "recipe"]}
    assert explorer.answered == {"n": 1, "problem": ""}
    assert explorer.stages != before
    assert "network='recipe'" in repr(explorer)
    explorer.close()
