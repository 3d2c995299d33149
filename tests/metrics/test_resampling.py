"""The bootstrap of the ledger: the same draws, percentiles and measures as the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from course_utils.metrics import selective
from course_utils.metrics.intervals import paired_bootstrap
from course_utils.metrics.resampling import (
    Resamples,
    percentile_interval,
    ranking_draws,
    reflected_interval,
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


def test_ranking_measures_are_those_of_the_drawn_images(resamples, scores):
    known, foreign, _ = scores
    foreign_draws = Resamples(len(foreign), NUM_RESAMPLES, seed=6)
    measured = ranking_draws(known, foreign, resamples, foreign_draws)
    torch = pytest.importorskip("torch")
    from torch_uncertainty.metrics import FPR95

    for resample in range(0, NUM_RESAMPLES, 4):
        drawn = known[one_draw(resamples, resample)]
        drawn_foreign = foreign[one_draw(foreign_draws, resample)]
        scores_drawn = np.concatenate([drawn, drawn_foreign])
        labels = np.repeat([0, 1], [len(drawn), len(drawn_foreign)])
        assert measured["auroc"][resample] == pytest.approx(roc_auc_score(labels, scores_drawn))
        # images drawn twice count one after another here, as one step there
        assert measured["aupr"][resample] == pytest.approx(
            average_precision_score(labels, scores_drawn), abs=1e-3
        )
        metric = FPR95(pos_label=1)
        metric.update(torch.tensor(scores_drawn), torch.tensor(labels))
        assert measured["fpr95"][resample] == pytest.approx(float(metric.compute()), abs=1e-6)


def test_calibration_error_is_torch_uncertainty_s(resamples):
    torch = pytest.importorskip("torch")
    from torch_uncertainty.metrics import CalibrationError

    generator = np.random.default_rng(2)
    probabilities = generator.dirichlet(np.full(10, 0.1), size=NUM_IMAGES)
    labels = generator.integers(10, size=NUM_IMAGES)
    correct = probabilities.argmax(axis=1) == labels
    ours = resamples.calibration_error(probabilities.max(axis=1), correct)
    for resample in range(0, NUM_RESAMPLES, 10):
        drawn = one_draw(resamples, resample)
        metric = CalibrationError(task="multiclass", num_classes=10, num_bins=15)
        metric.update(torch.tensor(probabilities[drawn]), torch.tensor(labels[drawn]))
        assert ours[resample] == pytest.approx(float(metric.compute()), abs=1e-6)


def test_reflection_comes_nearer_to_a_perfect_calibration_than_percentiles():
    generator = np.random.default_rng(3)
    hits = {"reflected": 0, "percentile": 0}
    for trial in range(20):
        confidence = generator.uniform(0.1, 1, size=2000)
        correct = generator.random(2000) < confidence  # the true error is 0
        draws = Resamples(2000, 100, seed=trial)
        estimate = np.abs(_gaps(confidence, correct)).sum() / 2000
        values = draws.calibration_error(confidence, correct)
        hits["reflected"] += reflected_interval(estimate, values).low <= 0.005
        hits["percentile"] += percentile_interval(estimate, values).low <= 0.005
    assert hits["reflected"] >= hits["percentile"] + 10


def _gaps(confidence, correct):
    bins = np.minimum((confidence * 15).astype(int), 14)
    return np.bincount(bins, weights=correct - confidence)


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        Resamples(0)
