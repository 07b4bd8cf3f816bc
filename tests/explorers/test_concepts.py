"""The explorers of chapter 1: what they compute, against another way of computing it."""

import numpy as np
import pytest

from losslab.explorers.views import neuron


def at(view, key, panel):
    """The points of a series at the only position there is."""
    (found,) = [series for series in view.series if (series.key, series.panel) == (key, panel)]
    return found.points[0, 0]


def a_neuron(w, b):
    return neuron.compute(np.array([[w]]), np.array([[b]]))


# --- neuron ---


def test_the_thermometers_agree_with_physics():
    scales = dict(zip(neuron.CELSIUS.tolist(), neuron.FAHRENHEIT.tolist(), strict=True))
    assert (scales[0.0], scales[100.0]) == (32.0, 212.0)


@pytest.mark.parametrize("b", [-40.0, 0.0, 32.0, 80.0])
def test_the_best_weight_and_its_error_are_those_of_least_squares(b):
    (w,), (squares,), *_ = np.linalg.lstsq(neuron.CELSIUS[:, None], neuron.FAHRENHEIT - b, rcond=None)
    assert neuron.best_weight(b) == pytest.approx(w)
    assert neuron.mean_squared_error(w, b) == pytest.approx(squares / 7)


def test_without_a_bias_no_weight_fits():
    w = neuron.best_weight(0.0)
    assert (w, neuron.mean_squared_error(w, 0.0)) == (pytest.approx(2.2), pytest.approx(512))
    assert neuron.mean_squared_error(1.8, 32.0) == pytest.approx(0)


@pytest.mark.parametrize(
    ("w", "b", "said"),
    [
        (
            1.8,
            32.0,
            "error 0. Freezing water, 0 °C, becomes 32 °F; boiling water, 100 °C, becomes 212 °F",
        ),
        (
            2.2,
            0.0,
            "error 512. Freezing water, 0 °C, becomes 0 °F; boiling water, 100 °C, becomes 220 °F",
        ),
        (-0.28, 28.0, "becomes 28 °F; boiling water, 100 °C, becomes 0 °F"),
    ],
)
def test_the_neuron_says_what_becomes_of_water(w, b, said):
    assert said in a_neuron(w, b).sentence()


def test_every_error_stands_between_the_line_and_the_thermometer():
    view = a_neuron(1.0, 10.0)
    (x0, y0), (x1, y1) = at(view, "Neuron", 0)
    feet = at(view, "Errors", 0).reshape(7, 4, 2)
    np.testing.assert_allclose(feet[:, 0, 1], np.interp(neuron.CELSIUS, [x0, x1], [y0, y1]))
    np.testing.assert_allclose(feet[:, 1], np.stack([neuron.CELSIUS, neuron.FAHRENHEIT], -1))
    lengths = feet[:, 1, 1] - feet[:, 0, 1]
    assert at(view, "Neuron", 1)[0] == pytest.approx((1.0, (lengths**2).mean()))


def test_the_curve_passes_through_the_neurons_error():
    view = a_neuron(1.4, 32.0)
    curve, (dot,) = at(view, "Loss", 1), at(view, "Neuron", 1)
    assert np.interp(dot[0], *curve.T) == pytest.approx(dot[1])
