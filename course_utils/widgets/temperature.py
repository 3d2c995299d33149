"""Temperature slider: T changes how confident a model is, and hardly the ranking of its answers."""

from __future__ import annotations

from typing import Any

import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, reliability_diagram
from course_utils.metrics import calibration
from course_utils.metrics.predictions import Predictions

from .front_end import LiveWidget, outputs, stored, widget


class TemperatureSlider(LiveWidget):
    """Drag a temperature, and watch the reliability diagram and the risk-coverage curve.

    Parameters
    ----------
    predictions : Predictions
        With logits and labels. With several members, T divides the logarithm of their mean
        ("pool, then calibrate").
    fit_on : Predictions, optional
        Validation images, on which the best temperature is fitted; by default the same images.

    Attributes
    ----------
    temperature : float
        Above 1 it makes all answers less certain.
    """

    temperature = traitlets.Float(1.0).tag(sync=True)

    def __init__(self, predictions: Predictions, fit_on: Predictions | None = None) -> None:
        if not isinstance(predictions, Predictions):
            raise ValueError(
                f"The slider needs Predictions, not {type(predictions).__name__}; "
                "evaluation.predict returns them."
            )
        labels = checks.labelled(predictions, "The temperature slider")
        if predictions.logits is None:
            raise ValueError("Temperatures need logits; these predictions hold probabilities only.")
        self.predictions = predictions
        judge = predictions if fit_on is None else fit_on
        try:
            log = calibration.log_mean(judge)
            fitted = calibration.fit_temperature(log, checks.labelled(judge, "The fit"))
        except ValueError:  # every answer is right, for instance: no temperature is best
            fitted = None
        given = {
            "predictions": outputs(predictions),
            "labels": stored(labels),
            "fitted": fitted,
            "fitted_on": "these images" if fit_on is None else "validation",
        }
        super().__init__(kind="temperature", given=given)

    @traitlets.validate("temperature")
    def _positive(self, proposal: Any) -> float:
        if not 0 < proposal["value"] < float("inf"):
            raise ValueError(f"A temperature is a positive number, not {proposal['value']}.")
        return proposal["value"]

    def picture(self) -> Picture:
        return reliability_diagram(
            {
                f"T = {one:.3g}": calibration.scale(self.predictions, mean=one)
                for one in (1.0, self.temperature)
            }
        )


temperature_slider = widget(TemperatureSlider)
