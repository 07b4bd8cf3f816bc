"""A profile has the structure of the step that was taken; how long anything took is not tested."""

import pytest
import torch
from torch import nn
from torch.profiler import record_function

from losslab.learning import profiling
from losslab.learning.profiling import Span

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    adam = torch.optim.Adam(model.parameters(), fused=True)
    x, y = torch.randn(8, 6), torch.arange(8) % 3
    return profiling.spans(lambda: profiling.step(model, adam, x, y))


def named(found, lane):
    return [span.name for span in found if span.lane == lane]


def test_a_step_has_three_parts_one_after_the_other(found):
    parts = [span for span in found if span.lane == "part"]
    assert [part.name for part in parts] == ["forward", "backward", "optimizer"]
    assert parts[0].start == 0
    for before, after in zip(parts, parts[1:], strict=False):
        assert before.start + before.length <= after.start


def test_the_operators_are_those_that_are_dispatched_and_of_one_call(found):
    names = named(found, "operator")
    assert names.count("addmm") == 2
    assert names.count("mm") == 3  # two weights, and the gradient between the layers
    assert (
        names.count("_fused_adam_") == names.count("_log_softmax") == names.count("threshold_backward") == 1
    )
    assert not {"linear", "cross_entropy_loss", "copy_", "item"} & set(names)  # made of others, or inside one


def test_operators_do_not_overlap_and_lie_in_the_parts(found):
    operators = [span for span in found if span.lane == "operator"]
    for before, after in zip(operators, operators[1:], strict=False):
        assert before.start + before.length <= after.start + 1e-3
    parts = [span for span in found if span.lane == "part"]
    for one in operators:
        assert any(part.start <= one.start < part.start + part.length for part in parts), one.name


def test_a_function_without_marks_has_operators_and_the_optimizers_own_mark():
    w = nn.Parameter(torch.ones(3))
    sgd = torch.optim.SGD([w], lr=0.1)

    def function():
        (w * w).sum().backward()
        sgd.step()

    found = profiling.spans(function, warmup=0)
    assert named(found, "part") == ["SGD.step"]
    assert {"mul", "sum"} <= set(named(found, "operator"))


def test_the_step_is_a_step():
    w = nn.Linear(1, 1, bias=False)
    nn.init.constant_(w.weight, 2.0)
    sgd = torch.optim.SGD(w.parameters(), lr=0.1)
    x = torch.ones(1, 1)
    profiling.step(w, sgd, x, 0 * x, nn.functional.mse_loss)
    torch.testing.assert_close(w.weight.item(), 2.0 - 0.1 * 4.0)
    assert w.weight.grad is None


def test_only_outermost_marks_are_parts():
    def function():
        with record_function("outer"), record_function("inner"):
            torch.ones(3) + 1

    assert named(profiling.spans(function), "part") == ["outer"]


def test_totals_add_up_by_name_with_the_longest_first():
    some = [Span("a", "operator", 0, 1.0), Span("b", "operator", 1, 2.5), Span("a", "operator", 4, 2.0)]
    some.append(Span("forward", "part", 0, 9.0))
    assert list(profiling.totals(some).items()) == [("a", 3.0), ("b", 2.5)]
    assert profiling.totals(some, "part") == {"forward": 9.0}
    assert profiling.totals([]) == {}


def test_the_profiler_says_nothing(capfd):
    profiling.spans(lambda: torch.ones(3))
    assert capfd.readouterr() == ("", "")
