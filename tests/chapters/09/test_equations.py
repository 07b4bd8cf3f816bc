"""Every numbered equation of chapter 9 as it stands in the notebook, against our code, torch and NumPy."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from losslab.formulas import costs
from losslab.learning import training

pytestmark = pytest.mark.trains


@pytest.mark.parametrize(("q", "S_part"), [(0.75, 2), (0.9, 10), (0.3, 1.5), (0.75, math.inf)])
def test_equation_9_1_speed_up(q, S_part, written):
    assert written["9.1"] == r"S = \frac{1}{1 - q + q / S_{\text{part}}}"
    S = 1 / (1 - q + q / S_part)
    part, rest = 100 * q, 100 * (1 - q)  # seconds
    assert costs.amdahl(S_part, q) == pytest.approx(S, rel=1e-12)
    assert pytest.approx(S, rel=1e-12) == 100 / (part / S_part + rest)
    assert costs.amdahl(S_part, q) <= 1 / (1 - q) * (1 + 1e-12)


@pytest.mark.parametrize(("N", "B"), [(25, 10), (30, 10), (7, 100), (6, 1)])
def test_equation_9_2_time_of_an_epoch(N, B, written):
    assert written["9.2"] == (
        r"\text{seconds per epoch} = \lceil N / B \rceil\, c_{\text{step}} + N\, c_{\text{image}}"
    )
    c_step, c_image = 0.3, 0.01
    x, y = torch.zeros(N, 2), torch.zeros(N, dtype=torch.long)
    each = [c_step + len(labels) * c_image for _, labels in training.shuffled(x, y, B)]
    np.testing.assert_allclose(math.ceil(N / B) * c_step + N * c_image, sum(each), rtol=1e-12)
    history = training.fit(nn.Linear(2, 2), x, y, epochs=1, batch_size=B, progress=False)
    assert len(history.steps) == math.ceil(N / B)


def test_equation_9_2_by_hand():
    milliseconds = [math.ceil(1000 / B) * 1 + 1000 * 0.01 for B in (10, 100, 1000)]
    assert milliseconds == [110, 20, 11]


@pytest.mark.parametrize(
    ("kind", "f"), [(torch.float32, 23), (torch.bfloat16, 7), (torch.float16, 10), (torch.float64, 52)]
)
def test_equation_9_3_gap_between_neighbours(kind, f, written):
    assert written["9.3"] == r"\text{gap}(x) = 2^{\lfloor \log_2 |x| \rfloor - f}"
    assert torch.finfo(kind).eps == 2.0**-f
    for x in (0.75, 1.0, 1.5, 3.0, 256.0, 300.0):
        gap = 2.0 ** (math.floor(math.log2(x)) - f)
        here = torch.tensor(x, dtype=kind)
        following = here + torch.tensor(gap, dtype=kind)
        assert following.double() - here.double() == gap
        halfway = torch.tensor(x + gap / 2, dtype=torch.float64)
        assert halfway.to(kind).double() in (here.double(), following.double())  # nothing lies between


def test_equation_9_4_average_of_the_weights(written):
    assert written["9.4"] == r"\bar\theta_t = \beta\, \bar\theta_{t-1} + (1 - \beta)\, \theta_t"
    beta, labels = 0.98, torch.arange(6)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 10)) * 4)
    net = nn.Linear(10, 10).double()
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(beta))
    path = []

    def looked_at(model, optimizer, batches, rates, bar):
        for batch in batches:
            result = training.train_epoch(model, optimizer, [batch], rates, bar)
            path.append(model.weight.detach().clone())
        return result[0], result[1]

    knobs = {"batch_size": 6, "epochs": 20, "progress": False, "lr": 0.1}
    training.fit(net, x, labels, average=average, loop=looked_at, **knobs)
    slow = path[0]
    for theta in path[1:]:
        slow = beta * slow + (1 - beta) * theta
    torch.testing.assert_close(average.module.weight, slow, rtol=1e-10, atol=1e-12)
    assert (slow - path[-1]).abs().max() > 0.01


def test_equation_9_5_covers_nothing_in_95_of_100_experiments(written):
    assert written["9.5"] == r"\mu \pm 3.18\, \frac{\sigma}{\sqrt{4}}"
    differences = np.random.default_rng(0).normal(size=(20_000, 4))
    mu, sigma = differences.mean(1), differences.std(1, ddof=1)
    covered = (np.abs(mu) <= 3.18 * sigma / math.sqrt(4)).mean()
    assert 0.945 < covered < 0.955
    assert (np.abs(mu) <= 1.96 * sigma / math.sqrt(4)).mean() < 0.9  # of a few values, 1.96 is too little


def test_equation_9_5_by_hand():
    four = np.array([1, 2, 2, 3])
    assert (four.mean(), round(four.std(ddof=1), 2)) == (2, 0.82)
    assert round(3.18 * four.std(ddof=1) / 2, 1) == 1.3
