"""Uncertainty scores: one function each, ``Predictions`` in, float64 of shape [N] out.

All point the same way: a higher score means a less certain answer. In the formulas p_m(c) is the
probability that member m gives class c, p(c) its mean over the M members, z the logits, H the
entropy in nats.

A new score is one function under ``@_registered``, which puts it in `SCORES`; menus, rankings and
the results ledger take it from there.

They are written in NumPy, although torch-uncertainty has several of them as metrics, because the
metrics return averages over a data set and need torch; a course that looks at single images needs
the value of each image. The tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .predictions import Predictions

ScoreFunction = Callable[[Predictions], NDArray[np.float64]]


@dataclass(frozen=True)
class Score:
    """A score as the registry knows it; it can be called like its function.

    Attributes
    ----------
    name : str
        As menus and legends show it.
    function : callable
        ``Predictions`` in, float64 of shape [N] out.
    source : str
        Where it was proposed.
    needs_members : bool
        It is 0 for every image of a single model.
    needs_logits : bool
        Probabilities alone do not determine it.
    direction : str
        The same for every score, so that they can be ranked and compared alike.
    """

    name: str
    function: ScoreFunction
    source: str
    needs_members: bool = False
    needs_logits: bool = False
    direction: ClassVar[str] = "higher = less certain"

    def __call__(self, predictions: Predictions) -> NDArray[np.float64]:
        """The score of each image, shape [N]."""
        return self.function(predictions)

    @property
    def key(self) -> str:
        """The function's name with hyphens, as keys of the results ledger have it."""
        return self.function.__name__.replace("_", "-")

    def suits(self, predictions: Predictions) -> bool:
        """Whether it can rank the images of these predictions."""
        return (predictions.num_members > 1 or not self.needs_members) and (
            predictions.logits is not None or not self.needs_logits
        )


SCORES: dict[str, Score] = {}
"""Every score under its name, in the order in which menus show them."""

DEFAULT_SCORE = "Maximum probability"
"""Name of the score that is taken where none is chosen."""


def available(predictions: Predictions) -> dict[str, Score]:
    """The entries of ``SCORES`` that can rank the images of these predictions.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    dict of name to Score

    Examples
    --------
    >>> list(available(Predictions.from_probabilities([[[0.9, 0.1]]])))  # no members, no logits
    ['Maximum probability', 'Entropy', 'Expected entropy']
    """
    return {name: score for name, score in SCORES.items() if score.suits(predictions)}


def _registered(name: str, source: str, **needs: bool) -> Callable[[ScoreFunction], ScoreFunction]:
    def register(function: ScoreFunction) -> ScoreFunction:
        SCORES[name] = Score(name, function, source, **needs)
        return function

    return register


@_registered(DEFAULT_SCORE, "Hendrycks & Gimpel 2017, arXiv:1610.02136")
def max_probability(predictions: Predictions) -> NDArray[np.float64]:
    """One minus the largest probability of the mean: 1 - max_c p(c).

    The baseline of Hendrycks & Gimpel 2017 (arXiv:1610.02136); for calibrated probabilities it is
    the chance of being wrong. Summed over the other classes, which is the same number: the
    subtraction could not tell 1e-17 from 1e-20, and very certain images would tie.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float64, shape [N]
        0 to 1 - 1/C.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]] * 2, [[0.9, 0.1], [0.1, 0.9]]])
    >>> max_probability(predictions).round(4).tolist()
    [0.1, 0.5]
    """
    others = predictions.mean.copy()
    others[np.arange(len(predictions)), predictions.predicted] = 0.0
    return others.sum(axis=-1)


