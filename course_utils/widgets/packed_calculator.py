"""Packed-Ensemble calculator: which M and alpha build, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import ipywidgets

from course_utils.figures import packed_cost_bars, packed_costs, packed_diagram, packed_plan, style
from course_utils.figures.packed import LAYERS, PackedPlan
from course_utils.figures.packed_costs import network_flops

from .base import BaseWidget, control, row, widget
from .texts import Text, table

MOST_MEMBERS = 16
STEP = 0.5  # LeNet's 6 and 16 channels are whole numbers at multiples of a half only


@dataclass(frozen=True)
class Setting:
    """A Packed-Ensemble of LeNets that builds.

    Attributes
    ----------
    num_members : int
        M.
    alpha : float
        Width of the whole, in LeNets.
    """

    num_members: int = 4
    alpha: float = 2.0

    @property
    def plan(self) -> PackedPlan:
        """Its channels and parameters."""
        return packed_plan(self.num_members, self.alpha)


def widest(num_members: int) -> float:
    """The largest alpha on offer: 8, and always that of M whole LeNets."""
    return float(max(8, num_members))


@cache
def buildable(num_members: int) -> tuple[float, ...]:
    """All alphas in steps of a half that build with M members."""
    found = []
    for half in range(1, round(widest(num_members) / STEP) + 1):
        try:
            packed_plan(num_members, half * STEP)
        except ValueError:
            continue
        found.append(half * STEP)
    return tuple(found)


def nearest(num_members: int, alpha: float) -> float:
    """The alpha nearest to the one wished for that builds; the cheaper of two."""
    return min(buildable(num_members), key=lambda one: (abs(one - alpha), one))


def choose_members(state: Setting, num_members: int) -> Setting:
    """Another M; alpha goes to the nearest that builds with it."""
    if num_members is None or not 1 <= num_members <= MOST_MEMBERS:
        raise ValueError(f"The number of members M goes from 1 to {MOST_MEMBERS} here.")
    return Setting(int(num_members), nearest(int(num_members), state.alpha))


def choose_alpha(state: Setting, alpha: float) -> Setting:
    """Another alpha, or a sentence with the nearest ones that build."""
    members = state.num_members
    if alpha is None or not 0 < alpha <= widest(members):  # not a number fails this, too
        raise ValueError(
            f"Alpha must be a positive number up to {widest(members):g} here; with M = {members} "
            f"these build: {_listed(buildable(members))}."
        )
    try:
        packed_plan(members, alpha)
    except ValueError as error:
        reason = str(error).partition(";")[0]
        below = [one for one in buildable(members) if one < alpha][-1:]
        above = [one for one in buildable(members) if one > alpha][:1]
        found = below + above
        verb = "that builds is" if len(found) == 1 else "that build are"
        raise ValueError(f"{reason}. The nearest {verb} alpha = {_listed(found)}.") from error
    return replace(state, alpha=float(alpha))


def _listed(alphas: tuple[float, ...] | list[float]) -> str:
    return style.listing([f"{alpha:g}" for alpha in alphas])


def describe(state: Setting) -> str:
    """The setting in words and numbers."""
    plan = state.plan
    lenet, packed, deep = packed_costs(plan)
    members = plan.num_members
    channels = style.listing([str(count) for count in plan.member[:-1]])
    one = "The one member" if members == 1 else f"Each of the {members} members"
    words = f"M = {members}, alpha = {plan.alpha:g}. {one} is a LeNet of {channels} channels"
    if plan.member != plan.lenet:
        words += f", {plan.member[0] / plan.lenet[0]:.3g} times as wide"
    words += (
        f".\nParameters: {packed.parameters / lenet.parameters:.3g} times LeNet, "
        f"{packed.parameters / deep.parameters:.3g} times {deep.name}. "
        f"FLOPs per image: {packed.flops / lenet.flops:.3g} times LeNet, "
        f"{packed.flops / deep.flops:.3g} times {deep.name}."
    )
    if plan.member == plan.lenet:
        words += (
            " This is LeNet itself."
            if members == 1
            else f" Every member is a whole LeNet: {packed.name} is {deep.name} in one network."
        )
    return words


def channels_table(state: Setting) -> str:
    """Channels of each layer, parameters and FLOPs, as HTML."""
    plan = state.plan
    lenet, packed, deep = packed_costs(plan)
    members = plan.num_members

    def numbers(channels: tuple[int, ...], parameters: int, flops: int) -> list[str]:
        return [*(f"{count:,}" for count in channels), f"{parameters:,}", f"{flops:,}"]

    each = "the member (1 group)" if members == 1 else f"each member ({members} groups)"
    rows = [
        [lenet.name, *numbers(plan.lenet, lenet.parameters, lenet.flops)],
        [each, *numbers(plan.member, plan.member_parameters, network_flops(plan.member))],
        [packed.name, *numbers(plan.packed, packed.parameters, packed.flops)],
        [
            deep.name,
            *numbers(tuple(members * count for count in plan.lenet), deep.parameters, deep.flops),
        ],
    ]
    head = ["network", *(name for name, _, _ in LAYERS), "parameters", "FLOPs per image"]
    return table("Channels per layer, parameters and FLOPs", head, rows)


class PackedCalculator(BaseWidget):
    """What :func:`packed_calculator` returns."""

    def __init__(self) -> None:
        super().__init__(Setting())
        self.members = control(
            ipywidgets.IntSlider,
            "M: members",
            min=1,
            max=MOST_MEMBERS,
            value=self.state.num_members,
            width="28em",
            described="6.5em",
        )
        self.alpha = control(
            ipywidgets.SelectionSlider,
            "Alpha: width",
            options=_options(self.state),
            value=self.state.alpha,
            width="28em",
            described="6.5em",
        )
        self.typed = control(
            ipywidgets.FloatText, "or type alpha", step=STEP, value=self.state.alpha, width="13em"
        )
        self.listen(self.members, choose_members)
        self.listen(self.alpha, choose_alpha)
        self.listen(self.typed, choose_alpha)
        self.diagram, self.bars = self.new_picture(), self.new_picture()
        self.table = Text()
        self.children = [
            row(self.members),
            row(self.alpha, self.typed),
            self.diagram,
            self.bars,
            self.table,
        ]
        self.refresh()

    def follow(self) -> None:
        state = self.state
        self.put(self.members, value=state.num_members)
        if self.alpha is not self._moved:
            self.put(self.alpha, options=_options(state), value=state.alpha)
        self.put(self.typed, value=state.alpha)

    def draw(self) -> None:
        state = self.state
        self.diagram.show_picture(
            packed_diagram(state.num_members, state.alpha), caption=describe(state)
        )
        self.bars.show_picture(packed_cost_bars(state.num_members, state.alpha))
        self.table.value = channels_table(state)


def _options(state: Setting) -> list[tuple[str, float]]:
    """What the slider offers: what builds, and the alpha that is set, which may lie between."""
    offered = sorted({*buildable(state.num_members), state.alpha})
    return [(f"{alpha:.6g}", alpha) for alpha in offered]


@widget
def packed_calculator() -> PackedCalculator:
    """Choose M and alpha of a Packed-Ensemble of LeNets, and see its channels and its costs.

    Returns
    -------
    PackedCalculator
    """
    return PackedCalculator()
