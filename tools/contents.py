"""Write what is made from the table of chapters and from the benchmarks: `python tools/contents.py`.

After a chapter came or changed: the banner under each notebook's title and the README's table; no notebook is
run. The start page prints the table too: run `python tools/notebooks.py notebooks/00_start_here.ipynb` then.
After a benchmark: its table in the README.
"""

import argparse
import json
import re
from pathlib import Path

import nbformat

from losslab.book import chapters, records
from notebooks import stored

ROOT = Path(__file__).resolve().parents[1]


def write_banner(path):
    """Replace the banner line in a notebook's first cell, if it has one."""
    nb = nbformat.read(path, as_version=4)
    line = chapters.banner(path.stem)
    nb.cells[0].source = re.sub(
        r"^\*\*Loss to Launch\*\* · .*$", lambda _: line, nb.cells[0].source, count=1, flags=re.M
    )
    path.write_text(stored(nb), encoding="utf-8", newline="\n")


def write_table(readme):
    """Replace what stands between the README's two chapter marks."""
    write_between(readme, "chapters", chapters.table("notebooks/"))


def sliders(record):
    """Return the README's table of benchmarks/results/sliders.json: the explorers beside the common way.

    Parameters
    ----------
    record : dict
        The parsed file: date, machine, versions, rows.
    """
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


def write_sliders(readme, results):
    """Replace what stands between the README's two slider marks."""
    write_between(readme, "sliders", sliders(json.loads(results.read_text(encoding="utf-8"))))


def mnist(results):
    """Return the README's tables of the MNIST benchmark: on a CPU, on a GPU.

    Parameters
    ----------
    results : Path
        The folder of the records; one that is missing has not been measured.
    """
    return "\n\n".join(records.shown(device, results, records.ON_THE_WAY) for device in ("cpu", "cuda"))


def write_mnist(readme, results):
    """Replace what stands between the README's two MNIST marks."""
    write_between(readme, "mnist", mnist(results))


def write_between(readme, mark, table):
    """Replace what stands between the README's <!-- mark --> and <!-- /mark -->."""
    text = readme.read_text(encoding="utf-8")
    between = rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)"
    readme.write_text(
        re.sub(between, lambda _: f"{table}\n", text, flags=re.S), encoding="utf-8", newline="\n"
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for chapter in chapters.CHAPTERS:
        path = ROOT / "notebooks" / f"{chapter.stem}.ipynb"
        if path.exists():
            write_banner(path)
    write_table(ROOT / "README.md")
    write_sliders(ROOT / "README.md", ROOT / "benchmarks" / "results" / "sliders.json")
    write_mnist(ROOT / "README.md", ROOT / "benchmarks" / "results")
