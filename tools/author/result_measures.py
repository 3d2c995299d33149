"""Measure anything that the results ledger holds, by its key.

A key is ``<network>.<images>.<measure>``. To a network ``+temperature`` or ``+members-first`` adds
a calibration fitted on the validation digits. Images are ``test``, ``val``, ``few`` (every fifth
test digit), these damaged, such as ``blur-5`` or ``all-5`` (the eight kinds together),
``damaged-4`` (a kind for each digit by chance) and ``inverted``; ``ood`` are the test digits beside
as many clothes.

A `Laboratory` loads weights and images as they are asked for, and remembers what it measured:

    Laboratory().measured("short-lenet.test.nll").value
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.utils.flop_counter import FlopCounterMode

from course_utils._support.validation import labelled
from course_utils.images import ImageSet, load_fashion_mnist, load_mnist
from course_utils.images.corruptions import CORRUPTIONS, corrupt
from course_utils.images.loaders import Split
from course_utils.metrics import calibration, conformal, scores, selective
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.classification import brier_terms, log_loss_terms
from course_utils.metrics.detection import ood_detection
from course_utils.metrics.intervals import Interval
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.resampling import (
    Resamples,
    calibration_gaps,
    calibration_interval,
    calibration_noise,
    percentile_interval,
    ranking_draws,
    verdict_interval,
)
from course_utils.networks import evaluation, zoo

UNCHANGED: tuple[Split, ...] = ("test", "val")
PERCENT = 100  # shares are kept in percent
NUM_RESAMPLES = 2000
TARGET = 0.01  # risk that thresholds are chosen for
MISCOVERAGE = 0.01  # of conformal sets
KINDS = {kind.lower().replace(" ", "-"): kind for kind in CORRUPTIONS}
SCORES = {score.key: score for score in scores.SCORES.values()}


@dataclass(frozen=True)
class Measured:
    """A number, and what the bootstrap makes of it.

    Attributes
    ----------
    value : float
    unit : str
    n : int or None
        How many images or subsets are behind it.
    kind : str
        What the interval means, one of the keys of `course_utils.metrics.ledger.INTERVALS`.
    draws : array, shape [R], optional
        The number in each draw; of an ECE by how much the draw may be off.
    ends : pair of float, optional
        For a range.
    """

    value: float
    unit: str = ""
    n: int | None = None
    kind: str = "exact"
    draws: NDArray | None = None
    ends: tuple[float, float] | None = None

    def in_percent(self) -> Measured:
        """A share between 0 and 1 as a percentage."""
        draws = None if self.draws is None else PERCENT * self.draws
        ends = None if self.ends is None else (PERCENT * self.ends[0], PERCENT * self.ends[1])
        return replace(self, value=PERCENT * self.value, unit="%", draws=draws, ends=ends)

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """The ends that the ledger stores."""
        if self.ends is not None:
            return self.ends
        if self.draws is None:
            return None, None
        if self.kind == "ece":
            found = calibration_interval(self.value, self.draws)
        else:
            found = percentile_interval(self.value, self.draws)
        return found.low, found.high


def difference(greater: Measured, smaller: Measured) -> Interval:
    """Greater minus smaller, with ends on which a verdict may rest."""
    found = greater.value - smaller.value
    if greater.kind == "ece":
        assert greater.draws is not None and smaller.draws is not None
        margin = verdict_interval(0.0, greater.draws + smaller.draws, level=0.9).high
        return Interval(found, found - margin, found + margin, 0.95)
    drawn = [one.value if one.draws is None else one.draws for one in (greater, smaller)]
    return verdict_interval(found, drawn[0] - drawn[1])


class Laboratory:
    """Images, the networks' answers to them, and what was measured: each made once, when needed."""

    def __init__(self) -> None:
        self.images = cache(self._images)
        self.answers = cache(self._answers)
        self.draws = cache(self._draws)
        self.measured = cache(self._measured)

    def _images(self, which: str) -> ImageSet:
        part, load = which.removesuffix("clothes"), load_mnist
        if which.endswith("clothes"):
            part, load = part.removesuffix("-") or "test", load_fashion_mnist
        if part in UNCHANGED:
            return load(part)
        if which == "few":
            return self.images("test").subset(slice(0, None, 5))
        few = self.images("few")
        if which == "inverted":
            return ImageSet(255 - few.images, few.labels, which)
        if which == "damaged-4":
            pixels = few.images.copy()
            chosen = np.random.default_rng(0).integers(len(CORRUPTIONS), size=len(few))
            for number, kind in enumerate(CORRUPTIONS):
                pixels[chosen == number] = corrupt(pixels[chosen == number], kind, severity=4)
            return ImageSet(pixels, few.labels, which)
        return corrupt(few, KINDS[which.removesuffix("-5")], severity=5)

    def _answers(self, name: str, which: str) -> Predictions:
        network, _, repair = name.partition("+")
        if repair:
            fitted, answers = self.answers(network, "val"), self.answers(network, which)
            if repair == "members-first":
                return calibration.scale(answers, members=calibration.member_temperatures(fitted))
            found = calibration.fit_temperature(
                calibration.log_mean(fitted), labelled(fitted, "The temperature")
            )
            return calibration.scale(answers, mean=found)
        if members := zoo.facts(network).get("members"):
            return Predictions.combine([self.answers(member, which) for member in members])
        return evaluation.predict(zoo.load(network), self.images(which))

    def copies(self, name: str, which: str) -> list[Predictions]:
        """Answers to the same images in one look, or in eight: of a draw all or none are taken."""
        looks = [f"{kind}-5" for kind in KINDS] if which == "all-5" else [which]
        return [self.answers(name, look) for look in looks]

    def _draws(self, which: str) -> Resamples:
        """The bootstrap of the images; all damaged copies share the draws of ``few``."""
        seeds = {"test": 0, "clothes": 1, "few": 4}
        if which not in seeds:
            return self.draws("few")
        return Resamples(len(self.images(which)), NUM_RESAMPLES, seeds[which])

    def _measured(self, key: str) -> Measured:
        name, which, *rest = key.split(".")
        if which == "parameters":
            return Measured(sum(p.numel() for p in zoo.load(name).parameters()))
        if which == "flops":
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                zoo.load(name)(torch.zeros(1, 1, 28, 28))
            return Measured(counter.get_total_flops())
        if which.startswith("members-"):
            return of_subsets(self, name, int(which.removeprefix("members-")), rest[-1])
        if which == "ood":
            return detection(self, name, *rest)
        return quality(self, name, which, ".".join(rest))


