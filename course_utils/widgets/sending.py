"""What several widgets send: models with their looks, and traits that JSON has no word for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

from course_utils.figures import style
from course_utils.metrics.predictions import Predictions

from .front_end import outputs


def looks(names: list[str]) -> list[dict[str, Any]]:
    """Colour, marker and dashes of each model, as in every figure of the course."""
    return [
        {
            "name": name,
            "color": one.color,
            "marker": one.marker,
            "dash": [] if one.line == "solid" else list(one.line[1]),
        }
        for name, one in style.model_styles(names).items()
    ]


def with_looks(models: Mapping[str, Predictions]) -> list[dict[str, Any]]:
    """Models for the page: looks and outputs."""
    names = list(models)
    return [
        {**look, **outputs(models[name])} for look, name in zip(looks(names), names, strict=True)
    ]


def noun_of(names: tuple[str, ...]) -> str:
    """What the page calls an image."""
    return "digit" if names == style.DIGITS else "image"


def _to_page(value: float, widget: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _from_page(value: float | None, widget: Any) -> float:
    return -np.inf if value is None else float(value)


class Threshold(traitlets.Float):
    """A number, or minus infinity: answer nothing. It travels as null, as JSON has no infinity."""

    def __init__(self) -> None:
        super().__init__(-np.inf)
        self.tag(sync=True, to_json=_to_page, from_json=_from_page)
