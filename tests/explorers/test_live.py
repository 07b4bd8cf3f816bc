"""Live explorers without a browser: the newest input is answered, and a run stops when it is told to."""

import threading
import time

import numpy as np
import pytest

from losslab.book.words import Sentence
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.live import LiveExplorer, flat
from losslab.explorers.shapes import bars
from losslab.explorers.stage import HEAD
from losslab.figures import palette

pytestmark = pytest.mark.trains


def stage(figure, theme, words):
    ax = figure.subplots()
    ax.set(xlim=(0, 10), ylim=(0, 1))
    palette.tint(ax, theme)
    return [ax]


INKED = {"slider.threshold": "grey", "menu.power": "power", "says": "Ink:", "share": "share {share:.2f}"}


def inked(ink, threshold, power=1):
    share = (ink > threshold).mean() ** power
    series = [Series("Measured", 0, bars(np.array([share])), fill=True)]
    says = {"Measured": Sentence("share", share=share)}
    return View(INKED, stage, series, Sentence("says"), says, image=ink[::2, ::2])


GREY = (Slider("threshold", np.arange(256)),)


def pad(menus=None, **values):
    return LiveExplorer(inked, inked, GREY, menus, pad=8, **{"threshold": 128, "power": 1, **values})


def line(view, height=320):
    """The decoded points of a View's first series, in CSS pixels."""
    shape, data = view.answer["shapes"][0], np.frombuffer(view.answer["data"], "<i2")
    return np.cumsum(data[HEAD : shape[2]].reshape(2, -1), 1).T[: data[0]] / 8


class Training:
    """A training of 1000 steps of 2 ms that counts what it has done and how many ran at once."""

    def __init__(self):
        self.steps, self.running, self.most, self.rates = 0, 0, 0, []

    def __call__(self):
        def view(k, lr):
            points = np.stack([np.arange(k), np.full(k, lr)], -1)
            text = Sentence("says", k=k, lr=lr)
            return View(TRAINING, stage, [Series("Loss", 0, points)], text, done=(k, 1000))

        def train(lr):
            yield view(0, lr)
            self.running += 1
            self.most, self.rates = max(self.most, self.running), [*self.rates, lr]
            try:
                for k in range(1, 1001):
                    time.sleep(0.002)
                    self.steps += 1
                    if lr == 1 and k == 20:
                        raise FloatingPointError("the loss exploded")
                    yield view(k, lr)
            finally:
                self.running -= 1

        return LiveExplorer(train, train, (Slider("lr", np.array([0.1, 0.5, 1])),), lr=0.1)


TRAINING = {"slider.lr": "rate", "says": "Step {k}, lr {lr:g}.", "new": "New."}


