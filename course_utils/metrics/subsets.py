"""Every choice of members of an ensemble, measured.

Averaging is cheap, so that all 255 ensembles that can be formed of 8 members are measured in well
under a second. Three things make it so: each choice extends a smaller one by one member, classes
come first in memory (a maximum over ten classes is then nine passes over long rows), and the area
under the ROC curve comes from two sorted lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from course_utils._support import validation as checks

from .calibration import bins_of_confidence
from .classification import brier_terms, log_loss_terms
from .detection import auroc
from .predictions import Predictions

MOST_MEMBERS = 64
MOST_COMPLETE = 10  # members of which every choice is measured: 1,023
MOST_WORK = 250_000_000  # probabilities averaged; 1,023 choices, 20,000 images, 10 classes and some
SAMPLED = 400  # choices of a sample
SEED = 0


@dataclass(frozen=True)
class Metric:
    """A measure of a choice.

    Attributes
    ----------
    name : str
    is_share : bool
        From 0 to 1, and usually read as a percentage.
    higher_is_better : bool
    """

    name: str
    is_share: bool
    higher_is_better: bool


METRICS = {
    metric.name: metric
    for metric in (
        Metric("Accuracy", True, True),
        Metric("NLL", False, False),
        Metric("Brier score", False, False),
        Metric("ECE", True, False),
        Metric("AUROC", False, True),
    )
}

Choice = frozenset[int]  # numbers of members


class Choices:
    """Measures of all choices of members, or of a sample where there are too many.

    Parameters
    ----------
    predictions : Predictions
        M members, with labels.
    ood : Predictions, optional
        Of images of no known class by the same members; without it there is no AUROC.

    Attributes
    ----------
    table : dict of frozenset to float64 [K]
        Measures of each choice, K as in ``metrics``.
    complete : bool
        Every choice is in the table.
    """

    def __init__(self, predictions: Predictions, ood: Predictions | None = None) -> None:
        if not isinstance(predictions, Predictions):
            raise ValueError(
                f"Measuring subsets of members needs Predictions, not "
                f"{type(predictions).__name__}; evaluation.predict returns them."
            )
        self.labels = checks.labelled(predictions, "Measuring subsets of members")
        if predictions.num_members > MOST_MEMBERS:
            raise ValueError(
                f"Subsets are measured of up to {MOST_MEMBERS} members, not "
                f"{predictions.num_members}; keep some with predictions.subset."
            )
        self.num_members = predictions.num_members
        self._known = _classes_first(predictions)
        self._ood = None if ood is None else _classes_first(_fitting(ood, predictions))
        self.metrics: Mapping[str, Metric] = {
            name: metric
            for name, metric in METRICS.items()
            if name != "AUROC" or self._ood is not None
        }
        images = len(predictions) + (0 if ood is None else len(ood))
        affordable = MOST_WORK // (images * predictions.num_classes)
        every = 2**self.num_members - 1
        self.complete = self.num_members <= MOST_COMPLETE and every <= affordable
        self.table: dict[Choice, NDArray[np.float64]] = {}
        self._asked: dict[Choice, NDArray[np.float64]] = {}  # measured later, not in the sample
        for choice, sums in self._all() if self.complete else self._some(affordable):
            if choice not in self.table:
                self.table[choice] = self._measure(sums, len(choice))

    # Which choices are measured

    def _sums(self, member: int) -> list[NDArray[np.float64]]:
        sources = (self._known, self._ood)
        return [source[member] for source in sources if source is not None]

    def _all(self) -> Iterator[tuple[Choice, list[NDArray[np.float64]]]]:
        """Every choice; members are added in order, as ``Predictions.mean`` adds them."""

        def grow(
            chosen: Choice, sums: list[NDArray[np.float64]] | None, first: int
        ) -> Iterator[tuple[Choice, list[NDArray[np.float64]]]]:
            for member in range(first, self.num_members):
                more = self._sums(member)
                if sums is not None:
                    more = [one + other for one, other in zip(sums, more, strict=True)]
                larger = chosen | {member}
                yield larger, more
                yield from grow(larger, more, member + 1)

        yield from grow(frozenset(), None, 0)

    def _some(self, affordable: int) -> Iterator[tuple[Choice, list[NDArray[np.float64]]]]:
        """Single members, then members in random orders, one after the other, up to all."""
        for member in range(self.num_members):
            yield frozenset({member}), self._sums(member)
        generator = np.random.default_rng(SEED)
        orders = max(1, min(SAMPLED, affordable) // self.num_members - 1)
        for _ in range(orders):
            chosen: Choice = frozenset()
            sums: list[NDArray[np.float64]] | None = None
            for member in map(int, generator.permutation(self.num_members)):
                more = self._sums(member)
                if sums is None:
                    sums = more
                else:
                    sums = [one + other for one, other in zip(sums, more, strict=True)]
                chosen |= {member}
                if len(chosen) > 1:
                    yield chosen, sums

    # How one is measured

    def measure(self, choice: Choice) -> NDArray[np.float64]:
        """Measures of one choice, at least one member, [K]."""
        if choice in self.table:
            return self.table[choice]
        if choice not in self._asked:
            first, *others = sorted(choice)
            sums = [one.copy() for one in self._sums(first)]
            for member in others:
                for total, one in zip(sums, self._sums(member), strict=True):
                    total += one
            self._asked[choice] = self._measure(sums, len(choice))
        return self._asked[choice]

    def _measure(self, sums: Sequence[NDArray[np.float64]], count: int) -> NDArray[np.float64]:
        mean = sums[0] / count
        best, confidence, others = _ranked(mean)
        correct = best == self.labels
        values = [
            correct.mean(),
            log_loss_terms(mean.T, self.labels).mean(),
            brier_terms(mean.T, self.labels).mean(),
            bins_of_confidence(confidence, correct).error,
        ]
        if len(sums) > 1:
            values.append(auroc(others, _ranked(sums[1] / count)[2]))
        return np.array(values)

    # What is asked of them

    def values(self, metric: str) -> NDArray[np.float64]:
        """One measure of all choices in the table."""
        return self._columns[list(self.metrics).index(metric)]

    @cached_property
    def _columns(self) -> NDArray[np.float64]:
        return np.array(list(self.table.values())).T

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of members of each choice in the table."""
        return np.array([len(choice) for choice in self.table])

    def value(self, choice: Choice, metric: str) -> float:
        """One measure of one choice."""
        return float(self.measure(choice)[list(self.metrics).index(metric)])


