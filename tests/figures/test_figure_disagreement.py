"""Disagreement sheet and agreement matrix."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import DEEP, IMAGES, SINGLE, make_predictions
from test_figure_common import check_texts

from course_utils import figures
from course_utils.figures import style
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions


def sheet(index: int = 0, **options: object) -> figures.Picture:
    return figures.disagreement_sheet(IMAGES[index], DEEP.probabilities[index], **options)


def test_sheet_shows_image_members_mean_and_split() -> None:
    index = int(scores.mutual_information(DEEP).argmax())
    label = int(DEEP.labels[index])
    picture = sheet(index, label=label)
    image, members, mean, bar = picture.figure.axes
    np.testing.assert_array_equal(np.asarray(image.images[0].get_array()), 255 - IMAGES[index])
    assert image.get_title(loc="left") == f"true: {label}"
    np.testing.assert_allclose(np.asarray(members.images[0].get_array()), DEEP.probabilities[index])
    np.testing.assert_allclose(np.asarray(mean.images[0].get_array())[0], DEEP.mean[index])
    written = {int(t.get_position()[0]): t.get_text() for t in mean.texts if t.get_text()}
    assert written == {c: f"{100 * p:.0f}" for c, p in enumerate(DEEP.mean[index]) if p >= 0.005}
    total, expected, mutual = scores.entropy_split(DEEP.probabilities[index])
    lower, upper = bar.patches
    assert lower.get_height() == pytest.approx(expected)
    assert (upper.get_y(), upper.get_height()) == pytest.approx((expected, mutual))
    assert bar.get_ylim() == pytest.approx((0, np.log(10)))
    words = f"Entropy {total:.2f} nats = expected entropy {expected:.2f} + mutual information"
    assert words in picture.alt and f"of class {label}" in picture.alt


def test_sheet_marks_each_active_vote() -> None:
    active = np.array([True, False] * 4)
    picture = sheet(3, active=active)
    _, members, mean, _ = picture.figure.axes
    votes = {(int(x), int(y)) for line in members.lines for x, y in line.get_xydata()}
    said = DEEP.probabilities[3].argmax(axis=1)
    assert votes == {(int(said[m]), m) for m in np.flatnonzero(active)}
    alpha = np.asarray(members.images[0].get_alpha())
    assert (alpha[active] == 1).all() and (alpha[~active] < 0.5).all()
    expected = DEEP.probabilities[3][active].mean(axis=0)
    np.testing.assert_allclose(np.asarray(mean.images[0].get_array())[0], expected)
    assert "ensemble of 4 members" in picture.alt


@pytest.mark.parametrize("share", np.linspace(0, 1, 21))
def test_numbers_stand_out_from_their_cells(share: float) -> None:
    """Contrast by WCAG 2.2 of each number with the colour that it really stands on."""
    picture = figures.disagreement_sheet(IMAGES[0], np.array([[share, 1 - share]]))
    mean = picture.figure.axes[2]
    row = mean.images[0]
    colors = row.cmap(row.norm(np.asarray(row.get_array())[0]))
    numbers = [text for text in mean.texts if text.get_text()]
    assert numbers
    for number in numbers:
        color = colors[int(number.get_position()[0])]
        reached = style.contrast(number.get_color(), color)
        other = style.BLACK if number.get_color() == style.CARD else style.CARD
        assert reached >= max(4.5, style.contrast(other, color))
        assert number.get_fontweight() == ("bold" if reached < 7 else "normal")


@pytest.mark.parametrize("members", [1, 2, 8, 32])
@pytest.mark.parametrize("medium", ["notebook", "slides"])
def test_sheet_keeps_its_texts_apart(members: int, medium: str) -> None:
    probabilities = np.repeat(DEEP.probabilities[5], 4, axis=0)[:members]
    with style.use(medium):
        for names in (figures.DIGITS, figures.FASHION):
            check_texts(
                figures.disagreement_sheet(
                    IMAGES[5], probabilities, label="Ankle boot", class_names=names
                )
            )


@pytest.mark.parametrize("index", range(0, 400, 57))
def test_verdict_follows_the_label(index: int) -> None:
    answer = int(DEEP.predicted[index])
    assert f"says {answer} with" in sheet(index).alt
    assert ", right." in sheet(index, label=answer).alt
    assert ", wrong." in sheet(index, label=(answer + 1) % 10).alt
    stranger = sheet(index, label="a bag")
    assert "One image (a bag); " in stranger.alt
    assert stranger.parts["true"].get_text() == "a bag"  # no class, so there is nothing true
    assert ", right" not in stranger.alt and ", wrong" not in stranger.alt


def test_single_model_has_no_mutual_information() -> None:
    picture = figures.disagreement_sheet(IMAGES[0], SINGLE.probabilities[0])
    assert "mutual information 0.00" in picture.alt and "the network says" in picture.alt


@pytest.mark.parametrize(
    ("image", "probabilities", "options", "sentence"),
    [
        (IMAGES[:2], DEEP.probabilities[0], {}, r"One image \[height, width\]"),
        (IMAGES[0], DEEP.probabilities[0, 0], {}, r"\[members, classes\]"),
        (IMAGES[0], DEEP.logits[0], {}, "not negative|add up to 1"),
        (IMAGES[0], np.full((2, 10), np.nan), {}, "finite"),
        (IMAGES[0], np.full((2, 10), 0.2), {}, "add up to 1"),
        (IMAGES[0], DEEP.probabilities[0], {"active": [True]}, "8 members but 1 switches"),
        (IMAGES[0], DEEP.probabilities[0], {"active": [False] * 8}, "leave at least one on"),
        (IMAGES[0], DEEP.probabilities[0], {"label": 10}, "label 10 is none of the 10"),
        (IMAGES[0], DEEP.probabilities[0], {"class_names": "ab"}, "10 classes but 2"),
        (IMAGES[0], DEEP.probabilities[0], {"member_names": "ab"}, "8 members but 2 member"),
    ],
)
def test_sheet_says_what_is_wrong(image, probabilities, options, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.disagreement_sheet(image, probabilities, **options)


def test_agreement_counts_equal_answers() -> None:
    votes = np.array([[0, 0, 1], [1, 1, 1], [2, 0, 2], [2, 2, 2]])
    logits = 9 * np.eye(3, dtype=np.float32)[votes]
    ensemble = Predictions(logits, np.array([0, 1, 2, 0]))
    picture = figures.agreement_matrix(ensemble)
    axes = picture.figure.axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {
        (0, 1): "75.0", (0, 2): "75.0", (1, 2): "50.0",
        (0, 0): "75.0", (1, 1): "50.0", (2, 2): "50.0",
    }  # fmt: skip
    assert "50.0 % to 75.0 % of them, 66.7 % on average; all agree on 50.0 %" in picture.alt
    assert "Accuracy of single members: 50.0 % to 75.0 %." in picture.alt


def test_agreement_needs_no_labels_but_members_and_images() -> None:
    unlabelled = figures.agreement_matrix(Predictions(DEEP.logits))
    assert "Accuracy" not in unlabelled.alt
    with pytest.raises(ValueError, match="at least two members; pass the predictions of an"):
        figures.agreement_matrix(SINGLE)
    with pytest.raises(ValueError, match="at least one image"):
        figures.agreement_matrix(DEEP.take([]))


def test_members_that_always_agree() -> None:
    twins = Predictions.combine([SINGLE, SINGLE])
    picture = figures.agreement_matrix(twins)
    picture.png()
    assert "100 % to 100 % of them" in picture.alt


def test_two_images_of_two_classes() -> None:
    tiny = make_predictions(2, 2, 2)
    figures.agreement_matrix(tiny).png()
    figures.disagreement_sheet(IMAGES[0], tiny.probabilities[0], label=1).png()
