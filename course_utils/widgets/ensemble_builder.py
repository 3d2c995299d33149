"""Ensemble builder: tick members, and see where this choice lies among all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ipywidgets
import numpy as np

from course_utils._support import validation as checks
from course_utils.figures import choices_of_members, style
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.subsets import Choice, Choices, Metric

from .base import BaseWidget, control, heading, row, widget
from .blitting import BlittedFigure
from .texts import Text, note, table

NOTHING = (
    "Nothing is ticked: tick at least one member, and the ensemble of your choice is measured."
)
HONESTY = (
    "These images choose and judge at the same time: the best of many choices owes part of its "
    "lead to luck. Choose members on validation images and report on the test set, once."
)
MOST_NAMED = 6  # members named one by one in the words


@dataclass(frozen=True)
class Building:
    """What the user chose: some members, perhaps none, and the metric to look at."""

    chosen: Choice
    metric: str


def start(choices: Choices) -> Building:
    """The first member alone."""
    return Building(frozenset({0}), next(iter(choices.metrics)))


def tick(choices: Choices, state: Building, member: int, on: bool) -> Building:
    """Take a member in, or leave it out."""
    if not 0 <= member < choices.num_members:
        raise ValueError(f"There are {choices.num_members} members; there is no number {member}.")
    chosen = state.chosen | {member} if on else state.chosen - {member}
    return replace(state, chosen=chosen)


def choose_metric(choices: Choices, state: Building, metric: str) -> Building:
    """Another metric to look at."""
    return replace(state, metric=checks.one_of(metric, drawable(choices), "metric"))


def best_single(choices: Choices, state: Building) -> Building:
    """The member that alone is best by the metric."""
    return replace(state, chosen=choices.best_next(frozenset(), state.metric))


def add_best(choices: Choices, state: Building) -> Building:
    """One member more: the one that helps most by the metric (greedy)."""
    return replace(state, chosen=choices.best_next(state.chosen, state.metric))


def all_members(choices: Choices, state: Building) -> Building:
    """Everybody."""
    return replace(state, chosen=frozenset(range(choices.num_members)))


def no_member(choices: Choices, state: Building) -> Building:
    """Nobody."""
    return replace(state, chosen=frozenset())


def drawable(choices: Choices) -> list[str]:
    """Metrics that are finite for some choice; the NLL may be infinite for all."""
    return [name for name in choices.metrics if np.isfinite(choices.values(name)).any()]


def show(metric: Metric, value: float) -> str:
    """A value of a metric in words."""
    if not np.isfinite(value):
        return "infinite"
    return style.percent(value) if metric.is_share else f"{value:.4f}"


def describe(choices: Choices, state: Building, names: Sequence[str]) -> str:
    """The choice in words and numbers, and what members bring on average."""
    if not state.chosen:
        return NOTHING
    members, size = choices.num_members, len(state.chosen)
    metric = choices.metrics[state.metric]
    value = choices.value(state.chosen, state.metric)
    words = f"{size} of {style.plural(members, 'member')}"
    if size <= MOST_NAMED:
        words += f" ({style.listing([names[member] for member in sorted(state.chosen)])})"
    words += f": {metric.name} {show(metric, value)}. "
    others = choices.values(state.metric, size)
    better = int(metric.better(others, value).sum())
    if members == 1:
        words += "There is one member only, so there is nothing to choose."
    elif choices.number_of(size) == 1:
        words += "This is everybody: there is no other choice of this size."
    else:
        of = (
            f"Of all {len(others):,} choices of {style.plural(size, 'member')}"
            if choices.complete or size == 1
            else f"Of {style.plural(len(others), 'sampled choice')} of {size} members"
        )
        if better == 0 and (choices.complete or size == 1):
            words += f"{of}, none is better on these images."
        else:
            words += f"{of}, {better:,} {'is' if better == 1 else 'are'} better."
    gain = describe_gain(choices, state.metric)
    return f"{words}\n{gain}" if gain else words


def describe_gain(choices: Choices, metric: str) -> str:
    """How much of what all members bring the second one brings, on average."""
    members, looks = choices.num_members, choices.metrics[metric]
    if members < 3:
        return ""
    means = [choices.values(metric, size).mean() for size in (1, 2, members)]
    if not np.isfinite(means).all():
        return ""
    one, two, everybody = means
    if not looks.better(np.array([everybody]), one)[0]:
        return f"On average, more members do not improve {looks.name} here."
    share = (two - one) / (everybody - one)
    if not 0 <= share <= 1:
        return ""
    return (
        f"On average, {looks.name} goes from {show(looks, one)} with one member to "
        f"{show(looks, two)} with two and {show(looks, everybody)} with all {members}: the second "
        f"member alone brings {100 * share:.0f} % of the gain."
    )


def measures_table(choices: Choices, state: Building) -> str:
    """All metrics of this choice, of single members and of everybody, as HTML."""
    members = choices.num_members
    rows = []
    for name, metric in choices.metrics.items():
        yours = show(metric, choices.value(state.chosen, name)) if state.chosen else "\N{EN DASH}"
        alone = show(metric, choices.values(name, 1).mean())
        everybody = show(metric, choices.value(frozenset(range(members)), name))
        arrow = "↑" if metric.higher_is_better else "↓"
        rows.append([f"{name} {arrow}", yours, alone, everybody])
    size = len(state.chosen)
    head = ["metric", f"your choice ({size})", "one member, on average", f"all {members}"]
    return table("Metrics of your choice, of one member and of all members", head, rows)


class EnsembleBuilder(BaseWidget):
    """What :func:`ensemble_builder` returns."""

    def __init__(
        self,
        predictions: Predictions,
        ood: Predictions | None,
        member_names: Sequence[str] | None,
    ) -> None:
        self.choices = Choices(predictions, ood)
        self.names = checks.member_names(self.choices.num_members, member_names)
        super().__init__(start(self.choices))

        self.ticks = [
            control(ipywidgets.Checkbox, name, indent=False, value=False) for name in self.names
        ]
        for member, box in enumerate(self.ticks):
            self.listen(box, partial(self._tick, member))
        self.metric = control(
            ipywidgets.Dropdown, "Metric", options=drawable(self.choices), width="15em"
        )
        self.listen(self.metric, partial(choose_metric, self.choices))
        self.buttons = {}
        for name, change in (
            ("Best single", best_single),
            ("Add the best next", add_best),
            ("All", all_members),
            ("None", no_member),
        ):
            self.buttons[name] = control(ipywidgets.Button, name)
            self.press(self.buttons[name], partial(change, self.choices))

        self.picture = self.new_picture()
        self.kept_figures: dict[str, BlittedFigure] = {}  # one per metric: drawn once each
        self.table = Text()
        self.children = [
            heading("Members"),
            row(*self.ticks),
            row(*self.buttons.values(), self.metric),
            self.picture,
            self.table,
            Text(note(HONESTY)),
        ]
        self.refresh()

    def _tick(self, member: int, state: Building, on: bool) -> Building:
        return tick(self.choices, state, member, on)

    def follow(self) -> None:
        for member, box in enumerate(self.ticks):
            self.put(box, value=member in self.state.chosen)
        self.put(self.metric, value=self.state.metric)

    def draw(self) -> None:
        state = self.state
        blitted = self.figure_of(state.metric)
        column, point = (blitted.artists[name] for name in ("column", "point"))
        value = np.nan
        if state.chosen:
            value = self.choices.value(state.chosen, state.metric)
            size = len(state.chosen)
            column.set_x(size - column.get_width() / 2)
            factor = 100 if self.choices.metrics[state.metric].is_share else 1
            point.set_data([size], [factor * value])
        column.set_visible(bool(state.chosen))
        point.set_visible(bool(np.isfinite(value)))
        words = describe(self.choices, state, self.names)
        alt = f"{blitted.picture.alt} {words}".replace("\n", " ")
        self.picture.show(blitted.png(), alt, caption=words, width=blitted.width)
        self.table.value = measures_table(self.choices, state)

    def figure_of(self, metric: str) -> BlittedFigure:
        """The dots of all choices by a metric, drawn at the first call."""
        if metric not in self.kept_figures:
            looks = self.choices.metrics[metric]
            picture = choices_of_members(
                self.choices.sizes,
                self.choices.values(metric),
                metric=looks.name,
                percent=looks.is_share,
                higher_is_better=looks.higher_is_better,
                sampled=not self.choices.complete,
            )
            blitted = self.new_blitted_figure()
            blitted.set_up(picture, picture.parts)
            self.kept_figures[metric] = blitted
        return self.kept_figures[metric]


@widget
def ensemble_builder(
    predictions: Predictions,
    ood: Predictions | None = None,
    *,
    member_names: Sequence[str] | None = None,
) -> Any:
    """Tick members of an ensemble, and see accuracy, NLL, Brier score, ECE and AUROC of the choice.

    Parameters
    ----------
    predictions : Predictions
        Of M members, with labels.
    ood : Predictions, optional
        Of images of no known class, by the same members; then the AUROC tells how well the
        maximum probability sets them apart.
    member_names : sequence of str, optional

    Returns
    -------
    EnsembleBuilder
        Where the input makes no sense, a widget that says so.
    """
    return EnsembleBuilder(predictions, ood, member_names)
