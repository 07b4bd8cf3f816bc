"""What an opener is given is judged in one sentence: which argument, what was expected, what came."""

import inspect

import numpy as np
import pytest
from ipywidgets.widgets import widget as registry
from site_demo import openers

from losslab.explorers import widget

pytestmark = pytest.mark.trains  # some explorers show a trained network

NAN, INF = float("nan"), float("inf")
NUMBER = [NAN, INF, -INF, 10**400, "0.1", True, 1j, [0.5], np.array([0.5])]
SLIDER = [None, *NUMBER]
CHOICE = ["no such option", None, True, NAN, 0.5, ["none"], np.array(["none", "x"])]
PAIR = ["ab", 1, (1,), (1, 2, 3), (NAN, 0), (0, INF), ("1", "2"), ((1, 2), 3), (True, 1), 10**400]
NAMES = [0, True, NAN, "no such line", ["no such line"], [["GD"]], [None]]
# What each argument of each opener has to refuse.
REFUSED = {
    "explore": {
        "surface": CHOICE,
        "lr": [*SLIDER, 0, 1.1],
        "beta": [*SLIDER, -0.1, 1],
        "start": PAIR,
        "steps": [*CHOICE, 101, "100"],
        "gradient": [3, "g", (1, 2)],
        "window": [3, "ab", (1, 2), ((1, 0), (0, 1))],
        "step": [*NUMBER, -1, 101, 3.5],
    },
    "bowl": {"lr": [*SLIDER, 0, 5], "curvature": [*SLIDER, 0, 5], "step": [*NUMBER, -1, 31, 0.5]},
    "eigenvalues": {"rate": [*SLIDER, 0, 5], "beta": [*SLIDER, -0.1, 1]},
    "noise": {"lr": [*SLIDER, 0, 2], "batch": [*SLIDER, 0, 501, 1.5]},
    "denominator": {"beta2": [*SLIDER, -0.1, 1], "eps": [*SLIDER, 0, 11]},
    "turned": {"angle": [*SLIDER, -1, 91], "lr": [*SLIDER, 0, 1.1], "step": [*NUMBER, -1, 1001, 3.5]},
    "worked_example": {"lr": [*SLIDER, -0.1, 0.31], "x": [*SLIDER, -11, 11], "step": [*NUMBER, -1, 41, 0.5]},
    "inputs": {"shift": [*SLIDER, -3, 3], "scale": [*SLIDER, 0, 4], "step": [*NUMBER, -1, 41, 0.5]},
    "logits": {"z1": [*SLIDER, -7, 7], "z2": [*SLIDER, -7, 7], "label": [*CHOICE, 0, 4, "1"]},
    "price_list": {"p": [*SLIDER, 0, 1]},
    "outlier": {"y": [*SLIDER, -9, 9], "delta": [*SLIDER, 0, 11]},
    "entropy": {"p1": [*SLIDER, 0, 1], "p2": [*SLIDER, 0, 1], "truth": CHOICE},
    "temperature": {"T": [*SLIDER, 0, 21], "z1": [*SLIDER, -5, 7]},
    "passes": {"stage": [*SLIDER, -1, 10, 2.5], "flower": [*SLIDER, 0, 6, 1.5]},
    "ripple": {"nudge": [*SLIDER, -2, 2], "weight": CHOICE},
    "slopes": {
        "length": [*SLIDER, 0, 8],
        "width": [*SLIDER, 0, 3],
        "truth": CHOICE,
        "formulas": CHOICE,
    },
    "gradient_check": {"h": [*SLIDER, 0, 2], "size": [*SLIDER, 0, 2], "mistake": CHOICE},
    "vanishing": {"depth": [*SLIDER, 1, 41, 20.5], "scale": [*SLIDER, 0.2, 4]},
    "initialisation": {
        "sigma": [*SLIDER, 0, 2],
        "width": [*SLIDER, 15, 257, 16.5],
        "activation": CHOICE,
    },
    "lap": {"lap": [*SLIDER, -1, 41, 0.5], "stage": [*SLIDER, 0, 7, 1.5]},
    "data_size": {"images": [*SLIDER, 49, 4501, 100.5], "epoch": [*SLIDER, -1, 41, 0.5]},
    "digits_race": {"tried": [*SLIDER, 0, 33, 1.5], "epoch": [*SLIDER, 0, 6, 0.5]},
    "neuron": {"w": [*SLIDER, -2, 5], "b": [*SLIDER, -41, 81]},
    "bend": {"layer": [*SLIDER, -0.1, 3.1], "width": [*CHOICE, 1, 4, "3"]},
    "network_size": {"width": [*SLIDER, 0, 16_385, 1.5], "depth": [*SLIDER, 0, 101, 1.5]},
    "microscope": {"h": [*SLIDER, 0, 2], "w": [*SLIDER, -2, 3]},
    "training_time": {
        "model": CHOICE,
        "devices": [*SLIDER, 0, 100_001],
        "tokens": [*SLIDER, 1, 1e15],
        **dict.fromkeys(("tflops", "watts", "price"), [*SLIDER, 0, -1]),
    },
    "speed_up": {"share": [*SLIDER, -0.1, 1], "times": [*SLIDER, 0.5, 1001]},
    "scaling": {"law": CHOICE, "devices": [*SLIDER, 0, 100_001, 1.5], "share": [*SLIDER, 0.4, 1]},
    "zero": {
        "parameters": [*SLIDER, 0, 1e13],
        "devices": [*SLIDER, 0, 4097, 1.5],
        "memory": [*SLIDER, 0, -1],
    },
    "skew": {
        "contrast": [*SLIDER, -2, 2],
        "shift": [*SLIDER, -1, 9, 0.5],
        "preparation": CHOICE,
        "digit": [*CHOICE, -1, 10],
    },
    "answers": {"threshold": [*SLIDER, 0, 1], "temperature": [*SLIDER, 0.2, 5]},
    "precision_recall": {"threshold": [*SLIDER, 0, 1], "price": [*SLIDER, 0, 101]},
    "reject": {"threshold": [*SLIDER, 0, 1], "network": CHOICE},
    "rare": {"prevalence": [*SLIDER, 0, 0.6], "threshold": [*SLIDER, -0.1, 1.1]},
    "ab_test": {"size": [*SLIDER, 999, 1_000_001, 1000.5], "difference": [*SLIDER, -0.001, 0.02]},
    "cross_validation": {
        "folds": [*SLIDER, 1, 21, 2.5],
        "seed": [*SLIDER, -1, 20, 0.5],
        "where": CHOICE,
    },
    "coalitions": {
        "x1": [*CHOICE, -3, 0.5],
        "x2": [*SLIDER, -3, 3],
        "x3": [*SLIDER, -3, 3],
    },
    "permutations": {"orders": [*SLIDER, 1, 1001], "draw": [*SLIDER, 0, 11, 1.5]},
    "baseline": {"way": [*SLIDER, -0.1, 1.1], "start": CHOICE, "digit": [*CHOICE, -1, 10]},
    "hans": {"size": [*SLIDER, -1, 5, 1.5], "picture": CHOICE},
    "schedule": {"peak": [*SLIDER, 0, 0.1], "shape": CHOICE},
    "multi_label": {
        "threshold": [*SLIDER, 0, 1],
        "picture": [*SLIDER, 0, 13, 1.5],
        "label": [*CHOICE, 10, "10"],
    },
    "shrink": {"bits": [*SLIDER, 1, 33, 2.5], "pruned": [*SLIDER, -0.1, 1]},
    "privacy": {"epsilon": [*SLIDER, 0.2, 51], "epochs": [*SLIDER, 9, 151, 10.5]},
    "energy": {
        "hours": [*SLIDER, 0, 2e8],
        "pue": [*SLIDER, 0.9, 3],
        "grid": CHOICE,
        **dict.fromkeys(("watts", "price"), [*SLIDER, 0, -1]),
    },
    "wrong_labels": {"noise": [*SLIDER, -0.1, 0.7], "steps": [*SLIDER, 49, 1601, 50.5]},
    "writing": {"temperature": [*SLIDER, 0, 4], "top": [*SLIDER, 0, 1.1], "prompt": CHOICE},
    "draw": {"example": CHOICE, "preparation": CHOICE},
    "train": {"lr": [*SLIDER, 0, 11], "batch": [*SLIDER, 0, 501, 1.5], "optimizer": CHOICE},
}


