"""The networks of chapter 8 and the names they learn from: as good as is said, and the same twice."""

import numpy as np
import pytest
import torch

from losslab.data import augment, elements, pixels
from losslab.formulas import activations, decisions
from losslab.learning import trained, training

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def sets():
    return trained.split()


def test_the_three_sets_are_apart_and_always_the_same(sets):
    assert {name: len(y) for name, (_, y) in sets.items()} == {"train": 5400, "validation": 600, "test": 1000}
    seen = {x.numpy().tobytes() for x in sets["train"][0]}
    assert not seen & {x.numpy().tobytes() for x in sets["validation"][0]}
    for name, (x, y) in trained.split().items():
        assert torch.equal(x, sets[name][0])
        assert torch.equal(y, sets[name][1])
        assert y.dtype == torch.int64


@pytest.mark.parametrize(
    ("make", "low", "high"),
    [
        (trained.reader, 0.92, 0.97),
        (lambda: trained.reader(measured=False), 0.88, 0.95),
        (trained.pad_reader, 0.95, 0.99),
    ],
)
def test_readers_read_as_well_as_is_said(sets, make, low, high):
    x, y = sets["test"]
    assert low <= (make().logits(x).argmax(-1) == y.numpy()).mean() <= high
    assert make().logits(x[:3]).dtype == np.float64


def test_the_article_s_recipe_scales_by_a_half(sets):
    assert trained.reader(measured=False).transform[:2] == (0.5, 0.5)
    assert trained.reader().transform[:2] == pixels.mean_std(sets["train"][0])


@pytest.mark.parametrize("make", [trained.reader, trained.pad_reader, trained.pair_reader, trained.namer])
def test_a_first_call_leaves_the_global_generator_alone_as_a_later_one_does(make, monkeypatch):
    ready = trained.reader()
    monkeypatch.setattr(trained, "reader", lambda: ready)
    monkeypatch.setattr(training, "fit", lambda *data, **knobs: None)  # draws from the generator it is given
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    make.__wrapped__(**({"steps": 1} if make is trained.pair_reader else {}))
    assert torch.rand(1) == expected


def test_what_a_caller_does_to_a_network_reaches_nobody_else(sets):
    images, mine = sets["test"][0][:9], trained.reader()
    answers, mode = mine.logits(images), mine.model.training
    mine.model.train(not mode).fc4.weight.data.zero_()
    np.testing.assert_array_equal(trained.reader().logits(images), answers)
    assert trained.reader().model.training == mode


def test_wobbling_moves_and_presses_ink_a_little(sets):
    x = sets["test"][0][:64].float() / 255
    moved = augment.wobbled(x, torch.Generator().manual_seed(0))
    assert moved.shape == x.shape
    assert not torch.isclose(moved, x).all((1, 2)).any()
    ratio = moved.sum((1, 2)) / x.sum((1, 2))
    assert 0.3 < ratio.min() < 0.9
    assert 1.1 < ratio.max() < 2
    rows = torch.arange(28.0)
    shift = ((moved.sum(2) @ rows) / moved.sum((1, 2)) - (x.sum(2) @ rows) / x.sum((1, 2))).abs()
    assert 0.2 < shift.max() < 4


def test_wobbling_leaves_paper_as_it_is():
    paper = torch.full((5, 28, 28), -0.4)
    torch.testing.assert_close(augment.wobbled(paper, torch.Generator().manual_seed(0), paper=-0.4), paper)


def test_pressing_widens_and_thins_a_stroke_by_hand():
    ink = torch.zeros(4, 7, 7)
    ink[:, 1:6, 2:5] = 1.0  # three pixels wide
    wide, half, same, thin = augment.pressed(ink, torch.tensor([1.0, 0.5, 0.0, -1.0]))
    assert wide[3].tolist() == [0, 1, 1, 1, 1, 1, 0]
    assert half[3].tolist() == [0, 0.5, 1, 1, 1, 0.5, 0]
    assert torch.equal(same, ink[0])
    assert thin[3].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert [int(image.sum()) for image in (wide, thin)] == [7 * 5, 3]


def test_overlaid_digits_have_the_labels_of_both(sets):
    x, y = sets["test"]
    images, there = trained.overlaid(x, y, 300, torch.Generator().manual_seed(0))
    one, two = torch.randint(len(x), (2, 300), generator=torch.Generator().manual_seed(0))
    assert torch.equal(images, torch.maximum(x[one], x[two]))
    for k in range(300):
        assert set(there[k].nonzero().flatten().tolist()) == {y[one[k]].item(), y[two[k]].item()}
    assert set(there.sum(1).tolist()) == {1, 2}


def test_the_pair_reader_finds_most_of_two(sets):
    images, there = trained.overlaid(*sets["test"], 1000, torch.Generator().manual_seed(0))
    p = activations.sigmoid(trained.pair_reader().logits(images))
    precision, recall = decisions.precision_recall(p.ravel(), there.numpy().ravel(), 0.5)
    assert 0.78 < precision < 0.95
    assert 0.68 < recall < 0.9


# --- characters ---


def test_names_are_the_118_elements():
    assert len(elements.NAMES) == len(set(elements.NAMES)) == 118
    assert elements.NAMES[0] == "hydrogen"
    assert elements.NAMES[78] == "gold"
    assert elements.NAMES[117] == "oganesson"
    assert all(name.isalpha() and name.islower() for name in elements.NAMES)


def test_text_and_symbols():
    assert elements.encode("abz·") == [1, 2, 26, 0]
    assert elements.decode([1, 2, 26, 0]) == "abz·"
    assert elements.ALPHABET[elements.END] == "·"
    with pytest.raises(ValueError, match=r"only abc.*z can be written, got \[' ', 'É'\]"):
        elements.encode("É a")


def test_the_context_is_the_last_three_characters():
    def shown(symbols):
        x = elements.one_hot(symbols)
        assert (x.sum(1) == 1).all()
        return elements.decode(x.argmax(1))

    assert shown([]) == "···"
    assert shown(elements.encode("a")) == "··a"
    assert shown(elements.encode("zinc")) == "inc"


def test_every_character_is_to_be_guessed_once():
    x, y = elements.pairs(("tin", "ox"))
    assert x.shape == (7, 3, 27)
    got = [elements.decode(row.argmax(1)) + elements.ALPHABET[k] for row, k in zip(x, y, strict=True)]
    assert got == ["···t", "··ti", "·tin", "tin·", "···o", "··ox", "·ox·"]
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    assert len(elements.pairs()[1]) == sum(len(name) + 1 for name in elements.NAMES)


def test_the_namer_has_learnt_and_not_only_by_heart():
    x, y = (torch.from_numpy(a) for a in elements.pairs())
    score = training.evaluate(trained.namer(), x, y)
    assert 0.8 < score.loss < 1.4  # the 27 frequencies alone leave about 2.7 nats
    assert elements.decode([trained.next_logits(trained.namer(), elements.encode("thori")).argmax()]) == "u"


def test_a_network_is_trained_once_however_it_is_asked_for():
    trained_for = []

    @trained.once
    def train(size=0, seed=0):
        trained_for.append((size, seed))
        return [size, seed]

    first = train()
    assert train(0) == train(0, 0) == train(seed=0) == first == [0, 0]
    assert trained_for == [(0, 0)]
    first.append("changed")
    assert train() == [0, 0], "every caller has a copy"
    assert train(seed=1) == [0, 1]
