"""The explorer of ten untrained layers: what one position of its slider does, and what it says."""

import numpy as np
import pytest

from losslab.explorers.views import initialisation

SIGMAS = initialisation.SLIDERS[0].values[:, None]


def test_one_position_of_the_slider_moves_the_last_layer_by_something_one_sees():
    width = np.array([[128]])
    view = initialisation.compute(SIGMAS, width, activation="ReLU")
    predicted = next(series for series in view.series if series.key == "Predicted")
    decades = predicted.points[:, 0, -1, 0]
    moved = np.diff(decades)[(decades[1:] < initialisation.HIGH) & (decades[:-1] > initialisation.LOW)]
    assert (moved > (initialisation.HIGH - initialisation.LOW) / 20).all()
    assert (moved < 1).all(), "no more than a decade, or the healthy range is jumped over"


@pytest.mark.parametrize("width", initialisation.SLIDERS[1].values)
def test_every_width_has_a_position_near_the_deviation_of_he(width):
    assert np.abs(np.log10(SIGMAS / (2 / width) ** 0.5)).min() < 0.05


@pytest.mark.parametrize("activation", initialisation.ACTIVATIONS)
def test_the_sentence_translates_the_deviation_into_the_weight_scale(activation):
    view = initialisation.compute(np.array([[0.25]]), np.array([[64]]), activation=activation)
    assert "σ = 0.250, n = 64, so s = σ√n = 2.00:" in view.sentence()
