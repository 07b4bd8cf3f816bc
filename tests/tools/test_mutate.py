"""What `make mutants` counts and says, on texts in the form of mutmut's."""

import mutate

RESULTS = """
    losslab.formulas.optim.x_gd__mutmut_1: killed
    losslab.formulas.optim.x_gd__mutmut_2: timeout
    losslab.formulas.losses.x_mse__mutmut_1: survived
    losslab.formulas.losses.x_mse__mutmut_2: no tests
    losslab.formulas.losses.x_mse__mutmut_3: killed
"""
DIFF = """# losslab.formulas.losses.x_mse__mutmut_1: survived
--- src/losslab/formulas/losses.py
+++ src/losslab/formulas/losses.py
@@ -1,3 +1,3 @@
 def mse(y_hat, y):
-    return ((y - y_hat) ** 2).mean()
+    return ((y_hat - y) ** 2).mean()
"""


def test_an_endless_loop_is_noticed_and_a_line_without_test_is_not():
    assert mutate.counted(mutate.outcomes(RESULTS)) == {"losses": [3, 1], "optim": [2, 2]}


def test_too_few_killed_and_a_survivor_without_a_reason_are_complaints(monkeypatch):
    before, after = mutate.changed(DIFF)
    assert (before, after) == ("return ((y - y_hat) ** 2).mean()", "return ((y_hat - y) ** 2).mean()")
    assert mutate.complaints({"losses": [100, 94]}, [("losses", before, after)]) == [
        "losses: 94 % are killed",
        f"losses: survives without a reason: {after}",
    ]
    monkeypatch.setitem(mutate.EQUIVALENT, after, "a square")
    assert mutate.complaints({"losses": [100, 95]}, [("losses", before, after)]) == []
