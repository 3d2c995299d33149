"""What explorer and Desk have in common: a model, a score, a threshold and the share it answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.metrics import scores, selective
from course_utils.metrics.rankings import Ranking, Rankings

from .front_end import LiveWidget


def _to_page(value: float, widget: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _from_page(value: float | None, widget: Any) -> float:
    return -np.inf if value is None else float(value)


class ThresholdWidget(LiveWidget):
    """A widget on which a threshold is chosen, for one of several models and scores.

    Attributes
    ----------
    model, score : str
    threshold : float
        Answer what is at most this uncertain; minus infinity answers nothing.
    coverage : float
        Share of the images answered. Setting it sets the threshold, and the other way round.
    """

    model = traitlets.Unicode().tag(sync=True)
    score = traitlets.Unicode(scores.DEFAULT_SCORE).tag(sync=True)
    # minus infinity travels as null, because JSON has no word for it
    threshold = traitlets.Float(-np.inf).tag(sync=True, to_json=_to_page, from_json=_from_page)
    coverage = traitlets.Float(1.0).tag(sync=True)

    def __init__(
        self, kind: str, rankings: Rankings, share: float, *, given: dict[str, Any], **traits: Any
    ) -> None:
        self.rankings = rankings
        model = next(iter(rankings.models))
        curve = rankings.ranking(model, scores.DEFAULT_SCORE).curve
        threshold = curve.threshold_for_coverage(share)
        start = {
            "model": model,
            "score": scores.DEFAULT_SCORE,
            "threshold": threshold,
            "coverage": curve.at_threshold(threshold).coverage,
            **traits,
        }
        super().__init__(kind=kind, given={**given, "start": start}, **start)

    @property
    def ranking(self) -> Ranking:
        """Images of the chosen model, ranked by the chosen score."""
        return self.rankings.ranking(self.model, self.score)

    @property
    def point(self) -> selective.OperatingPoint:
        """Threshold, coverage and risk, as ``metrics.selective`` has them."""
        return self.ranking.curve.at_threshold(self.threshold)

    @traitlets.validate("model", "score", "threshold", "coverage")
    def _allowed(self, proposal: Any) -> Any:
        return self._possible(proposal["trait"].name, proposal["value"])

    def _possible(self, name: str, value: Any) -> Any:
        if name == "model":
            checks.one_of(value, list(self.rankings.models), "model")
        elif name == "score" and self.model:
            checks.one_of(value, self.rankings.scores_of(self.model), "score of this model")
        elif name == "threshold" and np.isnan(value):
            raise ValueError("The threshold must be a number.")
        elif name == "coverage" and not 0 <= value <= 1:
            raise ValueError("The coverage must lie between 0 and 1.")
        return value

    @traitlets.observe("model", "score", "threshold", "coverage")
    def _settle(self, change: Any) -> None:
        # The page sends all four together, and they agree already.
        if self._settling or self.from_page or "given" not in self._trait_values:
            return
        with self.settling():
            if self.score not in self.rankings.scores_of(self.model):
                self.score = scores.DEFAULT_SCORE
            curve = self.ranking.curve
            if change["name"] in ("model", "score", "coverage"):
                # another model or score: its scale is another, the coverage stays
                nothing = self.coverage == 0
                self.threshold = -np.inf if nothing else curve.threshold_for_coverage(self.coverage)
            self.coverage = curve.at_threshold(self.threshold).coverage
