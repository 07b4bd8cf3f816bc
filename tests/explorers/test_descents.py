"""The explorers of chapter 5 that take one idea each, against another way of computing it."""

import numpy as np
import pytest
import torch

from losslab.explorers.views import bowl, denominator, eigenvalues, noise
from losslab.formulas import optim, surfaces, trajectories

pytestmark = pytest.mark.trains


def drawn(view, key, panel):
    """The points of a series at the only position there is."""
    (found,) = [series for series in view.series if (series.key, series.panel) == (key, panel)]
    return found.points[0, 0]


# --- bowl ---


def in_a_bowl(lr, curvature):
    return bowl.compute(np.array([[lr]]), np.array([[curvature]]))


@pytest.mark.parametrize(("lr", "curvature"), [(0.2, 1.0), (0.9, 2.0), (0.3, 4.0)])
def test_gd_in_a_bowl_is_a_power_of_its_factor(lr, curvature):
    view, t = in_a_bowl(lr, curvature), np.arange(31)
    w = (1 - lr * curvature) ** t
    np.testing.assert_allclose(drawn(view, "GD", 1), np.stack([t, w], -1), rtol=1e-9)
    np.testing.assert_allclose(drawn(view, "GD", 0), np.stack([w, curvature / 2 * w**2], -1), rtol=1e-9)


def test_the_path_stays_on_the_parabola():
    view = in_a_bowl(0.9, 2.0)
    w, loss = drawn(view, "Loss", 0).T
    path = drawn(view, "GD", 0)
    np.testing.assert_allclose(np.interp(path[:, 0], w, loss), path[:, 1], atol=1e-3)


@pytest.mark.parametrize(
    ("lr", "curvature", "said"),
    [
        (0.2, 1.0, "1 − αλ = 0.8: it shrinks. The limit is α = 2/λ = 2. After 30 steps |w| is 0.0012 times"),
        (
            0.5,
            2.0,
            "= 0: it lands in the minimum at once. The limit is α = 2/λ = 1. After 30 steps |w| is 0 ",
        ),
        (0.9, 2.0, "= -0.8: it shrinks and changes its sign at every step. The limit is α = 2/λ = 1."),
        (1.0, 2.0, "= -1: it changes its sign for ever and gets no smaller."),
        (1.1, 2.0, "= -1.2: it grows."),
    ],
)
def test_the_bowl_says_the_factor_and_the_limit(lr, curvature, said):
    assert said in in_a_bowl(lr, curvature).sentence()


def test_the_bowl_says_where_the_run_stands_at_a_step():
    assert in_a_bowl(0.2, 1.0).sentence(step=2).endswith("After 2 steps |w| is 0.64 times its start.")


def test_a_run_that_grows_leaves_the_bowl():
    (ends,) = {int(s.ends[0, 0]) for s in in_a_bowl(1.5, 2.0).series if s.key == "GD"}
    assert 2.0 ** (ends - 1) <= 10 < 2.0**ends, "the factor is −2"


# --- eigenvalues ---


def step_matrix(rate, beta):
    """M of momentum on a bowl with λ = 1, which takes (w, u) one step on."""
    return np.array([[1 - rate, -rate * beta], [1, beta]])


def with_momentum(rate, beta):
    return eigenvalues.compute(np.array([[rate]]), np.array([[beta]]))


SETTINGS = [(0.1, 0.9), (0.05, 0.3), (2.5, 0.9), (2.3, 0.2), (2.5, 0.0), (3.9, 0.9), (0.001, 0.99)]


@pytest.mark.parametrize(("rate", "beta"), SETTINGS)
def test_the_dots_are_the_eigenvalues_of_the_step_matrix(rate, beta):
    dots = [s.points[0, 0, 0] for s in with_momentum(rate, beta).series if s.key == "Eigenvalue"]
    found = np.sort_complex([complex(*dot) for dot in dots])
    expected = np.sort_complex(np.linalg.eigvals(step_matrix(rate, beta)).astype(complex))
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize(("rate", "beta"), SETTINGS)
def test_the_path_is_made_by_the_step_matrix_and_its_pace_is_the_spectral_radius(rate, beta):
    view, M = with_momentum(rate, beta), step_matrix(rate, beta)
    states = np.array([np.linalg.matrix_power(M, t) @ (1.0, 0.0) for t in range(61)])
    np.testing.assert_allclose(drawn(view, "Momentum", 1)[:, 1], states[:, 0], rtol=1e-7, atol=1e-9)
    up, down = (s.points[0, 0, :, 1] for s in view.series if s.key == "Pace")
    radius = np.abs(np.linalg.eigvals(M)).max()
    np.testing.assert_allclose((up, -down), [radius ** np.arange(61)] * 2, rtol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9, 0.99])
