"""Disagreement explorer: pure changes of state, the widget by setting values, bad input."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from widget_helpers import figures_in_memory, make_images, make_predictions, open_connections

from course_utils import figures
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import disagreement as explorer
from course_utils.widgets import disagreement_explorer

ENSEMBLE = make_predictions()
MODELS = {"LeNet": ENSEMBLE.subset([0]), "DE-4": ENSEMBLE}
IMAGES = make_images()
STRANGE = make_predictions(80, seed=5, skill=0)
OOD = {"LeNet": STRANGE.subset([0]), "DE-4": STRANGE}
BOTH = {
    "ood": OOD,
    "ood_images": IMAGES[:80],
    "ood_names": figures.FASHION,
}
PILE = explorer.Pile(MODELS, IMAGES, ENSEMBLE.labels)
START = explorer.start([PILE])


def say(made, number: int = 0) -> str:
    return made.pictures[number].caption


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


# --- orders -------------------------------------------------------------------------------------
TOTAL, EXPECTED = scores.entropy(ENSEMBLE), scores.expected_entropy(ENSEMBLE)
MUTUAL = scores.mutual_information(ENSEMBLE)


@pytest.mark.parametrize(
    ("order", "falling"),
    [
        ("most disputed first", MUTUAL),
        ("unsure without dispute first", EXPECTED - MUTUAL),
        ("most unsure first", TOTAL),
        ("surest first", -TOTAL),
        ("by number", -np.arange(300)),
    ],
)
def test_orders_go_by_their_score(order: str, falling: np.ndarray, monkeypatch) -> None:
    monkeypatch.setattr(explorer, "CHUNK", 70)  # the last chunk is smaller
    pile = explorer.Pile(MODELS, IMAGES)
    images = pile.order("DE-4", order)
    assert sorted(images) == list(range(300))
    assert (np.diff(falling[images]) <= 1e-12).all()
    assert [pile.place("DE-4", order, index) for index in images[:9]] == list(range(9))


def test_every_order_is_tested() -> None:
    assert len(explorer.ORDERS) == 5


# --- state --------------------------------------------------------------------------------------
def test_it_opens_on_the_most_disputed_image_of_an_ensemble() -> None:
    assert START.model == "DE-4"
    assert START.looks[0].index == MUTUAL.argmax()
    assert START.on == (True,) * 4


def test_going_on_follows_the_order_to_its_end() -> None:
    state, seen = START, [START.looks[0].index]
    for _ in range(4):
        state = explorer.go_on(PILE, 0, state)
        seen.append(state.looks[0].index)
    assert seen == list(np.argsort(-MUTUAL, kind="stable")[:5])
    state = explorer.go_to_place(PILE, 0, state, 300)
    with pytest.raises(ValueError, match="last image in this order"):
        explorer.go_on(PILE, 0, state)


def test_another_model_keeps_the_image_and_switches_all_on() -> None:
    state = explorer.switch(explorer.go_to(PILE, 0, START, 17), 2, False)
    state = explorer.choose_model([PILE], state, "LeNet")
    assert (state.looks[0].index, state.on) == (17, (True,))
    with pytest.raises(ValueError, match="no model 'PE-4'"):
        explorer.choose_model([PILE], state, "PE-4")


def test_switches() -> None:
    state = explorer.switch(START, 1, False)
    assert state.on == (True, False, True, True)
    alone = [state := explorer.only_one(state) for _ in range(5)]
    assert [one.on.index(True) for one in alone] == [0, 1, 2, 3, 0]
    assert all(sum(one.on) == 1 for one in alone)
    assert explorer.switch_all(state, False).on == (False,) * 4
    assert explorer.switch_all(state, True).on == (True,) * 4
    with pytest.raises(ValueError, match="There are 4 members; there is no number 5"):
        explorer.switch(state, 4, False)


@pytest.mark.parametrize("index", [-1, 300, 10**30, None])
def test_numbers_outside_are_refused(index) -> None:
    with pytest.raises(ValueError, match="numbered from 0 to 299; there is no number"):
        explorer.go_to(PILE, 0, START, index)


@pytest.mark.parametrize("place", [0, 301])
def test_places_outside_are_refused(place: int) -> None:
    with pytest.raises(ValueError, match="300 places"):
        explorer.go_to_place(PILE, 0, START, place)


def test_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="no order 'best'; there are most disputed first"):
        explorer.choose_order(PILE, 0, START, "best")


# --- the widget ---------------------------------------------------------------------------------
def test_switching_members_changes_mean_entropies_and_decision() -> None:
    made = disagreement_explorer(MODELS, IMAGES, **BOTH)
    index, strange = made.state.looks[0].index, made.state.looks[1].index
    for box in made.members[:2]:
        box.value = False
    for number, (data, one) in enumerate([(ENSEMBLE, index), (STRANGE, strange)]):
        left = data.subset([2, 3]).take([one])
        (total,), (mutual,) = scores.entropy(left), scores.mutual_information(left)
        words = say(made, number)
        assert f"2 of 4 members together say {left.predicted[0]} with" in words
        assert f"Entropy {total:.2f} = " in words
        assert f"mutual information {mutual:.2f}. Votes" in words
        assert f"All 4 together say {data.predicted[one]} with" in words
        assert "the ensemble of 2 members says" in made.pictures[number].alt


def test_the_moved_sheet_is_the_one_drawn_anew() -> None:
    made = disagreement_explorer(MODELS, IMAGES, **BOTH)
    for on in ([True] * 4, [False, True, True, False], [False, False, False, True]):
        for box, value in zip(made.members, on, strict=True):
            box.value = value
        for place in (1, 40):
            made.sides[1].place.value = place
            index = made.state.looks[1].index
            fresh = figures.disagreement_sheet(
                IMAGES[index],
                STRANGE.probabilities[index],
                label=figures.FASHION[STRANGE.labels[index]],
                active=on,
                upright=True,
            )
            assert made.sides[1].picture.alt == f"Image {index}. {fresh.alt}"
            shown, expected = pixels(made.sides[1].picture.png), pixels(fresh.png())
            assert shown.shape == expected.shape
            # the same ink, but for the rounding of half-covered pixels
            assert (np.abs(shown - expected) > 24).mean() < 1e-4


def test_controls_of_a_side_follow_each_other() -> None:
    made = disagreement_explorer(MODELS, IMAGES, **BOTH)
    side, other = made.sides
    before = other.picture.png
    side.place.value = 5
    assert side.number.value == np.argsort(-MUTUAL, kind="stable")[4]
    side.number.value = 17
    assert side.place.value == PILE.place("DE-4", "most disputed first", 17) + 1
    side.buttons["Unsure, undisputed"].click()
    assert side.number.value == (EXPECTED - MUTUAL).argmax()
    assert (side.order.value, side.place.value) == ("unsure without dispute first", 1)
    side.buttons["Next"].click()
    assert side.place.value == 2
    side.order.value = "surest first"
    assert side.number.value == TOTAL.argmin()
    side.buttons["Most disputed"].click()
    assert side.number.value == MUTUAL.argmax()
    assert other.picture.png == before


def test_buttons_switch_members_and_the_boxes_follow() -> None:
    made = disagreement_explorer(MODELS, IMAGES, **BOTH)
    made.none.click()
    assert not any(box.value for box in made.members)
    for number in (0, 1):
        assert "All members are switched off, so nobody answers." in say(made, number)
        assert "nobody answers" in made.pictures[number].alt
    made.one.click()
    assert [box.value for box in made.members] == [True, False, False, False]
    assert "1 of 4 members says" in say(made)
    assert "One member alone has nobody to disagree with." in say(made)
    made.all.click()
    assert all(box.value for box in made.members)
    assert "4 of 4 members together say" in say(made)


def test_members_of_another_model_take_over_the_switches() -> None:
    made = disagreement_explorer(MODELS, IMAGES, **BOTH)
    made.members[3].value = False
    made.model.value = "LeNet"
    assert len(made.switches.children) == 1
    assert "There is one member, and nobody to disagree with." in say(made)
    made.model.value = "DE-4"
    assert len(made.switches.children) == 4
    assert all(box.value for box in made.members)


def test_nonsense_in_a_box_leaves_it_alive() -> None:
    made = disagreement_explorer(MODELS, IMAGES, **BOTH)
    before = made.state
    made.sides[1].number.value = 80
    assert made.pictures[0].problem
    assert say(made) == "There are 80 images, numbered from 0 to 79; there is no number 80."
    assert made.state == before
    made.sides[1].number.value = 79
    assert not made.pictures[0].problem
    assert "Image 79," in say(made, 1) and "8" not in say(made)[:2]
    made.sides[0].place.value = 300
    made.sides[0].buttons["Next"].click()
    assert "last image" in say(made)
    made.members[0].value = False  # something else: the sentence has been read
    assert "3 of 4 members" in say(made)


def test_it_closes_and_leaks_nothing(notebook) -> None:
    # the model shown last leaves three of four switches out of the page
    cell = "made = disagreement_explorer(models, images)\nmade.model.value = 'LeNet'\nmade"
    names = {"disagreement_explorer": disagreement_explorer, "models": MODELS}
    notebook(cell, images=IMAGES, **names)
    connections, in_memory = open_connections(), figures_in_memory()
    for _ in range(20):
        notebook(cell)
    assert open_connections() == connections
    assert figures_in_memory() <= in_memory


def test_two_over_the_same_predictions_do_not_disturb_each_other() -> None:
    first, second = (disagreement_explorer(MODELS, IMAGES, **BOTH) for _ in range(2))
    before = second.pictures[0].png
    first.members[0].value = False
    first.sides[0].place.value = 30
    assert second.pictures[0].png == before
    assert all(box.value for box in second.members)


def test_a_page_without_kernel_keeps_both_sheets() -> None:
    still = disagreement_explorer(MODELS, IMAGES, **BOTH).still()
    assert still.count("<img") == 2
    assert "4 of 4 members together say" in still


# --- input that makes no sense, or little -------------------------------------------------------
OTHER = Predictions(ENSEMBLE.logits, (ENSEMBLE.labels + 1) % 10)


@pytest.mark.parametrize(
    ("models", "images", "options", "sentence"),
    [
        ({}, IMAGES, {}, "takes a dictionary"),
        (None, IMAGES, {}, "takes a dictionary"),
        ({"LeNet": ENSEMBLE.logits}, IMAGES, {}, "must be Predictions, not ndarray"),
        (MODELS, None, {}, "images are missing"),
        (MODELS, IMAGES[:299], {}, "299 images but 300 predictions"),
        (MODELS, IMAGES[0], {}, "shape [N, height, width]"),
        ({"a": ENSEMBLE, "b": ENSEMBLE.take([0])}, IMAGES, {}, "300 images of a but 1 of b"),
        ({"a": ENSEMBLE, "b": OTHER}, IMAGES, {}, "their labels differ"),
        ({"a": ENSEMBLE, "b": make_predictions(classes=3)}, IMAGES, {}, "10 classes and b has 3"),
        (ENSEMBLE.take([]), IMAGES[:0], {}, "at least one image"),
        (MODELS, IMAGES, {"class_names": "ab"}, "10 classes but 2 class names"),
        (MODELS, IMAGES, {"ood": OOD}, "ood_images is missing"),
        (MODELS, IMAGES, {"ood_images": IMAGES}, "ood is missing"),
        (MODELS, IMAGES, BOTH | {"ood_images": IMAGES}, "300 images but 80 predictions"),
        (MODELS, IMAGES, BOTH | {"ood": {"DE-4": STRANGE}}, "no OOD predictions of LeNet"),
        (MODELS, IMAGES, BOTH | {"ood": STRANGE}, "no OOD predictions of DE-4"),
        (MODELS, IMAGES, BOTH | {"ood_names": "ab"}, "2 ood_names, but"),
        (
            ENSEMBLE,
            IMAGES,
            BOTH | {"ood": STRANGE.subset([0, 1])},
            "4 members for the known images but 2",
        ),
        (
            ENSEMBLE,
            IMAGES,
            BOTH | {"ood": make_predictions(80, 4, 3)},
            "10 classes for the known images but 3",
        ),
    ],
)
def test_nonsense_is_answered_by_a_sentence(models, images, options, sentence: str) -> None:
    made = disagreement_explorer(models, images, **options)
    assert sentence in say(made)
    assert made.pictures[0].problem


ALL = Predictions(np.eye(3, dtype=np.float32)[:, None] * np.ones((1, 2, 1)) * 5, [0, 1, 2])


@pytest.mark.parametrize(
    "predictions",
    [
        make_predictions(2),
        make_predictions(1),
        make_predictions(1, 1),
        make_predictions(classes=2),
        make_predictions(members=2, classes=26),
        make_predictions(20, members=32),
        ALL,
        Predictions(ALL.logits, [1, 2, 0]),
        Predictions(ENSEMBLE.logits),
        Predictions.from_probabilities(ENSEMBLE.probabilities, ENSEMBLE.labels),
        Predictions(np.zeros((5, 1, 10)), np.arange(5)),
    ],
    ids=[
        "2 images",
        "1",
        "1 of 1 member",
        "2 classes",
        "26 classes",
        "32 members",
        "right",
        "wrong",
        "no labels",
        "no logits",
        "ties",
    ],
)
def test_extremes_can_be_moved(predictions: Predictions) -> None:
    made = disagreement_explorer(predictions, make_images(len(predictions)))
    (side,) = made.sides
    for place in {1, (len(predictions) + 1) // 2, len(predictions)}:
        side.place.value = place
    side.number.value = len(predictions) - 1
    for order in reversed(side.order.options):
        side.order.value = order
        assert not made.pictures[0].problem
        assert f"place 1 of {len(predictions)} ({order})" in say(made)
    for press in (made.none, made.one, made.all):
        press.click()
        assert not made.pictures[0].problem
    assert ("nobody to disagree" in say(made)) == (predictions.num_members == 1)
    assert ("right" in say(made) or "wrong" in say(made)) == (predictions.labels is not None)


def test_ood_images_without_names_are_none_of_the_classes() -> None:
    unlabelled = Predictions(STRANGE.logits)
    made = disagreement_explorer(
        ENSEMBLE,
        IMAGES,
        ood=unlabelled,
        ood_images=IMAGES[:80],
        class_names=list("abcdefghij"),
    )
    assert "of class none of these" in made.pictures[1].alt
    assert ", right" not in made.pictures[1].alt and ", wrong" not in made.pictures[1].alt
    long = ["a very long name indeed"] * 10
    made = disagreement_explorer(MODELS, IMAGES, **BOTH | {"ood_names": long})
    assert "of class a very long n…;" in made.pictures[1].alt
