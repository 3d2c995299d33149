"""The judge: calls a policy so that nothing it does can harm, and compares what its days cost.

Every cost is in minutes for 1,000 images. *Regret* is what a policy costs more than the best in
hindsight: the modest ensemble of eight, with the score and the ten thresholds, one for each digit
answered, that turn out cheapest on that day, chosen with the truth in hand. It is the same for
everybody in a room, so a better network lowers the regret too, below zero if it is much better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises import guard
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions

from . import OfficeError
from .streams import REFER, Costs, Room

Policy = Callable[[Predictions, Costs], NDArray[np.int64]]
Answer = Callable[[Predictions, NDArray[np.int64], Costs], NDArray[np.int64]]
MINUTES_FOR = 1_000  # images; what costs are stated for


def answers_of(policy: Policy, predictions: Predictions, costs: Costs) -> NDArray[np.int64]:
    """What a policy answers, int64 [N].

    Parameters
    ----------
    policy : callable
    predictions : Predictions
        N images; their labels are kept from the policy.
    costs : Costs

    Raises
    ------
    OfficeError
        If it fails, takes too long, or answers with anything but digits and `REFER`.
    """
    if not callable(policy):
        raise OfficeError(
            "The policy is not a function: pass its name without parentheses, `submit(policy, …)`."
        )
    blind = without_labels(predictions)

    # both are read-only: nobody has to watch over them, as `guard.call` does with inputs
    def call() -> object:
        return policy(blind, costs)

    update_wrapper(call, policy)  # a sentence about an error quotes the learner's line
    try:
        with guard.time_limit(guard.SECONDS):
            said = guard.call(call)
    except guard.Failed as failed:
        words = str(failed).replace("your function", "Your policy", 1)
        if "read-only" in words:
            words += " Change a copy: `predictions.predicted.copy()`."
        raise OfficeError(words) from None
    except guard.TooSlow:
        raise OfficeError(
            f"Your policy was stopped: it needs more than {guard.SECONDS:g} seconds for one day. "
            "Compute what is the same every day once, outside the function."
        ) from None
    return _as_answers(said, len(predictions))


def without_labels(predictions: Predictions) -> Predictions:
    """The same outputs, without what only the judge may know."""
    if predictions.logits is None:
        return Predictions.from_probabilities(predictions.probabilities)
    return Predictions(predictions.logits)


def _as_answers(said: object, count: int) -> NDArray[np.int64]:
    if said is None or said is ...:
        raise OfficeError("Your policy returns nothing: is the `return` missing?")
    if hasattr(said, "detach"):  # a tensor
        said = said.detach().cpu().numpy()
    try:
        answers = np.asarray(said)
    except Exception:  # ragged lists, and objects that refuse to be read
        answers = np.asarray(None)
    if answers.dtype.kind not in "iuf":
        raise OfficeError(
            f"Your policy returns {_kind(said, answers)}: return one whole number for each image, "
            "its digit or REFER."
        )
    if answers.shape != (count,):
        raise OfficeError(
            f"Your policy returns the shape {list(answers.shape)} for {count:,} images: return one "
            f"answer for each, [{count}]."
        )
    if np.isnan(answers).any():
        raise OfficeError("Your policy returns NaN for some images: say REFER where it has doubts.")
    strange = (answers != np.round(answers)) | (answers < REFER) | (answers > 9)
    if strange.any():
        raise OfficeError(
            f"Your policy answers {answers[strange][0]:g} to an image: an answer is a digit from 0 "
            f"to 9, or REFER, which is {REFER}."
        )
    return answers.astype(np.int64)


def _kind(said: object, answers: NDArray) -> str:
    if answers.dtype == bool:
        return "true and false"
    return f"a value of type `{type(said).__name__}`"


# --- policies that everybody is compared with ---------------------------------------------------
def with_thresholds(
    predictions: Predictions,
    uncertainty: NDArray[np.float64],
    thresholds: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Answer what is at most as uncertain as the threshold of the digit it would get."""
    certain = uncertainty <= thresholds[predictions.predicted]
    return np.where(certain, predictions.predicted, REFER)


def cheapest_thresholds(
    answers: NDArray[np.int64],
    uncertainty: NDArray[np.float64],
    truth: NDArray[np.int64],
    costs: Costs,
) -> NDArray[np.float64]:
    """The ten thresholds that cost least on these images; minus infinity answers nothing."""
    thresholds = np.full(10, -np.inf)
    for digit in range(10):
        chosen = answers == digit
        if chosen.any():
            thresholds[digit] = selective.cost_curve(
                uncertainty[chosen], truth[chosen] == digit, costs.wrong[digit], costs.refer
            ).optimum.threshold
    return thresholds


def references(validation: Predictions) -> dict[str, Policy]:
    """Four policies that need no thought, for the modest ensemble of eight.

    Parameters
    ----------
    validation : Predictions
        Of the ensemble for the validation digits, with labels.
    """
    assert validation.labels is not None  # the office has made them with labels
    truth, doubts = validation.labels, scores.max_probability(validation)

    def answer_everything(predictions: Predictions, costs: Costs) -> NDArray[np.int64]:
        return predictions.predicted

    def refer_everything(predictions: Predictions, costs: Costs) -> NDArray[np.int64]:
        return np.full(len(predictions), REFER)

    def chow(predictions: Predictions, costs: Costs) -> NDArray[np.int64]:
        thresholds = np.array([selective.chow_threshold(one, costs.refer) for one in costs.wrong])
        return with_thresholds(predictions, scores.max_probability(predictions), thresholds)

    def cheapest_on_validation(predictions: Predictions, costs: Costs) -> NDArray[np.int64]:
        thresholds = cheapest_thresholds(validation.predicted, doubts, truth, costs)
        return with_thresholds(predictions, scores.max_probability(predictions), thresholds)

    return {
        "answer everything": answer_everything,
        "refer everything": refer_everything,
        "Chow's rule": chow,
        "cheapest on the validation digits": cheapest_on_validation,
    }


def in_hindsight(
    predictions: Predictions, truth: NDArray[np.int64], costs: Costs
) -> NDArray[np.int64]:
    """The cheapest answers of one day by a score and ten thresholds, chosen knowing the truth."""
    best, least = predictions.predicted, np.inf
    for score in scores.available(predictions).values():
        doubts = score(predictions)
        thresholds = cheapest_thresholds(predictions.predicted, doubts, truth, costs)
        answers = with_thresholds(predictions, doubts, thresholds)
        cost = float(costs.bill(answers, truth).sum())
        if cost < least:
            best, least = answers, cost
    return best


# --- twenty days --------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Days:
    """What one policy did on the twenty days.

    Attributes
    ----------
    answers : list of int64 [N]
        A day each.
    costs : float64, shape [20]
        Minutes for 1,000 images.
    """

    answers: list[NDArray[np.int64]]
    costs: NDArray[np.float64]


def run(room: Room, answer: Answer, pool: Predictions) -> Days:
    """Let a function answer every day.

    Parameters
    ----------
    room : Room
    answer : callable
        Gets predictions and truth of a day, and its costs; returns answers, int64 [N].
    pool : Predictions
        Of the room's images.
    """
    answers, costs = [], []
    for stream in room.streams:
        truth = room.truth[stream.indices]
        said = answer(pool.take(stream.indices), truth, stream.costs)
        answers.append(said)
        costs.append(MINUTES_FOR * stream.costs.bill(said, truth).mean())
    return Days(answers, np.array(costs))
