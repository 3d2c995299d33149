"""Calibration error, and temperatures: known answers, torch-uncertainty's, and invariances."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.metrics import calibration, scores
from course_utils.metrics.classification import negative_log_likelihood
from course_utils.metrics.predictions import Predictions


def drawn_from_own_softmax(
    temperature: float, num_images: int = 40_000, num_classes: int = 4, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose labels are drawn from softmax(logits / temperature)."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 3, size=(num_images, num_classes))
    gumbel = generator.gumbel(size=logits.shape)
    return logits, (logits / temperature + gumbel).argmax(axis=1)


def ensemble(
    num_images: int = 300, num_members: int = 3, seed: int = 1, skill: float = 2.0
) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = generator.integers(5, size=num_images)
    logits = generator.normal(0, 2, size=(num_images, num_members, 5))
    logits[np.arange(num_images), :, labels] += skill
    return Predictions(logits, labels)


@pytest.mark.parametrize("skill", [-2.0, 0.0, 3.0])
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_error_of_equal_mass_is_that_of_torch_uncertainty(skill: float, bins: int) -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torch_uncertainty.metrics")
    predictions = ensemble(510, 4, seed=7, skill=skill)
    metric = metrics.AdaptiveCalibrationError(task="multiclass", num_classes=5, num_bins=bins)
    metric.update(torch.tensor(predictions.mean), torch.tensor(predictions.labels))
    found = calibration.equal_mass_bins(predictions, bins)
    assert found.error == pytest.approx(float(metric.compute()), abs=1e-6)


def test_bins_of_equal_mass_differ_by_one_image_at_most() -> None:
    found = calibration.equal_mass_bins(ensemble(103), 10)
    assert found.count.tolist() == [11] * 3 + [10] * 7 + [0]
    assert (np.diff(found.confidence[:-1]) >= 0).all() and (np.diff(found.edges) >= 0).all()
    confidence, edges = found.confidence[:-1], found.edges
    assert ((edges[:-1] <= confidence) & (confidence <= edges[1:])).all()


def test_equal_mass_with_fewer_images_than_bins_and_without_any() -> None:
    few = ensemble(3)
    assert calibration.equal_mass_bins(few, 15).count.tolist() == [1, 1, 1, 0]
    with pytest.raises(ValueError, match="at least 1 bin"):
        calibration.equal_mass_bins(few, 0)
    with pytest.raises(ValueError, match="at least one image"):
        calibration.equal_mass_bins(few.take([]))


@pytest.mark.parametrize("skill", [-2.0, 0.0, 3.0])
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_error_is_that_of_torch_uncertainty(skill: float, bins: int) -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torch_uncertainty.metrics")
    predictions = ensemble(500, 4, seed=7, skill=skill)
    metric = metrics.CalibrationError(task="multiclass", num_classes=5, num_bins=bins)
    metric.update(torch.tensor(predictions.mean), torch.tensor(predictions.labels))
    assert calibration.expected_calibration_error(predictions, bins) == pytest.approx(
        float(metric.compute()), abs=1e-6
    )


def test_bins_hold_what_they_should() -> None:
    # confidences .55 (wrong), .65 (right), .65 (wrong), exactly 1 (right)
    first = np.array([0.55, 0.65, 0.65, 1.0])
    both = np.stack([first, 1 - first], axis=1)
    predictions = Predictions.from_probabilities(both[:, None], np.array([1, 0, 1, 0]))
    table = calibration.calibration_bins(predictions, 10)
    assert table.count.tolist() == [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1]
    assert table.accuracy[5] == 0 and table.accuracy[6] == 0.5 and table.accuracy[10] == 1
    assert table.confidence[6] == pytest.approx(0.65)
    assert np.isnan(table.accuracy[0])
    assert table.error == pytest.approx((1 * 0.55 + 2 * 0.15 + 1 * 0) / 4)


def test_there_are_15_bins_unless_asked_otherwise() -> None:
    assert calibration.bin_numbers([0.0, 0.5, 0.999, 1.0]).tolist() == [0, 7, 14, 15]
    assert len(calibration.calibration_bins(ensemble()).count) == 16


def test_no_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 bin"):
        calibration.calibration_bins(ensemble(), 0)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_of_the_labels_is_found(temperature):
    logits, labels = drawn_from_own_softmax(temperature)
    assert calibration.fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.04)


@pytest.mark.parametrize("temperature", [1 / 800, 800])
def test_the_search_reaches_far(temperature):
    logits = temperature / 2 * np.log([[0.9, 0.1]] * 4)  # three of four right: 2 for 90 %
    assert calibration.fit_temperature(logits, [0, 0, 0, 1]) == pytest.approx(temperature)


def test_no_other_temperature_has_a_lower_nll():
    predictions = ensemble().subset(members=0)
    best = calibration.fit_temperature(predictions.logits[:, 0], predictions.labels)

    def nll(temperature):
        return negative_log_likelihood(calibration.scale(predictions, members=temperature))

    assert nll(best) < min(nll(best * 1.01), nll(best / 1.01), nll(1.0))


def test_the_same_temperature_as_torch_uncertainty():
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset
    from torch_uncertainty.post_processing import TemperatureScaler

    logits, labels = drawn_from_own_softmax(1.7, num_images=2_000)
    loader = DataLoader(TensorDataset(torch.tensor(logits), torch.tensor(labels)), batch_size=500)
    scaler = TemperatureScaler(torch.nn.Sequential())
    scaler.fit(loader, progress=False)
    ours = calibration.fit_temperature(logits, labels)
    assert ours == pytest.approx(float(scaler.temperature[0].detach()), rel=1e-3)


def test_log_mean_is_the_logarithm_of_the_mean():
    predictions = ensemble()
    assert np.exp(calibration.log_mean(predictions)) == pytest.approx(predictions.mean)


def test_log_mean_survives_probabilities_below_the_smallest_float():
    predictions = Predictions(np.array([[[0.0, -2000.0], [0.0, -3000.0]]], np.float32), [1])
    assert predictions.mean[0, 1] == 0
    assert calibration.log_mean(predictions)[0, 1] == pytest.approx(-2000 - np.log(2))
    assert negative_log_likelihood(predictions) == pytest.approx(2000 + np.log(2))


def test_a_temperature_of_one_changes_nothing():
    predictions = ensemble()
    for scaled in (
        calibration.scale(predictions, members=1.0),
        calibration.scale(predictions, members=[1.0, 1.0, 1.0]),
        calibration.scale(predictions, mean=1.0),
    ):
        assert scaled.mean == pytest.approx(predictions.mean, abs=1e-6)


def test_the_two_places_differ_and_only_one_keeps_the_answers():
    predictions = ensemble()
    of_mean = calibration.scale(predictions, mean=2.0)
    of_members = calibration.scale(predictions, members=2.0)
    assert (of_mean.predicted == predictions.predicted).all()
    assert (of_members.predicted != predictions.predicted).any()
    assert of_mean.num_members == 1
    assert of_members.num_members == 3
    assert of_members.member_predicted.tolist() == predictions.member_predicted.tolist()
    assert abs(of_mean.mean - of_members.mean).max() > 0.05


def test_members_get_their_own_temperatures():
    logits, labels = drawn_from_own_softmax(1.0, num_images=20_000)
    predictions = Predictions(np.stack([logits, 3 * logits], axis=1), labels)
    temperatures = calibration.member_temperatures(predictions)
    assert temperatures[1] / temperatures[0] == pytest.approx(3, rel=1e-3)
    scaled = calibration.scale(predictions, members=temperatures)
    assert scaled.probabilities[:, 0] == pytest.approx(scaled.probabilities[:, 1], abs=1e-4)


def test_a_higher_temperature_means_more_entropy():
    predictions = ensemble()
    entropies = [
        scores.entropy(calibration.scale(predictions, mean=t)).mean() for t in (0.5, 1, 2, 10)
    ]
    assert entropies == sorted(entropies)


@pytest.mark.parametrize(
    ("logits", "labels", "sentence"),
    [
        ([[2.0, 0.0], [0.0, 1.0]], [0, 1], "Every answer is right"),
        ([[2.0, 0.0], [0.0, 1.0]], [1, 0], "no better than guessing"),
        ([[1.0, 0.0], [1.0, 0.0]], [0, 1], "no better than guessing"),  # and no worse
        ([[2.0, 0.0], [0.0, 1.0]], [0, 1, 1], r"\[2, 2\] and \[3\]"),
        ([2.0, 0.0], [0, 1], r"logits \[N, C\]"),
        (np.zeros((0, 3)), np.zeros(0, int), "at least one image"),
        # equal everywhere; tiny and giant logits of which one is answered wrong
        (np.full((3, 2), 5.0), [0, 0, 0], "of every image are equal"),
        (1e-6 * np.eye(3), [0, 1, 1], r"lowest temperature, 0\.001, .* too little"),
        (1e6 * np.eye(3), [0, 1, 1], "highest temperature, 1000, .* too much"),
        ([[2.0, 0.0], [0.0, float("nan")]], [0, 0], "NaN or infinite"),
        ([[2.0, 0.0], [0.0, 1.0]], [0, -1], "whole numbers from 0 to 1"),
        ([[2.0, 0.0], [0.0, 1.0]], [0, 2], "whole numbers from 0 to 1"),
        ([[2.0, 0.0], [0.0, 1.0]], [0.0, 1.0], "whole numbers from 0 to 1"),
    ],
)
def test_where_no_temperature_is_best_a_sentence_says_so(logits, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        calibration.fit_temperature(logits, labels)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "one temperature"),
        ({"members": 1.0, "mean": 1.0}, "one temperature"),
        ({"members": 0.0}, "positive"),
        ({"mean": float("nan")}, "positive"),
        ({"mean": [1.0, 2.0]}, "single temperature"),
        ({"members": [1.0, 2.0]}, "3 members and 2 temperatures"),
    ],
)
def test_a_temperature_that_makes_no_sense_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        calibration.scale(ensemble(), **options)


def test_probabilities_without_logits_are_refused():
    predictions = Predictions.from_probabilities(np.full((4, 2, 5), 0.2), [0, 1, 2, 3])
    with pytest.raises(ValueError, match="logits"):
        calibration.scale(predictions, mean=2.0)
    with pytest.raises(ValueError, match="logits"):
        calibration.scale(predictions, members=2.0)
    with pytest.raises(ValueError, match="logits"):
        calibration.member_temperatures(predictions)
