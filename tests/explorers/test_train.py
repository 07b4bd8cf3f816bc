"""The live training: who turns its knobs is shown validation images, which it never learns from."""

import pytest

from losslab.data import mnist
from losslab.explorers.views import train

pytestmark = pytest.mark.trains


def test_the_images_that_judge_are_training_images_that_it_does_not_learn_from():
    (learnt, _), (judges, _) = train.digits()
    assert len(learnt) + len(judges) == len(mnist.load().train_images)
    pictures = {image.numpy().tobytes() for image in learnt}
    assert not [image for image in judges if image.numpy().tobytes() in pictures]
    assert learnt.mean().abs() < 1e-4, "scaled by constants of the images it learns from"
    assert abs(learnt.std() - 1) < 1e-3


def test_what_is_drawn_and_said_is_called_validation():
    view = next(train.compute(0.1, 50, optimizer="SGD"))
    assert {series.key for series in view.series} == {"Batch", "Validation images"}
    assert "of 600 validation images" in view.sentence()
