"""The desk's arithmetic, on queues small enough to reckon by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from course_utils.metrics.desk import Desk, Queue, round_of
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings


def says(confidence: list[float], right: list[int] | None = None) -> Predictions:
    """A model of one member that always says 0."""
    sure = np.array(confidence)
    rows = np.stack([sure, 1 - sure], axis=-1)[:, np.newaxis]
    labels = None if right is None else [0 if one else 1 for one in right]
    return Predictions.from_probabilities(rows, labels)


VALIDATION = Queue(
    Rankings({"A": says([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 0])}), {"A": says([0.85, 0.55])}
)
TEST = Queue(Rankings({"A": says([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])}), {"A": says([0.95, 0.55])})
DESK = Desk("A", "Maximum probability", 0.25, 10.0, 1.0, 0.0, True)  # answers 0.9 and 0.8


def test_what_was_promised_and_what_it_came_to() -> None:
    found = round_of(VALIDATION, TEST, DESK)
    assert found["coverage"] == 0.5
    assert found["promised"] == 2 / 4  # two referred
    assert found["cost"] == (10 + 2) / 4  # one of the two answers is wrong
    assert found["hindsight"] == 3 / 4  # answer the first only
    assert found["error"] == pytest.approx(1.96 * np.std([0, 10, 1, 1], ddof=1) / 2)
    assert "opened" not in found


def test_an_answer_to_an_ood_image_is_wrong() -> None:
    found = round_of(VALIDATION, TEST, replace(DESK, ood_share=0.25))
    assert found["coverage"] == 3 / 5
    assert found["promised"] == (10 + 2) / 5
    assert found["cost"] == (20 + 2) / 5
    assert (VALIDATION.most, Queue(VALIDATION.rankings, {}).most) == (0.5, 0.0)


def test_no_threshold_answers_nothing() -> None:
    found = round_of(VALIDATION, TEST, replace(DESK, threshold=-np.inf))
    assert found["threshold"] is None
    assert (found["coverage"], found["promised"], found["cost"], found["error"]) == (0, 1, 1, 0)


def test_a_single_item_has_no_interval() -> None:
    one = Queue(Rankings({"A": says([0.9], [0])}), {})
    found = round_of(one, one, DESK)
    assert (found["cost"], found["error"]) == (10, 0)


def test_a_model_without_the_score_is_ranked_by_the_default() -> None:
    pair = Predictions(np.array([[[2.0, 0.0], [1.0, 0.0]], [[0.5, 0.0], [3.0, 0.0]]]), [0, 1])
    queue = Queue(Rankings({"two": pair, "one": pair.subset([0])}), {})
    desk = replace(DESK, model="two", score="Mutual information")
    by_default = replace(desk, score="Maximum probability")
    np.testing.assert_array_equal(
        queue.costs(desk, "one").threshold, queue.costs(by_default, "one").threshold
    )
    assert list(queue.costs(desk).threshold) != list(queue.costs(by_default).threshold)