@_registered("Entropy", "Shannon 1948; as total uncertainty, Depeweg et al. 2018, arXiv:1710.07283")
def entropy(predictions: Predictions) -> NDArray[np.float64]:
    """Entropy of the mean: H[p] = -sum_c p(c) ln p(c), the total uncertainty.

    Shannon 1948; as total uncertainty, Depeweg et al. 2018 (arXiv:1710.07283). torch-uncertainty's
    metric ``Entropy`` and its criterion "entropy" average the entropies of the members instead:
    that is :func:`expected_entropy`.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float64, shape [N]
        In nats, 0 to ln C.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]] * 2, [[0.9, 0.1], [0.1, 0.9]]])
    >>> entropy(predictions).round(4).tolist()  # the second is ln 2, the most there is
    [0.3251, 0.6931]
    """
    return entropy_of(predictions.mean)


@_registered("Expected entropy", "Depeweg et al. 2018, arXiv:1710.07283")
def expected_entropy(predictions: Predictions) -> NDArray[np.float64]:
    """Mean entropy of the members: 1/M sum_m H[p_m], the aleatoric part.

    Depeweg et al. 2018 (arXiv:1710.07283): what stays uncertain although each member knows what it
    thinks. Never above :func:`entropy`, because H is concave.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float64, shape [N]
        In nats, 0 to ln C.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]] * 2, [[0.9, 0.1], [0.1, 0.9]]])
    >>> expected_entropy(predictions).round(4).tolist()
    [0.3251, 0.3251]
    """
    return entropy_of(predictions.probabilities).mean(axis=-1)


@_registered("Mutual information", "BALD, Houlsby et al. 2011, arXiv:1112.5745", needs_members=True)
def mutual_information(predictions: Predictions) -> NDArray[np.float64]:
    """Entropy of the mean minus mean entropy: H[p] - 1/M sum_m H[p_m], the epistemic part.

    BALD, Houlsby et al. 2011 (arXiv:1112.5745); Depeweg et al. 2018 (arXiv:1710.07283). It is never
    negative; what rounding leaves below 0 is set to 0.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float64, shape [N]
        In nats, 0 to ln min(M, C); 0 for a single model.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]] * 2, [[0.9, 0.1], [0.1, 0.9]]])
    >>> mutual_information(predictions).round(4).tolist()
    [0.0, 0.3681]
    """
    return np.maximum(entropy(predictions) - expected_entropy(predictions), 0.0)


@_registered("Variation ratio", "Freeman 1965, Elementary Applied Statistics", needs_members=True)
def variation_ratio(predictions: Predictions) -> NDArray[np.float64]:
    """Share of members that do not vote for the most voted class: 1 - max_c n(c) / M.

    n(c) counts the members whose most probable class is c. Freeman 1965, *Elementary Applied
    Statistics*; Gal 2016 (thesis). torch-uncertainty's ``VariationRatio(probabilistic=False)``
    counts against the class of the mean, which differs from the most voted class now and then and
    gives a higher value there.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float64, shape [N]
        0 to 1 - 1/min(M, C); 0 for a single model.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]] * 2, [[0.9, 0.1], [0.1, 0.9]]])
    >>> variation_ratio(predictions).tolist()
    [0.0, 0.5]
    """
    return 1.0 - _votes(predictions).max(axis=-1) / predictions.num_members


@_registered("Disagreement", "Fort et al. 2019, arXiv:1912.02757", needs_members=True)
def disagreement(predictions: Predictions) -> NDArray[np.float64]:
    """Share of pairs of members that vote for different classes.

    1 - sum_c n(c) (n(c) - 1) / (M (M - 1)), with the votes n(c) of :func:`variation_ratio`. The
    disagreement between two members of Fort et al. 2019 (arXiv:1912.02757), averaged over pairs.
    The value of torch-uncertainty's ``Disagreement``, except for a single model, which has no pair:
    0 here (nothing disagrees), NaN there.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float64, shape [N]
        0 to 1; 0 for a single model.

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[[0.9, 0.1]] * 2, [[0.9, 0.1], [0.1, 0.9]]])
    >>> disagreement(predictions).tolist()
    [0.0, 1.0]
    """
    num_members = predictions.num_members
    if num_members == 1:
        return np.zeros(len(predictions))
    votes = _votes(predictions)
    agreeing = (votes * (votes - 1)).sum(axis=-1)
    return 1.0 - agreeing / (num_members * (num_members - 1))


