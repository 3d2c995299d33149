"""What chapters 5 and 6 claim: the measurements, against libraries and against counting."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.images import ImageSet, load_fashion_mnist, load_mnist
from course_utils.metrics import calibration, scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.resampling import Resamples
from course_utils.networks import zoo
from tools.author import result_lessons
from tools.author import results as make_results
from tools.author.result_claims import chapter_5_claims, chapter_6_claims
from tools.author.results import Results

NUM_IMAGES = 300


def predictions(skill: float, num_members: int = 1, num_images: int = NUM_IMAGES) -> Predictions:
    generator = np.random.default_rng(0)
    labels = np.arange(num_images) % 10
    logits = generator.normal(size=(num_images, num_members, 10))
    logits += skill * np.eye(10)[labels][:, np.newaxis]
    return Predictions(logits.astype(np.float32), labels)


@pytest.fixture
def results(monkeypatch) -> Results:
    monkeypatch.setattr(make_results, "NUM_RESAMPLES", 40)
    images = np.zeros((NUM_IMAGES, 28, 28), np.uint8)
    labels = np.arange(NUM_IMAGES) % 10
    return Results(*(ImageSet(images, labels, name) for name in ("digits", "clothes")))


def test_rank_correlation_is_spearman_s():
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(0)
    first = generator.integers(0, 20, NUM_IMAGES).astype(float)  # with ties
    second = first + generator.normal(0, 5, NUM_IMAGES)
    counts = Resamples(NUM_IMAGES, 3).counts
    found = result_lessons.rank_correlation(first, second, counts)
    for one, drawn in zip(found, counts.T, strict=True):
        again = np.repeat(np.arange(NUM_IMAGES), drawn)
        assert one == pytest.approx(stats.spearmanr(first[again], second[again]).statistic)


def test_temperatures_of_draws_are_fitted_ones():
    known = predictions(2)
    logits, draws = known.logits[:, 0], Resamples(NUM_IMAGES, 5)
    estimate = calibration.fit_temperature(logits, known.labels)
    found = result_lessons.temperature_draws(logits, known.labels, estimate, draws)
    for one, drawn in zip(found, draws.counts.T, strict=True):
        again = np.repeat(np.arange(NUM_IMAGES), drawn)
        fitted = calibration.fit_temperature(logits[again], known.labels[again])
        assert one == pytest.approx(fitted, rel=1e-3)


@pytest.mark.parametrize("batch_size", [7, 50, NUM_IMAGES])
def test_squeezed_scores_are_what_torchmetrics_compares(batch_size):
    torch = pytest.importorskip("torch")
    from sklearn.metrics import roc_auc_score
    from torchmetrics.classification import BinaryAUROC

    generator = np.random.default_rng(1)
    values = generator.exponential(0.5, NUM_IMAGES)
    truth = generator.integers(0, 2, NUM_IMAGES)
    metric = BinaryAUROC()
    parts = (torch.tensor(each).split(batch_size) for each in (values, truth))
    for part, label in zip(*parts, strict=True):
        metric.update(part, label)
    compared = result_lessons.squeezed(values, batch_size)
    assert float(metric.compute()) == pytest.approx(roc_auc_score(truth, compared), abs=1e-6)


def test_one_mistake_more_weighs_what_the_formula_says():
    top, middle = result_lessons.increases(predictions(20))
    weights = np.cumsum(1 / np.arange(NUM_IMAGES, 0, -1))[::-1]
    half = NUM_IMAGES // 2
    assert top["aurc"] / middle["aurc"] == pytest.approx(weights[0] / weights[half], rel=0.1)
    assert top["augrc"] / middle["augrc"] == pytest.approx(2, rel=0.02)


def test_error_of_one_copy_is_that_of_the_metrics(results):
    known = predictions(2, num_members=3)
    result_lessons.add_calibration_error(results, "x.ece", [known], results.test_draws)
    expected = 100 * calibration.expected_calibration_error(known)
    assert results.values["x.ece"] == pytest.approx(expected, rel=1e-5)
    drawn = results.draws["x.ece"]
    result_lessons.add_calibration_error(results, "y.ece", [known, known], results.test_draws)
    assert results.values["y.ece"] == pytest.approx(expected, rel=1e-5)
    assert results.draws["y.ece"] == pytest.approx(drawn)  # copies of a digit are drawn together


def test_rules_of_the_chapter():
    known = predictions(3, num_images=3000)
    curve = result_lessons.selective.risk_coverage(scores.max_probability(known), known.correct)
    aimed = curve.at_threshold(result_lessons.largest_coverage(curve))
    bounded = curve.at_threshold(result_lessons.with_guarantee(curve))
    assert aimed.risk <= result_lessons.TARGET
    assert 0 < bounded.coverage < aimed.coverage
    hopeless = predictions(0, num_images=500)
    curve = result_lessons.selective.risk_coverage(
        scores.max_probability(hopeless), hopeless.correct
    )
    assert result_lessons.with_guarantee(curve) == -np.inf


def test_splits_report_on_the_rest():
    known = predictions(3, num_images=900)
    outcomes = result_lessons.split_and_choose(known, 300, lambda curve: np.inf, num_splits=4)
    assert outcomes[:, 1] == pytest.approx(1)  # everything answered
    # 900 = 300 to choose on + 600 to report on: shares are multiples of 1 / 600
    assert outcomes[:, 0] * 600 == pytest.approx((outcomes[:, 0] * 600).round())


def test_what_was_never_seen_has_an_upper_end(results):
    stats = pytest.importorskip("scipy.stats")
    result_lessons.add_never_seen(results, "x.share", 300)
    value, low, high, kind, *_ = results.entries["x.share"]
    exact = stats.binomtest(0, 300).proportion_ci(0.95, method="exact").high
    assert (value, low, kind) == (0, 0, "binomial")
    assert high == pytest.approx(100 * exact, rel=1e-5)
    assert np.quantile(results.draws["x.share"], 0.975) == pytest.approx(high, rel=0.2)


def test_ood_images_that_are_answered_are_wrong(results):
    digits, ood = predictions(4), predictions(0)
    known = predictions(4)
    result_lessons.measure_mixed_stream(results, "m", digits, ood, known, ood.take(slice(75)))
    values = results.values
    for score in ("max-probability", "energy"):
        key = f"m.stray.{score}.threshold-on"
        # validation and test are the same images here, so the choice keeps its target
        assert values[f"{key}-mixed.risk"] <= 1
        assert values[f"{key}-mixed.answered"] <= values[f"{key}-digits.answered"]


def test_numbers_to_compare_with_are_marked_as_chosen(results, monkeypatch, capsys):
    result_lessons.measure_lessons(results, {}, results.test, results.foreign)
    assert "modest networks are missing" in capsys.readouterr().out
    assert {row[3] for row in results.entries.values()} == {"chosen"}
    used = {
        key
        for claim in (*chapter_5_claims(), *chapter_6_claims())
        for key in (*claim.first, *claim.second)
        if key.startswith("chosen.")
    }
    assert used == set(results.entries)


@pytest.mark.slow
def test_every_claim_finds_its_numbers(monkeypatch):
    from course_utils.networks import training

    monkeypatch.setattr(make_results, "NUM_RESAMPLES", 20)
    train, last = load_mnist("train"), load_mnist("test")
    both = (np.concatenate([getattr(part, what) for part in (train, last)])
            for what in ("images", "labels"))  # fmt: skip
    digits = ImageSet(*both, "digits", "sample").subset(slice(4000))
    results = Results(digits, load_fashion_mnist("test"))
    answers = {}
    for name in result_lessons.NETWORKS:
        if name in zoo.names():
            network = zoo.load(name)
            sets = (results.test, results.foreign)
            answers[name] = tuple(training.predict(network, images) for images in sets)
            make_results.measure_model(results, name, *answers[name])
    result_lessons.measure_lessons(results, answers, load_mnist("val"), load_fashion_mnist("val"))
    for claim in (*chapter_5_claims(), *chapter_6_claims()):
        missing = [
            key
            for key in (*claim.first, *claim.second)
            if key not in results.values
            and key.split(".")[0] in (*answers, "chosen")
        ]  # fmt: skip
        assert not missing, claim.id
    for key, (value, low, high, *_) in results.entries.items():
        assert low is None or low <= value <= high, key
