"""What can I move? The explorers of the chapters: `explorers.explore()` opens one, in a notebook.

Each is a function in the file of the same name in `views`. A file is read when its explorer is asked for:
most need no PyTorch, and then it is not loaded. Imports all other folders but `exercises`.
"""

import warnings
from importlib import import_module
from pkgutil import iter_modules

from losslab.explorers import views

RENAMED = {"softmax": "logits", "backprop": "slopes", "depth": "vanishing"}  # until release 0.3
REPLACED = {  # until release 0.4
    "how_large": "explorers.network_size asks what makes a network large",
    "amdahl": "explorers.scaling has Amdahl's law, and Gustafson's beside it",
    "shards": "costs.dealt_error says how far the mean of unequal shards is off",
}
__all__ = sorted(module.name for module in iter_modules(views.__path__))


def __getattr__(name):
    if new := RENAMED.get(name):
        message = f"explorers.{name} is now explorers.{new}; the old name goes with release 0.3"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        name = new
    if instead := REPLACED.get(name):
        raise AttributeError(f"explorers.{name} is gone: {instead}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no explorer {name!r}: there are {', '.join(__all__)}")
    return getattr(import_module(f"{views.__name__}.{name}"), name)


def __dir__():
    return __all__
