"""Two matrices that bring pictures and their sentences together."""

import pytest
import torch
from torch.nn.functional import normalize

from losslab.learning import contrastive

pytestmark = pytest.mark.trains


def made(seed=0, K=6, each=40):
    """Things with a hidden place, which both encoders see through matrices of their own, and noise."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(K, 8, generator=generator)
    views = torch.randn(8, 30, generator=generator), torch.randn(8, 12, generator=generator)
    y = torch.arange(K).repeat_interleave(each)
    x = hidden[y] @ views[0] + torch.randn(K * each, 30, generator=generator)
    sentences = hidden[:, None] @ views[1] + 0.3 * torch.randn(K, 3, 12, generator=generator)
    return x, sentences, y


def fitted(x, sentences, y, **knobs):
    given = {"epochs": 20, "generator": torch.Generator().manual_seed(1)} | knobs
    return contrastive.fit(x, sentences, y, **given)


def test_what_it_says_is_a_cosine():
    x, sentences, y = made()
    joint = fitted(x, sentences, y, epochs=1)
    cosine = joint(x[:5], sentences[:, 0])
    assert cosine.shape == (5, 6)
    by_hand = normalize(joint.pictures(x[:5]), dim=1) @ normalize(joint.sentences(sentences[:, 0]), dim=1).T
    torch.testing.assert_close(cosine, by_hand)
    assert cosine.abs().max() <= 1 + 1e-5


def test_new_pictures_of_known_things_are_named_and_before_the_training_they_are_not():
    x, sentences, y = made()
    rows = torch.arange(len(y)) % 2 == 0
    right = []
    for epochs in (0, 40):
        joint = fitted(x[rows], sentences, y[rows], epochs=epochs)
        right.append((contrastive.named(joint, x[~rows], sentences) == y[~rows]).float().mean().item())
    assert right[0] < 0.5
    assert right[1] > 0.8


def test_swapped_sentences_are_learnt_as_swapped():
    x, sentences, y = made()
    joint = fitted(x, sentences.flip(0), y)
    assert (contrastive.named(joint, x, sentences) == len(sentences) - 1 - y).float().mean() > 0.9


def test_a_seed_gives_the_same_matrices_and_no_global_generator_moves():
    x, sentences, y = made()
    state = torch.get_rng_state()
    one, two = fitted(x, sentences, y, epochs=2), fitted(x, sentences, y, epochs=2)
    assert torch.equal(one.pictures.weight, two.pictures.weight)
    assert torch.equal(torch.get_rng_state(), state)
