"""Break the code on purpose and count what the tests notice: `make mutants`.

mutmut changes the core modules in hundreds of small ways (its settings are in pyproject.toml), one at a time, and runs
the tests that reach the change. A mutant that no test notices survives. Writes the figures to CONTRIBUTING.md, and
fails if less than 95 % of a module's mutants are killed, or one survives without a reason below.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MUTMUT = Path(sys.executable).with_name("mutmut")
NEEDED = 0.95
NOTICED = {"killed", "timeout"}  # a loop that never ends is noticed, too
# The line that survives -> why no test can tell it from the original.
EQUIVALENT = {}


def mutmut(*words):
    """Return what mutmut says."""
    done = subprocess.run([MUTMUT, *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout


def outcomes(text):
    """Return {module: {mutant: outcome}} of `mutmut results --all true`."""
    found = {}
    for name, outcome in re.findall(r"^ *(losslab\.\S+): (.+)$", text, re.M):
        found.setdefault(name.split(".")[1], {})[name] = outcome
    return found


def changed(diff):
    """Return the lines that a mutant takes away and adds, each as one string."""
    return tuple(" ".join(re.findall(rf"^\{sign} *([^-+\s].*)$", diff, re.M)) for sign in "-+")


def table(found):
    """Return the figures as Markdown, one row per module."""
    rows = ["| module | mutants | killed | survived |", "|:--|--:|--:|--:|"]
    for module, mutants in sorted(found.items()):
        killed = sum(outcome in NOTICED for outcome in mutants.values())
        rows.append(f"| `{module}` | {len(mutants)} | {killed} | {len(mutants) - killed} |")
    return "\n".join(rows)


def notes(survivors):
    """Return the survivors as Markdown, one line each: {(module, line before, line after): reason}."""
    lines = [
        f"- `{module}`: `{old}` → `{new}`: {reason}." for (module, old, new), reason in survivors.items()
    ]
    return "\n".join(lines)


def complaints(found, survivors):
    """Say what is not good enough."""
    shares = {m: sum(o in NOTICED for o in mutants.values()) / len(mutants) for m, mutants in found.items()}
    bad = [f"{m}: {share:.0%} of the mutants are killed" for m, share in shares.items() if share < NEEDED]
    return bad + [f"{m}: survives: {new}" for (m, _, new), reason in survivors.items() if not reason]


def write(page, figures):
    """Replace what stands between the two marks of the page."""
    marks = r"(<!-- mutants -->\n).*?(\n?<!-- /mutants -->)"
    text = page.read_text(encoding="utf-8")
    new = re.sub(marks, lambda match: f"{match[1]}{figures}{match[2]}", text, flags=re.S)
    page.write_text(new, encoding="utf-8")


def main():
    """Run everything anew: mutmut would keep the verdicts of older tests."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([MUTMUT, "run"], cwd=ROOT, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found = outcomes(mutmut("results", "--all", "true"))
    alive = [
        (module, name)
        for module, mutants in found.items()
        for name, outcome in mutants.items()
        if outcome not in NOTICED
    ]
    lines = [(module, *changed(mutmut("show", name))) for module, name in alive]
    survivors = {(module, old, new): EQUIVALENT.get(new) for module, old, new in lines}
    write(ROOT / "CONTRIBUTING.md", "\n\n".join(filter(None, (table(found), notes(survivors)))))
    sys.exit("\n".join(complaints(found, survivors)) or None)


if __name__ == "__main__":
    main()
