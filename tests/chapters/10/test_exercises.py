"""The exercises of chapter 10: the usual slips each get their own hint."""


def days(P, D, G, peak, mfu):
    return 6 * P * D / (G * mfu * peak) / 86_400


def combine(gradients, sizes):
    return sizes @ gradients / sizes.sum()


def largest(bytes_per_parameter):
    return lambda room, G, stage: room / bytes_per_parameter(G)[stage]


def whole(G):
    return {0: 16, 1: 4 + 12 / G, 3: 16 / G}


RIGHT = [
    ("10.1", days),
    ("10.2", combine),
    ("10.3", largest(whole)),
]
SLIPS = [
    ("10.1", lambda *a: days(*a) * 86_400, "a day has 86,400"),
    ("10.1", lambda *a: days(*a) * 24, "Those are hours"),
    ("10.1", lambda *a: days(*a) / 3, "the forward pass alone"),
    ("10.1", lambda *a: days(*a) * 2 / 3, "the backward pass alone"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, G, peak, 1), "what the peak would give"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, G, peak, 1 / mfu), "it belongs below the line"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, 1, peak, mfu), "G of them share the work"),
    ("10.1", lambda P, D, G, peak, mfu: days(P, D, 1 / G, peak, mfu), "G belongs below the line"),
    ("10.1", lambda *a: 8 / 6 * days(*a), "it should be 2.17, got 2.894"),
    ("10.2", lambda g, s: g.mean(0), "counts as much as one with 60"),
    ("10.2", lambda g, s: g.sum(0), "the plain sum"),
    ("10.2", lambda g, s: s @ g, "not divided by the number of all samples"),
    ("10.2", lambda g, s: s @ g / len(s), "divided by the number of processes"),
    ("10.2", lambda g, s: (1 / s) @ g / (1 / s).sum(), "upside down"),
    ("10.2", lambda g, s: g.mean(1), "yours has the shape (3,)"),
    ("10.2", lambda g, s: combine(g, s**0.5), "It should begin with"),
    ("10.3", largest(lambda G: {0: 2, 1: 2, 3: 2}), "Stage 0: 2 bytes per parameter are the weights alone"),
    ("10.3", largest(lambda G: {0: 4, 1: 4, 3: 4}), "forget Adam's 12"),
    ("10.3", largest(lambda G: {0: 12, 1: 12, 3: 12}), "a precise copy of the weights: 12 bytes"),
    ("10.3", largest(lambda G: {0: 16 / G}), "more devices do not help"),
    ("10.3", lambda room, G, stage: 16 * room, "not how many parameters fit"),
    ("10.3", largest(lambda G: {0: 16, 1: 16}), "Stage 1: 16 bytes is what stage 0 needs"),
    ("10.3", largest(lambda G: {0: 16, 1: 16 / G}), "In stage 1 weights and gradients stay whole"),
    ("10.3", largest(lambda G: {0: 16, 1: 4 + 8 / G}), "Stage 1: Adam's two averages are kept"),
    (
        "10.3",
        largest(lambda G: {0: 16, 1: 4 + 12 / G, 3: 4 + 12 / G}),
        "Stage 3: In stage 3 all 16 bytes are split",
    ),
    ("10.3", largest(lambda G: {0: 16, 1: 4 + 12 / G, 3: 16}), "Stage 3: 16 bytes is what stage 0 needs"),
    ("10.3", largest(lambda G: {0: 17}), "it should be 5e+09, got 4.706e+09"),
]
