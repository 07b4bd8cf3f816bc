"""Where a program's time goes, and which of several ways is the fastest on this machine."""

import statistics
import sys
import time
from contextlib import contextmanager

from tqdm import tqdm


class Parts(dict):
    """Seconds spent in each named part of a program: `with parts("forward"): ...` adds to that part."""

    @contextmanager
    def __call__(self, name):
        """Time what is done inside."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self[name] = self.get(name, 0.0) + time.perf_counter() - begin


def take_turns(functions, rounds=5, *, progress=True):
    """
    Time functions in alternation, so that a busy minute of the machine affects all of them.

    If the turns of a function disagree, a printed sentence says so.

    Parameters
    ----------
    functions : dict of str to callable
        Each is called once per round, in this order and backwards in the next; once beforehand as a warm-up.
    rounds : int
    progress : bool
        Show a bar on stdout.

    Returns
    -------
    dict of str to float
        Median seconds of a call.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be 1 or more, got {rounds}")
    seconds = {name: [] for name in functions}
    with tqdm(total=len(functions) * (rounds + 1), file=sys.stdout, disable=not progress, ncols=88) as bar:
        for k in range(-1, rounds):
            for name in list(functions)[:: -1 if k % 2 else 1]:
                begin = time.perf_counter()
                functions[name]()
                if k >= 0:
                    seconds[name].append(time.perf_counter() - begin)
                bar.update()
    if unsteady := [str(name) for name, each in seconds.items() if max(each) > 2 * min(each)]:
        print(f"This machine was busy: turns of {', '.join(unsteady)} differ more than twofold. Try again.")
    return {name: statistics.median(each) for name, each in seconds.items()}
