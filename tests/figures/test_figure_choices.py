"""Dots of all choices of members: what is drawn, and the words."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import figures

SIZES = np.array([1, 1, 1, 2, 2, 2, 3])
VALUES = np.array([0.90, 0.92, 0.94, 0.95, 0.96, 0.94, 0.97])


def draw(**options: object) -> figures.Picture:
    return figures.choices_of_members(SIZES, VALUES, metric="Accuracy", percent=True, **options)


def test_a_dot_for_each_choice_and_a_mean_for_each_size() -> None:
    (axes,) = draw().figure.axes
    for size, line in zip((1, 2, 3), axes.lines[:3], strict=True):
        here = VALUES[np.equal(SIZES, size)]
        np.testing.assert_allclose(np.sort(line.get_ydata()), 100 * np.sort(here))
        assert np.abs(line.get_xdata() - size).max() < 0.5
    np.testing.assert_allclose(axes.lines[3].get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(axes.lines[3].get_ydata(), [92, 95, 97])
    low, high = axes.get_ylim()
    assert low < 90 and high > 97


@pytest.mark.parametrize(
    ("sampled", "dots"), [(False, "every choice"), (True, "a sample of the choices")]
)
def test_the_legend_says_what_the_dots_are(sampled: bool, dots: str) -> None:
    (legend,) = draw(sampled=sampled).figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [dots, "mean"]


def test_alt_text_tells_number_range_and_mean_of_each_size() -> None:
    alt = draw().alt
    assert "Accuracy of 7 choices of members" in alt
    assert "1 member: 3 from 90.0 % to 94.0 %, mean 92.0 %" in alt
    assert "3 members: 97.0 %" in alt


def test_infinite_values_are_left_out_and_counted() -> None:
    values = np.where(SIZES == 1, np.inf, VALUES)
    picture = figures.choices_of_members(SIZES, values, metric="NLL", higher_is_better=False)
    (axes,) = picture.figure.axes
    assert all(np.isfinite(line.get_ydata()).all() for line in axes.lines[:3])
    assert "3 choices with an infinite value left out" in picture.alt
    assert "lower is better" in axes.get_ylabel()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_values_have_an_axis(value: float) -> None:
    picture = figures.choices_of_members(SIZES, np.full(7, value), percent=True)
    low, high = picture.figure.axes[0].get_ylim()
    assert low < 100 * value < high


@pytest.mark.parametrize(
    ("sizes", "values", "sentence"),
    [
        ([1, 2], [0.5], "two differ in number"),
        ([], [], "no choice with a finite accuracy"),
        ([1, 2], [np.inf, np.inf], "no choice with a finite accuracy"),
    ],
)
def test_nonsense_is_refused(sizes, values, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.choices_of_members(sizes, values)


def test_the_best_of_many_has_two_lines_and_their_ends_in_the_alt_text() -> None:
    numbers, chosen, fresh = np.array([1, 10, 100]), np.array([0.1, 0.15, 0.2]), np.full(3, 0.1)
    picture = figures.best_of_many(numbers, chosen, fresh)
    (axes,) = picture.figure.axes
    for line, values in zip(axes.lines, (chosen, fresh), strict=True):
        np.testing.assert_allclose(line.get_xydata(), np.stack([numbers, 100 * values], axis=1))
    assert "best of 1 to 100 candidates" in picture.alt
    assert "10.0 % to 20.0 % where it was chosen" in picture.alt


@pytest.mark.parametrize(
    ("chosen", "words"), [([0.1], "its two accuracies"), ([0.1, np.nan], "not finite")]
)
def test_the_best_of_many_needs_every_accuracy(chosen: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        figures.best_of_many(np.array([1, 10]), np.array(chosen), np.array([0.1, 0.1]))
