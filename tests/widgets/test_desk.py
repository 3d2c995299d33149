"""The Abstention Desk: decisions, verdict, the widget by setting values, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from widget_helpers import figures_in_memory, make_images, make_predictions, open_connections

from course_utils.figures import decisions
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings
from course_utils.widgets import abstention_desk, desk

ENSEMBLE, TESTED = make_predictions(), make_predictions(400, seed=1)
VAL = {"LeNet": ENSEMBLE.subset([0]), "DE-4": ENSEMBLE}
TEST = {"LeNet": TESTED.subset([0]), "DE-4": TESTED}
STRANGE = make_predictions(120, seed=2, skill=0.0)
OOD = {"LeNet": STRANGE.subset([0]), "DE-4": STRANGE}


def mail(models=VAL, ood=OOD) -> desk.Mail:
    return desk.Mail(Rankings(models), ood)


def say(made) -> str:
    return made.pictures[0].caption


# --- decisions ----------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(
    cost_wrong=st.floats(0, 100),
    cost_refer=st.floats(0, 100),
    coverage=st.floats(0, 1),
    share=st.sampled_from([0, 0.05, 0.2]),
)
def test_cost_is_what_counting_by_hand_gives(cost_wrong, cost_refer, coverage, share) -> None:
    queue = mail()
    state = desk.set_costs(desk.start(queue), cost_wrong=cost_wrong, cost_refer=cost_refer)
    state = desk.set_coverage(queue, desk.slip_in(queue, state, share), coverage)
    count = round(300 * share)
    uncertainty = np.append(
        scores.max_probability(VAL["LeNet"]), scores.max_probability(OOD["LeNet"])[:count]
    )
    correct = np.append(VAL["LeNet"].correct, np.zeros(count, bool))
    answered = uncertainty <= state.threshold
    by_hand = cost_wrong * (answered & ~correct).mean() + cost_refer * (~answered).mean()
    assert queue.costs(state).cost_at(state.threshold) == pytest.approx(by_hand)
    assert queue.costs(state).optimum.cost <= by_hand + 1e-9


def test_names_of_models_are_told_whole() -> None:
    names = {"LeNet": "mine", "DE-4": "PE (M=4, alpha=2)"}
    val, test = ({names[name]: known for name, known in half.items()} for half in (VAL, TEST))
    made = abstention_desk(val, test)
    made.coverage.value = 3.0  # so expensive that the other is cheaper
    made.open.click()
    assert "Cheaper than you: PE (M=4, alpha=2)." in made.verdict.caption


def test_ood_images_leave_the_threshold_where_it_was() -> None:
    queue = mail()
    before = desk.start(queue)
    after = desk.slip_in(queue, before, 0.2)
    assert after.threshold == before.threshold
    assert len(queue.ranking(after.model, after.score, after.ood_share).order) == 360


def test_after_opening_nothing_can_be_decided() -> None:
    queue = mail()
    state = desk.open_test(desk.start(queue))
    for decide in (
        lambda: desk.set_coverage(queue, state, 0.5),
        lambda: desk.choose_model(queue, state, "DE-4"),
        lambda: desk.choose_score(queue, state, "Entropy"),
        lambda: desk.set_costs(state, cost_wrong=3),
        lambda: desk.slip_in(queue, state, 0.1),
        lambda: desk.open_test(state),
    ):
        with pytest.raises(ValueError, match="The test set is open"):
            decide()


@settings(max_examples=30, deadline=None)
@given(cost_wrong=st.floats(0, 20), cost_refer=st.floats(0, 20), coverage=st.floats(0, 1))
def test_no_way_of_working_beats_its_bound(cost_wrong, cost_refer, coverage) -> None:
    validation, test = mail(), mail(TEST)
    state = desk.set_costs(desk.start(validation), cost_wrong=cost_wrong, cost_refer=cost_refer)
    state = desk.set_coverage(validation, state, coverage)
    yours, hindsight, oracle, _other, everything, nothing = desk.judge(validation, test, state).bars
    assert oracle.cost <= hindsight.cost + 1e-9
    for bar in (yours, everything, nothing):
        assert hindsight.cost <= bar.cost + 1e-9
    assert nothing.cost == pytest.approx(cost_refer)
    assert everything.cost == pytest.approx(cost_wrong * (~TEST["LeNet"].correct).mean())
    assert oracle.cost == pytest.approx(
        min(cost_wrong, cost_refer) * (~TEST["LeNet"].correct).mean()
    )


def test_other_models_get_their_threshold_from_validation() -> None:
    validation, test = mail(), mail(TEST)
    state = desk.start(validation)
    bar = desk.judge(validation, test, state).bars[3]
    assert bar.name == "DE-4, cheapest on validation"
    threshold = validation.costs(state, "DE-4").optimum.threshold
    assert bar.cost == pytest.approx(test.costs(state, "DE-4").cost_at(threshold))


def test_ood_images_of_validation_and_test_are_different_items() -> None:
    marked = Predictions(np.arange(1200, dtype=np.float32).reshape(120, 1, 10))
    first, second = desk._halves({"a": marked}, Rankings({"a": ENSEMBLE}))
    seen = np.concatenate([first["a"].logits[:, 0, 0], second["a"].logits[:, 0, 0]])
    assert sorted(seen) == list(range(0, 1200, 10))


def test_bars_say_and_show_their_costs() -> None:
    bars = [decisions.CostBar("mine", 1, 2, 0.5, True), decisions.CostBar("other", 0, 1)]
    picture = decisions.cost_bars(bars, unit="euros")
    assert "mine: 3 euros (1 for wrong answers, 2 for asking)" in picture.alt
    texts = {text.get_text() for text in picture.figure.axes[0].texts}
    assert texts == {"3", "1"}
    with pytest.raises(ValueError, match="at least one"):
        decisions.cost_bars([])


# --- the widget ---------------------------------------------------------------------------------
def make(**changed):
    given = {
        "val": VAL,
        "test": TEST,
        "ood": OOD,
        "images": make_images(),
        "ood_images": make_images(120),
    }
    return abstention_desk(**{**given, **changed})


def test_threshold_costs_and_ood_images_move_the_desk() -> None:
    made = make()
    seen = {made.curves.png}
    for moved, value in (
        (made.coverage, 95),
        (made.cost_wrong, 50),
        (made.cost_refer, 3),
        (made.ood, 0.1),
        (made.score, "Entropy"),
        (made.model, "DE-4"),
    ):
        moved.value = value
        assert not made.curves.problem
        assert made.curves.png not in seen
        seen.add(made.curves.png)
    assert made.state.cost_wrong == 50
    assert "Validation queue of 330" in say(made)
    assert say(made) in made.curves.alt


def test_point_stands_on_the_cost_curve() -> None:
    made = make()
    made.coverage.value = 90
    ((x,), (y,)) = made.blitted.artists["point"].get_data()
    answered = scores.max_probability(VAL["LeNet"]) <= made.state.threshold
    assert x == pytest.approx(100 * answered.mean())
    wrong = (answered & ~VAL["LeNet"].correct).mean()
    assert y == pytest.approx(10 * wrong + 1 * (~answered).mean())


def test_test_set_is_opened_once() -> None:
    made = make()
    assert made.verdict.png == b""
    made.open.click()
    assert "your desk cost" in made.verdict.caption
    assert "oracle" in made.verdict.alt
    assert made.coverage.disabled and made.model.disabled and made.open.disabled
    drawn = made.verdict.png
    made.coverage.value = 10  # a front end that does not respect "disabled"
    assert "The test set is open" in say(made)
    assert made.verdict.png == drawn


def test_ood_images_are_shown_and_named() -> None:
    made = make()
    made.ood.value = 0.1
    assert any("OOD" in made.strip.alt for made.coverage.value in range(20, 100, 4))


def test_costs_out_of_range_are_kept_within() -> None:
    made = make()
    made.cost_wrong.value = -5
    assert made.state.cost_wrong == 0
    made.cost_refer.value = 0
    assert not made.curves.problem
    made.change(lambda state, value: desk.set_costs(state, cost_wrong=value), float("nan"))
    assert made.curves.problem
    made.coverage.value = 42
    assert not made.curves.problem


def test_without_test_or_ood_images_there_is_nothing_to_open() -> None:
    made = abstention_desk(VAL)
    assert made.open not in made.children
    assert made.ood.options == (("none", 0.0),)


def test_it_leaks_nothing(notebook) -> None:
    cell = "made = make()\nmade.open.click()\nmade"
    notebook(cell, make=make)
    connections, in_memory = open_connections(), figures_in_memory()
    for _ in range(20):
        notebook(cell)
    assert open_connections() == connections
    assert figures_in_memory() <= in_memory


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"val": {}}, "takes a dictionary"),
        ({"val": {"LeNet": Predictions(ENSEMBLE.logits)}}, "needs true labels"),
        ({"test": {"other": TESTED}}, "pass the same models for both"),
        ({"test": {"LeNet": Predictions(TESTED.logits), "DE-4": TESTED}}, "needs true labels"),
        ({"ood": {"LeNet": STRANGE}}, "no OOD images for DE-4"),
        ({"ood": {"LeNet": STRANGE, "DE-4": STRANGE.take(range(9))}}, "their numbers differ"),
        ({"ood": {"LeNet": STRANGE, "DE-4": STRANGE.logits}}, "OOD images come as Predictions"),
        ({"images": make_images(7)}, "7 images but 300 predictions"),
        ({"ood_images": make_images(7)}, "7 images but 120 OOD images"),
        ({"class_names": ["a"]}, "one name per class"),
    ],
)
def test_nonsense_is_answered_by_a_sentence(changed, sentence: str) -> None:
    assert sentence in say(make(**changed))


ALL = Predictions(np.eye(3, dtype=np.float32)[:, None] * 5, [0, 1, 2])


@pytest.mark.parametrize(
    "predictions",
    [
        make_predictions(2),
        make_predictions(1),
        make_predictions(classes=2),
        ALL,
        Predictions(ALL.logits, [1, 2, 0]),
        Predictions.from_probabilities(ENSEMBLE.probabilities, ENSEMBLE.labels),
        Predictions(np.zeros((5, 1, 10)), np.arange(5)),
    ],
    ids=["2", "1", "2 classes", "right", "wrong", "no logits", "ties"],
)
def test_extremes_can_be_moved(predictions: Predictions) -> None:
    models = {"mine": predictions}
    made = abstention_desk(models, models, images=make_images(len(predictions)))
    for value in (0, 50, 100):
        made.coverage.value = value
        assert not made.curves.problem
    for score in made.score.options:
        made.score.value = score
        assert not made.curves.problem
    made.open.click()
    assert "your desk cost" in made.verdict.caption


# --- what is drawn when costs change ------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(highest=st.floats(0, 1e6))
@example(highest=5e-324)
@example(highest=9.9999999)
def test_axis_has_room_for_the_curves_and_not_much_more(highest: float) -> None:
    costs = mail().costs(desk.set_costs(desk.start(mail()), cost_wrong=0, cost_refer=highest))
    top = desk.ceiling({"LeNet": costs})
    assert top >= highest
    assert top <= max(2 * 1.05 * highest, 2e-9) or highest == 0


def test_moved_curves_are_those_drawn_anew() -> None:
    made = make()
    made.cost_wrong.value = 11
    fresh = make()
    fresh.state = made.state
    fresh._choice = fresh._background = None
    fresh.draw()
    for name, artist in made.blitted.artists.items():
        assert np.allclose(artist.get_data(), fresh.blitted.artists[name].get_data())
    assert made.curves.png == fresh.curves.png


def test_no_more_ood_images_than_both_queues_can_get() -> None:
    large = make_predictions(1200, seed=1)  # four times as many digits as in validation
    made = abstention_desk(VAL, {"LeNet": large.subset([0]), "DE-4": large}, OOD)
    assert max(share for _, share in made.ood.options) <= 60 / 1200
    made.ood.value = made.ood.options[-1][1]
    made.open.click()
    assert made.state.opened and not made.pictures[0].problem
