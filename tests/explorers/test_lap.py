"""The stepper through a training: the same numbers as autograd's, and nothing is shown before it is known."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from losslab.explorers.views import lap
from losslab.formulas import activations

pytestmark = pytest.mark.trains

COUNT = lap.LAST + 1


def test_every_lap_is_what_autograd_and_sgd_make_of_it():
    laps, x = lap.history(), torch.tensor(lap.BATCHES)
    theta = torch.tensor(laps["before"][0], requires_grad=True)
    sgd = torch.optim.SGD([theta], lr=lap.LR)
    for k in range(COUNT):
        z = x[k % 3] @ theta[:, :2].T + theta[:, 2]
        loss = cross_entropy(z, torch.tensor(lap.LABELS))
        sgd.zero_grad()
        loss.backward()
        now = {"before": theta, "p": z.softmax(-1), "loss": loss, "gradient": theta.grad}
        for name, value in now.items():
            np.testing.assert_allclose(laps[name][k], value.detach(), rtol=1e-10, atol=1e-15, err_msg=name)
        sgd.step()
        np.testing.assert_allclose(laps["after"][k], theta.detach(), rtol=1e-10)
        again = cross_entropy(x[k % 3] @ theta[:, :2].T + theta[:, 2], torch.tensor(lap.LABELS))
        np.testing.assert_allclose(laps["again"][k], again.item(), rtol=1e-10)


def test_what_the_chapter_asks_has_the_answer_it_has():
    laps = lap.history()
    assert (laps["again"] < laps["loss"]).all(), "every update helps on the batch that it was computed on"
    rises = (np.diff(laps["loss"]) > 0).sum()
    assert 10 < rises < 30, "and yet the next batch often costs more"
    assert laps["loss"][0] > np.log(3) > 2 * laps["loss"][-3:].max()
    right = (laps["p"].argmax(-1) == lap.LABELS).sum(-1)
    assert (right[0], set(right[-3:])) == (0, {6})


def test_a_batch_has_two_flowers_of_each_species_and_all_three_have_all():
    back = lap.BATCHES * lap.STD + lap.MEAN
    np.testing.assert_allclose(lap.BATCHES.reshape(-1, 2).mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(lap.BATCHES.reshape(-1, 2).std(0), 1)
    for species in range(3):
        flowers = back[:, 2 * species : 2 * species + 2].reshape(6, 2)
        np.testing.assert_allclose(flowers, lap.PETALS[species])


def drawn(lap_number, stage):
    """Which lines of which panels are drawn, {(key, panel): number of points}."""
    view = lap.compute(np.array([[lap_number]]), np.array([[stage]]))
    ends = {}
    for series in view.series:
        count = series.points.shape[2] if series.ends is None else int(series.ends[0, 0])
        inside = (series.points > -90).all()  # a border that is not known yet is put far outside
        ends[series.key, series.panel] = ends.get((series.key, series.panel), 0) + count * inside
    return {key for key, count in ends.items() if count}


GIVEN = {("Batch", 0), ("Truth", 2)}
KNOWS = {("Border", 0), *((key, 1) for key in lap.SPECIES)}
SAYS = {(key, 2) for key in lap.SPECIES}
PAYS = {("Loss", 3), ("This lap", 3)}
LEARNS = {(key, 4) for key in lap.SPECIES}


@pytest.mark.parametrize(
    ("number", "stage", "shown"),
    [
        (0, 1, GIVEN),
        (0, 2, GIVEN | KNOWS),
        (0, 3, GIVEN | KNOWS | SAYS),
        (0, 4, GIVEN | KNOWS | SAYS | PAYS),
        (0, 5, GIVEN | KNOWS | SAYS | PAYS | LEARNS),
        (0, 6, GIVEN | KNOWS | SAYS | PAYS | LEARNS | {("Before", 1)}),
        (7, 1, GIVEN | KNOWS | {("Loss", 3)}),
        (7, 3, GIVEN | KNOWS | SAYS | {("Loss", 3)}),
    ],
)
def test_what_has_not_been_computed_is_not_drawn(number, stage, shown):
    assert drawn(number, stage) == shown


def test_the_update_moves_the_bars_and_backward_does_not():
    laps = lap.history()
    for stage, name in ((5, "before"), (6, "after")):
        view = lap.compute(np.array([[3]]), np.array([[stage]]))
        bars = [
            series.points[0, 0] for series in view.series if series.panel == 1 and series.key in lap.SPECIES
        ]
        heights = [points.reshape(3, 4, 2)[:, 1, 1] for points in bars]
        np.testing.assert_allclose(heights, laps[name][3])


def test_on_a_border_two_species_are_equally_likely_and_the_third_is_not_likelier():
    theta = lap.history()["after"]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        ends = lap.border(theta, one, other)
        z = ends @ theta[:, :, :2].swapaxes(-1, -2) + theta[:, None, :, 2]
        p = activations.softmax(z)
        np.testing.assert_allclose(p[..., one], p[..., other], atol=1e-12)
        long = np.ptp(ends, axis=1).max(-1) > 1e-9
        assert (p[long][..., 3 - one - other] <= p[long][..., one] + 1e-12).all()


@pytest.mark.parametrize(
    ("number", "stage", "said"),
    [
        (0, 1, "Nothing else is known yet."),
        (5, 1, "as lap 4 left them"),
        (0, 2, "drawn at random"),
        (5, 2, "done once, in lap 0"),
        (0, 3, "0 of 6 answers are right"),
        (0, 5, "No parameter has moved."),
        (0, 6, "now cost"),
    ],
)
def test_the_sentence_says_what_the_step_has_done(number, stage, said):
    text = lap.compute(np.array([[number]]), np.array([[stage]])).sentence()
    assert text.startswith(f"Lap {number}, step {stage}, ")
    assert said in text
