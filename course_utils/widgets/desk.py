"""The Abstention Desk: set a threshold on validation, open the test set once, see what it cost."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ipywidgets
import matplotlib
import numpy as np
from numpy.typing import NDArray

from course_utils._support import validation as checks
from course_utils.figures import Picture, cost_curves, style
from course_utils.figures.decisions import CostBar, cost_bars
from course_utils.figures.selective import thinned
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Ranking, Rankings
from course_utils.metrics.scores import DEFAULT_SCORE

from .base import BaseWidget, as_share, control, heading, row, widget
from .explorer import items_around
from .live_picture import encode_png
from .threshold_strip import SHOWN_WIDTH, threshold_strip

MOST_EXPENSIVE = 1e6
CHEAPEST = ", cheapest on validation"  # what a bar says behind the name of another model
SEED = 20  # of the order in which OOD images come
OOD_SHARES = {"none": 0.0, "1 %": 0.01, "5 %": 0.05, "10 %": 0.1, "20 %": 0.2}


@dataclass(frozen=True)
class Desk:
    """What the user decided.

    Attributes
    ----------
    model, score : str
    threshold : float
        Answer what is at most this uncertain.
    cost_wrong, cost_refer : float
        Of one wrong delivery and of asking a human once.
    ood_share : float
        OOD images slipped into the queue, as a share of the digits.
    opened : bool
        The test set has been looked at; nothing can be decided any more.
    """

    model: str
    score: str
    threshold: float
    cost_wrong: float = 10.0
    cost_refer: float = 1.0
    ood_share: float = 0.0
    opened: bool = False


class Mail:
    """One queue: digits, and OOD images that may be slipped in; ranked by any model and score.

    Parameters
    ----------
    rankings : Rankings
        Of the digits.
    ood : mapping of name to Predictions
        Of the same K OOD images by each model; empty for none.
    """

    def __init__(self, rankings: Rankings, ood: Mapping[str, Predictions]) -> None:
        self.rankings = rankings
        self.ood = dict(ood)
        #: Largest share of the digits; what is slipped in here comes to the other queue as well.
        self.most_ood = _most_count(self.ood) / len(rankings)
        self._kept: dict[tuple[str, str, int], Ranking] = {}
        self._costs: dict[tuple[Any, ...], selective.CostCurve] = {}

    def num_ood(self, share: float) -> int:
        """How many OOD images a share of the digits is."""
        return round(share * len(self.rankings)) if self.ood else 0

    def ranking(self, model: str, score: str, share: float = 0.0) -> Ranking:
        """Digits first, OOD images after them; an answer to one of these is always wrong."""
        count = self.num_ood(share)
        digits = self.rankings.ranking(model, score)
        if not count:
            return digits
        if (model, score, count) not in self._kept:
            strange = scores.SCORES[score](self.ood[model])[:count]
            self._kept[model, score, count] = Ranking.of(
                np.concatenate([digits.uncertainty, strange]),
                np.concatenate([digits.correct, np.zeros(count, bool)]),
            )
        return self._kept[model, score, count]

    def costs(self, state: Desk, model: str | None = None) -> selective.CostCurve:
        """Cost against threshold of a model, the chosen one by default."""
        model = state.model if model is None else model
        score = score_for(self, state, model)
        key = (model, score, state.ood_share, state.cost_wrong, state.cost_refer)
        if key not in self._costs:
            if len(self._costs) >= 4 * len(self.rankings.models):  # of the last few choices
                self._costs.clear()
            ranking = self.ranking(model, score, state.ood_share)
            self._costs[key] = selective.cost_curve(
                ranking.uncertainty, ranking.correct, state.cost_wrong, state.cost_refer
            )
        return self._costs[key]


def score_for(mail: Mail, state: Desk, model: str) -> str:
    """The chosen score, or maximum probability for a model that has no such score."""
    return state.score if state.score in mail.rankings.scores_of(model) else DEFAULT_SCORE


# --- decisions ----------------------------------------------------------------------------------
def start(mail: Mail) -> Desk:
    """The first model, a cautious threshold, and no OOD images."""
    model = next(iter(mail.rankings.models))
    curve = mail.ranking(model, DEFAULT_SCORE).curve
    return Desk(model, DEFAULT_SCORE, curve.threshold_for_coverage(0.8))


def _still_closed(state: Desk) -> None:
    if state.opened:
        raise ValueError(
            "The test set is open: what is decided now would be chosen on it. "
            "Run the cell again for another round."
        )


def set_coverage(mail: Mail, state: Desk, coverage: float) -> Desk:
    """Answer the most certain items of the queue, this share of them."""
    _still_closed(state)
    if coverage is None or not 0 <= coverage <= 1:
        raise ValueError("The share of the queue must lie between 0 % and 100 %.")
    if coverage == 0:
        return replace(state, threshold=-np.inf)
    curve = mail.ranking(state.model, state.score, state.ood_share).curve
    return replace(state, threshold=curve.threshold_for_coverage(coverage))


def _at_same_coverage(mail: Mail, before: Desk, after: Desk) -> Desk:
    curve = mail.ranking(before.model, before.score, before.ood_share).curve
    return set_coverage(mail, after, curve.at_threshold(before.threshold).coverage)


def choose_model(mail: Mail, state: Desk, model: str) -> Desk:
    """Another model at the same coverage."""
    _still_closed(state)
    model = checks.one_of(model, list(mail.rankings.models), "model")
    after = replace(state, model=model, score=score_for(mail, state, model))
    return _at_same_coverage(mail, state, after)


def choose_score(mail: Mail, state: Desk, score: str) -> Desk:
    """Another score at the same coverage."""
    _still_closed(state)
    score = checks.one_of(score, mail.rankings.scores_of(state.model), "score of this model")
    return _at_same_coverage(mail, state, replace(state, score=score))


def set_costs(
    state: Desk, *, cost_wrong: float | None = None, cost_refer: float | None = None
) -> Desk:
    """Other costs; the threshold stays where it is, so that the optimum is seen to move."""
    _still_closed(state)
    for name, cost in (("wrong delivery", cost_wrong), ("question to a human", cost_refer)):
        if cost is not None and not 0 <= cost <= MOST_EXPENSIVE:
            raise ValueError(
                f"The cost of a {name} must lie between 0 and {MOST_EXPENSIVE:,.0f}, not {cost:g}."
            )
    return replace(
        state,
        cost_wrong=state.cost_wrong if cost_wrong is None else float(cost_wrong),
        cost_refer=state.cost_refer if cost_refer is None else float(cost_refer),
    )


def slip_in(mail: Mail, state: Desk, share: float) -> Desk:
    """OOD images in the queue; the threshold stays, as it would at a desk that does not know."""
    _still_closed(state)
    if share is None or not 0 <= share <= mail.most_ood:
        most = style.percent(mail.most_ood)
        raise ValueError(f"The share of OOD images must lie between 0 % and {most}.")
    return replace(state, ood_share=float(share))


def open_test(state: Desk) -> Desk:
    """Look at the test set: once, and for good."""
    _still_closed(state)
    return replace(state, opened=True)


# --- words and verdict --------------------------------------------------------------------------
def describe(mail: Mail, state: Desk, unit: str) -> str:
    """The desk in words and numbers, on the validation queue."""
    ranking = mail.ranking(state.model, state.score, state.ood_share)
    total, answered = len(ranking.order), ranking.answered(state.threshold)
    answered_items = ranking.order[:answered]
    wrong = int((~ranking.correct[answered_items]).sum())
    ood = int((answered_items >= len(mail.rankings)).sum())
    costs = mail.costs(state)
    best, now = costs.optimum, costs.cost_at(state.threshold)
    among = f", {ood:,} of them OOD" if ood else ""
    words = (
        f"Validation queue of {total:,}: {answered:,} answered ({wrong:,} wrong{among}), "
        f"{total - answered:,} referred. Cost {now:.3g} {unit} per item; the least is "
        f"{best.cost:.3g}, with {style.percent(best.coverage)} answered."
    )
    if np.isfinite(state.threshold):
        words += (
            f"\nAnswered means: an uncertainty of at most {state.threshold:.4g} by "
            f"{state.score.lower()}."
        )
    return words


@dataclass(frozen=True)
class Verdict:
    """What opening the test set shows: bars, and the cost that validation had promised."""

    bars: tuple[CostBar, ...]
    promised: float
    num_items: int

    @property
    def yours(self) -> CostBar:
        """The bar of the user's desk."""
        return next(bar for bar in self.bars if bar.emphasised)


