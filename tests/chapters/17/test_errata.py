"""E128, E129, E133, E140: what the article says of trends fails the fact that the correction satisfies."""

import numpy as np
import pytest

from losslab.book import records
from losslab.formulas import compression, costs


def loses_least(parameters, operations):
    """With this many operations no model of another size has a clearly lower loss, by (17.2)."""
    sizes = np.geomspace(parameters / 100, parameters * 100, 401)
    losses = costs.fitted_loss(sizes, operations / (6 * sizes))
    assert costs.fitted_loss(parameters, operations / (6 * parameters)) < losses.min() + 0.01


def test_e128_the_largest_model_is_not_the_best_one_for_its_operations():
    gpt3 = costs.PARAMETERS["GPT-3"]
    with pytest.raises(AssertionError):
        loses_least(gpt3, 3.14e23)
    loses_least(gpt3 / 7, 3.14e23)


def test_e128_a_smaller_model_reads_as_well():
    """Four times fewer bytes, within half a point, in the mean over the seeds."""
    record = records.of("shrink")
    accuracy, eight = np.array(record["accuracy"]["mean"]), record["bits"].index(8)
    assert accuracy[eight, 0] > accuracy[-1, 0] - 0.005
    shapes = [(256, 784), (128, 256), (64, 128), (10, 64)]
    assert compression.stored_bytes(shapes, 32) / compression.stored_bytes(shapes, 8) > 3.9


def fits(per_parameter, room=80e9, parameters=7e9):
    assert per_parameter * parameters < room


def test_e129_a_startup_need_not_train_the_whole_model():
    """Seven billion parameters on one device of 80 GB: trained whole they do not fit, adapted they do."""
    with pytest.raises(AssertionError):
        fits(costs.train_memory(1))
    fits(2 + 16 * compression.lora_share(4096, 4096, 8))
    assert compression.lora_share(4096, 4096, 8) == 0.00390625


def test_e133_a_common_space_knows_what_it_was_shown_and_not_the_rest():
    record = records.of("cross_domain")
    assert record["known"]["mean"] > 0.9
    assert record["new among all"]["mean"] < record["chance"]["new among all"] + 0.1


def test_e140_adam_keeps_more_and_ends_with_as_many_errors():
    """The best of as many settings of each rule, in the mean over the seeds."""
    race, ends = records.of("digits_race"), {}
    for rule in ("GD", "Momentum", "Adam"):
        rows = [row for row in race["rows"] if row["rule"] == rule]
        ends[rule] = min(np.mean(row["wrong"], 0)[-1] for row in rows) / race["held_out"], len(rows)
    assert len({count for _, count in ends.values()}) == 1
    assert abs(ends["Adam"][0] - ends["Momentum"][0]) < 0.01
    assert ends["GD"][0] - ends["Adam"][0] < 0.02
    assert costs.STATES["fp32"]["Adam"] == 2 * costs.STATES["fp32"]["weights"]
