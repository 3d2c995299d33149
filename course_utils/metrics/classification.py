"""How good the answers are: accuracy, negative log-likelihood, Brier score and confusion counts.

All judge the mean of the members, the ensemble's answer; `member_accuracy` judges each alone. The
two losses come as means over images and, under the names ending in ``_terms``, image by image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._support.validation import labelled

from .calibration import log_mean
from .predictions import Predictions

__all__ = [
    "accuracy",
    "brier_score",
    "brier_terms",
    "confusion_counts",
    "log_loss_terms",
    "member_accuracy",
    "negative_log_likelihood",
]


def accuracy(predictions: Predictions) -> float:
    """Share of right answers.

    Parameters
    ----------
    predictions : Predictions
        N images with labels.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If there are no labels or no images.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.9, 0.1]], [[0.6, 0.4]], [[0.2, 0.8]], [[0.7, 0.3]]])
    >>> accuracy(Predictions(logits, [0, 1, 1, 0]))
    0.75
    """
    labelled(predictions, "Accuracy")
    return float(predictions.correct.mean())


def member_accuracy(predictions: Predictions) -> NDArray[np.float64]:
    """Share of right answers of each member.

    Parameters
    ----------
    predictions : Predictions
        N images with labels, M members.

    Returns
    -------
    float64, shape [M]
        0 to 1.

    Raises
    ------
    ValueError
        If there are no labels or no images.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.9, 0.1], [0.4, 0.6]], [[0.2, 0.8], [0.3, 0.7]]])
    >>> member_accuracy(Predictions(logits, [0, 1])).tolist()
    [1.0, 0.5]
    """
    labels = labelled(predictions, "Accuracy")
    return (predictions.member_predicted == labels[:, np.newaxis]).mean(axis=0)


def negative_log_likelihood(predictions: Predictions) -> float:
    """Mean of -ln p(y), with p the mean of the members and y the label.

    Computed from logits where there are some, so that no probability rounds to 0. Good 1952,
    *Rational decisions*; as torch-uncertainty's ``CategoricalNLL`` of the mean.

    Parameters
    ----------
    predictions : Predictions
        N images with labels.

    Returns
    -------
    float
        In nats, at least 0. Infinite if a probability that was given instead of logits is 0.

    Raises
    ------
    ValueError
        If there are no labels or no images.

    Examples
    --------
    >>> import numpy as np
    >>> predictions = Predictions(np.log([[[0.5, 0.5]], [[0.25, 0.75]]]), [0, 1])
    >>> round(negative_log_likelihood(predictions), 4)  # (ln 2 + ln 4/3) / 2
    0.4904
    """
    labels = labelled(predictions, "The NLL")
    if predictions.logits is None:
        return float(log_loss_terms(predictions.mean, labels).mean())
    return float(-log_mean(predictions)[np.arange(len(labels)), labels].mean())


def log_loss_terms(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """What each image adds to the negative log-likelihood: -ln p(y).

    Parameters
    ----------
    probabilities : array of float, shape [N, C]
        Such as ``predictions.mean``.
    labels : array of int, shape [N]

    Returns
    -------
    float64, shape [N]
        In nats, at least 0; infinite where p(y) is 0.

    Examples
    --------
    >>> log_loss_terms([[0.5, 0.5], [1.0, 0.0]], [0, 0]).round(4).tolist()
    [0.6931, 0.0]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    of_label = probabilities[np.arange(len(probabilities)), np.asarray(labels)]
    with np.errstate(divide="ignore"):
        return 0.0 - np.log(of_label)  # and not -0 where p(y) is 1


def brier_score(predictions: Predictions) -> float:
    """Mean over images of sum_c (p(c) - [c = y])^2, with p the mean of the members.

    Brier 1950, *Verification of forecasts expressed in terms of probability*. It is summed over the
    classes, as in torch-uncertainty's ``BrierScore``; scikit-learn's score for two classes is half
    of it.

    Parameters
    ----------
    predictions : Predictions
        N images with labels.

    Returns
    -------
    float
        0 to 2.

    Raises
    ------
    ValueError
        If there are no labels or no images.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.5, 0.5]], [[1.0, 0.0]]], [0, 1])
    >>> brier_score(predictions)  # (1/4 + 1/4 + 1 + 1) / 2
    1.25
    """
    return float(brier_terms(predictions.mean, labelled(predictions, "The Brier score")).mean())


def brier_terms(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """What each image adds to the Brier score: sum_c (p(c) - [c = y])^2.

    Parameters
    ----------
    probabilities : array of float, shape [N, C]
        Such as ``predictions.mean``.
    labels : array of int, shape [N]

    Returns
    -------
    float64, shape [N]
        0 to 2.

    Examples
    --------
    >>> brier_terms([[0.5, 0.5], [1.0, 0.0]], [0, 1]).tolist()
    [0.5, 2.0]
    """
    errors = np.array(probabilities, dtype=np.float64)
    errors[np.arange(len(errors)), np.asarray(labels)] -= 1
    return np.einsum("nc,nc->n", errors, errors)


def confusion_counts(predictions: Predictions) -> NDArray[np.int64]:
    """Number of images by true class (rows) and predicted class (columns).

    Parameters
    ----------
    predictions : Predictions
        N images with labels, C classes.

    Returns
    -------
    int64, shape [C, C]
        They add up to N; right answers stand on the diagonal.

    Raises
    ------
    ValueError
        If there are no labels or no images.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.9, 0.1]], [[0.6, 0.4]], [[0.2, 0.8]]])
    >>> confusion_counts(Predictions(logits, [0, 1, 1])).tolist()
    [[1, 0], [1, 1]]
    """
    labels = labelled(predictions, "The confusion matrix")
    classes = predictions.num_classes
    cells = labels * classes + predictions.predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