def _bar(
    name: str,
    answered: NDArray[np.bool_],
    correct: NDArray[np.bool_],
    state: Desk,
    emphasised: bool = False,
) -> CostBar:
    wrong = state.cost_wrong * (answered & ~correct)
    referred = state.cost_refer * ~answered
    # 95 %, normal approximation over items; one item has no spread to estimate
    each = wrong + referred
    error = 1.96 * each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else 0.0
    return CostBar(name, float(wrong.mean()), float(referred.mean()), float(error), emphasised)


def judge(validation: Mail, test: Mail, state: Desk) -> Verdict:
    """What the user's threshold costs on the test queue, and what other ways would have cost.

    The other models get the threshold that was cheapest on *validation*, as anybody could have
    chosen it; hindsight and oracle know the test labels and are bounds, not competitors.
    """
    ranking = test.ranking(state.model, state.score, state.ood_share)
    correct, uncertainty = ranking.correct, ranking.uncertainty
    none = np.zeros(len(correct), bool)
    # where asking costs more than a mistake, even an oracle asks about nothing
    asks = ~correct & (state.cost_refer < state.cost_wrong)
    hindsight = test.costs(state).optimum.threshold
    model = state.model
    bars = [
        _bar(f"your desk ({model})", uncertainty <= state.threshold, correct, state, True),
        _bar(f"{model}, best in hindsight", uncertainty <= hindsight, correct, state),
        _bar("oracle: asks at mistakes only", ~asks, correct, state),
    ]
    for name in test.rankings.models:
        if name != model:
            other = test.ranking(name, score_for(test, state, name), state.ood_share)
            chosen = validation.costs(state, name).optimum.threshold
            bars.append(_bar(name + CHEAPEST, other.uncertainty <= chosen, other.correct, state))
    bars.append(_bar(f"{model}, answers everything", ~none, correct, state))
    bars.append(_bar("asks about everything", none, correct, state))
    promised = validation.costs(state).cost_at(state.threshold)
    return Verdict(tuple(bars), promised, len(correct))


