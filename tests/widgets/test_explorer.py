"""Risk-coverage explorer: pure changes of state, the widget by setting values, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from widget_helpers import make_images, make_predictions

from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings
from course_utils.widgets import explorer, risk_coverage_explorer
from course_utils.widgets.base import as_share

ENSEMBLE = make_predictions()
MODELS = {"LeNet": ENSEMBLE.subset([0]), "DE-4": ENSEMBLE}
RANKINGS = Rankings(MODELS)
SHARES = st.floats(0, 1)


def say(made) -> str:
    return made.pictures[0].caption


# --- state --------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(share=SHARES)
def test_coverage_is_reached_with_the_smallest_threshold(share: float) -> None:
    state = explorer.by_coverage(RANKINGS, explorer.start(RANKINGS), share)
    uncertainty = scores.max_probability(MODELS["LeNet"])
    answered = (uncertainty <= state.threshold).mean()
    assert answered >= share
    assert (uncertainty < state.threshold).mean() <= share or share == 0


@settings(max_examples=40, deadline=None)
@given(risk=SHARES)
def test_risk_is_never_exceeded(risk: float) -> None:
    state = explorer.by_risk(RANKINGS, explorer.start(RANKINGS), risk)
    answered = scores.max_probability(MODELS["LeNet"]) <= state.threshold
    if answered.any():
        assert (~MODELS["LeNet"].correct[answered]).mean() <= risk


@pytest.mark.parametrize("errors", [119, 57, 7])
def test_the_risk_sliders_end_answers_everything(errors: int) -> None:
    """100 * 119 / 1000 / 100 is a rounding below 119 / 1000."""
    labels = np.arange(1_000) % 10
    logits = np.eye(10)[np.where(np.arange(1_000) < errors, (labels + 1) % 10, labels)]
    logits *= np.linspace(1, 3, 1_000)[:, None]
    made = risk_coverage_explorer({"LeNet": Predictions(logits[:, None], labels)})
    made.risk.value = 0
    made.risk.value = made.risk.max
    assert "answers 1,000 of 1,000" in say(made)


def test_the_coverage_sliders_tenth_of_a_percent_is_one_in_a_thousand() -> None:
    labels = np.arange(1_000) % 10
    logits = np.eye(10)[labels] * np.linspace(1, 3, 1_000)[:, None]
    made = risk_coverage_explorer({"LeNet": Predictions(logits[:, None], labels)})
    for tenths in range(1, 1_000):
        state = explorer.by_coverage(made.rankings, made.state, as_share(tenths / 10))
        curve = explorer.here(made.rankings, state).curve
        assert curve.at_threshold(state.threshold).coverage == tenths / 1_000
    made.coverage.value = 9.7
    assert "answers 97 of 1,000" in say(made)


def test_another_score_keeps_the_coverage() -> None:
    before = explorer.by_coverage(RANKINGS, explorer.start(RANKINGS), 0.7)
    after = explorer.choose_score(RANKINGS, before, "Entropy")
    at = explorer.here(RANKINGS, after).curve.at_threshold(after.threshold)
    assert at.coverage == pytest.approx(0.7)
    assert after.threshold != before.threshold


def test_a_model_without_the_score_falls_back_to_its_own() -> None:
    state = explorer.choose_model(RANKINGS, explorer.start(RANKINGS), "DE-4")
    state = explorer.choose_score(RANKINGS, state, "Mutual information")
    state = explorer.choose_model(RANKINGS, state, "LeNet")
    assert state.score == "Maximum probability"


@pytest.mark.parametrize("change", [explorer.by_coverage, explorer.by_risk])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), None])
def test_shares_outside_are_refused(change, value) -> None:
    with pytest.raises(ValueError, match="between 0 % and 100 %"):
        change(RANKINGS, explorer.start(RANKINGS), value)


def test_items_stand_in_order_around_the_threshold() -> None:
    state = explorer.by_coverage(RANKINGS, explorer.start(RANKINGS), 0.5)
    ranking = explorer.here(RANKINGS, state)
    images = np.arange(300)[:, None, None] * np.ones((1, 2, 2), int)
    within, beyond = explorer.items_around(
        ranking,
        state.threshold,
        images,
        MODELS["LeNet"].predicted,
        ["is it"] * 300,
        list("0123456789"),
    )
    uncertainty = ranking.uncertainty[[int(item.image[0, 0]) for item in within + beyond]]
    assert (np.diff(uncertainty) >= 0).all()
    assert uncertainty[5] <= state.threshold < uncertainty[6]
    for item in within + beyond:
        right = ranking.correct[int(item.image[0, 0])]
        assert item.truth == ("" if right else "is it")


# --- the widget ---------------------------------------------------------------------------------
def test_each_slider_moves_the_others() -> None:
    made = risk_coverage_explorer(MODELS, make_images())
    made.coverage.value = 60
    assert "180 of 300" in say(made)
    assert made.threshold.value == pytest.approx(made.state.threshold, abs=made.threshold.step)
    first = made.curves.png, made.strip.png
    made.threshold.value = made.threshold.max
    assert made.coverage.value == pytest.approx(100)
    assert made.risk.value == pytest.approx(100 * (~MODELS["LeNet"].correct).mean())
    made.risk.value = made.risk.max / 2
    assert made.coverage.value < 100
    assert (made.curves.png, made.strip.png) != first


def test_threshold_is_exact_where_a_slider_has_no_step_for_it() -> None:
    sure = Predictions(4 * ENSEMBLE.logits, ENSEMBLE.labels)  # many doubts are tiny
    made = risk_coverage_explorer({"LeNet": sure})
    made.coverage.value = 10
    assert 0 < made.state.threshold < made.threshold.min + made.threshold.step / 2
    assert made.exact.value == f"{made.state.threshold:.4g}"
    assert f"at most {made.exact.value} by maximum probability" in say(made)
    made.coverage.value = 0
    assert made.exact.value == "none"


def test_words_say_what_is_drawn() -> None:
    made = risk_coverage_explorer(MODELS)
    made.coverage.value = 80
    uncertainty = scores.max_probability(MODELS["LeNet"])
    answered = uncertainty <= made.state.threshold
    wrong = (answered & ~MODELS["LeNet"].correct).sum()
    assert f"answers {answered.sum()} of 300 digits (80.0 %); {wrong} of these" in say(made)
    assert say(made) in made.curves.alt
    assert made.blitted.artists["point"].get_xdata()[0] == pytest.approx(80)


def test_model_and_score_can_be_chosen() -> None:
    made = risk_coverage_explorer(MODELS)
    made.model.value = "DE-4"
    made.score.value = "Mutual information"
    assert "LeNet" not in made.curves.alt  # a single model has no such score
    made.model.value = "LeNet"
    assert made.score.value == "Maximum probability"


def test_two_over_the_same_predictions_do_not_disturb_each_other() -> None:
    first, second = risk_coverage_explorer(MODELS), risk_coverage_explorer(MODELS)
    before = second.curves.png
    first.coverage.value = 30
    assert second.curves.png == before
    assert second.coverage.value != first.coverage.value


# --- input that makes no sense, or little -------------------------------------------------------
UNLABELLED = Predictions(ENSEMBLE.logits)


@pytest.mark.parametrize(
    ("models", "images", "sentence"),
    [
        ({}, None, "takes a dictionary"),
        (ENSEMBLE, None, "takes a dictionary"),
        ({"LeNet": UNLABELLED}, None, "needs true labels"),
        ({"LeNet": ENSEMBLE, "b": make_predictions(200)}, None, "same images in the same order"),
        ({"LeNet": ENSEMBLE.logits}, None, "must be Predictions, not ndarray"),
        (MODELS, make_images(299), "299 images but 300 predictions"),
        ({"LeNet": ENSEMBLE.take([])}, None, "at least one image"),
    ],
)
def test_nonsense_is_answered_by_a_sentence(models, images, sentence: str) -> None:
    made = risk_coverage_explorer(models, images)
    assert sentence in say(made)
    assert "Traceback" not in made.still()


ALL = Predictions(np.eye(3, dtype=np.float32)[:, None] * 5, [0, 1, 2])


@pytest.mark.parametrize(
    "predictions",
    [
        make_predictions(2),
        make_predictions(1),
        make_predictions(classes=2),
        make_predictions(classes=26),
        make_predictions(members=32),
        ALL,
        Predictions(ALL.logits, [1, 2, 0]),
        Predictions.from_probabilities(ENSEMBLE.probabilities, ENSEMBLE.labels),
        Predictions(np.zeros((5, 1, 10)), np.arange(5)),
    ],
    ids=["2", "1", "2 classes", "26", "32 members", "right", "wrong", "no logits", "ties"],
)
def test_extremes_can_be_moved(predictions: Predictions) -> None:
    made = risk_coverage_explorer({"mine": predictions}, make_images(len(predictions)))
    assert not made.curves.problem
    for slider in (made.coverage, made.risk, made.threshold):
        for share in (0, 0.4, 1):
            slider.value = slider.min + share * (slider.max - slider.min)
            assert not made.curves.problem
    for score in made.score.options:
        made.score.value = score
        assert not made.curves.problem
    made.coverage.value = 0
    assert "answers none" in say(made)


def test_numbers_out_of_range_leave_the_control_alive() -> None:
    made = risk_coverage_explorer(MODELS)
    made.change(lambda s, v: explorer.by_threshold(made.rankings, s, v), float("nan"))
    assert made.curves.problem
    assert say(made) == "The threshold must be a number."
    made.coverage.value = 50
    assert not made.curves.problem
