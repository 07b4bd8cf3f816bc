"""The training loop against a plain one, its score, its refusals, and how it stops."""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from losslab.data import mnist, pixels
from losslab.learning import models, training

pytestmark = pytest.mark.trains


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks run faster and repeat better on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def small(seed=0, dropout=0.0):
    """A float64 classifier of 3 classes on 2 × 3 pixels."""
    torch.manual_seed(seed)
    layers = [nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3)]
    return nn.Sequential(*layers).double()


def problem(n=25):
    """Random images and labels that a linear rule explains, float64."""
    images = torch.randn(n, 2, 3, dtype=torch.float64, generator=seeded(7))
    return images, images.flatten(1)[:, :3].argmax(1)


def fit(model, images, labels, **knobs):
    return training.fit(model, images, labels, **{"epochs": 3, "batch_size": 10, "progress": False} | knobs)


def plain_loop(model, images, labels, *, epochs, batch_size, lr, schedule, generator):
    """What fit does, spelled out: indices, torch's plain Adam, one number fetched per step."""
    adam = torch.optim.Adam(model.parameters(), lr=lr, foreach=False, fused=False)
    n, losses = len(images), []
    steps = epochs * math.ceil(n / batch_size)
    for _ in range(epochs):
        order = torch.randperm(n, generator=generator)
        for start in range(0, n, batch_size):
            batch = order[start : start + batch_size]
            adam.param_groups[0]["lr"] = lr * schedule((len(losses) + 0.5) / steps)
            loss = -model(images[batch]).log_softmax(1)[range(len(batch)), labels[batch]].mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
    return losses


# --- the loop ---


@pytest.mark.parametrize("schedule", [training.constant, training.one_cycle])
@pytest.mark.parametrize("batch_size", [5, 7, 100])
def test_fit_is_the_plain_loop_at_every_step(schedule, batch_size):
    images, labels = problem()
    knobs = {"epochs": 4, "batch_size": batch_size, "lr": 0.02, "schedule": schedule}
    ours, plain = small(), small()
    history = fit(ours, images, labels, generator=seeded(1), **knobs)
    losses = plain_loop(plain, images, labels, generator=seeded(1), **knobs)
    np.testing.assert_allclose(history.steps, losses, rtol=1e-10)
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_fit_repeats_with_the_same_generator_and_not_with_another():
    images, labels = problem()
    histories = [fit(small(), images, labels, generator=seeded(s)) for s in (0, 0, 1)]
    assert histories[0].steps == histories[1].steps
    assert histories[0].steps != histories[2].steps


def test_fit_learns_real_digits():
    digits = mnist.load("sample")
    images = pixels.standardise(digits.train_images[:1000], *pixels.mean_std(digits.train_images))
    test = pixels.standardise(digits.test_images, *pixels.mean_std(digits.train_images))
    torch.manual_seed(0)
    net = models.Net()
    before = training.evaluate(net, test, digits.test_labels.long())
    history = training.fit(
        net, images, digits.train_labels[:1000].long(), epochs=5, generator=seeded(0), progress=False
    )
    after = training.evaluate(net, test, digits.test_labels.long())
    assert before.accuracy < 0.25
    assert after.accuracy > 0.8
    assert history.running[-1] < history.running[0] / 3


def test_running_loss_counts_every_image_once():
    images, labels = problem(25)
    history = fit(small(), images, labels, epochs=1, batch_size=10, lr=0.1)
    steps = np.array(history.steps)
    np.testing.assert_allclose(
        history.running, [(10 * steps[0] + 10 * steps[1] + 5 * steps[2]) / 25], rtol=1e-12
    )
    assert abs(history.running[0] - steps.mean()) > 1e-4


def test_watched_sets_are_scored_after_every_epoch():
    images, labels = problem()
    watch = {"train": (images, labels), "first ten": (images[:10], labels[:10])}
    history = fit(small(), images, labels, epochs=3, generator=seeded(0), watch=watch)
    assert list(history.scores) == ["train", "first ten"]
    for epochs in (1, 2, 3):
        shorter = small()
        fit(shorter, images, labels, epochs=epochs, generator=seeded(0))
        for name, (x, y) in watch.items():
            assert history.scores[name][epochs - 1] == training.evaluate(shorter, x, y)


