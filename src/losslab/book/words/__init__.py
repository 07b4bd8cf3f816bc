"""The words that a reader sees, one file per language, apart from the code that decides which are said.

`en.toml` is complete; what another file lacks is said in English. Each table of a file is a topic, such as
an explorer or an exercise; its entries are texts, with {names} for what the code fills in.
"""

import os
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

ENGLISH = "en"


def languages():
    """Return the languages there are, such as "en" and "zh"."""
    return sorted(file.name.removesuffix(".toml") for file in FILES.iterdir() if file.name.endswith(".toml"))


FILES = resources.files(__name__)


def language():
    """Return the language of this process: LOSSLAB_LANGUAGE, else the folder it works in, else English.

    A notebook in `notebooks/zh` speaks Chinese, with the code cells of the English one.
    """
    chosen = os.environ.get("LOSSLAB_LANGUAGE")
    if chosen and chosen not in languages():
        raise ValueError(f"LOSSLAB_LANGUAGE must be one of {', '.join(languages())}, got {chosen!r}")
    folder = Path.cwd().name
    return chosen or (folder if folder in languages() else ENGLISH)


@cache
def read(lang):
    """Return a language's file as {topic: {"key": text}}; what is nested in a topic gets a dotted key."""
    text = FILES.joinpath(f"{lang}.toml").read_text(encoding="utf-8")
    return {topic: dict(flat(entries)) for topic, entries in tomllib.loads(text).items()}


def flat(entries, before=""):
    """Yield ("slider.lr", text) for {"slider": {"lr": text}}."""
    for key, value in entries.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def of(topic, lang=None):
    """Return what is said about a topic: {"key": text}, English where another language has no words yet.

    For an explorer that is only being tried out, the topic may itself be such a dict.
    """
    if isinstance(topic, dict):
        return topic
    lang = lang or language()
    if topic not in read(ENGLISH):
        raise ValueError(f"topic must be one of {', '.join(read(ENGLISH))}, got {topic!r}")
    return read(ENGLISH)[topic] | read(lang).get(topic, {})


def say(topic, key, **values):
    """Return one text of a topic, filled in."""
    return of(topic)[key].format(**values)


def missing(lang):
    """Return what a language has no words for yet, [(topic, key)]."""
    every = [(topic, key) for topic, texts in read(ENGLISH).items() for key in texts]
    return [(topic, key) for topic, key in every if key not in read(lang).get(topic, {})]


class Sentence:
    """What is to be said, in no language yet: a key of a topic, and the values that fill its text.

    Parameters
    ----------
    key : str, or array of str
        One for all, or one per position.
    **values : numbers, text, Sentences, or arrays of them that broadcast together
        A Sentence is said first, and what it says fills the place of its name.

    Examples
    --------
    >>> many = Sentence("loss_after", steps=100, loss=np.array([0.5, 0.25]))
    >>> many.said({"loss_after": "After {steps} steps the loss is {loss:.1f}."})
    array(['After 100 steps the loss is 0.5.', 'After 100 steps the loss is 0.2.'], dtype=object)
    """

    def __init__(self, key, /, **values):
        self.key, self.values = key, values

    def said(self, words):
        """Return the sentence in the words of `of(topic, language)`: an array of str."""
        texts, where = self.coded(words)
        return np.array(texts, object)[where.ravel()].reshape(where.shape)

    def coded(self, words):
        """Return the different texts that are said, and which of them is said where.

        Returns
        -------
        texts : list of str
            In the order of the values that fill them, so that small differences of `where` are likely.
        where : int array
        """
        given = {k: v.coded(words) if isinstance(v, Sentence) else levels(v) for k, v in self.values.items()}
        parts = [levels(self.key), *given.values()]
        row = 0  # which of all combinations
        for values, where in parts:
            row = levels(np.int64(row) * len(values) + where)[1]
        first = np.unique(row, return_index=True)[1]
        picked = [[values[k] for k in np.broadcast_to(at, row.shape).ravel()[first]] for values, at in parts]
        said = [
            words[key].format(**dict(zip(given, rest, strict=True)))
            for key, *rest in zip(*picked, strict=True)
        ]
        texts = {text: k for k, text in enumerate(dict.fromkeys(said))}
        return list(texts), np.array([texts[text] for text in said])[row]


def levels(values):
    """Return the different values in ascending order, and which of them is where."""
    values = np.asarray(values)
    found, where = np.unique(values, return_inverse=True)
    return found.tolist(), where.reshape(values.shape).astype(np.int32)  # there may be hundreds of thousands
