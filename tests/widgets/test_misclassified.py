"""Misclassified browser: pure changes of state, the widget by setting values, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from widget_helpers import make_images, make_predictions

from course_utils.figures import FASHION
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings
from course_utils.widgets import misclassified, misclassified_browser
from course_utils.widgets.misclassified import ALONE, ANY, EVERY, OWN, SHARED, Browsing
from course_utils.widgets.strip import SCALE, Tile, in_a_row

ENSEMBLE = make_predictions(skill=2.0)
LENET, PACKED = ENSEMBLE.subset([0]), ENSEMBLE.subset([1, 2])
MODELS = {"LeNet": LENET, "DE-4": ENSEMBLE, "PE-2": PACKED}
RANKINGS = Rankings(MODELS)
IMAGES = make_images()
START = misclassified.start(RANKINGS)
WRONG = {name: ~model.correct for name, model in MODELS.items()}
KINDS = {
    OWN: WRONG["LeNet"],
    SHARED: WRONG["LeNet"] & WRONG["DE-4"] & WRONG["PE-2"],
    ALONE: WRONG["LeNet"] & ~WRONG["DE-4"] & ~WRONG["PE-2"],
    EVERY: np.ones(300, bool),
}


def say(made) -> str:
    return made.pictures[0].caption


def browser(models=MODELS, images=IMAGES, **options):
    return misclassified_browser(models, images, **options)


# --- state --------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_holds_the_errors_it_names(kind: str) -> None:
    order = misclassified.in_order(RANKINGS, misclassified.choose_kind(START, kind))
    np.testing.assert_array_equal(np.sort(order), np.flatnonzero(KINDS[kind]))
    assert len(order) > 0


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(list(KINDS)),
    truth=st.none() | st.integers(0, 9),
    answer=st.none() | st.integers(0, 9),
    score=st.sampled_from(RANKINGS.scores_of("DE-4")),
    doubtful_first=st.booleans(),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_what_is_shown_fits_all_filters_and_stands_in_order(
    kind, truth, answer, score, doubtful_first, shares
) -> None:
    uncertainty = scores.SCORES[score](ENSEMBLE)
    low, high = np.quantile(uncertainty, sorted(shares))
    state = Browsing("DE-4", score, kind, truth, answer, low, high, doubtful_first)
    order = misclassified.in_order(RANKINGS, state)
    by_hand = misclassified.of_kind(RANKINGS, "DE-4", kind)
    by_hand = by_hand & (uncertainty >= low) & (uncertainty <= high)
    if truth is not None:
        by_hand = by_hand & (ENSEMBLE.labels == truth)
    if answer is not None:
        by_hand = by_hand & (ENSEMBLE.predicted == answer)
    assert sorted(order) == list(np.flatnonzero(by_hand))
    steps = np.diff(uncertainty[order])
    assert (steps <= 0).all() if doubtful_first else (steps >= 0).all()


def test_another_model_keeps_the_image_if_it_fits() -> None:
    shared = np.flatnonzero(KINDS[SHARED])[0]
    place = int(np.flatnonzero(misclassified.in_order(RANKINGS, START) == shared)[0])
    after = misclassified.choose_model(RANKINGS, replace(START, place=place), "DE-4")
    assert misclassified.in_order(RANKINGS, after)[after.place] == shared
    alone = np.flatnonzero(KINDS[ALONE])[0]
    place = int(np.flatnonzero(misclassified.in_order(RANKINGS, START) == alone)[0])
    after = misclassified.choose_model(RANKINGS, replace(START, place=place), "DE-4")
    assert after.place == 0


def test_a_model_without_the_score_falls_back_to_its_own() -> None:
    state = misclassified.choose_model(RANKINGS, START, "DE-4")
    state = misclassified.choose_score(RANKINGS, state, "Mutual information")
    assert misclassified.choose_model(RANKINGS, state, "LeNet").score == "Maximum probability"


def test_steps_end_at_the_ends() -> None:
    count = len(misclassified.in_order(RANKINGS, START))
    assert misclassified.step(RANKINGS, START, -1).place == 0
    assert misclassified.step(RANKINGS, START, 1).place == 1
    assert misclassified.step(RANKINGS, START, 10_000).place == count - 1


@pytest.mark.parametrize("number", [0, -3, 301])
def test_numbers_outside_are_refused(number: int) -> None:
    everything = misclassified.choose_kind(START, EVERY)
    with pytest.raises(ValueError, match=f"300 digits, numbered from 1; there is no.*{number}"):
        misclassified.go_to(RANKINGS, everything, number)


@pytest.mark.parametrize("ends", [(0.5, 0.2), (float("nan"), 0.5)])
def test_a_range_that_is_none_is_refused(ends) -> None:
    with pytest.raises(ValueError, match="must start below its end"):
        misclassified.choose_range(RANKINGS, START, ends)


def test_a_range_over_the_whole_slider_is_open() -> None:
    first, last, step = misclassified.score_ends(scores.max_probability(LENET))
    state = misclassified.choose_range(RANKINGS, START, (first, last))
    assert (state.low, state.high) == (None, None)
    state = misclassified.choose_range(RANKINGS, START, (first + step, last))
    assert (state.low, state.high) == (pytest.approx(first + step), None)


@settings(max_examples=60, deadline=None)
@given(low=st.floats(-40, 40), width=st.floats(0, 30))
@example(low=16.0, width=5.960464477539063e-08)
def test_slider_ends_hold_all_scores_on_whole_steps(low: float, width: float) -> None:
    uncertainty = np.array([low, low + width])
    first, last, step = misclassified.score_ends(uncertainty)
    slack = 1e-9 * max(1, abs(low), width)
    assert first - slack <= low and low + width <= last + slack
    assert round((last - first) / step) == pytest.approx((last - first) / step, abs=1e-6)
    assert 40 <= (last - first) / step <= 202 or width < 1e-6


# --- the widget ---------------------------------------------------------------------------------
def test_it_opens_on_the_least_certain_error() -> None:
    made = browser()
    uncertainty = scores.max_probability(LENET)
    index = np.flatnonzero(WRONG["LeNet"])[uncertainty[WRONG["LeNet"]].argmax()]
    assert f"Number 1 of {WRONG['LeNet'].sum()} (errors of LeNet)" in say(made)
    assert f"It is image {index} of the data" in say(made)
    assert (
        f"one image of class {LENET.labels[index]}. LeNet says {LENET.predicted[index]}, wrong"
        in (made.card.alt)
    )
    assert "DE-4 says" in made.card.alt and "PE-2 says" in made.card.alt


def test_buttons_box_slider_and_strip_go_the_same_way() -> None:
    made = browser()
    pictures = [made.card.png]
    made.on.click()
    pictures.append(made.card.png)
    assert (made.number.value, made.slider.value, made.strip.value) == (2, 2, 2)
    made.number.value = 5
    pictures.append(made.card.png)
    assert (made.slider.value, made.strip.value, made.state.place) == (5, 5, 4)
    made.slider.value = 7
    pictures.append(made.card.png)
    assert (made.number.value, made.strip.value) == (7, 7)
    made.strip.value = 9
    pictures.append(made.card.png)
    assert (made.number.value, made.slider.value) == (9, 9)
    made.back.click()
    assert "Number 8 of" in say(made)
    assert len(set(pictures)) == 5


def test_the_strip_shows_the_neighbours_in_order() -> None:
    made = browser()
    made.number.value = 12
    order = misclassified.in_order(RANKINGS, made.state)
    assert [tile["number"] for tile in made.strip.tiles] == list(range(8, 17))
    for tile in made.strip.tiles:
        index = order[tile["number"] - 1]
        assert (tile["truth"], tile["answer"]) == (
            str(LENET.labels[index]),
            str(LENET.predicted[index]),
        )
        assert tile["right"] == LENET.correct[index]
    made.number.value = len(order)
    assert made.strip.tiles[-1]["number"] == len(order)
    assert len(made.strip.tiles) == misclassified.SHOWN
    assert "number" in made.strip.alt and made.strip.caption in made.still()


def test_row_of_images_keeps_each_in_its_place() -> None:
    images = IMAGES[:3, :20, :12]  # neither square nor MNIST's size
    pixels = in_a_row(images)
    assert pixels.shape == (20 * SCALE, 3 * 20 * SCALE, 3)
    for index, image in enumerate(images):
        square = pixels[::SCALE, index * 20 * SCALE : (index + 1) * 20 * SCALE : SCALE, 0]
        np.testing.assert_array_equal(square[:, 4:16], 255 - image)
        assert (square[:, :4] == 255).all() and (square[:, 16:] == 255).all()
    assert Tile(1, "4", "9", False).in_words() == "true 4, says 9, wrong"


def counted(options) -> dict:
    return {value: int(label.rpartition("(")[2].strip(")")) for label, value in options}


def test_every_setting_tells_what_it_would_leave() -> None:
    made = browser()
    made.truth.value = 3
    wrong, labels, predicted = WRONG["LeNet"], LENET.labels, LENET.predicted
    assert counted(made.kind.options) == {
        kind: int((mask & (labels == 3)).sum()) for kind, mask in KINDS.items()
    }
    assert counted(made.truth.options)[ANY] == wrong.sum()
    for index in range(10):
        assert counted(made.truth.options)[index] == (wrong & (labels == index)).sum()
        kept = wrong & (labels == 3) & (predicted == index)
        assert counted(made.answer.options)[index] == kept.sum()
    assert f"of {(wrong & (labels == 3)).sum()} " in say(made)
    assert made.truth.value == 3
    made.truth.value = ANY
    assert f"of {wrong.sum()} " in say(made)


def test_every_menu_shows_what_is_chosen_at_all_times() -> None:
    made = browser()
    for change in (made.on.click, lambda: setattr(made.model, "value", "DE-4"), made.open.click):
        for menu in (made.model, made.kind, made.score, made.order, made.truth, made.answer):
            assert menu.index is not None and menu.label
        change()


def test_range_narrows_and_reset_opens() -> None:
    made = browser()
    uncertainty, wrong = scores.max_probability(LENET), WRONG["LeNet"]
    middle = made.range.min + made.range.step * round(
        (made.range.max - made.range.min) / 2 / made.range.step
    )
    made.range.value = (middle, made.range.max)
    kept = (wrong & (uncertainty >= made.state.low)).sum()
    assert 0 < kept < wrong.sum() and f"Number 1 of {kept} " in say(made)
    assert not made.open.disabled
    made.answer.value = 1
    made.open.click()
    assert made.open.disabled and made.answer.value == ANY
    assert made.range.value == (made.range.min, made.range.max)
    assert f"of {wrong.sum()} " in say(made)


def test_order_and_score_can_be_chosen() -> None:
    made = browser()
    made.model.value = "DE-4"
    made.score.value = "Mutual information"
    made.order.value = False
    index = misclassified.in_order(RANKINGS, made.state)[0]
    wrong = np.flatnonzero(WRONG["DE-4"])
    assert scores.mutual_information(ENSEMBLE)[index] == (
        scores.mutual_information(ENSEMBLE)[wrong].min()
    )
    assert "most certain first. Mutual information gives it" in say(made)
    made.model.value = "LeNet"
    assert made.score.value == "Maximum probability"
    assert "errors of LeNet" in made.kind.options[0][0]


def test_with_all_images_the_words_tell_who_is_right() -> None:
    made = browser()
    made.kind.value = EVERY
    made.order.value = False
    assert "Right: LeNet, DE-4 and PE-2. Wrong: no model." in say(made)
    assert f"Number 1 of {300} (all digits)" in say(made)
    assert all(tile["right"] for tile in made.strip.tiles[:3])


def test_two_over_the_same_predictions_do_not_disturb_each_other() -> None:
    first, second = browser(), browser()
    before = second.card.png, second.strip.png
    first.on.click()
    first.truth.value = 2
    assert (second.card.png, second.strip.png) == before
    assert second.truth.value == ANY


# --- input that makes no sense, or little -------------------------------------------------------
@pytest.mark.parametrize(
    ("models", "images", "sentence"),
    [
        ({}, IMAGES, "takes a dictionary"),
        (ENSEMBLE, IMAGES, "takes a dictionary"),
        ({"LeNet": Predictions(ENSEMBLE.logits)}, IMAGES, "needs true labels"),
        ({"LeNet": ENSEMBLE, "b": make_predictions(200)}, IMAGES, "same images in the same order"),
        ({"LeNet": ENSEMBLE.logits}, IMAGES, "must be Predictions, not ndarray"),
        (MODELS, IMAGES[:299], "299 images but 300 predictions"),
        (MODELS, None, "pass those that were predicted"),
        ({"LeNet": ENSEMBLE.take([])}, IMAGES[:0], "at least one image"),
    ],
)
def test_nonsense_is_answered_by_a_sentence(models, images, sentence: str) -> None:
    made = misclassified_browser(models, images)
    assert sentence in say(made)
    assert "Traceback" not in made.still()


def test_wrong_number_of_class_names_is_answered_by_a_sentence() -> None:
    assert "one name per class" in say(browser(class_names=["a", "b"]))


EYE = np.eye(3, dtype=np.float32)[:, None] * 5
RIGHT, ALL_WRONG = Predictions(EYE, [0, 1, 2]), Predictions(EYE, [1, 2, 0])


@pytest.mark.parametrize(
    "predictions",
    [
        make_predictions(2),
        make_predictions(1),
        make_predictions(classes=2),
        make_predictions(classes=26),
        make_predictions(members=32),
        RIGHT,
        ALL_WRONG,
        Predictions.from_probabilities(ENSEMBLE.probabilities, ENSEMBLE.labels),
        Predictions(np.zeros((5, 1, 10)), np.arange(5)),
    ],
    ids=["2", "1", "2 classes", "26", "32 members", "right", "wrong", "no logits", "ties"],
)
def test_extremes_can_be_moved(predictions: Predictions) -> None:
    models = {"mine": predictions, "first": predictions.subset([0])}
    made = misclassified_browser(models, make_images(len(predictions)))

    def check() -> None:
        assert not made.card.problem
        assert made.card.alt and say(made) and "nan" not in made.card.alt

    for _, kind in made.kind.options:
        made.kind.value = kind
        check()
    for score in made.score.options[-2:]:
        made.score.value = score
        first, last = made.range.min, made.range.max
        for low, high in ((first, (first + last) / 2), (last, last), (first, last)):
            made.range.value = (low, high)
            check()
    made.model.value = "first"
    made.on.click()
    check()


def test_nothing_misclassified_is_said_with_how_to_go_on() -> None:
    made = misclassified_browser({"mine": RIGHT}, make_images(3))
    assert made.card.alt == "mine is right about all 3 images: there is no error to show."
    assert say(made) == "Choose “all images” under “Show”."
    assert made.on.disabled and made.back.disabled and made.number.disabled
    assert made.strip.tiles == [] and made.strip.png == b"" and made.strip.still() == ""
    made.kind.value = EVERY
    assert "Number 1 of 3 (all images)" in say(made) and len(made.strip.tiles) == 3


def test_filters_that_leave_nothing_say_so_and_stay_alive() -> None:
    made = browser()
    pairs = {(int(t), int(a)) for t, a in zip(LENET.labels, LENET.predicted, strict=True)}
    truth, answer = next((t, a) for t in range(10) for a in range(10) if (t, a) not in pairs)
    made.truth.value, made.answer.value = truth, answer
    count = WRONG["LeNet"].sum()
    assert f"No digit is left: none of {count} (errors of LeNet) passes" in made.card.alt
    assert "Reset filters" in say(made) and not made.card.problem
    made.on.click()
    made.open.click()
    assert f"Number 1 of {count} " in say(made)


def test_errors_that_nobody_else_or_everybody_makes_may_be_missing() -> None:
    twins = misclassified_browser({"a": LENET, "b": LENET.take(slice(None))}, IMAGES)
    twins.kind.value = ALONE
    assert twins.card.alt == "Every error of a is made by another model, too."
    assert "or another model" in say(twins)
    better = Predictions(100 * np.eye(10)[LENET.labels][:, None], LENET.labels)
    apart = misclassified_browser({"a": LENET, "good": better}, IMAGES)
    apart.kind.value = SHARED
    assert apart.card.alt == "There is no digit that all models get wrong."
    apart.model.value = "good"
    apart.kind.value = OWN
    assert "good is right about all 300 digits" in apart.card.alt


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_a_number_out_of_range_leaves_the_controls_alive(number: int) -> None:
    made = browser()
    made.on.click()
    before = made.card.png
    made.number.value = number
    assert made.card.problem and f"there is no number {number}." in say(made)
    assert made.card.png == before and made.state.place == 1
    made.on.click()
    assert not made.card.problem and made.number.value == 3


def test_names_of_classes_are_used_everywhere() -> None:
    made = browser(class_names=FASHION)
    assert made.noun == "image" and "all images" in made.kind.options[-1][0]
    assert made.truth.options[1][0].startswith("T-shirt (")
    assert made.strip.tiles[0]["truth"] in FASHION and made.strip.tiles[0]["truth"] in made.card.alt
