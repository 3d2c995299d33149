"""Misclassified browser: filter and sort the mistakes, and compare the models on each."""

from __future__ import annotations

import zlib
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
RIGHT = 300  # images that all models get right, to compare with: 10,000 would fill a page


class MisclassifiedBrowser(LiveWidget):
    """Go through the mistakes of several models, filtered and sorted, and compare their answers.

    The widget holds every image that a model gets wrong, and the first 300 of the others.

    Parameters
    ----------
    models : mapping of name to Predictions
        With labels, for the same N images. The browser opens on the first.
    images : ImageSet or uint8 [N, H, W]
    class_names : sequence of str, optional

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
        *,
        class_names: Sequence[str] | None = None,
    ) -> None:
        whole = Rankings(models)
        stack = checks.images_for(images, len(whole))
        if stack is None:
            raise ValueError("The images are missing; pass those that the models predicted.")
        right = np.logical_and.reduce([one.correct for one in models.values()])
        self.numbers = np.flatnonzero(~right | (np.cumsum(right) <= RIGHT))  # in the data
        self.rankings = Rankings({name: one.take(self.numbers) for name, one in models.items()})
        self.images = stack[self.numbers]
        names = checks.class_names(whole.num_classes, class_names)
        given = {
            "models": with_looks(self.rankings.models, means=True),
            "labels": stored(self.rankings.labels),
            "images": pictures(self.images),
            "numbers": None if len(self.images) == len(stack) else stored(self.numbers),
            "set": zlib.crc32(stack.tobytes()),  # by which other widgets know it
            "right": int(right.sum()),
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
        if proposal["value"] == ANY:
            return ANY
        return checks.numbered(proposal["value"], self.rankings.num_classes, "Classes")

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

    def _places(self) -> np.ndarray:
        """Images that pass the filters, as the widget holds them, in their order."""
        ranking = self.rankings.ranking(self.model, self.score)
        chosen, models = self.rankings.models[self.model], self.rankings.models
        passed = np.ones(len(self.rankings), bool) if self.errors == EVERY else ~chosen.correct
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
    def found(self) -> np.ndarray:
        """Images that pass the filters, by their numbers in the data, in the order shown."""
        return self.numbers[self._places()]

    @property
    def index(self) -> int | None:
        """The image shown, by its number in the data; None where none passes the filters."""
        found = self.found
        return int(found[min(self.place, len(found) - 1)]) if len(found) else None

    def picture(self) -> Picture:
        places = self._places()
        if not len(places):
            return message(f"No {self.given['noun']} passes the filters.")
        at = places[min(self.place, len(places) - 1)]
        rows = {name: one.probabilities[at] for name, one in self.rankings.models.items()}
        return model_comparison(
            self.images[at],
            rows,
            int(self.rankings.labels[at]),
            chosen=self.model if len(rows) > 1 else None,
            class_names=self.given["class_names"],
        )


misclassified_browser = widget(MisclassifiedBrowser)
