"""An explorer speaks the reader's language: what is drawn, what is said, what the page is told."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from matplotlib import font_manager

from losslab import explorers
from losslab.explorers import stage
from losslab.figures import palette


@pytest.fixture
def chinese(monkeypatch):
    """The trajectory explorer in Chinese; nothing may warn of a letter that no font has."""
    monkeypatch.setenv("LOSSLAB_LANGUAGE", "zh")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer = explorers.explore(lr=0.3, shown=["GD", "Momentum"])
        explorer._repr_mimebundle_()
    yield explorer
    explorer.close()


def test_the_trajectory_explorer_speaks_chinese_and_its_line_is_the_same(chinese):
    meta = chinese.meta
    assert meta["lang"] == "zh"
    assert [slider["label"] for slider in meta["sliders"]] == ["学习率 α", "动量 β、β₁"]
    assert meta["choices"]["surface"][1][0] == ["ravine", "峡谷"]
    assert meta["words"]["reset"] == "重置"
    assert dict(zip(meta["keys"], meta["names"], strict=True))["GD"] == "梯度下降"
    said = chinese.computed().sentence(chinese.state["index"], ["GD"])
    assert said == "第 100 步的损失：梯度下降 在第 5 步发散。"
    assert repr(chinese).startswith(
        "explorers.explore(surface='ravine', start=(-1.6, 0.9), steps=100, lr=0.3"
    )
    assert "shown=['GD', 'Momentum']" in repr(chinese)


def test_what_has_no_words_yet_is_said_in_english(chinese):
    assert dict(zip(chinese.meta["keys"], chinese.meta["names"], strict=True))["Adam"] == "Adam"
    assert chinese.meta["words"]["eraser"] == "Eraser"


@pytest.mark.parametrize("installed", [True, False])
def test_figures_are_written_in_chinese_where_a_font_has_the_letters(chinese, installed, monkeypatch):
    """DejaVu Sans stands for a font that is there; whoever has none gets English instead of boxes."""
    names = ["DejaVu Sans"] if installed else []
    monkeypatch.setitem(palette.LETTERS, "zh", names)
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, (_, curve) = stage.draw_stage(chinese.stage, "light", "explore", "zh")
    assert curve.get_ylabel() == ("损失" if installed else "loss")
    assert palette.fonts("en") == {}


OPEN = """
import sys
from losslab import explorers
explorers.explore()
heavy = {"torch", "torchvision", "sympy", "pandas", "safetensors"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_a_kernel_that_opens_the_trajectory_explorer_does_not_load_torch():
    done = subprocess.run([sys.executable, "-c", OPEN], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_sentences_have_the_numbers_of_every_language():
    view = explorers.explore().computed()
    english, chinese = (view.sentence((3, 4), ["Adam"], lang) for lang in ("en", "zh"))
    number = english.removesuffix(".").split()[-1]
    assert number in chinese
    assert np.isfinite(float(number))
