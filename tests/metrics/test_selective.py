"""Risk-coverage: hand-computed curves, the definition by brute force, torch-uncertainty."""

from __future__ import annotations

import itertools
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.selective import risk_coverage


@st.composite
def ranked_answers(draw, max_size=12):
    """Uncertainties with many ties, and whether each answer is right."""
    size = draw(st.integers(1, max_size))
    uncertainty = draw(
        st.lists(
            st.sampled_from([-3.5, -0.0, 0.0, 0.1, 0.1 + 1e-16, 0.2, 5.0, 1e300]),
            min_size=size,
            max_size=size,
        )
    )
    correct = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return np.array(uncertainty), np.array(correct)


# By hand


def test_hand_computed_without_ties():
    curve = risk_coverage([0.3, 0.1, 0.4, 0.2], [True, True, False, False])
    assert curve.threshold.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.risk.tolist() == [0, 1 / 2, 1 / 3, 1 / 2]
    # Trapezoids of width 1/4, divided by 3/4.
    assert curve.aurc == pytest.approx((0 / 2 + 1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert curve.augrc == pytest.approx((0 / 2 + 1 / 4 + 1 / 4 + 2 / 4 / 2) / 3)
    assert curve.error_rate == 0.5
    assert repr(curve).startswith("RiskCoverage(4 images, 4 distinct thresholds, error rate 0.5")


def test_hand_computed_with_ties():
    # One certain and right; three tied, two of them wrong.
    curve = risk_coverage([2, 1, 2, 2], [False, True, True, False])
    assert curve.threshold.tolist() == [1, 2]
    assert curve.coverage.tolist() == [0.25, 1]
    assert curve.risk.tolist() == [0, 0.5]
    # Errors expected after 1 to 4 answers: 0, 2/3, 4/3, 2.
    coverage, risk = curve.expected_curve()
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([0, 1 / 3, 4 / 9, 1 / 2])
    assert curve.aurc == pytest.approx((0 + 1 / 3 + 4 / 9 + 1 / 4) / 3)
    assert curve.augrc == pytest.approx((0 + 1 / 6 + 1 / 3 + 1 / 4) / 3)
    assert curve.coverage_at_risk(0.49) == 0.25  # nothing between the steps can be reached
    assert curve.risk_at_coverage(0.26) == 0.5


@pytest.mark.parametrize("uncertainty", [[1, 2, 3, 4], [1, 1, 1, 1], [2, 2, 1, 1]])
def test_all_right_and_all_wrong(uncertainty):
    right = risk_coverage(uncertainty, [True] * 4)
    assert not right.risk.any()
    assert (right.aurc, right.augrc) == (0, 0)
    assert right.coverage_at_risk(0) == 1
    wrong = risk_coverage(uncertainty, [False] * 4)
    assert (wrong.risk == 1).all()
    assert wrong.aurc == 1
    assert wrong.augrc == pytest.approx((1 / 8 + 2 / 4 + 3 / 4 + 1 / 2) / 3)
    assert wrong.coverage_at_risk(0.99) == 0
    assert wrong.threshold_for_risk(0.99) == -np.inf
    assert wrong.coverage_at_risk(1) == 1


@pytest.mark.parametrize("correct", [True, False])
def test_one_image(correct):
    curve = risk_coverage([0.5], [correct])
    assert curve.threshold.tolist() == [0.5]
    assert curve.coverage.tolist() == [1]
    assert curve.risk.tolist() == [1 - correct]
    assert curve.aurc == curve.augrc == curve.error_rate == 1 - correct
    assert curve.coverage_at_risk(0) == correct


def test_a_score_that_says_nothing_has_the_error_rate_as_area():
    correct = np.arange(10) < 7
    curve = risk_coverage(np.full(10, 3.0), correct)
    assert len(curve.threshold) == 1
    assert curve.aurc == pytest.approx(0.3)
    assert selective.at_random(correct).aurc == pytest.approx(0.3)
    assert selective.at_random(correct).expected_curve()[1] == pytest.approx(np.full(10, 0.3))


def test_the_last_digit_does_not_decide():
    # One error in 20: exactly the 5 % asked for. 7 of 100: exactly the coverage asked for.
    curve = risk_coverage(np.arange(20), np.arange(20) != 3)
    assert curve.coverage_at_risk(0.05) == 1
    curve = risk_coverage(np.arange(100), np.arange(100) != 7)
    assert curve.threshold_for_coverage(0.07) == 6
    assert curve.risk_at_coverage(0.07) == 0


# By definition


@settings(max_examples=300, deadline=None)
@given(ranked_answers(), st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 2 / 3, 1.0]))
def test_curve_and_queries_follow_the_definition(case, share):
    uncertainty, correct = case
    curve = risk_coverage(uncertainty, correct)
    points = []
    for threshold in sorted(set(uncertainty.tolist())):
        answered = [bool(c) for u, c in zip(uncertainty, correct, strict=True) if u <= threshold]
        points.append((threshold, len(answered) / len(correct), 1 - np.mean(answered)))
    thresholds, coverages, risks = (list(column) for column in zip(*points, strict=True))
    assert curve.threshold.tolist() == thresholds
    assert curve.coverage.tolist() == coverages
    assert curve.risk == pytest.approx(risks)
    assert curve.coverage[-1] == 1
    assert curve.error_rate == pytest.approx(np.mean(~correct))

    within = [step for step, risk in enumerate(curve.risk) if risk <= share]
    assert curve.coverage_at_risk(share) == (coverages[within[-1]] if within else 0)
    threshold = curve.threshold_for_risk(share)
    assert np.mean(uncertainty <= threshold) == curve.coverage_at_risk(share)

    covering = min(step for step, coverage in enumerate(coverages) if coverage >= share)
    assert curve.risk_at_coverage(share) == curve.risk[covering]
    assert curve.threshold_for_coverage(share) == thresholds[covering]

    for threshold in [-np.inf, -4.0, 0.0, 0.15, 1e301, np.inf]:
        point = curve.at_threshold(threshold)
        answered = uncertainty <= threshold
        assert point.coverage == np.mean(answered)
        if answered.any():
            assert point.risk == pytest.approx(np.mean(~correct[answered]))
        else:
            assert np.isnan(point.risk)


