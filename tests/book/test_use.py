"""The page for those who use the package in their own code: its examples run, and what it names is there."""

import importlib.util
import re
import warnings
from pathlib import Path

import pytest

import losslab

pytestmark = pytest.mark.trains

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "use.md").read_text(encoding="utf-8")


def test_the_examples_run_one_after_the_other(capsys):
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S):
        exec(code, names)
    assert capsys.readouterr().out.startswith(losslab.__version__)
    assert names["path"].shape == (101, 2)
    assert names["loss"] < 2


def test_what_the_page_names_is_there():
    for name in re.findall(r"`losslab\.(\w+\.\w+(?:\.\w+)?)`", PAGE):
        module, _, attribute = f"losslab.{name}".rpartition(".")
        importlib.import_module(module)
        found = hasattr(importlib.import_module(module), attribute)
        assert found or importlib.util.find_spec(f"losslab.{name}"), name


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("optim", "adam", "losslab.formulas.optim.adam"),
        ("training", "fit", "losslab.learning.training.fit"),
        ("training", "standardise", "losslab.data.pixels.standardise"),
        ("datasets", "mnist", "losslab.data.mnist.load"),
        ("errata", "entries", "losslab.article.errata.entries"),
        ("plots", "ink", "losslab.figures.palette.colour"),
    ],
)
def test_an_old_name_works_and_says_what_it_is_called_now(old, name, new):
    with pytest.warns(DeprecationWarning, match=rf"losslab\.{old}\.{name} is now {new}; .* release 0\.3"):
        found = getattr(importlib.import_module(f"losslab.{old}"), name)
    module, _, attribute = new.rpartition(".")
    assert found is getattr(importlib.import_module(module), attribute)


def test_every_old_name_leads_somewhere():
    from losslab.book import moved

    for old, (folder, elsewhere) in moved.MOVED.items():
        importlib.import_module(f"losslab.{folder}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for name in elsewhere:
                assert getattr(importlib.import_module(f"losslab.{old}"), name)


def test_what_never_was_is_still_an_error():
    with pytest.raises(ImportError):
        importlib.import_module("losslab.nonsense")
    with pytest.raises(AttributeError, match="module 'losslab.optim' has no attribute 'sgd'"):
        importlib.import_module("losslab.optim").sgd  # noqa: B018
    with pytest.raises(AttributeError, match="has no explorer 'flow': there are ab_test, answers"):
        importlib.import_module("losslab.explorers").flow  # noqa: B018


@pytest.mark.parametrize(
    ("old", "new"), [("softmax", "logits"), ("backprop", "slopes"), ("depth", "vanishing")]
)
def test_a_renamed_explorer_opens_under_its_old_name(old, new):
    from losslab import explorers

    with pytest.warns(DeprecationWarning, match=rf"explorers\.{old} is now explorers\.{new};"):
        assert getattr(explorers, old) is getattr(explorers, new)
