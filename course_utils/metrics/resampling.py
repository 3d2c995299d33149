"""The bootstrap over images for many networks and many measures at once.

`intervals.paired_bootstrap` calls a function for each draw: right for a lesson, too slow for
hundreds of intervals. Here a draw is a column of counts (how often each image was drawn) and a
measure is computed for all draws together. All networks share the same draws, so the difference of
two measures is paired. Draws and percentiles are those of `intervals.paired_bootstrap`, and the
tests compare the two.

Images drawn several times count one after another. Where that could matter (areas under curves),
their order is the average over all orders, as `course_utils.metrics.selective` treats ties.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .calibration import bin_numbers
from .intervals import Interval

__all__ = [
    "Resamples",
    "calibration_gaps",
    "calibration_interval",
    "calibration_noise",
    "percentile_interval",
    "ranking_draws",
    "verdict_interval",
]


DRAWS_AT_ONCE = 200  # more would need gigabytes


class Resamples:
    """How often each image is drawn in each resample.

    Parameters
    ----------
    num_images : int
    num_resamples : int
    seed : int

    Attributes
    ----------
    counts : uint8, shape [N, R]
        Each column adds up to N.
    """

    def __init__(self, num_images: int, num_resamples: int = 1000, seed: int = 0) -> None:
        if num_images < 1 or num_resamples < 1:
            raise ValueError("The bootstrap needs at least one image and one resample.")
        generator = np.random.default_rng(seed)
        self.counts = np.empty((num_images, num_resamples), np.uint8)
        for resample in range(num_resamples):
            drawn = generator.integers(num_images, size=num_images)
            self.counts[:, resample] = np.bincount(drawn, minlength=num_images)

    @property
    def num_images(self) -> int:
        """N."""
        return self.counts.shape[0]

    @property
    def num_resamples(self) -> int:
        """R."""
        return self.counts.shape[1]

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        return self.counts.T / self.num_images  # [R, N]

    def means(self, values: ArrayLike) -> NDArray[np.float64]:
        """Mean over the images of each draw: shape [N, ...] in, [R, ...] out."""
        return self._shares @ np.asarray(values, dtype=np.float64)

    def risk_coverage(
        self, uncertainty: ArrayLike, correct: ArrayLike
    ) -> dict[str, NDArray[np.float64]]:
        """``aurc`` and ``augrc`` of each draw, shape [R] each, as in `selective`."""
        curve = _Steps(uncertainty, correct, self.counts)
        return {"aurc": curve.aurc(), "augrc": curve.augrc()}

    def coverage_at_risk(
        self, uncertainty: ArrayLike, correct: ArrayLike, risk: float
    ) -> NDArray[np.float64]:
        """Largest coverage with at most this risk, for each draw, shape [R]."""
        return _Steps(uncertainty, correct, self.counts).coverage_at_risk(risk)

    def risk_at_coverage(
        self, uncertainty: ArrayLike, correct: ArrayLike, coverage: float
    ) -> NDArray[np.float64]:
        """Risk at the smallest coverage that is at least the given one, for each draw."""
        uncertainty, correct = np.asarray(uncertainty), np.asarray(correct, dtype=bool)
        order = np.argsort(uncertainty, kind="stable")
        ranked = uncertainty[order]
        last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        counts = self.counts[order]
        answered = np.cumsum(counts, axis=0, dtype=np.int32)[last]
        wrong = np.cumsum(counts * ~correct[order][:, np.newaxis], axis=0, dtype=np.int32)[last]
        # a step whose images were not drawn answers nothing, which has no risk
        covers = (answered > 0) & (answered / self.num_images >= coverage)
        step = np.argmax(covers, axis=0)
        draws = np.arange(self.num_resamples)
        return wrong[step, draws] / answered[step, draws]


class _Steps:
    """Risk-coverage curves of all draws, at the few steps where errors change anything.

    Neighbours in the ranking that are all right are merged into one step: inside it the number of
    errors stands still, so every area is a difference of harmonic numbers. Exact, and short.
    """

    def __init__(self, uncertainty: ArrayLike, correct: ArrayLike, counts: NDArray) -> None:
        uncertainty, correct = np.asarray(uncertainty), np.asarray(correct, dtype=bool)
        order = np.argsort(uncertainty, kind="stable")
        ranked, wrong = uncertainty[order], ~correct[order]
        tie = np.concatenate([[0], np.cumsum(ranked[1:] != ranked[:-1])])
        tie_errs = np.bincount(tie, weights=wrong) > 0
        begins = np.ones(len(tie_errs), dtype=bool)
        begins[1:] = tie_errs[1:] | tie_errs[:-1]
        step = (np.cumsum(begins) - 1)[tie]
        starts = np.flatnonzero(np.concatenate([[True], step[1:] != step[:-1]]))
        self.num_images = len(ranked)
        self.answered = np.add.reduceat(counts[order], starts, axis=0, dtype=np.int32)
        self.wrong = np.zeros_like(self.answered)
        np.add.at(self.wrong, step[wrong], counts[order[wrong]].astype(np.int32))
        self.answered_after = np.cumsum(self.answered, axis=0, dtype=np.int32)
        self.wrong_after = np.cumsum(self.wrong, axis=0, dtype=np.int32)
        # errors per image inside a step, ties in random order
        self.slope = self.wrong / np.maximum(self.answered, 1)
        first = np.argmax(self.answered > 0, axis=0)
        self.first = self.slope[first, np.arange(self.slope.shape[1])]

    def _mean_height(self, total: NDArray, last: NDArray) -> NDArray[np.float64]:
        if self.num_images == 1:
            return total
        return (total - (self.first_height + last) / 2) / (self.num_images - 1)

    def aurc(self) -> NDArray[np.float64]:
        """Mean over k of (expected errors among k) / k, by trapezoids."""
        harmonic = _harmonic_numbers(self.num_images)
        before, after = self.answered_after - self.answered, self.answered_after
        level = (self.wrong_after - self.wrong) - before * self.slope
        total = (self.wrong + level * (harmonic[after] - harmonic[before])).sum(axis=0)
        self.first_height = self.first
        return self._mean_height(total, self.wrong_after[-1] / self.num_images)

    def augrc(self) -> NDArray[np.float64]:
        """Mean over k of (expected errors among k) / N, by trapezoids."""
        inside = self.slope * self.answered * (self.answered + 1) / 2
        level = (self.wrong_after - self.wrong) * self.answered.astype(np.float64)
        self.first_height = self.first / self.num_images
        total = (level + inside).sum(axis=0) / self.num_images
        return self._mean_height(total, self.wrong_after[-1] / self.num_images)

    def coverage_at_risk(self, risk: float) -> NDArray[np.float64]:
        # among images that are all right the risk falls: the end of a step is its best coverage
        within = (self.wrong_after / np.maximum(self.answered_after, 1) <= risk) & (
            self.answered_after > 0
        )
        return np.where(within, self.answered_after, 0).max(axis=0) / self.num_images


def ranking_draws(
    known: ArrayLike, ood: ArrayLike, known_draws: Resamples, ood_draws: Resamples
) -> dict[str, NDArray[np.float64]]:
    """How well a score tells OOD images from known ones, for each draw of both.

    Parameters
    ----------
    known, ood : array of float, shapes [N] and [K]
        Uncertainty of the images of either kind; OOD ones should have more.
    known_draws, ood_draws : Resamples
        With equally many resamples R.

    Returns
    -------
    dict of str to float64, shape [R]
        ``auroc`` and ``fpr95``, 0 to 1, as in `detection.ood_detection`.

    Examples
    --------
    >>> draws = Resamples(4, num_resamples=3), Resamples(2, num_resamples=3, seed=1)
    >>> found = ranking_draws([0.1, 0.2, 0.3, 0.4], [0.8, 0.9], *draws)
    >>> found["auroc"].tolist(), found["fpr95"].tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    """
    known, ood = np.asarray(known), np.asarray(ood)
    order, by_doubt = np.argsort(known), np.argsort(-ood)
    ranked, ood = known[order], ood[by_doubt]
    places = [np.searchsorted(ranked, ood, side) for side in ("left", "right")]
    auroc, fpr95 = [], []
    for start in range(0, known_draws.num_resamples, DRAWS_AT_ONCE):
        block = slice(start, start + DRAWS_AT_ONCE)
        drawn = np.cumsum(known_draws.counts[order, block], axis=0, dtype=np.int32)
        drawn = np.concatenate([np.zeros_like(drawn[:1]), drawn])  # known images below each place
        found = ood_draws.counts[by_doubt, block]
        below, up_to = (drawn[place] for place in places)
        auroc.append((found * (below + up_to)).sum(axis=0) / (2 * len(known) * len(ood)))
        reached = np.argmax(np.cumsum(found, axis=0, dtype=np.int32) >= 0.95 * len(ood), axis=0)
        fpr95.append(1 - drawn[places[0][reached], np.arange(drawn.shape[1])] / len(known))
    return {"auroc": np.concatenate(auroc), "fpr95": np.concatenate(fpr95)}


def calibration_gaps(
    confidence: ArrayLike, correct: ArrayLike, bins: int = 15
) -> NDArray[np.float64]:
    """What each image adds to the gap of its bin: 1 or 0 minus confidence.

    The expected calibration error is the sum over bins of the absolute mean over images.

    Parameters
    ----------
    confidence : array of float, shape [N]
        0 to 1.
    correct : array of bool, shape [N]
    bins : int
        Of equal width; see `calibration.bin_numbers`.

    Returns
    -------
    float64, shape [N, bins + 1]
        0 in all bins but one.

    Examples
    --------
    >>> calibration_gaps([0.25, 0.75], [True, True], bins=2).tolist()
    [[0.75, 0.0, 0.0], [0.0, 0.25, 0.0]]
    """
    confidence = np.minimum(confidence, 1.0)
    gaps = np.zeros((len(confidence), bins + 1))
    gaps[np.arange(len(gaps)), bin_numbers(confidence, bins)] = np.asarray(correct) - confidence
    return gaps


def calibration_noise(gaps: ArrayLike, draws: Resamples) -> NDArray[np.float64]:
    """By how much all bins of each draw together differ from those of the images at hand.

    Parameters
    ----------
    gaps : array of float, shape [N, bins + 1]
        From `calibration_gaps`; or their mean over several copies of the same images.
    draws : Resamples

    Returns
    -------
    float64, shape [R]
        At least 0.

    Examples
    --------
    >>> gaps = calibration_gaps([0.5] * 100, [True, False] * 50)
    >>> bool(calibration_noise(gaps, Resamples(100)).mean() < 0.1)
    True
    """
    return np.abs(draws.means(gaps) - np.mean(np.asarray(gaps), axis=0)).sum(axis=-1)


def calibration_interval(error: float, noise: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of an expected calibration error that holds the true one at least as often.

    An ECE is a sum of absolute values and grows with noise: draws lie above the estimate, and the
    estimate above the truth, so that percentiles of the draws miss a small ECE most of the time.
    But the error can be wrong by no more than all bins together are (the triangle inequality), and
    how much that is the bootstrap does know.

    Parameters
    ----------
    error : float
        On the images at hand.
    noise : array of float, shape [R]
        From `calibration_noise`.
    level : float
        Between 0 and 1.

    Returns
    -------
    Interval

    Examples
    --------
    >>> print(calibration_interval(0.02, [0.01, 0.02, 0.03], level=0.5))
    0.02 [0, 0.04]
    """
    margin = float(np.quantile(np.asarray(noise), level))
    return Interval(error, max(0.0, error - margin), error + margin, level)


