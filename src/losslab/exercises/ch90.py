"""Checkers of chapter 90."""

from losslab.book.words import Sentence

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
    (("c", "d"), ("a", "b"), ("b", "c")): "order",
    (("a", "b"), ("b", "c"), ("c", "a")): "loop",
    (("a", "b"), ("a", "c")): "branch",
    (("a", "c"), ("b", "c")): "meet",
    (("a", "b"), ("c", "d")): "pieces",
    (("a", "b"), ("c", "d"), ("d", "c")): "beside_loop",
    (("a", "b"), ("b", "c"), ("c", "b")): "endless",
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
            return HINTS.get(arrows) or Sentence("chain", chain=", ".join(map(" → ".join, arrows)))
    return None


def check_90_2(broken):
    """Return None if `broken` lists the entries that claim a cell their chapter does not have."""
    found = list(broken([dict(entry) for entry in ENTRIES], {c: set(n) for c, n in NOTEBOOKS.items()}))
    if "E4" in found:
        return "empty"
    if "E3" not in found:
        return "own_chapter"
    if "E5" not in found:
        return "no_chapter"
    if sorted(found) == sorted(["E9", "E3", "E5"]) and found != ["E9", "E3", "E5"]:
        return "order"
    return None if found == ["E9", "E3", "E5"] else Sentence("off", got=found)
