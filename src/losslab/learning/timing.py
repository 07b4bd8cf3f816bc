"""Where a program's time goes, and which of several ways is the fastest on this machine."""

import math
import statistics
import sys
import time
from contextlib import contextmanager, suppress
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

UNSTEADY = 2.0  # a turn that takes more than so many times another one of the same function was disturbed
WAITED = 0.1  # the share of the time for which a quiet machine's threads do not have to wait
AGREED = 0.8  # the share of the rounds that have to agree on which of two functions is faster


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


class Times(NamedTuple):
    """The seconds of one function's turns.

    `scatter` is the slowest turn over the fastest, 1 if all were alike; `rounds` are the seconds of all.
    """

    fastest: float
    median: float
    scatter: float
    rounds: tuple

    @classmethod
    def of(cls, seconds):
        """Sum up turns."""
        least = min(seconds)
        scatter = max(seconds) / least if least > 0 else 1.0 if max(seconds) == 0 else math.inf
        return cls(least, statistics.median(seconds), scatter, tuple(seconds))


class Race(dict):
    """What `race` has measured: {name: Times}, and what can be said about it.

    Parameters
    ----------
    times : dict of name -> Times
    waited : float, optional
        How long threads of this process were ready to run and had no processor, as a share of the time;
        None where the system does not say.
    """

    def __init__(self, times, waited=None):
        super().__init__(times)
        self.waited = waited

    @property
    def busy(self):
        """Whether the machine was too busy to judge: turns of one function differ, or threads had to wait."""
        unsteady = any(times.scatter > UNSTEADY for times in self.values())
        return unsteady or (self.waited is not None and self.waited > WAITED)

    @property
    def ranking(self):
        """The names by their fastest turns: what disturbs a turn only makes it longer."""
        return sorted(self, key=lambda name: self[name].fastest)

    def faster(self, a, b):
        """Whether function `a` is faster than `b`; None if they cannot be told apart.

        They can if the machine was not busy and, of two rounds or more, four in five agree with the fastest.
        """
        ours, theirs = self[a].rounds, self[b].rounds
        if self.busy or len(ours) < 2:
            return None
        first = self[a].fastest < self[b].fastest
        won = sum((x < y) if first else (y < x) for x, y in zip(ours, theirs, strict=True))
        return first if won >= AGREED * len(ours) else None

    def times_as_fast(self, a, b):
        """How many times as fast `a` is as `b`, by their fastest turns."""
        return self[b].fastest / self[a].fastest

    @property
    def alike(self):
        """The pairs that cannot be told apart, each with the one on the left that ranks first."""
        return [pair for pair in combinations(self.ranking, 2) if self.faster(*pair) is None]


def waiting():
    """Return the seconds for which threads of this process have waited for a processor; None: not known.

    Linux counts them for each thread: ready to run, and no processor free. Threads that have ended are gone.
    """
    total, known = 0, False
    for file in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            total, known = total + int(file.read_text().split()[1]), True
    return total / 1e9 if known else None


class Watch:
    """Watches, from when it is made, what share of the time threads of this process wait for a processor."""

    def __init__(self):
        self.start, self.before = time.perf_counter(), waiting()

    def passed(self):
        """Return the seconds since then."""
        return time.perf_counter() - self.start

    def waited(self):
        """Return the share, None where the system does not say; of several threads it is the sum."""
        passed, after = self.passed(), waiting()
        known = self.before is not None and after is not None and passed > 0
        return max(after - self.before, 0.0) / passed if known else None


def race(functions, rounds=5, *, progress=True, limit=60.0):
    """
    Time functions in alternation, there and back, so that a busy minute of the machine affects all of them.

    Parameters
    ----------
    functions : dict of name -> callable
        Each is called once per round, in this order and backwards in the next; once beforehand as a warm-up.
    rounds : int
    progress : bool
        Show a bar on stdout.
    limit : float
        Seconds after which no further round begins, since a busy machine takes long; two always do.

    Returns
    -------
    Race
        {name: Times}, the rounds that were taken.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be 1 or more, got {rounds}")
    if not functions:
        raise ValueError("functions must be a dict of one or more, got none")
    seconds, watch = {name: [] for name in functions}, Watch()
    with tqdm(total=len(functions) * (rounds + 1), file=sys.stdout, disable=not progress, ncols=88) as bar:
        for k in range(-1, rounds):
            if k >= 2 and watch.passed() > limit:
                break
            for name in list(functions)[:: -1 if k % 2 else 1]:
                begin = time.perf_counter()
                functions[name]()
                if k >= 0:
                    seconds[name].append(time.perf_counter() - begin)
                bar.update()
    return Race({name: Times.of(each) for name, each in seconds.items()}, watch.waited())


def take_turns(functions, rounds=5, *, progress=True):
    """
    Time functions as `race` does, however long it takes, for their median alone.

    If the turns of a function disagree, a printed sentence says so.

    Parameters
    ----------
    functions, rounds, progress
        As for `race`.

    Returns
    -------
    dict of name -> float
        Median seconds of a call.
    """
    found = race(functions, rounds, progress=progress, limit=math.inf)
    if unsteady := [str(name) for name, times in found.items() if times.scatter > UNSTEADY]:
        print(f"This machine was busy: turns of {', '.join(unsteady)} differ more than twofold. Try again.")
    return {name: times.median for name, times in found.items()}
