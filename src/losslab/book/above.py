"""What a kernel says about a name that no cell has made yet: which command of JupyterLab makes it.

`environment.begin` turns it on. So that it also works for a cell that is run before any other,
`python -m losslab.book.above` lets every kernel of this environment load it when it starts.
"""

import json
import os
import sys
from pathlib import Path

from losslab.book import words

LOAD = "--IPKernelApp.extra_extensions=losslab.book.above"


def load_ipython_extension(shell):
    """Let a shell explain a NameError (what IPython calls)."""
    shell.set_custom_exc((NameError,), explain)


def explain(shell, kind, error, traceback, tb_offset=None):
    """Show the error as ever, and below it what helps."""
    if error.name and not isinstance(error, UnboundLocalError):
        error.add_note(words.say("environment", "above", name=error.name))
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def install(prefix=sys.prefix):
    """Add `LOAD` to what Jupyter starts kernels with in the environment at `prefix`, all or nothing."""
    path = Path(prefix, "share", "jupyter", "kernels", "python3", "kernel.json")
    spec = json.loads(path.read_text(encoding="utf-8"))
    spec["argv"] = [part for part in spec["argv"] if part != LOAD] + [LOAD]
    new = path.with_suffix(".new")
    new.write_text(json.dumps(spec, indent=1) + "\n", encoding="utf-8")
    os.replace(new, path)


if __name__ == "__main__":
    install()
