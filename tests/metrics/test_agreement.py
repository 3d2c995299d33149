"""Agreement of members: counted by hand."""

from __future__ import annotations

import numpy as np

from course_utils.metrics.agreement import pairwise_agreement, unanimous_share
from course_utils.metrics.predictions import Predictions

# votes of three members on four images
VOTES = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 1], [2, 0, 1]])
PREDICTIONS = Predictions(5.0 * np.eye(3)[VOTES])


def test_pairs_are_counted() -> None:
    agreement = pairwise_agreement(PREDICTIONS)
    np.testing.assert_array_equal(
        agreement, [[1, 3 / 4, 2 / 4], [3 / 4, 1, 2 / 4], [2 / 4, 2 / 4, 1]]
    )


def test_all_three_agree_on_half() -> None:
    assert unanimous_share(PREDICTIONS) == 2 / 4
    assert unanimous_share(PREDICTIONS.subset(1)) == 1
