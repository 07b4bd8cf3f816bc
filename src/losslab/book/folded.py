"""What is seen only after a click, in a form that JupyterLab, GitHub and a web page share."""

from IPython.display import Markdown


def below(summary, *paragraphs):
    """Return paragraphs of Markdown that a click on the summary unfolds (IPython.display.Markdown)."""
    return Markdown("\n\n".join([f"<details><summary>{summary}</summary>", *paragraphs, "</details>"]))
