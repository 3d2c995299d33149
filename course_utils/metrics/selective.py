r"""Selective classification: answer when certain, refer to a human otherwise.

An image is *answered* when its uncertainty is at most a threshold. *Coverage* is the share of
images answered, *risk* the share of wrong answers among them (El-Yaniv & Wiener 2010, JMLR 11;
Geifman & El-Yaniv 2017, arXiv:1705.08500). As the threshold rises, coverage and risk trace the
risk-coverage curve.

**Ties.** Images of equal uncertainty cannot be told apart by any threshold, so they are answered
together: the curve has one step per distinct uncertainty, and every point on it can be reached.
torch-uncertainty sorts the images and makes one step each; among ties its numbers depend on the
order in which the images came.

**Areas.** ``aurc`` and ``augrc`` need a value for every number k of answered images, also inside
a tie. We take the expectation over a uniformly random order of the tied images: the expected number
of errors grows in a straight line from one end of the tie to the other, which is exact, not an
approximation. (A straight line for the risk itself would not be: risk is errors over k.) The result
does not depend on the order of the images, is the average of torch-uncertainty's value over all
orders of the ties, equals it where there are no ties, and is the error rate for a score that
says nothing at all (AURC of a constant).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold does to one set of images.

    Attributes
    ----------
    threshold : float
        Answer when the uncertainty is at most this; minus infinity: answer nothing.
    coverage : float
        Share of images answered, 0 to 1.
    risk : float
        Share of wrong answers among the answered; NaN when nothing is answered.
    """

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, eq=False, repr=False)
class RiskCoverage:
    """The risk-coverage curve, one step per distinct uncertainty; see the module for ties.

    Attributes
    ----------
    threshold : float64, shape [K]
        The K distinct uncertainties, rising.
    num_answered : int64, shape [K]
        Images with an uncertainty of at most the threshold; the last entry is N.
    num_wrong : int64, shape [K]
        Wrong answers among them.

    Notes
    -----
    Counts are stored, not shares: coverage and risk are then single, correctly rounded divisions,
    and comparing them with a number such as 0.05 does not fail by the last digit.
    """

    threshold: NDArray[np.float64]
    num_answered: NDArray[np.int64]
    num_wrong: NDArray[np.int64]

    @property
    def num_images(self) -> int:
        """N, the number of images."""
        return int(self.num_answered[-1])

    @cached_property
    def coverage(self) -> NDArray[np.float64]:
        """Share of images answered at each threshold, shape [K], rising to 1."""
        return self.num_answered / self.num_images

    @cached_property
    def risk(self) -> NDArray[np.float64]:
        """Share of wrong answers at each threshold, shape [K]; ends with the error rate."""
        return self.num_wrong / self.num_answered

    @property
    def error_rate(self) -> float:
        """Risk at coverage 1; also the risk, at every coverage, of referring at random."""
        return float(self.risk[-1])

    def __repr__(self) -> str:
        return (
            f"RiskCoverage({self.num_images} images, {len(self.threshold)} distinct thresholds, "
            f"error rate {self.error_rate:.4f}, AURC {self.aurc:.5f})"
        )

    def expected_curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coverage k/N and expected risk for k = 1 to N, ties in random order.

        Returns
        -------
        coverage, risk : float64, shape [N]
            The curve that ``aurc`` integrates. It passes through every step.
        """
        answered = np.arange(1, self.num_images + 1)
        return answered / self.num_images, self._expected_wrong() / answered

    def _expected_wrong(self) -> NDArray[np.float64]:
        answered = np.arange(1, self.num_images + 1)
        steps = np.concatenate([[0], self.num_answered])
        wrong = np.concatenate([[0], self.num_wrong])
        return np.interp(answered, steps, wrong)

    @cached_property
    def aurc(self) -> float:
        """Area under the risk-coverage curve, a mean risk over all coverages, 0 to 1.

        Geifman, Uziel & El-Yaniv 2019 (arXiv:1805.08206). As in torch-uncertainty's ``AURC``:
        trapezoids from coverage 1/N to 1, divided by the width 1 - 1/N. A single image leaves no
        width: the value is then its risk, the mean over the one point that there is (NaN there).
        """
        return _mean_height(self.expected_curve()[1])

    @cached_property
    def augrc(self) -> float:
        """Area under the generalised risk-coverage curve, 0 to 1.

        Generalised risk is coverage times risk, the share of all images that are answered and
        wrong (Traub et al. 2024, arXiv:2407.01032). Trapezoids and a single image as
        for ``aurc``, and as in torch-uncertainty's ``AUGRC``.
        """
        return _mean_height(self._expected_wrong() / self.num_images)

    def coverage_at_risk(self, risk: float) -> float:
        """Largest coverage whose risk is at most the given one; 0 if there is none.

        torch-uncertainty's ``CovAtxRisk`` says NaN where there is none; answering nothing makes no
        mistake, so 0 it is. Among ties it may stop between images no threshold can separate.
        """
        step = self._last_step_within(risk)
        return 0.0 if step is None else float(self.coverage[step])

    def threshold_for_risk(self, risk: float) -> float:
        """Threshold that reaches ``coverage_at_risk``; minus infinity if there is none."""
        step = self._last_step_within(risk)
        return -np.inf if step is None else float(self.threshold[step])

    def risk_at_coverage(self, coverage: float) -> float:
        """Risk at the smallest coverage on the curve that is at least the given one.

        torch-uncertainty's ``RiskAtxCov`` answers ceil(N * coverage) images. The two agree without
        ties, but for two slips: the product may round up (0.07 * 100 gives 8 images there,
        7 here), and coverage 0 gives the error rate there, the first step here.
        """
        return float(self.risk[self._first_step_covering(coverage)])

    def threshold_for_coverage(self, coverage: float) -> float:
        """Threshold of the smallest coverage on the curve that is at least the given one."""
        return float(self.threshold[self._first_step_covering(coverage)])

    def at_threshold(self, threshold: float) -> OperatingPoint:
        """What any threshold does here, for instance one that was chosen on other images."""
        step = _step_at(self.threshold, threshold)
        if step < 0:
            return OperatingPoint(float(threshold), 0.0, float("nan"))
        return OperatingPoint(float(threshold), float(self.coverage[step]), float(self.risk[step]))

    def _last_step_within(self, risk: float) -> int | None:
        _check_share(risk, "risk")
        within = np.flatnonzero(self.risk <= risk)
        return int(within[-1]) if len(within) else None

    def _first_step_covering(self, coverage: float) -> int:
        _check_share(coverage, "coverage")
        return int(np.searchsorted(self.coverage, coverage, side="left"))


def risk_coverage(uncertainty: ArrayLike, correct: ArrayLike) -> RiskCoverage:
    """Risk-coverage curve of a score.

    Parameters
    ----------
    uncertainty : array of float, shape [N]
        Higher means less certain; any scale, finite, N at least 1.
    correct : array of bool, shape [N]
        Whether each answer is right (``Predictions.correct``).

    Returns
    -------
    RiskCoverage

    Raises
    ------
    ValueError
        If lengths differ, there is no image, or a value is NaN, infinite or not a truth value.

    Examples
    --------
    The third answer is wrong, and as uncertain as the second: no threshold tells them apart.

    >>> curve = risk_coverage([0.1, 0.2, 0.2, 0.4], [True, True, False, True])
    >>> curve.coverage.tolist(), curve.risk.round(4).tolist()
    ([0.25, 0.75, 1.0], [0.0, 0.3333, 0.25])
    >>> curve.coverage_at_risk(0.3), round(curve.aurc, 4)
    (1.0, 0.2361)
    """
    uncertainty = np.asarray(uncertainty)
    if uncertainty.ndim != 1 or uncertainty.dtype.kind not in "fiub":
        raise ValueError(
            f"The uncertainty must be one number for each image, got an array of "
            f"{uncertainty.dtype} and shape {uncertainty.shape}."
        )
    correct = _checked_correct(correct)
    if len(uncertainty) != len(correct):
        raise ValueError(
            f"Uncertainty and correct must belong to the same images, "
            f"got {len(uncertainty)} and {len(correct)} values."
        )
    uncertainty = uncertainty.astype(np.float64)
    if not np.isfinite(uncertainty).all():
        raise ValueError("The uncertainty holds NaN or infinite values: they cannot be ranked.")
    order = np.argsort(uncertainty)
    ranked = uncertainty[order]
    wrong = np.cumsum(~correct[order])
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    return RiskCoverage(ranked[last_of_tie], last_of_tie + 1, wrong[last_of_tie])


def ideal(correct: ArrayLike) -> RiskCoverage:
    """Curve of the best possible ranking: all right answers first, one by one, then the wrong.

    The threshold is the rank, 0 to N - 1. No score can have a smaller ``aurc``.

    Parameters
    ----------
    correct : array of bool, shape [N]

    Returns
    -------
    RiskCoverage

    Examples
    --------
    >>> ideal([False, True, True, True]).risk.tolist()
    [0.0, 0.0, 0.0, 0.25]
    """
    correct = _checked_correct(correct)
    rank = np.empty(len(correct))
    rank[np.argsort(~correct, kind="stable")] = np.arange(len(correct))
    return risk_coverage(rank, correct)


def at_random(correct: ArrayLike) -> RiskCoverage:
    """Curve of a score that says nothing: all images tie, and the one step is coverage 1.

    Its ``expected_curve``, what referring at random gives on average, is flat at the error rate.

    Parameters
    ----------
    correct : array of bool, shape [N]

    Returns
    -------
    RiskCoverage

    Examples
    --------
    >>> at_random([False, True, True, True]).expected_curve()[1].tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    correct = _checked_correct(correct)
    return risk_coverage(np.zeros(len(correct)), correct)


