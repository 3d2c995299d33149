"""Where a learner's own score lands, and what is said of one that doesn't work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from figure_examples import PACKED

from course_utils import figures
from course_utils.metrics import scores


def oracle(predictions: Any) -> np.ndarray:
    """No score can be better."""
    return ~predictions.correct


def test_an_own_score_is_marked_and_stands_in_its_place() -> None:
    picture = figures.score_ranking(PACKED, {"mine": oracle})
    axes = picture.figure.axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[0] == "mine" and len(labels) == 1 + len(scores.available(PACKED))
    shipped, own = axes.get_lines()
    assert own.get_marker() != shipped.get_marker()
    assert own.get_xdata().tolist() == [100] and own.get_ydata().tolist() == [0]
    assert len(shipped.get_xdata()) == len(labels) - 1
    assert "mine (your own): 100 %" in picture.alt
    assert f"{(~PACKED.correct).sum()} mistakes" in picture.alt


def test_without_an_own_score_only_the_courses_are_drawn() -> None:
    picture = figures.score_ranking(PACKED)
    assert "your own" not in picture.alt and "Mutual information" in picture.alt


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (lambda predictions: ..., "is the return missing"),
        (lambda predictions: None, "is the return missing"),
        (lambda predictions: predictions.mean, "shape [N], not [400, 10]"),
        (lambda predictions: predictions.mean[:7, 0], "7 values of 'mine' but 400 images"),
        (lambda predictions: np.log(0 * predictions.mean[:, 0]), "not finite"),
        (lambda predictions: predictions.logit, "raised AttributeError"),
        (lambda: 0, "raised TypeError"),
        (lambda predictions: ["unsure"] * 400, "could not convert"),
        (3, "raised TypeError"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_score_that_fails_gets_a_sentence(score: Any, says: str) -> None:
    picture = figures.score_ranking(PACKED, {"mine": score})
    assert says in picture.alt
    assert not picture.figure.axes
