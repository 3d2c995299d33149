"""Reliability diagram and confusion matrix."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import DEEP, MODELS
from matplotlib.patches import StepPatch

from course_utils import figures
from course_utils.figures.calibration import FEW
from course_utils.metrics.calibration import (
    calibration_bins,
    equal_mass_bins,
    expected_calibration_error,
)
from course_utils.metrics.intervals import wilson_interval
from course_utils.metrics.predictions import Predictions


def test_empty_bins_are_not_drawn_and_small_ones_have_no_line() -> None:
    picture = figures.reliability_diagram(MODELS)
    upper, lower = picture.figure.axes
    drawn = {line.get_label(): line for line in upper.lines}
    bars = {lines.get_label(): lines for lines in upper.collections}
    for name, model in MODELS.items():
        table = calibration_bins(model)
        assert table.count[-1] == 0, "no confidence of exactly 1 among these"
        count, accuracy = table.count[:-1], 100 * table.accuracy[:-1]
        solid, few = count >= FEW, (count > 0) & (count < FEW)
        assert solid.any() and few.any()
        x, y = drawn[name].get_data()
        np.testing.assert_allclose(y[solid], accuracy[solid])
        np.testing.assert_allclose(x[solid], 100 * table.confidence[:-1][solid])
        assert np.isnan(y[~solid]).all(), "a line never passes an empty or nearly empty bin"
        np.testing.assert_allclose(drawn[f"few {name}"].get_ydata(), accuracy[few])
        assert drawn[f"few {name}"].get_linestyle() == "None"
        assert drawn[f"few {name}"].get_alpha() < 0.6
        ends = np.array([path[:, 1] for path in bars[f"interval {name}"].get_segments()])
        low, high = wilson_interval(accuracy[solid] / 100 * count[solid], count[solid])
        np.testing.assert_allclose(ends, 100 * np.stack([low, high], axis=1))
        words = f"{few.sum()} of {(count > 0).sum()} filled bins with fewer than {FEW} images"
        assert words in picture.alt
    assert picture.alt.endswith("drawn pale and without a line: they are mostly chance.")
    assert upper.get_ylabel() == "accuracy (%)"
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("confidence (%)", "images")
    steps = [patch for patch in lower.patches if isinstance(patch, StepPatch)]
    assert len(steps) == len(MODELS)
    for patch, model in zip(steps, MODELS.values(), strict=True):
        values = patch.get_data().values
        assert np.nansum(values) == len(model)
        assert not (values == 0).any()


def test_a_confidence_of_exactly_one_is_drawn_in_the_last_bin() -> None:
    first = np.array([0.97] * FEW + [1.0] * FEW)
    both = np.stack([first, 1 - first], axis=1)
    labels = np.array([0] * (FEW - 4) + [1] * 4 + [0] * FEW)
    model = Predictions.from_probabilities(both[:, None], labels)
    picture = figures.reliability_diagram({"A": model})
    (line,) = [line for line in picture.figure.axes[0].lines if line.get_label() == "A"]
    x, y = line.get_data()
    assert len(x) == 15
    assert (x[-1], y[-1]) == pytest.approx((98.5, 100 * (2 * FEW - 4) / (2 * FEW)))
    assert "0 of 1 filled bin with" in picture.alt and "pale" not in picture.alt


def test_bins_of_equal_mass_are_drawn_where_their_images_are() -> None:
    picture = figures.reliability_diagram({"A": DEEP}, bins=10, equal_mass=True)
    table = equal_mass_bins(DEEP, 10)
    assert (table.count[:-1] >= FEW).all()
    upper, lower = picture.figure.axes
    (line,) = [line for line in upper.lines if line.get_label() == "A"]
    np.testing.assert_allclose(line.get_xdata(), 100 * table.confidence[:-1])
    np.testing.assert_allclose(line.get_ydata(), 100 * table.accuracy[:-1])
    (steps,) = [patch for patch in lower.patches if isinstance(patch, StepPatch)]
    np.testing.assert_array_equal(steps.get_data().values, table.count[:-1])
    assert f"A: adaptive ECE {figures.style.percent(table.error)}" in picture.alt
    assert "10 bins of equal mass" in picture.alt
    (legend,) = picture.figure.legends
    assert legend.get_texts()[0].get_text().startswith("A\nadaptive ECE ")


def test_legend_and_alt_text_give_the_error() -> None:
    picture = figures.reliability_diagram(MODELS)
    (legend,) = picture.figure.legends
    entries = [text.get_text() for text in legend.get_texts()]
    for name, model in MODELS.items():
        ece = figures.style.percent(expected_calibration_error(model))
        assert f"{name}\nECE {ece}" in entries
        assert f"{name}: ECE {ece}" in picture.alt
    assert "perfect" in entries


def test_lean_is_told() -> None:
    sure = np.tile([0.99, 0.01], (10, 1, 1)).reshape(10, 1, 2)
    over = Predictions.from_probabilities(sure, np.array([0, 1] * 5))
    assert "accuracy 50.0 % (overconfident)" in figures.reliability_diagram({"A": over}).alt
    shy = np.tile([0.51, 0.49], (10, 1, 1)).reshape(10, 1, 2)
    under = Predictions.from_probabilities(shy, np.zeros(10, int))
    assert "accuracy 100 % (underconfident)" in figures.reliability_diagram({"A": under}).alt


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_two_images_all_right_or_all_wrong(labels: list[int]) -> None:
    pair = Predictions.from_probabilities(np.tile([0.9, 0.1], (2, 1)), np.array(labels))
    figures.reliability_diagram({"tiny": pair}).png()
    figures.confusion_matrix(pair).png()


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        ({}, "dictionary from model names"),
        (DEEP, "dictionary from model names"),
        ({"DE-8": Predictions(DEEP.logits)}, "Calibration needs true labels"),
        ({"DE-8": DEEP.take([])}, "at least one image"),
    ],
)
def test_calibration_says_what_is_wrong(models, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.reliability_diagram(models)


def test_confusion_colours_errors_only_and_lists_the_most_frequent() -> None:
    logits = np.zeros((10, 1, 3), np.float32)
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
    said = np.array([0, 0, 0, 1, 2, 2, 2, 2, 2, 0])
    logits[np.arange(10), 0, said] = 5
    picture = figures.confusion_matrix(Predictions(logits, labels), class_names=("a", "b", "c"))
    matrix, bars = picture.figure.axes
    shown = np.asarray(matrix.images[0].get_array())
    assert (np.diag(shown) == 0).all()
    # the row of b and the column of c: three b are taken for c
    assert (matrix.get_ylabel(), matrix.get_xlabel()) == ("true", "predicted")
    assert shown[1, 2] == shown.max() == 1 and 0 < shown[0, 1] == shown[2, 0] < 1
    cells = {text.get_position(): text.get_text() for text in matrix.texts}
    assert cells == {(0, 0): "3", (1, 0): "1", (2, 1): "3", (2, 2): "2", (0, 2): "1"}
    assert [text.get_text() for text in bars.get_yticklabels()] == ["b → c", "a → b", "c → a"]
    assert [bar.get_width() for bar in bars.patches] == [3, 1, 1]
    assert "5 wrong, accuracy 50.0 %" in picture.alt
    assert "b taken for c (3), a taken for b (1) and c taken for a (1)." in picture.alt


def test_confusion_without_errors() -> None:
    picture = figures.confusion_matrix(DEEP.take(DEEP.correct))
    assert len(picture.figure.axes) == 1
    assert "accuracy 100 %" in picture.alt and "No image is misclassified." in picture.alt


def test_confusion_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="needs true labels"):
        figures.confusion_matrix(Predictions(DEEP.logits))
    with pytest.raises(ValueError, match="10 classes but 3 class names"):
        figures.confusion_matrix(DEEP, class_names=("a", "b", "c"))
