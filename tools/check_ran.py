"""Did everything really run? Reads the JUnit files that ``.ci/run`` leaves.

Every notebook must have had at least one cell compared, the browser must have run at least one test, tests
that train must have passed under foreign numerics too, and nothing may have been skipped but tests that need
the folder ``../shared``, where there is none.
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = "needs ../shared"


def read(path):
    """Return the test cases of a JUnit file as (class, name, outcome, reason); without a file, []."""
    cases = ET.parse(path).iter("testcase") if path.exists() else []
    return [(c.get("classname"), c.get("name"), *outcome(c)) for c in cases]


def training(path):
    """Return (class, name) of the test cases of a JUnit file that are marked as trainings and passed."""
    cases = ET.parse(path).iter("testcase") if path.exists() else []
    marked = [case for case in cases if case.find("properties/property[@name='trains']") is not None]
    return {(case.get("classname"), case.get("name")) for case in marked if outcome(case)[0] == "passed"}


def outcome(case):
    """Return "passed", "skipped" or "failed" for one test case, and the reason that was given."""
    bad = [child for child in case if child.tag in ("skipped", "failure", "error")]
    if not bad:
        return "passed", ""
    return "skipped" if bad[0].tag == "skipped" else "failed", bad[0].get("message", "")


def complaints(tests, browser, notebooks, shared):
    """Say what did not run.

    Parameters
    ----------
    tests, browser : list of tuple
        What ``read`` returns for the two files.
    notebooks : list of str
        The file names of the notebooks.
    shared : bool
        Whether the folder ``../shared`` exists.

    Returns
    -------
    list of str
        One sentence for each thing that is missing, failed or was skipped without permission.
    """
    compared = {where for where, name, result, _ in tests if name.startswith("Cell ") and result == "passed"}
    found = [f"no cell of {name} was compared" for name in notebooks if f"notebooks.{name}" not in compared]
    if not any(result == "passed" for *_, result, _ in browser):
        found.append("no browser test ran")
    for where, name, result, reason in tests + browser:
        if result == "failed" or (result == "skipped" and (shared or not reason.startswith(ALLOWED))):
            found.append(f"{result}: {where}::{name} ({reason or 'without a reason'})")
    return found


def unstable(native, foreign):
    """Say which trainings (``training`` of a file) passed in the first run, but not in the second."""
    lost = [
        f"did not pass under foreign numerics: {where}::{name}" for where, name in sorted(native - foreign)
    ]
    return lost if native else ["no test is marked as one that trains"]


def main(folder):
    """Report on the JUnit files in ``folder``; return the exit status."""
    tests, browser = read(folder / "tests.xml"), read(folder / "browser.xml")
    notebooks = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    found = complaints(tests, browser, notebooks, (ROOT.parent / "shared").is_dir())
    found += [] if notebooks else ["there are no notebooks"]
    found += unstable(training(folder / "tests.xml"), training(folder / "sse.xml"))
    for complaint in found:
        print(complaint)
    results = [result for *_, result, _ in tests + browser]
    print(f"{len(notebooks)} notebooks, {len(browser)} browser tests among these:")
    print(", ".join(f"{results.count(kind)} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "junit")
    sys.exit(main(parser.parse_args().folder))
