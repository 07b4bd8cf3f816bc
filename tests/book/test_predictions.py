"""Predictions and glossary: what is folded, and what a reader has written."""

import pytest

from losslab.book import glossary, predictions, words


def test_answers_are_folded_below_what_was_written():
    predictions.write("3a", "  it <doubles> ")
    page = predictions.compare("3a", "1: it halves", "2: it stays").data
    assert page == (
        "<details><summary>You expected: “it &lt;doubles&gt;”. Compare</summary>\n\n"
        "1: it halves\n\n2: it stays\n\n</details>"
    )


@pytest.mark.parametrize("write", [lambda: None, lambda: predictions.write("3z", "  ")])
def test_who_has_written_nothing_is_asked_to_answer_first(write):
    write()
    summary = "<details><summary>Answer the question first, then open this</summary>"
    assert predictions.compare("3z", "it halves").data.startswith(summary)


def test_a_prediction_is_in_words_and_an_answer_there():
    with pytest.raises(ValueError, match="text must be words between quotes, got 3"):
        predictions.write("3a", 3)
    with pytest.raises(ValueError, match="needs at least one answer"):
        predictions.compare("3a")


def test_the_words_of_a_chapter_unfold_in_the_order_asked_for():
    page = glossary.of("gradient", "batch").data
    assert page.startswith("<details><summary>Words of this chapter</summary>\n\n- **gradient**: ")
    assert "\n- **batch**: " in page
    assert page.endswith("\n\n</details>")


def test_an_unknown_word_is_refused():
    with pytest.raises(ValueError, match="terms must be keys of the glossary, got 'gradeint'"):
        glossary.of("gradeint", "batch")


def test_every_entry_of_the_glossary_begins_with_its_term():
    for lang in words.languages():
        for term, text in words.read(lang).get("glossary", {}).items():
            assert term == "title" or len(text.partition(": ")[2]) > 20, f"{lang}: {term}"
