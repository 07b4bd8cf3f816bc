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
--- src/losslab/losses.py
+++ src/losslab/losses.py
@@ -1,3 +1,3 @@
 def mse(y_hat, y):
-    return ((y - y_hat) ** 2).mean()
+    return ((y_hat - y) ** 2).mean()
"""


def test_an_endless_loop_is_noticed_and_a_line_without_test_is_not():
    assert mutate.table(mutate.outcomes(RESULTS)).splitlines()[2:] == [
        "| `losses` | 3 | 1 | 2 |",
        "| `optim` | 2 | 2 | 0 |",
    ]


def test_a_survivor_is_known_by_its_lines():
    old, new = "return ((y - y_hat) ** 2).mean()", "return ((y_hat - y) ** 2).mean()"
    assert mutate.changed(DIFF) == (old, new)
    assert mutate.notes({("losses", old, new): "a square"}) == f"- `losses`: `{old}` → `{new}`: a square."


def test_too_few_killed_and_no_reason_are_complaints():
    found = {"optim": {str(k): "survived" if k < 5 else "killed" for k in range(100)}}
    assert mutate.complaints(found, {("optim", "a", "b"): "the same"}) == []
    assert mutate.complaints(found, {("optim", "a", "b"): None}) == ["optim: survives without a reason: b"]
    found["optim"]["5"] = "survived"
    assert mutate.complaints(found, {}) == ["optim: 94 % are killed"]


def test_figures_go_between_their_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- mutants -->\nold\n<!-- /mutants -->\nb\n")
    mutate.write(page, r"\1 new")
    assert page.read_text() == "a\n<!-- mutants -->\n\\1 new\n<!-- /mutants -->\nb\n"
