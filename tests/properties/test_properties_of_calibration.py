"""Temperatures for any predictions: what must not matter, extremes, and the libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_strategies import labelled, logits, orders

from course_utils.metrics import calibration
from course_utils.metrics.classification import negative_log_likelihood
from course_utils.metrics.predictions import Predictions

TEMPERATURES = st.floats(0.05, 20)


def fitted(predictions: Predictions) -> float:
    return calibration.fit_temperature(predictions.logits[:, 0], predictions.labels)


@given(st.data(), labelled())
def test_order_of_images_names_of_classes_and_shifts_do_not_matter(data, predictions):
    given_logits, labels = predictions.logits[:, 0].astype(np.float64), predictions.labels
    found = calibration.fit_temperature(given_logits, labels)
    images = data.draw(orders(len(labels)))
    reordered = calibration.fit_temperature(given_logits[images], labels[images])
    assert reordered == pytest.approx(found, rel=1e-9)
    names = np.array(data.draw(orders(given_logits.shape[1])))
    renamed = np.empty_like(given_logits)
    renamed[:, names] = given_logits
    assert calibration.fit_temperature(renamed, names[labels]) == pytest.approx(found, rel=1e-9)
    shifted = given_logits + np.linspace(-1e4, 1e4, len(labels))[:, np.newaxis]
    assert calibration.fit_temperature(shifted, labels) == pytest.approx(found, rel=1e-6)


@given(labelled(), st.floats(0.1, 10))
def test_logits_times_a_factor_have_the_temperature_times_the_factor(predictions, factor):
    scaled = calibration.fit_temperature(
        factor * predictions.logits[:, 0].astype(np.float64), predictions.labels
    )
    assert scaled == pytest.approx(factor * fitted(predictions), rel=1e-9)


@given(labelled(), TEMPERATURES)
def test_no_temperature_is_better_than_the_fitted_one(predictions, other):
    single = predictions.subset(members=0)
    best = calibration.scale(single, members=fitted(single))
    assert negative_log_likelihood(best) <= (
        negative_log_likelihood(calibration.scale(single, members=other)) + 1e-7
    )


@given(labelled())
def test_float32_logits_have_the_temperature_of_float64(predictions):
    exact = predictions.logits[:, 0].astype(np.float64) * (1 + 1e-9)
    assert calibration.fit_temperature(exact, predictions.labels) == pytest.approx(
        fitted(predictions), rel=1e-6
    )


@given(logits())
def test_the_logarithm_of_the_mean_is_one_of_probabilities(given_logits):
    predictions = Predictions(given_logits)
    found = calibration.log_mean(predictions)
    assert np.isfinite(found).all()
    assert (found <= 1e-12).all()
    assert np.exp(found).sum(axis=-1) == pytest.approx(1, abs=1e-12)
    assert np.exp(found) == pytest.approx(predictions.mean, abs=1e-12)


@given(st.data(), logits(), TEMPERATURES)
def test_scaling_answers_for_every_member_as_before(data, given_logits, temperature):
    predictions = Predictions(given_logits)
    scaled = calibration.scale(predictions, members=temperature)
    # dividing may make neighbours equal in float32, never exchange them
    chosen = np.take_along_axis(
        scaled.logits, predictions.member_predicted[..., np.newaxis], axis=-1
    )
    assert (chosen[..., 0] == scaled.logits.max(axis=-1)).all()
    members = data.draw(orders(predictions.num_members))
    pooled = calibration.scale(predictions, mean=temperature)
    shuffled = calibration.scale(predictions.subset(members=members), mean=temperature)
    assert shuffled.mean == pytest.approx(pooled.mean, abs=1e-4)
    assert np.isfinite(pooled.logits).all()


@given(predictions=labelled())
def test_the_nll_is_pytorch_s(predictions):
    torch = pytest.importorskip("torch")
    single = predictions.subset(members=0)
    theirs = torch.nn.functional.cross_entropy(
        torch.from_numpy(single.logits[:, 0].astype(np.float64)),
        torch.from_numpy(np.array(single.labels)),
    )
    assert negative_log_likelihood(single) == pytest.approx(float(theirs), rel=1e-12)


@given(predictions=labelled())
def test_the_nll_is_torch_uncertainty_s(predictions):
    torch = pytest.importorskip("torch")
    from torch_uncertainty.metrics import CategoricalNLL

    metric = CategoricalNLL()
    metric.update(
        torch.from_numpy(np.array(predictions.mean)), torch.from_numpy(np.array(predictions.labels))
    )
    assert negative_log_likelihood(predictions) == pytest.approx(float(metric.compute()), rel=1e-6)
