"""Risk-coverage and cost curves."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import BAND, COSTS, CURVES, DEEP, LONG_MODELS, UNCERTAINTY
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from course_utils import figures
from course_utils.figures.selective import MOST_POINTS
from course_utils.metrics import selective


def line_of(picture: figures.Picture, name: str) -> Line2D:
    (line,) = [line for line in picture.figure.axes[0].lines if line.get_label() == name]
    return line


def test_curves_are_drawn_as_they_are() -> None:
    picture = figures.risk_coverage_curves(CURVES)
    assert picture.figure.axes[0].get_xlabel() == "coverage: answered (%)"
    assert picture.figure.axes[0].get_ylabel() == "risk: wrong among answered (%)"
    for name, curve in CURVES.items():
        coverage, risk = curve.expected_curve()
        line = line_of(picture, name)
        np.testing.assert_allclose(line.get_xdata(), 100 * coverage)
        np.testing.assert_allclose(line.get_ydata(), 100 * risk)
        assert f"AURC {curve.aurc:.4g}" in picture.alt
        risk80 = figures.style.percent(curve.risk_at_coverage(0.8))
        full = figures.style.percent(curve.error_rate)
        assert f"{name}: risk {full} at full coverage, {risk80} at 80 %" in picture.alt
        words = [text.get_text() for text in picture.figure.axes[0].texts]
        assert f"{name}  {full}" in words


def test_long_names_are_wrapped_whole_and_keep_their_number() -> None:
    for picture in (
        figures.risk_coverage_curves(dict.fromkeys(LONG_MODELS, CURVES["DE-8"])),
        figures.cost_curves(dict.fromkeys(LONG_MODELS, COSTS["DE-8"])),
    ):
        words = [text.get_text() for text in picture.figure.axes[0].texts]
        for name in LONG_MODELS:
            (written,) = [text for text in words if _letters(text).startswith(_letters(name))]
            assert written.count("\n") >= 1 or name == "LeNet"
            assert "\n%" not in written


def _letters(text: str) -> str:
    return "".join(text.split())


def test_ideal_and_random_are_those_of_the_package() -> None:
    picture = figures.risk_coverage_curves(CURVES, reference="DE-8")
    x, y = line_of(picture, "ideal").get_data()
    coverage, risk = selective.ideal(DEEP.correct).expected_curve()
    np.testing.assert_allclose(np.interp(coverage, x / 100, y / 100), risk, atol=1e-4)
    _, flat = line_of(picture, "random").get_data()
    assert flat == pytest.approx(100 * selective.at_random(DEEP.correct).risk[0])
    assert "Grey lines for DE-8" in picture.alt
    none = figures.risk_coverage_curves(CURVES, reference="")
    assert not [line for line in none.figure.axes[0].lines if line.get_label() == "ideal"]
    assert "Grey" not in none.alt


def test_operating_points_sit_on_their_curve_and_are_described() -> None:
    threshold = CURVES["DE-8"].threshold_for_coverage(0.7)
    picture = figures.risk_coverage_curves(CURVES, operating_points={"DE-8": threshold})
    point = CURVES["DE-8"].at_threshold(threshold)
    (x,), (y,) = picture.parts["point:DE-8"].get_data()
    assert (x, y) == pytest.approx((100 * point.coverage, 100 * point.risk))
    words = (
        f"DE-8: {figures.style.percent(point.coverage)} answered, "
        f"{figures.style.percent(point.risk)} of them wrong"
    )
    legend = picture.figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [words]
    assert picture.alt.endswith(f"Operating point of {words}.")
    corner = picture.parts["lines:DE-8"].get_xydata()[1]
    assert corner == pytest.approx((x, y))


def test_a_threshold_below_all_answers_nothing() -> None:
    picture = figures.risk_coverage_curves(CURVES, operating_points={"LeNet": -1.0})
    assert "LeNet: nothing is answered" in picture.alt
    assert picture.parts["point:LeNet"].get_xydata().tolist() == [[0, 0]]


def test_band_is_drawn_where_it_was_given() -> None:
    picture = figures.risk_coverage_curves(CURVES, bands={"PE-4": BAND})
    (band,) = [c for c in picture.figure.axes[0].collections if c.get_label() == "interval PE-4"]
    assert isinstance(band, PolyCollection)
    corners = band.get_paths()[0].vertices
    across, low, high = BAND
    assert corners[:, 0].min() == pytest.approx(100 * across[0])
    for x, a, b in zip(100 * across, 100 * low, 100 * high, strict=True):
        at = corners[np.isclose(corners[:, 0], x), 1]
        assert (at.min(), at.max()) == pytest.approx((a, b))


@pytest.mark.parametrize("correct", [np.ones(2, bool), np.zeros(2, bool), np.ones(50, bool)])
def test_all_right_or_all_wrong(correct: np.ndarray) -> None:
    curve = selective.risk_coverage(np.arange(len(correct)), correct)
    picture = figures.risk_coverage_curves({"LeNet": curve}, operating_points={"LeNet": 0.5})
    picture.png()
    top = picture.figure.axes[0].get_ylim()[1]
    assert top > 100 * curve.error_rate
    assert "risk 0 %" in picture.alt if correct.all() else "risk 100 %" in picture.alt


def test_constant_score_is_drawn_at_random() -> None:
    curve = selective.at_random(DEEP.correct)
    line = line_of(figures.risk_coverage_curves({"LeNet": curve}), "LeNet")
    assert line.get_ydata() == pytest.approx(100 * curve.error_rate)


def test_a_million_images_become_a_curve_of_few_points() -> None:
    generator = np.random.default_rng(0)
    score = generator.random(1_000_000)
    curve = selective.risk_coverage(score, generator.random(1_000_000) > 0.1 * score)
    line = line_of(figures.risk_coverage_curves({"LeNet": curve}), "LeNet")
    x, y = line.get_data()
    assert len(x) <= MOST_POINTS and x[-1] == 100
    assert y[-1] == pytest.approx(100 * curve.error_rate)
    at = np.searchsorted(curve.coverage, x / 100 - 1e-12)
    np.testing.assert_allclose(y, 100 * curve.risk[at])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"operating_points": {"DE-9": 0.1}}, "no curve 'DE-9'; there are LeNet, DE-8, PE-4"),
        ({"bands": {"X": BAND}}, "no curve 'X'"),
        ({"reference": "X"}, "no curve 'X'"),
        ({"bands": {"DE-8": (BAND[0], BAND[1][:3], BAND[2])}}, "arrays of different length"),
    ],
)
def test_risk_coverage_says_what_is_wrong(options, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.risk_coverage_curves(CURVES, **options)
    with pytest.raises(ValueError, match="dictionary"):
        figures.risk_coverage_curves({})


def test_cost_curve_with_its_optimum_and_the_desk() -> None:
    picture = figures.cost_curves(COSTS, thresholds={"DE-8": 0.2}, unit="euros")
    assert picture.figure.axes[0].get_xlabel() == "coverage: answered (%)"
    assert picture.figure.axes[0].get_ylabel() == "cost per image (euros)"
    for name, curve in COSTS.items():
        line = line_of(picture, name)
        np.testing.assert_allclose(line.get_xdata(), 100 * curve.coverage)
        np.testing.assert_allclose(line.get_ydata(), curve.cost)
        best = curve.optimum
        (mark,) = line_of(picture, f"optimum {name}").get_xydata()
        assert mark == pytest.approx((100 * best.coverage, best.cost))
        assert mark[1] == curve.cost.min()
        assert f"least {best.cost:.3g} at {figures.style.percent(best.coverage)}" in picture.alt
    now = CURVES["DE-8"].at_threshold(0.2)
    ((x, y),) = picture.parts["point:DE-8"].get_xydata()
    assert (x, y) == pytest.approx((100 * now.coverage, COSTS["DE-8"].cost_at(0.2)))
    assert "cost per image (euros)" in picture.alt


def test_costs_of_nothing() -> None:
    free = selective.cost_curve(UNCERTAINTY["LeNet"], DEEP.correct, 0, 0)
    figures.cost_curves({"LeNet": free}).png()
    with pytest.raises(ValueError, match="no curve 'X'"):
        figures.cost_curves(COSTS, thresholds={"X": 0.1})
    with pytest.raises(ValueError, match="dictionary"):
        figures.cost_curves({})


@pytest.mark.parametrize("threshold", [-5.0, 5.0])
def test_desk_that_refers_all_or_answers_all(threshold: float) -> None:
    picture = figures.cost_curves({"DE-8": COSTS["DE-8"]}, thresholds={"DE-8": threshold})
    ((x, _),) = picture.parts["point:DE-8"].get_xydata()
    assert x == (0 if threshold < 0 else 100)
