"""Drawing pad: what is sent, what is seen, what is answered; bad input; no torch, no browser."""

from __future__ import annotations

import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from widget_helpers import make_images

from course_utils.figures import FASHION
from course_utils.images import ImageSet, centring, load_fashion_mnist, load_mnist
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import drawing_pad
from course_utils.widgets.answer_card import answer_card, blank_card, describe
from course_utils.widgets.drawing_pad import (
    SIDE,
    Pad,
    bring,
    centre,
    checked_examples,
    draw_on,
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


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


# --- state --------------------------------------------------------------------------------------
def test_what_is_sent_is_what_is_drawn() -> None:
    state = draw_on(start(), BAR)
    assert state.drawing.tobytes() == BAR
    assert not state.empty
    assert start().empty


def test_networks_see_it_centred_or_as_it_lies() -> None:
    state = draw_on(start(), CORNER)
    assert np.array_equal(state.seen, centring.as_mnist(state.drawing))
    assert state.seen[4:24].any()
    off = centre(state, False)
    assert np.array_equal(off.seen, centring.shrunk(state.drawing))
    assert not off.seen[4:].any()


def test_example_comes_as_it_is_and_is_forgotten_once_touched() -> None:
    digit = load_mnist("val").images[3]
    state = bring(start(), digit, "number 3 of MNIST")
    assert np.array_equal(state.seen, digit)
    assert state.origin
    assert not draw_on(state, BAR).origin
    dress = load_fashion_mnist("val").images[0]
    assert np.array_equal(centre(bring(start(), dress, ""), False).seen, dress)
    assert bring(start(), np.full((30, 20), 9, np.uint8), "").drawing.shape == (SIDE, SIDE)


def test_a_drawing_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="run the cell again"):
        draw_on(start(), b"\0" * 784)


def test_examples_go_round() -> None:
    (one,) = checked_examples(make_images(3))
    shown = [one.image(turn).tobytes() for turn in range(6)]
    assert len(set(shown)) == 3
    assert shown[:3] == shown[3:]


# --- the card -----------------------------------------------------------------------------------
def test_words_are_the_scores_of_the_course() -> None:
    predictions = members(make_images(1))
    words = describe(predictions.probabilities[0], list("0123456789"))
    assert f"says {predictions.predicted[0]} with" in words
    assert f"Entropy {scores.entropy(predictions)[0]:.2f} nats" in words
    assert f"expected entropy {scores.expected_entropy(predictions)[0]:.2f}" in words
    assert f"information {scores.mutual_information(predictions)[0]:.2f}" in words
    votes = np.bincount(predictions.member_predicted[0], minlength=10)
    assert f"{votes.max()} say" in words


def test_unanimous_and_single() -> None:
    certain = np.tile(np.eye(10)[4], (8, 1))
    assert "All 8 members say 4." in describe(certain, list("0123456789"))
    assert "100.0 %" in describe(certain, list("0123456789"))
    assert describe(certain[:1], list("0123456789")).startswith("The network says 4 with")
    nearly = np.full((1, 10), 1e-6)
    nearly[0, 0] = 1 - 9e-6
    assert "> 99.9 %" in describe(nearly, list("0123456789"))


@pytest.mark.parametrize("count", [1, 2, 8, 32])
@pytest.mark.parametrize("names", [tuple("0123456789"), FASHION, ("no", "yes"), ("one",)])
def test_card_shows_image_and_probabilities(count: int, names: tuple[str, ...]) -> None:
    generator = np.random.default_rng(count)
    probabilities = generator.dirichlet(np.full(len(names), 0.5), count)
    image = make_images(1)[0]
    card, alt = answer_card(image, probabilities, names)
    blank, _ = blank_card(image, count, names)
    assert card.shape == blank.shape
    assert np.array_equal(card[41 : 41 + 196 : 7, 25 : 25 + 196 : 7, 0], 255 - image)
    assert np.array_equal(blank[41 : 41 + 196 : 7, 25 : 25 + 196 : 7, 0], 255 - image)
    assert (card != blank).any()
    assert names[int(probabilities.mean(axis=0).argmax())] in alt
    edge = np.concatenate([card[:, :2].reshape(-1), card[:, -2:].reshape(-1)])
    assert (edge == 255).all()  # nothing is cut off