def test_the_track_leads_through_the_eigenvalues_of_every_rate(beta):
    branches = [s.points[0, 0] for s in with_momentum(0.1, beta).series if s.key == "Track"]
    fine, at = np.linspace(0, 1, 20_001), np.linspace(0, 1, len(branches[0]))
    track = np.concatenate([np.stack([np.interp(fine, at, x) for x in one.T], -1) for one in branches])
    for rate in np.linspace(0.001, 4.2, 30):
        for r in np.linalg.eigvals(step_matrix(rate, beta)).astype(complex):
            assert np.hypot(*(track - (r.real, r.imag)).T).min() < 0.01
    assert np.hypot(*(track - (-(beta**0.5), 0)).T).min() < 1e-3, "where the two meet"


@pytest.mark.parametrize(
    ("rate", "beta", "said"),
    [
        (
            0.1,
            0.9,
            "r = 0.900 ± 0.300 i, so ρ = 0.949: w swings and shrinks. The limit is αλ = 2(1 + β) = 3.8.",
        ),
        (0.3, 0.0, "r = 0.700 and 0.000, so ρ = 0.700: w shrinks without swinging. The limit is αλ = 2(1"),
        (1.5, 0.0, "r = 0.000 and -0.500, so ρ = 0.500: w changes its sign at every step and shrinks."),
        (3.8, 0.9, "r = -0.900 and -1.000, so ρ = 1.000: w gets no smaller."),
        (3.9, 0.9, "so ρ = 1.316: w grows."),
    ],
)
def test_the_sentence_names_both_eigenvalues_and_what_they_do(rate, beta, said):
    assert said in with_momentum(rate, beta).sentence()


def test_what_the_sentence_says_is_what_the_path_does():
    rate, beta = (slider.values for slider in eigenvalues.SLIDERS)
    view = eigenvalues.compute(rate[:, None], beta[None])
    texts = view.said("en")[0].ravel()
    (w,) = (s.points[..., 1].reshape(len(texts), -1) for s in view.series if s.key == "Momentum")
    turns = (w[:, 1:] * w[:, :-1] < 0).sum(-1)
    assert not turns[["without swinging" in text for text in texts]].any()
    assert (turns[["every step" in text for text in texts]] == eigenvalues.STEPS).all()
    grows = ["w grows" in text for text in texts]
    np.testing.assert_array_equal(grows, (rate[:, None] > 2 * (1 + beta)).ravel())


# --- noise ---


def with_noise(lr, batch):
    return noise.compute(np.array([[lr]]), np.array([[batch]]))


def second_moment(rates, batch):
    """E ½|w|² after every step, by the recursion for the second moment."""
    second, losses = 1.6**2 + 0.9**2, []
    for rate in rates:
        losses.append(second / 2)
        second = (1 - rate) ** 2 * second + rate**2 * noise.SIGMA**2 / batch
    return np.array(losses)


@pytest.mark.parametrize(("lr", "batch"), [(0.1, 10), (0.5, 1), (1.5, 50), (0.03, 500)])
def test_the_means_are_those_of_theory(lr, batch):
    view, t = with_noise(lr, batch), np.arange(1001)
    for key, rates in {"Constant rate": 0 * t + lr, "Decaying rate": lr / (1 + t / 100)}.items():
        steps, losses = drawn(view, key, 1).T
        np.testing.assert_array_equal(steps, t[::10])
        np.testing.assert_allclose(losses, second_moment(rates, batch)[::10], rtol=0.3)
    assert drawn(view, "Floor", 1)[:, 1] == pytest.approx(second_moment(0 * t + lr, batch)[-1], rel=1e-6)


@pytest.mark.parametrize("lr", [0.02, 0.1, 0.5, 1.5])
def test_the_measured_floor_is_within_a_twentieth_of_the_computed_one(lr):
    steps, losses = drawn(with_noise(lr, 1), "Constant rate", 1).T
    assert losses[steps > 600].mean() == pytest.approx(noise.floor(lr, 1), rel=0.05)


@pytest.mark.parametrize(("lr", "batch"), [(0.1, 1), (0.3, 20)])
def test_one_run_is_sgd_with_the_recorded_noise_of_its_batch(lr, batch):
    xi = np.random.default_rng(0).normal(0, 2 / 2**0.5, (1000, 200, 2))[:, 0] / batch**0.5
    for key, decay in (("One run", np.inf), ("Decaying rate", 100)):
        w, path = np.array((-1.6, 0.9)), []
        for t in range(1000):
            path.append(w)
            w = w - lr / (1 + t / decay) * (w + xi[t])
        path = np.array([*path, w])[::10]
        view = with_noise(lr, batch)
        np.testing.assert_allclose(drawn(view, key, 0), path, atol=1e-9)
    losses = drawn(view, "One run", 1)[:, 1]
    np.testing.assert_allclose(losses, (drawn(view, "One run", 0) ** 2).sum(-1) / 2)


