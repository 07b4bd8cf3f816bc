"""Checkers of chapter 5."""

from functools import partial

import numpy as np

from losslab.article import misprints
from losslab.book.words import Sentence
from losslab.exercises.judge import named
from losslab.formulas import optim, surfaces, trajectories

# --- 5.1: a function (curvature, beta) -> limit of the learning rate ---


def check_5_1(answer):
    """Take a function (curvature, beta) -> 2 (1 + β) / λ, the limit of heavy-ball momentum."""
    if not callable(answer):
        return "no_function"
    settings = [(50.0, 0.9), (8.0, 0.5), (2.0, 0.0)]
    got = np.array([answer(*setting) for setting in settings])
    k, b = np.array(settings).T
    if np.allclose(got, 2 * (1 + b) / k, rtol=1e-9):
        return None
    slips = {
        "gd_limit": 2 / k,
        "sign": 2 * (1 - b) / k,
        "running_average": 2 * (1 + b) / (1 - b) / k,
        "no_two": (1 + b) / k,
        "steeper": 2 * (1 + b) * k,
    }
    return named(got, slips) or Sentence("off", got=got[0], left=3.8 - 50 * got[0])


# --- 5.2: the article's and Keras's settings in torch's terms ---


def check_5_2(answer):
    """Take ((0.005, 0.9), (0.05, 0.9))."""
    for pair in answer:
        if np.shape(pair) != (2,):
            return Sentence("no_pair", got=repr(pair))
    (article, beta), (keras, keras_beta) = answer
    if not np.allclose([beta, keras_beta], 0.9):
        return "beta"
    if not np.isclose(article, 0.005, rtol=1e-9):
        slips = {"article_too_far": 0.05, "article_smaller": 0.5}
        return named(article, slips) or Sentence("no_row", got=article)
    if not np.isclose(keras, 0.05, rtol=1e-9):
        slips = {"keras_undone": 0.5 if keras > 0.05 else 0.005, "keras_sign": -0.05}
        return named(keras, slips) or Sentence("no_row", got=keras)
    return None


# --- 5.3: Nesterov's rule ---


def nesterov(w, g, u=0.0, *, lr, beta=0.9):
    """`torch.optim.SGD(nesterov=True)`: u ← β u + g, w ← w − α (g + β u)."""
    u = beta * u + g
    return w - lr * (g + beta * u), u


def _averaging(w, g, u=0.0, *, lr, beta):
    u = beta * u + (1 - beta) * g
    return w - lr * (g + beta * u), u


def _remembering_the_step(w, g, u=0.0, *, lr, beta):
    step = g + beta * (beta * u + g)
    return w - lr * step, step


NESTEROVS = {
    "plain": optim.momentum,
    "sign": lambda w, g, *u, lr, beta: nesterov(w, g, *u, lr=-lr, beta=beta),
    "remembered": _remembering_the_step,
    "averaging": _averaging,
}


def check_5_3(answer):
    """Take Nesterov's rule (w, g, u, *, lr, beta) -> (w, u) in torch's form."""
    return _compare(answer, nesterov, NESTEROVS, values=2, lr=0.01, beta=0.8)


# --- 5.4: AdamW ---


def adamw(w, g, m=0.0, v=0.0, t=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.01):
    """`torch.optim.AdamW`: Adam's step and, apart from it, w shrunk by α γ w (Loshchilov & Hutter 2019)."""
    stepped, m, v, t = optim.adam(w, g, m, v, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return stepped - lr * decay * w, m, v, t


def _decay_without_rate(w, g, *memory, lr, decay, **knobs):
    stepped, *memory = optim.adam(w, g, *memory, lr=lr, **knobs)
    return stepped - decay * w, *memory


def _without_correction(w, g, m=0.0, v=0.0, t=0, *, lr, decay, **knobs):
    stepped, m, v = misprints.adam_uncorrected(w, g, m, v, lr=lr, **knobs)
    return stepped - lr * decay * w, m, v, t + 1


def _with_stopped_clock(w, g, m=0.0, v=0.0, t=0, **knobs):
    w, m, v, _ = adamw(w, g, m, v, 0, **knobs)
    return w, m, v, 0


ADAMWS = {
    "adam": lambda *state, decay, **knobs: optim.adam(*state, **knobs),
    "in_gradient": lambda w, g, *memory, decay, **knobs: optim.adam(w, g + decay * w, *memory, **knobs),
    "no_rate": _decay_without_rate,
    "sign": lambda *state, decay, **knobs: adamw(*state, decay=-decay, **knobs),
    "uncorrected": _without_correction,
    "clock": _with_stopped_clock,
}


def check_5_4(answer):
    """Take AdamW's rule (w, g, m, v, t, *, lr, beta1, beta2, eps, decay) -> (w, m, v, t)."""
    knobs = {"lr": 0.01, "beta1": 0.8, "beta2": 0.99, "eps": 1e-3, "decay": 0.1}
    return _compare(answer, adamw, ADAMWS, values=4, **knobs)


# --- 5.5: a loss of two numbers with two valleys ---


def check_5_5(answer):
    """Take (loss, start): at α = 0.03, β = 0.9 Momentum settles lower than GD does."""
    loss, start = answer
    if not callable(loss) or np.shape(start) != (2,):
        return "no_pair"
    asked = np.shape(loss(*np.full((2, 3), start[0])))
    if asked != (3,):
        return Sentence("no_arrays", asked=3, got=asked)
    wide = 1 + np.abs(start).max()
    landscape, found = surfaces.of(loss, window=((-wide, wide),) * 2, start=start), {}
    for name, rule in (("GD", optim.gd), ("Momentum", optim.momentum)):
        path = trajectories.run(partial(rule, lr=0.03), landscape.gradient, start, 1000)
        if trajectories.diverged_at(path) >= 0:
            return Sentence("gone", name=name)
        if np.abs(path[-1] - path[-11]).max() > 1e-4:
            return Sentence("unsettled", name=name)
        found[name] = float(landscape.value(path[-1]))
    gd, heavy = found.values()
    if heavy < gd - 1e-3:
        return None
    return Sentence("higher" if heavy > gd + 1e-3 else "same", gd=gd, heavy=heavy)


def _compare(answer, right, slips, *, values, **knobs):
    """Judge a rule by its path in the ravine; every slip takes a different one."""
    if not callable(answer):
        return "no_rule"
    got = answer(np.ones(2), np.ones(2), **knobs)
    if not isinstance(got, tuple):
        return Sentence("one_value", values=values, type=type(got).__name__)
    if len(got) != values:
        return Sentence("other_values", values=values, got=len(got))
    path, wanted = _path(answer, knobs), _path(right, knobs)
    if np.allclose(path, wanted, rtol=1e-9, atol=1e-12):
        return None
    k = np.abs(path - wanted).max(-1).argmax()
    off = Sentence("off", step=k, got=path[k].round(4), right=wanted[k].round(4))
    return named(path, {key: _path(rule, knobs) for key, rule in slips.items()}) or off


def _path(rule, knobs):
    ravine = surfaces.SURFACES["ravine"]
    return trajectories.run(partial(rule, **knobs), ravine.gradient, ravine.start, 10)