def areas_in_this_order(correct):
    """AURC and AUGRC of images answered one by one, word for word as torch-uncertainty does."""
    size = len(correct)
    coverage = np.arange(1, size + 1) / size
    risk = np.cumsum(~correct) / np.arange(1, size + 1)
    width = 1 - 1 / size
    return np.array([np.trapezoid(risk, coverage), np.trapezoid(risk * coverage, coverage)]) / width


@settings(max_examples=100, deadline=None)
@given(ranked_answers(max_size=6))
def test_areas_are_the_average_over_all_orders_of_the_ties(case):
    uncertainty, correct = case
    curve = risk_coverage(uncertainty, correct)
    if len(correct) == 1:
        assert curve.aurc == curve.augrc == curve.error_rate
        return
    orders = [
        list(order)
        for order in itertools.permutations(range(len(correct)))
        if (np.diff(uncertainty[list(order)]) >= 0).all()
    ]
    averages = np.mean([areas_in_this_order(correct[order]) for order in orders], axis=0)
    assert [curve.aurc, curve.augrc] == pytest.approx(averages, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(ranked_answers())
def test_ideal_is_the_best_and_random_the_middle(case):
    uncertainty, correct = case
    curve = risk_coverage(uncertainty, correct)
    best = selective.ideal(correct)
    worst = risk_coverage(-best.threshold, np.sort(correct)[::-1])
    assert len(best.threshold) == len(correct)
    assert best.aurc <= curve.aurc + 1e-12
    assert best.augrc <= curve.augrc + 1e-12
    assert curve.aurc <= worst.aurc + 1e-12
    assert best.coverage_at_risk(0) == pytest.approx(np.mean(correct))
    assert selective.at_random(correct).aurc == pytest.approx(np.mean(~correct))


# What must not matter


@settings(max_examples=100, deadline=None)
@given(ranked_answers(), st.randoms(use_true_random=False))
def test_order_of_images_and_rising_transforms_do_not_matter(case, random):
    uncertainty, correct = case
    curve = risk_coverage(uncertainty, correct)
    order = list(range(len(correct)))
    random.shuffle(order)
    shuffled = risk_coverage(uncertainty[order], correct[order])
    assert np.array_equal(shuffled.threshold, curve.threshold)
    assert np.array_equal(shuffled.num_wrong, curve.num_wrong)
    ranks = np.unique(uncertainty, return_inverse=True)[1]
    for transformed in (ranks, np.exp(ranks / 3.0) - 50, ranks.astype(np.float32)):
        other = risk_coverage(transformed, correct)
        assert np.array_equal(other.num_answered, curve.num_answered)
        assert np.array_equal(other.num_wrong, curve.num_wrong)
        assert (other.aurc, other.augrc) == (curve.aurc, curve.augrc)


def test_float32_confidence_costs_a_ranking():
    # Certain images, of which the less certain are wrong: float32 makes them all tie.
    gaps = np.linspace(18, 30, 200)
    labels = (gaps < 20).astype(int)
    predictions = Predictions(np.stack([gaps, np.zeros(200)], axis=-1)[:, None], labels)
    curve = risk_coverage(scores.max_probability(predictions), predictions.correct)
    blunt = 1 - predictions.mean.max(axis=-1).astype(np.float32)
    blunt_curve = risk_coverage(blunt, predictions.correct)
    assert len(blunt_curve.threshold) == 1
    assert len(curve.threshold) == 200
    assert curve.coverage_at_risk(0) == pytest.approx(np.mean(gaps >= 20))
    assert blunt_curve.coverage_at_risk(0) == 0


# Against torch-uncertainty


@pytest.fixture(scope="module")
def metrics():
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries at import
        import torch_uncertainty.metrics.classification

    return torch_uncertainty.metrics.classification


def computed(metric, predictions):
    import torch

    metric.update(
        torch.from_numpy(np.array(predictions.mean)), torch.from_numpy(np.array(predictions.labels))
    )
    return float(metric.compute())


def modest_model(num_images, seed):
    """Predictions with distinct confidences and a share of errors that falls with confidence."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2, size=(num_images, 2, 5))
    predicted = Predictions(logits)
    wrong = generator.random(num_images) < scores.max_probability(predicted)
    predictions = Predictions(logits, (predicted.predicted + wrong) % 5)
    assert len(np.unique(predictions.mean.max(axis=-1))) == num_images
    return predictions


@pytest.mark.parametrize("num_images", [2, 3, 50, 2000])
@pytest.mark.parametrize("seed", range(3))
def test_same_numbers_as_the_metrics_without_ties(metrics, num_images, seed):
    predictions = modest_model(num_images, seed)
    curve = risk_coverage(scores.max_probability(predictions), predictions.correct)
    assert curve.aurc == pytest.approx(computed(metrics.AURC(), predictions), abs=1e-6)
    assert curve.augrc == pytest.approx(computed(metrics.AUGRC(), predictions), abs=1e-6)
    for share in (0.0, 0.01, 0.05, 0.2, 0.8, 1.0):
        theirs = computed(metrics.CovAtxRisk(share), predictions)
        ours = curve.coverage_at_risk(share)
        assert (ours == 0) if np.isnan(theirs) else ours == pytest.approx(theirs, abs=1e-6), share
        if share > 0:  # at 0 they index with -1 and give the error rate
            theirs = computed(metrics.RiskAtxCov(share), predictions)
            assert curve.risk_at_coverage(share) == pytest.approx(theirs, abs=1e-6), share


def test_their_areas_under_ties_depend_on_the_order_and_ours_is_their_average(metrics):
    confidence = np.array([0.9, 0.7, 0.7, 0.7, 0.6])
    labels = np.array([0, 0, 1, 1, 0])
    probabilities = np.stack([confidence, 1 - confidence], axis=-1)
    # Errors expected after 1 to 5 answers: 0, 2/3, 4/3, 2, 2.
    by_hand = (0 / 2 + 1 / 3 + 4 / 9 + 1 / 2 + 2 / 5 / 2) / 4
    theirs = []
    for order in itertools.permutations(range(1, 4)):
        shuffled = [0, *order, 4]
        predictions = Predictions.from_probabilities(probabilities[shuffled], labels[shuffled])
        theirs.append(computed(metrics.AURC(), predictions))
        ours = risk_coverage(scores.max_probability(predictions), predictions.correct).aurc
        assert ours == pytest.approx(by_hand)
    assert max(theirs) - min(theirs) > 0.1
    assert np.mean(theirs) == pytest.approx(by_hand, abs=1e-6)


def test_stated_differences_from_the_metrics_still_hold(metrics):
    single = Predictions.from_probabilities([[0.9, 0.1]], [1])
    assert np.isnan(computed(metrics.AURC(), single))
    wrong = Predictions.from_probabilities([[0.9, 0.1], [0.8, 0.2]], [1, 1])
    assert np.isnan(computed(metrics.CovAtxRisk(0.05), wrong))

    confidence = np.linspace(0.99, 0.6, 100)
    labels = (np.arange(100) == 7).astype(int)  # the eighth answer is wrong
    predictions = Predictions.from_probabilities(np.stack([confidence, 1 - confidence], 1), labels)
    curve = risk_coverage(scores.max_probability(predictions), predictions.correct)
    assert computed(metrics.RiskAtxCov(0.07), predictions) == pytest.approx(1 / 8)
    assert curve.risk_at_coverage(0.07) == 0
    assert computed(metrics.RiskAtxCov(0.0), predictions) == pytest.approx(1 / 100)


# Costs


@settings(max_examples=150, deadline=None)
@given(ranked_answers(), st.sampled_from([0, 1, 2.5, 10]), st.sampled_from([0, 0.1, 1, 3]))
def test_cost_curve_follows_the_definition(case, cost_wrong, cost_refer):
    uncertainty, correct = case
    curve = selective.cost_curve(uncertainty, correct, cost_wrong, cost_refer)
    assert curve.threshold[0] == -np.inf
    for step, threshold in enumerate(curve.threshold):
        answered = uncertainty <= threshold
        each = np.where(answered, np.where(correct, 0, cost_wrong), cost_refer)
        assert curve.cost[step] == pytest.approx(each.mean(), abs=1e-12)
        assert curve.coverage[step] == answered.mean()
        assert curve.cost_at(threshold) == curve.cost[step]
    best = curve.optimum
    assert best.cost == pytest.approx(curve.cost.min(), abs=1e-12)
    equally_cheap = np.isclose(curve.cost, curve.cost.min(), rtol=1e-12, atol=0)
    assert best.coverage == curve.coverage[equally_cheap].max()
    assert best.threshold == curve.threshold[equally_cheap].max()


def test_free_referral_and_free_errors_are_the_extremes():
    uncertainty, correct = [1, 2, 3], [False, True, False]
    refer_all = selective.cost_curve(uncertainty, correct, cost_wrong=1, cost_refer=0).optimum
    assert (refer_all.threshold, refer_all.coverage, refer_all.cost) == (-np.inf, 0, 0)
    assert np.isnan(refer_all.risk)
    answer_all = selective.cost_curve(uncertainty, correct, cost_wrong=0, cost_refer=1).optimum
    assert (answer_all.coverage, answer_all.cost) == (1, 0)


def test_chow_is_optimal_for_calibrated_probabilities():
    generator = np.random.default_rng(0)
    chance_of_error = generator.random(200_000) * 0.8
    correct = generator.random(200_000) >= chance_of_error
    curve = selective.cost_curve(chance_of_error, correct, cost_wrong=10, cost_refer=2)
    threshold = selective.chow_threshold(cost_wrong=10, cost_refer=2)
    assert threshold == pytest.approx(0.2)
    assert curve.optimum.threshold == pytest.approx(threshold, abs=0.03)
    assert curve.cost_at(threshold) == pytest.approx(curve.optimum.cost, rel=2e-3)
    assert selective.chow_threshold(cost_wrong=0, cost_refer=0) == 1
    assert selective.chow_threshold(cost_wrong=1, cost_refer=5) == 1


# What is refused


@pytest.mark.parametrize(
    ("uncertainty", "correct", "message"),
    [
        ([0.1, 0.2], [True], "same images, got 2 and 1"),
        ([], [], "at least one image"),
        ([0.1, np.nan], [True, False], "NaN"),
        ([0.1, np.inf], [True, False], "infinite"),
        ([[0.1], [0.2]], [True, False], "one number for each image"),
        (["a", "b"], [True, False], "one number for each image"),
        ([0.1, 0.2], [[True], [False]], "truth value"),
        ([0.1, 0.2], [3, 7], "not the labels"),
        ([0.1, 0.2], [0.5, np.nan], "not the labels"),
        ([0.1, 0.2], [-1, 1], "not the labels"),
    ],
)
def test_bad_input_gets_one_clear_sentence(uncertainty, correct, message):
    with pytest.raises(ValueError, match=message):
        risk_coverage(uncertainty, correct)


def test_zeros_and_ones_count_as_truth_values():
    assert risk_coverage([1, 2], [1.0, 0.0]).risk.tolist() == [0, 0.5]


@pytest.mark.parametrize("share", [-0.1, 5, np.nan])
def test_percentages_are_not_shares(share):
    curve = risk_coverage([1, 2], [True, False])
    for query in (
        curve.coverage_at_risk,
        curve.threshold_for_risk,
        curve.risk_at_coverage,
        curve.threshold_for_coverage,
    ):
        with pytest.raises(ValueError, match=r"share between 0 and 1 \(5 % is 0.05\)"):
            query(share)


def test_bad_costs_and_thresholds():
    for cost in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="wrong answer"):
            selective.cost_curve([1], [True], cost, 1)
        with pytest.raises(ValueError, match="referred image"):
            selective.chow_threshold(1, cost)
    with pytest.raises(ValueError, match="threshold is NaN"):
        risk_coverage([1], [True]).at_threshold(np.nan)


# Speed


def test_a_million_images_take_less_than_a_second():
    generator = np.random.default_rng(0)
    uncertainty = generator.random(1_000_000)
    correct = generator.random(1_000_000) > uncertainty / 5
    seconds = []
    for _ in range(3):  # the best of three: other work on the machine only adds
        start = time.perf_counter()
        curve = risk_coverage(uncertainty, correct)
        areas = curve.aurc, curve.augrc, curve.coverage_at_risk(0.05)
        seconds.append(time.perf_counter() - start)
    assert min(areas) > 0
    assert min(seconds) < 1.0
