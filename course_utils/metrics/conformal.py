"""Conformal prediction sets: which classes to name so that the truth is among them, as promised.

A *nonconformity score* s(x, c) says how badly class c fits image x. On n calibration images with
known labels we look at the scores of the true classes, and take a quantile q. The set of a new
image is {c : s(x, c) <= q}. If calibration images and the new one are exchangeable, the truth is in
the set with probability at least 1 - alpha (Vovk et al. 2005, *Algorithmic Learning in a Random
World*; Angelopoulos & Bates 2021, arXiv:2107.07511, theorem 1).

The scores are torch-uncertainty's (``ConformalClsTHR``, ``APS``, ``RAPS``) in NumPy, for cached
probabilities: a thousand draws of calibration images are then a matter of a second. Two things are
done differently, and both can be switched to torch-uncertainty's way: the quantile has the
correction for a finite n, and no class is added to an empty set. The tests compare the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Draws",
    "adaptive_scores",
    "coverage_of_draws",
    "expected_coverage",
    "prediction_sets",
    "quantile",
    "threshold_scores",
]


def threshold_scores(probabilities: ArrayLike) -> NDArray[np.float64]:
    """THR: s(x, c) = 1 - p(c | x).

    Sadinle, Lei & Wasserman 2019 (arXiv:1609.00451). The smallest sets on average among all with
    the same coverage if the probabilities are the true ones.

    Parameters
    ----------
    probabilities : array of float, shape [N, C]

    Returns
    -------
    float64, shape [N, C]
        0 to 1, higher = fits worse.

    Examples
    --------
    >>> threshold_scores([[0.7, 0.2, 0.1]]).round(4).tolist()
    [[0.3, 0.8, 0.9]]
    """
    return 1.0 - _checked_probabilities(probabilities)


def adaptive_scores(
    probabilities: ArrayLike,
    noise: ArrayLike | None = None,
    *,
    penalty: float = 0.0,
    free_rank: int = 1,
) -> NDArray[np.float64]:
    """APS and RAPS: the probability of all classes at least as probable as c.

    With the classes sorted by falling probability and c at rank k,

        s(x, c) = p_(1) + ... + p_(k) - u p_(k) + max(0, penalty (k - free_rank)).

    Without penalty APS (Romano, Sesia & Candès 2020, arXiv:2006.02544, equations 7 and 8), with it
    RAPS (Angelopoulos et al. 2021, arXiv:2009.14193, section 2.2), which shortens long sets.

    Parameters
    ----------
    probabilities : array of float, shape [N, C]
    noise : array of float between 0 and 1, shape [N], optional
        u, one number for each image. Without it u = 0: sets are larger than they need be. With it
        s is uniform on 0 to 1 for the truth, if the probabilities are true.
    penalty : float
        Added for each rank beyond `free_rank`; at least 0.
    free_rank : int
        Ranks that cost nothing; at least 1.

    Returns
    -------
    float64, shape [N, C]
        Higher = fits worse; 0 to 1 without penalty.

    Raises
    ------
    ValueError
        If an option or a shape makes no sense.

    Examples
    --------
    >>> adaptive_scores([[0.7, 0.2, 0.1]]).round(4).tolist()
    [[0.7, 0.9, 1.0]]
    >>> adaptive_scores([[0.7, 0.2, 0.1]], penalty=0.1).round(4).tolist()
    [[0.7, 1.0, 1.2]]
    """
    probabilities = _checked_probabilities(probabilities)
    if penalty < 0 or free_rank < 1:
        raise ValueError("The penalty is at least 0, and the free rank at least 1.")
    order = np.argsort(-probabilities, axis=-1, kind="stable")
    falling = np.take_along_axis(probabilities, order, axis=-1)
    cumulated = np.cumsum(falling, axis=-1)
    if noise is not None:
        noise = np.asarray(noise, dtype=np.float64)
        if noise.shape != probabilities.shape[:1] or not ((noise >= 0) & (noise <= 1)).all():
            raise ValueError("The noise is one number between 0 and 1 for each image.")
        cumulated -= noise[:, np.newaxis] * falling
    rank = np.arange(1, probabilities.shape[1] + 1)
    cumulated += np.maximum(0.0, penalty * (rank - free_rank))
    scores = np.empty_like(cumulated)
    np.put_along_axis(scores, order, cumulated, axis=-1)
    return scores


def quantile(true_scores: ArrayLike, alpha: float, *, corrected: bool = True) -> float:
    """The score up to which classes belong to the set.

    Parameters
    ----------
    true_scores : array of float, shape [n]
        Scores of the true classes of the calibration images.
    alpha : float
        Share of sets that may miss the truth, between 0 and 1.
    corrected : bool
        True: the k-th smallest with k = ceil((n + 1)(1 - alpha)), which keeps the promise for every
        n; infinite, so that sets hold all classes, where k > n: too few images for such a promise.
        False: the plain quantile, interpolated, as torch-uncertainty 0.13 takes it.

    Returns
    -------
    float
        In the unit of the scores; infinite where n is too small.

    Raises
    ------
    ValueError
        If there is no score, or alpha is no share.

    Examples
    --------
    >>> quantile([0.1, 0.2, 0.3, 0.4], alpha=0.25)  # the 4th of 4, as ceil(5 * 0.75) = 4
    0.4
    >>> quantile([0.1, 0.2, 0.3, 0.4], alpha=0.01)
    inf
    """
    true_scores = np.asarray(true_scores, dtype=np.float64)
    if true_scores.ndim != 1 or not len(true_scores):
        raise ValueError("The quantile needs the scores of at least one calibration image.")
    _check_alpha(alpha)
    if not corrected:
        return float(np.quantile(true_scores, 1 - alpha))
    rank = _rank(len(true_scores), alpha)
    if rank > len(true_scores):
        return math.inf
    return float(np.partition(true_scores, rank - 1)[rank - 1])


def prediction_sets(
    scores: ArrayLike, threshold: float, *, always: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Which classes each set holds: those with a score of at most the threshold.

    Parameters
    ----------
    scores : array of float, shape [N, C]
    threshold : float
        What `quantile` returned.
    always : array of int, shape [N], optional
        A class that is added in any case, such as the most probable one. Coverage can only grow.

    Returns
    -------
    bool, shape [N, C]

    Examples
    --------
    >>> prediction_sets([[0.3, 0.8, 0.9], [0.5, 0.6, 0.9]], 0.6).tolist()
    [[True, False, False], [True, True, False]]
    """
    sets = np.asarray(scores) <= threshold
    if always is not None:
        sets[np.arange(len(sets)), np.asarray(always)] = True
    return sets


