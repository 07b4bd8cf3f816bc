"""What to run where a GPU is at hand, for eight minutes: GPU tests, benchmark, chapters 07 and 09.

    python tools/gpu.py --collect-wheels   beforehand, on a machine with network: what the other one may lack
    python tools/gpu.py --data FOLDER      on the machine with the GPU, from the repository's root
    python tools/gpu.py --smoke            on a CPU and small, to see that the script works

The machine needs PyTorch with CUDA, NumPy and matplotlib; no network, and losslab need not be installed.
Packages that it lacks are unpacked from `build/wheels` into a temporary folder. FOLDER holds `MNIST/raw`;
without it the benchmark takes the 6,000 images of the package, and its record says so.

Every part runs in a process of its own with a limit of its own, and what one leaves of its time goes to the
next; none can cost another its turn. Output ($OUT if set, else build/gpu): summary.json, log.txt, the
benchmark's record, and each chapter's figures; all written as it goes, so a run that is killed leaves what it
had. A record made with the full MNIST also goes to benchmarks/results, where chapters and README read it:
`make tables notebooks` shows it there.
"""

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
CHAPTERS = "07_mnist,09_speed"
PACKAGES = ("pytest", "tqdm", "safetensors", "anywidget", "ipython", "jupyter-core")  # torch's may differ
TIMES, SECONDS = 50, 0.6  # goals: as fast as so many listings, and for 6,000 steps
FOUND = """
import importlib.util, json, platform, torch
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
vision = importlib.util.find_spec("torchvision") is not None
print(json.dumps({"torch": torch.__version__, "python": platform.python_version(), "gpu": gpu, "torchvision": vision}))
"""  # noqa: E501


# --- what a bare machine lacks ---


def collect(folder, python):
    """Download the wheels that a bare Linux machine with this Python may lack, and what they need."""
    platforms = [f"--platform=manylinux{tag}_x86_64" for tag in ("2014", "_2_17", "_2_28")]
    chosen = ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]
    command = [sys.executable, "-m", "pip", "download", "-q", "-d", folder, *chosen, *PACKAGES]
    subprocess.run(command, check=True)
    wheels = sorted(Path(folder).glob("*.whl"))
    megabytes = sum(wheel.stat().st_size for wheel in wheels) / 1e6
    print(f"{len(wheels)} wheels, {megabytes:.0f} MB, in {folder}")


def lacking(wheels):
    """Return the wheels of packages that are not installed here."""

    def installed(wheel):
        try:
            return importlib.metadata.version(wheel.name.partition("-")[0])
        except importlib.metadata.PackageNotFoundError:
            return None

    return [wheel for wheel in sorted(wheels) if not installed(wheel)]


def unpack(wheels, site):
    """Install wheels into a folder, without network and without what they need."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-warn-conflicts"]
    done = subprocess.run([*command, f"--target={site}", *wheels], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The wheels cannot be installed:\n{done.stderr}")


# --- the parts and their time ---


@dataclass(frozen=True)
class Part:
    """A command, and the share of the whole time that it is sure to get; or why it is not run."""

    name: str
    command: list
    share: float
    skipped: str | None = None


def allowed(part, later, left, total):
    """Return the seconds that a part may take: all that is left but the shares of the later ones."""
    return max(part.share * total, left - sum(each.share for each in later if not each.skipped) * total)


def carry_out(part, seconds, environ, log):
    """Run a part; return its exit status (None: out of time) and how long it took."""
    begin = time.perf_counter()
    with log.open("a", encoding="utf-8") as file:
        print(f"\n===== {part.name}: at most {seconds:.0f} s =====", file=file, flush=True)
        process = subprocess.Popen(
            part.command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:  # its children, too: workers of a DataLoader, the benchmark's processes
            stop(process)
    return status, round(time.perf_counter() - begin, 1)


def stop(process):
    """End a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def gpu_tests():
    """Return the test files that compute on a GPU where there is one."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        file
        for file in files
        if "mark.gpu" in file.read_text(encoding="utf-8") and file.name != "test_gpu.py"
    ]


def parts(options, found, output):
    """Return the parts of this run, in order."""
    device = "cpu" if options.smoke else "cuda"
    chapters = [name for name in options.chapters.split(",") if name]
    names = [name for name in options.parts.split(",") if name]
    every = [tests(), benchmark(options, found, device, output)]
    every += [chapter(name, options, device, output) for name in chapters]
    return [part for part in every if part.name.split()[0] in names]


def tests():
    """Return the part that runs the tests; our conftest.py needs what a bare machine lacks."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--noconftest",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
    ]
    return Part("tests", [*command, "--durations=5", "-m", "gpu", *gpu_tests()], 0.15)


