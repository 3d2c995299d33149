"""Calibration: is a confidence of 90 % right nine times in ten, and if not, what helps?

The first half measures it: bins of confidence and the expected calibration error, whose number is
that of torch-uncertainty's metric. The second half repairs it by a temperature, one number that
makes all answers of a network more or less certain. torch-uncertainty's ``TemperatureScaler`` fits
the temperature of a single network, and its routine refuses ensembles. For an ensemble there are
two places to divide: the logits of each member, before the average, or the logarithm of the
average. Both are here, in NumPy on cached `Predictions`; the tests compare with torch-uncertainty
where it has an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._support.validation import labelled

from .predictions import Predictions

__all__ = [
    "CalibrationBins",
    "bin_numbers",
    "bins_of_confidence",
    "calibration_bins",
    "equal_mass_bins",
    "expected_calibration_error",
    "fit_temperature",
    "log_mean",
    "member_temperatures",
    "scale",
]


# Measuring


@dataclass(frozen=True)
class CalibrationBins:
    """What is in each bin of confidence.

    Attributes
    ----------
    edges : float64, shape [B + 1]
        Equal widths from 0 to 1; a bin holds its lower edge and not its upper one. Bins of equal
        mass have edges halfway between the images on both sides.
    count : int64, shape [B + 1]
        Images per bin. The extra last bin is for confidences of exactly 1; with equal mass it
        stays empty.
    confidence, accuracy : float64, shape [B + 1]
        Mean confidence and share of right answers, 0 to 1; NaN where a bin is empty.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1: mean |accuracy - confidence| over all images.

        Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning";
        Guo et al. 2017, arXiv:1706.04599, equation 3.
        """
        filled = self.count > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float((gaps * self.count[filled]).sum() / self.count.sum())


def expected_calibration_error(predictions: Predictions, bins: int = 15) -> float:
    """Mean over images of |accuracy - confidence| in their bin of confidence.

    Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al.
    2017 (arXiv:1706.04599), equation 3. The number of torch-uncertainty's ``CalibrationError``.

    Parameters
    ----------
    predictions : Predictions
        N images with labels.
    bins : int
        Of equal width, at least 1.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If there are no labels, no images or no bins.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]], [[0.9, 0.1]]], [0, 1])
    >>> round(expected_calibration_error(predictions), 4)  # half are right, nine tenths claimed
    0.4
    """
    return calibration_bins(predictions, bins).error


def calibration_bins(predictions: Predictions, bins: int = 15) -> CalibrationBins:
    """Sort answers into bins of confidence, the largest probability of the mean.

    Parameters
    ----------
    predictions : Predictions
        N images with labels.
    bins : int
        Of equal width, at least 1.

    Returns
    -------
    CalibrationBins

    Raises
    ------
    ValueError
        If there are no labels, no images or no bins.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]], [[0.8, 0.2]]], [0, 1])
    >>> calibration_bins(predictions, bins=2).count.tolist()
    [0, 2, 0]
    """
    labelled(predictions, "Calibration")
    return bins_of_confidence(predictions.mean.max(axis=1), predictions.correct, bins)


def equal_mass_bins(predictions: Predictions, bins: int = 15) -> CalibrationBins:
    """Sort answers by confidence and cut them into bins that hold equally many.

    Nguyen and O'Connor 2015 (arXiv:1508.05154). The `error` of these bins is the adaptive
    calibration error, the number of torch-uncertainty's ``AdaptiveCalibrationError``.

    Parameters
    ----------
    predictions : Predictions
        N images with labels.
    bins : int
        At least 1; the first ones hold one image more where N can't be divided. More bins than
        images are as many as there are images.

    Returns
    -------
    CalibrationBins

    Raises
    ------
    ValueError
        If there are no labels, no images or no bins.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]], [[0.8, 0.2]]], [0, 1])
    >>> found = equal_mass_bins(predictions, bins=2)
    >>> found.confidence[:2].tolist(), found.accuracy[:2].tolist(), found.edges.round(2).tolist()
    ([0.8, 0.9], [0.0, 1.0], [0.8, 0.85, 0.9])
    """
    labelled(predictions, "Calibration")
    if bins < 1:
        raise ValueError(f"Calibration needs at least 1 bin, not {bins}.")
    confidence = np.minimum(predictions.mean.max(axis=1), 1.0)
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    starts = np.cumsum([len(part) for part in parts])[:-1]
    ranked = confidence[order]
    inner = (ranked[starts - 1] + ranked[starts]) / 2
    return CalibrationBins(
        np.concatenate([ranked[:1], inner, ranked[-1:]]),
        np.array([*map(len, parts), 0]),
        np.array([*(confidence[part].mean() for part in parts), np.nan]),
        np.array([*(predictions.correct[part].mean() for part in parts), np.nan]),
    )


def bins_of_confidence(
    confidence: ArrayLike, correct: ArrayLike, bins: int = 15
) -> CalibrationBins:
    """Sort answers into bins of confidence, given as numbers.

    Parameters
    ----------
    confidence : array of float, shape [N]
        0 to 1.
    correct : array of bool, shape [N]
        Whether each answer is right.
    bins : int
        Of equal width, at least 1.

    Returns
    -------
    CalibrationBins

    Raises
    ------
    ValueError
        If there are no bins.

    Examples
    --------
    >>> found = bins_of_confidence([0.6, 0.8, 1.0], [True, False, True], bins=2)
    >>> found.count.tolist(), found.accuracy[1:].tolist(), round(found.error, 4)
    ([0, 2, 1], [0.5, 1.0], 0.1333)
    """
    if bins < 1:
        raise ValueError(f"Calibration needs at least 1 bin, not {bins}.")
    confidence = np.minimum(confidence, 1.0)
    where = bin_numbers(confidence, bins)
    count = np.bincount(where, minlength=bins + 1)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(where, confidence, minlength=bins + 1) / count
        accuracy = np.bincount(where, correct, minlength=bins + 1) / count
    return CalibrationBins(np.linspace(0, 1, bins + 1), count, mean, accuracy)


def bin_numbers(confidence: ArrayLike, bins: int = 15) -> NDArray[np.int64]:
    """Bin of each confidence by torchmetrics' rule: exactly 1 has a bin of its own, the last.

    Parameters
    ----------
    confidence : array of float, shape [N]
        0 to 1.
    bins : int
        Of equal width.

    Returns
    -------
    int64, shape [N]
        0 to ``bins``.

    Examples
    --------
    >>> bin_numbers([0.0, 0.49, 0.5, 1.0], bins=2).tolist()
    [0, 0, 1, 2]
    """
    return np.searchsorted(np.linspace(0, 1, bins + 1), confidence, side="right") - 1


# Repairing

# The search goes from 1/1000 to 1000; a temperature at either end means that there is none.
LOWEST, HIGHEST = 1e-3, 1e3


def log_mean(predictions: Predictions) -> NDArray[np.float64]:
    """Logarithm of the members' mean probabilities, shape [N, C].

    ln 1/M sum_m exp(z_m - ln sum_c exp z_m(c)), by the largest term first: the mean itself may be
    too small for a float where its logarithm is an ordinary number. A softmax over it gives the
    mean back, so it can stand wherever logits are wanted.

    Parameters
    ----------
    predictions : Predictions
        With logits.

    Returns
    -------
    float64, shape [N, C]
        At most 0.

    Raises
    ------
    ValueError
        If there are no logits.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.2, 0.8], [0.6, 0.4]]])
    >>> np.exp(log_mean(Predictions(logits))).round(4).tolist()
    [[0.4, 0.6]]
    """
    if predictions.logits is None:
        raise ValueError("Temperatures need logits, and these predictions hold probabilities only.")
    logits = predictions.logits.astype(np.float64)
    each = logits - _log_sum_exp(logits, axis=-1)
    together = _log_sum_exp(each, axis=1) - np.log(predictions.num_members)
    return together[:, 0]


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature T > 0 with the lowest NLL of softmax(z / T).

    Guo et al. 2017 (arXiv:1706.04599), section 4.2. The NLL is convex in 1/T, and its slope there,

        mean over images of (sum_c p_T(c) z(c)) - z(y),

    rises with 1/T; we halve the interval, on a logarithmic scale, around the place where it is 0.
    That needs no step size, and stops at the precision of the numbers.

    Parameters
    ----------
    logits : array of float, shape [N, C]
        Of one network; or `log_mean` of an ensemble.
    labels : array of int, shape [N]

    Returns
    -------
    float
        1/1000 to 1000; above 1 where the answers are too certain.

    Raises
    ------
    ValueError
        If shapes do not fit, a logit is not finite, a label is none of the classes, or no
        temperature from 1/1000 to 1000 is best: every answer is right (the lower the better), the
        answers are no better than guessing (the higher the better), the logits of every image are
        equal (all are as good), or they differ too little or too much for the search.

    Examples
    --------
    Three of four answers are right, and each claims 90 %: the temperature turns that into 75 %.

    >>> import numpy as np
    >>> temperature = fit_temperature(np.log([[0.9, 0.1]] * 4), [0, 0, 0, 1])
    >>> round(temperature, 4)  # ln 9 / ln 3
    2.0
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            f"A temperature needs logits [N, C] and labels [N] of at least one image, got "
            f"{list(logits.shape)} and {list(labels.shape)}."
        )
    if not np.isfinite(logits).all():
        raise ValueError("The logits hold NaN or infinite values: a temperature needs finite ones.")
    num_classes = logits.shape[1]
    if labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < num_classes)).all():
        raise ValueError(
            f"The labels must be whole numbers from 0 to {num_classes - 1}, a class of the logits "
            "for each image."
        )
    if (logits == logits[:, :1]).all():
        raise ValueError(
            "The logits of every image are equal, so that no temperature changes anything: "
            "check where they come from."
        )
    truth = logits[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        scaled = inverse * logits
        weights = np.exp(scaled - _log_sum_exp(scaled, axis=-1))
        return float(((weights * logits).sum(axis=-1) - truth).mean())

    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(high) <= 0:
        if (logits.argmax(axis=-1) == labels).all():
            raise ValueError(
                "Every answer is right, so that lower temperatures always look better: "
                "fit the temperature on images of which some are answered wrong."
            )
        raise ValueError(
            f"The search ended at its lowest temperature, {LOWEST:g}, and lower ones look better "
            "still: multiply the logits, which differ too little, by a constant."
        )
    if slope(low) >= 0:
        if slope(0.0) >= 0:
            raise ValueError(
                "These answers are no better than guessing, so that higher temperatures always "
                "look better: check that logits and labels belong together."
            )
        raise ValueError(
            f"The search ended at its highest temperature, {HIGHEST:g}, and higher ones look "
            "better still: divide the logits, which differ too much, by a constant."
        )
    while high / low > 1 + 1e-12:
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return 1 / float(np.sqrt(low * high))


def member_temperatures(predictions: Predictions) -> NDArray[np.float64]:
    """A temperature for each member, fitted on its own answers by `fit_temperature`.

    Parameters
    ----------
    predictions : Predictions
        With logits and labels.

    Returns
    -------
    float64, shape [M]
        1/1000 to 1000.

    Raises
    ------
    ValueError
        If there are no labels or logits, or a member has no best temperature.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.9, 0.1], [0.75, 0.25]]] * 4)
    >>> member_temperatures(Predictions(logits, [0, 0, 0, 1])).round(4).tolist()
    [2.0, 1.0]
    """
    if predictions.logits is None or predictions.labels is None:
        raise ValueError("Temperatures are fitted on predictions with logits and labels.")
    members = np.moveaxis(predictions.logits, 1, 0)
    return np.array([fit_temperature(logits, predictions.labels) for logits in members])


def scale(
    predictions: Predictions,
    *,
    members: float | ArrayLike | None = None,
    mean: float | None = None,
) -> Predictions:
    """Divide by a temperature: the members' logits, or the logarithm of their mean.

    Parameters
    ----------
    predictions : Predictions
        With logits.
    members : float or array of float, shape [M], optional
        Divides the logits of the members before they are averaged: "calibrate, then pool". A single
        number is used for all of them. The result has M members.
    mean : float, optional
        Divides the logarithm of the mean: "pool, then calibrate" (Rahaman & Thiery 2021,
        arXiv:2007.08792). The result has one member: what the members disagreed about is gone.

    Returns
    -------
    Predictions

    Raises
    ------
    ValueError
        Unless exactly one of the two is given, positive, and fits the number of members.

    Examples
    --------
    >>> import numpy as np
    >>> predictions = Predictions(np.log([[[0.9, 0.1]]]))
    >>> scale(predictions, members=2.0).mean.round(4).tolist()
    [[0.75, 0.25]]
    """
    if (members is None) == (mean is None):
        raise ValueError("Give one temperature: for the members, or for their mean.")
    temperatures = np.asarray(members if mean is None else mean, dtype=np.float64)
    if not (np.isfinite(temperatures) & (temperatures > 0)).all():
        raise ValueError(f"A temperature is a positive number, not {temperatures}.")
    if mean is not None:
        if temperatures.ndim:
            raise ValueError("The mean has a single temperature: give one number.")
        return Predictions((log_mean(predictions) / mean)[:, np.newaxis], predictions.labels)
    if predictions.logits is None:
        raise ValueError("Temperatures need logits, and these predictions hold probabilities only.")
    if temperatures.shape not in ((), (predictions.num_members,)):
        raise ValueError(
            f"There are {predictions.num_members} members and {temperatures.size} temperatures: "
            "give one for each, or a single number."
        )
    scaled = predictions.logits / temperatures.reshape(-1, 1)
    return Predictions(scaled, predictions.labels)


def _log_sum_exp(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    # not SciPy's: importing it takes longer than everything else here together
    largest = values.max(axis=axis, keepdims=True)
    return largest + np.log(np.exp(values - largest).sum(axis=axis, keepdims=True))
