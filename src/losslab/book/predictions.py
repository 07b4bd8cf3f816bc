"""What a learner expects, written down before the answer is seen, and then both side by side."""

import html

from losslab.book import folded, words

written = {}  # label of a question -> what this kernel's reader expects


def write(label, text):
    """
    Keep a prediction until `compare` shows it.

    Parameters
    ----------
    label : str
        Of the question, such as "3a": the number of the chapter and a letter.
    text : str
        The reader's words; empty while there are none.
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be words between quotes, got {text!r}")
    written[label] = text.strip()


def compare(label, *answers):
    """
    Return the answers to a question, folded below what the reader had written.

    Parameters
    ----------
    label : str
        Of the question.
    *answers : str
        In Markdown, one paragraph each.

    Returns
    -------
    IPython.display.Markdown
    """
    if not answers:
        raise ValueError(f"compare({label!r}, …) needs at least one answer")
    text = html.escape(written.get(label, ""))
    said = words.say("predictions", "wrote" if text else "nothing", text=text)
    return folded.below(said, *answers)
