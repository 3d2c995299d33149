"""Misclassified browser: filter and sort the mistakes, and compare the models on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from course_utils._support import validation as checks
from course_utils.figures import message, model_comparison, style
from course_utils.figures.comparison import refill_comparison
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Ranking, Rankings
from course_utils.metrics.scores import DEFAULT_SCORE

from .base import BaseWidget, control, row, widget
from .strip import Strip, Tile

SHOWN = 9  # images in the strip
OWN, SHARED, ALONE, EVERY = "own", "shared", "alone", "every"
ANY = -1  # in a menu of classes, where None would mean that nothing is selected


@dataclass(frozen=True)
class Browsing:
    """What the user chose.

    Attributes
    ----------
    model, score : str
    kind : str
        One of OWN (errors of the model), SHARED (errors of all models), ALONE (errors of this model
        only) and EVERY (right answers too).
    truth, answer : int, optional
        Only images of this class, only those the model takes for this class.
    low, high : float, optional
        Only images with a score between these, ends included.
    doubtful_first : bool
    place : int
        The image shown, counted from 0 in the order.
    """

    model: str
    score: str = DEFAULT_SCORE
    kind: str = OWN
    truth: int | None = None
    answer: int | None = None
    low: float | None = None
    high: float | None = None
    doubtful_first: bool = True
    place: int = 0


def start(rankings: Rankings) -> Browsing:
    """The errors of the first model, the least certain one first."""
    return Browsing(next(iter(rankings.models)))


# --- what is chosen -----------------------------------------------------------------------------
def here(rankings: Rankings, state: Browsing) -> Ranking:
    """The ranking that the state speaks of."""
    return rankings.ranking(state.model, state.score)


def of_kind(rankings: Rankings, model: str, kind: str) -> NDArray[np.bool_]:
    """Which images are errors of a kind, bool [N]."""
    wrong = ~rankings.models[model].correct
    if kind == EVERY:
        return np.ones(len(rankings), dtype=bool)
    others = [~one.correct for name, one in rankings.models.items() if name != model]
    if kind == SHARED:
        return np.logical_and.reduce([wrong, *others])
    if kind == ALONE:
        return wrong & ~np.logical_or.reduce([np.zeros_like(wrong), *others])
    return wrong


def fitting(rankings: Rankings, state: Browsing, *, without: str = "") -> NDArray[np.bool_]:
    """Which images pass the filters, bool [N].

    Parameters
    ----------
    without : str
        A filter that is left open: ``"kind"``, ``"truth"`` or ``"answer"``. What then remains is
        what each of its settings can choose from.
    """
    passed = np.ones(len(rankings), dtype=bool)
    if without != "kind":
        passed &= of_kind(rankings, state.model, state.kind)
    if state.truth is not None and without != "truth":
        passed &= rankings.labels == state.truth
    if state.answer is not None and without != "answer":
        passed &= rankings.models[state.model].predicted == state.answer
    uncertainty = here(rankings, state).uncertainty
    if state.low is not None:
        passed &= uncertainty >= state.low
    if state.high is not None:
        passed &= uncertainty <= state.high
    return passed


def in_order(rankings: Rankings, state: Browsing) -> NDArray[np.intp]:
    """Images that pass the filters, in the order in which they are shown."""
    order = here(rankings, state).order
    if state.doubtful_first:
        order = order[::-1]
    return order[fitting(rankings, state)[order]]


def one_value(uncertainty: NDArray[np.float64]) -> bool:
    """Whether all scores are the same, up to about what the rounding of logits makes of them."""
    return bool(np.ptp(uncertainty) < max(1e-9, 1e-6 * np.abs(uncertainty).max()))


def score_ends(uncertainty: NDArray[np.float64], steps: int = 200) -> tuple[float, float, float]:
    """Ends of a slider over all scores, and its step: 1, 2 or 5 times a power of ten."""
    low, high = float(uncertainty.min()), float(uncertainty.max())
    if one_value(uncertainty):  # leave the handles some way to go
        low, high = low - 0.5, high + 0.5
    power = 10.0 ** np.floor(np.log10((high - low) / steps))
    step = next(k * power for k in (1, 2, 5, 10) if k * power * steps >= high - low)
    first, last = np.floor(low / step), np.ceil(high / step)
    return round(first * step, 12), round(last * step, 12), float(f"{step:.1g}")


# --- changes ------------------------------------------------------------------------------------
def choose_model(rankings: Rankings, state: Browsing, model: str) -> Browsing:
    """Another model; the same image stays in view if it still fits."""
    model = checks.one_of(model, list(rankings.models), "model")
    before = in_order(rankings, state)
    score = state.score if state.score in rankings.scores_of(model) else DEFAULT_SCORE
    # Scores of two models may live on different scales.
    after = replace(state, model=model, score=score, low=None, high=None, place=0)
    if len(before):
        found = np.flatnonzero(in_order(rankings, after) == before[state.place])
        if len(found):
            after = replace(after, place=int(found[0]))
    return after


def choose_kind(state: Browsing, kind: str) -> Browsing:
    """Other errors, or all images."""
    return replace(state, kind=checks.one_of(kind, (OWN, SHARED, ALONE, EVERY), "choice"), place=0)


def choose_score(rankings: Rankings, state: Browsing, score: str) -> Browsing:
    """Another score to sort by; its range starts open."""
    score = checks.one_of(score, rankings.scores_of(state.model), "score of this model")
    return replace(state, score=score, low=None, high=None, place=0)


def choose_order(state: Browsing, doubtful_first: bool) -> Browsing:
    """The most uncertain or the most certain image first."""
    return replace(state, doubtful_first=bool(doubtful_first), place=0)


def choose_truth(rankings: Rankings, state: Browsing, truth: int | None) -> Browsing:
    """Only images of a class; of any with None."""
    return replace(state, truth=_class(rankings, truth), place=0)


def choose_answer(rankings: Rankings, state: Browsing, answer: int | None) -> Browsing:
    """Only images that the model takes for a class; for any with None."""
    return replace(state, answer=_class(rankings, answer), place=0)


def choose_range(rankings: Rankings, state: Browsing, ends: tuple[float, float]) -> Browsing:
    """Only images with a score between two ends; an end at the slider's own is open."""
    low, high = ends
    if not low <= high:
        raise ValueError(f"The range of scores must start below its end, not go {low} to {high}.")
    first, last, step = score_ends(here(rankings, state).uncertainty)
    return replace(
        state,
        low=None if low < first + step / 2 else float(low),
        high=None if high > last - step / 2 else float(high),
        place=0,
    )


