"""What would distract from the lessons: data, training, scores, figures and widgets."""

from __future__ import annotations

from ._support.settings import speed

__all__ = ["speed"]

__version__ = "0.1.0"
