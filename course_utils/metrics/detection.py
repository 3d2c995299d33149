"""OOD detection: does a score set images of no known class apart from the known ones?

ROC and precision-recall are computed from cached scores, in a few lines of NumPy: torchmetrics
needs torch and squeezes scores by a sigmoid batch by batch, and importing scikit-learn costs a
second. The tests compare the numbers with scikit-learn's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._support.validation import finite

__all__ = ["Detection", "auroc", "ood_detection"]


@dataclass(frozen=True)
class Detection:
    """How well a score finds OOD images; OOD is the positive class.

    Attributes
    ----------
    false_positive, true_positive : float64, shape [K]
        Share of known and of OOD images with a score at or above each of the K - 1 distinct
        thresholds, from (0, 0) to (1, 1).
    precision : float64, shape [K]
        Share of OOD images among those flagged; 1 where none is flagged.
    auroc : float
        Area under the ROC curve, 0 to 1; see `auroc`.
    aupr : float
        Average precision, 0 to 1, with OOD as the positive class.
    fpr95 : float
        Smallest share of known images flagged, 0 to 1, at which at least 95 % of the OOD images
        are found.
    num_known, num_ood : int
        Number of images of either kind.
    """

    false_positive: NDArray[np.float64]
    true_positive: NDArray[np.float64]
    precision: NDArray[np.float64]
    auroc: float
    aupr: float
    fpr95: float
    num_known: int
    num_ood: int


def ood_detection(known: ArrayLike, ood: ArrayLike) -> Detection:
    """ROC and precision-recall of a score, "higher = less certain"; ties are one step.

    Hendrycks & Gimpel 2017 (arXiv:1610.02136) report AUROC and AUPR, Liang et al. 2018
    (arXiv:1706.02690) the false positives at 95 % found. The areas are scikit-learn's
    ``roc_auc_score`` and ``average_precision_score``.

    Parameters
    ----------
    known : array of float, shape [N]
        Scores of images of known classes, N at least 1.
    ood : array of float, shape [K]
        Scores of OOD images, K at least 1.

    Returns
    -------
    Detection

    Raises
    ------
    ValueError
        If either is empty, is no vector, or holds a value that is not finite.

    Examples
    --------
    >>> found = ood_detection(known=[0.1, 0.2, 0.3, 0.6], ood=[0.5, 0.9])
    >>> found.auroc, found.fpr95
    (0.875, 0.25)
    >>> round(found.aupr, 4)  # precision 1 at the first OOD image, 2/3 at the second
    0.8333
    """
    known = finite(known, "The score of the known images")
    ood = finite(ood, "The score of the OOD images")
    if not len(known) or not len(ood):
        raise ValueError("ROC and precision-recall need known and OOD images, at least one each.")
    scores = np.concatenate([known, ood])
    positive = np.concatenate([np.zeros(len(known)), np.ones(len(ood))])
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    found = np.cumsum(positive)[last]
    flagged = last + 1.0
    true_positive = np.append(0.0, found / len(ood))
    false_positive = np.append(0.0, (flagged - found) / len(known))
    precision = np.append(1.0, found / flagged)
    return Detection(
        false_positive,
        true_positive,
        precision,
        auroc=auroc(known, ood),
        aupr=float((np.diff(true_positive) * precision[1:]).sum()),
        fpr95=float(false_positive[np.argmax(true_positive >= 0.95)]),
        num_known=len(known),
        num_ood=len(ood),
    )


def auroc(known: ArrayLike, ood: ArrayLike) -> float:
    """Share of pairs in which the OOD image has the higher score; ties count half.

    That is the area under the ROC curve (Hanley & McNeil 1982, *The meaning and use of the area
    under a receiver operating characteristic curve*), without the curve.

    Parameters
    ----------
    known : array of float, shape [N]
        Scores of images of known classes, N at least 1.
    ood : array of float, shape [K]
        Scores of OOD images, K at least 1.

    Returns
    -------
    float
        0 to 1; 0.5 for a score that says nothing.

    Examples
    --------
    >>> auroc(known=[0.1, 0.2], ood=[0.2, 0.3])  # three pairs are in order, one is a tie
    0.875
    """
    known, ood = np.sort(known), np.sort(ood)
    below = known.searchsorted(ood, "left").sum()
    up_to = known.searchsorted(ood, "right").sum()
    return float((below + up_to) / (2 * len(known) * len(ood)))