def open_filters(state: Browsing) -> Browsing:
    """All classes and scores again."""
    return replace(state, truth=None, answer=None, low=None, high=None, place=0)


def go_to(rankings: Rankings, state: Browsing, number: int, noun: str = "digit") -> Browsing:
    """Show the image with a number, counted from 1."""
    count = len(in_order(rankings, state))
    if count == 0:
        raise ValueError(f"There is no {noun} to go to; reset the filters first.")
    if not 1 <= number <= count:
        raise ValueError(
            f"This choice has {style.plural(count, noun)}, numbered from 1; "
            f"there is no number {number}."
        )
    return replace(state, place=int(number) - 1)


def step(rankings: Rankings, state: Browsing, by: int) -> Browsing:
    """Some images further, at most to the ends."""
    last = len(in_order(rankings, state)) - 1
    return replace(state, place=int(np.clip(state.place + by, 0, max(last, 0))))


def _or_none(index: int) -> int | None:
    return None if index == ANY else index


def _class(rankings: Rankings, index: int | None) -> int | None:
    if index is None:
        return None
    if not 0 <= index < rankings.num_classes:
        raise ValueError(f"There are {rankings.num_classes} classes; {index} is none of them.")
    return int(index)


# --- words --------------------------------------------------------------------------------------
def kinds_in_words(rankings: Rankings, model: str, noun: str = "digit") -> dict[str, str]:
    """What there is to choose under "Show"; with one model its errors are those of all."""
    words = {OWN: f"errors of {model}"}
    if len(rankings.models) > 1:
        words[SHARED] = "errors of all models"
        words[ALONE] = f"errors of {model} only"
    words[EVERY] = f"all {noun}s"
    return words


def why_nothing(rankings: Rankings, state: Browsing, noun: str = "digit") -> tuple[str, str]:
    """Why no image is left, and how to go on."""
    of_this_kind = int(of_kind(rankings, state.model, state.kind).sum())
    total = style.plural(len(rankings), noun)
    if of_this_kind:
        words = kinds_in_words(rankings, state.model, noun)[state.kind]
        return (
            f"No {noun} is left: none of {of_this_kind:,} ({words}) passes the filters.",
            "Press “Reset filters”, or loosen one of them.",
        )
    go_on = f"Choose “all {noun}s” under “Show”"
    go_on += ", or another model." if len(rankings.models) > 1 else "."
    if state.kind == SHARED:
        return f"There is no {noun} that all models get wrong.", go_on
    if state.kind == ALONE and (~rankings.models[state.model].correct).any():
        return f"Every error of {state.model} is made by another model, too.", go_on
    if len(rankings) == 1:
        return f"{state.model} is right about the only {noun}: there is no error to show.", go_on
    return f"{state.model} is right about all {total}: there is no error to show.", go_on