def mean_of(values: ArrayLike, draws: Resamples, unit: str = "%") -> Measured:
    """A mean over images; a share where the unit is %."""
    values = np.asarray(values, dtype=np.float64)
    found = Measured(values.mean(), unit, len(values), "images", draws.means(values))
    return found.in_percent() if unit == "%" else found


def share_of(some: NDArray, of_all: NDArray, draws: Resamples) -> Measured:
    """How many of those that are chosen are also among some; 0 in a draw that has none of them."""
    drawn = draws.means(np.stack([some & of_all, of_all], axis=1)).T
    shares = np.divide(drawn[0], drawn[1], out=np.zeros(draws.num_resamples), where=drawn[1] > 0)
    count = int(of_all.sum())
    return Measured((some & of_all).sum() / count, "", count, "images", shares).in_percent()


# One network on one set of images ---------------------------------------------------------------

# measure -> unit, and what each image adds to it
PER_IMAGE: dict[str, tuple[str, Callable[[Predictions], NDArray]]] = {
    "accuracy": ("%", lambda p: p.correct),
    "confidence": ("%", lambda p: p.mean.max(axis=1)),
    "nll": ("nats", lambda p: log_loss_terms(p.mean, labelled(p, "The NLL"))),
    "brier": ("", lambda p: brier_terms(p.mean, labelled(p, "The Brier score"))),
    "entropy": ("nats", scores.entropy),
    "disagreement": ("%", scores.disagreement),
}