def describe_verdict(verdict: Verdict, state: Desk, unit: str) -> str:
    """The verdict in words."""
    yours, hindsight, oracle, *_ = verdict.bars
    others = verdict.bars[3:-2]
    better = [bar.name.removesuffix(CHEAPEST) for bar in others if bar.cost < yours.cost]
    words = (
        f"Test queue of {verdict.num_items:,}: your desk cost {yours.cost:.3g} ± {yours.error:.2g} "
        f"{unit} per item (95 % interval); validation had promised {verdict.promised:.3g}. "
        f"Knowing the test labels, the best threshold would have cost {hindsight.cost:.3g}, and "
        f"an oracle that asks about the mistakes only {oracle.cost:.3g}."
    )
    if others:
        words += (
            f" Cheaper than you: {style.listing(better)}."
            if better
            else " No other model is cheaper."
        )
    return words + (
        "\nThe test set is open now, and the desk is closed: what you changed next would be chosen "
        "on it. Run the cell again for another round."
    )


def describe_curves(curves: Mapping[str, selective.CostCurve], unit: str) -> str:
    """The cost curves in words and numbers."""
    sentences = [
        f"{name}: {curve.cost[0]:.3g} if all is referred, {curve.cost[-1]:.3g} if all is answered, "
        f"least {curve.optimum.cost:.3g} at {style.percent(curve.optimum.coverage)} coverage"
        for name, curve in curves.items()
    ]
    return f"Expected cost per item ({unit}) against coverage. {'; '.join(sentences)}"


def ceiling(curves: Mapping[str, selective.CostCurve]) -> float:
    """Upper end of the cost axis: one of few round numbers, so that it seldom has to change."""
    highest = 1.05 * max(float(curve.cost.max()) for curve in curves.values())
    if highest <= 0:
        return 1.0
    highest = max(highest, 1e-9)  # powers of ten run out below the smallest floats
    power = 10.0 ** np.floor(np.log10(highest))
    return float(
        next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 7, 10.5) if step * power >= highest)
    )


def curves_picture(
    curves: Mapping[str, selective.CostCurve], model: str, threshold: float, unit: str
) -> Picture:
    """Cost curves of all models; the desk is the open symbol on the curve of its model.

    Names stand in a legend, not at the ends of the curves, which move with the costs.
    """
    picture = cost_curves(curves, thresholds={model: threshold}, unit=unit)
    (axes,) = picture.figure.axes
    for text in list(axes.texts):
        text.remove()
    axes.set_ylim(0, ceiling(curves))
    with matplotlib.rc_context(picture.look.rc):
        former = axes.get_legend()
        lines = [
            tuple(picture.parts[f"{kind}:{name}"] for kind in ("curve", "optimum"))
            for name in curves
        ]
        style.legend(
            axes,
            lines,
            [textwrap.fill(name, 15) for name in curves],
            loc="upper left",
            bbox_to_anchor=(1.02, 1.0),
            handlelength=1.7,
            handletextpad=0.5,
        )
        axes.add_artist(former)
    return picture


