"""Exam questions in the training set: what a network then scores on them, reworded, and on fresh ones."""

from typing import NamedTuple

import torch

from losslab.data import mnist, pixels
from losslab.learning import models, training

LEARNT, QUESTIONS, FRESH = 500, 200, 1000
EPOCHS, BATCH = 30, 20


class Scores(NamedTuple):
    """Accuracies of one network.

    Attributes
    ----------
    exam : float
        On the exam's 200 questions.
    reworded : float
        On the same images, moved by one pixel.
    fresh : float
        On 1,000 digits that appear nowhere else.
    """

    exam: float
    reworded: float
    fresh: float


def scores(share, seed):
    """
    Train the article's network on 500 digits and a share of the exam, and examine it.

    All digits come from the sample's training images; the test images are not touched.

    Parameters
    ----------
    share : float
        From 0 to 1: the share of the exam's questions that are in the training, with their answers.
    seed : int
        Of which digits are what, of the weights, and of the order of the batches.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, got {share}")
    digits, generator = mnist.load(), torch.Generator().manual_seed(seed)
    order = torch.randperm(len(digits.train_images), generator=generator)
    learnt, exam, fresh = order[: LEARNT + QUESTIONS + FRESH].split([LEARNT, QUESTIONS, FRESH])
    rows = torch.cat([learnt, exam[: round(share * QUESTIONS)]])
    constants, labels = pixels.mean_std(digits.train_images[rows]), digits.train_labels.long()
    images = pixels.standardise(digits.train_images, *constants)
    model = models.initialised(models.Net, generator)
    knobs = {"epochs": EPOCHS, "batch_size": BATCH, "generator": generator, "progress": False}
    training.fit(model, images[rows], labels[rows], **knobs)
    moved = images[exam].roll(1, dims=-1)
    asked = (images[exam], labels[exam]), (moved, labels[exam]), (images[fresh], labels[fresh])
    return Scores(*(training.score(model, *one).accuracy for one in asked))
