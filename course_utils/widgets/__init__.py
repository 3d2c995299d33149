"""The widgets of the course: each function checks its input and returns a widget for the page.

Python prepares the data once, and the page does the rest; ``front_end`` says how. What a user sets
in the page are traits of the widget, which code can read, set and link.
"""

from __future__ import annotations

from .averaging import averaging
from .desk import abstention_desk
from .disagreement import disagreement_explorer
from .drawing_pad import drawing_pad
from .ensemble_builder import ensemble_builder
from .explorer import risk_coverage_explorer
from .misclassified import misclassified_browser
from .packed_calculator import packed_calculator
from .temperature import temperature_slider

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
