"""Ensemble builder: pure changes, the widget, bad input."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from widget_helpers import make_predictions

from course_utils.metrics.predictions import Predictions
from course_utils.metrics.subsets import Choices
from course_utils.widgets import ensemble_builder as builder_function
from course_utils.widgets.ensemble_builder import (
    NOTHING,
    add_best,
    all_members,
    best_single,
    choose_metric,
    describe,
    no_member,
    show,
    start,
    tick,
)

ENSEMBLE = make_predictions(members=5, skill=2.0)
OOD = make_predictions(200, members=5, seed=1, skill=0.0)
CHOICES = Choices(ENSEMBLE, OOD)
MANY = Choices(make_predictions(members=14), make_predictions(100, members=14, seed=2))


def say(made) -> str:
    return made.pictures[0].caption


# --- changes of state ---------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12))
def test_ticks_are_a_set(moves: list[tuple[int, bool]]) -> None:
    state, expected = start(CHOICES), {0}
    for member, on in moves:
        state = tick(CHOICES, state, member, on)
        expected = expected | {member} if on else expected - {member}
    assert state.chosen == expected
    assert describe(CHOICES, state, [f"m{i}" for i in range(5)])


@pytest.mark.parametrize("metric", list(CHOICES.metrics))
def test_best_next_is_the_best_of_all_extensions(metric: str) -> None:
    state = choose_metric(CHOICES, no_member(CHOICES, start(CHOICES)), metric)
    sign = 1 if CHOICES.metrics[metric].higher_is_better else -1
    assert best_single(CHOICES, state) == add_best(CHOICES, state)
    for _ in range(5):
        larger = add_best(CHOICES, state)
        assert larger.chosen > state.chosen and len(larger.chosen) == len(state.chosen) + 1
        best = max(
            sign * CHOICES.value(state.chosen | {member}, metric)
            for member in set(range(5)) - state.chosen
        )
        assert sign * CHOICES.value(larger.chosen, metric) == best
        state = larger
    with pytest.raises(ValueError, match="All members are chosen"):
        add_best(CHOICES, state)


def test_changes_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="no number 5"):
        tick(CHOICES, start(CHOICES), 5, True)
    with pytest.raises(ValueError, match="no metric 'beauty'"):
        choose_metric(CHOICES, start(CHOICES), "beauty")


def test_words_count_the_better_choices() -> None:
    names = [f"m{i}" for i in range(5)]
    for members in combinations(range(5), 2):
        state = start(CHOICES)
        state = type(state)(frozenset(members), "NLL")
        value = CHOICES.value(state.chosen, "NLL")
        better = sum(
            CHOICES.value(frozenset(pair), "NLL") < value for pair in combinations(range(5), 2)
        )
        words = describe(CHOICES, state, names)
        assert f"2 of 5 members (m{members[0]} and m{members[1]}): NLL {value:.4f}." in words
        end = {0: "none is better", 1: "1 is better"}.get(better, f"{better} are better")
        assert f"Of all 10 choices of 2 members, {end}" in words
    assert "This is everybody" in describe(CHOICES, all_members(CHOICES, state), names)


def test_words_tell_what_the_second_member_brings() -> None:
    means = [CHOICES.values("NLL", size).mean() for size in (1, 2, 5)]
    share = 100 * (means[1] - means[0]) / (means[2] - means[0])
    state = choose_metric(CHOICES, start(CHOICES), "NLL")
    words = describe(CHOICES, state, [""] * 5)
    assert f"the second member alone brings {share:.0f} % of the gain" in words


# --- the widget ---------------------------------------------------------------------------------
def test_ticks_move_picture_words_and_table() -> None:
    made = builder_function(ENSEMBLE, OOD)
    first = made.picture.png
    made.ticks[2].value = True
    assert made.picture.png != first
    assert "2 of 5 members (member 1 and member 3)" in say(made)
    assert say(made).replace("\n", " ") in made.picture.alt
    for name, metric in made.choices.metrics.items():
        shown = show(metric, made.choices.value(frozenset({0, 2}), name))
        assert f">{shown}</td>" in made.table.value
    point = made.kept_figures["Accuracy"].artists["point"]
    accuracy = ENSEMBLE.subset([0, 2]).correct.mean()
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (2, pytest.approx(100 * accuracy))


def test_buttons_set_the_ticks() -> None:
    made = builder_function(ENSEMBLE, OOD)
    made.metric.value = "NLL"
    made.buttons["All"].click()
    assert all(box.value for box in made.ticks)
    made.buttons["None"].click()
    assert not any(box.value for box in made.ticks)
    made.buttons["Best single"].click()
    assert sum(box.value for box in made.ticks) == 1 and "none is better" in say(made)
    made.buttons["Add the best next"].click()
    assert sum(box.value for box in made.ticks) == 2
    assert {i for i, box in enumerate(made.ticks) if box.value} == made.state.chosen


def test_each_metric_is_drawn_once_and_comes_back() -> None:
    made = builder_function(ENSEMBLE, OOD)
    first = made.picture.png
    for name in made.metric.options:
        made.metric.value = name
        assert made.picture.alt.startswith(f"{name} of 31 choices of members")
    made.metric.value = "Accuracy"
    assert made.picture.png == first
    assert len(made.blitted_figures) == 5


def test_nothing_ticked_is_a_sentence_and_the_way_back_is_open() -> None:
    made = builder_function(ENSEMBLE, OOD)
    made.ticks[0].value = False
    assert say(made) == NOTHING and "your choice (0)" in made.table.value
    assert not made.kept_figures["Accuracy"].artists["point"].get_visible()
    made.ticks[3].value = True
    assert "1 of 5 members (member 4)" in say(made)
    assert made.kept_figures["Accuracy"].artists["point"].get_visible()


def test_adding_to_all_is_a_sentence() -> None:
    made = builder_function(ENSEMBLE)
    made.buttons["All"].click()
    made.buttons["Add the best next"].click()
    assert made.picture.problem and "All members are chosen" in say(made)
    made.buttons["None"].click()
    assert not made.picture.problem


def test_names_of_members_are_used() -> None:
    names = [f"lenet-{i}" for i in range(5)]
    made = builder_function(ENSEMBLE, member_names=names)
    assert [box.description for box in made.ticks] == names
    assert "(lenet-0)" in say(made)


def test_the_page_says_that_the_choice_is_not_honest() -> None:
    made = builder_function(ENSEMBLE)
    still = made.still()
    assert "Choose members on validation images" in still
    assert still.count("<img") == 1 and "<table" in still


def test_without_ood_images_there_is_no_auroc() -> None:
    made = builder_function(ENSEMBLE)
    assert list(made.metric.options) == ["Accuracy", "NLL", "Brier score", "ECE"]
    assert "AUROC" not in made.table.value


def test_a_sample_is_called_a_sample() -> None:
    made = builder_function(make_predictions(members=14))
    made.ticks[1].value = True
    assert "sampled choices of 2 members" in say(made)
    assert len(made.kept_figures["Accuracy"].picture.figure.legends) == 1


def test_two_over_the_same_predictions_do_not_disturb_each_other() -> None:
    first, second = builder_function(ENSEMBLE), builder_function(ENSEMBLE)
    before = second.picture.png
    first.ticks[1].value = True
    first.metric.value = "NLL"
    assert second.picture.png == before and not second.ticks[1].value


# --- input that makes no sense, or little -------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "names", "sentence"),
    [
        ((ENSEMBLE.logits,), None, "needs Predictions, not ndarray"),
        ((Predictions(ENSEMBLE.logits),), None, "needs true labels"),
        ((ENSEMBLE.take([]),), None, "at least one image"),
        ((ENSEMBLE, OOD.logits), None, "need Predictions, not ndarray"),
        ((ENSEMBLE, OOD.subset([0, 1])), None, "M = 2 and C = 10"),
        ((ENSEMBLE, make_predictions(9, 5, 26)), None, "predict both with the same members"),
        ((ENSEMBLE, OOD.take([])), None, "no OOD images"),
        ((ENSEMBLE,), ["a", "b"], "5 members but 2 member names"),
        ((make_predictions(3, 65),), None, "up to 64 members, not 65"),
    ],
)
def test_nonsense_is_answered_by_a_sentence(arguments, names, sentence: str) -> None:
    made = builder_function(*arguments, member_names=names)
    assert sentence in say(made)
    assert "Traceback" not in made.still()


SURE = Predictions(np.eye(3, dtype=np.float32)[:, None].repeat(3, 1) * 2000, [0, 1, 2])


@pytest.mark.parametrize(
    "predictions",
    [
        make_predictions(2),
        make_predictions(1, 2),
        make_predictions(members=1),
        make_predictions(classes=2),
        make_predictions(classes=26),
        make_predictions(60, members=32),
        SURE,
        Predictions(SURE.logits, [1, 2, 0]),
        Predictions.from_probabilities(ENSEMBLE.probabilities, ENSEMBLE.labels),
        Predictions(np.zeros((5, 3, 10)), np.arange(5)),
    ],
    ids=["2", "1", "1 member", "2 classes", "26", "32", "right", "wrong", "no logits", "ties"],
)
def test_extremes_can_be_moved(predictions: Predictions) -> None:
    made = builder_function(predictions, Predictions(predictions.logits)
                            if predictions.logits is not None else None)  # fmt: skip
    for name in made.metric.options:
        made.metric.value = name
        for box in made.ticks[:3]:
            box.value = not box.value
            assert not made.picture.problem and say(made)
            assert "nan" not in (say(made) + made.table.value).lower().split()
    made.buttons["None"].click()
    made.buttons["Add the best next"].click()
    assert not made.picture.problem and len(made.state.chosen) == 1


def test_an_infinite_nll_is_called_so() -> None:
    wrong = Predictions(SURE.logits, [1, 2, 0])
    made = builder_function(wrong)
    assert "NLL" not in made.metric.options and "infinite" in made.table.value


def test_one_member_leaves_nothing_to_choose() -> None:
    assert "nothing to choose" in say(builder_function(make_predictions(members=1)))
