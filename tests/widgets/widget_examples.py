"""One example of every public widget; tests walk over all of them, so a new widget adds its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils import widgets
from course_utils.metrics.predictions import Predictions


def two(predictions: Predictions, prefix: str = "") -> dict[str, Predictions]:
    """A single model, and the ensemble that it belongs to."""
    return {f"{prefix}single": predictions.subset([0]), f"{prefix}ensemble": predictions}


def classes(predictions: Predictions, prefix: str) -> list[str]:
    return [f"{prefix}{number}" for number in range(predictions.num_classes)]


def answers(predictions: Predictions) -> Callable[[np.ndarray], Predictions]:
    """A predictor that says about any image what was said about the first."""
    first = predictions.take([0])

    def predict(images: np.ndarray) -> Predictions:
        one = first.logits if first.logits is not None else np.log(first.probabilities)
        return Predictions(np.repeat(one, len(images), axis=0).astype(np.float32))

    return predict


def desk(p: Predictions, i: np.ndarray, prefix: str = "") -> object:
    models = two(p, prefix)
    return widgets.abstention_desk(models, models, models, images=i, ood_images=i)


def disagreement(p: Predictions, i: np.ndarray, prefix: str = "") -> object:
    models = two(p, prefix)
    return widgets.disagreement_explorer(
        models, i, foreign=models, foreign_images=i, class_names=classes(p, prefix)
    )


# Each from predictions, the images that they are about, and what all names begin with.
BUILD: dict[str, Callable[..., object]] = {
    "abstention_desk": desk,
    "averaging": lambda p, i, prefix="": widgets.averaging(p, i, class_names=classes(p, prefix)),
    "disagreement_explorer": disagreement,
    "drawing_pad": lambda p, i, prefix="": widgets.drawing_pad(
        answers(p), examples={f"{prefix}digit": i}, class_names=classes(p, prefix)
    ),
    "ensemble_builder": lambda p, i, prefix="": widgets.ensemble_builder(
        p, p, member_names=[f"{prefix}{number}" for number in range(p.num_members)]
    ),
    "misclassified_browser": lambda p, i, prefix="": widgets.misclassified_browser(
        two(p, prefix), i, class_names=classes(p, prefix)
    ),
    "packed_calculator": lambda p, i, prefix="": widgets.packed_calculator(),
    "risk_coverage_explorer": lambda p, i, prefix="": widgets.risk_coverage_explorer(
        two(p, prefix), i, class_names=classes(p, prefix)
    ),
    "temperature_slider": lambda p, i, prefix="": widgets.temperature_slider(p),
}
