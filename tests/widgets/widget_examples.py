"""One example of every public widget; tests walk over all of them, so a new widget adds its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np

from course_utils import widgets
from course_utils.metrics.predictions import Predictions
from course_utils.widgets.base import parts_of

WORDS = (ipywidgets.HTML, ipywidgets.HTMLMath, ipywidgets.Label, ipywidgets.Output)


@dataclass(frozen=True)
class Example:
    """How to build a widget from predictions and the images that they are about.

    Attributes
    ----------
    build : callable of Predictions and uint8 [N, 28, 28]
    labels : bool
        It says so if the predictions have no labels.
    images : bool
        It says so if there is another number of images.
    """

    build: Callable[[Predictions, np.ndarray], widgets.BaseWidget]
    labels: bool = True
    images: bool = True


def two(predictions: Predictions) -> dict[str, Predictions]:
    """A single model, and the ensemble that it belongs to."""
    return {"single": predictions.subset([0]), "ensemble": predictions}


def answers(predictions: Predictions) -> Callable[[np.ndarray], Predictions]:
    """A predictor that says about any image what was said about the first."""
    first = predictions.take([0])

    def predict(images: np.ndarray) -> Predictions:
        one = first.logits if first.logits is not None else np.log(first.probabilities)
        return Predictions(np.repeat(one, len(images), axis=0).astype(np.float32))

    return predict


EXAMPLES: dict[str, Example] = {
    "abstention_desk": Example(
        lambda p, i: widgets.abstention_desk(two(p), two(p), two(p), images=i, ood_images=i)
    ),
    "disagreement_explorer": Example(
        lambda p, i: widgets.disagreement_explorer(two(p), i, ood=two(p), ood_images=i),
        labels=False,
    ),
    "drawing_pad": Example(
        lambda p, i: widgets.drawing_pad(answers(p), examples={"digit": i}),
        labels=False,
        images=False,
    ),
    "ensemble_builder": Example(lambda p, i: widgets.ensemble_builder(p, p), images=False),
    "misclassified_browser": Example(lambda p, i: widgets.misclassified_browser(two(p), i)),
    "packed_calculator": Example(
        lambda p, i: widgets.packed_calculator(), labels=False, images=False
    ),
    "risk_coverage_explorer": Example(lambda p, i: widgets.risk_coverage_explorer(two(p), i)),
}


def controls_of(made: widgets.BaseWidget) -> list[Any]:
    """Everything in a widget that a user can move or press."""
    return [
        part
        for part in parts_of(made)
        if not isinstance(part, WORDS)
        and not getattr(part, "disabled", False)
        and (isinstance(part, ipywidgets.Button) or hasattr(part, "value"))
    ]


def wishes(control: Any) -> list[Any]:
    """Values that somebody might ask a control for; those of a box make no sense."""
    value = control.value
    if hasattr(control, "options"):
        options = [option[1] if isinstance(option, tuple) else option for option in control.options]
        several = isinstance(value, tuple)
        return [(options[-1],), ()] if several and options else [*options[-1:], *options[:1]]
    if isinstance(value, bool):
        return [not value, value]
    if isinstance(value, bytes):  # a pad
        return [b"\xff" * len(value), bytes(len(value))]
    if isinstance(value, tuple):  # both ends of a range
        return [(control.min, control.min), (control.max, control.max)]
    if hasattr(control, "max"):
        return [control.max, control.min]
    if isinstance(value, (int, float)):
        return [-(10**9), 10**9, type(value)(0)]
    return ["?", ""]


def fiddle(made: widgets.BaseWidget) -> int:
    """Move every control to its ends, press every button; say how often the widget then changed."""
    changes, before = 0, shown(made)
    for control in controls_of(made):
        for wish in [None] if isinstance(control, ipywidgets.Button) else wishes(control):
            if wish is None:
                control.click()
            else:
                control.value = wish
            now = shown(made)
            changes, before = changes + (now != before), now
    return changes


def shown(made: widgets.BaseWidget) -> list[tuple[bytes, str, str]]:
    """What a widget shows: pictures, their alternative texts, the words below them."""
    return [(one.png, one.alt, one.caption) for one in made.pictures]


def set_to(made: widgets.BaseWidget) -> list[Any]:
    """What the controls of a widget stand at."""
    return [control.value for control in controls_of(made) if hasattr(control, "value")]
