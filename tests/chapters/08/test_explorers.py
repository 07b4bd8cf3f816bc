"""What the explorers of chapter 8 show is what the functions of the chapter compute."""

import re

import numpy as np
import pytest
import torch

from losslab import explorers
from losslab.data import elements, handwriting
from losslab.explorers.contract import vocabulary
from losslab.explorers.views import answers, draw, skew, writing
from losslab.formulas import activations, decisions
from losslab.learning import trained, training

pytestmark = pytest.mark.trains


def words(p):
    """What the pad says of ten probabilities."""
    return draw.said(p).said(vocabulary("draw"))


def one(*values):
    return [np.array([[value]]) for value in values]


def series(view, name):
    return next(s.points for s in view.series if s.key == name)


# --- skew ---


def test_contrast_and_shift_by_hand():
    v = torch.tensor([[[0.0, 1.0, 0.25, 0.5]]])
    torch.testing.assert_close(skew.changed(v, 1, 0), v)
    torch.testing.assert_close(skew.changed(v, -1, 0), 1 - v)
    torch.testing.assert_close(skew.changed(v, 0, 0), torch.full_like(v, 0.5))
    torch.testing.assert_close(skew.changed(v, 1, 1), torch.tensor([[[0.0, 0.0, 1.0, 0.25]]]))
    torch.testing.assert_close(skew.changed(v, -1, 3), torch.tensor([[[1.0, 1.0, 1.0, 1.0]]]))


def test_preparations_by_hand():
    v = torch.tensor([[0.0, 0.5], [1.0, 0.25]])
    want = {
        "as trained": (v - 0.2) / 0.4,
        "normalisation forgotten": v,
        "0 to 255": v * 255,
        "normalised twice": ((v - 0.2) / 0.4 - 0.2) / 0.4,
        "mean and deviation 0.5": 2 * v - 1,
        "transposed": (v.T - 0.2) / 0.4,
    }
    assert list(skew.PREPARATIONS) == list(want)
    for name, prepare in skew.PREPARATIONS.items():
        torch.testing.assert_close(prepare(v, 0.2, 0.4), want[name])


@pytest.mark.parametrize(
    ("contrast", "shift", "preparation", "digit"),
    [
        (1.0, 0, "as trained", 7),
        (-1.0, 0, "as trained", 3),
        (1.0, 3, "transposed", 0),
        (0.5, 8, "0 to 255", 9),
    ],
)
def test_skew_says_and_draws_what_the_network_answers(contrast, shift, preparation, digit):
    net, (mean, std, *_) = trained.reader()
    x, y = (t[: skew.COUNT] for t in trained.split()["test"])
    prepared = skew.PREPARATIONS[preparation](skew.changed(x / 255, contrast, shift), mean, std)
    z = training.predict(net, prepared).numpy()
    k = int((y == digit).nonzero()[0, 0])
    view = skew.compute(*one(contrast, shift), preparation=preparation, digit=digit)
    share, p = (z.argmax(1) == y.numpy()).mean(), activations.softmax(z[k].astype(float))
    said = view.sentence()
    assert said.startswith(
        f"A {digit}, contrast {contrast:.2f}, moved by {shift} pixels: read as {p.argmax()} "
    )
    assert f"probability {p.max():.2f}" in said
    assert f"{share:.1%} of 200 test digits" in said
    bars = series(view, "Probability")[0, 0].reshape(10, 4, 2)
    np.testing.assert_allclose(bars[:, 1, 1], p, atol=1e-6)
    np.testing.assert_array_equal(series(view, "This setting")[0, 0], [[contrast, share]])
    seen = prepared[k].numpy() * std + mean
    outline = series(view, "What it sees")[0, 0].reshape(28, 57, 2)
    above, below = outline[:, 1:29, 1], outline[:, :28:-1, 1]
    np.testing.assert_allclose(above - below, np.clip(seen, 0, 1), atol=1e-5)
    np.testing.assert_allclose((above + below)[:, 0] / 2, np.arange(28, 0, -1) - 0.5)
    np.testing.assert_allclose(outline[:, 1:29, 0], np.broadcast_to(np.arange(28) + 0.5, (28, 28)))


