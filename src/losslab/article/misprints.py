"""The article's formulas as printed, to be seen failing. Wrong code lives here and nowhere else."""

from functools import partial

import numpy as np

from losslab.formulas import activations, losses, optim

# --- ch. 3 §2 and ch. 4 §3: optimisers (E056–E060) ---


def momentum_as_printed(w, g, u=0.0, *, beta=0.9):
    """F6 and F7 as printed (E056, E057): the velocity is added and there is no learning rate.

    On ½ λ w² it diverges for every λ > 0 and every 0 ≤ β < 1: one eigenvalue of the step exceeds 1.
    """
    u = beta * u + (1 - beta) * g
    return w + u, u


def momentum_without_rate(w, g, u=0.0, *, beta=0.9):
    """F7 with the sign repaired but still no learning rate (E057): stable only for λ < 2 (1 + β)/(1 − β)."""
    return optim.ema_momentum(w, g, u, lr=1.0, beta=beta)


def momentum_as_drawn(w, g, u=0.0, *, beta=0.9):
    """D9 (E041): the drawn chain ends with the velocity; no arrow leads back to the parameters."""
    return w, beta * u + (1 - beta) * g


def adam_uncorrected(w, g, m=0.0, v=0.0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """F8–F12 without the bias correction, as if β₂ were "the correction coefficient" (E060)."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - lr * m / (v**0.5 + eps), m, v


adam_as_printed = partial(optim.adam, eps=0.0)  # F12 (E059): 0/0 where the gradient has always been zero


def worked_gradient_as_printed(w, x, y):
    """F14 as printed (E064): 2 (y − ŷ), without the inner derivative −x."""
    return 2 * (y - w * x)


def worked_gradient_without_x(w, x, y):
    """F14 with only the sign repaired (E064): converges for 0 < x < 1/α, diverges for every x < 0."""
    return -2 * (y - w * x)


def worked_gradient_without_sign(w, x, y):
    """F14 with only the factor x repaired (E064): diverges for every x ≠ 0 and every α > 0."""
    return 2 * x * (y - w * x)


def cross_entropy_as_printed(y, y_hat):
    """F2 as printed: −Σᵢ yᵢ log ŷᵢ of probabilities, over the n samples (E045) and without a mean (E047).

    With y of zeros and ones a sample with y = 0 costs nothing, so "always 1" is perfect.
    """
    return -(np.asarray(y) * np.log(y_hat)).sum()


def cross_entropy_after_softmax(z, labels):
    """L7's comment as code (E095): softmax in front of a loss that applies softmax itself."""
    return losses.cross_entropy(activations.softmax(z), labels)


# --- ch. 4 §2: gradients (E050–E055) ---


def output_delta_as_printed(p, labels):
    """F3 as printed (E052), its "·" read elementwise: (−y/p) times p (1 − p), the diagonal of the Jacobian.

    Right for the class of the label, 0 for every other class. Shapes and the mean as in
    `backprop.output_delta`.
    """
    y = np.eye(p.shape[-1], dtype=p.dtype)[labels]
    return -y * (1 - p) / len(labels)  # (−y/p) p (1 − p), and no 0/0 where p = 0


def delta_as_printed(dz, a):
    """F4 as printed (E053): "δ_l" = ∂L/∂z_l · ∂z_l/∂w_l, per sample, (N, n_l, n_{l−1}). It is ∂L/∂W_l."""
    return dz[..., :, None] * a[..., None, :]


def layer_gradients_as_printed(layers, a, delta):
    """F3 and F4 and nothing else (E054): only the last layer's weights get a gradient, all others get zeros.

    No formula takes δ from layer to layer, and none gives the gradient of a bias.
    """
    *before, last = [(np.zeros_like(W), np.zeros_like(b)) for W, b in layers]
    return [*before, (delta_as_printed(delta, a[-1]).sum(-3), last[1])]


# --- ch. 2: concepts (E017, E018, E022) ---


def neuron_as_printed(w, x, sigma):
    """C2.2 as printed (E017): "weighted summation, and then … an activation function", without a bias."""
    return sigma(np.asarray(x) @ w)


def is_large_as_printed(parameters):
    """C2.3 as printed (E018): "millions to billions of parameters", read generously as 10⁶ to below 10¹⁰."""
    return 1e6 <= parameters < 1e10


CONCEPT_MAP_AS_PRINTED = (  # D1 (E022)
    "Deep Learning",
    "Neural Networks",
    "Large-scale Models",
    "Automatic Differentiation",
    "Training & Inference",
)


# --- ch. 9: scale (E134–E140) ---


def mean_of_shards(gradients, sizes):
    """Q1 without its all-reduce weights (E134): every shard counts the same, however few samples it has.

    Right for equal shards only; `costs.average_gradient` is right for all.
    """
    return np.mean(gradients, axis=0)


# --- ch. 3 §3: inference (E042–E044, E093) ---


def prepare_as_drawn(values, normalise, encode):
    """D11 (E043): clean, normalise, encode. Only numbers can be normalised, and encoding makes them."""
    kept = [value for value in values if value is not None]  # the cleaning
    try:
        return encode(normalise(kept))
    except (TypeError, ValueError) as error:
        raise TypeError("words cannot be normalised: they are encoded only afterwards") from error


def answers_as_printed(z, threshold=0.5):
    """D13 (E044): "probability thresholding" of the model's output: of logits, and with any number of yeses.

    Parameters
    ----------
    z : array_like, shape (N, K)

    Returns
    -------
    bool array, shape (N, K)
    """
    return np.asarray(z) >= threshold


def read_as_printed(symbols, logits_of):
    """Inference as "predict the categories or labels" (E042): one forward pass, one label, no more."""
    return [int(np.argmax(logits_of(symbols)))]
