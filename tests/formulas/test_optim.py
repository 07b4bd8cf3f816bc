"""The update rules against torch at every step, and the facts a reader can check by hand."""

import ast
import inspect
from functools import partial

import numpy as np
import pytest
import torch

from losslab.formulas import optim
from losslab.formulas.trajectories import below_for_good, diverged_at, run

pytestmark = pytest.mark.trains

RULES = {
    "gd": (partial(optim.gd, lr=0.1), torch.optim.SGD, {"lr": 0.1}),
    "momentum": (partial(optim.momentum, lr=0.1, beta=0.8), torch.optim.SGD, {"lr": 0.1, "momentum": 0.8}),
    "ema_momentum": (
        partial(optim.ema_momentum, lr=0.1, beta=0.8),
        torch.optim.SGD,
        {"lr": 0.1 * (1 - 0.8), "momentum": 0.8},
    ),
    "velocity_momentum": (
        partial(optim.velocity_momentum, lr=0.1, beta=0.8),
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8},
    ),
    "rmsprop": (
        partial(optim.rmsprop, lr=0.1, rho=0.9, eps=1e-2),
        torch.optim.RMSprop,
        {"lr": 0.1, "alpha": 0.9, "eps": 1e-2},
    ),
    "adam": (
        partial(optim.adam, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-2),
        torch.optim.Adam,
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-2},
    ),
    "amsgrad": (
        partial(optim.amsgrad, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-2),
        torch.optim.Adam,
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-2, "amsgrad": True},
    ),
    "rmsprop, defaults": (partial(optim.rmsprop, lr=0.1), torch.optim.RMSprop, {"lr": 0.1}),
    "adam, defaults": (optim.adam, torch.optim.Adam, {}),
    "amsgrad, defaults": (optim.amsgrad, torch.optim.Adam, {"amsgrad": True}),
}
PUBLIC = [f for name, f in inspect.getmembers(optim, inspect.isfunction) if f.__module__ == optim.__name__]


@pytest.fixture
def gradients():
    """60 recorded gradients of 5 parameters over four orders of magnitude, some of them exactly 0."""
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(60, 5)) * np.array([1e-3, 1e-1, 1.0, 10.0, 1.0])
    gradients[::3, 4] = 0
    return gradients


def ours(rule, gradients, w0):
    w, memory, path = w0, (), [w0]
    for g in gradients:
        w, *memory = rule(w, g, *memory)
        path.append(w)
    return np.stack(path)


def theirs(optimizer, knobs, gradients, w0):
    w = torch.tensor(w0, dtype=torch.float64)
    stepper, path = optimizer([w], **knobs), [w0]
    for g in gradients:
        w.grad = torch.tensor(g)
        stepper.step()
        path.append(w.numpy().copy())
    return np.stack(path)


@pytest.mark.parametrize("name", RULES)
def test_every_step_is_torchs(name, gradients):
    rule, optimizer, knobs = RULES[name]
    w0 = np.array([3.0, -2.0, 1.0, 0.5, 4.0])
    np.testing.assert_allclose(
        ours(rule, gradients, w0), theirs(optimizer, knobs, gradients, w0), rtol=1e-10, atol=1e-13
    )


def test_the_table_has_every_rule():
    assert {f.__name__ for f in PUBLIC} == {name.partition(",")[0] for name in RULES}


@pytest.mark.parametrize("rule", PUBLIC, ids=lambda rule: rule.__name__)
def test_a_rule_fits_in_eight_lines(rule):
    body = ast.parse(inspect.getsource(rule)).body[0].body[1:]
    assert body[-1].end_lineno - body[0].lineno + 1 <= 8


@pytest.mark.parametrize("rule", PUBLIC, ids=lambda rule: rule.__name__)
def test_a_rule_changes_nothing_in_place(rule):
    w, g = np.ones(3), np.full(3, 2.0)
    state = rule(w, g, lr=0.1)
    before = [np.copy(part) for part in state]
    rule(state[0], g, *state[1:], lr=0.1)
    assert (w == 1).all()
    assert (g == 2).all()
    for part, kept in zip(state, before, strict=True):
        np.testing.assert_array_equal(part, kept)


@pytest.mark.parametrize("name", RULES)
def test_many_starts_are_one_at_a_time(name):
    """A batch axis of starts, and a whole axis of learning rates, change no run."""
    bound, _, _ = RULES[name]
    rule, knobs = getattr(bound, "func", bound), dict(getattr(bound, "keywords", {}))
    starts, rates = np.random.default_rng(1).normal(size=(4, 2)), np.array([0.01, 0.05, 0.1])
    curvature = np.array([1.0, 5.0])
    lr = rates[:, None, None]
    together = run(partial(rule, **{**knobs, "lr": lr}), lambda w: curvature * w, starts, 30)
    assert together.shape == (31, 3, 4, 2)
    for i, rate in enumerate(rates):
        for j, start in enumerate(starts):
            alone = run(partial(rule, **{**knobs, "lr": rate}), lambda w: curvature * w, start, 30)
            np.testing.assert_array_equal(together[:, i, j], alone)