def test_the_curve_goes_through_every_setting():
    contrast, shift = np.array([[-1.0], [0.5], [1.0]]), np.array([[0, 4]])
    view = skew.compute(contrast, shift, preparation="as trained", digit=1)
    curve, here = series(view, "Accuracy"), series(view, "This setting")
    for j in range(2):
        np.testing.assert_array_equal(curve[0, j], here[:, j, 0])
    assert here[2, 0, 0, 1] > 0.88 > here[2, 1, 0, 1]


# --- answers ---


def test_answers_are_those_of_the_chapter():
    x, y = trained.split()["test"]
    z = trained.reader().logits(x)
    view = answers.compute(np.array([[0.5], [0.99]]), np.array([[0.5, 2.0]]))
    for i, t in enumerate((0.5, 0.99)):
        for j, T in enumerate((0.5, 2.0)):
            sure, right = activations.softmax(z, T).max(1), z.argmax(1) == y.numpy()
            coverage, accuracy = decisions.selective(sure, right, t)
            np.testing.assert_allclose(series(view, "This setting")[i, j, 0], [coverage, accuracy])
            let, sent = ((sure >= t) & ~right).sum(), (sure < t).sum()
            said = view.sentence((i, j))
            assert f"{coverage:.1%} answered, {accuracy:.1%} of them right" in said
            assert f"{let} mistakes come through, {sent} digits go" in said
            assert f"Calibration error {decisions.calibration_error(sure, right):.1%}" in said
            kept = np.nan_to_num(decisions.reliability(sure, right)[2])
            outline = series(view, "Probability")[0, j].reshape(10, 4, 2)
            np.testing.assert_allclose(outline[:, 1, 1], kept)
            np.testing.assert_allclose(outline[:, 1, 0], np.arange(10) / 10, atol=1e-12)
            np.testing.assert_allclose(outline[:, 2, 0], np.arange(1, 11) / 10, atol=1e-12)


# --- writing ---


def heights(view, name):
    """The bars of both panels."""
    panels = [s.points for s in view.series if s.key == name]
    return np.concatenate([p.reshape(*p.shape[:2], -1, 4, 2)[..., 1, 1] for p in panels], -1)


def test_what_survives_is_the_nucleus():
    z = trained.next_logits(trained.namer(), elements.encode("th"))
    view = writing.compute(np.array([[0.5], [1.5]]), np.array([[0.3, 0.9]]), prompt="th")
    for i, T in enumerate((0.5, 1.5)):
        for j, top in enumerate((0.3, 0.9)):
            p = activations.softmax(z, T)
            q = decisions.nucleus(p, top)
            kept, cut = (heights(view, name)[i, j] for name in ("Kept", "Cut off"))
            np.testing.assert_allclose(kept, q, atol=1e-12)
            np.testing.assert_allclose(cut, np.where(q > 0, 0, p), atol=1e-12)
            assert f"{(q > 0).sum()} of 27 characters survive" in view.sentence((i, j))


def test_names_are_written_by_the_loop_of_the_chapter():
    temperature, top = np.array([[0.4], [1.0]]), np.array([[0.5, 1.0]])
    found = writing.written("th", temperature, top).said(vocabulary("writing"))
    rolls = np.random.default_rng(0).random((writing.LIMIT, writing.DICE))
    for (i, j), names in np.ndenumerate(found):
        for k, name in enumerate(names.split(", ")):
            dice = iter(rolls[:, k])

            def choose(z, i=i, j=j, dice=dice):
                q = decisions.nucleus(activations.softmax(z, temperature[i, 0]), top[0, j])
                return decisions.sample(q, writing.Same(next(dice)))

            logits_of = lambda s: trained.next_logits(trained.namer(), s)  # noqa: E731
            want = decisions.generate(logits_of, choose, 0, writing.LIMIT, prompt=elements.encode("th"))
            assert name == elements.decode(want)


def test_a_cold_network_writes_the_same_whatever_the_dice():
    (names,) = writing.written("pl", *one(0.1, 0.05)).said(vocabulary("writing")).ravel()
    assert len(set(names.split(", "))) == 1
    assert names.startswith("pl")


# --- drawing ---


