"""Risk-coverage curves and costs for any ranking: bounds, symmetries, torch-uncertainty."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from property_strategies import labelled, ranked_answers

from course_utils.metrics import scores, selective
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.resampling import Resamples
from course_utils.metrics.selective import risk_coverage

SHARES = st.floats(0, 1)
COSTS = st.sampled_from([0.0, 0.1, 1.0, 2.5, 10.0])


@given(ranked_answers(), SHARES, SHARES)
def test_bounds_and_monotony(case, first, second):
    curve = risk_coverage(*case)
    low, high = sorted([first, second])
    assert 0 <= curve.augrc <= curve.aurc + 1e-12
    assert curve.aurc <= 1 + 1e-12
    assert ((curve.risk >= 0) & (curve.risk <= 1)).all()
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.num_wrong) >= 0).all()
    assert curve.coverage_at_risk(low) <= curve.coverage_at_risk(high)
    assert curve.threshold_for_coverage(low) <= curve.threshold_for_coverage(high)
    # a threshold does what it was asked for
    reached = curve.at_threshold(curve.threshold_for_risk(low))
    assert reached.coverage == curve.coverage_at_risk(low)
    assert not reached.risk > low
    assert curve.at_threshold(curve.threshold_for_coverage(low)).coverage >= low


@given(ranked_answers())
def test_right_and_wrong_exchanged_mirror_the_areas(case):
    uncertainty, correct = case
    curve, mirrored = risk_coverage(uncertainty, correct), risk_coverage(uncertainty, ~correct)
    assert mirrored.aurc == pytest.approx(1 - curve.aurc, abs=1e-12)
    always_wrong = risk_coverage(uncertainty, np.zeros_like(correct))
    assert mirrored.augrc == pytest.approx(always_wrong.augrc - curve.augrc, abs=1e-12)


@given(ranked_answers(max_size=10), st.integers(2, 4))
def test_copies_of_every_image_change_no_step(case, copies):
    uncertainty, correct = case
    curve = risk_coverage(uncertainty, correct)
    copied = risk_coverage(np.tile(uncertainty, copies), np.tile(correct, copies))
    assert np.array_equal(copied.threshold, curve.threshold)
    assert np.array_equal(copied.coverage, curve.coverage)
    assert np.array_equal(copied.risk, curve.risk)


@given(ranked_answers(), st.integers(2, 5))
def test_a_coarser_score_only_removes_steps(case, width):
    uncertainty, correct = case
    fine = risk_coverage(uncertainty, correct)
    coarse = risk_coverage(np.floor(uncertainty / width), correct)
    kept = np.isin(fine.num_answered, coarse.num_answered)
    assert np.array_equal(fine.num_answered[kept], coarse.num_answered)
    assert np.array_equal(fine.num_wrong[kept], coarse.num_wrong)
    assert coarse.coverage_at_risk(0.1) <= fine.coverage_at_risk(0.1)


@given(ranked_answers(), st.sampled_from([np.float16, np.float32, np.int8, np.int64]))
def test_the_type_of_the_numbers_does_not_matter(case, kind):
    uncertainty, correct = case
    curve, other = (
        risk_coverage(uncertainty, correct),
        risk_coverage(uncertainty.astype(kind), correct.astype(kind)),
    )
    assert np.array_equal(other.threshold, curve.threshold)
    assert (other.aurc, other.augrc) == (curve.aurc, curve.augrc)


@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e308, 1e308), unique=True),
    st.randoms(use_true_random=False),
)
def test_every_distinct_number_is_a_step_of_its_own(uncertainty, random):
    correct = np.array([random.random() < 0.7 for _ in uncertainty])
    curve = risk_coverage(uncertainty, correct)
    assert curve.threshold.tolist() == sorted(uncertainty.tolist())
    assert np.array_equal(np.diff(curve.num_answered, prepend=0), np.ones(len(uncertainty)))


@given(ranked_answers(), COSTS, COSTS, st.sampled_from([0.5, 3.0, 1e6]))
def test_the_unit_of_costs_does_not_matter(case, cost_wrong, cost_refer, unit):
    curve = selective.cost_curve(*case, cost_wrong, cost_refer)
    other = selective.cost_curve(*case, cost_wrong * unit, cost_refer * unit)
    assert other.cost == pytest.approx(curve.cost * unit)
    assert other.optimum.threshold == curve.optimum.threshold
    extremes = cost_refer, cost_wrong * risk_coverage(*case).error_rate
    assert curve.optimum.cost <= min(extremes) + 1e-12
    assert curve.cost.min() >= 0
    assert curve.cost.max() <= max(cost_wrong, cost_refer) + 1e-12


@given(ranked_answers(), st.integers(0, 2**32 - 1))
def test_a_resample_that_draws_every_image_once_is_the_curve(case, seed):
    uncertainty, correct = case
    curve, once = risk_coverage(uncertainty, correct), Resamples(len(correct), 2, seed)
    once.counts[:] = 1
    areas = once.risk_coverage(uncertainty, correct)
    assert areas["aurc"] == pytest.approx([curve.aurc] * 2, abs=1e-12)
    assert areas["augrc"] == pytest.approx([curve.augrc] * 2, abs=1e-12)
    for share in (0.0, 0.05, 0.5):
        assert once.coverage_at_risk(uncertainty, correct, share)[0] == pytest.approx(
            curve.coverage_at_risk(share)
        )
        assert once.risk_at_coverage(uncertainty, correct, share)[0] == pytest.approx(
            curve.risk_at_coverage(share)
        )


# Against torch-uncertainty and torchmetrics


@pytest.fixture(scope="module")
def metrics():
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries at import
        import torch_uncertainty.metrics.classification

    return torch_uncertainty.metrics.classification


def computed(metric, *given_values):
    import torch

    metric.update(*(torch.from_numpy(np.array(values)) for values in given_values))
    return float(metric.compute())


@given(predictions=labelled(), share=st.floats(0.01, 1))
def test_the_values_of_torch_uncertainty_without_ties(metrics, predictions, share):
    uncertainty = scores.max_probability(predictions)
    # theirs ranks by the largest probability itself, which ties where it rounds to 1
    assume(len(np.unique(predictions.mean.max(axis=-1))) == len(predictions))
    curve = risk_coverage(uncertainty, predictions.correct)
    given_values = predictions.mean, predictions.labels
    assert curve.aurc == pytest.approx(computed(metrics.AURC(), *given_values), abs=1e-6)
    assert curve.augrc == pytest.approx(computed(metrics.AUGRC(), *given_values), abs=1e-6)
    theirs = computed(metrics.CovAtxRisk(share), *given_values)
    ours = curve.coverage_at_risk(share)
    # NaN there where nothing is within the risk; a share computed in float32 decides at equality
    if np.abs(curve.risk - share).min() > 1e-6:
        assert (ours == 0) if np.isnan(theirs) else ours == pytest.approx(theirs, abs=1e-6)
    if np.abs(curve.coverage - share).min() > 1e-6:
        theirs = computed(metrics.RiskAtxCov(share), *given_values)
        assert curve.risk_at_coverage(share) == pytest.approx(theirs, abs=1e-6)


@given(whole=labelled())
def test_the_values_of_torchmetrics(metrics, whole):
    import torchmetrics

    predictions = whole.take(slice(2, None))  # without the two whose confidence rounds to 1
    kind = {"task": "multiclass", "num_classes": predictions.num_classes}
    given_values = predictions.mean, predictions.labels
    accuracy = computed(torchmetrics.Accuracy(**kind, average="micro"), *given_values)
    assert predictions.correct.mean() == pytest.approx(accuracy, abs=1e-6)

    confidence = predictions.mean.max(axis=-1)
    # a confidence on the border of two bins may fall to either side in float32
    assume(np.abs(confidence * 15 - np.round(confidence * 15)).min() > 1e-5)
    theirs = computed(torchmetrics.CalibrationError(**kind, n_bins=15), *given_values)
    assert expected_calibration_error(predictions) == pytest.approx(theirs, abs=1e-6)
