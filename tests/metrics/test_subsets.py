"""Subsets of members: every measure against its slow definition, samples, ties."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from course_utils.metrics import scores, subsets
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.detection import ood_detection
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.subsets import SAMPLED, Choices


def make_predictions(
    count: int = 300, members: int = 4, classes: int = 10, *, seed: int = 0, skill: float = 3.0
) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, members, classes))
    logits[np.arange(count), :, labels] += skill
    return Predictions(logits.astype(np.float32), labels)


ENSEMBLE = make_predictions(members=5, skill=2.0)
OOD = make_predictions(200, members=5, seed=1, skill=0.0)
CHOICES = Choices(ENSEMBLE, OOD)
MANY = Choices(make_predictions(members=14), make_predictions(100, members=14, seed=2))


def slow(predictions: Predictions, ood: Predictions) -> list[float]:
    """The five measures from their definitions."""
    mean, labels = predictions.mean, predictions.labels
    known, unknown = scores.max_probability(predictions), scores.max_probability(ood)
    return [
        predictions.correct.mean(),
        -np.log(mean[np.arange(len(labels)), labels]).mean(),
        ((mean - np.eye(mean.shape[1])[labels]) ** 2).sum(axis=1).mean(),
        expected_calibration_error(predictions),
        ood_detection(known, unknown).auroc,
    ]


def test_every_choice_is_measured_by_the_definitions() -> None:
    assert CHOICES.complete and len(CHOICES.table) == 31
    for size in range(1, 6):
        for members in combinations(range(5), size):
            expected = slow(ENSEMBLE.subset(members), OOD.subset(members))
            np.testing.assert_allclose(CHOICES.measure(frozenset(members)), expected, rtol=1e-12)


def test_ece_and_brier_are_those_of_torch_uncertainty() -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torch_uncertainty.metrics.classification")
    mean = torch.from_numpy(ENSEMBLE.mean.copy())
    labels = torch.from_numpy(np.array(ENSEMBLE.labels))
    error = metrics.CalibrationError(task="multiclass", num_classes=10, num_bins=15)
    brier = metrics.BrierScore(num_classes=10)
    everybody = frozenset(range(5))
    assert CHOICES.value(everybody, "ECE") == pytest.approx(float(error(mean, labels)), abs=1e-5)
    assert CHOICES.value(everybody, "Brier score") == pytest.approx(
        float(brier(mean, labels)), abs=1e-5
    )


def test_answers_at_equal_probability_are_those_of_predictions() -> None:
    ties = Predictions(np.zeros((10, 3, 10)), np.arange(10))
    assert Choices(ties).value(frozenset({0, 2}), "Accuracy") == ties.correct.mean() == 0.1


def test_many_members_are_sampled() -> None:
    assert not MANY.complete
    counts = np.bincount(MANY.sizes)
    assert counts[1] == 14 and counts[14] == 1 and (counts[2:14] > 1).all()
    for members in ([3], [1, 5, 11], list(range(14))):
        whole = make_predictions(members=14)
        accuracy = whole.subset(members).correct.mean()
        assert MANY.value(frozenset(members), "Accuracy") == pytest.approx(accuracy)
    before = len(MANY.table)
    MANY.measure(frozenset({0, 1, 2, 9, 13}))
    assert len(MANY.table) == before  # what is asked for does not bend the sample


def test_large_data_are_not_measured_in_full() -> None:
    few = Choices(make_predictions(30_000, members=10, classes=10))
    assert not few.complete and 200 < len(few.table) <= SAMPLED


@pytest.mark.parametrize(("spared", "complete"), [(0, True), (1, False)])
def test_all_choices_are_measured_where_that_is_affordable(spared, complete, monkeypatch) -> None:
    work = 31 * (300 + 200) * 10  # choices, images of both kinds, classes
    monkeypatch.setattr(subsets, "MOST_WORK", work - spared)
    assert Choices(ENSEMBLE, OOD).complete is complete


def test_a_sample_of_many_members_stays_small() -> None:
    assert len(Choices(make_predictions(20, members=40)).table) <= SAMPLED


# What is asked of them


def test_values_are_those_of_all_choices() -> None:
    values = CHOICES.values("NLL")
    assert len(values) == 31
    pairs = [CHOICES.value(frozenset(pair), "NLL") for pair in combinations(range(5), 2)]
    assert sorted(values[CHOICES.sizes == 2]) == sorted(pairs)


def test_shares_are_marked_and_auroc_needs_ood_images() -> None:
    shares = [name for name, metric in CHOICES.metrics.items() if metric.is_share]
    assert shares == ["Accuracy", "ECE"]
    assert "AUROC" not in Choices(ENSEMBLE).metrics


def test_ood_images_of_other_members_are_refused() -> None:
    with pytest.raises(ValueError, match="M = 4 and C = 7, the others with M = 5 and C = 10"):
        Choices(ENSEMBLE, make_predictions(10, members=4, classes=7))
    with pytest.raises(ValueError, match="no OOD images"):
        Choices(ENSEMBLE, OOD.take([]))
