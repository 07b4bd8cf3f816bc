"""The words apart from the code: every language says what is asked for, and English has all of it."""

from string import Formatter

import numpy as np
import pytest

from losslab.book import words


def test_texts_that_are_said_often_are_made_once_in_the_order_of_their_values():
    sentence = words.Sentence("loss", loss=np.array([[3.0, 1.0, 1.04], [2.0, 1.0, 3.0]]))
    texts, where = sentence.coded({"loss": "{loss:.1f}"})
    assert texts == ["1.0", "2.0", "3.0"]
    assert where.tolist() == [[2, 0, 0], [1, 0, 2]]
    assert sentence.said({"loss": "{loss:.1f}"}).tolist() == [["3.0", "1.0", "1.0"], ["2.0", "1.0", "3.0"]]


def test_a_folder_or_a_variable_chooses_the_language(tmp_path, monkeypatch):
    monkeypatch.delenv("LOSSLAB_LANGUAGE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert words.language() == "en"
    (tmp_path / "zh").mkdir()
    monkeypatch.chdir(tmp_path / "zh")
    assert words.language() == "zh"
    monkeypatch.setenv("LOSSLAB_LANGUAGE", "en")
    assert words.language() == "en"
    monkeypatch.setenv("LOSSLAB_LANGUAGE", "tlh")
    with pytest.raises(ValueError, match="LOSSLAB_LANGUAGE must be one of en, zh, got 'tlh'"):
        words.language()


def test_a_topic_that_nobody_speaks_of_is_refused():
    with pytest.raises(ValueError, match="topic must be one of .*, got 'weather'"):
        words.of("weather", "en")


def test_what_is_nested_gets_a_key_with_dots():
    assert dict(words.flat({"slider": {"lr": "α", "beta": "β"}, "says": "so"})) == {
        "slider.lr": "α",
        "slider.beta": "β",
        "says": "so",
    }


def test_a_sentence_fills_its_text_at_every_position():
    verdict = words.Sentence(np.array([["low", "high"]]))
    sentence = words.Sentence("says", loss=np.array([[0.25], [4.0]]), verdict=verdict, n=3)
    texts = {"says": "{n}: {loss:.1f} is {verdict}", "low": "little", "high": "much"}
    assert sentence.said(texts).tolist() == [
        ["3: 0.2 is little", "3: 0.2 is much"],
        ["3: 4.0 is little", "3: 4.0 is much"],
    ]
    assert words.Sentence("low").said(texts) == "little"


def fields(text):
    """The {names} of a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("lang", [one for one in words.languages() if one != "en"])
def test_another_language_says_nothing_that_english_does_not_and_fills_in_the_same(lang):
    english = words.read("en")
    for topic, entries in words.read(lang).items():
        assert topic in english
        for key, text in entries.items():
            assert key in english[topic], f"[{topic}] {key}"
            assert fields(text) == fields(english[topic][key]), f"[{topic}] {key}"


def test_what_is_missing_is_listed_and_said_in_english():
    """What Chinese has no words for yet: `words.missing("zh")`; this edition begins with a dozen entries."""
    missing = words.missing("zh")
    assert words.missing("en") == []
    assert ("explore", "says") not in missing
    assert ("train", "says") in missing
    assert len(missing) + sum(map(len, words.read("zh").values())) == sum(map(len, words.read("en").values()))
    topic, key = missing[0]
    assert words.of(topic, "zh")[key] == words.of(topic, "en")[key]


def test_every_line_and_every_explorer_has_words():
    from losslab import explorers
    from losslab.figures import palette

    assert set(words.read("en")["series"]) == set(palette.LINES)
    assert set(explorers.__all__) <= set(words.read("en"))
