"""Thresholds with a guarantee: exact bounds, both rules by hand, and the promise itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from course_utils.metrics import guarantees
from course_utils.metrics.selective import RiskCoverage, risk_coverage


@pytest.mark.parametrize(("wrong", "answered"), [(0, 1), (0, 300), (3, 50), (49, 50), (50, 50)])
def test_the_bound_is_that_of_scipy(wrong: int, answered: int) -> None:
    # the upper end of a two-sided interval of 90 % is the one-sided bound of 95 %
    interval = binomtest(wrong, answered).proportion_ci(0.9, method="exact")
    (bound,) = guarantees.risk_bound([wrong], [answered], 0.05)
    assert bound == pytest.approx(interval.high)
    if wrong < answered:  # were the risk at the bound, so few mistakes would be as rare as delta
        assert binom.cdf(wrong, answered, bound) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("wrong", "answered", "delta"), [(0, 0, 0.1), (2, 1, 0.1), (-1, 5, 0.1), (0, 5, 0), (0, 5, 1)]
)
def test_what_makes_no_sense_is_refused(wrong: int, answered: int, delta: float) -> None:
    with pytest.raises(ValueError, match=r"Delta|answers"):
        guarantees.risk_bound([wrong], [answered], delta)


def curve(*mistakes: int, num_images: int = 400) -> RiskCoverage:
    """The most certain image has uncertainty 0, and the mistakes are at these ranks."""
    correct = np.ones(num_images, bool)
    correct[list(mistakes)] = False
    return risk_coverage(np.arange(num_images), correct)


def test_both_rules_by_hand() -> None:
    looks = (0.5, 0.75, 1.0)  # 200, 300 and 400 images
    # without a mistake the bounds are 1 - delta^(1/n): 1.14, .76, .57 % with the whole delta
    clean = curve()
    assert guarantees.fixed_sequence(clean, 0.012, 0.1, looks) == 399
    assert guarantees.fixed_sequence(clean, 0.011, 0.1, looks) == -np.inf  # the first one fails
    # Bonferroni has a third of it: 1.69, 1.13, .85 %, and may skip the first
    assert guarantees.bonferroni(clean, 0.011, 0.1, looks) == 399
    assert guarantees.bonferroni(clean, 0.008, 0.1, looks) == -np.inf
    # four mistakes in the last quarter
    late = curve(310, 320, 330, 340)
    assert guarantees.fixed_sequence(late, 0.012, 0.1, looks) == 299
    assert guarantees.bonferroni(late, 0.012, 0.1, looks) == 299
    assert guarantees.bonferroni(late, 0.011, 0.1, looks) == -np.inf


def test_the_sequence_stops_for_good() -> None:
    early = curve(0, 1, 2, num_images=1_000)  # hurts the small coverages most
    assert guarantees.fixed_sequence(early, 0.012, 0.1, (0.2, 1.0)) == -np.inf
    assert guarantees.fixed_sequence(early, 0.012, 0.1, (1.0,)) == 999


@pytest.mark.parametrize("rule", [guarantees.bonferroni, guarantees.fixed_sequence])
def test_the_promise_is_broken_at_most_as_often_as_stated(rule) -> None:
    generator = np.random.default_rng(0)
    broken = 0
    for _ in range(300):
        uncertainty = generator.uniform(size=300)
        correct = generator.uniform(size=300) > 0.1 * uncertainty
        threshold = rule(risk_coverage(uncertainty, correct), target=0.03, delta=0.1)
        broken += max(threshold, 0) * 0.05 > 0.03  # the true risk below t is 0.1 · t / 2
    assert broken <= 0.1 * 300 + 3 * np.sqrt(300 * 0.09)
