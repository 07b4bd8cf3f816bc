"""What the reader's own machine has measured, in words: a race (`timing.race`), a loop (`measure.loop`).

Functions take what these return and need neither; so nothing here loads PyTorch.
"""

from IPython.display import Markdown

from losslab.book import words

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def duration(seconds):
    """Return seconds in s, ms or µs with three digits."""
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    value = seconds / size
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def race(race):
    """
    Return a race as a table, the fastest first, and a sentence about what it tells.

    Parameters
    ----------
    race : losslab.learning.timing.Race

    Returns
    -------
    IPython.display.Markdown
    """
    lines, slowest = [words.say("reports", "race_head"), "|:--|--:|--:|--:|--:|"], race.ranking[-1]
    for name in race.ranking:
        times, ratio = race[name], race.times_as_fast(name, slowest)
        cells = [
            name,
            duration(times.fastest),
            duration(times.median),
            f"{times.scatter:.2f}",
            f"{ratio:.1f}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return Markdown("\n".join([*lines, "", verdict(race)]))


def verdict(race):
    """Return in a sentence what a race tells, or that the machine was too busy."""
    if race.busy:
        return words.say("reports", "busy")
    if len(race) < 2:
        return words.say("reports", "alone")
    first = race.ranking[0]
    if len(race[first].rounds) < 2:
        return words.say("reports", "once")
    if not race.alike:
        return words.say("reports", "apart", first=first)
    pairs = "; ".join(words.say("reports", "pair", a=a, b=b) for a, b in race.alike)
    return words.say("reports", "alike", pairs=pairs)


def loop(found):
    """
    Return what a training loop costs as a table, and a sentence about what could be saved.

    Parameters
    ----------
    found : losslab.learning.measure.Measured

    Returns
    -------
    IPython.display.Markdown
    """
    said = words.of("reports")
    lines, total = [said["loop_head"], "|:--|--:|--:|"], sum(found.parts.values())
    for name, seconds in found.parts.items():
        lines.append(f"| {said[f'part.{name}']} | {duration(seconds)} | {seconds / total:.0%} |")
    lines.append(f"| {said['sum']} | {duration(total)} | 100% |")
    lines.append(f"| **{said['whole']}** | **{duration(found.seconds)}** | |")
    counted = {"operators": found.operators, "flop": found.flop / 1e6, "rate": found.rate / 1e9}
    counted |= {"batch": found.batch, "least": duration(found.least), "share": found.share}
    started = "" if found.kernels is None else said["kernels"].format(kernels=found.kernels)
    after = [said["counted"].format(kernels=started, **counted), said["busy"] if found.busy else ""]
    return Markdown("\n".join([*lines, "", " ".join(filter(None, after)), "", place(found.machine)]))


def place(machine):
    """Return in a line where something was measured."""
    chip = f"{machine['gpu']}, {machine['processor']}" if "gpu" in machine else machine["processor"]
    said = words.say(
        "processors", "one_thread" if machine["threads"] == 1 else "threads", count=machine["threads"]
    )
    return words.say(
        "reports", "place", chip=chip, threads=said, torch=machine["torch"], python=machine["python"]
    )
