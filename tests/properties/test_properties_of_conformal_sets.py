"""Prediction sets for any probabilities: the promise where they calibrate, and symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from property_strategies import exact_probabilities, labelled, orders

from course_utils.metrics import conformal
from course_utils.metrics.predictions import Predictions

ALPHAS = st.floats(0.01, 0.99)
MANY_TIES = hnp.arrays(np.float64, st.integers(1, 60), elements=st.integers(0, 8))


def mean_of(probabilities: np.ndarray) -> np.ndarray:
    """What an ensemble with these probabilities answers, float64 [N, C]."""
    return Predictions.from_probabilities(probabilities).mean


@given(MANY_TIES, ALPHAS)
def test_the_images_that_calibrate_are_covered_as_promised(true_scores, alpha):
    threshold = conformal.quantile(true_scores, alpha)
    count = len(true_scores)
    if threshold == math.inf:
        assert alpha < 1 / (count + 1) + 1e-9
        return
    assert threshold in true_scores
    wanted = (count + 1) * (1 - alpha) - 1e-6
    assert np.count_nonzero(true_scores <= threshold) >= wanted
    # and no smaller score would do
    assert np.count_nonzero(true_scores < threshold) < wanted + 1e-6 + 1e-9


@given(MANY_TIES, ALPHAS, ALPHAS)
def test_a_stricter_promise_never_makes_smaller_sets(true_scores, first, second):
    strict, loose = sorted([first, second])
    for corrected in (True, False):
        assert conformal.quantile(true_scores, strict, corrected=corrected) >= (
            conformal.quantile(true_scores, loose, corrected=corrected)
        )


@given(st.data(), MANY_TIES, ALPHAS)
def test_order_and_rising_transforms_of_the_scores_do_not_matter(data, true_scores, alpha):
    threshold = conformal.quantile(true_scores, alpha)
    shuffled = true_scores[data.draw(orders(len(true_scores)))]
    assert conformal.quantile(shuffled, alpha) == threshold
    everything = np.arange(9.0)
    sets = conformal.prediction_sets(everything, threshold)
    for transform in (np.exp, np.cbrt, lambda scores: 3 * scores - 100):
        moved = conformal.quantile(transform(true_scores), alpha)
        assert np.array_equal(conformal.prediction_sets(transform(everything), moved), sets)


@given(exact_probabilities(), st.floats(0, 1), st.floats(0, 2))
def test_scores_are_in_range_for_probabilities_of_exactly_0_and_1(probabilities, noise, penalty):
    mean = mean_of(probabilities)
    count, num_classes = mean.shape
    one_minus = conformal.threshold_scores(mean)
    assert ((one_minus >= 0) & (one_minus <= 1)).all()
    plain = conformal.adaptive_scores(mean)
    assert (plain >= mean - 1e-12).all()
    assert (plain <= 1 + 1e-12).all()
    assert plain.max(axis=1) == pytest.approx(np.ones(count))
    assert plain.min(axis=1) == pytest.approx(mean.max(axis=1))
    noisy = conformal.adaptive_scores(mean, np.full(count, noise))
    assert (noisy >= -1e-12).all()
    assert noisy == pytest.approx(plain - noise * mean, abs=1e-12)
    penalised = conformal.adaptive_scores(mean, penalty=penalty)
    assert (penalised >= plain - 1e-12).all()
    assert (penalised <= plain + penalty * (num_classes - 1) + 1e-12).all()


@given(st.data(), labelled())
def test_the_names_of_the_classes_do_not_matter(data, predictions):
    mean = predictions.mean
    # among equal probabilities the adaptive scores rank the lower class first
    assume((np.diff(np.sort(mean, axis=1), axis=1) > 0).all())
    names = data.draw(orders(predictions.num_classes))
    for score in (conformal.threshold_scores, conformal.adaptive_scores):
        assert score(mean[:, names]) == pytest.approx(score(mean)[:, names], abs=1e-12)


@given(labelled(), ALPHAS, st.integers(1, 39), st.integers(0, 2**32 - 1))
def test_draws_are_shares_and_sets_grow_with_the_promise(predictions, alpha, count, seed):
    scores = conformal.threshold_scores(predictions.mean)
    draws, looser = (
        conformal.coverage_of_draws(
            scores, predictions.labels, level, count, num_draws=5, seed=seed
        )
        for level in (alpha, min(0.99, alpha + 0.1))
    )
    assert ((draws.coverage >= 0) & (draws.coverage <= 1)).all()
    assert ((draws.size >= 0) & (draws.size <= predictions.num_classes)).all()
    assert (draws.coverage >= looser.coverage).all()
    assert (draws.size >= looser.size).all()
    assert 1 - alpha - 1e-9 <= conformal.expected_coverage(count, alpha)
    assert conformal.expected_coverage(count, alpha) < 1 - alpha + 1 / (count + 1) + 1e-9


@given(labelled())
def test_float32_probabilities_have_the_scores_of_float64(predictions):
    mean = predictions.mean
    for score in (conformal.threshold_scores, conformal.adaptive_scores):
        assert score(mean.astype(np.float32)) == pytest.approx(score(mean), abs=1e-6)


@given(predictions=labelled(), alpha=st.floats(0.05, 0.5))
def test_the_sets_of_torch_uncertainty(predictions, alpha):
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset
    from torch_uncertainty.post_processing import ConformalClsAPS, ConformalClsTHR

    mean, labels = predictions.mean, predictions.labels
    given_logits = torch.from_numpy(np.log(mean))
    loader = DataLoader(TensorDataset(given_logits, torch.from_numpy(np.array(labels))), 20)
    for wrapped, scores in [
        (ConformalClsTHR, conformal.threshold_scores(mean)),
        (ConformalClsAPS, conformal.adaptive_scores(mean)),
    ]:
        options = {"randomized": False} if wrapped is ConformalClsAPS else {}
        theirs = wrapped(alpha=alpha, model=torch.nn.Sequential(), enable_ts=False, **options)
        theirs.fit(loader)
        true_scores = scores[np.arange(len(labels)), labels]
        threshold = conformal.quantile(true_scores, alpha, corrected=False)
        assert threshold == pytest.approx(float(theirs.quantile), abs=1e-6)
        # the last digit decides for scores that are the quantile itself: leave those out
        clear = np.abs(scores - threshold) > 1e-6
        sets = conformal.prediction_sets(scores, threshold, always=mean.argmax(axis=1))
        assert (sets == (theirs.conformal(given_logits).numpy() > 0))[clear].all()