def _ranked(
    mean: NDArray[np.float64],
) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.float64]]:
    """Most probable class, its probability and the sum of all others; mean is [C, N].

    The others are summed and not subtracted from 1: see ``scores.max_probability``.
    """
    best = np.zeros(mean.shape[1], np.int16)
    top, others = mean[0].copy(), np.zeros(mean.shape[1])
    for index, row in enumerate(mean[1:], start=1):
        np.copyto(best, index, where=row > top)
        others += np.minimum(top, row)
        np.maximum(top, row, out=top)
    return best, top, others


def _classes_first(predictions: Predictions) -> NDArray[np.float64]:
    """Probabilities as [M, C, N]."""
    return np.ascontiguousarray(predictions.probabilities.transpose(1, 2, 0))


def _fitting(ood: Predictions, predictions: Predictions) -> Predictions:
    if not isinstance(ood, Predictions):
        raise ValueError(
            f"OOD images need Predictions, not {type(ood).__name__}; "
            "evaluation.predict returns them."
        )
    sizes = [(one.num_members, one.num_classes) for one in (predictions, ood)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"The OOD images come with M = {sizes[1][0]} and C = {sizes[1][1]}, the others with "
            f"M = {sizes[0][0]} and C = {sizes[0][1]}; predict both with the same members."
        )
    if not len(ood):
        raise ValueError("There are no OOD images; leave them out, or pass some.")
    return ood
