"""How often the members of an ensemble give the same answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .predictions import Predictions

__all__ = ["pairwise_agreement", "unanimous_share"]


def pairwise_agreement(predictions: Predictions) -> NDArray[np.float64]:
    """Share of images on which two members predict the same class.

    One minus the disagreement of Fort et al. 2019 (arXiv:1912.02757), pair by pair.

    Parameters
    ----------
    predictions : Predictions
        N images, at least one; M members.

    Returns
    -------
    float64, shape [M, M]
        0 to 1, symmetric; 1 on the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.9, 0.1], [0.4, 0.6]], [[0.2, 0.8], [0.3, 0.7]]])
    >>> pairwise_agreement(Predictions(logits)).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    votes = predictions.member_predicted
    shares = np.eye(predictions.num_members)
    for i, j in zip(*np.tril_indices(len(shares), -1), strict=True):  # [N, M, M] would be large
        shares[i, j] = shares[j, i] = (votes[:, i] == votes[:, j]).mean()
    return shares


def unanimous_share(predictions: Predictions) -> float:
    """Share of images on which all members predict the same class.

    Parameters
    ----------
    predictions : Predictions
        N images, at least one.

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[[0.9, 0.1], [0.4, 0.6]], [[0.2, 0.8], [0.3, 0.7]]])
    >>> unanimous_share(Predictions(logits))
    0.5
    """
    votes = predictions.member_predicted
    return float((votes == votes[:, :1]).all(axis=1).mean())
