"""Accuracy, losses and confusion counts: torch-uncertainty's and scikit-learn's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.metrics import classification
from course_utils.metrics.predictions import Predictions


def ensemble(num_images: int = 300, num_members: int = 3, num_classes: int = 5) -> Predictions:
    generator = np.random.default_rng(3)
    labels = generator.integers(num_classes, size=num_images)
    logits = generator.normal(0, 2, size=(num_images, num_members, num_classes))
    logits[np.arange(num_images), :, labels] += 2
    return Predictions(logits, labels)


PREDICTIONS = ensemble()


@pytest.mark.parametrize(
    ("function", "metric", "options"),
    [
        (classification.negative_log_likelihood, "CategoricalNLL", {}),
        (classification.brier_score, "BrierScore", {"num_classes": 5}),
    ],
)
def test_losses_are_those_of_torch_uncertainty(function, metric, options) -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torch_uncertainty.metrics")
    theirs = getattr(metrics, metric)(**options)
    theirs.update(torch.tensor(PREDICTIONS.mean), torch.tensor(PREDICTIONS.labels))
    assert function(PREDICTIONS) == pytest.approx(float(theirs.compute()), rel=1e-6)


def test_losses_are_the_means_of_their_terms() -> None:
    mean, labels = PREDICTIONS.mean, PREDICTIONS.labels
    for loss, terms in (
        (classification.negative_log_likelihood, classification.log_loss_terms),
        (classification.brier_score, classification.brier_terms),
    ):
        assert loss(PREDICTIONS) == pytest.approx(terms(mean, labels).mean())


def test_the_nll_of_a_probability_of_zero_is_infinite() -> None:
    given = Predictions.from_probabilities([[1.0, 0.0], [1.0, 0.0]], [0, 1])
    assert classification.negative_log_likelihood(given) == np.inf
    assert classification.negative_log_likelihood(given.take([0])) == 0
    assert classification.brier_score(given) == 1


def test_terms_leave_what_they_were_given() -> None:
    before = PREDICTIONS.mean.copy()
    writable = before.copy()
    classification.brier_terms(writable, PREDICTIONS.labels)
    classification.log_loss_terms(writable, PREDICTIONS.labels)
    np.testing.assert_array_equal(writable, before)


def test_accuracy_of_the_ensemble_and_of_its_members() -> None:
    assert classification.accuracy(PREDICTIONS) == PREDICTIONS.correct.mean()
    alone = [classification.accuracy(PREDICTIONS.subset(member)) for member in range(3)]
    np.testing.assert_array_equal(classification.member_accuracy(PREDICTIONS), alone)


@pytest.mark.parametrize(
    "function",
    [
        classification.accuracy,
        classification.member_accuracy,
        classification.negative_log_likelihood,
        classification.brier_score,
        classification.confusion_counts,
    ],
)
def test_labels_and_images_are_needed(function) -> None:
    with pytest.raises(ValueError, match="needs true labels"):
        function(Predictions(PREDICTIONS.logits))
    with pytest.raises(ValueError, match="needs at least one image"):
        function(PREDICTIONS.take([]))


def test_confusion_counts_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    expected = metrics.confusion_matrix(PREDICTIONS.labels, PREDICTIONS.predicted, labels=range(5))
    np.testing.assert_array_equal(classification.confusion_counts(PREDICTIONS), expected)


def test_classes_that_never_occur_have_their_row_and_column() -> None:
    given = Predictions.from_probabilities([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]], [0, 0])
    assert classification.confusion_counts(given).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
