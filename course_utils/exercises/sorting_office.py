"""The sorting office: a policy, one sentence that promises a risk, and one submission.

A room code decides everything that comes in, so that a whole room sorts the same mail::

    office = sorting_office.open_room("tuesday")
    reader = office.admit("modest-deep-ensemble-8")
    report = office.submit(policy, reader, claim="At most 1 % of what we answer is wrong.")

`practice_room` opens an office where submissions don't count. The judge is in the folder
``office``, and `office.readers` says what it can see and what it must trust.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_utils._support.atomic import write_whole
from course_utils._support.places import course_folder
from course_utils.figures import style
from course_utils.images import ImageSet, load_mnist
from course_utils.metrics.predictions import Predictions

from . import exercise, guard, progress_file
from .office import OfficeError, card, claims, judging, readers, report, streams
from .office.judging import MINUTES_FOR, Policy, cheapest_thresholds, with_thresholds
from .office.readers import EIGHT, Reader
from .office.report import Report
from .office.streams import REFER, Costs

__all__ = [
    "MINUTES_FOR",
    "REFER",
    "Costs",
    "Office",
    "OfficeError",
    "Policy",
    "Reader",
    "Report",
    "cheapest_thresholds",
    "open_room",
    "practice_room",
    "with_thresholds",
]

TRIED_ON = 200  # validation digits, before the twenty days: mistakes show at once


class Office:
    """A sorting office; `open_room` opens it.

    Attributes
    ----------
    code : str
        The room's.
    costs : Costs
        Of the first of the twenty days. The other days have others, and tell the policy.
    validation : ImageSet
        5,000 digits to choose on.
    training : ImageSet
        The 2,000 digits that networks may learn from.
    """

    def __init__(self, code: str, folder: Path | None = None, *, size: int = streams.SIZE) -> None:
        self.code = code
        self._room = streams.Room(code, size)
        self._folder = folder

    @property
    def costs(self) -> Costs:
        return self._room.streams[0].costs

    @cached_property
    def validation(self) -> ImageSet:
        return load_mnist("val")

    @property
    def training(self) -> ImageSet:
        return streams.modest_digits()

    def admit(self, network: Any, trained_on: ImageSet | None = None) -> Reader:
        """Let a network read the mail.

        Parameters
        ----------
        network : str, Run, Fit or nn.Module
            The name of a modest network of the zoo, or a network of yours.
        trained_on : ImageSet, optional
            What yours has learned from: `training`, or a part of it.

        Raises
        ------
        OfficeError
            If it has, or may have, seen the mail before.
        """
        return readers.admit(network, trained_on, self._room)

    def rehearse(
        self,
        policy: Policy,
        predictions: Predictions,
        truth: NDArray[np.int64] | None = None,
        costs: Costs | None = None,
    ) -> pd.Series:
        """Try a policy on images of which you know the truth, as often as you like.

        Parameters
        ----------
        policy : callable
        predictions : Predictions
            What a reader says of N images.
        truth : int [N], optional
            A digit, or `REFER` where there is none; by default the labels of the predictions.
        costs : Costs, optional
            By default those of the first day.

        Returns
        -------
        pandas.Series
            Minutes for 1,000 images, share answered, and share of the answers that are wrong.
        """
        costs = self.costs if costs is None else costs
        if not isinstance(predictions, Predictions):
            raise OfficeError("Rehearse on what a reader says: `reader.predictions(images)`.")
        if not isinstance(costs, Costs):
            raise OfficeError(
                "`costs` takes Costs, such as `sorting_office.Costs(wrong=[20] * 10)`."
            )
        truth = np.asarray(predictions.labels if truth is None else truth)
        whole = truth.dtype.kind in "iu" and truth.shape == (len(predictions),)
        if not whole or not ((truth >= REFER) & (truth <= 9)).all():
            raise OfficeError(
                f"Give the truth for each of the {len(predictions):,} images: a digit, or REFER."
            )
        with guard.listening() as printed:
            answers = judging.answers_of(policy, predictions, costs)
        print("".join(printed), end="")
        is_answered = answers != REFER
        wrong = (answers != truth)[is_answered].mean() if is_answered.any() else np.nan
        return pd.Series(
            {
                "minutes for 1,000 images": MINUTES_FOR * costs.bill(answers, truth).mean(),
                "answered (%)": 100 * is_answered.mean(),
                "wrong among answered (%)": 100 * wrong,
            }
        )

    def submit(
        self,
        policy: Policy,
        reader: Reader | str,
        claim: str,
        *,
        risk: float | None = None,
        name: str = "",
    ) -> Report:
        """Sort the mail of twenty days. Outside practice rooms, this can be done once.

        Parameters
        ----------
        policy : callable
            ``policy(predictions, costs)`` returns one answer for each image of a day, a digit or
            `REFER`.
        reader : Reader or str
            What `admit` returned, or the name of a modest network.
        claim : str
            One sentence that promises which share of the first day's answers is wrong at most.
        risk : float, optional
            That share, where the sentence has more than one number.
        name : str, optional
            Yours, for the model card.

        Raises
        ------
        OfficeError
            If something can't be used, or this room has had your submission. Nothing is lost
            then: what fails does not count.
        """
        self._refuse_twice()
        claim = claims.tidied(claim, "The claim")
        risk = claims.claimed_risk(claim, risk)
        name = claims.tidied(name, "The name", 40)
        if not isinstance(reader, Reader):
            reader = self.admit(reader)
        readers.check_weights(reader)
        some = reader.predictions(self.validation.subset(slice(TRIED_ON)))
        judging.answers_of(policy, some, self.costs)
        eight = self._eight.predictions(self._room.images)
        pool = eight if reader is self._eight else reader.predictions(self._room.images)
        facts = {
            "format": card.FORMAT,
            "room": self.code,
            "streams": self._room.fingerprint,
            "name": name,
            "date": report.today(),
            "network": reader.name,
            "claim": claim,
            "claimed": risk,
            **report.judged(self._room, policy, pool, eight, readers.eight_on_validation()),
        }
        if self._file is None:
            return Report(facts, self._room)
        self._refuse_twice()  # another notebook may have been faster
        content = json.dumps(card.sealed(facts), indent=1)
        try:
            write_whole(self._file, content.encode())
        except OSError as error:
            raise OfficeError(
                f"Your submission can't be kept in {self._file.parent} ({error.strerror}), so it "
                "doesn't count yet: make room, or make the folder writable, and submit again."
            ) from None
        return self.report()

    def _refuse_twice(self) -> None:
        if self._file is not None and self._file.exists():
            raise OfficeError(
                f"You have submitted for the room {self.code!r} before, and only the first time "
                "counts: `office.report()` shows it. In `sorting_office.practice_room()` you can "
                "go on trying."
            )

    def report(self) -> Report:
        """The report of your submission, also after the kernel was restarted.

        Raises
        ------
        OfficeError
            If there is none, or its file was damaged.
        """
        if self._file is None:
            raise OfficeError("A practice room keeps no submissions: `submit` returns the report.")
        try:
            facts = card.opened(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise OfficeError(
                f"You haven't submitted for the room {self.code!r} yet: `office.submit(…)`."
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, OfficeError) else "it is damaged"
            raise OfficeError(
                f"Your submission in {self._file} can't be read: {why}. If you take the file "
                "away, you can submit again, and your room should know about it."
            ) from None
        made = Report(facts, self._room)
        target = self._file.with_suffix(".html")
        try:
            made.save_card(target)
        except OSError as error:
            print(f"The model card can't be written to {target}: {error.strerror}.")
        return made

    @cached_property
    def _eight(self) -> Reader:
        return readers.admit(EIGHT, None, self._room)

    @property
    def _file(self) -> Path | None:
        """Where the submission is kept; nowhere for a practice room."""
        if self.code.startswith(streams.PRACTICE):
            return None
        folder = self._folder
        if folder is None:
            kept = progress_file.path()  # None outside a learner's own copies
            folder = (kept.parent if kept else course_folder() / "work") / "sorting_office"
        # letters of any script make a file name; the hash tells "a/b" and "a b" apart
        readable = re.sub(r"\W+", "-", self.code).strip("-")
        return folder / f"{readable}-{hashlib.sha256(self.code.encode()).hexdigest()[:6]}.json"

    def _lines(self) -> list[str]:
        groups: dict[float, list[str]] = {}
        for digit, cost in enumerate(self.costs.wrong):
            groups.setdefault(float(cost), []).append(str(digit))
        wrong = ", and ".join(
            f"{cost:g} minutes where the answer is {style.listing(digits)}"
            for cost, digits in sorted(groups.items())
        )
        lines = [
            f"The sorting office of {self.code!r}, {streams.NUM_STREAMS} days of "
            f"{self._room.size:,} images.",
            f"On the first day an image that is read by hand costs {self.costs.refer:g} minute. A "
            f"wrong answer costs {wrong}. Other days have other costs.",
            "Among the digits are damaged ones, of two kinds, and images of no digit. Nobody "
            "says how many of each.",
        ]
        if self._file is not None and self._file.exists():
            lines.append("You have submitted: `office.report()`.")
        return lines

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        first, *others = self._lines()
        body = "".join(f"<p>{exercise.inline(line)}</p>" for line in others)
        return exercise.card(f"<strong>{escape(first)}</strong>{body}", "#0072B2")


def open_room(code: str) -> Office:
    """Open the office of a room.

    Parameters
    ----------
    code : str
        The word that was given to your room. Case and blanks around it don't count.

    Raises
    ------
    OfficeError
        If it is no code.
    """
    code = streams.tidied(code)
    if code.startswith(streams.PRACTICE):
        raise OfficeError("Practice rooms have no code: `sorting_office.practice_room(1)`.")
    return Office(code)


def practice_room(number: int = 1) -> Office:
    """Open an office in which submissions don't count, and nothing is kept.

    Parameters
    ----------
    number : int
        Each has streams of its own.

    Raises
    ------
    OfficeError
        If it is no number.
    """
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise OfficeError("Practice rooms have numbers: `sorting_office.practice_room(1)`.")
    return Office(f"{streams.PRACTICE}{number}")
