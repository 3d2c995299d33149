"""The widgets of the course: each function checks its input and returns a widget for the page."""

from __future__ import annotations

from .live_averaging import averaging
from .live_builder import ensemble_builder
from .live_desk import abstention_desk
from .live_disagreement import disagreement_explorer
from .live_explorer import risk_coverage_explorer
from .live_misclassified import misclassified_browser
from .live_packed import packed_calculator
from .live_pad import drawing_pad
from .live_temperature import temperature_slider

__all__ = [
    "abstention_desk",
    "averaging",
    "disagreement_explorer",
    "drawing_pad",
    "ensemble_builder",
    "misclassified_browser",
    "packed_calculator",
    "risk_coverage_explorer",
    "temperature_slider",
]
