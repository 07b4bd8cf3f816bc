"""Update rules as pure functions: what a rule reads is positional, what it remembers comes back.

    w, *memory = rule(w, gradient(w), *memory)

is the whole training loop. Arrays may carry leading batch axes (a hundred starts, a whole axis of learning
rates): every operation is elementwise. Memory starts as the scalar zero and takes the shape of `w`.
Symbols: `u` velocity, `v` second moment, `t` step count. Article: ch. 3 section 2 and ch. 4 section 3.
"""

import numpy as np


def gd(w, g, *, lr):
    """Gradient descent, w ← w − α g (article F5).

    Parameters
    ----------
    w, g : array, shape (..., d)
        Parameters and the gradient of the loss there.
    lr : float or array broadcastable to `w`
        Learning rate α, in units of w² per unit of loss.

    Returns
    -------
    tuple of one array
        `(w,)`: gradient descent remembers nothing.
    """
    return (w - lr * g,)


def momentum(w, g, u=0.0, *, lr, beta=0.9):
    """Classical (heavy-ball) momentum, u ← β u + g, w ← w − α u (Polyak 1964; `torch.optim.SGD(momentum=β)`).

    With a constant gradient the step grows to α g / (1 − β). `beta=0` is gradient descent.
    """
    u = beta * u + g
    return w - lr * u, u


def ema_momentum(w, g, u=0.0, *, lr, beta=0.9):
    """Momentum as a running average, u ← β u + (1 − β) g, w ← w − α u (the article's F6, with F7 repaired).

    Equals `momentum` with learning rate α(1 − β), hence `torch.optim.SGD(lr * (1 - beta), momentum=beta)`.
    It is *not* torch's `dampening=beta`: torch does not damp the first gradient.
    """
    u = beta * u + (1 - beta) * g
    return w - lr * u, u


def velocity_momentum(w, g, u=0.0, *, lr, beta=0.9):
    """Momentum with α inside the velocity, u ← β u − α g, w ← w + u (Sutskever et al. 2013; Keras).

    Equals `momentum` as long as the learning rate is constant.
    """
    u = beta * u - lr * g
    return w + u, u


def rmsprop(w, g, v=0.0, *, lr, rho=0.99, eps=1e-8):
    """RMSProp, v ← β₂ v + (1 − β₂) g², w ← w − α g / (√v + ε), β₂ being `rho` (Hinton 2012; article S1.6)."""
    v = rho * v + (1 - rho) * g**2
    return w - lr * g / (v**0.5 + eps), v


def adam(w, g, m=0.0, v=0.0, t=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam: bias-corrected averages of g and g² (Kingma & Ba 2015, algorithm 1; article F8–F12).

    ε sits outside the root, after the bias correction. `eps=0` is the article's printed rule and
    gives NaN (0/0) wherever the gradient has always been exactly zero.
    """
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat**0.5 + eps), m, v, t


def amsgrad(w, g, m=0.0, v=0.0, v_max=0.0, t=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam that never lets v shrink (Reddi, Kale & Kumar 2018; `torch.optim.Adam(amsgrad=True)`)."""
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_max = np.maximum(v_max, v)
    m_hat = m / (1 - beta1**t)
    v_hat = v_max / (1 - beta2**t)
    return w - lr * m_hat / (v_hat**0.5 + eps), m, v, v_max, t
