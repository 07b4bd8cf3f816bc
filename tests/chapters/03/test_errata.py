"""E045–E048 and E095, the losses: the printed form fails the very fact that the correction satisfies."""

import re

import numpy as np
import torch

from losslab.article import misprints
from losslab.formulas import activations, losses

YES_NO = np.array([1, 0, 1, 0])
GOOD, ALWAYS = np.array([0.9, 0.1, 0.8, 0.2]), np.full(4, 1 - 1e-12)
TRUTH, MODEL = np.array([0.7, 0.2, 0.1]), np.array([0.6, 0.3, 0.1])


def binary(y, p):
    """Binary cross-entropy of probabilities: the corrected F2 for yes and no."""
    return (-y * np.log(p) - (1 - y) * np.log(1 - p)).mean()


def entropy(truth, p):
    """Cross-entropy of two distributions, what the article calls a difference."""
    return -(truth * np.log(p)).sum()


def kl(truth, p):
    return entropy(truth, p) - entropy(truth, truth)


def printed_mean_free(z, labels):
    """F2 with its classes repaired but as printed otherwise: summed, not averaged."""
    return misprints.cross_entropy_as_printed(np.eye(z.shape[1])[labels], activations.softmax(z))


# --- the facts: each function asserts something that is true of the correction and false of the print ---


def charges_a_good_predictor_less_than_always_yes(loss):
    assert loss(YES_NO, GOOD) < loss(YES_NO, ALWAYS)


def is_zero_between_equals(difference):
    np.testing.assert_allclose(difference(TRUTH, TRUTH), 0, atol=1e-15)


def ignores_how_often_the_data_is_copied(loss):
    z, labels = np.random.default_rng(0).normal(size=(6, 10)), np.arange(6)
    np.testing.assert_allclose(loss(np.tile(z, (5, 1)), np.tile(labels, 5)), loss(z, labels))


def passes_a_slope_back(judge):
    """On logits that are wrong: a loss says which way is better."""
    z = torch.tensor([[0.0, 3.0]], requires_grad=True)
    value = judge(z, torch.tensor([0]))
    assert value.requires_grad
    (slope,) = torch.autograd.grad(value, z)
    assert slope[0, 0] < 0


def is_nearly_zero_for_a_perfect_network(loss):
    z = 50 * np.eye(10)
    assert loss(z, np.arange(10)) < 1e-9


FACTS = {  # id: fact, its arguments as printed, its arguments corrected
    "E045": (charges_a_good_predictor_less_than_always_yes, [misprints.cross_entropy_as_printed], [binary]),
    "E046": (is_zero_between_equals, [entropy], [kl]),
    "E047": (ignores_how_often_the_data_is_copied, [printed_mean_free], [losses.cross_entropy]),
    "E048": (
        passes_a_slope_back,
        [lambda z, y: (z.argmax(1) == y).float().mean()],
        [torch.nn.functional.cross_entropy],
    ),
    "E095": (
        is_nearly_zero_for_a_perfect_network,
        [misprints.cross_entropy_after_softmax],
        [losses.cross_entropy],
    ),
}


# --- the numbers ---


def test_e045_the_constant_predictor_wins_as_printed():
    as_printed = [misprints.cross_entropy_as_printed(YES_NO, p) for p in (ALWAYS, GOOD)]
    np.testing.assert_allclose(as_printed, [2.0e-12, 0.3285], rtol=1e-3)
    np.testing.assert_allclose([binary(YES_NO, p) for p in (ALWAYS, GOOD)], [13.816, 0.1643], rtol=3e-4)
    accuracy = [((p > 0.5) == YES_NO).mean() for p in (ALWAYS, GOOD)]
    assert accuracy == [0.5, 1.0]


def test_e046_cross_entropy_is_no_difference():
    np.testing.assert_allclose(
        [entropy(TRUTH, TRUTH), entropy(TRUTH, MODEL), entropy(MODEL, TRUTH)],
        [0.8018, 0.8286, 0.9271],
        atol=5e-5,
    )
    np.testing.assert_allclose([kl(TRUTH, MODEL), kl(MODEL, TRUTH)], [0.0268, 0.0291], atol=5e-5)


def test_e047_the_sum_grows_with_the_batch():
    z, labels = np.zeros((600, 10)), np.arange(600) % 10
    np.testing.assert_allclose(printed_mean_free(z, labels), 600 * np.log(10))
    np.testing.assert_allclose(losses.cross_entropy(z, labels), 2.3026, atol=5e-5)


def test_e047_probabilities_first_loses_the_loss():
    z = np.array([[0, 200]], np.float32)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        p = np.exp(z) / np.exp(z).sum()
        assert np.isposinf(-np.log(p[0, 0]))
    assert losses.cross_entropy(z, [0]) == 200.0


def test_e048_loss_and_accuracy_can_rise_together():
    before, after = np.array([0.4, 0.4, 0.9]), np.array([0.6, 0.6, 0.01])
    np.testing.assert_allclose([-np.log(before).mean(), -np.log(after).mean()], [0.646, 1.876], atol=5e-4)
    assert (after > 0.5).mean() > (before > 0.5).mean()


def test_e095_floor_and_ceiling():
    right, wrong = np.eye(10)[:1], np.eye(10)[1:2]
    ends = [misprints.cross_entropy_after_softmax(1e3 * z, [0]) for z in (right, wrong)]
    np.testing.assert_allclose(ends, [1.4612, 2.4612], atol=5e-5)


# --- the chapter ---


def test_the_cells_show_what_the_boxes_claim(notebook):
    """The stored outputs hold the numbers of the errata list."""
    shown = {
        c.id: "".join(o.get("text", "") or o.get("data", {}).get("text/markdown", "") for o in c.outputs)
        for c in notebook.cells
        if c.cell_type == "code"
    }
    assert re.search(r"good +0\.3285 +0\.1643 +100%", shown["wrong-index"])
    assert re.search(r"always 1 +2e-12 +13\.82 +50%", shown["wrong-index"])
    assert "1.158 = 0.802 + 0.356 nats" in shown["entropy-static"]
    assert "0 but 0.802" in shown["entropy-answers"]
    assert re.search(r"float32: .*loss inf\n.*float64: .*loss 200\n.*float32: 200\n", shown["naive"], re.S)
    assert re.search(r" 10 +1\.4612 ", shown["floor-checked"])
