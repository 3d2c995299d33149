"""Measures against severity, and the sheet of changed images."""

from __future__ import annotations

import numpy as np
import pytest
from test_figure_common import check_texts

from course_utils.figures import style
from course_utils.figures.shift import severity_curves, severity_sheet

NAN = [float("nan")] * 6
MODELS = {
    "LeNet": {"accuracy": [0.96, 0.9, 0.8, 0.7, 0.6, 0.5], "disagreement": NAN},
    "DE-8": {
        "accuracy": [0.97, 0.92, 0.85, 0.75, 0.65, 0.55],
        "disagreement": [0.01, 0.05, 0.1, 0.2, 0.3, 0.4],
    },
}
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28)).astype(np.uint8)
SHEET = {
    "Gaussian noise": IMAGES,
    "shift": IMAGES[::-1],
    "a change with a rather long name": IMAGES,
}


@pytest.mark.parametrize("medium", ["notebook", "slides"])
@pytest.mark.parametrize("draw", [lambda: severity_curves(MODELS), lambda: severity_sheet(SHEET)])
def test_texts_are_readable_and_apart(medium, draw):
    with style.use(medium):
        picture = draw()
    check_texts(picture)


def test_curves_have_the_values_and_nan_has_no_curve():
    picture = severity_curves(MODELS, percent={"accuracy"})
    accuracy, disagreement = picture.figure.axes
    assert [line.get_label() for line in accuracy.lines] == ["LeNet", "DE-8"]
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [96, 90, 80, 70, 60, 50], atol=1e-9)
    assert [line.get_label() for line in disagreement.lines] == ["DE-8"]
    np.testing.assert_allclose(disagreement.lines[0].get_ydata(), [0.01, 0.05, 0.1, 0.2, 0.3, 0.4])
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["LeNet", "DE-8"]
    assert "LeNet goes from 96.0 % to 50.0 %" in picture.alt
    assert "disagreement: DE-8 goes from 0.01 to 0.4" in picture.alt
    assert "nan" not in picture.alt


def test_a_share_never_seems_to_exceed_everything():
    picture = severity_curves({"LeNet": {"accuracy": [1.0] * 6}}, percent={"accuracy"})
    assert 100 < picture.figure.axes[0].get_ylim()[1] <= 101


def test_the_sheet_shows_the_images_in_their_order():
    picture = severity_sheet(SHEET)
    axes = picture.figure.axes[0]
    joined = axes.images[0].get_array()
    assert joined.shape == (3 * 29 + 1, 6 * 29 + 1)
    np.testing.assert_array_equal(joined[1:29, 1:29], 255 - IMAGES[0])
    np.testing.assert_array_equal(joined[30:58, 1:29], 255 - IMAGES[5])
    words = [text.get_text() for text in axes.texts]
    assert words[:2] == ["Gaussian noise", "shift"]
    assert words[3:9] == ["0", "1", "2", "3", "4", "5"]
    assert "Gaussian noise, shift and a change" in picture.alt


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: severity_curves({}), "dictionary"),
        (lambda: severity_curves({"LeNet": {"accuracy": [1.0]}}), "1 values for 6 severities"),
        (lambda: severity_curves({"LeNet": {}}), "at least one"),
        (lambda: severity_curves({**MODELS, "PE-4": {"accuracy": [1.0] * 6}}), "same measures"),
        (lambda: severity_sheet({}), "dictionary"),
        (lambda: severity_sheet({"shift": IMAGES[:3]}), "one image for each of the 6 severities"),
    ],
)
def test_a_sentence_says_what_is_wrong(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
