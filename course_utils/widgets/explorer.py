"""Risk-coverage explorer: drag coverage, risk or threshold, and the other two follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ipywidgets
import numpy as np

from course_utils._support import validation as checks
from course_utils.figures import risk_coverage_curves, style
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Ranking, Rankings
from course_utils.metrics.scores import DEFAULT_SCORE

from .base import BaseWidget, as_share, control, row, widget
from .live_picture import encode_png
from .threshold_strip import SHOWN_WIDTH, Item, threshold_strip


@dataclass(frozen=True)
class Exploration:
    """What the user chose: a model, a score, and the threshold up to which it answers."""

    model: str
    score: str
    threshold: float


def start(rankings: Rankings, coverage: float = 0.9) -> Exploration:
    """The first model, ranked by its maximum probability."""
    model = next(iter(rankings.models))
    curve = rankings.ranking(model, DEFAULT_SCORE).curve
    return Exploration(model, DEFAULT_SCORE, curve.threshold_for_coverage(coverage))


def here(rankings: Rankings, state: Exploration) -> Ranking:
    """The ranking that the state speaks of."""
    return rankings.ranking(state.model, state.score)


def by_threshold(rankings: Rankings, state: Exploration, threshold: float) -> Exploration:
    """Answer what is at most this uncertain."""
    if threshold is None or np.isnan(threshold):
        raise ValueError("The threshold must be a number.")
    return replace(state, threshold=float(threshold))


def by_coverage(rankings: Rankings, state: Exploration, coverage: float) -> Exploration:
    """Answer the most certain images, this share of all; none at 0."""
    _check_share(coverage, "coverage")
    if coverage == 0:
        return replace(state, threshold=-np.inf)
    threshold = here(rankings, state).curve.threshold_for_coverage(coverage)
    return replace(state, threshold=threshold)


def by_risk(rankings: Rankings, state: Exploration, risk: float) -> Exploration:
    """Answer as many images as possible with at most this share of wrong answers."""
    _check_share(risk, "risk")
    return replace(state, threshold=here(rankings, state).curve.threshold_for_risk(risk))


def choose_model(rankings: Rankings, state: Exploration, model: str) -> Exploration:
    """Another model at the same coverage, by the same score if it has it."""
    model = checks.one_of(model, list(rankings.models), "model")
    score = state.score if state.score in rankings.scores_of(model) else DEFAULT_SCORE
    return _at_same_coverage(rankings, state, replace(state, model=model, score=score))


def choose_score(rankings: Rankings, state: Exploration, score: str) -> Exploration:
    """Another score at the same coverage."""
    score = checks.one_of(score, rankings.scores_of(state.model), "score of this model")
    return _at_same_coverage(rankings, state, replace(state, score=score))


def _at_same_coverage(rankings: Rankings, before: Exploration, after: Exploration) -> Exploration:
    # Scores live on different scales: a threshold means nothing to another one.
    coverage = here(rankings, before).curve.at_threshold(before.threshold).coverage
    return by_coverage(rankings, after, coverage)


def _check_share(value: float, name: str) -> None:
    if value is None or not 0 <= value <= 1:
        raise ValueError(f"The {name} must lie between 0 % and 100 %.")


def describe(rankings: Rankings, state: Exploration, noun: str = "digit") -> str:
    """The state in words and numbers."""
    ranking = here(rankings, state)
    point = ranking.curve.at_threshold(state.threshold)
    answered, total = ranking.answered(state.threshold), len(rankings)
    if answered == 0:
        words = f"{state.model} answers none of {style.plural(total, noun)}: all are referred."
    else:
        wrong = round(point.risk * answered)
        words = (
            f"{state.model} answers {answered:,} of {style.plural(total, noun)} "
            f"({style.percent(point.coverage)}); {wrong:,} of these answers "
            f"{'is' if wrong == 1 else 'are'} wrong (risk {style.percent(point.risk)}). "
            f"It refers {total - answered:,}."
        )
    others = []
    if answered:
        for name in rankings.with_score(state.score):
            if name != state.model:
                risk = rankings.ranking(name, state.score).curve.risk_at_coverage(point.coverage)
                others.append(f"{name} {style.percent(risk)}")
    threshold = (
        f"\nAnswered means: an uncertainty of at most {state.threshold:.4g} by "
        f"{state.score.lower()}."
    )
    if not np.isfinite(state.threshold):
        threshold = "\nNo threshold is low enough."
    compared = f" Risk at the same coverage: {style.listing(others)}." if others else ""
    return words + threshold + compared


def items_around(
    ranking: Ranking,
    threshold: float,
    images: np.ndarray,
    predicted: np.ndarray,
    truth: Sequence[str],
    names: Sequence[str],
    each: int = 6,
) -> tuple[list[Item], list[Item]]:
    """The items just within and just beyond a threshold, in order of uncertainty.

    ``truth`` holds the words for what each item is.
    """
    place = ranking.answered(threshold)

    def item(index: int) -> Item:
        right = bool(ranking.correct[index])
        return Item(images[index], f"says {names[predicted[index]]}", "" if right else truth[index])

    order = ranking.order
    within, beyond = order[max(0, place - each) : place], order[place : place + each]
    return [item(index) for index in within], [item(index) for index in beyond]


class RiskCoverageExplorer(BaseWidget):
    """What :func:`risk_coverage_explorer` returns."""

    def __init__(
        self,
        models: Mapping[str, Predictions],
        images: Any = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.rankings = Rankings(models)
        self.images = checks.images_for(images, len(self.rankings))
        self.names = checks.class_names(self.rankings.num_classes, class_names)
        self.truth = [f"is {self.names[label]}" for label in self.rankings.labels]
        super().__init__(start(self.rankings))

        self.model = control(
            ipywidgets.Dropdown, "Model", options=list(self.rankings.models), width="17em"
        )
        self.score = control(
            ipywidgets.Dropdown,
            "Score",
            options=self.rankings.scores_of(self.state.model),
            width="19em",
        )
        slider = partial(
            control, ipywidgets.FloatSlider, width="calc(100% - 8px)", described="17em"
        )
        self.coverage = slider("Coverage: answered (%)", max=100, step=0.1, readout_format=".1f")
        self.risk = slider("Risk: wrong among answered (%)", readout_format=".2f")
        # The page rounds a slider to its steps, and many thresholds lie within the first of them.
        self.threshold = slider("Threshold: answer up to", readout=False)
        self.exact = ipywidgets.Label(layout={"min_width": "5.5em"})
        self.threshold.layout.flex = "1 1 0"
        for moved, change in (
            (self.model, choose_model),
            (self.score, choose_score),
            (self.threshold, by_threshold),
        ):
            self.listen(moved, partial(change, self.rankings))
        self.listen(self.coverage, lambda s, v: by_coverage(self.rankings, s, as_share(v)))
        # at the slider's end stands the error rate, rounded; no two risks are as near as this
        self.listen(self.risk, lambda s, v: by_risk(self.rankings, s, min(as_share(v) + 1e-12, 1)))

        self.curves, self.strip = self.new_picture(), self.new_picture()
        self.blitted = self.new_blitted_figure()
        self._background: Any = None
        self.children = [
            row(self.model, self.score),
            self.coverage,
            self.risk,
            ipywidgets.HBox([self.threshold, self.exact], layout={"width": "calc(100% - 8px)"}),
            self.curves,
            *([] if self.images is None else [self.strip]),
        ]
        self.refresh()

    def follow(self) -> None:
        ranking, state = here(self.rankings, self.state), self.state
        point = ranking.curve.at_threshold(state.threshold)
        self.put(self.model, value=state.model)
        self.put(self.score, options=self.rankings.scores_of(state.model), value=state.score)
        self.put(self.coverage, value=100 * point.coverage)
        worst = max(100 * ranking.curve.error_rate, 0.01)
        risk = 0.0 if point.coverage == 0 else 100 * point.risk
        self.put(self.risk, max=worst, step=worst / 200, value=min(risk, worst))
        low, high = float(ranking.curve.threshold[0]), float(ranking.curve.threshold[-1])
        if high <= low:  # one distinct value: leave the handle some way to go
            low, high = low - 0.5, high + 0.5
        self.put(
            self.threshold,
            min=low,
            max=high,
            step=(high - low) / 500,
            value=float(np.clip(state.threshold, low, high)),
        )
        self.put(self.exact, value=f"{state.threshold:.4g}" if point.coverage else "none")

    def draw(self) -> None:
        state, ranking = self.state, here(self.rankings, self.state)
        if self._background != (state.model, state.score):
            self.set_background()
        point = ranking.curve.at_threshold(state.threshold)
        x, y = 100 * point.coverage, 100 * (point.risk if point.coverage else 0.0)
        y = min(y, self._top)  # the first steps rest on few images and may leave the axis
        self.blitted.artists["point"].set_data([x], [y])
        self.blitted.artists["lines"].set_data([x, x, 0], [0, y, y])
        words = describe(self.rankings, state)
        self.curves.show(
            self.blitted.png(), f"{self._alt} {words}", caption=words, width=self.blitted.width
        )
        if self.images is not None:
            self.draw_strip(ranking)

    def set_background(self) -> None:
        """Draw the curves of all models that have the score; only the operating point is left."""
        state = self.state
        picture = risk_coverage_curves(
            {
                name: self.rankings.ranking(name, state.score).curve
                for name in self.rankings.with_score(state.score)
            },
            operating_points={state.model: state.threshold},
            reference=state.model,
        )
        (axes,) = picture.figure.axes
        axes.get_legend().remove()  # its numbers move: they stand below the picture
        self._alt = picture.alt.partition(" Operating point")[0]
        self._top = axes.get_ylim()[1]
        moving = {kind: picture.parts[f"{kind}:{state.model}"] for kind in ("point", "lines")}
        self.blitted.set_up(picture, moving)
        self._background = (state.model, state.score)

    def draw_strip(self, ranking: Ranking) -> None:
        """Show the items on both sides of the threshold."""
        predicted = self.rankings.models[self.state.model].predicted
        sides = items_around(
            ranking, self.state.threshold, self.images, predicted, self.truth, self.names
        )
        pixels, alt = threshold_strip(*sides)
        self.strip.show(encode_png(pixels), alt, width=SHOWN_WIDTH)


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
        Then the images just within and just beyond the threshold are shown.
    class_names : sequence of str, optional

    Returns
    -------
    RiskCoverageExplorer
        Where the input makes no sense, a widget that says so.
    """
    return RiskCoverageExplorer(models, images, class_names)
