"""What the office says of a submission: the score, the promise, the days, and what was missed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import figures
from course_utils._support.atomic import write_whole
from course_utils.exercises.exercise import card as block
from course_utils.figures import Picture
from course_utils.metrics.predictions import Predictions

from . import OfficeError, card, judging
from .streams import REFER, Room

SHOWN = 24  # of the first day's mistakes
_BARS = {"kept": "#009E73", "broken": "#D55E00", "not tested": "#D55E00"}


def judged(
    room: Room,
    policy: judging.Policy,
    pool: Predictions,
    eight: Predictions,
    validation: Predictions,
) -> dict[str, Any]:
    """What a policy did in a room, as the card keeps it; who submitted what is not in it yet.

    Parameters
    ----------
    room : Room
    policy : callable
    pool : Predictions
        Of the policy's network for the room's images.
    eight, validation : Predictions
        Of the modest ensemble of eight, for the same images and for the validation digits.
    """
    own = judging.run(room, lambda p, _, costs: judging.answers_of(policy, p, costs), pool)
    best = judging.run(room, judging.in_hindsight, eight)
    days = {card.YOURS: own.costs, card.BEST: best.costs}
    for name, other in judging.references(validation).items():

        def answer(predictions, _, costs, other=other):  # type: ignore[no-untyped-def]
            return other(predictions, costs)

        days[name] = judging.run(room, answer, eight).costs
    today, answers = room.streams[0], own.answers[0]
    truth, kinds = room.truth[today.indices], room.kinds[today.indices]
    is_answered = answers != REFER
    is_wrong = is_answered & (answers != truth)
    at_all = pool.take(today.indices).predicted != truth
    costly = np.argsort(-np.where(is_wrong, today.costs.wrong[answers], 0), kind="stable")
    shown = costly[: min(SHOWN, int(is_wrong.sum()))]
    return {
        "score": float(np.mean(own.costs - best.costs)),
        "days": {name: _rounded(costs) for name, costs in days.items()},
        "today": {
            "images": len(answers),
            "answered": int(is_answered.sum()),
            "wrong": int(is_wrong.sum()),
            "wrong_at_all": int(at_all.sum()),
        },
        "kinds": {
            kind: [int(part.sum()) for part in (of, of & is_answered, of & is_wrong)]
            for kind in room.parts
            for of in [kinds == kind]
        },
        "missed": [
            [int(today.indices[place]), int(answers[place]), int(truth[place])] for place in shown
        ],
    }


def _rounded(costs: NDArray[np.float64]) -> list[float]:
    return [round(float(cost), 3) for cost in costs]


class Report:
    """A submission that was judged.

    Attributes
    ----------
    facts : dict
        All numbers, as the card keeps them.
    path : Path or None
        Where the model card is; nowhere yet for a practice room.
    """

    def __init__(self, facts: Mapping[str, Any], room: Room, path: Path | None = None) -> None:
        self.facts, self.room, self.path = dict(facts), room, path

    @property
    def score(self) -> float:
        """Mean regret over the twenty days, minutes for 1,000 images: less is better."""
        return float(self.facts["score"])

    @property
    def verdict(self) -> str:
        """Whether the promise was ``"kept"``, ``"broken"``, or is ``"not tested"``."""
        return card.promise(self.facts).verdict

    def missed(self) -> Picture:
        """The first day's wrong answers, the costliest first."""
        places, said, truth = np.array(self.facts["missed"], dtype=np.int64).reshape(-1, 3).T
        if self.facts["streams"] != self.room.fingerprint:
            return figures.message("Another version of the course drew these streams.")
        return figures.wrong_answers(self.room.images.images[places], said, truth)

    def days(self) -> Picture:
        """What the twenty days cost, beside the other policies."""
        costs = {name: np.array(days) for name, days in self.facts["days"].items()}
        return figures.daily_costs(costs, yours=card.YOURS)

    def card(self) -> str:
        """The model card, a page of HTML in one piece."""
        return card.html(self.facts, self.missed().html())

    def save_card(self, path: str | Path) -> Path:
        """Write the model card to a file that ends in ``.html``; returns its path."""
        path = Path(path)
        if path.suffix != ".html":
            raise OfficeError(f"A card is a page: give it a name that ends in .html, not {path}.")
        self.path = write_whole(path, self.card().encode())
        return self.path

    def _lines(self) -> list[str]:
        kept, means = card.promise(self.facts), card.mean_costs(self.facts)
        return [
            f"Score: {card.minutes(self.score)} minutes of regret for 1,000 images, the mean of "
            f"{len(self.facts['days'][card.BEST])} days.",
            f"Your days cost {card.minutes(means[card.YOURS])} minutes on average; those of the "
            f"best in hindsight {card.minutes(means[card.BEST])}.",
            f"Promise {kept.verdict}. {kept.because}",
        ]

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        score, compared, promised = (escape(line) for line in self._lines())
        where = (
            f"<p>Your model card: <code>{escape(str(self.path))}</code></p>" if self.path else ""
        )
        head = block(
            f"<p><strong>{score}</strong> {compared}</p><p>{promised}</p>{where}",
            _BARS[self.verdict],
        )
        return (
            f"{head}{self.days().html()}<p>What came in on the first day:</p>"
            f"{card.kinds_table(self.facts)}<p>What was missed on it, the costliest first:</p>"
            f"{self.missed().html()}"
        )


def today() -> str:
    """The date, as a card has it."""
    return datetime.date.today().isoformat()