def quality(lab: Laboratory, name: str, which: str, measure: str) -> Measured:
    """What one network, repaired or not, is worth on one set of images."""
    copies, draws = lab.copies(name, which), lab.draws(which)
    if measure in PER_IMAGE:
        unit, of_each = PER_IMAGE[measure]
        return mean_of(np.mean([of_each(one) for one in copies], axis=0), draws, unit)
    if measure == "ece":
        gaps = np.mean([calibration_gaps(p.mean.max(axis=1), p.correct) for p in copies], axis=0)
        noise = calibration_noise(gaps, draws)
        error = np.abs(gaps.mean(axis=0)).sum()
        return Measured(error, "", len(gaps), "ece", noise).in_percent()
    (predictions,) = copies
    correct = predictions.correct
    if measure in ("answered", "risk"):
        fitted = lab.answers(name, "val")
        threshold = selective.risk_coverage(
            scores.max_probability(fitted), fitted.correct
        ).threshold_for_risk(TARGET)
        answered = scores.max_probability(predictions) <= threshold
        if measure == "answered":
            return mean_of(answered, draws)
        return share_of(~correct, answered, draws)
    if measure in ("covered", "set-size"):
        sets = conformal.prediction_sets(
            conformal.threshold_scores(predictions.mean), set_threshold(lab.answers(name, "val"))
        )
        if measure == "set-size":
            return mean_of(sets.sum(axis=1), draws, "")
        return mean_of(sets[np.arange(len(sets)), predictions.labels], draws)
    if measure == "coverage-at-1-percent-risk":
        doubt = scores.max_probability(predictions)
        found = selective.risk_coverage(doubt, correct).coverage_at_risk(TARGET)
        drawn = draws.coverage_at_risk(doubt, correct, TARGET)
        return Measured(found, "", len(correct), "images", drawn).in_percent()
    *score, area = measure.split(".")  # "aurc", or "entropy.aurc"
    doubt = SCORES[score[0] if score else "max-probability"](predictions)
    found = getattr(selective.risk_coverage(doubt, correct), area)
    drawn = draws.risk_coverage(doubt, correct)[area]
    return Measured(found, "", len(correct), "images", drawn).in_percent()


def set_threshold(fitted: Predictions) -> float:
    """Up to which score a class belongs to the set, from validation digits."""
    true_scores = conformal.threshold_scores(fitted.mean)[np.arange(len(fitted)), fitted.labels]
    return conformal.quantile(true_scores, MISCOVERAGE)


def of_subsets(lab: Laboratory, name: str, count: int, measure: str) -> Measured:
    """Mean over all ensembles of so many of the members, and their range."""
    whole, draws = lab.answers(name, "test"), lab.draws("test")
    choices = itertools.combinations(range(whole.num_members), count)
    subsets = [whole.subset(choice) for choice in choices]
    unit, drawn = "%", None
    if measure == "ece":
        found = [expected_calibration_error(p) for p in subsets]
    elif measure == "coverage-at-1-percent-risk":
        ranked = [(scores.max_probability(p), p.correct) for p in subsets]
        found = [selective.risk_coverage(*one).coverage_at_risk(TARGET) for one in ranked]
        drawn = np.mean([draws.coverage_at_risk(*one, TARGET) for one in ranked], axis=0)
    else:
        unit, of_each = PER_IMAGE[measure]
        found = [of_each(p).mean() for p in subsets]
    ends = min(found), max(found)
    result = Measured(float(np.mean(found)), unit, len(subsets), "subsets", drawn, ends)
    return result.in_percent() if unit == "%" else result


def detection(lab: Laboratory, name: str, score: str, measure: str) -> Measured:
    """AUROC or FPR95 of a score, digits against clothes, all images at once."""
    known, ood = (SCORES[score](lab.answers(name, which)) for which in ("test", "clothes"))
    found = getattr(ood_detection(known, ood), measure)
    drawn = ranking_draws(known, ood, lab.draws("test"), lab.draws("clothes"))[measure]
    return Measured(found, "", len(known) + len(ood), "images", drawn).in_percent()
