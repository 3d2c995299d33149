"""Several models on the same images, ranked by any score: computed once, kept, shared by nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from course_utils._support import validation as checks

from . import scores, selective
from .predictions import Predictions

DEFAULT_SCORE = "Maximum probability"


@dataclass(frozen=True, eq=False)
class Ranking:
    """All images from the most to the least certain.

    Attributes
    ----------
    uncertainty : float64 [N]
    correct : bool [N]
    order : int [N]
        Images, the most certain first.
    curve : RiskCoverage
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
    """Predictions of several models for the same images, checked.

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
        checks.named(self.models, "This widget")
        self.models = dict(self.models)
        first_name, first = next(iter(self.models.items()))
        for name, predictions in self.models.items():
            if not isinstance(predictions, Predictions):
                raise ValueError(
                    f"{name} must be Predictions, not {type(predictions).__name__}; "
                    "evaluation.predict returns them."
                )
            labels = checks.labelled(predictions, "This widget")
            if len(labels) != len(first) or not np.array_equal(labels, first.labels):
                raise ValueError(
                    f"{first_name} and {name} must predict the same images in the same order; "
                    "their labels differ."
                )

    def __len__(self) -> int:
        return len(next(iter(self.models.values())))

    @property
    def labels(self) -> NDArray[np.int64]:
        """True classes, [N]."""
        return next(iter(self.models.values())).labels

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
            uncertainty = scores.SCORES[score](predictions)
            self._kept[model, score] = Ranking.of(uncertainty, predictions.correct)
        return self._kept[model, score]

    def with_score(self, score: str) -> list[str]:
        """Names of the models that have a score."""
        return [name for name in self.models if score in self.scores_of(name)]


def checked_images(images: object, count: int, what: str = "predictions") -> np.ndarray | None:
    """Images [N, H, W] as uint8, from an array or an ``ImageSet``; None stays None."""
    if images is None:
        return None
    stack = checks.image_stack(getattr(images, "images", images))
    checks.same_length(len(stack), count, second_name=what)
    return stack


def known(name: object, names: Sequence[str], what: str) -> str:
    """A name that is in the list, or a sentence with those that are."""
    if name not in names:
        raise ValueError(f"There is no {what} {name!r}; there are {', '.join(names)}.")
    return str(name)
