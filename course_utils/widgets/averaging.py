"""Averaging: the histograms of all members move, one after the other, into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, disagreement_sheet
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions

from .front_end import LiveWidget, outputs, stored, widget

SHOWN = 40  # the most disputed images: enough to play with, and no page carries all the others


class Averaging(LiveWidget):
    """The widget of :func:`averaging`; its traits can be read, set and linked.

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
        class_names: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(predictions, Predictions) or not len(predictions):
            raise ValueError("Averaging takes Predictions of at least one image.")
        if predictions.num_members < 2:
            raise ValueError("There is one member, and nothing to average; pass an ensemble.")
        stack = checks.images_for(images, len(predictions))
        disputed = np.argsort(-scores.mutual_information(predictions), kind="stable")[:SHOWN]
        self.shown = disputed  # their numbers in the data
        self.predictions = predictions.take(disputed)
        self.images = None if stack is None else stack[disputed]
        names = checks.class_names(predictions.num_classes, class_names)
        labels = self.predictions.labels
        given = {
            "predictions": outputs(self.predictions),
            "labels": None if labels is None else stored(labels),
            "images": None if self.images is None else stored(self.images),
            "class_names": names,
            "order": list(range(len(disputed))),
        }
        super().__init__(kind="averaging", given=given)

    @traitlets.validate("index")
    def _known_image(self, proposal: Any) -> int:
        if not 0 <= proposal["value"] < len(self.predictions):
            raise ValueError(
                f"The widget holds the {len(self.predictions)} most disputed images, numbered "
                f"from 0; there is no number {proposal['value']}."
            )
        return proposal["value"]

    def picture(self) -> Picture | None:
        if self.images is None:
            return None
        labels = self.predictions.labels
        return disagreement_sheet(
            self.images[self.index],
            self.predictions.probabilities[self.index],
            label=None if labels is None else int(labels[self.index]),
            class_names=self.given["class_names"],
        )


@widget
def averaging(
    predictions: Predictions, images: Any = None, *, class_names: Sequence[str] | None = None
) -> Averaging:
    """Average the members' histograms for an image, by an animation that can be scrubbed.

    Parameters
    ----------
    predictions : Predictions
        Of at least two members; the images they dispute most are shown.
    images : ImageSet or uint8 [N, H, W], optional
    class_names : sequence of str, optional

    Returns
    -------
    Averaging
        Where the input makes no sense, a widget that says so.
    """
    return Averaging(predictions, images, class_names)
