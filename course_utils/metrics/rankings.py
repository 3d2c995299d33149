"""Images from the most to the least certain, by any score; and scores from best to worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils._support import validation as checks

from . import detection, scores, selective
from .predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ranking", "Rankings", "of_same_images", "rank_scores", "rounded_up"]


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


def share_to_refer(uncertainty: ArrayLike) -> NDArray[np.float64]:
    """For each image: which share of all must be referred until it is among them.

    Parameters
    ----------
    uncertainty : array of float, shape [N]
        Higher is less certain.

    Returns
    -------
    float64 [N]
        Share of the images that are at least as uncertain, itself included; those with the same
        uncertainty are referred together.

    Examples
    --------
    >>> share_to_refer([0.1, 0.9, 0.5, 0.5])
    array([1.  , 0.25, 0.75, 0.75])
    """
    values = np.asarray(uncertainty, np.float64)
    return 1 - np.searchsorted(np.sort(values), values, side="left") / len(values)


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


def rank_scores(
    predictions: Predictions, own: Mapping[str, ArrayLike] | None = None
) -> pd.DataFrame:
    """How well each score tells mistakes from right answers, best first.

    Parameters
    ----------
    predictions : Predictions
        With labels; at least one answer right and one wrong.
    own : mapping of name to array of float, shape [N], optional
        More scores to compare with those of `scores.available`, higher = less certain.

    Returns
    -------
    pandas.DataFrame
        A row for each score, in the order of the first column. ``AUROC`` is the probability that a
        mistake has a higher score than a right answer, ``AURC`` the area under the risk-coverage
        curve (lower is better).

    Raises
    ------
    ValueError
        With one sentence that says what does not fit.

    Examples
    --------
    The third image is a mistake. Maximum probability puts it in the middle, the other score last.

    >>> probabilities = [[[0.9, 0.1]], [[0.6, 0.4]], [[0.3, 0.7]]]
    >>> predictions = Predictions.from_probabilities(probabilities, np.array([0, 0, 0]))
    >>> table = rank_scores(predictions, {"mine": [0.1, 0.2, 0.9]})
    >>> table["AUROC"].to_dict()["mine"], table["AUROC"].to_dict()["Maximum probability"]
    (1.0, 0.5)
    """
    import pandas as pd

    checks.labelled(predictions, "Ranking scores")
    correct = predictions.correct
    if correct.all() or not correct.any():
        raise ValueError("Ranking scores needs right answers and mistakes, at least one of each.")
    values = {name: score(predictions) for name, score in scores.available(predictions).items()}
    for name, given in (own or {}).items():
        if name in values:
            raise ValueError(f"There is a score {name!r} already: give yours another name.")
        values[name] = checks.finite(given, f"The score {name!r}")
        checks.same_length(len(values[name]), len(correct), "values of the score", "predictions")
    rows = {
        name: {
            "AUROC": detection.auroc(score[correct], score[~correct]),
            "AURC": selective.risk_coverage(score, correct).aurc,
        }
        for name, score in values.items()
    }
    table = pd.DataFrame(rows).T
    return table.sort_values("AUROC", ascending=False, kind="stable")
