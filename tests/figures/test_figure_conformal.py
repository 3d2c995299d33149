"""Coverage over many draws, and prediction sets beside their images."""

from __future__ import annotations

import numpy as np
import pytest
from test_figure_common import check_texts

from course_utils.figures import FASHION, style
from course_utils.figures.conformal import coverage_histograms, prediction_set_gallery

GENERATOR = np.random.default_rng(0)
COVERAGES = {
    "with the correction": GENERATOR.beta(49, 2, 500),
    "without": GENERATOR.beta(47, 4, 500),
}
IMAGES = GENERATOR.integers(0, 256, (9, 28, 28)).astype(np.uint8)
LABELS = np.arange(9)
SETS = np.eye(10, dtype=bool)[:9]
SETS[0, 6] = True  # two classes, with the truth
SETS[1] = False  # empty
SETS[2] = False
SETS[2, 7] = True  # one class, and it is wrong


@pytest.mark.parametrize("medium", ["notebook", "slides"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda: coverage_histograms(COVERAGES, promised=0.95),
        lambda: prediction_set_gallery(IMAGES, SETS, LABELS),
        lambda: prediction_set_gallery(IMAGES, SETS | (LABELS[:, None] == 3), LABELS,
                                       class_names=FASHION),
    ],
)  # fmt: skip
def test_texts_are_readable_and_apart(medium, draw):
    with style.use(medium):
        picture = draw()
    check_texts(picture)


def test_a_broken_promise_looks_different_from_a_kept_one():
    picture = coverage_histograms(COVERAGES, promised=0.95)
    markers = [
        line.get_marker()
        for axes in picture.figure.axes
        for line in axes.lines
        if line.get_marker() != "None"
    ]
    assert markers == ["^", "v"]
    assert (
        "with the correction: mean 96" in picture.alt and "at or above the promise" in picture.alt
    )
    assert "without: mean 92" in picture.alt and "below the promise" in picture.alt
    assert "over 500 draws" in picture.alt


def test_every_draw_is_counted_once():
    picture = coverage_histograms(COVERAGES, promised=0.95)
    for axes in picture.figure.axes:
        assert axes.patches[0].get_data().values.sum() == 500


def test_the_gallery_names_the_sets_and_marks_what_they_miss():
    picture = prediction_set_gallery(IMAGES, SETS, LABELS)
    said = [text.get_text() for text in picture.figure.axes[0].texts]
    assert said[:6] == ["0 6", "", "nothing", "true 1", "7", "true 2"]
    assert "0 6; nothing (true 1); 7 (true 2); 3;" in picture.alt


def test_the_gallery_shows_no_more_than_asked_and_says_if_there_is_nothing():
    picture = prediction_set_gallery(IMAGES, SETS, LABELS, limit=3)
    assert len(picture.figure.axes[0].images) == 3
    empty = prediction_set_gallery(IMAGES[:0], SETS[:0], LABELS[:0])
    assert empty.alt == "No image fits this choice."


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: coverage_histograms({}, promised=0.9), "dictionary"),
        (lambda: coverage_histograms({"a": []}, promised=0.9), "at least one draw"),
        (lambda: coverage_histograms({"a": [0.9]}, promised=90), "share between 0 and 1"),
        (lambda: prediction_set_gallery(IMAGES, SETS[:3], LABELS), "9 images but 3 sets"),
        (lambda: prediction_set_gallery(IMAGES, SETS, LABELS, limit=0), "At least 1 image"),
    ],
)
def test_a_sentence_says_what_is_wrong(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