@dataclass(frozen=True)
class Draws:
    """What many random choices of calibration images led to.

    Attributes
    ----------
    coverage : float64, shape [R]
        Share of the remaining images whose set holds the truth.
    size : float64, shape [R]
        Mean number of classes in their sets.
    num_calibration : int
    alpha : float
    """

    coverage: NDArray[np.float64]
    size: NDArray[np.float64]
    num_calibration: int
    alpha: float


def coverage_of_draws(
    scores: ArrayLike,
    labels: ArrayLike,
    alpha: float,
    num_calibration: int,
    *,
    num_draws: int = 1000,
    corrected: bool = True,
    seed: int = 0,
) -> Draws:
    """Choose calibration images at random, many times, and measure coverage on all others.

    The guarantee is about this average: for one choice of calibration images the coverage of future
    images may be above or below 1 - alpha.

    Parameters
    ----------
    scores : array of float, shape [N, C]
    labels : array of int, shape [N]
    alpha, corrected
        As for `quantile`.
    num_calibration : int
        n, below N.
    num_draws : int
        R.
    seed : int

    Returns
    -------
    Draws

    Raises
    ------
    ValueError
        If shapes do not fit, or no image is left to calibrate or to measure.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.random.default_rng(0).random((500, 2))
    >>> draws = coverage_of_draws(scores, np.zeros(500, int), alpha=0.1, num_calibration=99)
    >>> bool(abs(draws.coverage.mean() - 0.9) < 0.01)
    True
    """
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    num_images = len(scores)
    if labels.shape != (num_images,):
        raise ValueError("Scores and labels must belong to the same images.")
    if not 1 <= num_calibration < num_images:
        raise ValueError(
            f"Of {num_images} images, 1 to {num_images - 1} can calibrate, not {num_calibration}: "
            "the coverage is measured on the others."
        )
    true_scores = scores[np.arange(num_images), labels]
    everything = np.sort(scores, axis=None)
    generator = np.random.default_rng(seed)
    coverage, size = np.empty(num_draws), np.empty(num_draws)
    num_rest = num_images - num_calibration
    for draw in range(num_draws):
        chosen = generator.choice(num_images, num_calibration, replace=False, shuffle=False)
        threshold = quantile(true_scores[chosen], alpha, corrected=corrected)
        covered = np.count_nonzero(true_scores <= threshold)
        coverage[draw] = (covered - np.count_nonzero(true_scores[chosen] <= threshold)) / num_rest
        # members of all sets, less those of the calibration images: a search in a sorted list
        # instead of a look at all N times C scores
        named = np.searchsorted(everything, threshold, side="right")
        size[draw] = (named - np.count_nonzero(scores[chosen] <= threshold)) / num_rest
    return Draws(coverage, size, num_calibration, alpha)


def expected_coverage(num_calibration: int, alpha: float) -> float:
    """Mean coverage over all calibration sets, with the correction, if no two scores are equal.

    k / (n + 1) with k = ceil((n + 1)(1 - alpha)): at least 1 - alpha, and by less than 1 / (n + 1)
    more. The coverage itself follows a beta distribution with parameters k and n + 1 - k (Vovk
    2012, arXiv:1209.2673; Angelopoulos & Bates 2021, section 3.2).

    Parameters
    ----------
    num_calibration : int
        n, at least 1.
    alpha : float
        Share of sets that may miss the truth, between 0 and 1.

    Returns
    -------
    float
        1 - alpha to 1.

    Raises
    ------
    ValueError
        If there is no image, or alpha is no share.

    Examples
    --------
    >>> expected_coverage(99, 0.1), round(expected_coverage(100, 0.1), 4)
    (0.9, 0.901)
    """
    _check_alpha(alpha)
    if num_calibration < 1:
        raise ValueError("At least one calibration image is needed.")
    return _rank(num_calibration, alpha) / (num_calibration + 1)


def _rank(num_calibration: int, alpha: float) -> int:
    # 1 - 0.1 is a little below 0.9 in binary; a true whole number shall not be rounded up for that
    return math.ceil(round((num_calibration + 1) * (1 - alpha), 9))


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is a share between 0 and 1 (5 % is 0.05), got {alpha}.")


def _checked_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2:
        raise ValueError(
            f"Scores need probabilities [N, C], not {list(probabilities.shape)}: "
            "of an ensemble take predictions.mean."
        )
    return probabilities
