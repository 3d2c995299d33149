"""Exercises of chapter 0: one answer from several networks, and a decision."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.metrics import selective

from . import guard
from .exercise import NotYet
from .kinds import Built, Function, Misconception, as_array

COMBINE = "combine the members of an ensemble into one answer"
CHOOSE = (
    "choose a threshold from what mistakes and referrals cost, and report what it's worth on new "
    "digits"
)


# --- 0.1 ----------------------------------------------------------------------------------------
def _answers(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.mean(axis=1).argmax(axis=1)


def _majority(probabilities: np.ndarray) -> np.ndarray:
    votes = probabilities.argmax(axis=2)
    return np.array([np.bincount(row).argmax() for row in votes])


def _most_confident(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.max(axis=1).argmax(axis=1)


def _product(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.prod(axis=1).argmax(axis=1)


def _images_that_tell_apart() -> list[tuple[np.ndarray]]:
    vote_against_mean = [[0.1, 0.9, 0.0], [0.6, 0.4, 0.0], [0.55, 0.45, 0.0]]
    loudest_against_mean = [[0.0, 0.1, 0.9], [0.5, 0.4, 0.1], [0.4, 0.6, 0.0]]
    veto_against_mean = [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.0, 0.4, 0.6]]
    first_against_mean = [[0.4, 0.3, 0.3], [0.1, 0.1, 0.8], [0.1, 0.2, 0.7]]
    images = [vote_against_mean, loudest_against_mean, veto_against_mean, first_against_mean]
    generator = np.random.default_rng(1)
    return [(np.array(images),), (generator.dirichlet(np.ones(10), (5, 2)),)]


ex0_1 = Function(
    name="ex0_1",
    title="One answer from several",
    objective=COMBINE,
    minutes=4,
    task=(
        "An ensemble's probabilities are the mean of its members' probabilities, and it answers "
        "with the class whose mean is highest. Write that in one line. `probabilities` has the "
        "shape [images, members, classes]; return one class per image."
    ),
    stub='''def answers(probabilities):
    """The ensemble's answer to each image; probabilities is [images, members, classes]."""
    return ...''',
    passed="answers",
    hints=(
        "Two steps: a mean, and then the place of the largest value. Over which axis goes each?",
        "The members are axis 1. Once they're averaged, what's left is [images, classes].",
        "`probabilities.mean(axis=1)`, and then `.argmax` over the classes.",
    ),
    answer='''def answers(probabilities):
    """The ensemble's answer to each image; probabilities is [images, members, classes]."""
    return probabilities.mean(axis=1).argmax(axis=1)''',
    why=(
        "A member that is sure counts for more in the mean than one that hesitates. A vote would "
        "forget how sure each of them was."
    ),
    reference=_answers,
    inputs=_images_that_tell_apart,
    misconceptions=(
        Misconception(
            _majority,
            "this is a vote: each member counts the same, however sure it is. Average the "
            "probabilities first.",
        ),
        Misconception(
            _most_confident,
            "here the most confident member decides alone. Average over the members.",
        ),
        Misconception(
            _product,
            "this multiplies the members' probabilities, so a single member can rule a class out. "
            "The mean is asked for.",
        ),
        Misconception(
            lambda probabilities: probabilities[:, 0].argmax(axis=1),
            "this is what the first member says. What about the others?",
        ),
        Misconception(
            lambda probabilities: probabilities.mean(axis=1).argmin(axis=1),
            "this is the class with the lowest mean.",
        ),
    ),
    examine=lambda answers: _whole_numbers(answers),
)


def _whole_numbers(answers: Any) -> None:
    given = _images_that_tell_apart()[0]
    if not np.issubdtype(np.asarray(guard.call(answers, *given)).dtype, np.integer):
        raise NotYet("the classes are right, but as decimals. `argmax` gives whole numbers.")


# --- 0.2 ----------------------------------------------------------------------------------------
def _mean_cost(threshold: float, uncertainty: np.ndarray, correct: np.ndarray) -> float:
    answered = uncertainty <= threshold
    return float(10 * (answered & ~correct).mean() + (~answered).mean())


def _per_answer(threshold: float, uncertainty: np.ndarray, correct: np.ndarray) -> float:
    answered = uncertainty <= threshold
    return float(10 * (~correct)[answered].mean() + (~answered).mean())


def _every_mistake(threshold: float, uncertainty: np.ndarray, correct: np.ndarray) -> float:
    return float(10 * (~correct).mean() + (uncertainty > threshold).mean())


def _mirrored(threshold: float, uncertainty: np.ndarray, correct: np.ndarray) -> float:
    return _mean_cost(-threshold, -uncertainty, correct)


MIRRORED = (
    "the direction is reversed: this answers the uncertain digits and asks a person about the "
    "certain ones."
)


def _desks() -> list[tuple[float, np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(2)
    uncertainty = generator.integers(0, 8, 40) / 10  # many digits exactly at the threshold
    return [
        (0.3, np.array([0.1, 0.3, 0.2, 0.6, 0.9]), np.array([True, False, True, True, False])),
        (0.4, uncertainty, generator.random(40) > uncertainty),
    ]


ex0_2 = Function(
    name="ex0_2",
    title="What a threshold costs",
    objective=CHOOSE,
    minutes=8,
    task=(
        "A wrong answer costs 10, say in euros, and a person who reads a digit costs 1. A right "
        "answer costs nothing. The model answers if its uncertainty is *at most* the threshold; "
        "all other digits go to a person, who makes no mistakes. Return the mean cost of a digit. "
        "`uncertainty` and `correct` (true or false) are arrays with one value per digit."
    ),
    stub='''def mean_cost(threshold, uncertainty, correct):
    """Mean cost of a digit: 10 for a wrong answer, 1 for a digit that a person reads."""
    return ...''',
    passed="mean_cost",
    hints=(
        "Which digits does the model answer? Make an array of true and false first.",
        "With `answered = uncertainty <= threshold`, the costly digits are `answered & ~correct`, "
        "and a person reads `~answered`.",
        "The mean of an array of true and false is a share. Take 10 times one share, and add the "
        "other.",
    ),
    answer='''def mean_cost(threshold, uncertainty, correct):
    """Mean cost of a digit: 10 for a wrong answer, 1 for a digit that a person reads."""
    answered = uncertainty <= threshold
    wrong = answered & ~correct
    return 10 * wrong.mean() + (~answered).mean()''',
    why=(
        "A mistake that goes to a person costs 1 instead of 10, and a right answer that goes to a "
        "person costs 1 instead of nothing. The threshold trades one for the other."
    ),
    reference=_mean_cost,
    inputs=_desks,
    misconceptions=(
        Misconception(
            _every_mistake,
            "every mistake costs 10 here. Those that go to a person cost only what the person "
            "costs.",
        ),
        Misconception(
            _per_answer,
            "the mistakes are divided by the number of *answers* here. The cost of a digit is a "
            "mean over all digits.",
        ),
        Misconception(
            lambda threshold, uncertainty, correct: _mean_cost(
                np.nextafter(threshold, -1), uncertainty, correct
            ),
            "a digit exactly at the threshold is answered: at most, not less than.",
        ),
        Misconception(
            lambda threshold, uncertainty, correct: (
                _mean_cost(threshold, uncertainty, correct) * len(correct)
            ),
            "this is the cost of all digits together. Take the mean.",
        ),
        Misconception(_mirrored, MIRRORED),
        Misconception(
            lambda threshold, uncertainty, correct: _mirrored(
                np.nextafter(threshold, 2), uncertainty, correct
            ),
            MIRRORED,
        ),
        Misconception(
            lambda threshold, uncertainty, correct: _mean_cost(threshold, uncertainty, ~correct),
            "here right answers cost 10. `~correct` marks the wrong ones.",
        ),
        Misconception(
            lambda threshold, uncertainty, correct: float(
                10 * ((uncertainty <= threshold) & ~correct).mean()
            ),
            "the person works for nothing here. Each digit that is passed on costs 1.",
        ),
    ),
)


# --- 0.3 ----------------------------------------------------------------------------------------
def _cheapest(threshold: Any, *more: Any) -> None:
    if len(more) != 2:
        raise NotYet(
            "leave the last line as it was: `ex0_3.check(threshold, uncertainty, correct)`."
        )
    limit = float(as_array(threshold, ()))
    if np.isnan(limit):
        raise NotYet("this is NaN, not a number. Does your `mean_cost` return numbers?")
    uncertainty, correct = as_array(more[0]), np.asarray(more[1], dtype=bool)
    if uncertainty.shape != correct.shape or uncertainty.ndim != 1:
        raise NotYet("`uncertainty` and `correct` have changed. Run the cell of the curves again.")
    curve = selective.cost_curve(uncertainty, correct, 10, 1)
    lowest = curve.optimum.cost
    if limit >= 1 and float(limit).is_integer() and limit < len(uncertainty):
        raise NotYet(
            "is this the *place* of the lowest cost? Look up which threshold stands at that place."
        )
    if np.isclose(limit, lowest, rtol=1e-9):
        raise NotYet("this is the lowest *cost*. Which threshold has it?")
    cost = curve.cost_at(limit)
    if cost > lowest * (1 + 1e-9):
        too = "high" if limit > curve.optimum.threshold else "low"
        raise NotYet(
            f"with this threshold a digit costs {cost:.4f} on average. A better one brings that "
            f"down to {lowest:.4f}: yours is too {too}."
        )


ex0_3 = Built(
    name="ex0_3",
    title="Decide",
    objective=CHOOSE,
    minutes=6,
    task=(
        "Which threshold makes a validation digit cheapest? Try every value that occurs in "
        "`uncertainty` with your `mean_cost`, and keep the one with the lowest cost."
    ),
    stub="threshold = ...",
    passed="threshold, uncertainty, correct",
    hints=(
        "The values that occur are the candidates. Which of them costs least?",
        "`np.unique(uncertainty)` holds every value once. Make a list of costs, one per candidate.",
        "`np.argmin(costs)` is the place of the lowest cost; the threshold is the candidate at "
        "that place.",
    ),
    answer="""candidates = np.unique(uncertainty)
costs = [mean_cost(candidate, uncertainty, correct) for candidate in candidates]
threshold = candidates[np.argmin(costs)]""",
    why=(
        "This threshold fits these costs. If a mistake cost 100, more digits would go to a person: "
        "try it."
    ),
    try_out=_cheapest,
)
