"""The recorded measurements of `benchmarks/`, as tables: numbers are read from the record, never typed.

The records are in the repository, not in the package; there is one copy of each number. They are located
relative to this file, wherever a kernel or the site runs.
"""

import json
from pathlib import Path

from losslab.book import words

RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results"
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
    """Return the record of the MNIST benchmark on "cpu" or "cuda"; None if it has not been measured."""
    file = Path(folder) / f"mnist-{device}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def of(name):
    """Return what `benchmarks/NAME.py` has recorded.

    Raises
    ------
    FileNotFoundError
        If losslab is not installed from a clone of the repository.
    """
    file = RESULTS / f"{name}.json"
    if not file.exists():
        raise FileNotFoundError(
            f"{file} is in the repository, not in the package: install losslab from a clone"
        )
    return json.loads(file.read_text(encoding="utf-8"))


def shown(device, folder=RESULTS, without=()):
    """Return Markdown: where a record was measured and its table, or why there is none."""
    said = words.of("records")
    if not Path(folder).is_dir():
        return said["nowhere"]
    record = read(device, folder)
    if record is None:
        return said["unmeasured"].format(device=said[device])
    return f"{said['measured'].format(device=said[device], place=place(record))}\n\n{table(record, without)}"


def table(record, without=()):
    """Return the rows of a record as a Markdown table.

    Parameters
    ----------
    without : collection of str
        Variants to leave out, such as `ON_THE_WAY`.
    """
    lines = [words.of("records")["head"], "|:--|--:|--:|--:|--:|--:|--:|"]
    for row in record["rows"]:
        if row["variant"] not in without:
            cells = [variant(row["variant"]), row["threads"], f"{row['seconds_per_epoch']:.3g}"]
            cells += [f"{row['ratio_to_listing']:.1f}", accuracy(row), seconds(row), row["peak_mb"] or ""]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def variant(variant):
    """Return the description of a variant in words."""
    said = words.of("records")
    return said.get(f"variant.{variant}") or said["recipe"].format(variant=variant)


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
    said, taken = words.of("records"), row["seconds_to_98"]
    return said["never"] if taken is None else said["seconds"].format(seconds=taken)


def floor_table(record):
    """Return a record's steps as a Markdown table: their time, and the share of it that cannot be avoided."""
    lines = [words.of("records")["floor"], "|:--|--:|--:|--:|"]
    for row in record["steps"]:
        cells = [variant(row["variant"]), row["threads"], f"{row['us_per_step']:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} | {row['share_of_floor']:.0%} |")
    return "\n".join(lines)


def guest_table(record):
    """Return the seconds of an epoch alone, beside a busy program and with one processor, as Markdown.

    It is empty for a record without them, as that of a GPU.
    """
    alone = {(row["variant"], row["threads"]): row["seconds_per_epoch"] for row in record["rows"]}
    rows = {}
    for row in record.get("guests", []):
        rows.setdefault((row["variant"], row["threads"]), []).append(row["seconds_per_epoch"])
    lines = [words.of("records")["guests"], "|:--|--:|--:|--:|--:|"] if rows else []
    for (name, threads), each in rows.items():
        cells = [variant(name), threads, *[f"{seconds:.3g}" for seconds in (alone[name, threads], *each)]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def place(record):
    """Return in one line where and when a record was measured."""
    said, machine = words.of("records"), record["machine"]
    kind = machine.get("processor") or machine.get("architecture")
    chip = machine.get("gpu") or said["cores"].format(cores=machine["cores"], kind=kind)
    torch, images = record["versions"]["torch"], record["images"]
    return said["place"].format(chip=chip, torch=torch, date=record["date"], images=images)
