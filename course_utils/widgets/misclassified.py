"""Misclassified browser: filter and sort the mistakes, and compare the models on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, message, model_comparison
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings

from .front_end import LiveWidget, stored, widget
from .sending import noun_of, pictures, with_looks

OWN, SHARED, ALONE, EVERY = "own", "shared", "alone", "every"
ANY = -1


class MisclassifiedBrowser(LiveWidget):
    """The widget of :func:`misclassified_browser`; its traits can be read, set and linked.

    Attributes
    ----------
    model, score : str
    errors : str
        ``"own"`` (errors of the model), ``"shared"`` (errors of all models), ``"alone"`` (errors of
        this model only) or ``"every"`` (right answers too).
    truth, answer : int
        Only images of this class, only those the model takes for this class; -1 for any.
    low, high : float or None
        Only images with a score between these, ends included.
    doubtful_first : bool
    place : int
        The image shown, counted from 0 in the order.
    """

    model = traitlets.Unicode().tag(sync=True)
    score = traitlets.Unicode(scores.DEFAULT_SCORE).tag(sync=True)
    errors = traitlets.Enum([OWN, SHARED, ALONE, EVERY], OWN).tag(sync=True)
    truth = traitlets.Int(ANY).tag(sync=True)
    answer = traitlets.Int(ANY).tag(sync=True)
    low = traitlets.Float(None, allow_none=True).tag(sync=True)
    high = traitlets.Float(None, allow_none=True).tag(sync=True)
    doubtful_first = traitlets.Bool(True).tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, Predictions],
        images: Any,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.rankings = Rankings(models)
        stack = checks.images_for(images, len(self.rankings))
        if stack is None:
            raise ValueError(
                "The browser shows the images; pass those that were predicted, as an ImageSet or "
                "an array."
            )
        self.images = stack
        names = checks.class_names(self.rankings.num_classes, class_names)
        given = {
            "models": with_looks(self.rankings.models, means=True),
            "labels": stored(self.rankings.labels),
            "images": pictures(self.images),
            "class_names": names,
            "noun": noun_of(names),
        }
        super().__init__(kind="misclassified", given=given, model=next(iter(models)))

    @traitlets.validate("model")
    def _known_model(self, proposal: Any) -> str:
        return checks.one_of(proposal["value"], list(self.rankings.models), "model")

    @traitlets.validate("score")
    def _known_score(self, proposal: Any) -> str:
        names = self.rankings.scores_of(self.model) if self.model else [proposal["value"]]
        return checks.one_of(proposal["value"], names, "score of this model")

    @traitlets.validate("truth", "answer")
    def _known_class(self, proposal: Any) -> int:
        if not ANY <= proposal["value"] < self.rankings.num_classes:
            raise ValueError(
                f"There are {self.rankings.num_classes} classes, numbered from 0; "
                f"{proposal['value']} is none of them (-1 is any)."
            )
        return proposal["value"]

    @traitlets.observe("model", "score", "errors", "truth", "answer", "low", "high")
    def _from_the_start(self, change: Any) -> None:
        if self._settling or self.from_page or "given" not in self._trait_values:
            return
        with self.settling():
            if self.score not in self.rankings.scores_of(self.model):
                self.score = scores.DEFAULT_SCORE
            if change["name"] in ("model", "score"):  # scores live on different scales
                self.low = self.high = None
            self.place = 0

    @property
    def found(self) -> np.ndarray:
        """Images that pass the filters, in the order in which they are shown."""
        ranking = self.rankings.ranking(self.model, self.score)
        chosen, models = self.rankings.models[self.model], self.rankings.models
        passed = np.ones(len(self.rankings), bool)
        if self.errors != EVERY:
            passed = ~chosen.correct
        others = [one.correct for name, one in models.items() if name != self.model]
        for correct in others if self.errors in (SHARED, ALONE) else []:
            passed &= correct if self.errors == ALONE else ~correct
        if self.truth != ANY:
            passed &= self.rankings.labels == self.truth
        if self.answer != ANY:
            passed &= chosen.predicted == self.answer
        if self.low is not None:
            passed &= ranking.uncertainty >= self.low * (1 - 1e-12)
        if self.high is not None:
            passed &= ranking.uncertainty <= self.high * (1 + 1e-12)
        order = ranking.order[::-1] if self.doubtful_first else ranking.order
        return order[passed[order]]

    @property
    def index(self) -> int | None:
        """The image shown, by its number in the data; None where none passes the filters."""
        found = self.found
        return int(found[min(self.place, len(found) - 1)]) if len(found) else None

    def picture(self) -> Picture:
        index = self.index
        if index is None:
            return message(f"No {self.given['noun']} passes the filters.")
        rows = {name: one.probabilities[index] for name, one in self.rankings.models.items()}
        return model_comparison(
            self.images[index],
            rows,
            int(self.rankings.labels[index]),
            chosen=self.model if len(rows) > 1 else None,
            class_names=self.given["class_names"],
        )


@widget
def misclassified_browser(
    models: Mapping[str, Predictions],
    images: Any,
    *,
    class_names: Sequence[str] | None = None,
) -> MisclassifiedBrowser:
    """Go through the mistakes of several models, filtered and sorted, and compare their answers.

    Parameters
    ----------
    models : mapping of name to Predictions
        With labels, for the same N images. The browser opens on the first.
    images : ImageSet or uint8 [N, H, W]
    class_names : sequence of str, optional

    Returns
    -------
    MisclassifiedBrowser
        Where the input makes no sense, a widget that says so.
    """
    return MisclassifiedBrowser(models, images, class_names)
