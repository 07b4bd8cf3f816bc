"""Imports point one way, cost nothing that is not asked for, and do nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import losslab

SOURCE = Path(losslab.__file__).parent
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
NUMPY_LEAVES = {
    "losses",
    "optim",
    "surfaces",
    "trajectories",
    "gradients",
    "inference",
    "regression",
    "sizes",
    "scaling",
    "attribution",
    "ink",
    "characters",
}
TORCH_LEAVES = {"datasets", "models", "runs", "augmentation", "autodiff", "saving"}
TRAINING = {"training", "checkpoints", "capture"}  # one loop, and what can be handed to it
LEAVES = NUMPY_LEAVES | TORCH_LEAVES | TRAINING
# What each module may import from losslab; exercise checkers may import what is below the drawing.
MAY_IMPORT = {
    "__init__": set(),
    **dict.fromkeys(LEAVES, set()),
    "scaling": {"sizes"},
    "training": {"runs"},
    "checkpoints": {"runs", "saving"},
    "capture": {"training"},
    "records": set(),
    "parameters": {"datasets"},
    "timing": set(),
    "plots": set(),
    "chapters": set(),
    "book": set(),
    "processors": set(),
    "environment": {"datasets", "plots", "processors"},
    "torchrun": set(),
    "distributed": {"datasets", "models", "training"},
    "errata": {"chapters", "losses", "optim"},
    "trained": LEAVES,
    "arguments": set(),
    "grid": {"plots", "arguments"},
    "widget": {"plots", "grid", "arguments"},
    "live": {"grid", "widget"},
    "views": LEAVES | {"plots", "errata", "grid", "trained"},
    "explorers": {"arguments", "surfaces", "views", "widget", "live"},
    "exercises": LEAVES | {"errata"},
}


def imports(tree):
    """All imported names of a module, `from losslab import optim` as losslab.optim."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: import from losslab by its full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parsed(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def test_there_are_modules():
    assert {"optim", "datasets", "exercises"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    layer = module.partition(".")[0]
    assert layer in MAY_IMPORT, f"say in MAY_IMPORT which layer {layer} belongs to"
    used = {name.split(".")[1] for name in imports(parsed(module)) if name.startswith("losslab.")}
    assert used <= MAY_IMPORT[layer] | {layer}, f"{module} must not import {used - MAY_IMPORT[layer]}"


@pytest.mark.parametrize("module", MODULES)
def test_no_star_imports_and_no_pyplot(module):
    names = set(imports(parsed(module)))
    assert not any(name.endswith(".*") for name in names)
    assert not any(name.startswith("matplotlib.pyplot") for name in names), "drawing functions take an Axes"


@pytest.mark.parametrize("module", sorted(NUMPY_LEAVES & set(MODULES)))
def test_a_numpy_leaf_loads_only_numpy(module):
    heavy = ("torch", "ipywidgets", "matplotlib", "anywidget", "sympy", "IPython")
    code = f"import sys, losslab.{module}; print(*(name for name in {heavy} if name in sys.modules))"
    assert python(code) == "", f"importing losslab.{module} loads these"


def test_importing_has_no_side_effect():
    """Random states, threads, plot settings and the environment are as before."""
    names = [f"losslab.{module}".removesuffix(".__init__") for module in MODULES]
    state = (
        "(repr(np.random.get_state()), random.getstate(), torch.get_rng_state().tolist(), np.geterr(),"
        " torch.get_num_threads(), torch.get_default_dtype(), matplotlib.rcParams.copy(), dict(os.environ))"
    )
    code = (
        "import importlib, os, random, matplotlib, matplotlib.figure, numpy as np, torch, anywidget\n"
        f"before = {state}\n"
        f"for name in {names}: importlib.import_module(name)\n"
        f"print(*(i for i, (a, b) in enumerate(zip(before, {state})) if a != b))"
    )
    assert python(code) == "", "these entries of `state` changed"


@pytest.mark.parametrize("module", MODULES)
def test_randomness_is_an_argument(module):
    calls = [ast.unparse(n.func) for n in ast.walk(parsed(module)) if isinstance(n, ast.Call)]
    draws = ("np.random.", "numpy.random.", "random.")
    allowed = ("np.random.default_rng", "np.random.Generator")
    seeding = [c for c in calls if c == "torch.manual_seed" or (c.startswith(draws) and c not in allowed)]
    assert seeding == []


def python(code):
    """Run code in a fresh interpreter; return what it prints, or fail with its traceback."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