@_registered("Energy", "Liu et al. 2020, arXiv:2010.03759", needs_logits=True)
def energy(predictions: Predictions) -> NDArray[np.float64]:
    """Free energy of the logits, averaged over the members first: -ln sum_c exp z(c).

    Liu et al. 2020 (arXiv:2010.03759), temperature 1; for ensembles the logits are averaged as in
    torch-uncertainty's ``EnergyCriterion``.

    Parameters
    ----------
    predictions : Predictions
        With logits.

    Returns
    -------
    float64, shape [N]
        Any real number.

    Raises
    ------
    ValueError
        If there are no logits.

    Examples
    --------
    >>> energy(Predictions([[[3.0, 0.0]], [[30.0, 0.0]]])).round(4).tolist()
    [-3.0486, -30.0]
    """
    logits = _mean_logits(predictions, "energy")
    largest = logits.max(axis=-1)
    return -(largest + np.log(np.exp(logits - largest[:, np.newaxis]).sum(axis=-1)))


@_registered("Maximum logit", "Hendrycks et al. 2022, arXiv:1911.11132", needs_logits=True)
def max_logit(predictions: Predictions) -> NDArray[np.float64]:
    """Negated largest logit, averaged over the members first: -max_c z(c).

    Hendrycks et al. 2022 (arXiv:1911.11132); for ensembles the logits are averaged as in
    torch-uncertainty's ``MaxLogitCriterion``.

    Parameters
    ----------
    predictions : Predictions
        With logits.

    Returns
    -------
    float64, shape [N]
        Any real number.

    Raises
    ------
    ValueError
        If there are no logits.

    Examples
    --------
    >>> max_logit(Predictions([[[3.0, 0.0]], [[30.0, 0.0]]])).tolist()
    [-3.0, -30.0]
    """
    return -_mean_logits(predictions, "max logit").max(axis=-1)


# The entropies of given probabilities


def entropy_of(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Entropy of each row of probabilities: -sum_c p(c) ln p(c).

    Shannon 1948, *A mathematical theory of communication*.

    Parameters
    ----------
    probabilities : array of float, shape [..., C]

    Returns
    -------
    float64, shape [...]
        In nats, 0 to ln C.

    Examples
    --------
    >>> entropy_of([[0.5, 0.5], [1.0, 0.0]]).round(4).tolist()
    [0.6931, 0.0]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    # Not scipy.special.entr: importing SciPy takes longer than everything else here together.
    logarithm = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    # The largest probability may exceed 1 by rounding, and the sum fall below 0.
    return np.maximum(-(probabilities * logarithm).sum(axis=-1), 0.0)


def entropy_split(probabilities: ArrayLike) -> tuple[float, float, float]:
    """Entropy of the mean, expected entropy and mutual information of a single image.

    H[p] = 1/M sum_m H[p_m] + I; Depeweg et al. 2018 (arXiv:1710.07283). The same numbers as
    :func:`entropy`, :func:`expected_entropy` and :func:`mutual_information`.

    Parameters
    ----------
    probabilities : array of float, shape [M, C]
        One row per member.

    Returns
    -------
    total, expected, mutual : float
        In nats; the first two 0 to ln C, the last 0 to ln min(M, C).

    Examples
    --------
    >>> [round(part, 4) for part in entropy_split([[1.0, 0.0], [0.0, 1.0]])]
    [0.6931, 0.0, 0.6931]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    total = float(entropy_of(probabilities.mean(axis=0)))
    expected = float(entropy_of(probabilities).mean())
    return total, expected, max(total - expected, 0.0)


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
