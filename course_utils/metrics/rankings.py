"""Cached per-model rankings: images from the most to the least certain, by any score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils._support import validation as checks

from . import scores, selective
from .predictions import Predictions

__all__ = ["Ranking", "Rankings", "of_same_images", "rounded_up"]


def rounded_up(uncertainty: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same ranking in fewer bits: a page that holds these numbers is a third smaller.

    As few bits are kept as tell different scores apart, float32's at least. Rounded up, each number
    still answers the same images if it is taken as a threshold for the scores themselves.

    Parameters
    ----------
    uncertainty : float64, shape [N]

    Returns
    -------
    float64, shape [N]
        Higher by at most 2e-7 of the score.

    Examples
    --------
    >>> rounded_up(np.array([0.1, 0.25])).tolist()
    [0.10000000149011612, 0.25]
    """
    bits, different = uncertainty.view(np.int64), len(np.unique(uncertainty))
    for dropped in (29, 24, 16, 8):  # of the 52 digits of a float64; a float32 has 23
        mask = (1 << dropped) - 1
        # the bits of negative numbers count downwards
        short = (np.where(uncertainty > 0, bits + mask, bits) & ~mask).view(np.float64)
        if len(np.unique(short)) == different:
            return short
    return uncertainty


def of_same_images(models: Any, what: str) -> dict[str, Predictions]:
    """Check that models answer the same images.

    Parameters
    ----------
    models : mapping of name to Predictions
    what : str
        What needs them, for the sentence where there are none.

    Returns
    -------
    dict of str to Predictions

    Raises
    ------
    ValueError
        If their lengths or labels differ, or one isn't Predictions.

    Examples
    --------
    >>> one = Predictions([[[2.0, 1.0]]], [0])
    >>> list(of_same_images({"one": one, "same": one}, "This widget"))
    ['one', 'same']
    """
    checks.named(models, what)
    first_name, first = next(iter(models.items()))
    labelled: tuple[str, NDArray[np.int64]] | None = None
    for name, predictions in models.items():
        if not isinstance(predictions, Predictions):
            raise ValueError(
                f"{name} must be Predictions, not {type(predictions).__name__}; "
                "evaluation.predict returns them."
            )
        if not len(predictions):
            raise ValueError(f"{name} has no predictions; pass those of at least one image.")
        checks.same_length(len(first), len(predictions), f"images of {first_name}", f"of {name}")
        if predictions.labels is None:
            continue
        known_name, labels = labelled = labelled or (name, predictions.labels)
        if not np.array_equal(labels, predictions.labels):
            raise ValueError(
                f"{known_name} and {name} must predict the same images in the same order; "
                "their labels differ."
            )
    return dict(models)


@dataclass(frozen=True, eq=False)
class Ranking:
    """All images from the most to the least certain.

    Attributes
    ----------
    uncertainty : float64, shape [N]
    correct : bool, shape [N]
    order : int, shape [N]
        Images, the most certain first.
    curve : RiskCoverage

    Examples
    --------
    >>> import numpy as np
    >>> ranking = Ranking.of(np.array([0.5, 0.1, 0.3]), np.array([False, True, True]))
    >>> ranking.order.tolist(), ranking.answered(0.3)
    ([1, 2, 0], 2)
    """

    uncertainty: NDArray[np.float64]
    correct: NDArray[np.bool_]
    order: NDArray[np.intp]
    curve: selective.RiskCoverage

    @classmethod
    def of(cls, uncertainty: NDArray[np.float64], correct: NDArray[np.bool_]) -> Ranking:
        """Rank images by their uncertainty, in the order they came where it is equal."""
        order = np.argsort(uncertainty, kind="stable")
        return cls(uncertainty, correct, order, selective.risk_coverage(uncertainty, correct))

    def answered(self, threshold: float) -> int:
        """How many images a threshold answers: the first so many in ``order``."""
        return round(self.curve.at_threshold(threshold).coverage * len(self.order))


@dataclass(eq=False)
class Rankings:
    """Predictions of several models for the same images, ranked by any score.

    Scores are :func:`rounded_up`, so that a widget's page and Python hold the same numbers.

    Parameters
    ----------
    models : mapping of name to Predictions
        With labels, all for the same images.

    Raises
    ------
    ValueError
        With one sentence that says what does not fit.
    """

    models: Mapping[str, Predictions]
    _kept: dict[tuple[str, str], Ranking] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.models = of_same_images(self.models, "Ranking images")
        for predictions in self.models.values():
            checks.labelled(predictions, "Ranking images")

    def __len__(self) -> int:
        return len(next(iter(self.models.values())))

    @property
    def labels(self) -> NDArray[np.int64]:
        """True classes, shape [N]."""
        return checks.labelled(next(iter(self.models.values())), "Ranking images")

    @property
    def num_classes(self) -> int:
        """The largest number of classes of a model."""
        return max(predictions.num_classes for predictions in self.models.values())

    def scores_of(self, model: str) -> list[str]:
        """Names of the scores that can rank a model's images."""
        return list(scores.available(self.models[model]))

    def ranking(self, model: str, score: str) -> Ranking:
        """Images of a model ranked by a score, computed at the first call."""
        if (model, score) not in self._kept:
            predictions = self.models[model]
            uncertainty = rounded_up(scores.SCORES[score](predictions))
            self._kept[model, score] = Ranking.of(uncertainty, predictions.correct)
        return self._kept[model, score]

    def with_score(self, score: str) -> list[str]:
        """Names of the models that have a score."""
        return [name for name in self.models if score in self.scores_of(name)]
