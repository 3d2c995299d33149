"""Who answers? Digits and clothes change sides as the network must be surer, or less sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from course_utils._support import validation as checks
from course_utils.figures import Picture, score_histograms, style
from course_utils.metrics.predictions import Predictions

from .front_end import LiveWidget, stored, widget

STRAY = -1  # the label of an image for which no answer is right
OPENING = 0.5  # nearly everything is answered, so that mistakes can be seen


class WhoAnswers(LiveWidget):
    """Two columns, answered and for a human, between which images move as one drags.

    Parameters
    ----------
    models : mapping of name to (Predictions, Predictions)
        What each says of the N images, with labels, and of the K strays.
    images, strays : ImageSet or uint8 [N, H, W] and [K, H, W]
        Some hundreds in all, so that each can be seen. Strays belong to no class: whatever a
        model calls them is a mistake.
    class_names : sequence of str, optional
    stray_names : sequence of str [K]
        What each stray is.

    Attributes
    ----------
    model : str
    sure : float
        Confidence from which on an image is answered.
    """

    model = traitlets.Unicode().tag(sync=True)
    sure = traitlets.Float(OPENING).tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, tuple[Predictions, Predictions]],
        images: Any,
        strays: Any,
        *,
        class_names: Sequence[str] | None = None,
        stray_names: Sequence[str],
    ) -> None:
        checks.named(models, "This widget")
        stacks = [checks.image_stack(getattr(one, "images", one)) for one in (images, strays)]
        self.models = dict(models)
        for name, parts in models.items():
            if [len(part) for part in parts] != [len(stack) for stack in stacks]:
                raise ValueError(f"{name} must answer every image and every stray, once each.")
        first, _ = next(iter(models.values()))
        labels = checks.labelled(first, "Counting mistakes")
        known = checks.class_names(first.num_classes, class_names)
        self.labels = np.concatenate([labels, np.full(len(stacks[1]), STRAY)])
        asked = {name: self._asked(name) for name in models}
        given = {
            "images": stored(np.concatenate(stacks)),
            "labels": stored(self.labels.astype(np.int16)),
            "truth": [*(known[label] for label in labels), *stray_names],
            "class_names": known,
            "models": [
                {"name": name, "confidence": stored(sure), "says": stored(says)}
                for name, (sure, says) in asked.items()
            ],
        }
        super().__init__(kind="who", given=given, model=next(iter(models)))

    def _asked(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Confidence and answer for every image, strays last."""
        parts = self.models[name]
        sure = np.concatenate([part.mean.max(axis=1) for part in parts])
        says = np.concatenate([part.predicted for part in parts])
        return sure.astype(np.float64), says.astype(np.uint8)

    @traitlets.validate("model")
    def _known_model(self, proposal: Any) -> str:
        return checks.one_of(proposal["value"], list(self.models), "model")

    @property
    def answered(self) -> int:
        """Number of images that the model is sure enough about."""
        return int((self._asked(self.model)[0] >= self.sure).sum())

    @property
    def mistakes(self) -> int:
        """Number of wrong answers; for a stray every answer is wrong."""
        sure, says = self._asked(self.model)
        return int(((sure >= self.sure) & (says != self.labels)).sum())

    def picture(self) -> Picture:
        inside, strays = self.models[self.model]
        doubts = [1 - part.mean.max(axis=1) for part in (inside, strays)]
        return score_histograms(
            doubts[0],
            inside.predicted == inside.labels,
            doubts[1],
            score_name="1 - confidence",
            ood_name="not a digit",
            threshold=1 - self.sure,
        )

    def words(self) -> str:
        total = len(self.labels)
        return (
            f"If it must be {style.percent(self.sure)} sure to answer, {self.model} answers "
            f"{self.answered:,} of {total:,} images and makes "
            f"{style.plural(self.mistakes, 'mistake')}. A human looks at {total - self.answered:,}."
        )


who_answers = widget(WhoAnswers)
