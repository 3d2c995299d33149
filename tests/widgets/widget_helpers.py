"""Small made-up predictions, and counts of what stays behind."""

from __future__ import annotations

import ipywidgets
import numpy as np

from course_utils.metrics.predictions import Predictions


def make_predictions(
    count: int = 300, members: int = 4, classes: int = 10, *, seed: int = 0, skill: float = 3.0
) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, 1, classes)) + 0.5 * generator.normal(
        size=(count, members, classes)
    )
    logits[np.arange(count), :, labels] += skill
    return Predictions(logits.astype(np.float32), labels)


def make_images(count: int = 300) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, 28, 28)).astype(np.uint8)


def open_connections() -> int:
    """Widgets that have a connection to a page, in ipywidgets 7 and 8."""
    instances = getattr(ipywidgets.widgets.widget, "_instances", None)
    return len(ipywidgets.Widget.widgets if instances is None else instances)
