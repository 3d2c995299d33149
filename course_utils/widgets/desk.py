"""The Abstention Desk: set costs and a threshold on validation, then open the test set once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, cost_curves, style
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Ranking, Rankings

from .front_end import LiveWidget, outputs, stored, widget
from .sending import Threshold, with_looks

if TYPE_CHECKING:
    import pandas as pd

MOST_EXPENSIVE = 1e6
SEED = 20  # of the order in which strays come
STRAY_SHARES = (0.0, 0.01, 0.05, 0.1, 0.2)  # of the digits; more strays than these never go over


@dataclass(frozen=True)
class Desk:
    """What was decided.

    Attributes
    ----------
    model, score : str
    threshold : float
        Answer what is at most this uncertain.
    cost_wrong, cost_refer : float
        Of one wrong answer and of asking a human once.
    strays : float
        Items of no known class slipped into the queue, as a share of the digits.
    opened : bool
        The test set has been looked at in this round.
    """

    model: str
    score: str
    threshold: float
    cost_wrong: float
    cost_refer: float
    strays: float
    opened: bool


class Queue:
    """Digits, and strays that may be slipped in; ranked by any model and score."""

    def __init__(self, rankings: Rankings, strays: Mapping[str, Predictions]) -> None:
        self.rankings = rankings
        self.strays = dict(strays)
        count = len(next(iter(self.strays.values()))) if strays else 0
        self.most_strays = count / len(rankings)
        self._kept: dict[tuple[str, str, int], Ranking] = {}

    def ranking(self, model: str, score: str, share: float = 0.0) -> Ranking:
        """Digits first, strays after them; an answer to a stray is always wrong."""
        digits = self.rankings.ranking(model, score)
        count = round(share * len(self.rankings)) if self.strays else 0
        if not count:
            return digits
        if (model, score, count) not in self._kept:
            strange = scores.SCORES[score](self.strays[model])[:count]
            self._kept[model, score, count] = Ranking.of(
                np.concatenate([digits.uncertainty, strange]),
                np.concatenate([digits.correct, np.zeros(count, bool)]),
            )
        return self._kept[model, score, count]

    def costs(self, desk: Desk) -> selective.CostCurve:
        """Cost against threshold of the chosen model."""
        ranking = self.ranking(desk.model, desk.score, desk.strays)
        return selective.cost_curve(
            ranking.uncertainty, ranking.correct, desk.cost_wrong, desk.cost_refer
        )


def round_of(validation: Queue, test: Queue, desk: Desk) -> dict[str, Any]:
    """What a desk costs on the test queue, beside what validation promised.

    ``error`` is half of a 95 % interval, by the normal approximation over items.
    """
    ranking = test.ranking(desk.model, desk.score, desk.strays)
    answered = ranking.uncertainty <= desk.threshold
    each = desk.cost_wrong * (answered & ~ranking.correct) + desk.cost_refer * ~answered
    error = 1.96 * each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else 0.0
    queue = validation.ranking(desk.model, desk.score, desk.strays)
    decided = asdict(desk)
    del decided["opened"]
    return {
        **decided,
        "threshold": float(desk.threshold) if np.isfinite(desk.threshold) else None,
        "coverage": queue.curve.at_threshold(desk.threshold).coverage,
        "promised": validation.costs(desk).cost_at(desk.threshold),
        "cost": float(each.mean()),
        "error": float(error),
        "hindsight": test.costs(desk).optimum.cost,
    }


class AbstentionDesk(LiveWidget):
    """The widget of :func:`abstention_desk`; its traits can be read, set and linked.

    Attributes
    ----------
    model, score, threshold, cost_wrong, cost_refer, strays, opened
        As in :class:`Desk`. Setting ``opened`` opens the test set, as the button does; setting it
        back begins another round.
    coverage : float
        Share of the validation queue that is answered; sets the threshold and follows it.
    rounds : list of dict
        What each round decided, what validation promised and what it came to; see ``to_frame``.
    """

    model = traitlets.Unicode().tag(sync=True)
    score = traitlets.Unicode(scores.DEFAULT_SCORE).tag(sync=True)
    threshold = Threshold()
    coverage = traitlets.Float(0.8).tag(sync=True)
    cost_wrong = traitlets.Float(10.0).tag(sync=True)
    cost_refer = traitlets.Float(1.0).tag(sync=True)
    strays = traitlets.Float(0.0).tag(sync=True)
    opened = traitlets.Bool(False).tag(sync=True)
    rounds: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        val: Mapping[str, Predictions],
        test: Mapping[str, Predictions] | None = None,
        ood: Mapping[str, Predictions] | None = None,
        images: Any = None,
        ood_images: Any = None,
        class_names: Sequence[str] | None = None,
        unit: str = "euros",
    ) -> None:
        rankings = Rankings(val)
        halves = _halves(ood, rankings, rankings if test is None else _same_models(test, rankings))
        self.validation = Queue(rankings, halves[0])
        self.test = None if test is None else Queue(_same_models(test, rankings), halves[1])
        self.unit = unit
        stack = checks.images_for(images, len(rankings))
        models = list(rankings.models)
        first = models[0]
        threshold = rankings.ranking(first, scores.DEFAULT_SCORE).curve.threshold_for_coverage(0.8)
        start = {
            "model": first,
            "score": scores.DEFAULT_SCORE,
            "threshold": threshold,
            "coverage": rankings.ranking(first, scores.DEFAULT_SCORE)
            .curve.at_threshold(threshold)
            .coverage,
            "cost_wrong": 10.0,
            "cost_refer": 1.0,
            "strays": 0.0,
        }
        given: dict[str, Any] = {
            "models": with_looks(rankings.models),
            "labels": stored(rankings.labels),
            "images": None if stack is None else stored(stack),
            "class_names": checks.class_names(rankings.num_classes, class_names),
            "unit": unit,
            "start": start,
        }
        if ood is not None:
            given["strays"] = [outputs(halves[0][name]) for name in models]
            if stack is not None:
                given["stray_images"] = stored(_stray_images(ood_images, ood, len(rankings)))
        if self.test is not None:
            given["later"] = {
                "models": [outputs(self.test.rankings.models[name]) for name in models],
                "labels": stored(self.test.rankings.labels),
                "strays": [outputs(halves[1][name]) for name in models] if ood else None,
            }
        given["shares"] = [share for share in STRAY_SHARES if share <= self._most_strays]
        super().__init__(kind="desk", given=given, **start)

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
        "model", "score", "threshold", "coverage", "cost_wrong", "cost_refer", "strays"
    )
    def _allowed(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if "given" not in self._trait_values:  # on the way in
            return value
        if self.opened and not self._settling and value != getattr(self, name):
            raise ValueError(
                "The test set is open: a choice made now would be made on it. "
                "Set opened to False for another round."
            )
        if name == "model":
            checks.one_of(value, list(self.validation.rankings.models), "model")
        elif name == "score":
            checks.one_of(
                value, self.validation.rankings.scores_of(self.model), "score of this model"
            )
        elif name == "coverage" and not 0 <= value <= 1:
            raise ValueError("The share of the queue must lie between 0 and 1.")
        elif name == "threshold" and np.isnan(value):
            raise ValueError("The threshold must be a number.")
        elif name.startswith("cost") and not 0 <= value <= MOST_EXPENSIVE:
            what = "wrong answer" if name == "cost_wrong" else "question to a human"
            raise ValueError(
                f"The cost of a {what} must lie between 0 and {MOST_EXPENSIVE:,.0f}, not {value:g}."
            )
        elif name == "strays" and not 0 <= value <= self._most_strays:
            most = style.percent(self._most_strays)
            raise ValueError(f"The share of strays must lie between 0 % and {most}.")
        return value

    @property
    def _most_strays(self) -> float:
        queues = [self.validation] + ([] if self.test is None else [self.test])
        return min(queue.most_strays for queue in queues)

    @traitlets.observe("model", "score", "threshold", "coverage", "strays")
    def _settle(self, change: Any) -> None:
        if self._settling or self.from_page or "given" not in self._trait_values:
            return
        with self.settling():
            if self.score not in self.validation.rankings.scores_of(self.model):
                self.score = scores.DEFAULT_SCORE
            curve = self.validation.ranking(self.model, self.score, self.strays).curve
            # Strays come to a desk that does not know: its threshold stays.
            if change["name"] not in ("threshold", "strays"):
                nothing = self.coverage == 0
                self.threshold = -np.inf if nothing else curve.threshold_for_coverage(self.coverage)
            self.coverage = curve.at_threshold(self.threshold).coverage

    @traitlets.observe("opened")
    def _open(self, change: Any) -> None:
        if not self.opened or self.from_page:  # the page has written the round itself
            return
        if self.test is None:
            raise ValueError("No test set was given, so there is nothing to open.")
        self.rounds = [*self.rounds, round_of(self.validation, self.test, self.state)]

    def picture(self) -> Picture:
        curves = {}
        for name in self.validation.rankings.models:
            known_scores = self.validation.rankings.scores_of(name)
            score = self.score if self.score in known_scores else scores.DEFAULT_SCORE
            ranking = self.validation.ranking(name, score, self.strays)
            curves[name] = selective.cost_curve(
                ranking.uncertainty, ranking.correct, self.cost_wrong, self.cost_refer
            )
        return cost_curves(curves, thresholds={self.model: self.threshold}, unit=self.unit)


def _halves(
    ood: Mapping[str, Predictions] | None, rankings: Rankings, test: Rankings
) -> tuple[dict[str, Predictions], dict[str, Predictions]]:
    """Strays for validation and others for the test, in a fixed random order."""
    if ood is None:
        return {}, {}
    checks.named(ood, "The queue of strays")
    missing = [name for name in rankings.models if name not in ood]
    if missing:
        raise ValueError(
            f"There are no strays for {style.listing(missing)}; pass predictions of the same items "
            "for every model."
        )
    if not all(isinstance(ood[name], Predictions) for name in rankings.models):
        raise ValueError("Strays must be Predictions; training.predict returns them.")
    lengths = {len(ood[name]) for name in rankings.models}
    if len(lengths) > 1:
        raise ValueError("All models must predict the same strays; their numbers differ.")
    order = _stray_order(lengths.pop())
    middle = len(order) // 2
    parts = order[:middle][: _most(rankings)], order[middle:][: _most(test)]
    first, second = ({name: ood[name].take(part) for name in rankings.models} for part in parts)
    return first, second


def _most(rankings: Rankings) -> int:
    """As many strays as the largest share asks for."""
    return round(STRAY_SHARES[-1] * len(rankings))


def _stray_order(count: int) -> np.ndarray:
    return np.random.default_rng(SEED).permutation(count)


def _stray_images(images: Any, ood: Mapping[str, Predictions], digits: int) -> np.ndarray:
    """Images of the half that strays into the validation queue; grey cards where there are none."""
    count = len(next(iter(ood.values())))
    stack = checks.images_for(images, count, "strays")
    if stack is None:
        stack = np.full((count, 28, 28), 128, np.uint8)
    most = round(STRAY_SHARES[-1] * digits)
    return stack[_stray_order(count)[: count // 2][:most]]


def _same_models(test: Mapping[str, Predictions], validation: Rankings) -> Rankings:
    checks.named(test, "The test set")
    if set(test) != set(validation.models):
        raise ValueError(
            f"Validation has the models {style.listing(list(validation.models))}, the test set "
            f"{style.listing(list(test))}; pass the same models for both."
        )
    return Rankings({name: test[name] for name in validation.models})


@widget
def abstention_desk(
    val: Mapping[str, Predictions],
    test: Mapping[str, Predictions] | None = None,
    ood: Mapping[str, Predictions] | None = None,
    *,
    images: Any = None,
    ood_images: Any = None,
    class_names: Sequence[str] | None = None,
    unit: str = "euros",
) -> AbstentionDesk:
    """A mail-sorting desk: what to answer, what to refer, and what it costs.

    Costs, model, score and threshold are chosen on the validation set; the test set is opened once
    a round, and the rounds stay side by side.

    Parameters
    ----------
    val, test : mapping of name to Predictions
        With labels; the same models in both. The desk opens on the first: take a modest one.
        Without ``test`` there is nothing to open.
    ood : mapping of name to Predictions, optional
        Items of no known class that can be slipped in, the same for each model. One half, in a
        fixed random order, strays into the validation queue, the other into the test queue.
    images, ood_images : ImageSet or uint8 [N, H, W], optional
        Of ``val`` and ``ood``; then the items near the threshold are shown.
    class_names : sequence of str, optional
    unit : str
        Of the costs.

    Returns
    -------
    AbstentionDesk
        Where the input makes no sense, a widget that says so.
    """
    return AbstentionDesk(val, test, ood, images, ood_images, class_names, unit)