def test_fit_leaves_the_data_alone_and_the_batches_are_a_permutation():
    images, labels = problem()
    copies = images.clone(), labels.clone()
    fit(small(), images, labels)
    torch.testing.assert_close((images, labels), copies, rtol=0, atol=0)
    x, y = zip(*training.shuffled(images, labels, 10, seeded(0)), strict=True)
    assert [len(part) for part in x] == [10, 10, 5]
    order = torch.randperm(25, generator=seeded(0))
    torch.testing.assert_close((torch.cat(x), torch.cat(y)), (images[order], labels[order]), rtol=0, atol=0)


def test_fit_waits_for_the_device_once_per_epoch(monkeypatch):
    images, labels = problem()
    calls = []
    for name in ("item", "tolist", "__float__", "__bool__", "cpu", "numpy"):
        method = getattr(torch.Tensor, name)

        def spy(self, *args, name=name, method=method, **kwargs):
            calls.append(name)
            return method(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, spy)
    fit(small(), images, labels, epochs=1, batch_size=25)
    few = len(calls)
    calls.clear()
    fit(small(), images, labels, epochs=1, batch_size=1)
    assert len(calls) == few
    assert calls.count("tolist") == 1


def test_fit_shows_a_bar_on_stdout_if_asked(capsys):
    images, labels = problem()
    fit(small(), images, labels, epochs=2, progress=True)
    shown = capsys.readouterr()
    assert "6/6" in shown.out
    assert shown.err == ""
    fit(small(), images, labels, progress=False)
    assert capsys.readouterr() == ("", "")


# --- what else fit can be asked for ---


def test_a_transform_makes_the_batches_and_draws_from_the_same_generator():
    images, labels = problem()
    seen = []

    def noisy(x, generator):
        seen.append(x)
        return x + torch.randn(x.shape, generator=generator, dtype=x.dtype)

    ours, plain = small(), small()
    history = fit(ours, images, labels, epochs=1, generator=seeded(0), transform=noisy, lr=0.01)
    draw, adam, losses = seeded(0), torch.optim.Adam(plain.parameters(), lr=0.01), []
    order = torch.randperm(25, generator=draw)
    for batch in order.split(10):
        x = images[batch] + torch.randn(images[batch].shape, generator=draw, dtype=torch.float64)
        adam.zero_grad()
        loss = cross_entropy(plain(x), labels[batch])
        loss.backward()
        adam.step()
        losses.append(loss.item())
    np.testing.assert_allclose(history.steps, losses, rtol=1e-10)
    assert torch.equal(torch.cat(seen), images[order])


