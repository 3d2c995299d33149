"""Deciding at a desk: costs and a threshold on validation, and what they come to on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from . import scores, selective
from .predictions import Predictions
from .rankings import Ranking, Rankings, rounded_up

__all__ = ["Desk", "Queue", "round_of"]


@dataclass(frozen=True)
class Desk:
    """What was decided.

    Attributes
    ----------
    model, score : str
    threshold : float
        Answer what is at most this uncertain.
    cost_wrong, cost_refer : float
        Of one wrong answer and of asking a human once.
    ood_share : float
        OOD images slipped into the queue, as a share of the digits.
    opened : bool
        The test set has been looked at in this round.
    """

    model: str
    score: str
    threshold: float
    cost_wrong: float
    cost_refer: float
    ood_share: float
    opened: bool


class Queue:
    """Digits, and OOD images that may be slipped in; ranked by any model and score.

    Attributes
    ----------
    rankings : Rankings
        Of the digits.
    ood : mapping of name to Predictions
        The same OOD images for every model, or nothing.
    most : float
        The largest share of OOD images that there is, of the number of digits.
    """

    def __init__(self, rankings: Rankings, ood: Mapping[str, Predictions]) -> None:
        self.rankings, self.ood = rankings, ood
        self.most = len(next(iter(ood.values()))) / len(rankings) if ood else 0.0
        self._kept: dict[tuple[str, str, int], Ranking] = {}

    def ranking(self, model: str, score: str, ood_share: float = 0.0) -> Ranking:
        """Digits first, OOD images after them; an answer to one of those is always wrong."""
        digits = self.rankings.ranking(model, score)
        count = round(ood_share * len(self.rankings)) if self.ood else 0
        if not count:
            return digits
        if (model, score, count) not in self._kept:
            strange = rounded_up(scores.SCORES[score](self.ood[model]))[:count]
            self._kept[model, score, count] = Ranking.of(
                np.concatenate([digits.uncertainty, strange]),
                np.concatenate([digits.correct, np.zeros(count, bool)]),
            )
        return self._kept[model, score, count]

    def costs(self, desk: Desk, model: str | None = None) -> selective.CostCurve:
        """Cost against threshold of a model, by the default score where it lacks the chosen one."""
        name = model or desk.model
        known = desk.score in self.rankings.scores_of(name)
        ranking = self.ranking(name, desk.score if known else scores.DEFAULT_SCORE, desk.ood_share)
        return selective.cost_curve(
            ranking.uncertainty, ranking.correct, desk.cost_wrong, desk.cost_refer
        )


def round_of(validation: Queue, test: Queue, desk: Desk) -> dict[str, Any]:
    """What a desk costs on the test queue, beside what validation promised.

    Parameters
    ----------
    validation, test : Queue
    desk : Desk

    Returns
    -------
    dict
        What was decided (the threshold None where nothing is answered), and for it: ``coverage``
        and cost on validation (``promised``); ``cost`` on the test queue and ``error``, half of its
        95 % interval (normal approximation over items); the lowest cost that any threshold would
        have had there (``hindsight``).

    Examples
    --------
    >>> digits = Predictions.from_probabilities([[[0.9, 0.1]], [[0.6, 0.4]]], labels=[0, 1])
    >>> queue = Queue(Rankings({"A": digits}), {})
    >>> all_answered = Desk("A", "Maximum probability", 0.5, 10, 1, 0, True)
    >>> found = round_of(queue, queue, all_answered)
    >>> found["promised"], found["cost"], found["hindsight"]  # refer the second
    (5.0, 5.0, 0.5)
    """
    ranking = test.ranking(desk.model, desk.score, desk.ood_share)
    answered = ranking.uncertainty <= desk.threshold
    each = desk.cost_wrong * (answered & ~ranking.correct) + desk.cost_refer * ~answered
    error = 1.96 * each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else 0.0
    queue = validation.ranking(desk.model, desk.score, desk.ood_share)
    decided = asdict(desk)
    del decided["opened"]
    return {
        **decided,
        "threshold": float(desk.threshold) if np.isfinite(desk.threshold) else None,
        "coverage": queue.curve.at_threshold(desk.threshold).coverage,
        "promised": float(validation.costs(desk).cost_at(desk.threshold)),
        "cost": float(each.mean()),
        "error": float(error),
        "hindsight": float(test.costs(desk).optimum.cost),
    }
