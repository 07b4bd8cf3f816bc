"""Fetch the newest version of the book and keep the reader's answers: ``make update``.

``git pull`` alone refuses to touch notebooks that were saved. So each of them is first copied whole to a new
folder in ``my/``, which git ignores, and put back as it was published. After the pull every answer returns to
the exercise with its number, and every prediction to its question. If the pull fails, everything is as it
was before.
"""

import argparse
import re
import shutil
import subprocess
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
PREDICTION = re.compile(r'^predictions\.write\("(\d+[a-z])", (.*)\)(?=\s*(?:#.*)?$)', re.M)


def git(*words):
    """Return what git says; stop with its own words if it fails."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        raise SystemExit("git is needed for this, and it is not installed.") from None
    if done.returncode:
        raise SystemExit(f"git {words[0]} failed, and nothing was changed:\n{done.stderr.strip()}")
    return done.stdout


def saved():
    """Return the notebooks that the reader has changed, as paths from the root."""
    names = git("diff", "--name-only", "--diff-filter=M", "-z", "HEAD", "--", "notebooks/*.ipynb")
    return names.rstrip("\0").split("\0") if names else []


def answers(nb):
    """Return {"5.1": the cell in which that exercise is answered}."""
    cells = [cell for cell in nb.cells if "exercise" in cell.metadata.get("tags", [])]
    found = [(re.search(r"check\(\s*[\"'](\d+\.\d+)", cell.source), cell) for cell in cells]
    return {number[1]: cell for number, cell in found if number}


def predicted(nb):
    """Return {"5a": what is written as the prediction, as it stands in the code}."""
    return {label: text for cell in nb.cells for label, text in PREDICTION.findall(cell.source)}


def predict(nb, texts):
    """Write predictions into a notebook, in place."""

    def written(match):
        return f'predictions.write("{match[1]}", {texts.get(match[1], match[2])})'

    for cell in nb.cells:
        cell.source = PREDICTION.sub(written, cell.source)


def carried(mine, before, after):
    """Put the reader's answers and predictions into the newest version of a notebook.

    Parameters
    ----------
    mine, before, after : NotebookNode
        As the reader saved it, as it was published then, as it is published now (changed in place).

    Returns
    -------
    kept, lost : list of str
        The exercises and questions that were answered and still exist, and those that do not.
    """
    blanks, places = answers(before), answers(after)
    given = {n: cell for n, cell in answers(mine).items() if n in blanks and cell.source != blanks[n].source}
    kept = [number for number in given if number in places]
    for number in kept:
        places[number].update(source=given[number].source, outputs=[], execution_count=None)
    asked, questions = predicted(before), predicted(after)
    texts = {label: text for label, text in predicted(mine).items() if text != asked.get(label)}
    predict(after, {label: text for label, text in texts.items() if label in questions})
    places, given = places | questions, given | texts
    return [name for name in given if name in places], [name for name in given if name not in places]


def put_back(name, mine, before):
    """Write the reader's answers into a notebook after the pull, and say which."""
    path = ROOT / name
    if not path.exists():
        return print(f"{name} is no longer in the book.")
    after = nbformat.read(path, as_version=4)
    kept, lost = carried(nbformat.read(mine, as_version=4), nbformat.reads(before, as_version=4), after)
    if kept:
        path.write_text(nbformat.writes(after) + "\n", encoding="utf-8", newline="\n")
    print(f"{path.name}: answers kept: {', '.join(kept) or 'none'}")
    if lost:
        print(f"{path.name}: no longer in the book: {', '.join(lost)}")


def main():
    """Copy, pull, put the answers back."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    names = saved()
    published = {name: git("show", f"HEAD:{name}") for name in names}
    copies = ROOT / "my" / time.strftime("%Y-%m-%d %H.%M.%S")
    for name in names:
        copies.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copies)
    try:
        if names:
            git("checkout", "HEAD", "--", *names)
        print(git("pull", "--ff-only").strip())
    except BaseException:
        for name in names:
            shutil.copy2(copies / Path(name).name, ROOT / name)
        raise
    for name in names:
        put_back(name, copies / Path(name).name, published[name])
    if names:
        print(f"Everything that you had changed, notes and trials too, is in {copies.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
