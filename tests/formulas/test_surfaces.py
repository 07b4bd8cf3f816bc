"""Gradients by hand against central differences and autograd, and what each surface promises."""

import math
import re

import numpy as np
import pytest
import torch

from losslab.formulas import surfaces
from losslab.formulas.surfaces import SURFACES


@pytest.fixture(params=SURFACES)
def surface(request):
    return SURFACES[request.param]


@pytest.fixture
def points(surface):
    """40 points of the window, its corners, the start and the minimum."""
    rng = np.random.default_rng(0)
    low, high = np.transpose([surface.xlim, surface.ylim])
    corners = [(x, y) for x in surface.xlim for y in surface.ylim]
    return np.vstack([rng.uniform(low, high, (40, 2)), corners, surface.start, surface.minimum])


def written(surface, w):
    """The value as torch sees it: the textbook formula on a tensor."""
    x, y = w[..., 0], w[..., 1]
    return {
        "ravine": lambda: (x**2 + 20 * y**2) / 2,
        "saddle": lambda: x**2 / 2 + (y**2 - 1) ** 2 / 4,
        "rosenbrock": lambda: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        "beale": lambda: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2,
    }[surface.name]()


def test_names_are_keys():
    assert {name: s.name for name, s in SURFACES.items()} == {name: name for name in SURFACES}


def test_value_is_the_textbook_formula(surface, points):
    np.testing.assert_allclose(
        surface.value(points), written(surface, torch.tensor(points)).numpy(), rtol=1e-12, atol=1e-12
    )


def test_gradient_is_that_of_central_differences(surface, points):
    """assert_allclose prints both numbers where they differ."""
    h = 1e-6
    slopes = [
        (surface.value(points + step) - surface.value(points - step)) / (2 * h) for step in h * np.eye(2)
    ]
    np.testing.assert_allclose(
        surface.gradient(points),
        np.stack(slopes, -1),
        rtol=1e-6,
        atol=1e-5,
        err_msg=f"{surface.name}: gradient by hand (ACTUAL) and by central differences (DESIRED)",
    )


def test_gradient_is_that_of_autograd(surface, points):
    w = torch.tensor(points, requires_grad=True)
    (slopes,) = torch.autograd.grad(written(surface, w).sum(), w)
    np.testing.assert_allclose(
        surface.gradient(points),
        slopes.numpy(),
        rtol=1e-10,
        atol=1e-10,
        err_msg=f"{surface.name}: gradient by hand (ACTUAL) and by autograd (DESIRED)",
    )


def test_batches_are_points_one_at_a_time(surface, points):
    block = points[:42].reshape(2, 3, 7, 2)
    assert surface.value(block).shape == (2, 3, 7)
    assert surface.gradient(block).shape == block.shape
    np.testing.assert_array_equal(surface.value(block)[1, 2, 3], surface.value(block[1, 2, 3]))
    np.testing.assert_array_equal(surface.gradient(block)[1, 2, 3], surface.gradient(block[1, 2, 3]))


def test_the_minimum_is_one(surface, points):
    minimum = np.array(surface.minimum, float)
    np.testing.assert_allclose(surface.value(minimum), 0, atol=1e-15)
    np.testing.assert_allclose(surface.gradient(minimum), 0, atol=1e-12)
    assert (surface.value(points) >= 0).all()


def test_start_and_minimum_lie_in_the_window(surface):
    for x, y in (surface.start, surface.minimum):
        assert surface.xlim[0] < x < surface.xlim[1]
        assert surface.ylim[0] < y < surface.ylim[1]


def test_the_saddle_is_flat_at_the_origin_and_falls_to_both_sides():
    saddle = SURFACES["saddle"]
    np.testing.assert_array_equal(saddle.gradient(np.zeros(2)), [0, 0])
    middle = saddle.value(np.zeros(2))
    assert saddle.value(np.array([0.1, 0.0])) > middle
    assert saddle.value(np.array([0.0, 0.1])) < middle
    assert saddle.value(np.array([0.0, -0.1])) < middle


def test_quadratic_has_the_curvatures_it_is_given():
    bowl = surfaces.quadratic((2, 7), name="bowl", xlim=(0, 3), ylim=(0, 5), start=(1.0, 1.0))
    w = np.array([[[1.0, 1.0]], [[2.0, 3.0]]])
    np.testing.assert_array_equal(bowl.gradient(w), [[[2, 7]], [[4, 21]]])
    np.testing.assert_array_equal(bowl.value(w), [[4.5], [35.5]])
    assert (bowl.name, bowl.start, bowl.minimum) == ("bowl", (1.0, 1.0), (0.0, 0.0))
    assert (bowl.xlim, bowl.ylim) == ((0, 3), (0, 5))


def test_a_quadratic_is_drawn_like_the_ravine_unless_told_otherwise():
    ours, ravine = surfaces.quadratic((1.0, 1.0)), SURFACES["ravine"]
    for name in ("name", "xlim", "ylim", "start"):
        assert getattr(ours, name) == getattr(ravine, name)


def test_a_quadratic_without_lower_bound_has_no_minimum():
    assert surfaces.quadratic((0.1, 0.1)).minimum == (0, 0)
    assert surfaces.quadratic((1.0, -1.0)).minimum is None
    assert surfaces.quadratic((1.0, 0.0)).minimum is None


@pytest.mark.parametrize("curvatures", [2.0, (1.0,), (1.0, 2.0, 3.0), ((1.0, 2.0),)])
def test_a_bowl_has_two_curvatures(curvatures):
    words = re.escape(f"curvatures must be two numbers, got {curvatures}")
    with pytest.raises(ValueError, match=f"^{words}$"):
        surfaces.quadratic(curvatures)


