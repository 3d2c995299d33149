"""Ensemble builder: tick members, and see where this choice lies among all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, choices_of_members
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.subsets import Choices

from .front_end import LiveWidget, outputs, stored, widget

MOST_MEMBERS = 30  # bits of a whole number in the page


class EnsembleBuilder(LiveWidget):
    """Tick members of an ensemble, and see accuracy, NLL, Brier score, ECE and AUROC of the choice.

    Parameters
    ----------
    predictions : Predictions
        Of M members, with labels.
    foreign : Predictions, optional
        Of images of no known class, by the same members; with them comes the AUROC, which tells
        how well the maximum probability sets them apart.
    member_names : sequence of str, optional

    Attributes
    ----------
    chosen : list of int
        Members of the choice, counted from 0.
    metric : str
    """

    chosen = traitlets.List(traitlets.Int(), [0]).tag(sync=True)
    metric = traitlets.Unicode("Accuracy").tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        foreign: Predictions | None = None,
        *,
        member_names: Sequence[str] | None = None,
    ) -> None:
        self.choices = Choices(predictions, foreign)
        members = self.choices.num_members
        if members > MOST_MEMBERS:
            raise ValueError(
                f"The ensemble builder takes up to {MOST_MEMBERS} members, not {members}; pick "
                "some with predictions.subset."
            )
        everybody = frozenset(range(members))
        rows = {**self.choices.table, everybody: self.choices.measure(everybody)}
        given: dict[str, Any] = {
            "member_names": checks.member_names(members, member_names),
            "metrics": list(self.choices.metrics),
            "complete": self.choices.complete,
            "table": [
                [sum(1 << member for member in choice)]
                + [float(value) if np.isfinite(value) else None for value in values]
                for choice, values in rows.items()
            ],
        }
        if not self.choices.complete:
            given["predictions"] = outputs(predictions)
            given["labels"] = stored(self.choices.labels)
            given["foreign"] = None if foreign is None else outputs(foreign)
        super().__init__(kind="builder", given=given)

    @traitlets.validate("chosen")
    def _known_members(self, proposal: Any) -> list[int]:
        members = self.choices.num_members
        return sorted({checks.numbered(one, members, "Members") for one in proposal["value"]})

    @traitlets.validate("metric")
    def _known_metric(self, proposal: Any) -> str:
        return checks.one_of(proposal["value"], list(self.choices.metrics), "metric")

    def picture(self) -> Picture:
        looks = self.choices.metrics[self.metric]
        return choices_of_members(
            self.choices.sizes,
            self.choices.values(self.metric),
            metric=looks.name,
            percent=looks.is_share,
            higher_is_better=looks.higher_is_better,
            sampled=not self.choices.complete,
        )


ensemble_builder = widget(EnsembleBuilder)
