"""Run the tests as other processors would compute: `python tools/numerics.py [name ...] [-- for pytest]`.

Processors sum in different orders, so a training ends with weights that differ in the last bits, and no
chapter may notice. Without names, the tests run once for each of `NUMERICS`; their reports are stored in
build/junit. torch reads the variables when it is imported.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NUMERICS = {
    "native": {"OMP_NUM_THREADS": "1"},
    "two-threads": {"OMP_NUM_THREADS": "2", "GOMP_SPINCOUNT": "0"},  # tests share the cores: no busy waiting
    "avx2": {
        "OMP_NUM_THREADS": "1",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
    "sse": {
        "OMP_NUM_THREADS": "1",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
}
PYTEST = "-n 2 --dist=loadfile --nbval --nbval-cell-timeout=600"
ASK = "import torch; print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())"


def environment(name):
    """Return the environment of a process that computes under the numerics of that name."""
    variables = {variable for numerics in NUMERICS.values() for variable in numerics}
    return {k: v for k, v in os.environ.items() if k not in variables} | NUMERICS[name]


def effective(name):
    """Return what torch says it computes with, such as "AVX2 1"; exit if that is not what was asked for."""
    found = subprocess.check_output([sys.executable, "-c", ASK], env=environment(name), text=True).strip()
    found = found.replace("NO AVX", "DEFAULT")  # as torch 2.6 calls it
    capability = NUMERICS[name].get("ATEN_CPU_CAPABILITY", found.split()[0]).upper()
    wanted = f"{capability} {NUMERICS[name]['OMP_NUM_THREADS']}"
    if found != wanted:
        sys.exit(f"numerics {name!r} need a torch that computes with {wanted}, got {found}")
    return found


def test(name, arguments):
    """Run pytest under the numerics of that name; return its exit status."""
    print(f"== {name}: {effective(name)}", flush=True)
    report = ROOT / "build" / "junit" / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", *PYTEST.split(), f"--junit-xml={report}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(name) | {"LOSSLAB_ORDERS": "0"}).returncode


def main(arguments):
    """Run the tests under each of the numerics that are named; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, usage="%(prog)s [name ...] [-- for pytest]")
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(NUMERICS)}; default: all")
    at = arguments.index("--") if "--" in arguments else len(arguments)
    names = parser.parse_args(arguments[:at]).names or list(NUMERICS)
    options = arguments[at + 1 :] or ["-m", "not browser"]
    if unknown := set(names) - set(NUMERICS):
        sys.exit(f"numerics must be of {', '.join(NUMERICS)}, got {', '.join(sorted(unknown))}")
    failed = [name for name in names if test(name, options)]
    print(f"The tests failed under {', '.join(failed)}." if failed else f"Passed under {', '.join(names)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
