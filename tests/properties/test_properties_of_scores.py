"""Scores for whatever a classifier may answer: what must not matter, and what bounds them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from property_strategies import ORDINARY, answers, exact_probabilities, logits, orders

from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions

VOTES = ("Variation ratio", "Disagreement")
SMOOTH = [name for name in scores.SCORES if name not in VOTES]


def all_scores(predictions: Predictions) -> dict[str, np.ndarray]:
    """Every score that these predictions allow, also those that rank nothing."""
    with_logits = predictions.logits is not None
    return {
        name: score(predictions)
        for name, score in scores.SCORES.items()
        if with_logits or not score.needs_logits
    }


@given(st.data(), answers())
def test_the_order_of_members_and_images_does_not_matter(data, predictions):
    members = data.draw(orders(predictions.num_members))
    images = data.draw(orders(len(predictions)))
    expected = all_scores(predictions)
    for name, values in all_scores(predictions.subset(members=members)).items():
        assert values == pytest.approx(expected[name], rel=1e-6, abs=1e-12), name
    for name, values in all_scores(predictions.take(images)).items():
        assert values == pytest.approx(expected[name][images], rel=1e-15, abs=0), name


# Unique, because a member that cannot choose between two classes votes for the lower one.
@given(st.data(), logits(ORDINARY, unique=True))
def test_the_names_of_the_classes_do_not_matter(data, given_logits):
    renamed = given_logits[..., data.draw(orders(given_logits.shape[-1]))]
    expected = all_scores(Predictions(given_logits))
    for name, values in all_scores(Predictions(renamed)).items():
        assert values == pytest.approx(expected[name], rel=1e-6, abs=1e-12), name


@given(answers())
def test_relations_between_scores(predictions):
    found = all_scores(predictions)
    assert (found["Entropy"] >= found["Expected entropy"] - 1e-12).all()
    # Hellman & Raviv 1970: at most half the entropy in bits
    assert (2 * np.log(2) * found["Maximum probability"] <= found["Entropy"] + 1e-12).all()
    # at most as many pairs agree as if all members voted in groups of the largest size
    assert (found["Variation ratio"] <= found["Disagreement"] + 1e-12).all()
    unanimous = found["Variation ratio"] == 0
    assert (found["Disagreement"][unanimous] == 0).all()
    if predictions.logits is not None:
        largest = found["Maximum logit"]
        rounding = 1e-12 * (1 + np.abs(largest))
        assert (found["Energy"] <= largest + rounding).all()
        assert (found["Energy"] >= largest - np.log(predictions.num_classes) - rounding).all()


@given(exact_probabilities())
def test_probabilities_of_exactly_0_and_1_are_in_range(probabilities):
    predictions = Predictions.from_probabilities(probabilities)
    for name, values in all_scores(predictions).items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
    certain = (predictions.mean == 1).any(axis=-1)
    for name, values in all_scores(predictions).items():
        if name not in VOTES:
            assert (values[certain] == 0).all(), name


@given(logits())
def test_certain_images_are_one_step_of_the_curve(given_logits):
    # where one logit is 800 above all others, even float64 has a probability of exactly 1
    certain = given_logits.copy()
    certain[..., 0] = 1e4
    certain[..., 1:] = np.minimum(certain[..., 1:], 50)
    predictions = Predictions(certain, np.zeros(len(certain), int))
    for name in SMOOTH[:3]:
        uncertainty = scores.SCORES[name](predictions)
        curve = selective.risk_coverage(uncertainty, predictions.correct)
        assert curve.threshold.tolist() == [0.0], name
        assert curve.coverage.tolist() == [1.0]


@given(logits(ORDINARY))
def test_float32_probabilities_cost_six_digits_and_no_more(given_logits):
    shifted = given_logits - given_logits.max(axis=-1, keepdims=True)
    in_float32 = np.exp(shifted)
    in_float32 /= in_float32.sum(axis=-1, keepdims=True)
    assert in_float32.dtype == np.float32
    coarse = all_scores(Predictions.from_probabilities(in_float32))
    fine = all_scores(Predictions(given_logits))
    for name in SMOOTH[:4]:
        assert coarse[name] == pytest.approx(fine[name], abs=1e-5), name


# Against torch-uncertainty


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries at import
        import torch_uncertainty.metrics
        import torch_uncertainty.ood_criteria

    return torch_uncertainty


def tensor(array):
    import torch

    return torch.from_numpy(np.array(array))


@given(answered=answers())
def test_the_values_of_torch_uncertainty_s_metrics(library, answered):
    assume(answered.num_members > 1)  # where there is one, Disagreement is NaN
    # votes are those of the logits, which may differ where probabilities are equal
    predictions = Predictions.from_probabilities(answered.probabilities)
    metrics, members = library.metrics, tensor(predictions.probabilities)
    found = all_scores(predictions)
    for name, metric, given_probabilities in [
        ("Entropy", metrics.Entropy, tensor(predictions.mean)),
        ("Expected entropy", metrics.Entropy, members),
        ("Mutual information", metrics.MutualInformation, members),
        ("Disagreement", metrics.Disagreement, members),
    ]:
        measured = metric(reduction="none")
        measured.update(given_probabilities)
        theirs = np.atleast_1d(measured.compute().numpy())  # a bare number for one image
        # Disagreement divides in float32 whatever it is given
        assert found[name] == pytest.approx(theirs, abs=1e-6), name


@given(given_logits=logits())
def test_the_values_of_torch_uncertainty_s_criteria(library, given_logits):
    predictions = Predictions(given_logits)
    found = all_scores(predictions)
    for name, criterion in [("Energy", "energy"), ("Maximum logit", "logit")]:
        theirs = library.ood_criteria.get_ood_criterion(criterion)(
            tensor(given_logits.astype(np.float64))
        )
        assert found[name] == pytest.approx(theirs.numpy(), rel=1e-12, abs=1e-10), name
