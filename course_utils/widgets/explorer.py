"""Risk-coverage explorer: drag the point on the curve; coverage, risk and threshold follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, risk_coverage_curves, style
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Ranking, Rankings

from .front_end import LiveWidget, stored, widget
from .sending import Threshold, noun_of, with_looks


class RiskCoverageExplorer(LiveWidget):
    """The widget of :func:`risk_coverage_explorer`; its traits can be read, set and linked.

    Attributes
    ----------
    model, score : str
    threshold : float
        Answer what is at most this uncertain; minus infinity answers nothing.
    coverage : float
        Share of images answered. Setting it sets the threshold, and the other way round.
    """

    model = traitlets.Unicode().tag(sync=True)
    score = traitlets.Unicode(scores.DEFAULT_SCORE).tag(sync=True)
    threshold = Threshold()
    coverage = traitlets.Float(0.9).tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, Predictions],
        images: Any = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.rankings = Rankings(models)
        stack = checks.images_for(images, len(self.rankings))
        names = checks.class_names(self.rankings.num_classes, class_names)
        given = {
            "models": with_looks(self.rankings.models),
            "labels": stored(self.rankings.labels),
            "images": None if stack is None else stored(stack),
            "class_names": names,
            "noun": noun_of(names),
        }
        first = next(iter(self.rankings.models))
        curve = self.rankings.ranking(first, scores.DEFAULT_SCORE).curve
        threshold = curve.threshold_for_coverage(0.9)
        super().__init__(
            kind="explorer",
            given=given,
            model=first,
            threshold=threshold,
            coverage=curve.at_threshold(threshold).coverage,
        )

    @property
    def ranking(self) -> Ranking:
        """Images of the chosen model, ranked by the chosen score."""
        return self.rankings.ranking(self.model, self.score)

    @property
    def point(self) -> selective.OperatingPoint:
        """Threshold, coverage and risk, as ``metrics.selective`` has them."""
        return self.ranking.curve.at_threshold(self.threshold)

    @property
    def risk(self) -> float:
        """Share of wrong answers among the answered; NaN where nothing is answered."""
        return self.point.risk

    @traitlets.validate("model")
    def _known_model(self, proposal: Any) -> str:
        return checks.one_of(proposal["value"], list(self.rankings.models), "model")

    @traitlets.validate("score")
    def _known_score(self, proposal: Any) -> str:
        names = self.rankings.scores_of(self.model) if self.model else [proposal["value"]]
        return checks.one_of(proposal["value"], names, "score of this model")

    @traitlets.validate("coverage")
    def _share(self, proposal: Any) -> float:
        if not 0 <= proposal["value"] <= 1:
            raise ValueError("The coverage must lie between 0 and 1.")
        return proposal["value"]

    @traitlets.validate("threshold")
    def _number(self, proposal: Any) -> float:
        if np.isnan(proposal["value"]):
            raise ValueError("The threshold must be a number.")
        return proposal["value"]

    @traitlets.observe("model", "score", "threshold", "coverage")
    def _settle(self, change: Any) -> None:
        # The page sends all four together, and they agree already.
        if self._settling or self.from_page or "given" not in self._trait_values:
            return
        with self.settling():
            if change["name"] == "model" and self.score not in self.rankings.scores_of(self.model):
                self.score = scores.DEFAULT_SCORE
            curve = self.ranking.curve
            if change["name"] != "threshold":
                # another model or score: its scale is another, the coverage stays
                nothing = self.coverage == 0
                self.threshold = -np.inf if nothing else curve.threshold_for_coverage(self.coverage)
            self.coverage = curve.at_threshold(self.threshold).coverage

    def picture(self) -> Picture:
        names = self.rankings.with_score(self.score)
        curves = {name: self.rankings.ranking(name, self.score).curve for name in names}
        return risk_coverage_curves(
            curves, operating_points={self.model: self.threshold}, reference=self.model
        )

    def words(self) -> str:
        answered, total = self.ranking.answered(self.threshold), len(self.rankings)
        risk = f" (risk {style.percent(self.risk)})" if answered else ""
        return (
            f"{self.model} answers {answered:,} of {style.plural(total, self.given['noun'])}{risk}."
        )


@widget
def risk_coverage_explorer(
    models: Mapping[str, Predictions],
    images: Any = None,
    *,
    class_names: Sequence[str] | None = None,
) -> RiskCoverageExplorer:
    """Curves of several models on which coverage, risk and threshold can be dragged.

    Parameters
    ----------
    models : mapping of name to Predictions
        With labels, for the same N images.
    images : ImageSet or uint8 [N, H, W], optional
        Then the images just within and just beyond the threshold are shown, and the one at the
        place of a curve that is pointed at.
    class_names : sequence of str, optional

    Returns
    -------
    RiskCoverageExplorer
        Where the input makes no sense, a widget that says so.
    """
    return RiskCoverageExplorer(models, images, class_names)
