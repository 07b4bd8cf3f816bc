"""Pictures and sentences in one space: two matrices, trained so that what belongs together lies close.

As CLIP does (Radford et al. 2021), but with encoders that were trained before and stay as they are.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from losslab.learning import models

WIDTH, SHARPNESS = 128, 14.3  # of the common space; what a cosine is multiplied with, as CLIP began (1/0.07)


class Joint(nn.Module):
    """Two linear maps into one space, where cosines compare.

    Parameters
    ----------
    pictures, sentences : int
        How many features each has.
    """

    def __init__(self, pictures, sentences):
        super().__init__()
        self.pictures, self.sentences = nn.Linear(pictures, WIDTH), nn.Linear(sentences, WIDTH)

    def forward(self, pictures, sentences):
        """Return the cosine of each picture with each sentence, (N, M)."""
        return normalize(self.pictures(pictures), dim=1) @ normalize(self.sentences(sentences), dim=1).T


def fit(pictures, sentences, labels, *, epochs, generator, batch=64, lr=1e-3, weight_decay=0.1):
    """Train a `Joint`: each picture finds its sentence in the batch, and each sentence its pictures.

    Parameters
    ----------
    pictures : float tensor, shape (N, d)
        Features, standardised.
    sentences : float tensor, shape (K, T, e)
        T sentences about each of K things; one of them is drawn for each picture in each step.
    labels : int64 tensor, shape (N,)
        Which of the K a picture shows.
    epochs, batch : int
    generator : torch.Generator
        Draws the weights, the order and the sentences.
    """
    joint = models.initialised(lambda: Joint(pictures.shape[1], sentences.shape[2]), generator)
    adam = torch.optim.AdamW(joint.parameters(), lr, weight_decay=weight_decay)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(batch):
            y = labels[rows]
            which = torch.randint(sentences.shape[1], (len(y),), generator=generator)
            z = SHARPNESS * joint(pictures[rows], sentences[y, which])
            same = (y[:, None] == y).float()  # several pictures of one thing in a batch: all are right
            target = same / same.sum(1, keepdim=True)
            loss = (cross_entropy(z, target) + cross_entropy(z.T, target)) / 2
            adam.zero_grad()
            loss.backward()
            adam.step()
    return joint.eval()


@torch.no_grad()
def named(joint, pictures, sentences):
    """Return for each picture the thing whose mean sentence is nearest, (N,).

    Parameters
    ----------
    sentences : float tensor, shape (K, T, e)
    """
    return joint(pictures, sentences.mean(1)).argmax(1)