def percentile_interval(estimate: float, draws: ArrayLike, level: float = 0.95) -> Interval:
    """The middle of the draws (Efron 1979), as `intervals.paired_bootstrap` takes it.

    Parameters
    ----------
    estimate : float
        The measure on the images at hand.
    draws : array of float, shape [R]
        The measure on each resample.
    level : float
        Between 0 and 1.

    Returns
    -------
    Interval
        In the unit of the measure.

    Examples
    --------
    >>> print(percentile_interval(2.0, [1.0, 2.0, 3.0, 4.0, 5.0], level=0.5))
    2 [2, 4]
    """
    low, high = np.quantile(np.asarray(draws), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(low), float(high), level)


def verdict_interval(estimate: float, draws: ArrayLike, level: float = 0.95) -> Interval:
    """Percentiles that leave room for their own Monte-Carlo error, three standard deviations.

    The share of R draws below the true percentile p scatters by ``sqrt(p (1 - p) / R)``. The ends
    move out by three times as much: then what they exclude, infinitely many draws exclude as well,
    but for one seed in some hundreds. With few draws the ends are the lowest and the highest.

    Parameters
    ----------
    estimate : float
        The measure on the images at hand.
    draws : array of float, shape [R]
        The measure on each resample.
    level : float
        Between 0 and 1.

    Returns
    -------
    Interval
        In the unit of the measure.

    Examples
    --------
    >>> draws = [value / 1000 for value in range(1001)]
    >>> print(verdict_interval(0.5, draws), percentile_interval(0.5, draws))
    0.5 [0.0102, 0.9898] 0.5 [0.025, 0.975]
    """
    draws, share = np.asarray(draws), (1 - level) / 2
    share = max(0.0, share - 3 * np.sqrt(share * (1 - share) / len(draws)))
    low, high = np.quantile(draws, [share, 1 - share])
    return Interval(float(estimate), float(low), float(high), level)


def _harmonic_numbers(largest: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, largest + 1))])
