"""The Abstention Desk: set costs and a threshold on validation, then open the test set once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, cost_curves, risk_coverage_curves, style
from course_utils.metrics.desk import Desk, Queue, round_of
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Ranking, Rankings, of_same_images

from .choosing import ThresholdWidget
from .front_end import stored, widget
from .sending import pictures, ranked, with_looks

if TYPE_CHECKING:
    import pandas as pd

MOST_EXPENSIVE = 1e6
SEED = 20  # of the order in which OOD images come
OOD_SHARES = (0.0, 0.01, 0.05, 0.1, 0.2)  # of the digits; no more OOD images than that go over


class AbstentionDesk(ThresholdWidget):
    """A mail-sorting desk: what to answer, what to refer, and what it costs.

    Costs, model, score and threshold are chosen on the validation set; the test set is opened once
    a round, and the rounds stay side by side. Costs are drawn when it is open, because they would
    give the best threshold away.

    Parameters
    ----------
    val, test : mapping of name to Predictions
        With labels; the same models in both. The desk opens on the first: take a modest one.
        Without ``test`` there is nothing to open.
    ood : mapping of name to Predictions, optional
        OOD images that can be slipped in, the same for each model. One half, in a fixed random
        order, comes to the validation queue, the other to the test queue.
    images, ood_images : ImageSet or uint8 [N, H, W], optional
        Of ``val`` and ``ood``; then the items near the threshold are shown.
    class_names : sequence of str, optional
    unit : str
        Of the costs.

    Attributes
    ----------
    cost_wrong, cost_refer, ood_share, opened
        As in :class:`Desk`. Setting ``opened`` opens the test set, as the button does; setting it
        back begins another round.
    rounds : list of dict
        What each round decided, what validation promised and what it came to; see ``to_frame``.
    """

    cost_wrong = traitlets.Float().tag(sync=True)
    cost_refer = traitlets.Float().tag(sync=True)
    ood_share = traitlets.Float().tag(sync=True)
    opened = traitlets.Bool(False).tag(sync=True)
    rounds: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        val: Mapping[str, Predictions],
        test: Mapping[str, Predictions] | None = None,
        ood: Mapping[str, Predictions] | None = None,
        *,
        images: Any = None,
        ood_images: Any = None,
        class_names: Sequence[str] | None = None,
        unit: str = "euros",
    ) -> None:
        rankings = Rankings(val)
        tests = None if test is None else _same_models(test, rankings)
        parts = _halves(ood, rankings, tests or rankings)
        val_ood, test_ood = ({n: ood[n].take(p) for n in val} if ood else {} for p in parts)
        self.validation = Queue(rankings, val_ood)
        self.test = None if tests is None else Queue(tests, test_ood)
        self.unit = unit
        self.most = min(queue.most for queue in (self.validation, self.test) if queue)
        stack = checks.images_for(images, len(rankings))
        given: dict[str, Any] = {
            "models": with_looks(rankings.models),
            "labels": stored(rankings.labels),
            "images": None if stack is None else pictures(stack),
            "class_names": checks.class_names(rankings.num_classes, class_names),
            "unit": unit,
            "shares": [share for share in OOD_SHARES if share <= self.most],
            "ood": [ranked(one) for one in val_ood.values()],
        }
        if ood and stack is not None:
            strange = checks.images_for(ood_images, len(ood[next(iter(val))]), "OOD predictions")
            grey = np.full((len(parts[0]), 28, 28), 128, np.uint8)
            given["ood_images"] = pictures(grey if strange is None else strange[parts[0]])
        if self.test is not None:
            given["later"] = {
                "models": [ranked(one) for one in self.test.rankings.models.values()],
                "labels": stored(self.test.rankings.labels),
                "ood": [ranked(one) for one in test_ood.values()],
            }
        costs = {"cost_wrong": 10.0, "cost_refer": 1.0, "ood_share": 0.0}
        super().__init__("desk", rankings, 0.8, given=given, **costs)

    @property
    def ranking(self) -> Ranking:
        """The validation queue, ranked by the chosen score of the chosen model."""
        return self.validation.ranking(self.model, self.score, self.ood_share)

    @property
    def state(self) -> Desk:
        """What is decided now."""
        return Desk(**{field.name: getattr(self, field.name) for field in fields(Desk)})

    def to_frame(self) -> pd.DataFrame:
        """All rounds, one a row: decisions, the promise, the cost on the test set."""
        import pandas as pd

        frame = pd.DataFrame(self.rounds)
        if len(frame):
            frame["threshold"] = frame["threshold"].astype(float).fillna(-np.inf)
        frame.index = pd.RangeIndex(1, len(frame) + 1, name="round")
        return frame

    @traitlets.validate(
        "model", "score", "threshold", "coverage", "cost_wrong", "cost_refer", "ood_share"
    )
    def _allowed(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if self.opened and not self._settling and value != getattr(self, name):
            raise ValueError(
                "The test set is open: a choice made now would be made on it. "
                "Set opened to False for another round."
            )
        if name.startswith("cost") and not 0 <= value <= MOST_EXPENSIVE:
            what = "wrong answer" if name == "cost_wrong" else "question to a human"
            raise ValueError(
                f"The cost of a {what} must lie between 0 and {MOST_EXPENSIVE:,.0f}, not {value:g}."
            )
        if name == "ood_share" and not 0 <= value <= self.most:
            most = style.percent(self.most)
            raise ValueError(f"The share of OOD images must lie between 0 % and {most}.")
        return self._possible(name, value)

    @traitlets.observe("ood_share")
    def _slipped_in(self, change: Any) -> None:
        self._settle(change)  # OOD images come to a desk that does not know: its threshold stays

    @traitlets.observe("opened")
    def _open(self, change: Any) -> None:
        if not self.opened or self.from_page:  # the page has written the round itself
            return
        if self.test is None:
            raise ValueError("No test set was given, so there is nothing to open.")
        self.rounds = [*self.rounds, round_of(self.validation, self.test, self.state)]

    def picture(self) -> Picture:
        chosen = {self.model: self.threshold}
        names = list(self.rankings.models)
        if self.opened:  # costs would give the best threshold away
            costs = {name: self.validation.costs(self.state, name) for name in names}
            return cost_curves(costs, thresholds=chosen, unit=self.unit)
        names = self.rankings.with_score(self.score)
        curves = {
            name: self.validation.ranking(name, self.score, self.ood_share).curve for name in names
        }
        return risk_coverage_curves(curves, operating_points=chosen, reference=self.model)


def _halves(
    ood: Mapping[str, Predictions] | None, val: Rankings, test: Rankings
) -> tuple[np.ndarray, np.ndarray]:
    """Which OOD images come to validation, and which to the test, in a fixed random order."""
    if ood is None:
        return np.arange(0), np.arange(0)
    checks.named(ood, "The queue of OOD images")
    if missing := [name for name in val.models if name not in ood]:
        raise ValueError(
            f"There are no OOD images for {style.listing(missing)}; pass predictions of the same "
            "ones for every model."
        )
    first = next(iter(of_same_images({name: ood[name] for name in val.models}, "OOD").values()))
    order = np.random.default_rng(SEED).permutation(len(first))
    middle, most = len(order) // 2, OOD_SHARES[-1]
    return order[:middle][: round(most * len(val))], order[middle:][: round(most * len(test))]


def _same_models(test: Mapping[str, Predictions], validation: Rankings) -> Rankings:
    checks.named(test, "The test set")
    if set(test) != set(validation.models):
        raise ValueError(
            f"Validation has the models {style.listing(list(validation.models))}, the test set "
            f"{style.listing(list(test))}; pass the same models for both."
        )
    return Rankings({name: test[name] for name in validation.models})


abstention_desk = widget(AbstentionDesk)