def describe(rankings: Rankings, state: Browsing, noun: str = "digit") -> str:
    """Where the image shown stands in the order, and who is right about it."""
    order = in_order(rankings, state)
    index = order[state.place]
    right = [name for name, one in rankings.models.items() if one.correct[index]]
    wrong = [name for name in rankings.models if name not in right]
    first = "most uncertain" if state.doubtful_first else "most certain"
    words = (
        f"Number {state.place + 1:,} of {len(order):,} "
        f"({kinds_in_words(rankings, state.model, noun)[state.kind]}), {first} first. "
        f"{state.score} gives it an uncertainty of {here(rankings, state).uncertainty[index]:.3g}."
    )
    if len(rankings.models) > 1:
        words += f" Right: {style.listing(right) or 'no model'}."
        words += f" Wrong: {style.listing(wrong) or 'no model'}."
    return f"{words} It is image {index:,} of the data, counted from 0."


# --- the widget ---------------------------------------------------------------------------------
class MisclassifiedBrowser(BaseWidget):
    """What :func:`misclassified_browser` returns."""

    def __init__(
        self,
        models: Mapping[str, Predictions],
        images: Any,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.rankings = Rankings(models)
        stack = checks.images_for(images, len(self.rankings))
        if stack is None:
            raise ValueError(
                "The browser shows the images; pass those that were predicted, as an ImageSet or "
                "an array."
            )
        self.images = stack
        self.names = checks.class_names(self.rankings.num_classes, class_names)
        self.noun = "digit" if self.names == style.DIGITS else "image"
        super().__init__(start(self.rankings))
        self._build()
        self.refresh()

    def _build(self) -> None:
        rankings = self.rankings
        drop = partial(control, ipywidgets.Dropdown)
        self.model = drop("Model", options=list(rankings.models), width="17em")
        self.kind = drop("Show", options=self._kinds(), width="25em")
        self.score = drop("Sort by", options=rankings.scores_of(self.state.model), width="19em")
        self.order = drop(
            "Order",
            options=(("most uncertain first", True), ("most certain first", False)),
            width="17em",
        )
        self.truth = drop("True class", options=self._classes("truth"), width="17em")
        self.answer = drop("Predicted class", options=self._classes("answer"), width="19em")
        self.open = control(ipywidgets.Button, "Reset filters", width="10em")
        first, last, each = score_ends(here(rankings, self.state).uncertainty)
        self.range = control(
            ipywidgets.FloatRangeSlider,
            "Uncertainty from, to",
            min=first,
            max=last,
            step=each,
            value=(first, last),
            width="calc(100% - 8px)",
        )
        self.back = control(ipywidgets.Button, "Previous", icon="arrow-left", width="8em")
        self.on = control(ipywidgets.Button, "Next", icon="arrow-right", width="8em")
        self.number = control(ipywidgets.IntText, "Number", width="10em")
        self.slider = control(
            ipywidgets.IntSlider, "Go through", min=1, max=2, readout=False, width="23em"
        )
        self.strip = Strip(label=f"Neighbours of this {self.noun} in the order")
        go = partial(go_to, rankings, noun=self.noun)
        for moved, change in (
            (self.model, partial(choose_model, rankings)),
            (self.kind, choose_kind),
            (self.score, partial(choose_score, rankings)),
            (self.order, choose_order),
            (self.truth, lambda state, it: choose_truth(rankings, state, _or_none(it))),
            (self.answer, lambda state, it: choose_answer(rankings, state, _or_none(it))),
            (self.range, partial(choose_range, rankings)),
            (self.number, go),
            (self.slider, go),
            (self.strip, go),
        ):
            self.listen(moved, change)
        self.press(self.open, open_filters)
        self.press(self.back, lambda state: step(rankings, state, -1))
        self.press(self.on, lambda state: step(rankings, state, 1))

        self.card = self.new_picture()
        self.blitted = self.new_blitted_figure()
        self._background: str | None = None  # model whose row is framed
        self.children = [
            row(self.model, self.kind),
            row(self.score, self.order),
            row(self.truth, self.answer, self.open),
            self.range,
            row(self.back, self.on, self.number, self.slider),
            self.strip,
            self.card,
        ]

    # Each setting is listed with what it would leave, given all the others.
    def _kinds(self) -> tuple[tuple[str, str], ...]:
        rankings, state = self.rankings, self.state
        passed = fitting(rankings, state, without="kind")
        return tuple(
            (f"{words} ({(of_kind(rankings, state.model, kind) & passed).sum():,})", kind)
            for kind, words in kinds_in_words(rankings, state.model, self.noun).items()
        )

    def _classes(self, which: str) -> tuple[tuple[str, int], ...]:
        rankings, state = self.rankings, self.state
        passed = fitting(rankings, state, without=which)
        classes = rankings.labels if which == "truth" else rankings.models[state.model].predicted
        counts = np.bincount(classes[passed], minlength=len(self.names))
        named = zip(self.names, counts, range(len(self.names)), strict=True)
        return (
            (f"any ({passed.sum():,})", ANY),
            *((f"{name} ({count:,})", index) for name, count, index in named),
        )

    def follow(self) -> None:
        rankings, state = self.rankings, self.state
        self.put(self.model, value=state.model)
        self.put(self.kind, options=self._kinds(), value=state.kind)
        self.put(self.score, options=rankings.scores_of(state.model), value=state.score)
        self.put(self.order, value=state.doubtful_first)
        truth = ANY if state.truth is None else state.truth
        answer = ANY if state.answer is None else state.answer
        self.put(self.truth, options=self._classes("truth"), value=truth)
        self.put(self.answer, options=self._classes("answer"), value=answer)
        uncertainty = here(rankings, state).uncertainty
        first, last, each = score_ends(uncertainty)
        decimals = max(0, -int(np.floor(np.log10(each))))
        self.put(
            self.range,
            readout_format=f".{decimals}f",
            min=first,
            max=last,
            step=each,
            value=(
                first if state.low is None else state.low,
                last if state.high is None else state.high,
            ),
            disabled=one_value(uncertainty),
        )
        self.put(self.open, disabled=open_filters(state) == replace(state, place=0))

        order = in_order(rankings, state)
        count, place = len(order), state.place
        self.put(self.back, disabled=place == 0)
        self.put(self.on, disabled=place + 1 >= count)
        self.put(self.number, value=min(place + 1, count), disabled=count == 0)
        # A slider needs some way to go.
        self.put(self.slider, max=max(count, 2), value=place + 1, disabled=count < 2)
        begin = max(0, min(place - SHOWN // 2, count - SHOWN))
        near = order[begin : begin + SHOWN]
        predicted = rankings.models[state.model].predicted
        tiles = [
            Tile(
                begin + offset + 1,
                self.names[rankings.labels[index]],
                self.names[predicted[index]],
                bool(rankings.models[state.model].correct[index]),
            )
            for offset, index in enumerate(near)
        ]
        self.strip.show(self.images[near], tiles, value=place + 1, count=count)

    def draw(self) -> None:
        rankings, state = self.rankings, self.state
        order = in_order(rankings, state)
        if not len(order):
            why, go_on = why_nothing(rankings, state, self.noun)
            self.blitted.set_up(message(why))
            self._background = None
            self.card.show(self.blitted.png(), why, caption=go_on, width=self.blitted.width)
            return
        index = order[state.place]
        rows = {name: one.probabilities[index] for name, one in rankings.models.items()}
        shown = self.images[index], rows, int(rankings.labels[index])
        if self._background != state.model:
            framed = state.model if len(rows) > 1 else None
            picture = model_comparison(*shown, chosen=framed, class_names=self.names)
            self.blitted.set_up(picture, picture.parts)
            self._background = state.model
        alt = refill_comparison(self.blitted.picture, *shown, class_names=self.names)
        words = describe(rankings, state, self.noun)
        self.card.show(self.blitted.png(), alt, caption=words, width=self.blitted.width)


@widget
def misclassified_browser(
    models: Mapping[str, Predictions],
    images: Any,
    *,
    class_names: Sequence[str] | None = None,
) -> MisclassifiedBrowser:
    """Go through the mistakes of several models, filtered and sorted, and compare their answers.

    Parameters
    ----------
    models : mapping of name to Predictions
        With labels, for the same N images. The browser opens on the first.
    images : ImageSet or uint8 [N, H, W]
    class_names : sequence of str, optional

    Returns
    -------
    MisclassifiedBrowser
        Where the input makes no sense, a widget that says so.
    """
    return MisclassifiedBrowser(models, images, class_names)
