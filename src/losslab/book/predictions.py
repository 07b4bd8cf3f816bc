"""What a learner expects, written down before the answer is seen, and then both side by side."""

import html

from IPython.display import Markdown

from losslab.book import words

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

    Folded like this in JupyterLab, on GitHub and on a web page; nothing is seen before a click.

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
    return fold(said, *answers)


def fold(summary, *paragraphs):
    """Return paragraphs of Markdown that a click on the summary unfolds."""
    return Markdown("\n\n".join([f"<details><summary>{summary}</summary>", *paragraphs, "</details>"]))
