"""The words of the book, each with one meaning, and the fold-out list at the head of a chapter."""

from losslab.book import folded, words


def of(*terms):
    """
    Return what terms mean, as a list that unfolds.

    Parameters
    ----------
    *terms : str
        Keys of `[glossary]` in `words/en.toml`, in the order in which the chapter needs them.

    Returns
    -------
    IPython.display.Markdown

    Raises
    ------
    ValueError
        If the glossary has no such term.
    """
    known = words.of("glossary")
    if unknown := [term for term in terms if term not in known]:
        raise ValueError(f"terms must be keys of the glossary, got {', '.join(map(repr, unknown))}")
    rows = [known[term].partition(": ") for term in terms]
    return folded.below(known["title"], "\n".join(f"- **{term}**: {meaning}" for term, _, meaning in rows))
