"""Small made-up predictions, and counts of what stays behind."""

from __future__ import annotations

import gc

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

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


def figures_in_memory() -> int:
    gc.collect()
    return sum(isinstance(thing, Figure) for thing in gc.get_objects())


MOVES = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]


def blurred(pixels: np.ndarray) -> np.ndarray:
    """The mean over each pixel and its eight neighbours, so that half a pixel matters little."""
    return np.mean([np.roll(pixels, move, axis=(0, 1)) for move in MOVES], axis=0)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How much two pictures differ, as a share of the ink in both.

    One of them may be moved by a pixel: before 3.11, Matplotlib puts each text on whole pixels,
    which of them depends on the letters in it.
    """
    ink = np.abs(255 - one).sum() + np.abs(255 - other).sum()
    first, second = blurred(one), blurred(other)
    return min(np.abs(np.roll(first, move, axis=(0, 1)) - second).sum() for move in MOVES) / ink
