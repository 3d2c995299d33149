"""The grouping loss: what is wrong with confidences that are right on average.

Images with the same confidence can differ in how likely their answers are right. Calibration sees
only the average over all of them; the grouping loss is the spread that the average hides. For the
Brier score it is E[Var(Q | S)], with S the confidence and Q the true probability that the answer
is right, given the whole image (Kull & Flach 2015; Perez-Lebel, Le Morvan & Varoquaux 2023,
arXiv:2210.16315, section 3).

Q is never known. But any way to sort images of equal confidence into regions, chosen without their
labels, explains a part of the spread, so it gives a lower bound (ibid., section 4). Here this is
computed as in the paper, on cached numbers. torch-uncertainty has the metric as well
(``eval_grouping_loss=True``); it needs the package ``glest``, which does not run with scikit-learn
1.7 or newer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["GroupingLoss", "grouping_loss", "without_groups"]


@dataclass(frozen=True, eq=False)
class GroupingLoss:
    """An estimate of the grouping loss, and the regions that it was seen in.

    Attributes
    ----------
    plug_in : float
        Spread of the regions' accuracies around those of their bins, as counted: too high.
    bias : float
        How much of it chance alone would bring.
    induced : float
        Spread that is no grouping loss: within a bin the confidence still differs a little, and
        the accuracy with it.
    bin_of_region, region_confidence, region_accuracy, region_count : arrays, shape [R]
        For each region its bin, mean confidence, share of right answers, number of images.
    """

    plug_in: float
    bias: float
    induced: float
    bin_of_region: NDArray[np.int64]
    region_confidence: NDArray[np.float64]
    region_accuracy: NDArray[np.float64]
    region_count: NDArray[np.int64]

    @property
    def explained(self) -> float:
        """What the regions explain, without bias; may come out below 0 where there is nothing."""
        return self.plug_in - self.bias

    @property
    def lower_bound(self) -> float:
        """The grouping loss is at least this, up to the chance of a finite number of images."""
        return self.explained - self.induced


def grouping_loss(
    confidence: ArrayLike,
    correct: ArrayLike,
    features: ArrayLike,
    *,
    num_bins: int = 15,
    images_per_region: int = 30,
    seed: int = 0,
) -> GroupingLoss:
    """Estimate the grouping loss of the Brier score from below.

    Perez-Lebel, Le Morvan & Varoquaux 2023 (arXiv:2210.16315), section 4. The images are halved.
    On one half, in every bin of confidence, a decision tree learns from the features who is right;
    its leaves are the regions. On the other half accuracies are counted: with n_j images and the
    accuracy mu_j in region j of a bin of n images and the accuracy c,

        plug-in = sum_j n_j / n (mu_j - c)^2,
        bias    = sum_j n_j / n  mu_j (1 - mu_j) / (n_j - 1)  -  c (1 - c) / (n - 1),
        induced = variance of C(S) within the bin,

    averaged over bins by their number of images. C is the calibration curve. Then the halves change
    roles, and both results are averaged.

    Three choices differ from the paper's experiments. Bins hold equally many images, because nearly
    all confidences of the course's networks are close to 1. Regions with a single image, of which
    no bias can be computed, are left out. And the variance of C is the covariance of two isotonic
    regressions, one from each half: the noise of a single curve would count as variance.

    Parameters
    ----------
    confidence : array of float, shape [N]
        Probability of the predicted class, 0 to 1.
    correct : array of bool, shape [N]
    features : array of float, shape [N] or [N, D]
        What may tell the groups apart: the last hidden layer of a network, or known properties.
    num_bins : int
    images_per_region : int
        How many images of the learning half a leaf holds at least; never more than half of a bin.
    seed : int
        Of the halves and of the trees' ties.

    Returns
    -------
    GroupingLoss

    Raises
    ------
    ValueError
        If shapes or values do not fit, or there are fewer than 8 images for each bin.

    Examples
    --------
    Answers claim 70 % and are right 70 % of the time; but those of one group 90 %, of the other
    50 %. The grouping loss is 0.2 squared.

    >>> import numpy as np
    >>> group = np.repeat([0.5, 0.9], 2_000)
    >>> correct = np.random.default_rng(0).random(4_000) < group
    >>> found = grouping_loss(np.full(4_000, 0.7), correct, group, num_bins=1)
    >>> bool(0.03 < found.lower_bound < 0.05)
    True
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.tree import DecisionTreeRegressor

    confidence, right, features = _checked(confidence, correct, features)
    count = len(confidence)
    if num_bins < 1 or images_per_region < 1:
        raise ValueError("num_bins and images_per_region must be at least 1.")
    if count < 8 * num_bins:
        raise ValueError(
            f"{count:,} images are too few for {num_bins} bins: use at most {count // 8} bins, "
            "or more images."
        )
    order = np.random.default_rng(seed).permutation(count)
    edges = np.quantile(confidence, np.arange(1, num_bins) / num_bins)
    bins = np.searchsorted(edges, confidence, side="left")
    halves = (order[::2], order[1::2])
    curves = []
    for half in halves:
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        curves.append(curve.fit(confidence[half], right[half]).predict(confidence))
    induced = 0.0
    for number in np.unique(bins):
        first, second = (curve[bins == number] for curve in curves)
        induced += ((first - first.mean()) * (second - second.mean())).sum() / count
    totals = np.zeros(2)
    regions = []
    for learn, measure in (halves, halves[::-1]):
        for number in range(num_bins):
            learned, measured = learn[bins[learn] == number], measure[bins[measure] == number]
            if len(learned) < 2 or len(measured) < 2:
                continue
            tree = DecisionTreeRegressor(
                min_samples_leaf=min(images_per_region, len(learned) // 2), random_state=seed
            )
            tree.fit(features[learned], right[learned])
            leaves = tree.apply(features[measured])
            plug_in, bias, found = _spread(leaves, right[measured], confidence[measured])
            totals += len(measured) / count * np.array([plug_in, bias])
            regions += [(number, *region) for region in found]
    columns = [np.array(column) for column in zip(*regions, strict=True)]
    return GroupingLoss(float(totals[0]), float(totals[1]), float(induced), *columns)


def without_groups(
    confidence: ArrayLike,
    correct: ArrayLike,
    features: ArrayLike,
    *,
    num_draws: int = 50,
    num_bins: int = 15,
    images_per_region: int = 30,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Lower bounds that chance alone brings, where images of equal confidence are all alike.

    The accuracy at each confidence is kept (the calibration curve, an isotonic regression), and
    right and wrong are drawn anew from it, whatever the features. An estimate from the real answers
    that lies among these numbers is no sign of groups.

    Parameters
    ----------
    confidence, correct, features, num_bins, images_per_region, seed
        As for `grouping_loss`.
    num_draws : int

    Returns
    -------
    float64, shape [num_draws]
        In the unit of the Brier score; around 0.

    Examples
    --------
    >>> import numpy as np
    >>> group = np.repeat([0.5, 0.9], 2_000)
    >>> correct = np.random.default_rng(0).random(4_000) < group
    >>> chance = without_groups(np.full(4_000, 0.7), correct, group, num_draws=5, num_bins=1)
    >>> bool(abs(chance).max() < 0.005)
    True
    """
    from sklearn.isotonic import IsotonicRegression

    confidence, right, features = _checked(confidence, correct, features)
    curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    expected = curve.fit(confidence, right).predict(confidence)
    generator = np.random.default_rng(seed)
    bounds = []
    for draw in range(num_draws):
        drawn = generator.random(len(expected)) < expected
        estimate = grouping_loss(
            confidence,
            drawn,
            features,
            num_bins=num_bins,
            images_per_region=images_per_region,
            seed=seed + draw,
        )
        bounds.append(estimate.lower_bound)
    return np.array(bounds)


def _spread(
    leaves: NDArray, right: NDArray[np.float64], confidence: NDArray[np.float64]
) -> tuple[float, float, list[tuple[float, float, int]]]:
    """Plug-in value and bias of one bin, and (confidence, accuracy, count) of its regions."""
    _, region, counts = np.unique(leaves, return_inverse=True, return_counts=True)
    kept = counts[region] > 1
    if not kept.any():
        return 0.0, 0.0, []
    _, region, counts = np.unique(leaves[kept], return_inverse=True, return_counts=True)
    right, confidence = right[kept], confidence[kept]
    accuracy = np.bincount(region, right) / counts
    number, mean = len(right), right.mean()
    share = counts / number
    plug_in = float((share * (accuracy - mean) ** 2).sum())
    bias = (share * accuracy * (1 - accuracy) / (counts - 1)).sum() - mean * (1 - mean) / (
        number - 1
    )
    confidences = np.bincount(region, confidence) / counts
    return plug_in, float(bias), list(zip(confidences, accuracy, counts, strict=True))


def _checked(
    confidence: ArrayLike, correct: ArrayLike, features: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    confidence = np.asarray(confidence, dtype=np.float64)
    correct = np.asarray(correct)
    features = np.asarray(features, dtype=np.float64)
    if features.ndim == 1:
        features = features[:, np.newaxis]
    if confidence.ndim != 1 or correct.shape != confidence.shape or features.ndim != 2:
        raise ValueError(
            "The grouping loss needs confidence [N], correct [N] and features [N, D], got "
            f"{list(confidence.shape)}, {list(correct.shape)} and {list(features.shape)}."
        )
    if len(features) != len(confidence):
        raise ValueError(
            f"There are features of {len(features):,} images and confidences of "
            f"{len(confidence):,}: they must be the same images."
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("Confidences are probabilities: they lie between 0 and 1.")
    if not np.isin(correct, (0, 1)).all():
        raise ValueError("correct must say true or false (1 or 0) for each image.")
    if not np.isfinite(features).all():
        raise ValueError("Features must be finite: some are NaN or infinite.")
    return confidence, correct.astype(np.float64), features
