"""Look up a mistake or a part of the article: tables whose last column links to a cell of the book."""

from losslab.article import coverage, errata
from losslab.book import chapters, words


def search(words="", severity=""):
    """
    Return the entries in which all words occur, in any order and ignoring case.

    Parameters
    ----------
    words : str
        Separated by spaces; each may be part of a longer word. Empty: every entry.
    severity : str
        "wrong", "misleading", "outdated" or "style"; empty: all of them.
    """

    def text(e):
        return f"{e.id} {e.where} {e.printed} {e.right} {e.source} {chapters.find(e.chapter).title}".lower()

    wanted = words.lower().split()
    return [
        e for e in errata.entries() if e.severity.startswith(severity) and all(w in text(e) for w in wanted)
    ]


def errata_table(found):
    """Return entries as a Markdown table whose last column links to the cell that shows the mistake."""
    head = f"{words.of('lookup')['errata']}\n|:--|:--|:--|:--|:--|"
    rows = [f"| **{e.id}** {e.severity} | {e.where} | {e.printed} | {e.right} | {link(e)} |" for e in found]
    return "\n".join([head, *rows])


def link(entry):
    """Return a Markdown link to the cell that shows a mistake, or to its chapter if nothing can be run."""
    page = f"{chapters.find(entry.chapter).stem}.ipynb"
    return f"[{entry.chapter}]({page}#cell-id={entry.cell})" if entry.cell else f"([{entry.chapter}]({page}))"


def coverage_table():
    """Return the parts as a Markdown table, each with a link to the cell that treats it."""
    rows = [words.of("lookup")["coverage"], "|:--|:--|:--|"]
    for part in coverage.parts():
        link = f"{chapters.find(part.chapter).stem}.ipynb#cell-id={part.cell}"
        rows.append(f"| {part.id} | {part.article} | [{part.chapter} · {part.section}]({link}) |")
    return "\n".join(rows)
