"""Break the code on purpose and count what the tests notice: `make mutants`.

mutmut changes the core modules in hundreds of small ways, one at a time, and runs the tests that reach the
change (its settings are in pyproject.toml). A mutant that no test notices survives. The figures are stored,
and `make tables` shows them; less than 95 % in a module, or a survivor without a reason, is a failure.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "results" / "mutants.json"
MUTMUT = Path(sys.executable).with_name("mutmut")
NEEDED = 0.95
NOTICED = {"killed", "timeout"}  # a loop that never ends is noticed, too
LAST_AXIS = "the last axis is the default of the newest NumPy, not of the oldest we promise"
NO_KIND = "no type of NumPy has the kind X"
ANY_NUMBER = "whole scores reach a threshold as their floats do"
# The line that survives -> why no test can tell it from the original.
EQUIVALENT = {
    'raise ValueError(f"a layer with W {W.shape} reads (N, {W.shape[+1]}), got {a[-1].shape}")': (
        "of a matrix the last axis is the second"
    ),
    'if getattr(x, "requires_grad", None):': "None is as false as False",
    'if labels.dtype.kind not in "XXiuXX" or labels.min() < 0 or labels.max() >= p.shape[-1]:': NO_KIND,
    'if labels.dtype.kind not in "XXiuXX" or labels.min() < 0 or labels.max() >= z.shape[1]:': NO_KIND,
    "scores, truth = np.asarray(scores, None), np.asarray(truth)": ANY_NUMBER,
    "scores, truth = np.asarray(scores, ), np.asarray(truth)": ANY_NUMBER,
    "error = np.abs(g - measured) / (max(np.abs(g).max(), np.abs(measured).max()) or 2.0)": (
        "where every slope is 0, 0/2 is 0/1"
    ),
    'return np.argsort(-p, kind="STABLE")[..., :k]': "NumPy takes the name in capitals, too",
    "heap = np.take_along_axis(p, order, ).cumsum(-1)[..., :-1]": LAST_AXIS,
    "before = np.take_along_axis(before, np.argsort(order), )": LAST_AXIS,
    "for _ in range(61):": "60 halvings leave no number between the two ends",
    "low, high = (middle, high) if temperature_slope(z, labels, middle) >= 0 else (low, middle)": (
        "a slope of exactly 0 is at the best temperature, and both halves end there"
    ),
}


def mutmut(*words):
    """Return what mutmut says."""
    done = subprocess.run([MUTMUT, *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout


def outcomes(text):
    """Return {module: {mutant: outcome}} of `mutmut results --all true`."""
    found = {}
    for name, outcome in re.findall(r"^ *(losslab\.\S+): (.+)$", text, re.M):
        found.setdefault(name.split(".")[-2], {})[name] = outcome
    return found


def changed(diff):
    """Return the lines that a mutant takes away and those that it adds, each as one string."""
    return tuple(" ".join(re.findall(rf"^\{sign} *([^-+\s].*)$", diff, re.M)) for sign in "-+")


def counted(found):
    """Return {module: [mutants, how many of them were noticed]}."""
    return {
        module: [len(mutants), sum(outcome in NOTICED for outcome in mutants.values())]
        for module, mutants in sorted(found.items())
    }


def table(modules):
    """Return the figures as Markdown, one row per module."""
    rows = ["| module | mutants | killed | survived |", "|:--|--:|--:|--:|"]
    rows += [f"| `{at}` | {total} | {dead} | {total - dead} |" for at, (total, dead) in modules.items()]
    return "\n".join(rows)


def notes(survivors):
    """Return [module, line before, line after] as Markdown, one survivor per line, with its reason."""
    return "\n".join(f"- `{at}`: `{old}` → `{new}`: {EQUIVALENT.get(new)}." for at, old, new in survivors)


def complaints(modules, survivors):
    """Say what falls short."""
    shares = {module: dead / total for module, (total, dead) in modules.items()}
    few = [f"{at}: {100 * share:.3g} % are killed" for at, share in shares.items() if share < NEEDED]
    return few + [
        f"{at}: survives without a reason: {new}" for at, _, new in survivors if new not in EQUIVALENT
    ]


def report():
    """Store the figures of the last run, and return what falls short."""
    found = outcomes(mutmut("results", "--all", "true"))
    verdicts = {name: outcome for mutants in found.values() for name, outcome in mutants.items()}
    if "not checked" in verdicts.values():
        return ["The run was stopped: no figures."]
    alive = [name for name, outcome in verdicts.items() if outcome not in NOTICED]
    survivors = [(name.split(".")[-2], *changed(mutmut("show", name))) for name in sorted(alive)]
    survivors = list(dict.fromkeys(survivors))
    record = {"modules": counted(found), "survivors": survivors}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return complaints(record["modules"], survivors)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # mutmut would keep the verdicts of older tests
    subprocess.run([MUTMUT, "run"], cwd=ROOT, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    sys.exit("\n".join(report()) or None)