def test_an_average_follows_the_weights_and_is_scored_in_their_place():
    images, labels = problem()
    ours, plain = small(), small()
    average = AveragedModel(ours, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    knobs = {"epochs": 4, "lr": 0.02, "generator": seeded(1)}
    history = fit(ours, images, labels, average=average, watch={"all": (images, labels)}, **knobs)
    mean, adam, draw = None, torch.optim.Adam(plain.parameters(), lr=0.02), seeded(1)
    for _ in range(4):
        for batch in torch.randperm(25, generator=draw).split(10):
            adam.zero_grad()
            cross_entropy(plain(images[batch]), labels[batch]).backward()
            adam.step()
            now = [p.detach().clone() for p in plain.parameters()]
            mean = now if mean is None else [0.9 * m + 0.1 * p for m, p in zip(mean, now, strict=True)]
    torch.testing.assert_close(list(average.module.parameters()), mean, rtol=1e-9, atol=1e-12)
    assert history.scores["all"][-1] == training.evaluate(average, images, labels)
    assert history.scores["all"][-1] != training.evaluate(ours, images, labels)


def noisy_validation(n=40):
    """A set on which training on `problem()` soon makes the loss worse: a third of its labels are wrong."""
    images = torch.randn(n, 2, 3, dtype=torch.float64, generator=seeded(3))
    labels = images.flatten(1)[:, :3].argmax(1)
    labels[: n // 3] = (labels[: n // 3] + 1) % 3
    return images, labels


@pytest.mark.parametrize("what", ["loss", "accuracy"])
@pytest.mark.parametrize("averaged", [False, True])
def test_the_best_weights_are_kept(what, averaged):
    images, labels = problem()
    watch = {"train": (images, labels), "validation": noisy_validation()}
    ours = small()
    average = AveragedModel(ours, multi_avg_fn=get_ema_multi_avg_fn(0.5)) if averaged else None
    knobs = {"epochs": 30, "lr": 0.05, "generator": seeded(0), "watch": watch}
    history = fit(ours, images, labels, keep=("validation", what), average=average, **knobs)
    values = [getattr(score, what) for score in history.scores["validation"]]
    best = min(values) if what == "loss" else max(values)
    assert best != values[-1], "the last epoch must not be the best, or this shows nothing"
    assert values[history.best("validation", what)] == best
    kept = training.evaluate(average or ours, *watch["validation"])
    assert getattr(kept, what) == best


def test_it_stops_when_the_watched_score_has_not_improved_for_patience_epochs():
    images, labels = problem()
    watch = {"validation": noisy_validation()}
    knobs = {"epochs": 60, "lr": 0.05, "watch": watch, "keep": ("validation", "loss")}
    whole = fit(small(), images, labels, generator=seeded(0), **knobs)
    short = fit(small(), images, labels, generator=seeded(0), patience=3, **knobs)
    losses = [score.loss for score in whole.scores["validation"]]
    end = next(k for k in range(60) if k - losses.index(min(losses[: k + 1])) == 3) + 1
    assert len(short.running) == end < 60
    assert short.steps == whole.steps[: len(short.steps)]


def test_another_loop_takes_the_steps_and_sees_the_rates_of_its_epoch():
    images, labels = problem()
    seen = []

    def loop(model, optimizer, batches, rates, bar):
        seen.append(rates[:3])
        return training.train_epoch(model, optimizer, batches, rates, bar)

    knobs = {"epochs": 2, "lr": 0.1, "schedule": training.one_cycle}
    history = fit(small(), images, labels, loop=loop, generator=seeded(0), **knobs)
    assert history == fit(small(), images, labels, generator=seeded(0), **knobs)
    np.testing.assert_allclose(
        np.concatenate(seen), [0.1 * training.one_cycle((t + 0.5) / 6) for t in range(6)], rtol=1e-12
    )


@pytest.mark.parametrize(
    "optimizer", [torch.optim.SGD, partial(torch.optim.AdamW, weight_decay=0.5)], ids=["SGD", "AdamW"]
)
@pytest.mark.parametrize("loss", [cross_entropy, nn.MultiMarginLoss(margin=0.5)])
def test_another_loss_and_optimizer_take_torchs_own_steps(optimizer, loss):
    images, labels = problem()
    ours, theirs = small(), small()
    knobs = {"epochs": 2, "lr": 0.1, "batch_size": len(images)}
    history = fit(ours, images, labels, optimizer=optimizer, loss=loss, **knobs)
    built, losses = optimizer(theirs.parameters(), lr=0.1), []
    for _ in range(2):
        built.zero_grad()
        before = loss(theirs(images), labels)
        before.backward()
        built.step()
        losses.append(before.item())
    np.testing.assert_allclose(history.steps, losses, rtol=1e-5)
    torch.testing.assert_close([*ours.parameters()], [*theirs.parameters()])


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"optimizer": torch.optim.SGD(small().parameters(), lr=1)}, "such as torch.optim.SGD or .* got SGD"),
        ({"optimizer": "adam"}, "optimizer must make one from parameters and lr=, .* got 'adam'"),
        ({"optimizer": lambda parameters, lr: 3}, "optimizer must make a torch optimiser, got 3 from"),
        ({"loss": nn.CrossEntropyLoss}, r"such as nn.CrossEntropyLoss\(\), got <class"),
        ({"loss": 0.5}, "loss must take logits and labels, .* got 0.5"),
    ],
)
def test_what_is_no_loss_or_optimizer_is_refused(knobs, words):
    with pytest.raises(TypeError, match=words):
        fit(small(), *problem(), **knobs)


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"keep": ("test", "loss")}, r"a watched set and .* got \('test', 'loss'\) of \['validation'\]"),
        ({"keep": ("validation", "error")}, '"loss" or "accuracy", got'),
        ({"patience": 3}, "patience needs keep: which score is to improve within 3 epochs"),
    ],
)
def test_what_cannot_be_kept_is_refused(knobs, words):
    with pytest.raises(ValueError, match=words):
        fit(small(), *problem(), watch={"validation": problem()}, **knobs)


