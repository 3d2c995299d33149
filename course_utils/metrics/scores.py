"""Uncertainty scores: one function each, ``Predictions`` in, float64 of shape [N] out.

All point the same way: a higher score means a less certain answer. In the formulas p_m(c) is the
probability that member m gives class c, p(c) its mean over the M members, z the logits, H the
entropy in nats.

They are written in NumPy, although torch-uncertainty has several of them as metrics, because the
metrics return averages over a data set and need torch; a course that looks at single images needs
the value of each image. The tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .predictions import Predictions

Score = Callable[[Predictions], NDArray[np.float64]]


def max_probability(predictions: Predictions) -> NDArray[np.float64]:
    """One minus the largest probability of the mean: 1 - max_c p(c).

    Range 0 to 1 - 1/C. The baseline of Hendrycks & Gimpel 2017 (arXiv:1610.02136); for calibrated
    probabilities it is the chance of being wrong.

    Summed over the other classes, which is the same number: the subtraction could not tell
    1e-17 from 1e-20, and very certain images would tie.
    """
    others = predictions.mean.copy()
    others[np.arange(len(predictions)), predictions.predicted] = 0.0
    return others.sum(axis=-1)


def entropy(predictions: Predictions) -> NDArray[np.float64]:
    """Entropy of the mean: H[p] = -sum_c p(c) ln p(c), the total uncertainty.

    Range 0 to ln C. Shannon 1948; as total uncertainty, Depeweg et al. 2018 (arXiv:1710.07283).
    torch-uncertainty's metric ``Entropy`` and its criterion "entropy" average the entropies of the
    members instead: that is :func:`expected_entropy`.
    """
    return _entropy(predictions.mean)


def expected_entropy(predictions: Predictions) -> NDArray[np.float64]:
    """Mean entropy of the members: 1/M sum_m H[p_m], the aleatoric part.

    Range 0 to ln C, never above :func:`entropy` (H is concave). Depeweg et al. 2018
    (arXiv:1710.07283): what stays uncertain although each member knows what it thinks.
    """
    return _entropy(predictions.probabilities).mean(axis=-1)


def mutual_information(predictions: Predictions) -> NDArray[np.float64]:
    """Entropy of the mean minus mean entropy: H[p] - 1/M sum_m H[p_m], the epistemic part.

    Range 0 to ln min(M, C); 0 for a single model. BALD, Houlsby et al. 2011 (arXiv:1112.5745);
    Depeweg et al. 2018 (arXiv:1710.07283). It is never negative; what rounding leaves below 0
    is set to 0.
    """
    return np.maximum(entropy(predictions) - expected_entropy(predictions), 0.0)


def variation_ratio(predictions: Predictions) -> NDArray[np.float64]:
    """Share of members that do not vote for the most voted class: 1 - max_c n(c) / M.

    n(c) counts the members whose most probable class is c. Range 0 to 1 - 1/min(M, C); 0 for a
    single model. Freeman 1965, *Elementary Applied Statistics*; Gal 2016 (thesis).
    torch-uncertainty's ``VariationRatio(probabilistic=False)`` counts against the class of the
    mean, which differs from the most voted class now and then and gives a higher value there.
    """
    return 1.0 - _votes(predictions).max(axis=-1) / predictions.num_members


def disagreement(predictions: Predictions) -> NDArray[np.float64]:
    """Share of pairs of members that vote for different classes.

    1 - sum_c n(c) (n(c) - 1) / (M (M - 1)), with the votes n(c) of :func:`variation_ratio`.
    Range 0 to 1. The disagreement between two members of Fort et al. 2019 (arXiv:1912.02757),
    averaged over pairs. The value of torch-uncertainty's ``Disagreement``, except for a single
    model, which has no pair: 0 here (nothing disagrees), NaN there.
    """
    num_members = predictions.num_members
    if num_members == 1:
        return np.zeros(len(predictions))
    votes = _votes(predictions)
    agreeing = (votes * (votes - 1)).sum(axis=-1)
    return 1.0 - agreeing / (num_members * (num_members - 1))


def energy(predictions: Predictions) -> NDArray[np.float64]:
    """Free energy of the logits, averaged over the members first: -ln sum_c exp z(c).

    Any real number. Liu et al. 2020 (arXiv:2010.03759), temperature 1; for ensembles the logits
    are averaged as in torch-uncertainty's ``EnergyCriterion``. Raises ValueError without logits.
    """
    logits = _mean_logits(predictions, "energy")
    largest = logits.max(axis=-1)
    return -(largest + np.log(np.exp(logits - largest[:, np.newaxis]).sum(axis=-1)))


def max_logit(predictions: Predictions) -> NDArray[np.float64]:
    """Negated largest logit, averaged over the members first: -max_c z(c).

    Any real number. Hendrycks et al. 2022 (arXiv:1911.11132); for ensembles the logits are
    averaged as in torch-uncertainty's ``MaxLogitCriterion``. Raises ValueError without logits.
    """
    return -_mean_logits(predictions, "max logit").max(axis=-1)


SCORES: dict[str, Score] = {
    "Maximum probability": max_probability,
    "Entropy": entropy,
    "Expected entropy": expected_entropy,
    "Mutual information": mutual_information,
    "Variation ratio": variation_ratio,
    "Disagreement": disagreement,
    "Energy": energy,
    "Maximum logit": max_logit,
}
"""Every score under the name that menus and legends show."""

NEEDS_MEMBERS = frozenset({"Mutual information", "Variation ratio", "Disagreement"})
"""Names of the scores that are 0 for every image of a single model."""

NEEDS_LOGITS = frozenset({"Energy", "Maximum logit"})
"""Names of the scores that probabilities alone do not determine."""


def available(predictions: Predictions) -> dict[str, Score]:
    """The entries of ``SCORES`` that can rank the images of these predictions."""
    return {
        name: score
        for name, score in SCORES.items()
        if (predictions.num_members > 1 or name not in NEEDS_MEMBERS)
        and (predictions.logits is not None or name not in NEEDS_LOGITS)
    }


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not scipy.special.entr: importing SciPy takes longer than everything else here together.
    logarithm = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    # The largest probability may exceed 1 by rounding, and the sum fall below 0.
    return np.maximum(-(probabilities * logarithm).sum(axis=-1), 0.0)


def _votes(predictions: Predictions) -> NDArray[np.int64]:
    """Number of members voting for each class, shape [N, C]."""
    votes = np.zeros((len(predictions), predictions.num_classes), dtype=np.int64)
    images = np.arange(len(predictions))
    for member in range(predictions.num_members):
        votes[images, predictions.member_predicted[:, member]] += 1
    return votes


def _mean_logits(predictions: Predictions, name: str) -> NDArray[np.float64]:
    if predictions.logits is None:
        raise ValueError(
            f"The score {name} needs logits, and these predictions hold probabilities only: "
            "choose another score, such as entropy."
        )
    return predictions.logits.mean(axis=1, dtype=np.float64)
