"""Losses, gradients, update rules, trajectories and explorers for the notebooks of Loss to Launch.

    from losslab.formulas import losses, optim
    from losslab import explorers

Each folder answers a question, and its first line says which. docs/use.md says which parts are stable.
"""

from losslab.book import moved

moved.install()  # the names of release 0.1


def __getattr__(name):
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("losslab")