# --- dropout: training mode in training, evaluation mode in scoring ---


def test_fit_trains_in_training_mode_whatever_mode_it_finds():
    images, labels = problem()
    torch.manual_seed(0)
    steps = [
        fit(small(dropout=0.5).train(mode), images, labels, generator=seeded(0)).steps
        for mode in (True, False)
    ]
    assert steps[0] == steps[1]
    assert steps[0] != fit(small(), images, labels, generator=seeded(0)).steps


@pytest.mark.parametrize("mode", [True, False])
def test_evaluate_switches_dropout_off_and_puts_the_mode_back(mode):
    images, labels = problem()
    model = small(dropout=0.5).train(mode)
    assert training.evaluate(model, images, labels) == training.evaluate(small(), images, labels)
    assert model.training is mode
    with pytest.raises(RuntimeError):
        training.predict(model, images[:, :1])
    assert model.training is mode


# --- scores ---


def test_evaluate_is_mean_cross_entropy_and_share_of_right_answers():
    images, labels = problem()
    model = small()
    logits = model(images)
    score = training.evaluate(model, images, labels)
    np.testing.assert_allclose(score.loss, cross_entropy(logits, labels).item(), rtol=1e-12)
    assert score.accuracy == pytest.approx(np.mean(logits.detach().numpy().argmax(1) == labels.numpy()))
    assert score.count == 25


def test_predict_needs_no_gradient_and_does_not_depend_on_the_chunks():
    images, _ = problem()
    model = small()
    logits = training.predict(model, images, chunk=4)
    assert not logits.requires_grad
    torch.testing.assert_close(logits, model(images).detach(), rtol=1e-12, atol=0)


# --- scaling ---


def test_mean_std_are_those_of_the_pixels():
    images = mnist.load("sample").train_images
    greys = images.numpy() / 255
    np.testing.assert_allclose(pixels.mean_std(images), (greys.mean(), greys.std()), rtol=1e-12)


def test_standardise_gives_mean_0_and_deviation_1():
    images = mnist.load("sample").train_images
    scaled = pixels.standardise(images, *pixels.mean_std(images))
    assert scaled.dtype == torch.float32
    np.testing.assert_allclose((scaled.double().mean(), scaled.double().std()), (0, 1), atol=1e-6)


def test_standardise_gives_torchvisions_tensors_to_the_last_bit():
    from torchvision import transforms

    images = mnist.load("sample").train_images[:50]
    chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    theirs = torch.cat([chain(image.numpy()) for image in images])
    torch.testing.assert_close(pixels.standardise(images, 0.1307, 0.3081), theirs, rtol=0, atol=0)


def test_standardise_refuses_scaled_images_and_no_spread():
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    with pytest.raises(TypeError, match=r"uint8 pixels, got torch.float32: standardised before\?"):
        pixels.standardise(pixels.standardise(images, 0.5, 0.5), 0.5, 0.5)
    with pytest.raises(ValueError, match="std must be positive, got 0.5 and 0"):
        pixels.standardise(images, 0.5, 0)


# --- schedules ---


def test_one_cycle_rises_to_1_then_falls_to_0():
    factors = [training.one_cycle(k / 100) for k in range(101)]
    assert (factors[0], factors[30], factors[100]) == pytest.approx((0, 1, 0))
    assert all(np.diff(factors[:31]) > 0)
    assert all(np.diff(factors[30:]) < 0)


# --- refusals ---

IMAGES, LABELS = problem()


