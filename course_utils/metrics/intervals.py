"""How sure is a number that was measured on a limited set of images?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Interval:
    """A measured value and its bootstrap interval.

    Attributes
    ----------
    estimate : float
        The value on the images at hand.
    low, high : float
        Ends of the interval.
    level : float
        Share of the resampled values between them, such as 0.95.
    """

    estimate: float
    low: float
    high: float
    level: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


def paired_bootstrap(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap over images (Efron 1979, Annals of Statistics 7).

    Images are drawn with replacement, and all arrays are indexed by the same draw: what belongs to
    one image stays together. For the difference of two models on the same images this removes what
    both find hard, and the interval is narrower than two separate ones suggest::

        paired_bootstrap(lambda a, b: a.mean() - b.mean(), first.correct, second.correct)

    Parameters
    ----------
    statistic : callable
        Takes as many arrays as are given, returns one number.
    *arrays : arrays, shape [N, ...]
        Images along the first axis.
    num_resamples : int
        Number of draws.
    level : float
        Between 0 and 1.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    Interval
        In the unit of the statistic.

    Raises
    ------
    ValueError
        If lengths differ, an option makes no sense, or the statistic is NaN for some draw.

    Examples
    --------
    >>> import numpy as np
    >>> correct = np.repeat([True, False], [90, 10])
    >>> print(paired_bootstrap(np.mean, correct))
    0.9 [0.84, 0.96]

    Notes
    -----
    Not ``scipy.stats.bootstrap``: it resamples the last axis, its seed is called ``random_state``
    or ``rng`` by version, and importing it takes as long as hundreds of draws.
    """
    given = [np.asarray(array) for array in arrays]
    lengths = {len(array) if array.ndim else 0 for array in given}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "The bootstrap needs at least one array, all with the same images along the first "
            f"axis, got the shapes {[array.shape for array in given]}."
        )
    if num_resamples < 1:
        raise ValueError(f"The number of resamples must be at least 1, got {num_resamples}.")
    if not 0 < level < 1:
        raise ValueError(f"The level must lie between 0 and 1 (95 % is 0.95), got {level}.")
    num_images = lengths.pop()
    generator = np.random.default_rng(seed)
    values = np.empty(num_resamples)
    for resample in range(num_resamples):
        drawn = generator.integers(num_images, size=num_images)
        values[resample] = statistic(*(array[drawn] for array in given))
    strange = ~np.isfinite(values)
    if strange.any():
        raise ValueError(
            f"The statistic is NaN or infinite for {strange.sum()} of {num_resamples} resamples: "
            "it needs more images, or a definition for such draws."
        )
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(*given)), float(low), float(high), level)


def wilson_interval(
    hits: ArrayLike, count: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share, such as an accuracy, from hits among independent images.

    The score interval of Wilson (1927, Journal of the American Statistical Association 22,
    equation 5): unlike the usual standard error it has a width also where all or none are hits.

    Parameters
    ----------
    hits, count : int arrays of one shape
        ``0 <= hits <= count`` and ``count >= 1``.
    level : float
        Between 0 and 1.

    Returns
    -------
    low, high : float64 arrays
        Shares between 0 and 1.

    Raises
    ------
    ValueError
        If the numbers cannot be hits and counts, or the level is none.

    Examples
    --------
    >>> low, high = wilson_interval(10, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.7225, 1.0)
    """
    hits, count = np.asarray(hits, np.float64), np.asarray(count, np.float64)
    if hits.shape != count.shape or not ((hits >= 0) & (hits <= count) & (count >= 1)).all():
        raise ValueError("An interval of a share needs counts of at least 1 and hits within them.")
    if not 0 < level < 1:
        raise ValueError(f"The level must lie between 0 and 1 (95 % is 0.95), got {level}.")
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle = (hits + z2 / 2) / (count + z2)
    half = np.sqrt(z2 * (hits * (count - hits) / count + z2 / 4)) / (count + z2)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
