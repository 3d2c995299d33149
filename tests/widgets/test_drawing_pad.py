"""Drawing pad: what is sent, what is seen, what is answered; bad input; no torch, no browser."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from widget_helpers import make_images

from course_utils.images import ImageSet, load_fashion_mnist, load_mnist
from course_utils.images.centring import as_mnist
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import drawing_pad
from course_utils.widgets.base import parts_of
from course_utils.widgets.drawing_pad import (
    SIDE,
    Pad,
    bring,
    checked_examples,
    draw_on,
    shrunk,
    start,
)

WEIGHTS = np.random.default_rng(0).normal(size=(784, 8, 10))


def members(images: np.ndarray) -> Predictions:
    assert images.dtype == np.uint8
    assert images.shape[1:] == (28, 28)
    ink = images.reshape(len(images), 784) / 255
    return Predictions((np.einsum("np,pmc->nmc", ink, WEIGHTS) / 4).astype(np.float32))


def ink(rows: slice, columns: slice) -> bytes:
    drawing = np.zeros((SIDE, SIDE), np.uint8)
    drawing[rows, columns] = 255
    return drawing.tobytes()


BAR = ink(slice(20, 90), slice(50, 60))
CORNER = ink(slice(2, 12), slice(2, 6))


def say(made) -> str:
    return made.pictures[0].caption


# --- state --------------------------------------------------------------------------------------
def test_what_is_sent_is_what_is_drawn() -> None:
    state = draw_on(start(), BAR)
    assert state.drawing.tobytes() == BAR
    assert not state.empty
    assert start().empty


def test_networks_see_it_centred_or_as_it_lies() -> None:
    made = drawing_pad(members, centring=as_mnist)
    made.pad.value = CORNER
    assert np.array_equal(made.seen(), as_mnist(made.state.drawing))
    assert made.seen()[4:24].any()
    made.centred.value = False
    assert np.array_equal(made.seen(), shrunk(made.state.drawing))
    assert made.seen().any() and not made.seen()[4:].any()


def test_without_centring_there_is_nothing_to_switch() -> None:
    made = drawing_pad(members)
    made.pad.value = CORNER
    assert np.array_equal(made.seen(), shrunk(made.state.drawing))
    assert made.centred not in parts_of(made)


def test_example_comes_as_it_is_and_is_forgotten_once_touched() -> None:
    digit = load_mnist("val").images[3]
    state = bring(start(), digit, "number 3 of MNIST")
    assert np.array_equal(shrunk(state.drawing), digit)
    assert np.array_equal(as_mnist(state.drawing), digit)
    assert state.origin
    assert not draw_on(state, BAR).origin
    dress = load_fashion_mnist("val").images[0]
    assert np.array_equal(shrunk(bring(start(), dress, "").drawing), dress)
    assert bring(start(), np.full((30, 20), 9, np.uint8), "").drawing.shape == (SIDE, SIDE)


def test_a_drawing_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="run the cell again"):
        draw_on(start(), b"\0" * 784)


def test_examples_go_round() -> None:
    (one,) = checked_examples(make_images(3))
    shown = [one.image(turn).tobytes() for turn in range(6)]
    assert len(set(shown)) == 3
    assert shown[:3] == shown[3:]


# --- the widget ---------------------------------------------------------------------------------
def test_it_answers_what_is_drawn() -> None:
    made = drawing_pad(members, centring=as_mnist)
    assert say(made) == "Draw something: a digit, or anything else."
    first = made.answer.png
    made.pad.value = BAR
    seen = as_mnist(np.frombuffer(BAR, np.uint8).reshape(SIDE, SIDE))
    answer = members(seen[None])
    assert f"says {answer.predicted[0]} with" in say(made)
    assert say(made) in made.answer.alt
    assert made.answer.png != first
    assert np.array_equal(made.blitted.artists["image"].get_array(), 255 - seen)
    assert made.pad.value == BAR  # the page is not written to while somebody draws there
    made.pad.value = bytes(SIDE * SIDE)
    assert "Draw something" in say(made)
    assert made.answer.png == first


def test_what_the_page_sends_is_taken() -> None:
    made = drawing_pad(members)
    made.pad.set_state({"value": memoryview(BAR)})
    assert made.pad.value == BAR
    assert "the ensemble of 8 members says" in say(made)


def test_centring_can_be_switched_off() -> None:
    made = drawing_pad(members, centring=as_mnist)
    made.pad.value = CORNER
    before = say(made)
    made.centred.value = False
    assert say(made) != before
    made.centred.value = True
    assert say(made) == before


def test_examples_are_brought_onto_the_sheet() -> None:
    digits, clothes = load_mnist("val"), load_fashion_mnist("val")
    made = drawing_pad(members, examples={"digits": digits, "clothes": clothes})
    assert "of digits." in say(made)
    assert [button.description for button in made.bringers] == [
        "Example: digits",
        "Example: clothes",
    ]
    first = made.pad.value
    made.bringers[0].click()
    assert made.pad.value not in (first, bytes(SIDE * SIDE))
    made.bringers[1].click()
    assert "of clothes." in say(made)
    made.pad.value = BAR
    assert "of clothes" not in say(made)


@pytest.mark.parametrize("wrap", [lambda images: images, lambda i: i[:, None] / 255.0])
def test_examples_of_any_kind(wrap) -> None:
    made = drawing_pad(members, examples=wrap(make_images(4)))
    assert made.bringers[0].description == "Bring an example"
    assert "of the examples" in say(made)
    labelled = ImageSet(make_images(4), np.arange(4), "mine")
    assert "of mine" in say(drawing_pad(members, examples=labelled))


def test_still_shows_drawing_and_answer() -> None:
    made = drawing_pad(members)
    assert 'alt="An empty sheet to draw on."' in made.still()
    made.pad.value = BAR
    assert 'alt="The drawing."' in made.still()
    assert "What the networks see" in made.still()
    assert made.still().count("<img ") == 2


def test_any_numbers_of_members_and_classes() -> None:
    for count, names in ((1, None), (32, None), (3, ["a shoe", "no shoe"])):
        classes = 10 if names is None else len(names)

        def some(images: np.ndarray, shape=(count, classes)) -> Predictions:
            return Predictions(np.random.default_rng(1).normal(size=(len(images), *shape)))

        made = drawing_pad(some, class_names=names)
        made.pad.value = BAR
        assert not made.answer.problem
        assert "says" in say(made)


def test_probabilities_will_do() -> None:
    made = drawing_pad(lambda images: Predictions.from_probabilities(np.full((1, 10), 0.1)))
    made.pad.value = BAR
    assert "the network says 0 with 10.0 %" in say(made)


def test_it_needs_no_torch() -> None:
    import subprocess

    code = (
        "import sys, course_utils.widgets\n"
        "assert not {'torch', 'course_utils.images', 'course_utils.networks'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_pads_do_not_disturb_each_other() -> None:
    first, second = drawing_pad(members), drawing_pad(members)
    first.pad.value = BAR
    assert "Draw something" in say(second)
    assert not any(second.pad.value)


def test_closed_pad_answers_no_more() -> None:
    made = drawing_pad(members)
    pad, answer = made.pad, made.answer
    png = answer.png
    made.close()
    pad.value = BAR
    assert answer.png == png


# --- input that makes no sense ------------------------------------------------------------------
def wants_colour(images: np.ndarray) -> Predictions:
    raise ValueError("This network wants colour.")


@pytest.mark.parametrize(
    ("model", "arguments", "sentence"),
    [
        (wants_colour, {}, "This network wants colour."),
        (members(make_images(1)), {}, "not Predictions; networks.predictor.predictor_of makes one"),
        (None, {}, "not NoneType"),
        (lambda images: np.zeros((1, 8, 10)), {}, "must return Predictions, not ndarray"),
        (lambda images: members(make_images(3)), {}, "asked about 1 image and answered 3"),
        (members, {"class_names": ["a", "b"]}, "10 classes but 2 class names"),
        (members, {"examples": make_images(0)}, "no images in the examples"),
        (members, {"examples": {"digits": np.zeros((3, 4))}}, "Images must have the shape"),
    ],
)
def test_nonsense_is_answered_by_a_sentence(model, arguments, sentence: str) -> None:
    made = drawing_pad(model, **arguments)
    assert sentence in say(made)
    assert made.pictures[0].problem


def test_a_predictor_that_refuses_leaves_the_pad_alive() -> None:
    refuse = []

    def moody(images: np.ndarray) -> Predictions:
        if refuse:
            raise ValueError(refuse[0])
        return members(images)

    made = drawing_pad(moody)
    made.pad.value = BAR
    answered = made.answer.png
    refuse.append("Not now.")
    made.pad.value = CORNER
    assert say(made) == "Not now."
    assert made.answer.problem
    assert made.answer.png != answered  # no old answer beside a new drawing
    assert made.answer.alt.startswith("An empty sheet")
    refuse.clear()
    made.pad.value = BAR
    assert made.answer.png == answered
    assert not made.answer.problem


def test_a_predictor_that_changes_its_classes_is_noticed() -> None:
    shape = [8, 10]
    made = drawing_pad(lambda images: Predictions(np.zeros((1, *shape))))
    shape[1] = 3
    made.pad.value = BAR
    assert "gave 3 classes, and at first 10" in say(made)
    shape[:] = [4, 10]  # fewer members are fine
    made.pad.value = CORNER
    assert "4 of 4 members vote for it" in say(made)


def test_own_mistakes_are_not_swallowed() -> None:
    broken = []

    def predictor(images: np.ndarray) -> Predictions:
        if broken:
            raise ZeroDivisionError
        return members(images)

    made = drawing_pad(predictor)
    broken.append(True)
    with pytest.raises(ZeroDivisionError):
        made.pad.value = BAR


def test_a_drawing_of_another_size_leaves_the_pad_alive() -> None:
    made = drawing_pad(members)
    made.pad.value = b"\0" * 10
    assert "run the cell again" in say(made)
    made.pad.value = BAR
    assert "says" in say(made)


def test_an_empty_pad_is_all_zeros() -> None:
    assert Pad().value == bytes(SIDE * SIDE)