def wait(explorer, condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition(), explorer.answer


def test_ink_goes_in_and_a_picture_a_sentence_and_an_image_come_out():
    explorer = pad()
    assert explorer.answer["texts"] == ["Ink:", "share 0.00"]
    ink = np.zeros((8, 8), np.uint8)
    ink[:, :2] = 200
    explorer.ink = ink.tobytes()
    explorer.ask = {"n": 7}
    assert explorer.answer["texts"] == ["Ink:", "share 0.25"]
    assert (explorer.answer["n"], explorer.answered) == (7, {"n": 7, "problem": ""})
    panel = explorer.panels[0]
    top = 320 - panel.transform.transform((0, 0.25))[1]
    np.testing.assert_allclose(line(explorer)[1:3, 1], top, atol=0.1)
    image = np.frombuffer(explorer.answer["image"], np.uint8).reshape(explorer.answer["shape"])
    np.testing.assert_array_equal(image, ink[::2, ::2])


def test_sliders_come_as_plain_numbers_of_the_newest_state():
    explorer = pad()
    explorer.ink = np.full((8, 8), 100, np.uint8).tobytes()
    explorer.state = {**explorer.state, "index": [99]}
    explorer.ask = {"n": 1}
    assert explorer.answer["texts"][1] == "share 1.00"
    assert explorer.answer["index"] == [99]
    assert repr(explorer) == "explorers.inked(power=1, threshold=99)"


def test_a_choice_may_bring_ink_and_settings():
    example = np.full((8, 8), 255, np.uint8)
    explorer = pad({"power": {"one": {"power": 1}, "black": {"power": 2, "ink": example}}})
    explorer.ask = {"choice": ["power", "black"], "n": 3}
    assert explorer.settings == {"power": 2}
    assert explorer.ink == example.tobytes()
    assert explorer.answer["texts"][1] == "share 1.00"
    assert explorer.answer["n"] == 3


def test_a_failed_answer_is_said_and_not_swallowed():
    explorer = pad()
    explorer.state = {**explorer.state, "index": [300]}
    with pytest.raises(IndexError):
        explorer.ask = {"n": 2}
    assert explorer.answered["n"] == 2
    assert "out of bounds" in explorer.answered["problem"]


def test_wrong_ink_is_refused():
    with pytest.raises(ValueError, match=r"ink must have shape \(8, 8\), got \(4, 4\)"):
        pad(ink=np.zeros((4, 4)))


def test_before_the_first_run_the_first_picture_is_shown_and_no_step_taken():
    training = Training()
    explorer = training()
    assert explorer.answer["texts"] == ["Step 0, lr 0.1."]
    assert explorer.answer["done"] == [0, 1000]
    assert training.steps == 0
    assert line(explorer).shape == (0, 2)


def test_stop_takes_effect_at_the_next_yield():
    training = Training()
    explorer = training()
    explorer.ask = {"run": True, "n": 1}
    wait(explorer, lambda: explorer.answer["done"][0] > 5)
    assert explorer.answer["running"]
    explorer.ask = {"run": False, "n": 2}
    assert not explorer.answer["running"]
    assert explorer.answer["n"] == 2
    explorer._thread.join(2)
    done = training.steps
    time.sleep(0.05)
    assert training.steps == done < 1000
    assert training.running == 0, "the generator was not closed"


def test_a_run_ends_with_its_last_picture():
    explorer = Training()()
    explorer.compute = lambda lr: (v for v in [inked(np.zeros((8, 8)), 1), inked(np.ones((8, 8)), 0)])
    explorer.ask = {"run": True, "n": 1}
    wait(explorer, lambda: not explorer._thread.is_alive())
    assert explorer.answer["texts"] == ["Ink:", "share 1.00"]
    assert explorer.answer["running"] is False


def test_pictures_of_a_run_are_few_enough_to_be_sent():
    explorer, seen = Training()(), []
    explorer.observe(lambda change: seen.append(change.new["done"][0]), "answer")
    explorer.ask = {"run": True, "n": 1}
    time.sleep(0.5)
    explorer.ask = {"run": False, "n": 2}
    assert 2 <= len(seen) <= 13, "at most one every 50 ms"
    assert seen == sorted(seen)


def test_a_new_run_replaces_the_old_one_and_two_never_run_at_once():
    training = Training()
    explorer = training()
    for n, index in enumerate((0, 1, 0, 1), start=1):
        explorer.state = {**explorer.state, "index": [index]}
        explorer.ask = {"run": True, "n": n}
        time.sleep(0.03)
    wait(explorer, lambda: explorer.answer["n"] == 4)
    assert training.most == 1
    assert training.rates[-1] == 0.5
    explorer.close()
    explorer._thread.join(2)
    assert training.running == 0, "closing the widget stops its run"


def test_a_late_picture_of_an_old_run_is_not_shown_as_the_new_one():
    """The old run comes in between computing the new picture and handing it over, and once more after it."""
    training = Training()
    explorer = training()
    explorer.ask = {"run": True, "n": 1}
    wait(explorer, lambda: explorer.answer["done"][0] > 2)
    old, lock = explorer.view, explorer._lock

    class Late:
        def __enter__(self):
            explorer._lock = lock
            explorer._tell(old, 1, running=True)
            lock.acquire()

        def __exit__(self, *_):
            lock.release()

    def compute(lr):
        explorer._lock = Late()
        yield View(TRAINING, stage, [Series("Loss", 0, np.zeros((0, 2)))], Sentence("new"), done=(0, 5))

    explorer.compute = compute
    explorer.ask = {"fresh": True, "n": 2}
    explorer._tell(old, 1, running=True)
    assert (explorer.answer["n"], explorer.answer["texts"]) == (2, ["New."])
    assert explorer.view.sentence() == "New."


def test_of_two_choices_in_quick_succession_the_second_stands():
    explorer = pad({"power": {str(k): {"power": k} for k in (1, 2, 3)}})
    explorer.ink = np.full((8, 8), 200, np.uint8).tobytes()
    for n, power in enumerate("23", start=1):
        explorer.ask = {"choice": ["power", power], "n": n}
    assert (explorer.answer["n"], explorer.meta["choices"]["power"][0]) == (2, "3")
    assert "power=3" in repr(explorer)


def test_a_choice_that_fails_leaves_the_settings_of_what_is_shown():
    explorer = pad({"power": {"1": {"power": 1}, "none": {"power": None}}})
    with pytest.raises(TypeError):
        explorer.ask = {"choice": ["power", "none"], "n": 1}
    assert "power=1" in repr(explorer)
    assert explorer.settings == {"power": 1}


def test_an_exploding_run_ends_in_words():
    explorer = Training()()
    explorer.state = {**explorer.state, "index": [2]}
    explorer.ask = {"run": True, "n": 1}
    wait(explorer, lambda: explorer.answer["problem"])
    assert explorer.answer["problem"] == "the loss exploded"
    assert not explorer.answer["running"]


def test_reset_shows_the_first_picture_again():
    explorer = Training()()
    explorer.ask = {"run": True, "n": 1}
    wait(explorer, lambda: explorer.answer["done"][0] > 2)
    explorer.ask = {"run": False, "fresh": True, "n": 2}
    assert explorer.answer["done"] == [0, 1000]


def test_flat_twice_is_flat_once():
    view = flat(inked(np.zeros((8, 8)), 1))
    again = flat(view)
    assert again.series[0].points.shape == view.series[0].points.shape == (1, 1, 4, 2)
    assert again.sentence() == "Ink: share 0.00."


def test_the_bundle_holds_a_picture_and_the_call():
    data, _ = pad()._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")
    assert data["text/plain"] == "explorers.inked(power=1, threshold=128)"


@pytest.mark.parametrize("end", [{"run": False}, {"fresh": True}, {"run": True}, None])
def test_no_thread_is_left(end):
    """A run that was stopped, reset, or whose explorer was closed ends with its thread."""
    before, training = set(threading.enumerate()), Training()
    explorer = training()
    explorer.ask = {"run": True, "n": 1}
    wait(explorer, lambda: explorer.answer["done"][0] > 2)
    assert set(threading.enumerate()) - before == {explorer._thread}
    if end:
        explorer.ask = {**end, "n": 2}
    explorer.close()
    wait(explorer, lambda: not set(threading.enumerate()) - before)
    assert training.steps < 1000, "it ended by itself"


def test_ink_comes_from_a_page_as_a_memoryview():
    """Jupyter hands binary values over so; a trait that takes bytes alone leaves the pad unanswered."""
    explorer = pad()
    explorer.set_state({"ink": memoryview(bytes([255] * 32 + [0] * 32)), "ask": {"n": 1}})
    assert explorer.answered == {"n": 1, "problem": ""}
    assert explorer.answer["texts"] == ["Ink:", "share 0.50"]
