"""Exercises of chapter 8: a threshold, what it may promise, and what it costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .chapter_07 import _curve
from .kinds import Function, Misconception, Number


# --- 8.1 ------------------------------------------------------------------------------------------
def _largest(uncertainty: np.ndarray, correct: np.ndarray, budget: float) -> int:
    """Rank, from 0, of the last answered image at the largest coverage that keeps the budget."""
    return int(np.flatnonzero(_risks(uncertainty, correct) <= budget)[-1])


def _risks(uncertainty: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return _curve(-uncertainty, correct)[1]


def _report(threshold: float, uncertainty: np.ndarray, correct: np.ndarray) -> np.ndarray:
    answered = uncertainty <= threshold
    risk = (~correct[answered]).mean() if answered.any() else np.nan
    return np.array([threshold, answered.mean(), risk])


def _choose(
    val_u: NDArray,
    val_correct: NDArray,
    test_u: NDArray,
    test_correct: NDArray,
    budget: float,
    *,
    off: int = 0,
) -> np.ndarray:
    rank = _largest(val_u, val_correct, budget) + off
    return _report(np.sort(val_u)[rank], test_u, test_correct)


def _chosen_on_test(
    val_u: NDArray, val_correct: NDArray, test_u: NDArray, test_correct: NDArray, budget: float
) -> np.ndarray:
    return _choose(test_u, test_correct, test_u, test_correct, budget)


def _reported_on_val(
    val_u: NDArray, val_correct: NDArray, test_u: NDArray, test_correct: NDArray, budget: float
) -> np.ndarray:
    return _choose(val_u, val_correct, val_u, val_correct, budget)


def _first_crossing(
    val_u: NDArray, val_correct: NDArray, test_u: NDArray, test_correct: NDArray, budget: float
) -> np.ndarray:
    rank = int(np.argmax(_risks(val_u, val_correct) > budget)) - 1
    return _report(np.sort(val_u)[rank], test_u, test_correct)


def _wrong_side(
    val_u: NDArray, val_correct: NDArray, test_u: NDArray, test_correct: NDArray, budget: float
) -> np.ndarray:
    threshold = _choose(val_u, val_correct, test_u, test_correct, budget)[0]
    referred = test_u > threshold
    risk = (~test_correct[referred]).mean() if referred.any() else np.nan
    return np.array([threshold, referred.mean(), risk])


def _risk_of_all(
    val_u: NDArray, val_correct: NDArray, test_u: NDArray, test_correct: NDArray, budget: float
) -> np.ndarray:
    threshold, coverage, risk = _choose(val_u, val_correct, test_u, test_correct, budget)
    return np.array([threshold, coverage, coverage * risk])


def _two_sets() -> list[tuple]:
    generator = np.random.default_rng(11)
    made = []
    for num_val, num_test, budget in ((60, 80, 0.1), (90, 70, 0.2)):
        uncertainty = generator.permutation(np.linspace(0.004, 0.7, num_val + num_test))
        correct = generator.uniform(size=len(uncertainty)) > 0.9 * uncertainty
        first = np.argsort(uncertainty[:num_val])
        correct[first[:2]] = True  # there is always a threshold that keeps the budget
        correct[first[3]] = False  # the curve crosses the budget early, and comes back
        made.append(
            (
                uncertainty[:num_val],
                correct[:num_val],
                uncertainty[num_val:],
                correct[num_val:],
                budget,
            )
        )
    return made


ex8_1 = Function(
    name="ex8_1",
    title="A threshold for a risk budget",
    objective=(
        "choose a threshold on validation digits, predict how far it may miss on others, and "
        "choose one that holds with a stated probability"
    ),
    minutes=10,
    task=(
        "Choose the threshold that gives the **largest** coverage with a risk of at most `budget`, "
        "and report honestly what it does. The function gets uncertainty and `correct` (true or "
        "false) of validation and test images. It returns three numbers: the threshold, which is "
        "the uncertainty of the last *validation* image that is answered; the coverage, and the "
        "risk that you would report. Answered means uncertainty ≤ threshold. No two images have "
        "the same uncertainty, and some threshold keeps the budget."
    ),
    stub='''\
def choose_and_report(val_uncertainty, val_correct, test_uncertainty, test_correct, budget):
    """Threshold, coverage and risk."""
    return ...''',
    passed="choose_and_report",
    hints=(
        "Which images may help to choose, and which ones are for the report? Do the two apart.",
        "Sort the validation images, compute the risk at every step, and take the *last* step that "
        "keeps the budget: the curve may cross it more than once.",
        "`steps = np.flatnonzero(risk <= budget)`; the threshold is "
        "`val_uncertainty[order][steps[-1]]`. Then `answered = test_uncertainty <= threshold`.",
    ),
    answer='''\
def choose_and_report(val_uncertainty, val_correct, test_uncertainty, test_correct, budget):
    """Threshold, coverage and risk."""
    order = np.argsort(val_uncertainty)
    risk = np.cumsum(~val_correct[order]) / np.arange(1, len(order) + 1)
    last = np.flatnonzero(risk <= budget)[-1]
    threshold = val_uncertainty[order][last]
    answered = test_uncertainty <= threshold
    return threshold, answered.mean(), (~test_correct[answered]).mean()''',
    why=(
        "The test images saw nothing of the choice, so their risk is an honest report, and it may "
        "lie above the budget. Had you chosen on them, the budget would be kept for certain, and "
        "would mean nothing."
    ),
    reference=_choose,
    inputs=_two_sets,
    misconceptions=(
        Misconception(
            _chosen_on_test,
            "the threshold was chosen on the test images. It keeps the budget there by "
            "construction, and says nothing about new images: choose on validation.",
        ),
        Misconception(
            _reported_on_val,
            "coverage and risk are those of the validation images, on which you chose. They are "
            "flattered: report the test images.",
        ),
        Misconception(
            lambda *given: _choose(*given, off=1),
            "this is one image too far: the threshold is that of the first image that is *not* "
            "answered. Answered means uncertainty ≤ threshold.",
        ),
        Misconception(
            lambda *given: _choose(*given, off=-1),
            "this is one image short: the last image within the budget is answered, too, since "
            "answered means uncertainty ≤ threshold, not <.",
        ),
        Misconception(
            _first_crossing,
            "you stop where the risk first exceeds the budget. It comes back below it later: take "
            "the last step that keeps it.",
        ),
        Misconception(
            _wrong_side,
            "the threshold is right, but the report is about the *referred* images, those above "
            "it. Nobody was given these answers.",
        ),
        Misconception(
            _risk_of_all,
            "the threshold is right. But the risk divides by the answered images, not by all.",
        ),
    ),
)

# --- 8.2 ------------------------------------------------------------------------------------------
ex8_2 = Number(
    name="ex8_2",
    title="What does it cost?",
    objective="put a price on mistakes and referrals, and find the cheapest threshold",
    minutes=3,
    task=(
        "At its threshold a model answers 800 of 1,000 digits, and 16 of these answers are wrong. "
        "A wrong answer costs 10, a referral 1, a right answer nothing. What is the mean cost "
        "**per digit**? (Answering everything would have cost 0.6.)"
    ),
    stub="cost_per_digit = ...",
    passed="cost_per_digit",
    hints=(
        "There are three kinds of digits: answered rightly, answered wrongly, referred. How many "
        "of each?",
        "16 wrong answers and 200 referrals are to be paid.",
        "Divide the total by *all* digits: in the formula the risk is multiplied by the coverage.",
    ),
    answer="cost_per_digit = 10 * 16 / 1_000 + 1 * 200 / 1_000",
    why=(
        "Per digit it is cost of a mistake · coverage · risk + cost of a referral · "
        "(1 - coverage) = 10 · 0.8 · 0.02 + 1 · 0.2. Saying nothing is worth money here: 0.24 less "
        "than answering everything. The curve alone could not have told you; the costs decide."
    ),
    expected=0.36,
    tolerance=0.005,
    misconceptions=(
        Misconception(
            0.4,
            "this takes the risk, 16 / 800, for the share of *all* digits. A digit that is "
            "referred cannot be answered wrongly: multiply by the coverage.",
        ),
        Misconception(0.16, "these are the wrong answers alone. Referrals are not free."),
        Misconception(360, "this is the total. The question asks for the mean per digit."),
        Misconception(0.45, "you divide by the answered digits. Every digit has its cost: by all."),
        Misconception(2.016, "the two costs are exchanged: 10 is the price of a *wrong* answer."),
        Misconception(0.2, "these are the referrals alone. What do the wrong answers cost?"),
    ),
)
