"""Cross-validation on noise: features chosen before the split, or anew inside each training part.

    python benchmarks/folds.py            writes benchmarks/results/folds.json (about a minute)
    python benchmarks/folds.py --smoke    two numbers of folds, one sample; writes nothing

A sample is 100 cases with 5,000 features drawn independently of their labels, 50 of each class. The 20
features with the highest F statistic are kept for a logistic regression. With new cases any classifier is
right half of the time. A seed draws the sample, and deals its cases into folds with equal shares of classes.
Needs scikit-learn (extra `applications`).
"""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from losslab.explorers.views.cross_validation import FOLDS, KEYS, SEEDS

RESULTS = Path(__file__).with_name("results") / "folds.json"
SAMPLES, FEATURES, KEPT = 100, 5000, 20


def run(folds, where, seed):
    """Return the accuracy of each fold; features are chosen "outside" the folds or "inside" them."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(SAMPLES, FEATURES)), rng.permutation(np.arange(SAMPLES) % 2)
    select, model = SelectKBest(k=KEPT), LogisticRegression(max_iter=1000)
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    if where == "outside":
        return cross_val_score(model, select.fit_transform(x, y), y, cv=split)
    return cross_val_score(make_pipeline(select, model), x, y, cv=split)


def row(folds, where, seeds):
    """Return the record of a number of folds: all scores, and mean and deviation of the means."""
    scores = [run(folds, where, seed).round(4).tolist() for seed in range(seeds)]
    means = np.array(scores).mean(1)
    summary = {"mean": round(means.mean(), 4), "sd": round(means.std(ddof=1 if seeds > 1 else 0), 4)}
    return {"folds": folds, "where": where} | summary | {"scores": scores}


def main():
    """Measure, and store the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="two numbers of folds, one sample")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    folds, seeds = (FOLDS[:2], 1) if options.smoke else (FOLDS, SEEDS)
    rows = []
    for k in folds.tolist():
        for where in KEYS:
            rows.append(row(k, where, seeds))
            print(k, where, rows[-1]["mean"], rows[-1]["sd"], flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
        "versions": {name: version(name) for name in ("scikit-learn", "numpy")}
        | {"python": sys.version.partition(" ")[0]},
        "command": "python benchmarks/folds.py",
        "seeds": list(range(seeds)),
        "samples": SAMPLES,
        "features": FEATURES,
        "kept": KEPT,
        "rows": rows,
    }
    if not options.smoke:
        options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
