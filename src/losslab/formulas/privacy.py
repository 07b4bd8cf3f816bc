"""What a trained model gives away about the examples it was trained on, and how noise hides them.

Article ch. 8, trend 3 and challenge 4. A training is (ε, δ)-differentially private if leaving out any one
example changes the probability of no set of outcomes by more than the factor exp(ε), but for δ (Dwork et al.
2006).
"""

import numpy as np

from losslab.formulas.activations import sigmoid


def clip(g, norm):
    """Shorten each gradient to the length C where it is longer, and leave the others.

    Parameters
    ----------
    g : array, shape (B, P)
        One gradient per example.
    norm : float
        C.
    """
    if not norm > 0:
        raise ValueError(f"norm must be positive, got {norm}")
    lengths = np.linalg.norm(g, axis=-1, keepdims=True)
    return g * np.minimum(1, norm / np.where(lengths > 0, lengths, norm))


def noisy_mean(g, norm, noise, batch, rng):
    """Gradient of a private step: clipped, added up, blurred, and divided by B (Abadi et al. 2016).

    Parameters
    ----------
    g : array, shape (drawn, P)
        One gradient per example that was drawn; there may be more or fewer than B.
    norm, noise : float
        C, and σ: the noise has the deviation σ C in each coordinate, σ times what one example can add.
    batch : float
        B, the *expected* number of examples: how many were drawn is private, too.
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (P,)
    """
    if not (noise >= 0 and batch > 0):
        raise ValueError(f"noise must be 0 or more and batch positive, got {noise} and {batch}")
    return (clip(g, norm).sum(0) + noise * norm * rng.standard_normal(np.shape(g)[1])) / batch


def membership_auc(members, others):
    """Share of pairs in which the example trained on has the smaller loss, ties counting half.

    It is the area under the ROC curve of the attack "a small loss: it was in the training set" (Yeom et al.
    2018): 0.5 if that tells nothing, 1 if it tells all.

    Parameters
    ----------
    members, others : arrays, shapes (N,) and (M,)
        Losses of examples that were trained on, and of others of the same kind.
    """
    if not (np.size(members) and np.size(others)):
        raise ValueError(f"there must be losses of both, got {np.size(members)} and {np.size(others)}")
    others = np.sort(np.ravel(others))
    smaller, not_larger = (np.searchsorted(others, np.ravel(members), side) for side in ("left", "right"))
    return 1 - (smaller + not_larger).mean() / 2 / len(others)


def auc_bound(epsilon, delta=0.0):
    """Largest area under the ROC curve that any attack on an (ε, δ)-private training can have, on average.

    Of each false-alarm rate F, the share of members that are found is at most exp(ε) F + δ, and the same
    holds with the two exchanged (Kairouz, Oh and Viswanath 2015): 1 − (1 − δ)² / (1 + exp(ε)).
    """
    if not ((np.asarray(epsilon) >= 0).all() and (np.asarray(delta) >= 0).all() and np.all(delta < 1)):
        raise ValueError(f"epsilon must be 0 or more and delta from 0 to below 1, got {epsilon} and {delta}")
    return 1 - (1 - delta) ** 2 * sigmoid(-np.asarray(epsilon, float))