@dataclass(frozen=True)
class CostOptimum(OperatingPoint):
    """The cheapest operating point, with its ``cost`` per image."""

    cost: float


@dataclass(frozen=True, eq=False)
class CostCurve:
    """Expected cost per image against the threshold.

    Attributes
    ----------
    threshold, coverage, risk, cost : float64, shape [K + 1]
        First "answer nothing" (threshold minus infinity, coverage 0, risk NaN), then the K steps of
        the risk-coverage curve. Cost is in the unit of the two costs below.
    cost_wrong, cost_refer : float
        Cost of one wrong answer and of one referred image; a right answer costs nothing.
    """

    threshold: NDArray[np.float64]
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    cost: NDArray[np.float64]
    cost_wrong: float
    cost_refer: float

    @property
    def optimum(self) -> CostOptimum:
        """The cheapest point; the one that answers most where several are equally cheap."""
        # Equal costs may differ in the last digit of their sums.
        step = int(np.flatnonzero(self.cost <= self.cost.min() * (1 + 1e-12))[-1])
        return CostOptimum(
            float(self.threshold[step]),
            float(self.coverage[step]),
            float(self.risk[step]),
            float(self.cost[step]),
        )

    def cost_at(self, threshold: float) -> float:
        """Cost per image of any threshold, for instance one chosen on other images."""
        return float(self.cost[_step_at(self.threshold, threshold)])


