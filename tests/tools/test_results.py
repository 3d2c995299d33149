"""Measuring for the ledger: a random part of it again, and each measure on small answers."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from course_utils.images import ImageSet
from course_utils.images.corruptions import corrupt
from course_utils.metrics import calibration, conformal, ledger, scores, selective
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.predictions import Predictions
from course_utils.networks import evaluation, zoo
from tools.author import result_measures, results
from tools.author.result_claims import CLAIMS
from tools.author.result_measures import Laboratory, Measured, difference

NUM_IMAGES = 400


# The course's own ledger


@pytest.fixture(scope="module")
def again() -> Iterator[Laboratory]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several would wait for each other where other tests run beside
    yield Laboratory()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def drawn() -> random.Random:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed of the random part: {seed}")  # pytest shows it where a test fails
    return random.Random(seed)


def test_a_random_part_of_the_numbers_is_measured_again(again, drawn):
    course = ledger.load()
    assert set(course.entries) == set(results.keys())
    for key in drawn.sample(sorted(course.entries), 4):
        found, entry = results.row(again.measured(key)), course.value(key)
        stored = [entry.value, entry.low, entry.high, entry.interval, entry.unit, entry.n]
        # another processor may round an answer to the other side
        numbers = pytest.approx(stored[:3], rel=2e-3, abs=2e-4) if entry.n else stored[:3]
        assert found[:3] == numbers, key
        assert found[3:] == stored[3:], key


def test_a_random_claim_is_judged_again(again, drawn):
    course = ledger.load()
    assert set(course.claims) == set(CLAIMS)
    claim_id = drawn.choice(sorted(CLAIMS))
    says, statement, pairs = CLAIMS[claim_id]
    claim = course.claim(claim_id)
    assert (claim.says, claim.statement) == (says, statement)
    chosen = drawn.randrange(len(pairs))
    (row,) = results.pair_rows(again, [pairs[chosen]])
    stored = claim.pairs[chosen]
    assert row[:2] == [stored.greater, stored.smaller]
    scale = stored.high - stored.low
    assert row[2:] == pytest.approx([stored.difference, stored.low, stored.high], abs=0.05 * scale)


def test_it_is_about_the_shipped_images(again):
    for name in ("test", "val", "clothes"):
        images = again.images(name)
        assert ledger.load().measured["images"][images.name] == images.content_hash


def test_what_is_written_is_a_ledger(monkeypatch, tmp_path):
    pairs = [("short-lenet.test.accuracy", 90.0)]
    monkeypatch.setattr(results, "CLAIMS", {"right": ("most", "Most are right", pairs)})
    monkeypatch.setattr(results, "SHOWN", ["short-lenet.parameters"])
    path = tmp_path / "results.json"
    path.write_text(results.written(results.measure(Laboratory())), encoding="utf-8")
    read = ledger.load(path)
    assert list(read.entries) == ["short-lenet.parameters", "short-lenet.test.accuracy"]
    assert read.value("short-lenet.parameters").value == 44426
    assert read.claim("right").verdict == "supported"
    assert read.weights == {"short-lenet": zoo.facts("short-lenet")["sha256"]}


# Each kind of measure, on answers that were made up


def predictions(skill: float, num_members: int, seed: int) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = np.arange(NUM_IMAGES) % 10
    logits = generator.normal(size=(NUM_IMAGES, num_members, 10))
    logits += skill * np.eye(10)[labels][:, np.newaxis]
    return Predictions(logits.astype(np.float32), labels)


ANSWERS = {
    "test": predictions(3, 3, seed=1),
    "val": predictions(3, 3, seed=2),
    "clothes": predictions(0, 3, seed=3),
}


class Small(Laboratory):
    """One network of three members, and few images."""

    def _images(self, which: str) -> ImageSet:
        images = np.zeros((NUM_IMAGES, 28, 28), np.uint8)
        return ImageSet(images, np.arange(NUM_IMAGES) % 10, which)

    def _answers(self, name: str, which: str) -> Predictions:
        return ANSWERS[which] if "+" not in name else super()._answers(name, which)


@pytest.fixture
def small(monkeypatch) -> Small:
    monkeypatch.setattr(result_measures, "NUM_RESAMPLES", 60)
    return Small()


def test_values_are_those_of_torch_uncertainty(small):
    from torch_uncertainty.metrics import AURC, FPR95, BrierScore, CategoricalNLL

    known = ANSWERS["test"]
    mean, labels = torch.tensor(known.mean), torch.tensor(known.labels)
    for metric, measure, factor in (
        (BrierScore(num_classes=10), "brier", 1),
        (CategoricalNLL(), "nll", 1),
        (AURC(), "aurc", 100),
    ):
        metric.update(mean, labels)
        found = small.measured(f"three.test.{measure}").value
        assert found == pytest.approx(factor * float(metric.compute()), 1e-5)
    both = [scores.energy(ANSWERS[which]) for which in ("test", "clothes")]
    metric = FPR95(pos_label=1)
    metric.update(torch.tensor(np.append(*both)), torch.tensor(np.repeat([0, 1], NUM_IMAGES)))
    found = small.measured("three.ood.energy.fpr95").value
    assert found == pytest.approx(100 * float(metric.compute()))


def test_values_are_those_of_the_course_s_metrics(small):
    known = ANSWERS["test"]
    curve = selective.risk_coverage(scores.disagreement(known), known.correct)
    expected = {
        "accuracy": 100 * known.correct.mean(),
        "confidence": 100 * known.mean.max(axis=1).mean(),
        "ece": 100 * expected_calibration_error(known),
        "entropy": scores.entropy(known).mean(),
        "disagreement.aurc": 100 * curve.aurc,
    }
    for measure, value in expected.items():
        assert small.measured(f"three.test.{measure}").value == pytest.approx(value)


def test_thresholds_and_sets_are_chosen_on_validation(small):
    known, fitted = ANSWERS["test"], ANSWERS["val"]
    doubt = scores.max_probability
    threshold = selective.risk_coverage(doubt(fitted), fitted.correct).threshold_for_risk(0.01)
    point = selective.risk_coverage(doubt(known), known.correct).at_threshold(threshold)
    assert small.measured("three.test.answered").value == pytest.approx(100 * point.coverage)
    risk = small.measured("three.test.risk")
    assert risk.value == pytest.approx(100 * point.risk)
    assert risk.n == round(NUM_IMAGES * point.coverage)
    true_scores = 1 - fitted.mean[np.arange(NUM_IMAGES), fitted.labels]
    sets = 1 - known.mean <= conformal.quantile(true_scores, 0.01)
    assert small.measured("three.test.set-size").value == pytest.approx(sets.sum(axis=1).mean())
    covered = sets[np.arange(NUM_IMAGES), known.labels].mean()
    assert small.measured("three.test.covered").value == pytest.approx(100 * covered)


def test_repairs_are_fitted_on_validation(small):
    fitted = ANSWERS["val"]
    found = calibration.fit_temperature(calibration.log_mean(fitted), fitted.labels)
    pooled = calibration.scale(ANSWERS["test"], mean=found)
    first = calibration.scale(ANSWERS["test"], members=calibration.member_temperatures(fitted))
    assert small.answers("three+temperature", "test").mean == pytest.approx(pooled.mean)
    assert small.answers("three+members-first", "test").mean == pytest.approx(first.mean)


def test_subsets_are_all_choices_of_members(small):
    known = ANSWERS["test"]
    found = small.measured("three.members-2.test.nll")
    each = [
        -np.log(known.subset(choice).mean[np.arange(NUM_IMAGES), known.labels]).mean()
        for choice in itertools.combinations(range(3), 2)
    ]
    assert (found.value, *found.interval) == pytest.approx((np.mean(each), min(each), max(each)))
    for measure in ("accuracy", "ece", "coverage-at-1-percent-risk"):
        whole = small.measured(f"three.test.{measure}")
        assert small.measured(f"three.members-3.test.{measure}").value == pytest.approx(whole.value)


def test_copies_of_an_image_are_drawn_together(monkeypatch):
    monkeypatch.setattr(result_measures, "NUM_RESAMPLES", 40)
    digits = Laboratory().images("few").subset(slice(0, 60))
    lab = Laboratory()
    lab.images = {"few": digits, **{f"{kind}-5": corrupt(digits, title, 5)
                  for kind, title in result_measures.KINDS.items()}}.__getitem__  # fmt: skip
    right = [
        evaluation.predict(zoo.load("modest-lenet-0"), lab.images(f"{kind}-5")).correct
        for kind in result_measures.KINDS
    ]
    found = lab.measured("modest-lenet-0.all-5.accuracy")
    assert found.n == 60
    assert found.value == pytest.approx(100 * np.mean(right))
    assert found.draws == pytest.approx(100 * lab.draws("few").means(np.mean(right, axis=0)))


def test_a_difference_is_paired(small):
    pair = small.measured("three.test.accuracy"), small.measured("three.test.confidence")
    found = difference(*pair)
    drawn = pair[0].draws - pair[1].draws
    assert found.estimate == pytest.approx(pair[0].value - pair[1].value)
    assert (found.low, found.high) == pytest.approx((drawn.min(), drawn.max()))  # of 60 draws
    same = difference(pair[0], pair[0])
    assert (same.low, same.high) == (0, 0)


def test_a_fixed_number_does_not_vary(small):
    measured = small.measured("three.test.accuracy")
    found = difference(measured, Measured(90.0))
    assert found.low == pytest.approx(measured.draws.min() - 90)
    turned = difference(Measured(90.0), measured)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_errors_of_calibration_differ_by_the_noise_of_both():
    quiet = Measured(3.0, "%", 10, "ece", np.full(100, 0.5))
    loud = Measured(1.0, "%", 10, "ece", np.full(100, 1.0))
    found = difference(quiet, loud)
    assert (found.estimate, found.low, found.high) == pytest.approx((2.0, 0.5, 3.5))
    assert loud.interval == (0.0, 2.0)
