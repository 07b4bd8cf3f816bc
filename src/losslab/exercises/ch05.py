"""Checkers of chapter 5: the usual slips stand beside the right answer, so that a hint can name them."""

from functools import partial

import numpy as np

from losslab.article import misprints
from losslab.formulas import optim, surfaces, trajectories

# --- 5.1: a function (curvature, beta) -> limit of the learning rate ---

LIMITS = [
    (lambda k, b: 2 * (1 + b) / k, None),
    (
        lambda k, b: 2 / k,
        "That is gradient descent's limit. Momentum tolerates more: where does β enter (5.8)?",
    ),
    (
        lambda k, b: 2 * (1 - b) / k,
        "The sign of β: with β = 0.9 momentum tolerates more than gradient descent.",
    ),
    (
        lambda k, b: 2 * (1 + b) / (1 - b) / k,
        "That is the running average's limit, where gradients count 1 − β.",
    ),
    (lambda k, b: (1 + b) / k, "The β is right. Now compare with gradient descent: β = 0 must give 2/λ."),
    (lambda k, b: 2 * (1 + b) * k, "A steeper bowl needs a smaller step: where does the curvature belong?"),
]


def check_5_1(answer):
    """Take a function (curvature, beta) -> 2 (1 + β) / λ, the limit of heavy-ball momentum."""
    if not callable(answer):
        return "A function of curvature and beta is asked for, not a number."
    settings = [(50.0, 0.9), (8.0, 0.5), (2.0, 0.0)]
    got = np.array([answer(*setting) for setting in settings])
    for limit, hint in LIMITS:
        if np.allclose(got, [limit(*setting) for setting in settings], rtol=1e-9):
            return hint
    zero = f"2(1 + β) − αλ = {3.8 - 50 * got[0]:.4g} there, and at the limit this is 0"
    return f"For curvature 50 and β = 0.9 you return {got[0]:.4g}; {zero}."


# --- 5.2: the article's and Keras's settings in torch's terms ---

RATES_FROM_ARTICLE = {
    0.005: None,
    0.05: "Article: with that torch steps ten times too far, for it does not multiply gradients by 1 − β.",
    0.5: "Article: torch's velocity is already ten times the average, so its rate must be smaller.",
}
RATES_FROM_KERAS = {
    0.05: None,
    0.005: "Keras: there is no factor 1 − β in its velocity, so nothing has to be undone.",
    0.5: "Keras: there is no factor 1 − β in its velocity, so nothing has to be undone.",
    -0.05: "Keras: the minus sign sits in its velocity, torch's in the step; the rate itself is positive.",
}


def check_5_2(answer):
    """Take ((0.005, 0.9), (0.05, 0.9))."""
    for pair in answer:
        if np.shape(pair) != (2,):
            return f"Each answer is a pair (lr, momentum), got {pair!r}."
    (article, beta), (keras, keras_beta) = answer
    if not np.allclose([beta, keras_beta], 0.9):
        return (
            "β is the same number in all conventions, and comes second in the pair; only rates are rescaled."
        )
    return _rate_hint(article, RATES_FROM_ARTICLE) or _rate_hint(keras, RATES_FROM_KERAS)


def _rate_hint(got, hints):
    """Return the hint that belongs to a learning rate, None for the right one."""
    near = [hint for rate, hint in hints.items() if np.isclose(got, rate, rtol=1e-9)]
    return near[0] if near else f"A rate of {got:g} fits no row of the table: which row is asked for?"


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


NESTEROVS = [
    (nesterov, None),
    (optim.momentum, "That is plain momentum. First update u, then step by α (g + β u) with the new u."),
    (
        lambda w, g, *u, lr, beta: nesterov(w, g, *u, lr=-lr, beta=beta),
        "The sign: the gradient points uphill.",
    ),
    (_remembering_the_step, "The step is right, but what must be remembered is u, not g + β u."),
    (_averaging, "Your velocity is a running average; torch's has no factor 1 − β."),
]


def check_5_3(answer):
    """Take Nesterov's rule (w, g, u, *, lr, beta) -> (w, u) in torch's form."""
    return _compare(answer, NESTEROVS, values=2, lr=0.01, beta=0.8)


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


ADAMWS = [
    (adamw, None),
    (lambda *state, decay, **knobs: optim.adam(*state, **knobs), "That is Adam: the decay is missing."),
    (
        lambda w, g, *memory, decay, **knobs: optim.adam(w, g + decay * w, *memory, **knobs),
        "You added γ w to the gradient, so the averages see it. (5.15) keeps it out of them.",
    ),
    (_decay_without_rate, "In (5.15) the decay stands inside the bracket: it is multiplied by α, too."),
    (
        lambda *state, decay, **knobs: adamw(*state, decay=-decay, **knobs),
        "The sign of the decay: it should make the weights smaller.",
    ),
    (_without_correction, "The bias correction is missing: divide m by 1 − β₁ᵗ and v by 1 − β₂ᵗ."),
    (_with_stopped_clock, "Your first step is right and then t stands still: count it on and return it."),
]


def check_5_4(answer):
    """Take AdamW's rule (w, g, m, v, t, *, lr, beta1, beta2, eps, decay) -> (w, m, v, t)."""
    return _compare(answer, ADAMWS, values=4, lr=0.01, beta1=0.8, beta2=0.99, eps=1e-3, decay=0.1)


def _compare(answer, candidates, *, values, **knobs):
    """Return the hint of the first candidate rule whose path in the ravine is the answer's."""
    if not callable(answer):
        return "A function is asked for."
    got = answer(np.ones(2), np.ones(2), **knobs)
    if not isinstance(got, tuple) or len(got) != values:
        what = f"{len(got)} values" if isinstance(got, tuple) else f"one {type(got).__name__}"
        return f"A rule returns w and all its memory, {values} values; yours returns {what}."
    ravine = surfaces.SURFACES["ravine"]
    rules = [answer, *(rule for rule, _ in candidates)]
    path, *others = (trajectories.run(partial(r, **knobs), ravine.gradient, ravine.start, 10) for r in rules)
    for other, (_, hint) in zip(others, candidates, strict=True):
        if np.allclose(path, other, rtol=1e-9, atol=1e-12):
            return hint
    step = np.abs(path - others[0]).max(-1).argmax()
    return f"Step {step} takes you to w = {path[step].round(4)}; it should be {others[0][step].round(4)}."