# --- a surface of a plain function ---


def himmelblau(a, b):
    return (a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2


def himmelblau_gradient(a, b):
    return 4 * a * (a**2 + b - 11) + 2 * (a + b**2 - 7), 2 * (a**2 + b - 11) + 4 * b * (a + b**2 - 7)


SQUARE = ((-5.0, 5.0), (-4.0, 4.0))


def test_a_surface_of_a_function_has_its_values_and_what_it_was_given():
    surface = surfaces.of(himmelblau, himmelblau_gradient, window=SQUARE, start=(1, 2), minimum=(3.0, 2.0))
    assert (surface.name, surface.xlim, surface.ylim) == ("himmelblau", *SQUARE)
    assert (surface.start, surface.minimum) == ((1.0, 2.0), (3.0, 2.0))
    w = np.random.default_rng(0).uniform(-4, 4, (2, 3, 2))
    np.testing.assert_array_equal(surface.value(w), himmelblau(w[..., 0], w[..., 1]))
    np.testing.assert_array_equal(
        surface.gradient(w), np.stack(himmelblau_gradient(w[..., 0], w[..., 1]), -1)
    )


def test_without_a_gradient_differences_are_close_to_it():
    w = np.random.default_rng(0).uniform(-4, 4, (5, 200, 2))
    ours, exact = (surfaces.of(himmelblau, g, window=SQUARE) for g in (None, himmelblau_gradient))
    np.testing.assert_allclose(ours.gradient(w), exact.gradient(w), rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_step_of_the_differences_suits_the_window(size):
    """Near 0, a step that is not of the window's size would see nothing, or far too much."""
    ours = surfaces.of(lambda a, b: np.sin(a / size) + (b / size) ** 3, window=((-size, size), (-size, size)))
    w = size * np.array([[0.0, 0.0], [0.1, -0.3], [1.0, 1.0]])
    exact = np.stack([np.cos(w[:, 0] / size), 3 * (w[:, 1] / size) ** 2], -1)
    np.testing.assert_allclose(ours.gradient(w) * size, exact, atol=1e-8)


def test_defaults_of_a_function():
    surface = surfaces.of(lambda a, b: a**2 + b**2)
    assert (surface.name, surface.xlim, surface.ylim, surface.minimum) == ("f", (-2, 2), (-2, 2), None)
    np.testing.assert_allclose(surface.start, (-1.6, 1.6))
    np.testing.assert_allclose(surfaces.of(himmelblau, window=((0, 10), (0, 20))).start, (1, 18))


def test_a_gradient_may_have_a_constant_part():
    surface = surfaces.of(lambda a, b: 3 * a + b**2, lambda a, b: (3.0, 2 * b))
    np.testing.assert_array_equal(surface.gradient(np.ones((4, 2))), [[3, 2]] * 4)


ADVICE = ": write np.where in place of if, np.exp in place of math.exp, and so on"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"f": 3}, "f must be a function of two numbers, got 3"),
        ({"f": lambda w: w}, "f must take two numbers and return a number: TypeError: "),
        ({"f": lambda a, b: "x"}, "f must take two numbers and return a number: ValueError: "),
        ({"f": lambda a, b: (a, b)}, "f must return a number, got (-1.5, 1.5) at (-1.5, 1.5)"),
        ({"f": lambda a, b: np.log(a)}, "f must be finite at the start (-1.5, 1.5), got nan"),
        ({"f": lambda a, b: math.exp(a + b)}, "f works on numbers, but not on arrays (TypeError: "),
        ({"f": lambda a, b: a if a > 0 else b}, "f works on numbers, but not on arrays (ValueError: "),
        (
            {"f": lambda a, b: np.sum(a + b)},
            "f must return a number for each point, but of arrays of the shape (5, 1) it returns ()",
        ),
        (
            {"f": lambda a, b: a - np.max(a) + b},
            "f must return for arrays what it returns for each of their points" + ADVICE,
        ),
        ({"start": (3, 0)}, "start must be in the window ((-2.0, 2.0), (-2.0, 2.0)), got (3.0, 0.0)"),
        ({"start": (0, -3)}, "start must be in the window ((-2.0, 2.0), (-2.0, 2.0)), got (0.0, -3.0)"),
        (
            {"window": ((2, -2), (0, 1))},
            "window must be ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, got ((2, -2), (0, 1))",
        ),
        (
            {"window": ((0, 1), (2, 2))},
            "window must be ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, got ((0, 1), (2, 2))",
        ),
        ({"window": 3}, "window must be ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, got 3"),
        (
            {"window": ((0, np.inf), (0, 1))},
            "window must be ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, got ((0, inf), (0, 1))",
        ),
        ({"gradient": 3}, "gradient must be a function of two numbers, got 3"),
        ({"gradient": lambda a, b: a}, "gradient must return a pair of numbers, got -1.5 at (-1.5, 1.5)"),
        (
            {"gradient": lambda a, b: (2 * a, 3 * b)},
            "gradient says (-3, 4.5) at the start (-1.5, 1.5), but the differences of bowl are (-3, 3)",
        ),
        (
            {"gradient": lambda a, b: (math.copysign(2, a) * abs(a), 2 * b)},
            "gradient works on numbers, but not on arrays (TypeError: ",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(given, words):
    def bowl(a, b):
        return a**2 + b**2

    with pytest.raises(ValueError, match="^" + re.escape(words)) as refused:
        surfaces.of(**{"f": bowl, "start": (-1.5, 1.5)} | given)
    said = str(refused.value)
    assert said == words or said.endswith(ADVICE) or "Error: " in words
    assert ("not on arrays" in words) <= said.endswith(ADVICE)
