"""Averaging: the histograms of all members move, one after the other, into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions

from .disagreement import sheet
from .front_end import LiveWidget, outputs, stored, widget

SHOWN = 40  # enough images to play with, and a page needn't carry all the others


class Averaging(LiveWidget):
    """Average the members' histograms for an image, in an animation that can be scrubbed.

    Parameters
    ----------
    predictions : Predictions
        Of at least two members. The widget holds the images that they disagree on most.
    images : ImageSet or uint8 [N, H, W], optional
    class_names : sequence of str, optional

    Attributes
    ----------
    index : int
        The image shown, by its number among those that the widget holds.
    progress : float
        How many members have joined the mean; a fraction is on its way.
    """

    index = traitlets.Int(0).tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        images: Any = None,
        *,
        class_names: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(predictions, Predictions) or not len(predictions):
            raise ValueError("Averaging needs Predictions of at least one image.")
        if predictions.num_members < 2:
            raise ValueError("With one member there is nothing to average; pass an ensemble.")
        stack = checks.images_for(images, len(predictions))
        disputed = np.argsort(-scores.mutual_information(predictions), kind="stable")[:SHOWN]
        self.shown = disputed  # their numbers in the data
        self.predictions = predictions.take(disputed)
        self.images = None if stack is None else stack[disputed]
        labels = self.predictions.labels
        given = {
            "predictions": outputs(self.predictions),
            "labels": None if labels is None else stored(labels),
            "images": None if self.images is None else stored(self.images),
            "class_names": checks.class_names(predictions.num_classes, class_names),
        }
        super().__init__(kind="averaging", given=given)

    @traitlets.validate("index")
    def _known_image(self, proposal: Any) -> int:
        return checks.numbered(proposal["value"], len(self.predictions), "Images of this widget")

    def picture(self) -> Picture | None:
        if self.images is None:
            return None
        predictions = self.predictions.take([self.index])
        return sheet(self.images[self.index], predictions, self.given["class_names"])


averaging = widget(Averaging)