@pytest.mark.parametrize("g", [-1e6, -1.0, -1e-3, 1e-3, 1.0, 1e6])
def test_adams_first_step_is_lr_times_the_sign(g):
    step = optim.adam(0.0, g, lr=0.01)[0]
    np.testing.assert_allclose(step, -0.01 * np.sign(g), rtol=2e-5)  # ε = 1e-8 against |g| ≥ 1e-3


def test_adams_averages_after_one_step_are_a_tenth_and_a_thousandth():
    _, m, v, t = optim.adam(0.0, 1.0)
    assert t == 1
    np.testing.assert_allclose([m, v], [0.1, 0.001], rtol=1e-12)


def test_momentum_without_beta_is_gradient_descent(gradients):
    w0 = np.ones(5)
    plain = ours(partial(optim.gd, lr=0.1), gradients, w0)
    for rule in (optim.momentum, optim.ema_momentum, optim.velocity_momentum):
        np.testing.assert_allclose(ours(partial(rule, lr=0.1, beta=0.0), gradients, w0), plain, rtol=1e-13)


def test_stable_exactly_below_two_times_one_plus_beta_over_curvature():
    """Gradient descent is β = 0: it converges iff lr < 2/k. 60 settings as one array, 20,000 steps."""
    beta, curvature, share = np.ix_((0.0, 0.3, 0.6, 0.9), (0.5, 8.0, 100.0), (0.1, 0.9, 0.999, 1.001, 1.1))
    lr = share * 2 * (1 + beta) / curvature
    path = run(partial(optim.momentum, lr=lr, beta=beta), lambda w: curvature * w, np.ones(lr.shape), 20_000)
    np.testing.assert_array_equal(
        below_for_good(np.abs(path), 1e-6) >= 0, np.broadcast_to(share < 1, lr.shape)
    )
    np.testing.assert_array_equal(
        diverged_at(path[..., None]) >= 0, np.broadcast_to(share > 1, lr.shape), err_msg="diverged"
    )


def test_gradient_descent_lands_in_one_step_at_one_over_curvature():
    np.testing.assert_allclose(run(partial(optim.gd, lr=1 / 8), lambda w: 8 * w - 12, 0.0, 1)[1], 1.5)


@pytest.mark.parametrize("rule", [optim.adam, optim.amsgrad, optim.rmsprop], ids=lambda rule: rule.__name__)
def test_the_unit_of_the_loss_does_not_matter(rule, gradients):
    """With ε = 0 a loss in other units gives the same path; gradient descent cares."""
    gradients, w0 = gradients[:, :4], np.zeros(4)  # the fifth column begins with 0
    bound = partial(rule, lr=0.1, eps=0.0)
    np.testing.assert_allclose(ours(bound, 1e4 * gradients, w0), ours(bound, gradients, w0), rtol=1e-9)
    plain = partial(optim.gd, lr=0.1)
    assert not np.allclose(ours(plain, 1e4 * gradients, w0), ours(plain, gradients, w0), rtol=0.5)


def test_rmsprops_first_step_is_too_long_by_the_missing_correction():
    step = optim.rmsprop(0.0, 5.0, lr=0.01, rho=0.99, eps=0.0)[0]
    np.testing.assert_allclose(step, -0.01 / 0.01**0.5)


def test_amsgrads_denominator_never_shrinks():
    _, _, v, v_max, t = optim.amsgrad(0.0, 10.0)
    _, _, fallen, kept, t = optim.amsgrad(0.0, 0.0, 0.0, v, v_max, t)
    assert fallen < v
    assert kept == v_max
    _, _, _, risen, t = optim.amsgrad(0.0, 20.0, 0.0, fallen, kept, t)
    assert risen > kept
    assert t == 3


@pytest.mark.parametrize("at", [0, 20])
def test_sutskevers_form_parts_when_the_rate_changes(at):
    """As the docstring says: α inside the velocity is torch's momentum only while α is constant."""
    rates = np.where(np.arange(40) < at, 0.1, 0.01)

    def walk(rule):
        w, memory = 1.0, ()
        for lr in rates:
            w, *memory = rule(w, 2 * w, *memory, lr=lr, beta=0.9)
        return w

    same = np.isclose(walk(optim.momentum), walk(optim.velocity_momentum), rtol=1e-9)
    assert same == (at == 0)