def test_every_argument_of_every_opener_is_in_the_table():
    taken = {name: set(inspect.signature(opener).parameters) for name, opener in openers().items()}
    assert {name: {*arguments, "shown"} for name, arguments in REFUSED.items()} == taken


@pytest.fixture
def quick(monkeypatch):
    """What an opener shows by itself is computed once, and its stage has few pixels."""
    computed, png, once = widget.GridExplorer.computed, widget.png, {}
    monkeypatch.setattr(widget, "png", lambda figure, scale, lang: png(figure, 0.1, lang))
    monkeypatch.setattr(
        widget.GridExplorer,
        "computed",
        lambda self: once.get(self.call) or once.setdefault(self.call, computed(self)),
    )


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("opener", REFUSED)
def test_bad_values_are_answered_with_what_is_expected_and_what_came(opener):
    before = dict(registry._instances)
    for name, values in {**REFUSED[opener], "shown": NAMES[:: 1 if opener == "explore" else 3]}.items():
        for value in values:
            with pytest.raises(ValueError, match=rf"^{name} must be .*, got ") as refused:
                openers()[opener](**{name: value})
            assert str(refused.value).endswith(f", got {value!r}")
    assert registry._instances == before, "a refused call leaves a widget behind"


@pytest.mark.parametrize(
    ("opener", "given", "sentence"),
    [
        (
            "explore",
            {"surface": "bowl"},
            "surface must be one of ravine, saddle, rosenbrock, beale, or a function of two numbers, "
            "got 'bowl'",
        ),
        ("explore", {"lr": 0}, "lr must be a number between 0.001 and 1, got 0"),
        ("vanishing", {"depth": 20.5}, "depth must be a whole number between 2 and 40, got 20.5"),
        ("explore", {"start": (1, 2, 3)}, "start must be two finite numbers, got (1, 2, 3)"),
        ("explore", {"shown": "SGD"}, "shown must be names out of GD, Momentum, RMSProp, Adam, got 'SGD'"),
        ("explore", {"step": 3.5}, "step must be a whole number between 0 and 100, got 3.5"),
        ("training_time", {"price": -2}, "price must be a positive number, got -2"),
        ("logits", {"label": 4}, "label must be one of 1, 2, 3, got 4"),
    ],
)
def test_the_sentences(opener, given, sentence):
    with pytest.raises(ValueError, match=r"\w") as refused:
        openers()[opener](**given)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"shown": "GD"}, ["GD"]),
        ({"shown": ("Adam", "GD", "GD", "GD")}, ["GD", "Adam"]),
        ({"shown": []}, []),
        ({}, ["GD", "Momentum", "RMSProp", "Adam"]),
        ({"start": np.array([1, 2]), "step": np.int64(3), "shown": {"GD"}}, ["GD"]),
    ],
)
def test_one_name_several_and_numbers_of_numpy_are_taken(given, shown):
    explorer = openers()["explore"](**given)
    assert explorer.state["shown"] == shown
    explorer.close()
