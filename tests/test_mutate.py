"""What `make mutants` counts and says, on texts in the form of mutmut's."""

import mutate

RESULTS = """
    losslab.optim.x_gd__mutmut_1: killed
    losslab.optim.x_gd__mutmut_2: timeout
    losslab.losses.x_mse__mutmut_1: survived
    losslab.losses.x_mse__mutmut_2: no tests
    losslab.losses.x_mse__mutmut_3: killed
"""
DIFF = """# losslab.losses.x_mse__mutmut_1: survived
--- src/losslab/losses.py
+++ src/losslab/losses.py
@@ -1,3 +1,3 @@
 def mse(y_hat, y):
-    return ((y - y_hat) ** 2).mean()
+    return ((y_hat - y) ** 2).mean()
"""


def test_an_endless_loop_is_noticed_and_a_line_without_test_is_not():
    assert mutate.counted(mutate.outcomes(RESULTS)) == {"losses": [3, 1], "optim": [2, 2]}
    assert mutate.table({"losses": [3, 1]}).splitlines()[2:] == ["| `losses` | 3 | 1 | 2 |"]


def test_a_survivor_is_known_by_its_lines(monkeypatch):
    old, new = "return ((y - y_hat) ** 2).mean()", "return ((y_hat - y) ** 2).mean()"
    assert mutate.changed(DIFF) == (old, new)
    monkeypatch.setitem(mutate.EQUIVALENT, new, "a square")
    assert mutate.notes([("losses", old, new)]) == f"- `losses`: `{old}` → `{new}`: a square."


def test_too_few_killed_and_no_reason_are_complaints(monkeypatch):
    monkeypatch.setitem(mutate.EQUIVALENT, "b", "the same")
    assert mutate.complaints({"optim": [100, 95]}, [("optim", "a", "b")]) == []
    assert mutate.complaints({"optim": [100, 94]}, [("optim", "a", "c")]) == [
        "optim: 94 % are killed",
        "optim: survives without a reason: c",
    ]
