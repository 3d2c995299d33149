"""One image as several models see it."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import DEEP, IMAGES, MODELS, PACKED, SINGLE, side_by_side
from matplotlib.colors import to_hex

from course_utils import figures
from course_utils.figures import images as colors
from course_utils.figures import style
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions

MIXED = int(np.flatnonzero(SINGLE.correct != DEEP.correct)[0])


def texts_of(picture: figures.Picture) -> list[str]:
    return [text.get_text() for text in picture.figure.axes[0].texts]


def lengths_of(picture: figures.Picture, color: str) -> list[float]:
    """Lengths of the bars of a colour, without the small boxes of the key."""
    return [
        patch.get_width()
        for patch in picture.figure.axes[0].patches
        if patch.get_fill()
        and to_hex(patch.get_facecolor()).upper() == color.upper()
        and round(patch.get_width(), 6) not in (1.0, 1.1)
    ]


@pytest.mark.parametrize("index", [MIXED, 5, 17])
def test_each_model_has_its_own_numbers(index: int) -> None:
    picture = side_by_side(index)
    (axes,) = picture.figure.axes
    np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), 255 - IMAGES[index])
    written = texts_of(picture)
    assert f"true: {DEEP.labels[index]}" in written
    for name, model in MODELS.items():
        mark = "✓" if model.correct[index] else "✗"
        row = written.index(name)
        assert written[row + 1] == f"{mark} {model.predicted[index]}"
        assert written[row + 2] == style.percent(model.mean[index].max())
        assert written[row + 3].endswith(f"{scores.entropy(model)[index]:.2f} nats")
    for name in ("DE-8", "PE-4"):
        model = MODELS[name]
        expected = scores.expected_entropy(model)[index]
        mutual = scores.mutual_information(model)[index]
        row = written.index(name)
        assert written[row + 3].startswith(f"{expected:.2f} + {mutual:.2f} = ")
        said = [str(vote) for vote in model.member_predicted[index]]
        assert written[row + 4].split() == said


def test_bars_are_shares_of_the_whole() -> None:
    picture = side_by_side(MIXED)
    grounds = lengths_of(picture, colors.TINT_OTHER)
    confidences = [model.mean[MIXED].max() for model in MODELS.values()]
    wholes = grounds[0::2]
    np.testing.assert_allclose(lengths_of(picture, style.SOFT), np.multiply(confidences, wholes))
    most = grounds[1] / np.log(10)
    expected = [scores.expected_entropy(model)[MIXED] * most for model in MODELS.values()]
    mutual = [scores.mutual_information(model)[MIXED] * most for model in (DEEP, PACKED)]
    np.testing.assert_allclose(lengths_of(picture, style.SKY), expected, rtol=1e-6)
    np.testing.assert_allclose(lengths_of(picture, style.VERMILLION), mutual, rtol=1e-6, atol=1e-9)


def test_votes_are_tinted_by_what_they_say() -> None:
    index = int(scores.variation_ratio(DEEP).argmax())
    picture = side_by_side(index, {"DE-8": DEEP})
    tints = picture.parts["vote tints"]
    found = [to_hex(color).upper() for color in tints.get_facecolors()]
    assert len(tints.get_paths()) == len(found) == 8
    label, answer = DEEP.labels[index], DEEP.predicted[index]
    expected = [
        colors.TINT_TRUE
        if vote == label
        else colors.TINT_ANSWER
        if vote == answer
        else colors.TINT_OTHER
        for vote in DEEP.member_predicted[index]
    ]
    assert found == expected and len(set(found)) > 1


def test_the_words_say_what_is_drawn() -> None:
    alt = side_by_side(MIXED).alt
    label = DEEP.labels[MIXED]
    assert f"Comparison of 3 models on one image of class {label}." in alt
    for name, model in MODELS.items():
        verdict = "right" if model.correct[MIXED] else "wrong"
        assert f"{name} says {model.predicted[MIXED]}, {verdict}, with confidence " in alt
    votes = int((DEEP.member_predicted[MIXED] == DEEP.predicted[MIXED]).sum())
    assert f"{votes} for {DEEP.predicted[MIXED]}" in alt
    assert alt.count("mutual information") == 2  # a single network has none


def test_of_many_members_the_votes_are_counted() -> None:
    many = Predictions.combine([DEEP] * 4)
    index = int(scores.variation_ratio(DEEP).argmax())
    written = " ".join(texts_of(side_by_side(index, {"DE-32": many})))
    classes, counts = np.unique(many.member_predicted[index], return_counts=True)
    assert f"{counts.max()} \N{MULTIPLICATION SIGN} {classes[counts.argmax()]}" in written


def test_models_may_know_different_classes() -> None:
    rows = {"two": np.array([[0.9, 0.1]]), "three": np.array([[0.2, 0.3, 0.5]])}
    picture = figures.model_comparison(IMAGES[0], rows, 1, class_names=("a", "b", "c"))
    assert "two says a, wrong" in picture.alt and "three says c, wrong" in picture.alt


ROW = {"LeNet": SINGLE.probabilities[0]}


@pytest.mark.parametrize(
    ("image", "rows", "label", "options", "sentence"),
    [
        (IMAGES[:2], ROW, 0, {}, "One image"),
        (IMAGES[0], {}, 0, {}, "takes a dictionary"),
        (IMAGES[0], {"LeNet": SINGLE.probabilities}, 0, {}, r"shape \[members, classes\]"),
        (IMAGES[0], {"LeNet": np.full((1, 10), np.nan)}, 0, {}, "finite"),
        (IMAGES[0], ROW, 10, {}, "The label 10 is none of the 10 classes"),
        (IMAGES[0], ROW, -1, {}, "The label -1 is none"),
        (IMAGES[0], ROW, 0, {"chosen": "DE-8"}, "no model 'DE-8'; there are LeNet"),
        (IMAGES[0], ROW, 0, {"class_names": ["a"]}, "one name per class"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(image, rows, label, options, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.model_comparison(image, rows, label, **options)
