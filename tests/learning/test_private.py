"""DP-SGD: every example's gradient, clipped, blurred and drawn as the paper says; the account is opacus'."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from losslab.formulas import privacy
from losslab.learning import models, private

pytestmark = pytest.mark.trains

X = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)
RNG = np.random.default_rng(0)


def net(seed=0):
    def build():
        return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))

    return models.initialised(build, torch.Generator().manual_seed(seed)).double()


def flat(tensors):
    return torch.cat([one.reshape(-1) for one in tensors])


def test_each_gradient_is_that_of_the_example_alone():
    model, x = net(), X.double()
    found = private.gradients(model, x, Y)
    for k in range(len(x)):
        model.zero_grad()
        cross_entropy(model(x[k : k + 1]), Y[k : k + 1]).backward()
        for name, p in model.named_parameters():
            torch.testing.assert_close(found[name][k], p.grad, rtol=1e-10, atol=1e-12)


def test_without_noise_and_bound_it_is_a_step_of_gradient_descent():
    model, other, x = net(), net(), X.double()
    knobs = {"lr": 0.3, "clip": 1e9, "noise": 0.0, "batch": len(x)}
    private.step(model, x, Y, **knobs, generator=torch.Generator())
    cross_entropy(other(x), Y).backward()
    torch.optim.SGD(other.parameters(), 0.3).step()
    torch.testing.assert_close(flat(model.parameters()), flat(other.parameters()), rtol=1e-10, atol=1e-12)


def test_one_example_moves_the_weights_by_lr_times_the_bound_over_the_batch_at_most():
    x, moved = 100 * X.double(), []
    for rows in (slice(None), slice(1, None)):
        model = net()
        knobs = {"lr": 0.3, "clip": 0.05, "noise": 0.0, "batch": 10}
        private.step(model, x[rows], Y[rows], **knobs, generator=torch.Generator())
        moved.append(flat(model.parameters()))
    assert 0 < (moved[0] - moved[1]).norm() <= 0.3 * 0.05 / 10 * (1 + 1e-9)


def test_the_step_is_the_formula():
    model, x = net(), X.double()
    g = torch.cat([one.flatten(1) for one in private.gradients(model, x, Y).values()], 1).numpy()
    want = flat(model.parameters()).detach().numpy() - 0.3 * privacy.noisy_mean(g, 0.4, 0.0, 20, RNG)
    private.step(model, x, Y, lr=0.3, clip=0.4, noise=0.0, batch=20, generator=torch.Generator())
    np.testing.assert_allclose(flat(model.parameters()).detach(), want, rtol=1e-12)


def test_the_noise_has_the_deviation_that_is_said_even_if_nobody_was_drawn():
    model, moves = net(), []
    generator = torch.Generator().manual_seed(0)
    before = flat(model.parameters()).detach().clone()
    for _ in range(400):
        private.step(model, X[:0].double(), Y[:0], lr=0.5, clip=0.2, noise=3.0, batch=8, generator=generator)
        after = flat(model.parameters()).detach().clone()
        moves.append(after - before)
        before = after
    moves = torch.stack(moves)
    assert moves.std().item() == pytest.approx(0.5 * 3.0 * 0.2 / 8, rel=0.02)
    assert abs(moves.mean().item()) < 4 * 0.5 * 3.0 * 0.2 / 8 / moves.numel() ** 0.5


def test_every_example_is_drawn_with_the_same_probability(monkeypatch):
    drawn = []
    monkeypatch.setattr(private, "step", lambda model, x, y, **knobs: drawn.append(x[:, 0].tolist()))
    rows = torch.arange(20.0)[:, None]
    knobs = {"lr": 1, "clip": 1, "noise": 1, "generator": torch.Generator().manual_seed(0)}
    private.fit(None, rows, torch.zeros(20), steps=2000, batch=5, **knobs)
    counts = np.bincount(np.concatenate(drawn).astype(int), minlength=20)
    np.testing.assert_allclose(counts / 2000, 0.25, atol=0.05)
    assert len({len(one) for one in drawn}) > 5, "how many are drawn differs from step to step"


def test_it_learns_and_moves_no_global_generator():
    model, state = net().float(), torch.get_rng_state()
    knobs = {"steps": 200, "batch": 15, "lr": 1.0, "clip": 1.0, "noise": 0.1}
    private.fit(model, X, Y, **knobs, generator=torch.Generator().manual_seed(0))
    assert (model(X).argmax(1) == Y).float().mean() > 0.9
    assert torch.equal(torch.get_rng_state(), state)


def test_a_batch_is_no_larger_than_what_there_is():
    with pytest.raises(ValueError, match="at most the number of examples, 30, got 31"):
        private.fit(net(), X, Y, steps=1, batch=31, lr=1, clip=1, noise=1, generator=torch.Generator())


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0, 10.0, 50.0])
def test_what_is_spent_is_what_was_asked_for(epsilon):
    course = {"rate": 64 / 800, "steps": 500}
    noise = private.noise_for(epsilon, 1e-3, **course)
    assert epsilon - 0.011 <= private.spent(noise, 1e-3, **course) <= epsilon


def test_opacus_accounts_for_its_own_steps_as_we_ask_it_to():
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    for _ in range(50):
        accountant.step(noise_multiplier=1.1, sample_rate=0.1)
    spent = private.spent(1.1, 1e-3, rate=0.1, steps=50)
    assert accountant.get_epsilon(1e-3, alphas=private.ORDERS) == pytest.approx(spent)


def test_more_noise_fewer_steps_and_fewer_draws_spend_less():
    base = private.spent(1.0, 1e-3, rate=0.1, steps=100)
    assert private.spent(2.0, 1e-3, rate=0.1, steps=100) < base
    assert private.spent(1.0, 1e-3, rate=0.1, steps=50) < base
    assert private.spent(1.0, 1e-3, rate=0.05, steps=100) < base
