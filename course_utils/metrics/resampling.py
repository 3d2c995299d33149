"""The bootstrap over images for many networks and many measures at once.

`intervals.paired_bootstrap` calls a function for each draw: right for a lesson, too slow for the
results ledger, which needs thousands of intervals. Here a draw is a column of counts (how often
each image was drawn) and a measure is computed for all draws together. All networks share the same
draws, so the difference of two measures is paired. Draws and percentiles are those of
`intervals.paired_bootstrap`, and the tests compare the two.

Images drawn several times count one after another. Where that could matter (areas under curves),
their order is the average over all orders, as `course_utils.metrics.selective` treats ties.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .calibration import bin_numbers
from .intervals import Interval

__all__ = ["Resamples", "percentile_interval", "ranking_draws", "reflected_interval"]


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

    def calibration_error(
        self, confidence: ArrayLike, correct: ArrayLike, num_bins: int = 15
    ) -> NDArray[np.float64]:
        """Expected calibration error of each draw, shape [R].

        Mean over images of the gap between share right and mean confidence in their bin (Guo et
        al. 2017, arXiv:1706.04599, equation 3), in the bins of `calibration.bin_numbers`.
        """
        gaps = np.asarray(correct, dtype=np.float64) - confidence
        by_bin = np.zeros((len(gaps), num_bins + 1))
        by_bin[np.arange(len(gaps)), bin_numbers(confidence, num_bins)] = gaps
        return np.abs(self.means(by_bin)).sum(axis=-1)

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
    """How well a score tells OOD images from known ones, in each draw.

    Known and OOD images are drawn separately, so that their proportion stays.

    Parameters
    ----------
    known, ood : array of float, shape [N], [K]
        Uncertainty of the images of either kind; OOD ones should have more.
    known_draws, ood_draws : Resamples
        With equally many resamples R.

    Returns
    -------
    dict of str to float64, shape [R]
        ``auroc`` (ties count half), ``aupr`` (average precision, OOD is positive) and ``fpr95``
        (share of known images flagged when at least 95 % of the OOD ones are, as in
        torch-uncertainty's ``FPR95``); all 0 to 1.

    Examples
    --------
    >>> draws = Resamples(4, num_resamples=3), Resamples(2, num_resamples=3, seed=1)
    >>> found = ranking_draws([0.1, 0.2, 0.3, 0.4], [0.8, 0.9], *draws)
    >>> found["auroc"].tolist(), found["fpr95"].tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    """
    scores = np.concatenate([known, ood])
    is_ood = np.repeat([False, True], [len(known), len(ood)])
    order = np.argsort(-scores, kind="stable")  # from the most uncertain on
    ranked, is_ood = scores[order], is_ood[order]
    tie = np.concatenate([[0], np.cumsum(ranked[1:] != ranked[:-1])])
    kind = np.bincount(tie, weights=is_ood) / np.bincount(tie)  # 0, 1, or mixed
    begins = np.ones(len(kind), dtype=bool)
    begins[1:] = (kind[1:] != kind[:-1]) | ((kind[1:] > 0) & (kind[1:] < 1))
    # neighbours of one kind are one step: their order among themselves changes nothing
    step = (np.cumsum(begins) - 1)[tie]
    num_steps = step[-1] + 1
    flagged = _sums(step[~is_ood], order[~is_ood], known_draws, num_steps)
    found = _sums(step[is_ood], order[is_ood] - len(known), ood_draws, num_steps)
    flagged_after = np.cumsum(flagged, axis=0, dtype=np.int32)
    found_after = np.cumsum(found, axis=0, dtype=np.int32)
    num_known, num_ood = known_draws.num_images, ood_draws.num_images

    below = num_known - flagged_after
    auroc = (found * (below + flagged / 2)).sum(axis=0) / (num_known * num_ood)

    harmonic = _harmonic_numbers(num_known + num_ood)
    among = harmonic[found_after + flagged_after] - harmonic[found_after - found + flagged_after]
    mixed = (kind[begins] > 0) & (kind[begins] < 1)
    precision = np.where(
        mixed[:, np.newaxis],
        found * (found_after / np.maximum(found_after + flagged_after, 1)),
        found - flagged_after * among,
    )
    reached = np.argmax(found_after / num_ood >= 0.95, axis=0)
    draws = np.arange(known_draws.num_resamples)
    return {
        "auroc": auroc,
        "aupr": precision.sum(axis=0) / num_ood,
        "fpr95": flagged_after[reached, draws] / num_known,
    }


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
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(low), float(high), level)


def reflected_interval(estimate: float, draws: ArrayLike, level: float = 0.95) -> Interval:
    """The middle of the draws, reflected at the estimate (Davison & Hinkley 1997, section 5.2.1).

    For measures that resampling pushes to one side. A calibration error is a sum of absolute
    values: it grows with noise, and draws have the noise twice. Percentiles would lie above the
    truth, and reflecting them takes most of that bias back (not all of it where the truth is 0).

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
    >>> print(reflected_interval(2.0, [1.0, 2.0, 3.0, 4.0, 5.0], level=0.5))
    2 [0, 2]
    """
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(2 * estimate - high), float(2 * estimate - low), level)


def _harmonic_numbers(largest: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, largest + 1))])


def _sums(step: NDArray, images: NDArray, draws: Resamples, num_steps: int) -> NDArray[np.int32]:
    """How many of the given images are drawn in each step, shape [steps, R]."""
    sums = np.zeros((num_steps, draws.num_resamples), np.int32)
    if len(step):
        starts = np.flatnonzero(np.concatenate([[True], step[1:] != step[:-1]]))
        counts = draws.counts[images]
        sums[step[starts]] = np.add.reduceat(counts, starts, axis=0, dtype=np.int32)
    return sums
