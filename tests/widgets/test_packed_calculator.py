"""Packed-Ensemble calculator: what builds, pure changes of state, the widget, bad input."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import figures
from course_utils.widgets.packed_calculator import (
    MOST_MEMBERS,
    Setting,
    buildable,
    choose_alpha,
    choose_members,
    describe,
    nearest,
    packed_calculator,
    widest,
)

EVERY_M = range(1, MOST_MEMBERS + 1)


def builds(members: int, alpha: float) -> bool:
    try:
        figures.packed_plan(members, alpha)
    except ValueError:
        return False
    return True


# --- state --------------------------------------------------------------------------------------
@pytest.mark.parametrize("members", EVERY_M)
def test_exactly_what_builds_is_on_offer(members: int) -> None:
    halves = [half / 2 for half in range(1, int(2 * widest(members)) + 1)]
    assert list(buildable(members)) == [alpha for alpha in halves if builds(members, alpha)]
    assert members in buildable(members)  # M whole LeNets always build


@pytest.mark.parametrize("members", range(2, MOST_MEMBERS + 1))
def test_finer_steps_would_offer_no_other_network(members: int) -> None:
    offered = {figures.packed_plan(members, alpha).member for alpha in buildable(members)}
    fine = [step / 48 for step in range(1, int(48 * widest(members)) + 1)]
    found = {figures.packed_plan(members, a).member for a in fine if builds(members, a)}
    assert found == offered


@settings(max_examples=100, deadline=None)
@given(members=st.integers(1, MOST_MEMBERS), alpha=st.floats(0.01, 16))
def test_another_m_takes_the_nearest_alpha(members: int, alpha: float) -> None:
    state = choose_members(Setting(4, alpha), members)
    distance = abs(state.alpha - alpha)
    assert builds(members, state.alpha)
    assert all(abs(other - alpha) >= distance for other in buildable(members))


def test_the_cheaper_of_two_alphas_equally_near() -> None:
    assert nearest(4, 3) == 2


@settings(max_examples=100, deadline=None)
@given(members=st.integers(1, MOST_MEMBERS), alpha=st.floats())
def test_a_typed_alpha_builds_or_is_answered_by_those_that_do(members: int, alpha: float) -> None:
    before = choose_members(Setting(), members)
    try:
        state = choose_alpha(before, alpha)
    except ValueError as error:
        named = re.findall(r"\d+(?:\.\d+)?", str(error).rpartition("build")[2])
        assert named and all(float(one) in buildable(members) for one in named)
        assert float(f"{nearest(members, alpha):g}") in map(float, named) or not alpha > 0
    else:
        assert state.alpha == alpha and builds(members, alpha)


@pytest.mark.parametrize(
    ("alpha", "sentence"),
    [
        (3, "conv 1 would have 18 channels.* nearest that build are alpha = 2 and 4.$"),
        (0.5, "nearest that builds is alpha = 2.$"),
        (7.9, "nearest that build are alpha = 6 and 8.$"),
        (0, "positive number up to 8 here; with M = 4 these build: 2, 4, 6 and 8.$"),
        (-1, "positive number up to 8"),
        (1e300, "positive number up to 8"),
        (float("nan"), "positive number up to 8"),
        (None, "positive number up to 8"),
    ],
)
def test_sentences_for_alpha(alpha, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        choose_alpha(Setting(4, 2), alpha)


@pytest.mark.parametrize("members", [0, -3, 17, None])
def test_sentences_for_m(members) -> None:
    with pytest.raises(ValueError, match="goes from 1 to 16"):
        choose_members(Setting(), members)


def test_words() -> None:
    words = describe(Setting(4, 2))
    assert "Each of the 4 members is a LeNet of 3, 8, 60 and 42 channels, 0.5 times" in words
    assert "Parameters: 1.03 times LeNet, 0.257 times DE-4." in words
    assert "FLOPs per image: 1.31 times LeNet, 0.327 times DE-4." in words
    assert "PE-4 is DE-4 in one network" in describe(Setting(4, 4))
    assert "This is LeNet itself" in describe(Setting(1, 1))


# --- the widget ---------------------------------------------------------------------------------
def test_sliders_and_box_follow_each_other() -> None:
    made = packed_calculator()
    pictures = made.diagram.png, made.bars.png
    assert "45,672" in made.table.value and "737,760" in made.table.value
    made.members.value = 5
    assert (made.alpha.value, made.typed.value) == (2.5, 2.5)
    assert [value for _, value in made.alpha.options] == list(buildable(5))
    made.alpha.value = 5.0
    assert made.typed.value == 5 and made.state == Setting(5, 5)
    made.typed.value = 7.5
    assert made.alpha.value == 7.5
    assert pictures[0] != made.diagram.png and pictures[1] != made.bars.png
    assert "M = 5 and alpha = 7.5" in made.diagram.alt and "alpha = 7.5" in made.bars.alt


@pytest.mark.parametrize("members", EVERY_M)
def test_everything_on_offer_is_drawn(members: int) -> None:
    made = packed_calculator()
    made.members.value = members
    for alpha in (buildable(members)[0], buildable(members)[-1]):
        made.alpha.value = alpha
        assert not made.diagram.problem
        assert f"M = {members} and alpha = {alpha:g}." in made.diagram.alt
        plan = figures.packed_plan(members, alpha)
        for number in (*plan.packed, plan.packed_parameters):
            assert f">{number:,}</td>" in made.table.value


def test_what_does_not_build_is_answered_and_the_control_lives_on() -> None:
    made = packed_calculator()
    before = made.diagram.png
    made.typed.value = 3
    assert made.diagram.problem and "nearest that build are alpha = 2 and 4" in made.diagram.caption
    assert made.diagram.png == before and made.state == Setting(4, 2)
    assert made.typed.value == 3  # left to be corrected
    made.typed.value = 4
    assert not made.diagram.problem and made.alpha.value == 4
    made.members.value = 99  # the slider's own end
    assert made.state.num_members == MOST_MEMBERS


def test_an_alpha_between_the_steps_that_builds_is_taken() -> None:
    made = packed_calculator()
    made.typed.value = 2.001  # cut off to the channels of 2, as the layers do
    assert not made.diagram.problem
    assert made.alpha.value == 2.001 and made.state.plan.member == Setting(4, 2).plan.member
    made.members.value = 2
    assert [value for _, value in made.alpha.options] == list(buildable(2))


def test_the_still_keeps_pictures_words_and_table() -> None:
    still = packed_calculator().still()
    assert still.count("<img") == 2 and "<table" in still and "Each of the 4 members" in still


def test_two_do_not_disturb_each_other() -> None:
    first, second = packed_calculator(), packed_calculator()
    first.members.value = 8
    assert second.state == Setting()
