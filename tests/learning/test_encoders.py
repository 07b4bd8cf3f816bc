"""Networks of others as makers of features: offline, silent, in evaluation mode, and what they say."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from losslab.learning import encoders

TEXTS = ["A cat is sleeping.", "A dog takes a nap.", "The stock market fell."]
OFFLINE = """
import socket, sys, warnings
warnings.simplefilter("error")
def refused(*_, **__):
    raise RuntimeError("this asks the network")
socket.socket.connect = socket.getaddrinfo = refused
import random
import numpy as np, torch
from losslab.learning import encoders
def states():
    return repr(np.random.get_state()), random.getstate(), torch.get_rng_state().tolist()
before = states()
print(encoders.sentences(["one"]).shape, encoders.features([np.zeros((8, 8), np.uint8)], size=32).shape)
print(states() == before)
"""


@pytest.fixture(scope="module")
def picture():
    from sklearn.datasets import load_sample_image

    return load_sample_image("flower.jpg")


def test_loading_needs_no_network_says_nothing_and_moves_no_global_generator():
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(1, 384) (1, 1280)\nTrue\n", "")


def test_sentences_that_mean_the_like_lie_close():
    vectors = encoders.sentences(TEXTS)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose((vectors**2).sum(1), 1, rtol=1e-5)
    near, far, further = (vectors @ vectors.T)[[0, 0, 1], [1, 2, 2]]
    assert near > 0.3 > 0.15 > max(far, further)


def test_they_are_what_the_makers_own_package_says():
    from sentence_transformers import SentenceTransformer

    from losslab.data import pretrained

    theirs = SentenceTransformer(str(pretrained.minilm()), device="cpu", local_files_only=True)
    texts = [*TEXTS, "word " * 400]  # longer than what is read
    expected = theirs.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(encoders.sentences(texts), expected, atol=1e-5)


def test_neither_padding_nor_batches_change_what_a_sentence_means():
    alone = np.concatenate([encoders.sentences([text]) for text in TEXTS])
    np.testing.assert_allclose(encoders.sentences(TEXTS, batch_size=2), alone, atol=1e-5)
    assert encoders.sentences([]).shape == (0, 384)
    with pytest.raises(ValueError, match="texts must be a list of sentences, got the sentence 'A cat is sl"):
        encoders.sentences(TEXTS[0])


def test_the_networks_evaluate_and_keep_their_size():
    assert not encoders.minilm().net.training
    assert not encoders.efficientnet().training
    assert sum(p.numel() for p in encoders.minilm().net.parameters()) == 22_713_216
    assert sum(p.numel() for p in encoders.efficientnet().parameters()) == 4_652_008


def test_a_copy_may_be_changed(picture):
    before = encoders.features([picture], size=64)
    with torch.no_grad():
        encoders.efficientnet()._conv_stem.weight.zero_()
    np.testing.assert_array_equal(encoders.features([picture], size=64), before)


def test_a_file_that_holds_code_is_not_read(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"_fc.bias": Evil()}, tmp_path / "evil.pth")
    monkeypatch.setattr(encoders.pretrained, "efficientnet", lambda: tmp_path / "evil.pth")
    encoders.lite0.cache_clear()
    with pytest.raises(Exception, match="Weights only load failed"):
        encoders.lite0()
    encoders.lite0.cache_clear()


def test_a_flower_is_a_flower(picture):
    with torch.no_grad():
        logits = encoders.efficientnet()(encoders.pixels([picture]))
    assert encoders.classes()[logits.argmax()] == "daisy"
    assert len(set(encoders.classes())) > 990  # crane and maillot are two classes each


def test_features_are_what_the_last_layer_reads(picture):
    net = encoders.efficientnet()
    with torch.no_grad():
        logits = net(encoders.pixels([picture], size=64))
        ours = net._fc(torch.from_numpy(encoders.features([picture], size=64)))
    torch.testing.assert_close(ours, logits, rtol=1e-4, atol=1e-4)
    two = encoders.features([picture, picture[:, ::-1]], size=64, batch_size=1)
    np.testing.assert_allclose(two, encoders.features([picture, picture[:, ::-1]], size=64), atol=1e-4)
    assert encoders.features([]).shape == (0, 1280)


def test_every_way_to_hand_over_a_picture_gives_the_same_pixels():
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4) * 17
    colours = np.repeat(grey[..., None], 3, -1)
    tensor = torch.from_numpy(colours.transpose(2, 0, 1).copy())[None]
    ways = [[grey], [colours], colours[None], [colours / 255], tensor, tensor / 255]
    expected = (torch.from_numpy(grey) / 255 - 127 / 255) / (128 / 255)
    for way in ways:
        found = encoders.pixels(way, size=4)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, expected.expand(1, 3, 4, 4), rtol=0.01, atol=0.01)


def test_of_a_wide_picture_the_middle_square_is_taken():
    wide = np.zeros((4, 8, 3), np.uint8)
    wide[:, 2:6] = 255
    assert encoders.pixels([wide], size=4).min() > 0.9


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([np.zeros((3, 8, 8))], r"a picture must have shape \(H, W, 3\) or \(H, W\), got \(3, 8, 8\)"),
        (torch.zeros(2, 8, 8), r"must have shape \(N, 3, H, W\), got \(N, \(8, 8\)\)"),
        ([np.full((8, 8), 9.0)], "floats must be from 0 to 1, got 9 to 9"),
        ([np.full((8, 8), np.nan)], "floats must be from 0 to 1, got nan to nan"),
    ],
)
def test_other_pictures_are_refused(pictures, sentence):
    with pytest.raises(ValueError, match=sentence):
        encoders.pixels(pictures)


@pytest.mark.parametrize("shown", [True, False])
def test_the_readers_choice_of_progress_bars_comes_back(shown):
    from transformers.utils import logging

    was = logging.is_progress_bar_enabled()
    (logging.enable_progress_bar if shown else logging.disable_progress_bar)()
    with encoders.without_bars():
        assert not logging.is_progress_bar_enabled()
    assert logging.is_progress_bar_enabled() == shown
    (logging.enable_progress_bar if was else logging.disable_progress_bar)()
