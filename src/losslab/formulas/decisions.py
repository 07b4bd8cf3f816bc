"""From logits to an answer (article ch. 3 section 3): thresholds, temperature, calibration, sampling."""

import numpy as np

REJECTED = -1  # in place of a class: no answer


def decide(p, threshold=0.0):
    """Return the most probable class, or REJECTED where its probability is below the threshold (Chow 1970).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Probabilities of K classes, exactly one of which is right.
    threshold : float
        0 always answers.

    Raises
    ------
    ValueError
        If p are not probabilities but, say, logits.
    """
    p = _probabilities(p)
    return np.where(p.max(-1) >= threshold, p.argmax(-1), REJECTED)


def top_k(p, k):
    """Return the k most probable classes, the most probable first, shape (..., k); ties go to the lower one.

    Raises
    ------
    ValueError
        If k is not from 1 to K.
    """
    p = np.asarray(p)
    if not 1 <= k <= p.shape[-1]:
        raise ValueError(f"k must be from 1 to {p.shape[-1]}, got {k}")
    return np.argsort(-p, kind="stable")[..., :k]


def share(part, whole):
    """Return part / whole elementwise, NaN where there is nothing to take a share of."""
    part, whole = np.asarray(part), np.asarray(whole)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def precision_recall(scores, truth, threshold):
    """Precision TP/(TP + FP) and recall TP/(TP + FN) of saying yes where the score reaches a threshold.

    Parameters
    ----------
    scores : array_like, shape (N,)
    truth : array_like of bool, shape (N,)
    threshold : float or array_like, shape (...)

    Returns
    -------
    precision, recall : arrays, shape (...)
        NaN where there was no yes, or nothing to be found.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    scores, truth = _pair(scores, truth, "truth")
    yes = scores >= np.asarray(threshold)[..., None]
    found = (yes & truth).sum(-1)
    return share(found, yes.sum(-1)), share(found, truth.sum())


def f1(precision, recall):
    """Harmonic mean of precision and recall, 2 P R / (P + R); 0 where nothing was found, or no precision.

    Parameters
    ----------
    precision, recall : float or array
        As `precision_recall` gives them.
    """
    both = share(2 * np.asarray(precision) * recall, np.asarray(precision) + recall)
    return np.nan_to_num(both, nan=0.0)


def decision_cost(scores, truth, threshold, price):
    """Cost per sample of saying yes where the score reaches a threshold: false alarms + price · misses.

    For scores that are the probabilities they claim to be, the cheapest threshold is 1 / (1 + price).

    Parameters
    ----------
    scores : array_like, shape (N,)
    truth : array_like of bool, shape (N,)
    threshold : float or array_like, shape (...)
    price : float
        Of a miss; a false alarm costs 1.
    """
    scores, truth = _pair(scores, truth, "truth")
    if not price > 0:
        raise ValueError(f"price must be positive, got {price}")
    yes = scores >= np.asarray(threshold)[..., None]
    return ((yes & ~truth).sum(-1) + price * (~yes & truth).sum(-1)) / truth.size


def selective(sure, right, threshold):
    """Coverage and accuracy of a classifier that answers only where it is sure enough.

    Parameters
    ----------
    sure : array_like, shape (N,)
        The largest probability of each sample.
    right : array_like of bool, shape (N,)
        Whether the class that has it is the right one.
    threshold : float or array_like, shape (...)

    Returns
    -------
    coverage, accuracy : arrays, shape (...)
        Share of the samples that are answered, and share of the answers that are right (NaN without any).
    """
    sure, right = _pair(sure, right, "right")
    answered = sure >= np.asarray(threshold)[..., None]
    count = answered.sum(-1)
    return count / sure.size, share((answered & right).sum(-1), count)


def reliability(sure, right, bins=10):
    """Sort samples by confidence into bins (0, 1/B], (1/B, 2/B], …: what was promised, what was kept.

    Parameters
    ----------
    sure, right : array_like, shape (N,)
        As in `selective`.

    Returns
    -------
    count : int array, shape (bins,)
    confidence, accuracy : arrays, shape (bins,)
        Means over the bin, NaN in an empty one.
    """
    sure, right = _pair(_probabilities(sure), right, "right")
    if not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ValueError(f"bins must be a whole number from 1, got {bins!r}")
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    total, good = (np.bincount(place, weights, minlength=bins) for weights in (sure, right))
    return count, share(total, count), share(good, count)


def calibration_error(sure, right, bins=10):
    """Expected calibration error Σ_b (n_b/N) |accuracy_b − confidence_b| (Naeini et al. 2015)."""
    count, confidence, accuracy = reliability(sure, right, bins)
    return np.nansum(count * np.abs(accuracy - confidence)) / count.sum()


def nucleus(p, top):
    """Keep the most probable symbols that together reach `top`, cut the rest, divide by the sum (top-p).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Probabilities.
    top : float or array_like, broadcasting against p
        0 < top ≤ 1; 1 keeps all. The most probable symbol always stays (Holtzman et al. 2020).
    """
    if not ((np.asarray(top) > 0) & (np.asarray(top) <= 1)).all():
        raise ValueError(f"top must be above 0 and at most 1, got {top}")
    p = _probabilities(p)
    order = top_k(p, p.shape[-1])
    heap = np.take_along_axis(p, order, -1).cumsum(-1)[..., :-1]
    before = np.concatenate([np.zeros_like(p[..., :1]), heap], -1)  # of all that are more probable
    before = np.take_along_axis(before, np.argsort(order), -1)
    q = np.where((before < top) | (np.asarray(top) == 1), p, 0.0)  # rounded sums reach 1 too early
    return q / q.sum(-1, keepdims=True)


def sample(p, rng):
    """Draw one symbol for each row of p (..., K), whose entries need not sum to 1; never one with p = 0."""
    p = np.asarray(p, float)
    if not ((p >= 0).all() and (p.sum(-1) > 0).all()):
        raise ValueError(f"p must hold shares from 0, and in each row one above 0, got {p}")
    heap = p.cumsum(-1)
    u = rng.random(heap.shape[:-1])[..., None]
    return (heap <= u * heap[..., -1:]).sum(-1)


def generate(logits_of, choose, stop, limit, prompt=()):
    """Write symbol by symbol: each is chosen from the logits that the network gives for all before it.

    Parameters
    ----------
    logits_of : callable
        From a list of symbols to the logits of the next one, shape (K,).
    choose : callable
        From logits to a symbol: `np.argmax` is greedy.
    stop : int
        The symbol that ends the text; it is not part of it.
    limit : int
        The most symbols to add.

    Returns
    -------
    list of int
        The prompt and what was added to it.
    """
    symbols = list(prompt)
    for _ in range(limit):
        symbol = int(choose(logits_of(symbols)))
        if symbol == stop:
            break
        symbols.append(symbol)
    return symbols


def _probabilities(p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p <= 1 + 1e-6)).all():  # sums and means may exceed 1 by a rounding error
        raise ValueError(f"probabilities must be from 0 to 1, got {p.min():g} to {p.max():g}")
    return p


def _pair(scores, truth, name):
    scores, truth = np.asarray(scores, float), np.asarray(truth)
    if scores.ndim != 1 or scores.shape != truth.shape or not scores.size:
        raise ValueError(f"one score and one {name} per sample, got shapes {scores.shape} and {truth.shape}")
    if not ((truth == 0) | (truth == 1)).all():
        raise ValueError(f"{name} must be yes or no, got {truth}")
    return scores, truth.astype(bool)
