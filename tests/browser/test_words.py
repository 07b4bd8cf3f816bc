"""What a reader sees and hears comes from Python: words, and labels that are not what they stand for."""

import re
import time

import numpy as np
import pytest

from losslab.book import words
from losslab.book.words import Sentence
from losslab.explorers import shapes
from losslab.explorers.contract import Series, Slider, View
from losslab.explorers.live import LiveExplorer
from losslab.explorers.widget import GridExplorer

pytestmark = pytest.mark.browser

# No word of this file is a word of the page's own.
KNOB = (Slider("k", np.linspace(0, 1, 5)),)
SIZES = {"size": (1, 2)}
WORDS = {
    "slider.k": "zirkon",
    "menu.size": "Umfang",
    "option.size.1": "klein",
    "option.size.2": "gross",
    "GD": "Abstieg",
    "Adam": "Adamant",
    "Measured": "Linie",
    "Loss": "Linie",
    "lines": "Vrix {k:.2f}:",
    "one": "gorm",
    "other": "ulm",
    "read": "Quarz.",
    "train": "Orm.",
}


def stage(figure, theme, words):
    return [figure.subplots()]


def lines(k, size, start):
    """Two lines of ten steps; one has diverged at step 4."""
    path = shapes.points(np.linspace(0, size, 10), k[..., None])
    ends = np.full(k.shape, 4)
    series = [Series("GD", 0, path, ends, scrub=True), Series("Adam", 0, path / 2, scrub=True)]
    return View(
        WORDS, stage, series, Sentence("lines", k=k), {"GD": Sentence("one"), "Adam": Sentence("other")}
    )


def read(ink, size):
    bar = shapes.bars(np.array([1.0]))
    return View(WORDS, stage, [Series("Measured", 0, bar, fill=True)], Sentence("read"), image=ink[::2, ::2])


def train(k):
    for step in range(1000):
        yield View(WORDS, stage, [Series("Loss", 0, np.zeros((1, 2)))], Sentence("train"), done=(step, 1000))
        time.sleep(0.01)


def grid():
    return GridExplorer(grid, lines, KNOB, SIZES, point="start", k=0.5, size=1, start=(0.5, 0.5))


def pad():
    return LiveExplorer(pad, read, menus=SIZES, pad=8, size=1)


def training():
    return LiveExplorer(training, train, KNOB, k=0.5)


# What has been written on canvases, and all that is on the page or said of it, but the line of Python.
DRAWN = """() => {
  window.drawn = [];
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
    drawn.push(text);
    write.call(this, text, ...at);
  };
}"""
SEEN = """() => [...document.querySelectorAll("#here *:not(code)")].flatMap((e) => [
  ...[...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.textContent),
  ...["aria-label", "aria-valuetext", "aria-description", "title", "alt", "placeholder"]
    .map((name) => e.getAttribute(name) ?? ""),
]).concat(drawn)"""


class Reader:
    """Looks at a page, and remembers everything."""

    def __init__(self, page):
        self.page, self.seen = page, set()
        page.evaluate(DRAWN)
        self.look()

    def look(self, wait=0):
        self.page.wait_for_timeout(wait)
        self.seen |= set(self.page.evaluate(SEEN))

    def press(self, *names):
        """Press buttons one after the other, and look each time."""
        for name in names:
            self.page.get_by_role("button", name=name, exact=True).click()
            self.look(50)


def marked(text):
    """Put what a template says in brackets, so that it is known again wherever it is shown."""
    parts = re.split(r"(\{\w+\})", text)
    return "".join(p if p.startswith("{") or not re.search(r"[^\W\d_]", p) else f"⟦{p}⟧" for p in parts)


def read_grid(bare):
    reader = Reader(bare(grid()))
    reader.page.get_by_role("slider", name="zirkon").fill("3")
    reader.press("⟦Play⟧", "⟦Pause⟧", "⟦Copy setting⟧")
    for box in reader.page.get_by_role("checkbox").all():
        box.uncheck()
    reader.look(400)
    reader.press("⟦Reset⟧")
    reader.page.get_by_role("combobox").select_option("2")
    reader.look(4500)  # nobody answers
    reader.page.evaluate("model.take({ answered: { n: Infinity, problem: 'Ach' } })")
    reader.look()
    return reader


def read_pad(bare):
    reader = Reader(bare(pad(), kernel=True))
    keyboard = reader.page.keyboard
    reader.press("⟦Clear⟧")
    for _ in range(2):
        reader.page.locator(".ll-pad canvas").focus()
        keyboard.press("ArrowRight")
        keyboard.press("Space")
        reader.look()
        keyboard.press("Space")
        reader.press("⟦Eraser⟧")
    reader.look(400)
    return reader


def read_training(bare):
    reader = Reader(bare(training(), kernel=True))
    reader.press("⟦Run⟧")
    reader.look(300)
    reader.press("⟦Stop⟧", "⟦Reset⟧")
    reader.look(400)
    return reader


def test_every_word_on_the_page_comes_from_python(bare, monkeypatch):
    said = {key: marked(text) for key, text in words.of("controls").items()}
    monkeypatch.setitem(words.read("en"), "controls", said)
    seen = set.union(*(read(bare).seen for read in (read_grid, read_pad, read_training)))
    ours = set(re.findall(r"[^\W\d_]+", " ".join(WORDS.values()).replace("{k:.2f}", ""))) | {"Ach"}
    rest = {text: re.sub("⟦[^⟧]*⟧", "", text) for text in seen}
    assert {text for text, left in rest.items() if set(re.findall(r"[^\W\d_]+", left)) - ours} == set()
    bracketed = set(re.findall("⟦[^⟧]*⟧", " ".join(seen)))
    unseen = {key for key, text in said.items() if not set(re.findall("⟦[^⟧]*⟧", text)) <= bracketed}
    assert unseen == set(), "these are said nowhere, or this test does not get there"


def test_the_page_says_in_which_language_it_speaks(bare, monkeypatch):
    monkeypatch.setenv("LOSSLAB_LANGUAGE", "zh")
    assert bare(grid()).locator(".ll").get_attribute("lang") == "zh"


def test_a_reader_sees_labels_and_python_gets_keys(bare):
    explorer = grid()
    page = bare(explorer, kernel=True)
    page.evaluate(DRAWN)
    said, line = page.locator(".ll-say"), page.locator(".ll code")
    assert page.locator(".ll label:has([type=checkbox])").all_inner_texts() == ["Abstieg", "Adamant"]
    legend = [text.get_text() for text in explorer.still().axes[0].get_legend().get_texts()]
    assert legend == ["Abstieg (diverged at step 4)", "Adamant"]
    page.get_by_role("checkbox", name="Adamant").uncheck()
    page.wait_for_timeout(400)
    assert explorer.state["shown"] == ["GD"]
    assert (said.inner_text(), line.inner_text()) == ("Vrix 0.50: gorm.", repr(explorer))
    assert "shown=['GD']" in line.inner_text()
    assert set(page.evaluate("drawn")) == {"Abstieg diverged at step 4"}

    menu = page.get_by_role("combobox", name="Umfang")
    assert menu.locator("option").all_inner_texts() == ["klein", "gross"]
    menu.select_option(label="gross")
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('size=2')")
    assert (explorer.settings["size"], menu.input_value(), line.inner_text()) == (2, "2", repr(explorer))
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelector('.ll code').textContent.includes('size=1')")
    page.wait_for_timeout(400)
    assert (explorer.state["shown"], menu.input_value()) == (["GD", "Adam"], "1")
    assert page.get_by_role("checkbox", name="Adamant").is_checked()