def test_the_sentence_says_both_floors_the_decaying_rate_and_the_price():
    said = with_noise(0.1, 10).sentence()
    assert "the loss stays near 0.01" in said
    assert "ασ²/(2B(2 − α)) = 0.011." in said, "0.1 · 4/(20 · 1.9)"
    assert "The price of a run: 10,000 gradients." in said
    end = float(said.split("it ends at ")[1].split(". ")[0])
    assert end == pytest.approx(drawn(with_noise(0.1, 10), "Decaying rate", 1)[-1, 1], rel=0.05)


def test_a_small_rate_that_decays_comes_too_late():
    ends = {key: drawn(with_noise(0.01, 10), key, 1)[-1, 1] for key in ("Constant rate", "Decaying rate")}
    assert ends["Decaying rate"] > 5 * ends["Constant rate"]


def test_the_mean_is_that_of_200_runs_one_by_one():
    xi = np.random.default_rng(0).normal(0, 2 / 2**0.5, (1000, 200, 2)) / 5**0.5
    w, losses = np.tile((-1.6, 0.9), (200, 1)), []
    for t in range(1000):
        losses.append((w**2).sum(-1).mean() / 2)
        w = w - 0.2 * (w + xi[t])
    np.testing.assert_allclose(drawn(with_noise(0.2, 5), "Constant rate", 1)[:-1, 1], losses[::10])


# --- denominator ---


def divided_by(beta2, eps):
    return denominator.compute(np.array([[beta2]]), np.array([[eps]]))


@pytest.mark.parametrize(("beta2", "eps"), [(0.999, 1e-8), (0.99, 1e-12), (0.9999, 0.1), (0.999, 10.0)])
def test_the_path_is_the_one_of_torchs_adam(beta2, eps):
    w = torch.tensor((-1.6, 0.9), dtype=torch.float64)
    adam, path, rates = torch.optim.Adam([w], lr=0.03, betas=(0.9, beta2), eps=eps), [], []
    for t in range(1, 302):
        path.append(w.numpy().copy())
        w.grad = w * torch.tensor([1.0, 20.0])
        adam.step()
        rates.append((0.03 / ((adam.state[w]["exp_avg_sq"] / (1 - beta2**t)) ** 0.5 + eps)).numpy())
    path, view = np.array(path), divided_by(beta2, eps)
    np.testing.assert_allclose(drawn(view, "Adam", 0)[:31], path[::10], rtol=1e-6, atol=1e-12)
    losses = surfaces.SURFACES["ravine"].value(path)[::10]
    np.testing.assert_allclose(drawn(view, "Adam", 1)[:31, 1], losses, rtol=1e-5, atol=1e-20)
    for k, key in enumerate(("Rate of w1", "Rate of w2")):
        np.testing.assert_allclose(drawn(view, key, 2)[:31, 1], np.array(rates)[::10, k], rtol=1e-6)


def test_above_its_limit_the_effective_rate_diverges():
    for curvature, limit in zip((1.0, 20.0), denominator.LIMITS, strict=True):
        rate = limit * np.array([0.98, 1.02])
        rule = lambda w, g, u=0.0, rate=rate: optim.ema_momentum(w, g, u, lr=rate, beta=0.9)  # noqa: E731
        low, high = np.abs(trajectories.run(rule, lambda w, c=curvature: c * w, 1.0, 1500)[-1])
        assert low < 1e-3 < 1e3 < high


def end(beta2, eps):
    """The highest loss, and both rates in the middle, over the last fifth of the points that are drawn."""
    view = divided_by(beta2, eps)
    rates = [np.median(drawn(view, key, 2)[80:, 1]) for key in ("Rate of w1", "Rate of w2")]
    return drawn(view, "Adam", 1)[80:, 1].max(), np.array(rates)


def test_a_short_memory_lets_the_rate_grow_to_its_limit_and_the_path_cycle():
    high, rates = end(0.9, 1e-8)
    assert 1e-7 < high < 1e-3
    assert (rates > 0.7 * denominator.LIMITS).all()
    assert (rates < 1.1 * denominator.LIMITS).all()
    high, rates = end(0.999, 1e-8)
    assert high < 1e-20
    assert (rates < 0.02 * denominator.LIMITS).all()


def test_a_large_epsilon_makes_adam_momentum_with_one_rate_for_both():
    _, rates = end(0.9, 10.0)
    np.testing.assert_allclose(rates, 0.03 / 10, rtol=0.05)


def test_the_sentence_says_losses_and_rates():
    said = divided_by(0.9, 10.0).sentence()
    assert said.endswith("is about 0.003 for w₁ (limit 38) and 0.003 for w₂ (limit 1.9).")
    view = divided_by(0.9, 10.0)
    low, high = (float(word.rstrip(".")) for word in (said.split()[9], said.split()[11]))
    assert (low, high) == pytest.approx(drawn(view, "Adam", 1)[[100, 90], 1], rel=0.4)
