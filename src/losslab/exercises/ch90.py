"""Checkers for chapter 90: looking mistakes up."""

CHAINS = {  # arrows: is it a chain?
    (("a", "b"), ("b", "c"), ("c", "d")): True,
    (("c", "d"), ("a", "b"), ("b", "c")): True,  # in any order
    (("a", "b"),): True,
    (("a", "b"), ("b", "c"), ("c", "a")): False,
    (("a", "b"), ("a", "c")): False,
    (("a", "c"), ("b", "c")): False,
    (("a", "b"), ("c", "d")): False,
    (("a", "b"), ("c", "d"), ("d", "c")): False,
    (("a", "b"), ("b", "c"), ("c", "b")): False,
}
HINTS = {
    (("c", "d"), ("a", "b"), ("b", "c")): "The arrows may come in any order: try c → d, a → b, b → c.",
    (("a", "b"), ("b", "c"), ("c", "a")): "a → b → c → a comes back to its start: a loop, no chain.",
    (("a", "b"), ("a", "c")): "a → b and a → c is a branch, no chain.",
    (("a", "c"), ("b", "c")): "a → c and b → c: two lines that meet are no chain.",
    (("a", "b"), ("c", "d")): "a → b and c → d are two pieces.",
    (("a", "b"), ("c", "d"), ("d", "c")): "a → b beside a loop c → d → c: count the arrows that you pass.",
    (("a", "b"), ("b", "c"), ("c", "b")): "a → b → c → b never ends: two arrows lead into b.",
}
ENTRIES = [
    {"id": "E9", "chapter": "05", "cell": "gone"},
    {"id": "E2", "chapter": "05", "cell": "sign"},
    {"id": "E3", "chapter": "06", "cell": "sign"},
    {"id": "E4", "chapter": "07", "cell": ""},
    {"id": "E5", "chapter": "11", "cell": "sign"},
]
NOTEBOOKS = {"05": {"sign", "title"}, "06": {"title"}, "07": {"title"}}


def check_90_1(is_chain):
    """Return None if `is_chain` tells a straight line of arrows from everything else."""
    for arrows, right in CHAINS.items():
        if bool(is_chain(list(arrows))) != right:
            return HINTS.get(arrows, f"{', '.join(map(' → '.join, arrows))} is a chain.")
    return None


def check_90_2(broken):
    """Return None if `broken` lists the entries that claim a cell which their chapter does not have."""
    found = list(broken([dict(entry) for entry in ENTRIES], {c: set(n) for c, n in NOTEBOOKS.items()}))
    if "E4" in found:
        return "An entry with an empty cell claims nothing, so nothing is missing."
    if "E3" not in found:
        return "A cell must be in the entry's own chapter; that another one has it does not help."
    if "E5" not in found:
        return "An entry whose chapter does not exist is broken, too."
    if sorted(found) == sorted(["E9", "E3", "E5"]) and found != ["E9", "E3", "E5"]:
        return "Keep the entries' order."
    return None if found == ["E9", "E3", "E5"] else f"Expected ['E9', 'E3', 'E5'], got {found}."
