"""The recorded measurements of `benchmarks/`, as tables: numbers are read from the record, never typed.

The records lie in the repository, not in the package; there is one copy of each number. They are found from
this file, wherever a kernel or the site works.
"""

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results"
WORDS = {  # what the variants of benchmarks/mnist.py are
    "listing": "the article's listing",
    "workers": "+ worker processes that prepare the images",
    "preload": "images scaled once, then a `DataLoader`",
    "permute": "batches by index, no `DataLoader`",
    "gather": "one gather per epoch, batches are slices",
    "fused": "+ fused Adam",
    "fit": "`training.fit`: + one wait for the device per epoch",
    "compile": "`torch.compile`",
    "compile, graphs": "`torch.compile` with CUDA graphs",
    "graph, 1 step": "`fit` with a CUDA graph of one step",
    "graph, 20 steps": "`fit` with a CUDA graph of 20 steps",
    "graph, epoch": "`fit` with a CUDA graph of an epoch",
    "by hand": "every product written out by hand: the floor",
}

ON_THE_WAY = {
    "workers",
    "preload",
    "permute",
    "gather",
    "fused",
    "compile",
    "compile, graphs",
    "graph, 1 step",
}


def read(device, folder=RESULTS):
    """Return the record of the MNIST benchmark on a "cpu" or on "cuda"; None if it has not been measured."""
    file = Path(folder) / f"mnist-{device}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def shown(device, folder=RESULTS, without=()):
    """Return Markdown: where a record was measured and its table, or why there is none."""
    if not Path(folder).is_dir():
        return (
            "*The recorded tables lie in the repository, in `benchmarks/results`, and losslab is not "
            "installed from a clone of it here: `pip install -e .` in a clone shows them.*"
        )
    record = read(device, folder)
    name = {"cpu": "On a CPU", "cuda": "On a GPU"}[device]
    if record is None:
        return f"**{name}**: not yet measured."
    return f"**{name}** ({place(record)}):\n\n{table(record, without)}"


def table(record, without=()):
    """Return the rows of a record as a Markdown table.

    Parameters
    ----------
    without : collection of str
        Variants to leave out, such as `ON_THE_WAY`.
    """
    lines = ["| variant | threads | s per epoch | times as fast | test accuracy | to 98 % | peak MB |"]
    lines += ["|:--|--:|--:|--:|--:|--:|--:|"]
    for row in record["rows"]:
        if row["variant"] not in without:
            cells = [variant(row["variant"]), row["threads"], f"{row['seconds_per_epoch']:.3g}"]
            cells += [f"{row['ratio_to_listing']:.1f}", accuracy(row), seconds(row), row["peak_mb"] or ""]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def variant(variant):
    """Return what a variant is, in words."""
    return WORDS.get(variant, f"`fit`, {variant}")


def accuracy(row):
    """Return a row's accuracy with its spread over the seeds, in percent."""
    if row["accuracy_mean"] is None:
        return ""
    spread = "" if row["accuracy_sd"] is None else f" ± {row['accuracy_sd']:.2%}"
    return f"{row['accuracy_mean']:.2%}{spread}"


def seconds(row):
    """Return a row's time to 98 %; "never" if it was trained to the end and did not get there."""
    if row["accuracy_mean"] is None:
        return ""
    return "never" if row["seconds_to_98"] is None else f"{row['seconds_to_98']:.1f} s"


def floor_table(record):
    """Return a record's steps as a Markdown table: their time, and the share of it that cannot be avoided."""
    lines = ["| variant | threads | µs per step | unavoidable |", "|:--|--:|--:|--:|"]
    for row in record["steps"]:
        cells = [variant(row["variant"]), row["threads"], f"{row['us_per_step']:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} | {row['share_of_floor']:.0%} |")
    return "\n".join(lines)


def place(record):
    """Return in one line where and when a record was measured."""
    machine, versions = record["machine"], record["versions"]
    chip = (
        machine.get("gpu")
        or f"{machine['cores']} cores of {machine.get('processor') or machine['architecture']}"
    )
    return f"{chip}, torch {versions['torch']}, {record['date']}, {record['images']:,} images"
