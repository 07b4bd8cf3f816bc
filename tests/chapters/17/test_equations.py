"""Every numbered equation of chapter 17 as it stands in the notebook, against our code and torch."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from losslab.formulas import compression, costs, privacy
from losslab.learning import adapters, models, private

pytestmark = pytest.mark.trains


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_equation_17_1_a_row_of_whole_steps(bits, written):
    assert written["17.1"] == (
        r"\Delta = \frac{\max_j |w_j|}{2^{b_{\text{bits}} - 1} - 1}, \qquad "
        r"\hat w_j = \Delta \cdot \operatorname{round}\!\left(\frac{w_j}{\Delta}\right)"
    )
    w = np.random.default_rng(0).normal(size=50)
    step = np.abs(w).max() / (2 ** (bits - 1) - 1)
    w_hat = step * np.round(w / step)
    np.testing.assert_allclose(compression.quantise(w, bits), w_hat, rtol=1e-12)
    assert np.abs(w_hat - w).max() <= step / 2 * (1 + 1e-12)
    assert len(np.unique(np.round(w_hat / step))) <= 2**bits - 1


def test_equation_17_1_by_hand():
    np.testing.assert_allclose(
        compression.quantise(np.array([0.7, -0.2, 0.1]), 3), [0.7, -0.7 / 3, 0], atol=1e-12
    )


def test_equation_17_2_fitted_loss(written):
    assert written["17.2"] == r"\mathcal{L}(P, D) = 1.69 + \frac{406.4}{P^{0.34}} + \frac{410.7}{D^{0.28}}"
    P, D = 70e9, 1.4e12
    assert costs.fitted_loss(P, D) == pytest.approx(1.69 + 406.4 / P**0.34 + 410.7 / D**0.28, rel=1e-12)
    first, second = (round(number) for number in (10 ** (10 * 0.34), 10 ** (11 * 0.28)))
    assert (first, second) == (2512, 1202)
    assert [round(406.4 / first, 2), round(410.7 / second, 2)] == [0.16, 0.34]


def test_equation_17_2_has_a_smaller_best_size_than_gpt3():
    sizes = np.geomspace(1e9, 1e12, 601)
    best = sizes[costs.fitted_loss(sizes, 3.14e23 / (6 * sizes)).argmin()]
    assert 5 < costs.PARAMETERS["GPT-3"] / best < 10


def test_equation_17_3_is_the_cross_entropy_of_cosines(written):
    assert written["17.3"] == r"\ell_i = -\ln \frac{e^{\cos_{ii} / T}}{\sum_j e^{\cos_{ij} / T}}"
    pictures, sentences = torch.randn(
        2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    cos = nn.functional.cosine_similarity(pictures[:, None], sentences[None], dim=2)
    T, right = 0.07, torch.arange(6)
    loss = -torch.log(torch.exp(cos.diagonal() / T) / torch.exp(cos / T).sum(1))
    torch.testing.assert_close(loss, cross_entropy(cos / T, right, reduction="none"), rtol=1e-10, atol=1e-12)
    assert round(-math.log(math.e / (math.e + 1)), 2) == 0.31


def test_equation_17_4_share_of_pairs(written):
    assert written["17.4"] == (
        r"\text{AUC} = \frac{1}{N_{\text{in}} N_{\text{out}}} \sum_{i \,\text{inside}} \; "
        r"\sum_{j \,\text{outside}} [\ell_i < \ell_j]"
    )
    rng = np.random.default_rng(0)
    inside, outside = rng.integers(0, 6, 20), rng.integers(1, 8, 30)  # with ties
    pairs = [0.5 if a == b else float(a < b) for a in inside for b in outside]
    assert privacy.membership_auc(inside, outside) == pytest.approx(np.mean(pairs), rel=1e-12)
    assert privacy.membership_auc([0.1, 0.4], [0.3, 0.9]) == 0.75


def test_equation_17_5_clips_adds_and_blurs(written):
    assert written["17.5"] == (
        r"g = \frac{1}{B} \left( \sum_{i} \min\!\left(1, \frac{C_{\text{clip}}}{\|g_i\|}\right) g_i "
        r"+ \sigma_{\text{dp}}\, C_{\text{clip}}\, \xi \right)"
    )
    rng = np.random.default_rng(0)
    g, C, sigma = rng.normal(size=(8, 3)) * 3, 2.0, 0.7
    xi = np.random.default_rng(1).standard_normal(3)
    want = sum(min(1, C / np.linalg.norm(one)) * one for one in g)
    got = privacy.noisy_mean(g, C, sigma, 8, np.random.default_rng(1))
    np.testing.assert_allclose(got, (want + sigma * C * xi) / 8, rtol=1e-12)
    assert privacy.clip(np.array([[3.0], [0.5], [-0.2]]), 1.0).sum() == pytest.approx(1.3)


def test_equation_17_5_is_the_step_that_is_printed():
    net = models.initialised(lambda: nn.Linear(4, 3), torch.Generator().manual_seed(0)).double()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y, before = torch.tensor([0, 1, 2, 0, 1]), torch.cat([p.detach().flatten() for p in net.parameters()])
    each = []
    for k in range(5):
        parts = torch.autograd.grad(cross_entropy(net(x[k : k + 1]), y[k : k + 1]), list(net.parameters()))
        each.append(torch.cat([part.flatten() for part in parts]))
    g = sum(min(1, 0.5 / one.norm()) * one for one in each) / 5
    knobs = {"lr": 0.1, "clip": 0.5, "noise": 0.0, "batch": 5, "generator": torch.Generator()}
    private.step(net, x, y, **knobs)
    after = torch.cat([p.detach().flatten() for p in net.parameters()])
    torch.testing.assert_close(after, before - 0.1 * g, rtol=1e-9, atol=1e-12)


def test_equation_17_6_holds_for_the_liar_and_no_smaller_epsilon(written):
    assert written["17.6"] == (
        r"\Pr(\text{result with you}) \le e^{\varepsilon_{\text{dp}}} \Pr(\text{result without you}) "
        r"+ \delta_{\text{dp}}"
    )
    truth = {"yes": {"yes": 3 / 4, "no": 1 / 4}, "no": {"yes": 1 / 4, "no": 3 / 4}}  # what is said, for each
    ratios = [truth[a][said] / truth[b][said] for a, b in (("yes", "no"), ("no", "yes")) for said in truth]
    assert max(ratios) == pytest.approx(math.exp(math.log(3)))
    assert round(math.log(3), 1) == 1.1


def test_equation_17_7_bounds_the_attack_and_the_liar_reaches_it(written):
    assert written["17.7"] == r"\text{AUC} \le \operatorname{sigmoid}(\varepsilon_{\text{dp}})"
    epsilon = np.array([0, 0.3, 1, math.log(3), 10])
    np.testing.assert_allclose(privacy.auc_bound(epsilon), 1 / (1 + np.exp(-epsilon)), rtol=1e-12)
    said_yes, said_no = np.zeros(3), np.ones(1)  # losses: whoever is inside says yes in three cases of four
    auc = privacy.membership_auc(np.r_[said_yes, said_no], np.r_[said_no, said_no, said_no, np.zeros(1)])
    assert auc == 0.75 == pytest.approx(privacy.auc_bound(math.log(3)))


def test_equation_17_8_energy_and_emissions(written):
    assert written["17.8"] == (
        r"\text{kWh} = \text{hours} \cdot \frac{\text{watts}}{1000} \cdot \text{PUE}, \qquad "
        r"\text{kg CO}_2\text{e} = \text{kWh} \cdot \frac{\text{grid}}{1000}"
    )
    kwh = costs.energy(1000, 500, 1.2)
    assert kwh == 1000 * 500 / 1000 * 1.2 == 600
    assert costs.emissions(kwh, 300) == 600 * 300 / 1000 == 180


def test_equation_17_8_agrees_with_what_bloom_published():
    run = costs.FOOTPRINTS["BLOOM"]
    assert costs.energy(run.hours, run.watts) == pytest.approx(run.kwh, rel=1e-4)


@pytest.mark.parametrize(("m", "n", "rank"), [(256, 784, 4), (64, 128, 1), (4096, 4096, 8)])
def test_equation_17_9_share_that_is_trained(m, n, rank, written):
    assert written["17.9"] == r"\text{share} = \frac{\text{rank} \cdot (m + n)}{m\, n}"
    with torch.device("meta"):
        layer = nn.Linear(n, m)
    added = adapters.Adapted(layer, rank, None)
    assert compression.lora_share(m, n, rank) == pytest.approx(adapters.trained_numbers(added) / (m * n))


def test_equation_17_9_by_hand():
    assert 8 * 8192 == 65_536
    assert f"{compression.lora_share(4096, 4096, 8):.2%}" == "0.39%"
