"""Another program that wants a processor, for what is measured beside it."""

import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def neighbour():
    """Keep one processor busy meanwhile."""
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        loop.kill()
        loop.wait()