def test_a_drawing_is_prepared_and_read():
    for digit in range(10):
        page = draw.enlarged(digit)
        seen, p = draw.read(page)
        np.testing.assert_array_equal(seen, handwriting.centred(page))
        np.testing.assert_allclose(p, activations.softmax(trained.pad_reader().logits(seen[None]))[0])
        assert p[digit] > draw.SURE
    seen, _ = draw.read(page, "colours inverted")
    np.testing.assert_array_equal(seen, 255 - handwriting.centred(page))
    seen, _ = draw.read(page, "only shrunk")
    np.testing.assert_array_equal(seen[14, 14], page[56, 56])


def test_the_example_is_the_digit_nearest_to_the_mean():
    images = np.array([[[0, 9]], [[4, 4]], [[9, 0]], [[3, 0]]], np.uint8)  # the mean is 4, 3.25
    np.testing.assert_array_equal(draw.typical(images), [[4, 4]])


def test_the_picture_the_bars_and_the_sentence():
    view = draw.compute(draw.enlarged(3))
    seen, p = draw.read(draw.enlarged(3))
    np.testing.assert_array_equal(view.image, seen)
    np.testing.assert_allclose(series(view, "Probability").reshape(10, 4, 2)[:, 1, 1], p)
    assert view.sentence() == words(p)


def test_sentences():
    assert words(np.zeros(10)) == "The page is empty. Draw a digit, large or small, anywhere."
    p = np.zeros(10)
    p[[4, 9]] = 0.55, 0.45
    assert words(p) == "Not sure enough to answer: a 4 with probability 0.55, next a 9 with 0.45."
    p[[4, 9]] = 0.9, 0.1
    assert words(p) == "This is a 4 with probability 0.90, next a 9 with 0.10."


def test_letters_are_offered_although_nobody_taught_them():
    page = draw.enlarged("T")
    assert page.shape == (draw.PAD, draw.PAD)
    assert np.flatnonzero(page.any(1))[[0, -1]].tolist() == [20, 91]
    assert page[25, [29, 30, 74, 75]].tolist() == [0, 255, 255, 0]
    assert page[60, [46, 47, 57, 58]].tolist() == [0, 255, 255, 0]
    assert {"a T", "an E", "an F", "an H", "an L"} == {name for name in draw.EXAMPLES if name[-1].isupper()}
    assert repr(explorers.draw(example="an H")) == "explorers.draw(example='an H', preparation='centred')"


def test_a_page_has_ink_where_its_strokes_are():
    page = draw.page((1, 3, 2, 6), (2, 5, 4, 5))
    assert page.sum() == 255 * (2 * 4 + 2)
    assert page[4, 4] == page[1, 2] == 255


def test_digits_of_mnist_come_back_from_centring_as_they_are():
    images = trained.split()["test"][0][:300].numpy()
    back = np.array([handwriting.centred(image, faint=0) for image in images])
    assert (back == images).all((1, 2)).mean() > 0.85
    moved = np.array([handwriting.centred(np.roll(image, 3, 1), faint=0) for image in images])
    assert (moved == back).all((1, 2)).mean() > 0.85


def test_an_empty_page_has_no_answer():
    view = draw.compute(draw.enlarged(None))
    assert "empty" in view.sentence()
    assert not series(view, "Probability")[..., 1].any()


def test_the_pad_answers_its_requests():
    pad = explorers.draw()
    assert "empty" in pad.answer["texts"][0]
    pad.ink = draw.enlarged(5).tobytes()
    pad.ask = {"n": 1}
    assert pad.answer["texts"][0].startswith("This is a 5")
    assert pad.answer["shape"] == [28, 28]
    pad.ask = {"choice": ["preparation", "colours inverted"], "n": 2}
    assert not re.match("This is a 5", pad.answer["texts"][0])
    pad.ask = {"choice": ["example", "a 2", "preparation", "centred"], "n": 3}
    assert pad.answer["texts"][0].startswith("This is a 2")
    assert repr(pad) == "explorers.draw(example='a 2', preparation='centred')"


def test_ink_comes_from_jupyter_as_a_memoryview():
    pad = explorers.draw()
    pad.set_state({"ink": memoryview(draw.enlarged(6).tobytes())})
    pad.ask = {"n": 1}
    assert pad.answer["texts"][0].startswith("This is a 6")