@pytest.mark.parametrize(
    ("images", "labels", "error", "words"),
    [
        (IMAGES.byte(), LABELS, TypeError, r"floating point \(see pixels.standardise\), got torch.uint8"),
        (
            IMAGES,
            LABELS.byte(),
            ValueError,
            r"int64, one per image, got \(25,\) torch.uint8 for images of shape \(25, 2, 3\)",
        ),
        (IMAGES, LABELS[:24], ValueError, r"one per image, got \(24,\) torch.int64"),
        (IMAGES, nn.functional.one_hot(LABELS), ValueError, r"one per image, got \(25, 3\)"),
        (IMAGES[:0], LABELS[:0], ValueError, r"one per image, got \(0,\)"),
        (IMAGES, LABELS + 1, ValueError, "lie in 0 … 2, got 1 … 3"),
        (IMAGES, LABELS - 1, ValueError, "lie in 0 … 2, got -1 … 1"),
        (IMAGES.to("meta"), LABELS, ValueError, "share a device, got cpu, meta, cpu"),
        (IMAGES.where(IMAGES < 1, math.nan), LABELS, ValueError, "images must be finite"),
        (IMAGES[:, :1], LABELS, RuntimeError, "shapes cannot be multiplied"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("use", ["trained on", "watched", "evaluated"])
def test_data_that_do_not_fit_are_refused_before_anything_is_changed(images, labels, error, words, use):
    model = small()
    before = [p.detach().clone() for p in model.parameters()]
    calls = {
        "trained on": lambda: fit(model, images, labels),
        "watched": lambda: fit(model, IMAGES, LABELS, watch={"validation": (images, labels)}),
        "evaluated": lambda: training.evaluate(model, images, labels),
    }
    with pytest.raises(error, match=words):
        calls[use]()
    torch.testing.assert_close(list(model.parameters()), before, rtol=0, atol=0)
    assert model.training


# --- divergence ---


@pytest.mark.parametrize(("lr", "loss"), [(1e4, r"\d\.\d\de\+\d\d"), (1e200, "nan|inf")])
def test_a_training_that_diverges_stops_and_names_step_and_cause(lr, loss):
    images, labels = problem()
    words = f"the loss was ({loss}) at step 2 of 9: the learning rate, {re.escape(f'{lr:.3g}')}, is probably"
    with pytest.raises(FloatingPointError, match=words):
        fit(small(), images, labels, lr=lr)


def test_the_rate_that_is_named_is_the_one_before_the_explosion():
    def once(progress):
        return 1e6 if 5 / 9 < progress < 6 / 9 else 1e-6  # the sixth of nine steps

    images, labels = problem()
    with pytest.raises(FloatingPointError, match=r"at step 7 of 9: the learning rate, 1e\+06, is probably"):
        fit(small(), images, labels, lr=1, schedule=once)


def test_broken_weights_are_not_blamed_on_the_learning_rate():
    images, labels = problem()
    model = small()
    with torch.no_grad():
        model[1].weight[0, 0] = math.nan
    with pytest.raises(
        FloatingPointError, match="the loss was nan at step 1 of 9: no step was taken before it"
    ):
        fit(model, images, labels)


def test_a_bad_start_is_no_explosion():
    images, labels = problem()
    model = small()
    with torch.no_grad():
        model[4].weight.mul_(300)
    history = fit(model, images, labels, lr=0.01)
    assert max(history.steps) > 10


def test_a_last_step_that_breaks_the_weights_is_seen_in_the_watched_loss():
    def last(progress):
        return 1e300 if progress > 8 / 9 else 1e-3

    watch = {"validation": problem()}
    words = (
        r"the loss of 'validation' was (nan|inf) after step 9 of 9: the learning rate, 1e\+300, is probably"
    )
    with pytest.raises(FloatingPointError, match=words):
        fit(small(), *problem(), lr=1.0, schedule=last, watch=watch)


class Greedy(nn.Module):
    """Runs out of memory on more than eight images, as a GPU would."""

    def __init__(self):
        super().__init__()
        self.net = small()

    def forward(self, x):
        if self.training and len(x) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return self.net(x)


def test_out_of_memory_suggests_batches_until_one_fits():
    for batch_size, half in ((25, 12), (12, 6)):
        words = rf"a batch of {batch_size} does not fit into .* left on cpu: try batch_size={half}$"
        with pytest.raises(torch.OutOfMemoryError, match=words) as caught:
            fit(Greedy(), *problem(), batch_size=batch_size)
        assert "20.00 GiB" in str(caught.value.__cause__)
    fit(Greedy(), *problem(), batch_size=half)


def test_one_image_that_does_not_fit_is_no_matter_of_the_batch():
    with pytest.raises(torch.OutOfMemoryError, match="a batch of 1 does not fit .*: try a smaller network"):
        fit(nn.Sequential(Wasteful(), small()), *problem(), batch_size=1)


class Wasteful(nn.Module):
    def forward(self, x):
        if self.training:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return x
