"""The bootstrap of the ledger: the same draws, percentiles and measures as the slow way."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.metrics import selective
from course_utils.metrics.calibration import bins_of_confidence
from course_utils.metrics.detection import ood_detection
from course_utils.metrics.intervals import paired_bootstrap
from course_utils.metrics.ledger import judge
from course_utils.metrics.resampling import (
    Resamples,
    calibration_gaps,
    calibration_interval,
    calibration_noise,
    percentile_interval,
    ranking_draws,
    verdict_interval,
)

NUM_IMAGES, NUM_RESAMPLES = 300, 40


@pytest.fixture(scope="module")
def resamples() -> Resamples:
    return Resamples(NUM_IMAGES, NUM_RESAMPLES, seed=5)


@pytest.fixture(params=["distinct", "ties"])
def scores(request):
    """Uncertainty of known images, of foreign images, and whether the known are right."""
    generator = np.random.default_rng(1)
    known = generator.normal(size=NUM_IMAGES)
    foreign = generator.normal(1.5, size=NUM_IMAGES + 50)
    if request.param == "ties":
        known, foreign = known.round(), foreign.round()
    return known, foreign, generator.random(NUM_IMAGES) > 0.1


def one_draw(resamples: Resamples, resample: int) -> np.ndarray:
    return np.repeat(np.arange(resamples.num_images), resamples.counts[:, resample])


def test_a_mean_has_the_interval_of_the_slow_bootstrap(resamples):
    values = np.random.default_rng(0).exponential(size=NUM_IMAGES)
    slow = paired_bootstrap(np.mean, values, num_resamples=NUM_RESAMPLES, seed=5)
    fast = percentile_interval(values.mean(), resamples.means(values))
    assert (fast.estimate, fast.low, fast.high) == pytest.approx(
        (slow.estimate, slow.low, slow.high), rel=1e-12
    )


def test_every_draw_has_as_many_images(resamples):
    assert (resamples.counts.sum(axis=0) == NUM_IMAGES).all()
    assert len(np.unique(resamples.counts.T, axis=0)) == NUM_RESAMPLES


def test_selective_measures_are_those_of_the_drawn_images(resamples, scores):
    uncertainty, _, correct = scores
    areas = resamples.risk_coverage(uncertainty, correct)
    at_risk = resamples.coverage_at_risk(uncertainty, correct, 0.05)
    at_coverage = resamples.risk_at_coverage(uncertainty, correct, 0.8)
    for resample in range(NUM_RESAMPLES):
        drawn = one_draw(resamples, resample)
        curve = selective.risk_coverage(uncertainty[drawn], correct[drawn])
        assert areas["aurc"][resample] == pytest.approx(curve.aurc, rel=1e-10)
        assert areas["augrc"][resample] == pytest.approx(curve.augrc, rel=1e-10)
        assert at_risk[resample] == pytest.approx(curve.coverage_at_risk(0.05))
        assert at_coverage[resample] == pytest.approx(curve.risk_at_coverage(0.8))


def test_at_coverage_0_the_first_image_that_was_drawn_is_answered(resamples, scores):
    uncertainty, _, correct = scores
    risks = resamples.risk_at_coverage(uncertainty, correct, 0.0)
    for resample in range(NUM_RESAMPLES):
        drawn = one_draw(resamples, resample)
        curve = selective.risk_coverage(uncertainty[drawn], correct[drawn])
        assert risks[resample] == curve.risk_at_coverage(0.0)


def test_without_an_error_nothing_is_at_risk(resamples):
    right, uncertainty = np.ones(NUM_IMAGES, dtype=bool), np.arange(NUM_IMAGES)
    areas = resamples.risk_coverage(uncertainty, right)
    assert (areas["aurc"] == 0).all()
    assert (areas["augrc"] == 0).all()
    assert (resamples.coverage_at_risk(uncertainty, right, 0.0) == 1).all()


def test_ranking_measures_are_those_of_the_drawn_images(scores):
    known, ood, _ = scores
    draws = Resamples(len(known), 240, seed=5), Resamples(len(ood), 240, seed=6)
    measured = ranking_draws(known, ood, *draws)
    for resample in range(0, 240, 17):
        found = ood_detection(
            known[one_draw(draws[0], resample)], ood[one_draw(draws[1], resample)]
        )
        assert measured["auroc"][resample] == pytest.approx(found.auroc)
        assert measured["fpr95"][resample] == pytest.approx(found.fpr95)


# Calibration


def calibrated(num_images: int, seed: int, shift: float = 0.0):
    """Confidences as networks have them, most near 1, and answers right less often by a shift."""
    generator = np.random.default_rng(seed)
    confidence = 1 - 0.9 * generator.beta(0.3, 4, size=num_images)
    return confidence, generator.random(num_images) < confidence - shift


def test_gaps_add_up_to_the_calibration_error():
    confidence, correct = calibrated(2000, seed=0, shift=0.05)
    confidence[:3] = 1.0
    gaps = calibration_gaps(confidence, correct)
    error = bins_of_confidence(confidence, correct).error
    assert np.abs(gaps.mean(axis=0)).sum() == pytest.approx(error, rel=1e-12)


def test_noise_is_by_how_much_the_bins_of_a_draw_differ(resamples):
    confidence, correct = calibrated(NUM_IMAGES, seed=1)
    gaps = calibration_gaps(confidence, correct)
    noise = calibration_noise(gaps, resamples)
    drawn = gaps[one_draw(resamples, 3)]
    assert noise[3] == pytest.approx(np.abs(drawn.mean(axis=0) - gaps.mean(axis=0)).sum())


@pytest.mark.parametrize("shift", [0.0, 0.005, 0.05])
def test_the_interval_of_an_ece_holds_the_true_one(shift):
    hits, trials = 0, 100
    for trial in range(trials):
        confidence, correct = calibrated(1500, seed=trial, shift=shift)
        gaps = calibration_gaps(confidence, correct)
        noise = calibration_noise(gaps, Resamples(len(gaps), 200, seed=trial))
        # right less often by the same shift everywhere: the true error is the shift
        hits += shift in calibration_interval(np.abs(gaps.mean(axis=0)).sum(), noise)
    assert hits >= 92  # of 100 at 95 %, two standard deviations below


# Verdicts


def test_where_seeds_disagree_a_verdict_is_undecided():
    values = np.random.default_rng(0).exponential(size=500)
    draws = [Resamples(500, 1000, seed).means(values) for seed in range(30)]
    bound = np.quantile(np.concatenate(draws), 0.025)  # on it, half of the seeds exclude it
    plain = [percentile_interval(values.mean(), one - bound).low > 0 for one in draws]
    assert 5 < sum(plain) < 25
    verdicts = [verdict_interval(values.mean(), one - bound) for one in draws]
    assert {judge([(one.low, one.high)]) for one in verdicts} == {"undecided"}


def test_a_clear_difference_stays_decided_with_room_for_the_seed():
    values = np.random.default_rng(0).exponential(size=500)
    draws = Resamples(500, 1000).means(values)
    narrow, wide = percentile_interval(1.0, draws), verdict_interval(1.0, draws)
    assert draws.min() < wide.low < narrow.low < narrow.high < wide.high < draws.max()


def test_nothing_to_draw_is_refused():
    for sizes in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one image"):
            Resamples(*sizes)
    assert Resamples(1, 1).counts.tolist() == [[1]]
