"""Risk-coverage explorer: drag the point on the curve; coverage, risk and threshold follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from course_utils._support import validation as checks
from course_utils.figures import Picture, risk_coverage_curves, style
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings

from .choosing import ThresholdWidget
from .front_end import stored, widget
from .sending import noun_of, pictures, with_looks


class RiskCoverageExplorer(ThresholdWidget):
    """Curves of several models on which coverage, risk and threshold can be dragged.

    Parameters
    ----------
    models : mapping of name to Predictions
        With labels, for the same N images.
    images : ImageSet or uint8 [N, H, W], optional
        Then the images just within and just beyond the threshold are shown, and the one at the
        place of a curve that is pointed at.
    class_names : sequence of str, optional
    """

    def __init__(
        self,
        models: Mapping[str, Predictions],
        images: Any = None,
        *,
        class_names: Sequence[str] | None = None,
    ) -> None:
        rankings = Rankings(models)
        stack = checks.images_for(images, len(rankings))
        names = checks.class_names(rankings.num_classes, class_names)
        given = {
            "models": with_looks(rankings.models),
            "labels": stored(rankings.labels),
            "images": None if stack is None else pictures(stack),
            "class_names": names,
            "noun": noun_of(names),
        }
        super().__init__("explorer", rankings, 0.9, given=given)

    @property
    def risk(self) -> float:
        """Share of wrong answers among the answered; NaN where nothing is answered."""
        return self.point.risk

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


risk_coverage_explorer = widget(RiskCoverageExplorer)
