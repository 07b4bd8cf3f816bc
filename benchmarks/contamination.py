"""What a score is worth when questions of the exam were in the training set.

    python benchmarks/contamination.py            writes benchmarks/results/contamination.json (minutes)
    python benchmarks/contamination.py --smoke    one share, one seed; writes nothing

Chapter 11's experiment (`learning/contamination.py`) for four shares of the exam and ten seeds. The sample's
test images are not touched.
"""

import argparse
import json
import platform
import statistics
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from losslab.learning import contamination

RESULTS = Path(__file__).with_name("results") / "contamination.json"
SHARES, SEEDS = (0.0, 0.25, 0.5, 1.0), 10


def row(share, seeds):
    """Return the mean and the standard deviation over the seeds of each score, and each seed's scores."""
    found = [contamination.scores(share, seed) for seed in range(seeds)]
    kept = {"share": share}
    for what in contamination.Scores._fields:
        each = [round(getattr(one, what), 4) for one in found]
        sd = statistics.stdev(each) if seeds > 1 else 0.0
        kept[what] = {"mean": round(statistics.mean(each), 4), "sd": round(sd, 4), "each": each}
    return kept


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one share, one seed; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shares, seeds = ((1.0,), 1) if options.smoke else (SHARES, SEEDS)
    rows = []
    for share in shares:
        rows.append(row(share, seeds))
        print(share, {what: rows[-1][what]["mean"] for what in contamination.Scores._fields}, flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python benchmarks/contamination.py",
        "machine": {"architecture": platform.machine(), "threads": 1},
        "versions": {"torch": version("torch"), "python": sys.version.partition(" ")[0]},
        "seeds": list(range(seeds)),
        "learnt": contamination.LEARNT,
        "questions": contamination.QUESTIONS,
        "fresh": contamination.FRESH,
        "epochs": contamination.EPOCHS,
        "rows": rows,
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