def benchmark(options, found, device, output):
    """Return the part that measures; the listing is torchvision's."""
    command = [sys.executable, ROOT / "benchmarks" / "mnist.py", "--device", device]
    command += ["--output", output / f"mnist-{device}.json"]
    if options.smoke:
        command += ["--smoke", "--skip", "workers,compile"]
    else:
        command += ["--data", options.data] if options.data else ["--sample"]
    missing = None if found["torchvision"] else "the article's listing needs torchvision"
    return Part("mnist", command, 0.45, missing)


def chapter(name, options, device, output):
    """Return the part that runs a chapter; a sample is enough to see that it works on this device."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    command = [sys.executable, ROOT / "tools" / "cells.py", path, "--output", output]
    command += ["--set", f"device={device}"] + ["--set", "epochs=1"] * options.smoke
    return Part(f"chapter {name}", command, 0.15, None if path.exists() else f"there is no {path.name}")


# --- what came of it ---


def verdict(record):
    """Return the record's variants as lines of a table, and whether each goal was met, in words."""
    listing = next(row["us_per_step"] for row in record["steps"] if row["variant"] == "listing")
    kernels = record["floors"]["kernels_per_step"]
    lines = [f"A step of the plain loop starts {kernels or 'no'} kernels; {record['images']:,} images.", ""]
    lines += [f"{'variant':18}{'threads':>8}{'µs per step':>12}{'× listing':>11}{'6,000 steps s':>15}{'whole run s':>13}"]
    for row in record["steps"]:
        us = row["us_per_step"]
        times, steps = f"{listing / us:11.1f}", f"{6e-3 * us:15.2f}"
        lines.append(f"{row['variant']:18}{row['threads']:8}{us:12.1f}{times}{steps}{row['whole_run_s']:13.2f}")
    lines += [f"Left out: {name}: {why}" for name, why in record["failed"].items()]
    return lines + (goals(record, listing) if kernels else [])


def goals(record, listing):
    """Return in one line each whether the fastest variant meets the goals for a GPU."""
    best = min(record["steps"], key=lambda row: row["us_per_step"])
    times, seconds = listing / best["us_per_step"], 6e-3 * best["us_per_step"]
    said = {True: "met", False: "MISSED"}
    return [
        f"Goal ≥ {TIMES} × the listing: {times:.1f} by {best['variant']!r}, {said[times >= TIMES]}.",
        f"Goal ≤ {SECONDS} s for 6,000 steps: {seconds:.2f} s, {said[seconds <= SECONDS]}.",
    ]


def conclude(summary, output):
    """Print what ran, and what was measured."""
    print(f"\n{'part':20}{'result':>14}{'seconds':>9}")
    for name, row in summary["parts"].items():
        print(f"{name:20}{row['result']:>14}{row['seconds']:9.1f}  {row['why']}")
    for file in sorted(output.glob("mnist-*.json")):
        try:
            print("", *verdict(json.loads(file.read_text(encoding="utf-8"))), sep="\n")
        except (KeyError, StopIteration, ValueError) as error:
            print(f"{file.name} is not complete: {type(error).__name__}: {error}")
    print(f"\nEverything in {output}")


