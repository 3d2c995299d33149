"""Thresholds that keep a risk with a stated probability, chosen on labelled validation images.

Both rules look at thresholds that were fixed before any label was seen, and bound the true risk of
each by Clopper and Pearson (1934). They differ in how they pay for looking more than once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .selective import RiskCoverage

COVERAGES = tuple(np.linspace(0.5, 1, 11).round(2).tolist())


def risk_bound(wrong: ArrayLike, answered: ArrayLike, delta: float) -> NDArray[np.float64]:
    """Upper bound on the true risk that holds with probability at least 1 - delta.

    Parameters
    ----------
    wrong, answered : int [K]
        Wrong answers among the answers, for each threshold.
    delta : float
        Between 0 and 1.

    Returns
    -------
    float64 [K]
        The exact binomial bound (Clopper and Pearson, 1934); 1 where every answer is wrong.

    Raises
    ------
    ValueError
        If delta is not between 0 and 1, or the counts make no sense.

    Examples
    --------
    >>> risk_bound([0], [300], delta=0.05).round(4)  # the rule of three: about 3 / 300
    array([0.0099])
    """
    from scipy.stats import beta

    if not 0 < delta < 1:
        raise ValueError(f"Delta must lie between 0 and 1, not {delta}.")
    wrong, answered = np.asarray(wrong), np.asarray(answered)
    if (wrong < 0).any() or (wrong > answered).any() or (answered < 1).any():
        raise ValueError("Each threshold needs answers, and at most as many wrong ones.")
    right = np.maximum(answered - wrong, 0.5)  # beta has no parameter 0; those are replaced below
    return np.where(wrong == answered, 1.0, beta.ppf(1 - delta, wrong + 1, right))


def bonferroni(
    curve: RiskCoverage,
    target: float,
    delta: float = 0.1,
    coverages: tuple[float, ...] = COVERAGES,
) -> float:
    """Threshold of the largest coverage whose bound keeps the target, each with its share of delta.

    Parameters
    ----------
    curve : RiskCoverage
        Of validation images.
    target : float
        The risk that is promised.
    delta : float
        Probability that the promise is broken.
    coverages : tuple of float
        Fixed beforehand.

    Returns
    -------
    float
        Minus infinity if nothing can be promised: then nothing is answered.

    Examples
    --------
    >>> from course_utils.metrics.selective import risk_coverage
    >>> curve = risk_coverage(range(400), [True] * 400)  # no mistake among 400
    >>> bonferroni(curve, target=0.02), bonferroni(curve, target=0.005)
    (399.0, -inf)
    """
    threshold, kept = _looks(curve, target, delta / len(coverages), coverages)
    return float(threshold[kept][-1]) if kept.any() else -np.inf


def fixed_sequence(
    curve: RiskCoverage,
    target: float,
    delta: float = 0.1,
    coverages: tuple[float, ...] = COVERAGES,
) -> float:
    """Threshold of the last coverage before the first one whose bound exceeds the target.

    Every look has the whole delta, because the first false step ends the sequence (Angelopoulos et
    al., 2021, *Learn then test*).

    Parameters
    ----------
    curve, target, delta, coverages
        As for :func:`bonferroni`.

    Returns
    -------
    float
        Minus infinity if the first look fails: then nothing is answered.

    Examples
    --------
    >>> from course_utils.metrics.selective import risk_coverage
    >>> curve = risk_coverage(range(400), [True] * 400)  # no mistake among 400
    >>> fixed_sequence(curve, target=0.012), bonferroni(curve, target=0.012)
    (399.0, 399.0)
    """
    threshold, kept = _looks(curve, target, delta, coverages)
    passed = int(np.logical_and.accumulate(kept).sum())
    return float(threshold[passed - 1]) if passed else -np.inf


def _looks(
    curve: RiskCoverage, target: float, delta: float, coverages: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Thresholds from the smallest coverage on, and whether the bound there keeps the target."""
    steps = np.searchsorted(curve.coverage, np.sort(coverages) - 1e-9)
    bounds = risk_bound(curve.num_wrong[steps], curve.num_answered[steps], delta)
    return curve.threshold[steps], bounds <= target
