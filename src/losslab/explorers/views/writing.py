"""Chapter 8: which character comes next, at every temperature and every top-p."""

import numpy as np
import torch

from losslab.book.words import Sentence
from losslab.data import elements
from losslab.explorers.contract import Series, Slider, View, readable
from losslab.explorers.shapes import bars
from losslab.explorers.widget import GridExplorer
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained, training

SLIDERS = (
    Slider("temperature", readable(np.geomspace(0.1, 3, 45))),
    Slider("top", readable(np.linspace(0.05, 1, 39), 4)),
)
NOTHING = "(nothing)"
PROMPTS = (NOTHING, "th", "pl", "be", "si", "ten")
PANELS = slice(None, 14), slice(14, None)  # which characters each panel shows
LIMIT, DICE = 14, 3  # characters at most; names written at every position


def writing(temperature=1.0, top=0.9, prompt="th", shown=None):
    """Open the explorer of the next character: temperature from 0.1 to 3, top-p from 0.05 to 1.

    `prompt` is one of `PROMPTS`.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    knobs = {"temperature": temperature, "top": top, "prompt": prompt}
    return GridExplorer(writing, compute, SLIDERS, {"prompt": PROMPTS}, shown=shown, **knobs)


def compute(temperature, top, *, prompt):
    """Show the distribution of the next character, what survives top-p, and names written with the same dice.

    Parameters
    ----------
    temperature, top : array, shapes (A, 1) and (1, B)
    prompt : str
        What is already written, or `NOTHING`.

    Returns
    -------
    losslab.explorers.contract.View
    """
    prompt = "" if prompt == NOTHING else prompt
    z = trained.next_logits(trained.namer(), elements.encode(prompt))
    p = activations.softmax(z, temperature[..., None])
    q = decisions.nucleus(p, top[..., None])
    p = np.broadcast_to(p, q.shape)
    series = [
        Series(key, panel, bars(heights[..., part]), fill=True)
        for panel, part in enumerate(PANELS)
        for key, heights in {"Kept": q, "Cut off": np.where(q > 0, 0, p)}.items()
    ]
    said = {"temperature": temperature, "top": top, "prompt": repr(prompt), "count": q.shape[-1]}
    said |= {"likely": np.array(list(elements.ALPHABET))[q.argmax(-1)], "p": q.max(-1)}
    text = Sentence("says", kept=(q > 0).sum(-1), names=written(prompt, temperature, top), **said)
    return View("writing", stage, series, text)


def written(prompt, temperature, top):
    """Say the names written with the same random numbers at every position (A, B)."""
    shape = (*np.broadcast_shapes(temperature.shape, top.shape), DICE)
    text = np.zeros((*shape, elements.CONTEXT + LIMIT), int)
    text[..., elements.CONTEXT - len(prompt) : elements.CONTEXT] = elements.encode(prompt)
    alive, net, rng = np.ones(shape, bool), trained.namer(), np.random.default_rng(0)
    eye = np.eye(len(elements.ALPHABET), dtype=np.float32)
    for i in range(elements.CONTEXT, text.shape[-1]):
        x = torch.from_numpy(eye[text[..., i - elements.CONTEXT : i]]).flatten(0, -3)
        z = training.predict(net, x).double().numpy().reshape(*shape, -1)
        q = decisions.nucleus(activations.softmax(z, temperature[..., None, None]), top[..., None, None])
        text[..., i] = np.where(alive, decisions.sample(q, Same(rng.random(DICE))), elements.END)
        alive &= text[..., i] != elements.END
    return names(text)


class Same:
    """A source of random numbers that gives every position the same few."""

    def __init__(self, values):
        self.values = values

    def random(self, shape):
        """Return the values, repeated over all leading axes."""
        return np.broadcast_to(self.values, shape)


def names(text):
    """Say the symbols (A, B, DICE, n) as names separated by commas."""
    words = np.empty(text.shape[:-1], object)
    for at in np.ndindex(words.shape):
        words[at] = elements.decode(text[at]).strip(elements.ALPHABET[elements.END])
    said = [Sentence(np.where(one == "", "nothing", "name"), name=one) for one in np.moveaxis(words, -1, 0)]
    return Sentence("names", **{f"name{k}": one for k, one in enumerate(said, start=1)})


def stage(figure, theme, words):
    """One bar per character; the first is the end of the name."""
    axes = figure.subplots(1, 2)
    for ax, part in zip(axes, PANELS, strict=True):
        letters = elements.ALPHABET[part]
        ax.set(xlim=(-0.7, 13.7), ylim=(0, 1.02), ylabel=words["probability"])
        ax.set_xticks(range(len(letters)), letters)
        ax.grid(axis="x", visible=False)
        palette.tint(ax, theme)
    axes[0].set_xlabel(words["next_or_end"])
    axes[1].set_xlabel(words["next"])
    return list(axes)