def cost_curve(
    uncertainty: ArrayLike, correct: ArrayLike, cost_wrong: float, cost_refer: float
) -> CostCurve:
    """What answering and referring cost per image, at every distinct threshold.

    cost = cost_wrong * (share answered and wrong) + cost_refer * (share referred); Chow 1970,
    "On optimum recognition error and reject tradeoff", IEEE Trans. Inf. Theory 16(1).

    Parameters
    ----------
    uncertainty, correct : arrays, shape [N]
        As for :func:`risk_coverage`.
    cost_wrong, cost_refer : float
        At least 0, in any common unit (minutes, euros).

    Returns
    -------
    CostCurve

    Raises
    ------
    ValueError
        As `risk_coverage`; or if a cost is negative or not finite.

    Examples
    --------
    >>> curve = cost_curve([0.1, 0.2, 0.3, 0.4], [True, True, True, False], 10, 1)
    >>> curve.cost.tolist()  # refer all, then answer one image more at each step
    [1.0, 0.75, 0.5, 0.25, 2.5]
    >>> curve.optimum.threshold, curve.optimum.coverage
    (0.3, 0.75)
    """
    _check_cost(cost_wrong, "wrong answer")
    _check_cost(cost_refer, "referred image")
    curve = risk_coverage(uncertainty, correct)
    wrong = np.concatenate([[0], curve.num_wrong])
    answered = np.concatenate([[0], curve.num_answered])
    cost = (cost_wrong * wrong + cost_refer * (curve.num_images - answered)) / curve.num_images
    return CostCurve(
        threshold=np.concatenate([[-np.inf], curve.threshold]),
        coverage=answered / curve.num_images,
        risk=np.concatenate([[np.nan], curve.risk]),
        cost=cost,
        cost_wrong=float(cost_wrong),
        cost_refer=float(cost_refer),
    )


def chow_threshold(cost_wrong: float, cost_refer: float) -> float:
    """Chow's rule: answer when 1 - max p is at most cost_refer / cost_wrong.

    Optimal for calibrated probabilities (Chow 1970), with no data needed to choose it; compare
    with ``cost_curve(...).optimum`` to see what calibration is worth. A threshold for
    ``scores.max_probability``, at most 1.

    Parameters
    ----------
    cost_wrong, cost_refer : float
        At least 0, in any common unit.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If a cost is negative or not finite.

    Examples
    --------
    >>> chow_threshold(cost_wrong=10, cost_refer=1)  # answer when at least 90 % sure
    0.1
    """
    _check_cost(cost_wrong, "wrong answer")
    _check_cost(cost_refer, "referred image")
    if cost_refer >= cost_wrong:  # also when errors are free
        return 1.0
    return float(cost_refer / cost_wrong)


def _mean_height(heights: NDArray[np.float64]) -> float:
    """Mean height of a curve on an even grid, by trapezoids."""
    if len(heights) == 1:
        return float(heights[0])
    inner = heights.sum() - (heights[0] + heights[-1]) / 2
    return float(inner / (len(heights) - 1))


def _step_at(thresholds: NDArray[np.float64], threshold: float) -> int:
    """Index of the last threshold that is at most the given one; -1 if there is none."""
    if np.isnan(threshold):
        raise ValueError("The threshold is NaN: give a number.")
    return int(np.searchsorted(thresholds, threshold, side="right")) - 1


def _checked_correct(correct: ArrayLike) -> NDArray[np.bool_]:
    correct = np.asarray(correct)
    if correct.ndim != 1 or len(correct) == 0:
        raise ValueError(
            f"Correct must be one truth value for each of at least one image, "
            f"got the shape {correct.shape}."
        )
    if correct.dtype != bool:
        if correct.dtype.kind not in "iuf" or not ((correct == 0) | (correct == 1)).all():
            raise ValueError(
                "Correct must hold truth values only: give predictions.correct, not the labels."
            )
        correct = correct.astype(bool)
    return correct


def _check_share(value: float, name: str) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"The {name} is a share between 0 and 1 (5 % is 0.05), got {value}.")


def _check_cost(value: float, name: str) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"The cost of a {name} must be a number of at least 0, got {value}.")
