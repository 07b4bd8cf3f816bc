"""What another program costs a training: an epoch, and whole chapters, alone and beside an endless loop.

    python benchmarks/busy.py            writes benchmarks/results/busy.json: most of an hour on two cores
    python benchmarks/busy.py --quick    one epoch each, no chapters; writes nothing

The loop keeps one processor busy. Every number of threads and way of waiting takes its turn, back and forth,
in a process of its own, since OpenMP reads its variables once. An epoch is `training.fit` on 60,000 images; a
chapter is run as a reader's kernel runs it. The goal: the chapters' own choice takes at most 1.5 times as
long as one thread does. If it takes longer, the exit status is 1.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from neighbours import neighbour  # noqa: E402

import notebooks  # noqa: E402
from losslab.book import processors  # noqa: E402

RESULTS = Path(__file__).with_name("results") / "busy.json"
CHAPTERS = ("02_training_steps", "07_mnist")
LIMIT = 60  # seconds after which a process starts no further epoch
ALL = {"OMP_NUM_THREADS": str(processors.usable())}
WAYS = {
    "a thread for each processor": ALL,
    "the same, without spinning": ALL | {"GOMP_SPINCOUNT": "0"},
    "the same, waiting passively": ALL | {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "the chapters' choice": {},
}
GOAL = 1.5  # times the seconds of one thread

EPOCHS = """
import sys, time, torch
from losslab.book import environment
from losslab.data import mnist, pixels
from losslab.learning import models, training
environment.begin()
digits = mnist.load("sample")
images = pixels.standardise(digits.train_images, 0.5, 0.5).repeat(10, 1, 1)
labels = digits.train_labels.long().repeat(10)
begin, count, limit = time.perf_counter(), int(sys.argv[1]), float(sys.argv[2])
for k in range(count):
    start = time.perf_counter()
    training.fit(models.Net(), images, labels, epochs=1, progress=False)
    print(time.perf_counter() - start)
    if time.perf_counter() - begin > limit:
        break
"""


def surroundings(way):
    """Return the environment of a way: this one's, without anything about threads, and its own variables."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "GOMP_"))
    }
    return kept | WAYS[way]


def epochs(way, count, limit=LIMIT):
    """Return the seconds of each epoch of one process."""
    command = [sys.executable, "-c", EPOCHS, str(count), str(limit)]
    done = subprocess.run(command, env=surroundings(way), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{way}: {done.stderr}")
    return [float(line) for line in done.stdout.split()]


def chapter(way, name):
    """Return the seconds of one run of a chapter, in a list."""
    path = notebooks.FOLDER / f"{name}.ipynb"
    environ = mock.patch.dict(os.environ, surroundings(way), clear=True)
    with environ, tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        notebooks.execute(path, Path(folder, path.name), timeout=1800)
        return [time.perf_counter() - start]


def take_turns(work, turns, rounds):
    """
    Return {turn: seconds} of all rounds.

    Parameters
    ----------
    work : callable
        From a way to the seconds of one or more repetitions.
    turns : list of (str, bool)
        A way, and whether the loop runs beside it.
    rounds : int
        Every second one goes backwards, so that no way gets the quiet hours to itself.
    """
    seconds = {turn: [] for turn in turns}
    for k in range(rounds):
        for way, busy in turns[:: (-1) ** k]:
            with neighbour() if busy else nullcontext():
                seconds[way, busy] += work(way)
            print(f"  {way}{', beside a loop' * busy}: {seconds[way, busy][-1]:.2f} s", flush=True)
    return seconds


def rows(what, seconds):
    """Return the rows of a record: medians and their ranges."""
    return [
        {
            "what": what,
            "way": way,
            "busy": busy,
            "seconds": round(statistics.median(each), 2),
            "fastest": round(min(each), 2),
            "slowest": round(max(each), 2),
            "times": len(each),
        }
        for (way, busy), each in seconds.items()
    ]


def missed(rows):
    """Return a sentence for each thing that the chapters' choice makes too slow."""
    found = {(row["what"], row["way"], row["busy"]): row["seconds"] for row in rows}
    return [
        f"{what}{' beside a loop' * busy}: {seconds} s, with one thread {found[what, 'one thread', busy]} s"
        for (what, way, busy), seconds in found.items()
        if way == "the chapters' choice" and seconds > GOAL * found[what, "one thread", busy]
    ]


def table(rows):
    """Return the rows as a Markdown table, without and with the loop side by side."""
    lines = ["| what | threads | s alone | s beside a busy program |", "|:--|:--|--:|--:|"]
    found = {(row["what"], row["way"], row["busy"]): row["seconds"] for row in rows}
    for what, way in dict.fromkeys((what, way) for what, way, _ in found):
        lines.append(f"| {what} | {way} | {found[what, way, False]} | {found[what, way, True]} |")
    return "\n".join(lines)


def measure(quick):
    """Measure everything; return the record."""
    turns = [(way, busy) for busy in (False, True) for way in WAYS]
    count, rounds, limit = (1, 1, 0) if quick else (5, 2, LIMIT)
    found = rows("an epoch", take_turns(lambda way: epochs(way, count, limit), turns, rounds))
    few = [turn for turn in turns if not turn[0].startswith("the same")]
    for name in () if quick else CHAPTERS:
        found += rows(name, take_turns(lambda way, name=name: chapter(way, name), few, 1))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"processors": processors.usable(), "architecture": platform.machine()},
        "versions": {"python": platform.python_version(), "torch": version("torch")},
        "rows": found,
    }


def main():
    """Measure, store the record, print its table and what misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one epoch each, no chapters; stores no record")
    options = parser.parse_args()
    record = measure(options.quick)
    if not options.quick:
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(record["rows"]))
    for sentence in missed(record["rows"]):
        print("TOO SLOW", sentence)
    return bool(missed(record["rows"]))


if __name__ == "__main__":
    sys.exit(main())
