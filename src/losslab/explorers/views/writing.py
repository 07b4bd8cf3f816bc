"""Chapter 8: which character comes next, at every temperature and every top-p."""

import numpy as np
import torch

from losslab.data import elements
from losslab.explorers.contract import Series, Slider, View, each, readable
from losslab.explorers.views.inference import bars
from losslab.figures import palette
from losslab.formulas import activations, decisions
from losslab.learning import trained, training

SLIDERS = (
    Slider("temperature", "temperature T", readable(np.geomspace(0.1, 3, 45))),
    Slider("top", "top-p", readable(np.linspace(0.05, 1, 39), 4)),
)
NOTHING = "(nothing)"
PROMPTS = (NOTHING, "th", "pl", "be", "si", "ten")
PANELS = slice(None, 14), slice(14, None)  # which characters stand on which panel
LIMIT, DICE = 14, 3  # characters at most; names written at every position


def view(temperature, top, *, prompt):
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
        Series(name, panel, bars(heights[..., part]), scrub=False, fill=True)
        for panel, part in enumerate(PANELS)
        for name, heights in {"Kept": q, "Cut off": np.where(q > 0, 0, p)}.items()
    ]
    names = written(prompt, temperature, top)
    likely = np.array(list(elements.ALPHABET))[q.argmax(-1)]
    words = each(SAYS, temperature, top, repr(prompt), (q > 0).sum(-1), q.shape[-1], likely, q.max(-1), names)
    return View(stage, series, words)


SAYS = (
    "T = {:.2f}, top-p = {:.2f}: after {}, {} of {} characters survive, the likeliest {} with probability "
    "{:.2f}. The same dice write: {}."
)


def written(prompt, temperature, top):
    """Return names written with the same random numbers at every position, comma-separated, shape (A, B)."""
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
    return _joined(text)


class Same:
    """A source of random numbers that gives the same few to every position."""

    def __init__(self, values):
        self.values = values

    def random(self, shape):
        """Return the values, repeated over all leading axes."""
        return np.broadcast_to(self.values, shape)


def _joined(text):
    """Turn symbols (A, B, DICE, n) into one string for each position."""
    joined = np.empty(text.shape[:2], object)
    for at in np.ndindex(joined.shape):
        names = [elements.decode(name).strip(elements.ALPHABET[elements.END]) for name in text[at]]
        joined[at] = ", ".join(name or "(nothing)" for name in names)
    return joined


def stage(figure, theme):
    """One bar per character; the first is the end of the name."""
    axes = figure.subplots(1, 2)
    for ax, part in zip(axes, PANELS, strict=True):
        letters = elements.ALPHABET[part]
        ax.set(xlim=(-0.7, 13.7), ylim=(0, 1.02), ylabel="probability")
        ax.set_xticks(range(len(letters)), letters)
        ax.grid(axis="x", visible=False)
        palette.tint(ax, theme)
    axes[0].set_xlabel("next character (· ends the name)")
    axes[1].set_xlabel("next character")
    return list(axes)