# --- the shell ----------------------------------------------------------------------------------
def test_it_answers_what_is_drawn() -> None:
    made = drawing_pad(members)
    assert say(made) == "Draw something: a digit, or anything else."
    first = made.answer.png
    made.pad.value = BAR
    seen = centring.as_mnist(np.frombuffer(BAR, np.uint8).reshape(SIDE, SIDE))
    answer = members(seen[None])
    assert f"says {answer.predicted[0]} with" in say(made)
    assert say(made) in made.answer.alt
    assert made.answer.png != first
    assert np.array_equal(pixels(made.answer.png)[41:237:7, 25:221:7, 0], 255 - seen)
    assert made.pad.value == BAR  # the page is not written to while somebody draws there
    made.pad.value = bytes(SIDE * SIDE)
    assert "Draw something" in say(made)
    assert made.answer.png == first


def test_what_the_page_sends_is_taken() -> None:
    made = drawing_pad(members)
    made.pad.set_state({"value": memoryview(BAR)})
    assert made.pad.value == BAR
    assert "The ensemble says" in say(made)


def test_centring_can_be_switched_off() -> None:
    made = drawing_pad(members)
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


def test_foreign_probabilities_will_do() -> None:
    made = drawing_pad(lambda images: Predictions.from_probabilities(np.full((1, 10), 0.1)))
    made.pad.value = BAR
    assert "The network says 0 with 10.0 %" in say(made)


def test_it_needs_no_torch() -> None:
    import subprocess

    code = (
        "import sys, course_utils.widgets, course_utils.images.centring\n"
        "assert 'torch' not in sys.modules and 'PIL' in sys.modules"
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
        (members(make_images(1)), {}, "not Predictions"),
        (None, {}, "not NoneType"),
        (lambda images: np.zeros((1, 8, 10)), {}, "must return Predictions, not ndarray"),
        (lambda images: members(make_images(3)), {}, "asked about 1 image and answered 3"),
        (members, {"class_names": ["a", "b"]}, "10 classes but 2 class names"),
        (members, {"num_members": 8}, "num_members is for networks"),
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
    assert made.answer.alt.startswith("An empty card")
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
    assert "All 4 members" in say(made)


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


def test_a_network_for_other_images_is_a_sentence() -> None:
    nn = pytest.importorskip("torch").nn
    made = drawing_pad(nn.Conv2d(3, 6, 5))
    assert "does not answer images of shape [1, 1, 28, 28]" in made.pictures[0].caption


# --- networks -----------------------------------------------------------------------------------
def test_networks_are_asked_where_they_are_and_left_as_they_were() -> None:
    torch = pytest.importorskip("torch")
    from course_utils.images import MEAN, STD

    class Three(torch.nn.Module):
        """Three members, in the order (m b)."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.Linear(784, 10) for _ in range(3))
            self.seen: list[torch.Tensor] = []

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert not self.training
            self.seen.append(images)
            return torch.cat([layer(images.flatten(1)) for layer in self.layers])

    network = Three().train()
    made = drawing_pad(network)
    assert made.members == 3
    made.pad.value = BAR
    expected = (made.state.seen / 255 - MEAN) / STD
    assert network.seen[-1].shape == (1, 1, 28, 28)
    assert np.allclose(network.seen[-1][0, 0].numpy(), expected, atol=1e-5)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert "2 members do not divide" in say(drawing_pad(network, num_members=2))


def test_a_network_of_the_course_answers_as_predict_says() -> None:
    pytest.importorskip("torch")
    from course_utils.networks import evaluation, zoo

    digits = load_mnist("val").subset([3])
    network = zoo.load("modest-lenet-0")
    made = drawing_pad(network, examples=digits)
    said = evaluation.predict(network, digits, 1)
    assert np.allclose(made.ask(digits.images[0]).logits, said.logits, atol=1e-4)
    assert f"says {said.predicted[0]} with" in say(made)
