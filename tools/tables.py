"""The tables of README.md and CONTRIBUTING.md: `make tables` lets cog write each where its name stands."""

import json
from pathlib import Path

import nbformat
from mutate import notes, table

from losslab.book import chapters as book
from losslab.book import licences as terms
from losslab.book import records

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def read(name):
    """Return a record of the benchmarks."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def chapters():
    """Return the table of chapters."""
    return book.table("notebooks/")


def licences():
    """Return the table of what others have made, with the chapters that use it."""
    where = {}
    for chapter in book.CHAPTERS:
        path = ROOT / "notebooks" / f"{chapter.stem}.ipynb"
        for key in terms.used(code(path)):
            where.setdefault(key, []).append(f"[{chapter.number}](notebooks/{path.name})")
    return terms.table({key: ", ".join(links) for key, links in where.items()})


def code(path):
    """Return the code cells of a notebook as one text."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def mnist():
    """Return the tables of the MNIST benchmark: on a CPU, on a GPU."""
    shown = [records.shown(device, RESULTS, records.ON_THE_WAY) for device in ("cpu", "cuda")]
    return "\n\n".join([shown[0], records.guest_table(records.read("cpu", RESULTS)), shown[1]])


def mutants():
    """Return the figures of the last `make mutants`, and why each survivor may live."""
    record = read("mutants.json")
    return "\n\n".join(filter(None, (table(record["modules"]), notes(record["survivors"]))))


def sliders(record=None):
    """Return the table of the slider benchmark: the explorers beside the common way.

    Parameters
    ----------
    record : dict, optional
        date, machine, versions, rows; default: the last one that was stored.
    """
    record = record or read("sliders.json")
    lab = {(row["variant"], row["round_trip_ms"]): row for row in record["rows"] if row["page"] == "lab"}
    lines = [
        "| in JupyterLab | pictures/s | median / p95 latency, ms | backlog, ms | messages to the kernel "
        "| its CPU time, ms per picture | pictures/s at 100 ms round trip | built in, s | kB |",
        "|:--|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in [name for name, round_trip in lab if round_trip == 0]:
        row, far = lab[name, 0], lab.get((name, 100), {})
        title = "the common way: `interact`, a new figure, `plt.show`" if name == "common" else f"`{name}`"
        latency = f"{row['latency_median_ms']} / {row['latency_p95_ms']}"
        figures = [row["painted_per_s"], latency, f"{row['backlog_ms']:.0f}", row["kernel_messages"]]
        figures += [f"{row['kernel_cpu_ms_per_update']:.0f}", far.get("painted_per_s", "")]
        figures += [row["build_s"] or "", row["atlas_kb"] or ""]
        lines.append(f"| {' | '.join(map(str, [title, *figures]))} |")
    built = [row for (_, round_trip), row in lab.items() if round_trip == 0 and row["build_s"]]
    trains = [row for row in built if row["first_s"] > row["build_s"] + 0.5]
    said = ", ".join(f"`{row['variant']}` {row['first_s']:.1f} s" for row in trains)
    if trains:
        lines += ["", f"Built first, these also trained a network, for themselves and those below: {said}."]
    machine, versions = record["machine"], record["versions"]
    where = (
        f"{machine['cpu_cores']} cores ({machine['architecture']}), Chromium {versions['chromium']} without a"
    )
    where += f" GPU, JupyterLab {versions['jupyterlab']}"
    return "\n".join([*lines, "", f"Measured on {record['date']}: {where}."])