# --- the widget ---------------------------------------------------------------------------------
class AbstentionDesk(BaseWidget):
    """What :func:`abstention_desk` returns."""

    def __init__(
        self,
        val: Mapping[str, Predictions],
        test: Mapping[str, Predictions] | None,
        ood: Mapping[str, Predictions] | None,
        images: Any,
        ood_images: Any,
        class_names: Sequence[str] | None,
        unit: str,
    ) -> None:
        validation = Rankings(val)
        for_validation, for_test = _halves(ood, validation)
        self.mail = Mail(validation, for_validation)
        self.test = None if test is None else Mail(_same_models(test, validation), for_test)
        if self.test is not None:
            self.mail.most_ood = min(self.mail.most_ood, self.test.most_ood)
        self.unit = unit
        names = checks.class_names(validation.num_classes, class_names)
        self.names = names
        self.truth = [f"is {names[label]}" for label in validation.labels]
        self.images = _with_ood(checks.images_for(images, len(validation)), ood, ood_images)
        self.truth += ["OOD"] * _most_count(for_validation)
        super().__init__(start(self.mail))
        self._build()
        self.refresh()

    def _build(self) -> None:
        models = self.mail.rankings.models
        self.model = control(ipywidgets.Dropdown, "Model", options=list(models), width="17em")
        self.score = control(
            ipywidgets.Dropdown,
            "Score",
            options=self.mail.rankings.scores_of(self.state.model),
            width="19em",
        )
        number = partial(control, ipywidgets.BoundedFloatText, max=MOST_EXPENSIVE, width="19em")
        self.cost_wrong = number(f"A wrong delivery costs ({self.unit})", step=1)
        self.cost_refer = number(f"Asking a human costs ({self.unit})", step=0.1)
        most = self.mail.most_ood
        shares = [(name, share) for name, share in OOD_SHARES.items() if share <= most]
        self.ood = control(
            ipywidgets.Dropdown, "OOD images in the queue", options=shares, width="15em"
        )
        self.coverage = control(
            ipywidgets.FloatSlider,
            "Answer the surest (%)",
            max=100,
            step=0.1,
            readout_format=".1f",
            width="calc(100% - 8px)",
        )
        self.open = control(
            ipywidgets.Button, "Open the test set, once", icon="envelope-open", width="17em"
        )
        mail = self.mail
        for moved, change in (
            (self.model, partial(choose_model, mail)),
            (self.score, partial(choose_score, mail)),
            (self.cost_wrong, lambda state, cost: set_costs(state, cost_wrong=cost)),
            (self.cost_refer, lambda state, cost: set_costs(state, cost_refer=cost)),
            (self.ood, partial(slip_in, mail)),
            (self.coverage, lambda state, percent: set_coverage(mail, state, as_share(percent))),
        ):
            self.listen(moved, change)
        self.press(self.open, open_test)

        self.curves, self.strip = self.new_picture(), self.new_picture()
        self.verdict = self.new_picture()
        self.blitted = self.new_blitted_figure()
        self._choice: Any = None  # of which the curves are drawn
        self._background: Any = None
        self.children = [
            heading("The Abstention Desk"),
            row(self.model, self.score, *([self.ood] if len(shares) > 1 else [])),
            row(self.cost_wrong, self.cost_refer),
            self.coverage,
            self.curves,
            *([] if self.images is None else [self.strip]),
            *([] if self.test is None else [self.open, self.verdict]),
        ]

    def follow(self) -> None:
        state = self.state
        self.put(self.model, value=state.model)
        self.put(self.score, options=self.mail.rankings.scores_of(state.model), value=state.score)
        self.put(self.ood, value=state.ood_share)
        self.put(self.cost_wrong, value=state.cost_wrong)
        self.put(self.cost_refer, value=state.cost_refer)
        curve = self.mail.ranking(state.model, state.score, state.ood_share).curve
        self.put(self.coverage, value=100 * curve.at_threshold(state.threshold).coverage)
        for moved in (
            self.model,
            self.score,
            self.ood,
            self.cost_wrong,
            self.cost_refer,
            self.coverage,
            self.open,
        ):
            self.put(moved, disabled=state.opened)

    def draw(self) -> None:
        state = self.state
        choice = replace(state, threshold=0.0, opened=False)
        if self._choice != choice:
            self.set_curves()
            self._choice = choice
        ranking = self.mail.ranking(state.model, state.score, state.ood_share)
        coverage = ranking.curve.at_threshold(state.threshold).coverage
        self.blitted.artists["point"].set_data(
            [100 * coverage], [self._costs[state.model].cost_at(state.threshold)]
        )
        words = describe(self.mail, state, self.unit)
        self.curves.show(
            self.blitted.png(), f"{self._alt}. {words}", caption=words, width=self.blitted.width
        )
        if self.images is not None:
            predicted = self.mail.rankings.models[state.model].predicted
            count = self.mail.num_ood(state.ood_share)
            if count:
                strange = self.mail.ood[state.model].predicted[:count]
                predicted = np.concatenate([predicted, strange])
            pixels, alt = threshold_strip(
                *items_around(
                    ranking, state.threshold, self.images, predicted, self.truth, self.names
                )
            )
            self.strip.show(encode_png(pixels), alt, width=SHOWN_WIDTH)
        if state.opened and self.test is not None and not self.verdict.png:
            verdict = judge(self.mail, self.test, state)
            self.verdict.show_picture(
                cost_bars(verdict.bars, unit=self.unit),
                caption=describe_verdict(verdict, state, self.unit),
            )

    def set_curves(self) -> None:
        """Move the curves; draw axes and names anew only where those change."""
        state = self.state
        curves = {name: self.mail.costs(state, name) for name in self.mail.rankings.models}
        background = (state.model, ceiling(curves))
        if self._background != background:
            picture = curves_picture(curves, state.model, state.threshold, self.unit)
            moving = {"point": picture.parts[f"point:{state.model}"]}
            for name in curves:
                for kind in ("curve", "optimum"):
                    moving[f"{kind}:{name}"] = picture.parts[f"{kind}:{name}"]
            self.blitted.set_up(picture, moving)
            self._background = background
        for name, curve in curves.items():
            keep = thinned(len(curve.coverage), curve.coverage)
            line = self.blitted.artists[f"curve:{name}"]
            line.set_data(100 * curve.coverage[keep], curve.cost[keep])
            best = curve.optimum
            self.blitted.artists[f"optimum:{name}"].set_data([100 * best.coverage], [best.cost])
        self._costs = curves
        self._alt = describe_curves(curves, self.unit)


