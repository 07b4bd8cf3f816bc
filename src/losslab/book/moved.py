"""The names of release 0.1, such as `losslab.optim`: they still work, and each says what it is called now.

To be deleted with release 0.3, together with the line of `losslab/__init__.py` that calls `install`.
"""

import sys
import warnings
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# Old module -> where its names are now, and the names that have gone elsewhere or been renamed.
MOVED = {
    "attribution": ("formulas.attribution", {}),
    "augmentation": ("data.augment", {}),
    "autodiff": (
        "learning.autodiff",
        {"recorded": "learning.autodiff.operations", "Step": "learning.autodiff.Operation"},
    ),
    "capture": ("learning.cuda_graph", {}),
    "chapters": (
        "book.chapters",
        {
            "Part": "article.coverage.Part",
            "coverage": "article.coverage.parts",
            "coverage_table": "book.lookup.coverage_table",
        },
    ),
    "characters": ("data.elements", {}),
    "checkpoints": ("learning.checkpoints", {}),
    "datasets": ("data.mnist", {"mnist": "data.mnist.load"}),
    "distributed": (
        "parallel.worker",
        {
            "Run": "parallel.worker.Plan",
            "RUNS": "parallel.worker.PLANS",
            "train": "parallel.worker.train_replica",
        },
    ),
    "environment": ("book.environment", {}),
    "errata": (
        "article.misprints",
        {
            "entries": "article.errata.entries",
            "Erratum": "article.errata.Erratum",
            "search": "book.lookup.search",
            "link": "book.lookup.link",
            "table": "book.lookup.errata_table",
            "MNIST_DATA_LISTING": "article.listings.MNIST_DATA_LISTING",
            "MNIST_TRAINING_LISTING": "article.listings.MNIST_TRAINING_LISTING",
        },
    ),
    "gradients": (
        "formulas.backprop",
        {
            "draw": "formulas.backprop.random_layers",
            "pack": "formulas.backprop.flatten",
            "unpack": "formulas.backprop.unflatten",
            "Activation": "formulas.activations.Activation",
            "RELU": "formulas.activations.RELU",
            "TANH": "formulas.activations.TANH",
            "SIGMOID": "formulas.activations.SIGMOID",
        },
    ),
    "inference": (
        "formulas.decisions",
        {
            "softmax": "formulas.activations.softmax",
            "sigmoid": "formulas.activations.sigmoid",
            "temperature_slope": "formulas.losses.temperature_slope",
            "fit_temperature": "formulas.losses.fit_temperature",
        },
    ),
    "ink": ("data.handwriting", {}),
    "losses": (
        "formulas.losses",
        {
            "sigmoid": "formulas.activations.sigmoid",
            "softmax": "formulas.activations.softmax",
            "log_softmax": "formulas.activations.log_softmax",
        },
    ),
    "models": ("learning.models", {"drawn": "learning.models.initialised"}),
    "optim": ("formulas.optim", {}),
    "parameters": ("book.parameters", {}),
    "plots": (
        "figures.artists",
        {
            "trajectories": "figures.artists.paths",
            "losses": "figures.artists.loss_curves",
            "recording": "figures.artists.computation",
            "STYLE": "figures.palette.STYLE",
            "LINES": "figures.palette.LINES",
            "DARK": "figures.palette.DARK",
            "GROUND": "figures.palette.GROUND",
            "TEXT": "figures.palette.TEXT",
            "tint": "figures.palette.tint",
            "ink": "figures.palette.colour",
        },
    ),
    "processors": ("book.processors", {}),
    "records": ("book.records", {"words": "book.records.variant"}),
    "regression": ("formulas.regression", {}),
    "runs": (
        "learning.history",
        {
            "Run": "learning.history.State",
            "digest": "learning.checkpoints.digest",
            "named": "learning.checkpoints.named",
            "averaging": "learning.checkpoints.averaging",
            "architecture": "learning.checkpoints.architecture",
        },
    ),
    "saving": ("learning.saving", {"Transform": "data.pixels.Transform"}),
    "scaling": (
        "formulas.costs",
        {
            "average": "formulas.costs.average_gradient",
            "memory": "formulas.costs.train_memory",
            "MODELS": "formulas.costs.PARAMETERS",
        },
    ),
    "sizes": ("formulas.costs", {"dense_flop": "formulas.costs.train_flop"}),
    "surfaces": ("formulas.surfaces", {}),
    "timing": ("learning.timing", {}),
    "torchrun": ("parallel.torchrun", {}),
    "trained": (
        "learning.trained",
        {
            "wobbled": "data.augment.wobbled",
            "pressed": "data.augment.pressed",
            "darkest": "data.augment.darkest",
        },
    ),
    "training": (
        "learning.training",
        {"mean_std": "data.pixels.mean_std", "standardise": "data.pixels.standardise"},
    ),
    "trajectories": ("formulas.trajectories", {}),
}


class Old(ModuleType):
    """A module that has moved: asking it for a name tells where that name is now."""

    def __getattr__(self, name):
        folder, elsewhere = MOVED[self.__name__.removeprefix("losslab.")]
        new = elsewhere.get(name, f"{folder}.{name}")
        module, _, attribute = f"losslab.{new}".rpartition(".")
        if name.startswith("__") or not hasattr(import_module(module), attribute):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        warnings.warn(
            f"{self.__name__}.{name} is now {module}.{attribute}; the old name goes with release 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(import_module(module), attribute)


class Finder(MetaPathFinder, Loader):
    """Finds the modules that have moved, after all other finders have looked."""

    def find_spec(self, fullname, path=None, target=None):
        """Return a spec for `losslab.optim` and the like."""
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == "losslab" and name in MOVED else None

    def create_module(self, spec):
        """Return the stand-in."""
        return Old(spec.name)

    def exec_module(self, module):
        """Do nothing: the stand-in fetches a name when it is asked for it."""


def install():
    """Let `import losslab.optim` and `from losslab import optim` find their stand-ins; once per process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
