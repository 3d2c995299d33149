"""What several widgets send: models with their looks, their answers and scores, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.figures import style
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import rounded_up

from .front_end import stored


def ranked(predictions: Predictions) -> dict[str, Any]:
    """What a page needs to rank images: answers and scores, a tenth of the members' logits."""
    known = scores.available(predictions)
    return {
        "predicted": stored(predictions.predicted),
        "scores": list(known),
        "uncertainty": np.stack([rounded_up(score(predictions)) for score in known.values()]),
    }


def millionths(probabilities: NDArray[np.float64]) -> NDArray[np.int32]:
    """Probabilities as finely as the page words them, in a fifth of the bytes of logits."""
    return np.rint(1e6 * probabilities).astype(np.int32)


def shown(predictions: Predictions) -> dict[str, Any]:
    """Each member's probabilities for a page that shows them, but computes no metric from them."""
    members = np.moveaxis(millionths(predictions.probabilities), 1, 0)
    return {"kind": "millionths", "members": list(members)}


def pictures(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images in sixteen greys, which look the same in a page and take two thirds of the bytes."""
    return (np.rint(np.arange(256) / 17) * 17).astype(np.uint8)[images]


def with_looks(models: Mapping[str, Predictions], *, means: bool = False) -> list[dict[str, Any]]:
    """Models for the page: looks as in every figure, answers, scores, and perhaps their means."""
    sent = []
    for name, look in style.model_styles(models).items():
        dash = [] if look.line == "solid" else list(look.line[1])
        looks = {"name": name, "color": look.color, "marker": look.marker, "dash": dash}
        mean = {"mean": millionths(models[name].mean)} if means else {}
        sent.append({**looks, **ranked(models[name]), **mean})
    return sent


def noun_of(names: tuple[str, ...]) -> str:
    """What the page calls an image."""
    return "digit" if names == style.DIGITS else "image"
