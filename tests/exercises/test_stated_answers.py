"""Answers that exercises state without computing them, computed."""

from __future__ import annotations

import numpy as np

from course_utils.exercises.chapter_07 import ex7_3
from course_utils.metrics import selective


def curve_of(ranks: np.ndarray) -> selective.RiskCoverage:
    """1,000 digits with mistakes at these ranks, counted from 1."""
    correct = np.ones(1_000, bool)
    correct[ranks - 1] = False
    return selective.risk_coverage(np.arange(1_000), correct)


def test_two_areas_have_two_winners() -> None:
    a = curve_of(np.concatenate([[1], np.arange(982, 1_001)]))
    b = curve_of(np.linspace(501, 1_000, 20).round().astype(int))
    assert b.aurc < a.aurc and a.augrc < b.augrc
    assert ex7_3.correct == "b"
    # what the explanation and the hints say
    top = curve_of(np.array([1]))
    assert b.aurc < top.aurc
    assert 6.5 < top.aurc * 1_000 < 7.5
    assert np.isclose(b.aurc * 1_000 / 20, 0.3, atol=0.05)
    assert np.isclose(b.augrc * 1_000 / 20, 0.25, atol=0.05)
