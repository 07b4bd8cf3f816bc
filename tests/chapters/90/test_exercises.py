"""The exercises of chapter 90: typical slips get their own hint."""


def follows_only(arrows):
    return all(a[1] == b[0] for a, b in zip(arrows, arrows[1:], strict=False))


def one_out_one_in(arrows):
    """No branch, but a loop passes."""
    return len(dict(arrows)) == len(arrows) == len({b for _, b in arrows})


def one_first(arrows):
    """One beginning, but a branch passes."""
    return len({a for a, _ in arrows} - {b for _, b in arrows}) == 1


def two_firsts(arrows):
    """No branch and no loop, but two lines that meet pass."""
    return len(dict(arrows)) == len(arrows) and bool({a for a, _ in arrows} - {b for _, b in arrows})


def two_pieces(arrows):
    return one_out_one_in(arrows) and bool({a for a, _ in arrows} - {b for _, b in arrows})


def one_piece_and_a_loop(arrows):
    return one_out_one_in(arrows) and one_first(arrows)


def walks(arrows):
    """One beginning, and as many steps as arrows: a loop at the end passes."""
    follows = dict(arrows)
    if not one_first(arrows) or len(follows) != len(arrows):
        return False
    (node,) = set(follows) - set(follows.values())
    for _ in arrows:
        node = follows.get(node)
    return node is not None


def claims(entries, notebooks):
    return [e for e in entries if e["cell"] not in notebooks.get(e["chapter"], set()) and e["cell"]]


SLIPS = [
    ("90.1", lambda arrows: True, "comes back to its start"),
    ("90.1", lambda arrows: False, "a → b, b → c, c → d is a chain"),
    ("90.1", follows_only, "in any order"),
    ("90.1", one_out_one_in, "comes back to its start"),
    ("90.1", one_first, "is a branch"),
    ("90.1", two_firsts, "two lines that meet"),
    ("90.1", two_pieces, "two pieces"),
    ("90.1", one_piece_and_a_loop, "beside a loop"),
    ("90.1", walks, "never ends"),
    ("90.2", lambda entries, notebooks: [], "must be in the entry's own chapter"),
    ("90.2", lambda entries, notebooks: ["E9", "E3", "E4", "E5"], "an empty cell claims nothing"),
    ("90.2", lambda entries, notebooks: ["E9", "E5"], "must be in the entry's own chapter"),
    ("90.2", lambda entries, notebooks: ["E9", "E3"], "whose chapter does not exist"),
    ("90.2", lambda entries, notebooks: sorted(e["id"] for e in claims(entries, notebooks)), "order"),
    ("90.2", lambda entries, notebooks: ["E9", "E2", "E3", "E5"], "Expected"),
    (
        "90.2",
        lambda entries, notebooks: [e["id"] for e in entries if e["cell"] not in notebooks[e["chapter"]]],
        "raised KeyError",
    ),
]