def _halves(
    ood: Mapping[str, Predictions] | None, rankings: Rankings
) -> tuple[dict[str, Predictions], dict[str, Predictions]]:
    """OOD images for validation and others for the test, in a fixed random order."""
    if ood is None:
        return {}, {}
    checks.named(ood, "The queue of OOD images")
    missing = [name for name in rankings.models if name not in ood]
    if missing:
        raise ValueError(
            f"There are no OOD images for {style.listing(missing)}; pass predictions of the same "
            "ones for every model."
        )
    if not all(isinstance(ood[name], Predictions) for name in rankings.models):
        raise ValueError("OOD images come as Predictions; training.predict returns them.")
    lengths = {len(ood[name]) for name in rankings.models}
    if len(lengths) > 1:
        raise ValueError("All models must predict the same OOD images; their numbers differ.")
    order = _ood_order(lengths.pop())
    middle = len(order) // 2
    return tuple(
        {name: ood[name].take(part) for name in rankings.models}
        for part in (order[:middle], order[middle:])
    )  # type: ignore[return-value]


def _ood_order(count: int) -> NDArray[np.intp]:
    return np.random.default_rng(SEED).permutation(count)


def _most_count(ood: Mapping[str, Predictions]) -> int:
    return len(next(iter(ood.values()))) if ood else 0


def _same_models(test: Mapping[str, Predictions], validation: Rankings) -> Rankings:
    checks.named(test, "The test set")
    if set(test) != set(validation.models):
        raise ValueError(
            f"Validation has the models {style.listing(list(validation.models))}, the test set "
            f"{style.listing(list(test))}; pass the same models for both."
        )
    return Rankings({name: test[name] for name in validation.models})


def _with_ood(
    digits: np.ndarray | None, ood: Mapping[str, Predictions] | None, ood_images: Any
) -> list[np.ndarray] | None:
    """Images of the validation queue: digits first, then its half of the OOD images."""
    if digits is None:
        return None
    if ood is None:
        return list(digits)
    count = len(next(iter(ood.values())))
    strange = checks.images_for(ood_images, count, "OOD images")
    if strange is None:  # grey cards stand for what was not given
        strange = np.full((count, 28, 28), 128, np.uint8)
    return [*digits, *strange[_ood_order(count)[: count // 2]]]


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

    Costs, model, score and threshold are chosen on the validation set; the test set is opened once.

    Parameters
    ----------
    val, test : mapping of name to Predictions
        With labels; the same models in both. The desk opens on the first: take a modest one.
        Without ``test`` there is nothing to open.
    ood : mapping of name to Predictions, optional
        Of OOD images that can be slipped in, the same for each model. One half, in a fixed random
        order, comes to the validation queue, the other to the test queue.
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
