"""Histograms of scores, ROC and precision-recall."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from course_utils import figures
from course_utils.metrics.detection import ood_detection

GENERATOR = np.random.default_rng(0)
KNOWN, STRANGE = GENERATOR.normal(0, 1, 300), GENERATOR.normal(1.5, 1, 200)
CORRECT = KNOWN < 0.5


def outlines(picture: figures.Picture) -> list[np.ndarray]:
    """Heights of the outlines, in the order right, wrong, OOD."""
    patches = [p for p in picture.figure.axes[0].patches if isinstance(p, StepPatch)]
    return [patch.get_data().values for patch in patches[1::2]]


def test_each_group_is_scaled_to_its_own_size() -> None:
    picture = figures.score_histograms(KNOWN, CORRECT, STRANGE, log=False, bins=20)
    everything = np.concatenate([KNOWN, STRANGE])
    edges = np.linspace(everything.min(), everything.max(), 21)
    for heights, group in zip(
        outlines(picture), (KNOWN[CORRECT], KNOWN[~CORRECT], STRANGE), strict=True
    ):
        np.testing.assert_allclose(heights, 100 * np.histogram(group, edges)[0] / len(group))
        assert heights.sum() == pytest.approx(100)


def test_a_few_wrong_answers_are_strokes_at_their_scores() -> None:
    correct = np.arange(300) >= 7
    picture = figures.score_histograms(KNOWN, correct, STRANGE)
    np.testing.assert_array_equal(picture.parts["rug"].get_xdata(), KNOWN[:7])
    assert len(outlines(picture)) == 2
    assert "wrong: 7 images" in picture.alt
    assert "rug" not in figures.score_histograms(KNOWN, CORRECT).parts


def test_axes_say_which_way_and_which_scale() -> None:
    (axes,) = figures.score_histograms(KNOWN, CORRECT, score_name="entropy").figure.axes
    assert axes.get_xlabel() == "entropy: larger = less certain"
    assert axes.get_ylabel() == "% of group (log scale)"


def test_legend_and_alt_text_count_the_groups() -> None:
    picture = figures.score_histograms(
        KNOWN, CORRECT, STRANGE, ood_name="Fashion-MNIST", score_name="entropy", threshold=0.5
    )
    right, wrong = int(CORRECT.sum()), int((~CORRECT).sum())
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        f"right ({right})",
        f"wrong ({wrong})",
        "Fashion-MNIST (200)",
    ]
    answered = figures.style.percent((STRANGE <= 0.5).mean())
    assert f"Fashion-MNIST: 200 images, median {np.median(STRANGE):.3g}, {answered} answered" in (
        picture.alt
    )
    assert "threshold at 0.5" in picture.alt
    assert picture.parts["threshold"].get_xdata()[0] == 0.5


def test_all_right_and_all_wrong() -> None:
    for correct, empty in ((np.ones(300, bool), "wrong"), (np.zeros(300, bool), "right")):
        picture = figures.score_histograms(KNOWN, correct)
        picture.png()
        assert f"{empty}: no image" in picture.alt


def test_two_samples_and_equal_scores() -> None:
    figures.score_histograms(np.array([0.0, 0.0]), np.array([True, False])).png()


@pytest.mark.parametrize(
    ("scores", "correct", "sentence"),
    [
        (KNOWN, CORRECT[:5], "300 scores but 5 answers"),
        (np.full(300, np.nan), CORRECT, "not finite"),
        (KNOWN[:, None], CORRECT, r"shape \[N\]"),
        (KNOWN[:0], CORRECT[:0], "at least one score"),
    ],
)
def test_histograms_say_what_is_wrong(scores, correct, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.score_histograms(scores, correct)


def test_curves_and_legends() -> None:
    models = {"LeNet": (KNOWN, STRANGE), "DE-8": (KNOWN, STRANGE + 1)}
    picture = figures.roc_and_precision_recall(models, ood_name="Fashion")
    left, right = picture.figure.axes
    for name, pair in models.items():
        result = ood_detection(*pair)
        (roc,) = [line for line in left.lines if line.get_label() == name]
        np.testing.assert_allclose(roc.get_xdata(), 100 * result.false_positive)
        np.testing.assert_allclose(roc.get_ydata(), 100 * result.true_positive)
        (curve,) = [line for line in right.lines if line.get_label() == name]
        np.testing.assert_allclose(curve.get_ydata(), 100 * result.precision)
        entries = [text.get_text() for text in left.get_legend().get_texts()]
        assert f"{name}  {result.auroc:.4f}" in entries
        assert f"{name}: AUROC {result.auroc:.4f}, AUPR {result.aupr:.4f}" in picture.alt
    assert "300 known, 200 Fashion" in picture.alt


def test_long_curves_are_thinned_but_keep_their_ends_and_shape() -> None:
    generator = np.random.default_rng(1)
    known, strange = generator.normal(0, 1, 40_000), generator.normal(2, 1, 40_000)
    picture = figures.roc_and_precision_recall({"LeNet": (known, strange)})
    x, y = picture.figure.axes[0].lines[1].get_data()
    assert len(x) < 2000 and (x[0], y[0], x[-1], y[-1]) == (0, 0, 100, 100)
    full = ood_detection(known, strange)
    area = (np.diff(x) * (y[1:] + y[:-1])).sum() / 2 / 100**2
    assert area == pytest.approx(full.auroc, abs=1e-4)


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        ({}, "dictionary"),
        ({"A": (KNOWN, STRANGE[:0])}, "known and OOD images, at least one each"),
        ({"A": (np.full(3, np.inf), STRANGE)}, "not finite"),
    ],
)
def test_roc_says_what_is_wrong(models, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.roc_and_precision_recall(models)