def last_lines(log, most=25):
    """Return the end of a log, without what progress bars have written over."""
    lines = re.sub(r"[^\n]*\r", "", log.read_text(encoding="utf-8", errors="replace")).splitlines()
    return "\n".join(lines[-most:])


def look(environ):
    """Return what there is: versions, GPU, torchvision."""
    done = subprocess.run([sys.executable, "-c", FOUND], env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"PyTorch cannot be imported here:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def run(options, output, site):
    """Run all parts; return whether all of them went well."""
    begin, total = time.perf_counter(), 60 * options.minutes
    environ = os.environ | {"MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environ["PYTHONPATH"] = os.pathsep.join(map(str, [ROOT / "src", site]))
    found = look(environ)
    if not (found["gpu"] or options.smoke):
        raise SystemExit("There is no CUDA device: --smoke tries this script without one.")
    if options.data:
        environ["LOSSLAB_DATA"] = str(options.data)
    summary, log = {"found": found, "parts": {}}, output / "log.txt"
    log.write_text(f"{found}\n", encoding="utf-8")
    print(found)
    todo = parts(options, found, output)
    for k, part in enumerate(todo):
        row = {"result": "skipped", "why": part.skipped, "seconds": 0.0, "limit": 0.0}
        if not part.skipped:
            limit = allowed(part, todo[k + 1 :], total - (time.perf_counter() - begin), total)
            row |= outcome(part, limit, environ, log, options, output)
        summary["parts"][part.name] = row
        (output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    conclude(summary, output)
    return all(row["result"] == "passed" or row["why"] for row in summary["parts"].values())


def outcome(part, limit, environ, log, options, output):
    """Run a part and return its row of the summary; print the end of its log if it did not go well."""
    print(f"{part.name}: at most {limit:.0f} s", flush=True)
    if part.name == "mnist" and not options.smoke:
        part.command.extend(["--limit", f"{0.8 * limit:.0f}"])
    status, seconds = carry_out(part, limit, environ, log)
    result = {0: "passed", None: "out of time"}.get(status, f"failed ({status})")
    if status != 0:
        print(f"{part.name} {result} after {seconds} s. The end of its log:\n{last_lines(log)}", flush=True)
    if part.name == "mnist" and options.data and not options.smoke:
        for record in output.glob("mnist-cuda.json"):
            shutil.copy(record, RESULTS)
    return {"result": result, "why": "", "seconds": seconds, "limit": round(limit, 1)}


def main():
    """Collect wheels, or run all parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with MNIST/raw (default: $LOSSLAB_DATA)")
    parser.add_argument("--minutes", type=float, help="for all parts together (default: 8; with --smoke 2)")
    parser.add_argument("--output", type=Path, help="default: $OUT, else build/gpu")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels")
    parser.add_argument("--chapters", default=CHAPTERS, help="notebooks, separated by commas")
    parser.add_argument("--parts", default="tests,mnist,chapter", help="what to run, separated by commas")
    parser.add_argument("--smoke", action="store_true", help="on the CPU and small; stores no record")
    parser.add_argument("--collect-wheels", action="store_true", help="download them, run nothing")
    parser.add_argument("--python", default="3.12", help="for which Python wheels are collected")
    options = parser.parse_args()
    if options.collect_wheels:
        collect(options.wheels, options.python)
        return
    options.minutes = options.minutes or (2 if options.smoke else 8)
    options.data = options.data or (
        Path(os.environ["LOSSLAB_DATA"]) if os.environ.get("LOSSLAB_DATA") else None
    )
    options.data = options.data and options.data.resolve()
    output = (options.output or Path(os.environ.get("OUT") or ROOT / "build" / "gpu")).resolve()
    output.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped from outside."))  # so that children end, too
    with tempfile.TemporaryDirectory() as site:
        missing = lacking(options.wheels.glob("*.whl"))
        if missing:
            unpack(missing, site)
        print("Unpacked:", *[wheel.name.partition("-")[0] for wheel in missing] or ["nothing"])
        good = run(options, output, site)
    sys.exit(not good)


if __name__ == "__main__":
    main()
