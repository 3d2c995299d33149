"""Exercises of chapter 8: a threshold, what it may promise, and what it costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_utils.metrics import guarantees

from .chapter_07 import _curve
from .kinds import Choice, Function, Misconception

PRICE = "put a price on mistakes and referrals, and find the cheapest threshold"


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
    objective="choose a threshold on validation digits, and report honestly what it does",
    minutes=8,
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
def _kept(wrong: NDArray, answered: NDArray, target: float, delta: float) -> NDArray:
    return guarantees.risk_bound(wrong, answered, delta) <= target


def _fixed_sequence(
    thresholds: NDArray, wrong: NDArray, answered: NDArray, target: float, delta: float
) -> float:
    passed = np.logical_and.accumulate(_kept(wrong, answered, target, delta)).sum()
    return float(thresholds[passed - 1]) if passed else -np.inf


def _last_that_keeps(
    thresholds: NDArray, wrong: NDArray, answered: NDArray, target: float, delta: float
) -> float:
    kept = _kept(wrong, answered, target, delta)
    return float(thresholds[kept][-1]) if kept.any() else -np.inf


def _first_that_fails(
    thresholds: NDArray, wrong: NDArray, answered: NDArray, target: float, delta: float
) -> float:
    fails = np.flatnonzero(~_kept(wrong, answered, target, delta))
    return float(thresholds[fails[0] if len(fails) else -1])


def _without_bound(
    thresholds: NDArray, wrong: NDArray, answered: NDArray, target: float, delta: float
) -> float:
    passed = np.logical_and.accumulate(wrong / answered <= target).sum()
    return float(thresholds[passed - 1]) if passed else -np.inf


def _looks() -> list[tuple]:
    thresholds = np.array([0.05, 0.1, 0.2, 0.4, 0.7])
    answered = np.array([500, 600, 700, 800, 900])
    wrong = ([1, 1, 2, 4, 4], [0, 1, 2, 11, 4], [2, 3, 4, 8, 20], [9, 9, 0, 0, 0], [0] * 5)
    targets = (0.01, 0.01, 0.015, 0.01, 0.01)
    return [
        (thresholds, np.array(each), answered, target, 0.1)
        for each, target in zip(wrong, targets, strict=True)
    ]


ex8_2 = Function(
    name="ex8_2",
    title="A fixed sequence",
    objective="choose a threshold that keeps its promise with a stated probability",
    minutes=7,
    task=(
        "Write the second rule. Your function gets K thresholds, from the smallest coverage to the "
        "largest, and for each of them how many validation digits are answered wrongly, `wrong` "
        "[K], and how many are answered, `answered` [K]. Start at the first one, and go on while "
        "the bound is at most `target`. Return the **last threshold before the first one that "
        "fails**, or `-np.inf` if the first one fails already."
    ),
    stub='''def fixed_sequence_threshold(thresholds, wrong, answered, target, delta):
    """Last threshold before the first one whose bound exceeds the target."""
    return ...''',
    passed="fixed_sequence_threshold",
    hints=(
        "Compute the bound for each threshold, then walk from the left. When do you stop?",
        "`beta.ppf(1 - delta, wrong + 1, answered - wrong)` gives all K bounds at once.",
        "Keep the last good threshold in a variable that starts as `-np.inf`, and `break` at the "
        "first bound above the target.",
    ),
    answer='''def fixed_sequence_threshold(thresholds, wrong, answered, target, delta):
    """Last threshold before the first one whose bound exceeds the target."""
    bounds = beta.ppf(1 - delta, wrong + 1, answered - wrong)
    chosen = -np.inf
    for threshold, bound in zip(thresholds, bounds, strict=True):
        if bound > target:
            break
        chosen = threshold
    return chosen''',
    why=(
        "The rule stops for good at the first failure, also if a later bound would pass. That's "
        "the price of spending the whole δ at every look."
    ),
    reference=_fixed_sequence,
    inputs=_looks,
    misconceptions=(
        Misconception(
            _last_that_keeps,
            "you go on after a failure. The sequence stops for good at the first one, even if a "
            "later bound passes.",
        ),
        Misconception(
            _first_that_fails,
            "this is the first threshold that fails. Return the one before it.",
        ),
        Misconception(
            _without_bound,
            "you compare the risk that was counted. The *bound* must be at most the target.",
        ),
        Misconception(
            lambda thresholds, wrong, answered, target, delta: _fixed_sequence(
                thresholds, wrong, answered, target, delta / len(thresholds)
            ),
            "each look gets only its share of δ here. That's Bonferroni; a fixed sequence spends "
            "the whole δ at each look.",
        ),
        Misconception(
            lambda thresholds, wrong, answered, target, delta: _fixed_sequence(
                thresholds, wrong, answered, target, 1 - delta
            ),
            "this is the δ quantile, a *lower* bound. The upper one is the 1 - δ quantile.",
        ),
    ),
)

# --- 8.3 ------------------------------------------------------------------------------------------
ex8_3 = Choice(
    name="ex8_3",
    title="The coverage falls",
    objective="measure what shift and OOD images do to a fixed threshold",
    minutes=2,
    task=(
        "A sorting office uses your model with a fixed threshold. One morning the coverage falls "
        "from nine in ten to six in ten, and nobody has any labels yet. What do you know?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Look at the three panels above. In how many of them does the coverage fall?",
        "Compare the risk under blur with the risk under rotation.",
        "The coverage falls in all three, and the risk behaves differently.",
    ),
    answer='choice = "b"',
    why=(
        "The coverage needs no labels, so it's the alarm that costs nothing. It rings under blur, "
        "where the answers stay reliable, and under rotation, where they don't. Which of the two "
        "it is, only labels can tell."
    ),
    correct="b",
    options={
        "a": "The answers still given are as safe as promised: what has become hard is referred",
        "b": "The images have changed; whether the promise still holds, only labels can tell",
        "c": "The promise is broken, so the model must be trained again",
        "d": "The threshold has become too strict, so raise it until the coverage is back",
    },
    reasons={
        "a": "that's what happens under blur. Under rotation the coverage falls, too.",
        "c": "that's what happens under rotation. Compare with blur, where the risk hardly rises.",
        "d": "that would answer the very images that the model finds unusual. What would the risk "
        "do?",
    },
)


# --- 8.4 ------------------------------------------------------------------------------------------
def _cheapest(
    uncertainty: NDArray,
    correct: NDArray,
    cost_wrong: float,
    cost_refer: float,
    *,
    off: int = 0,
    total: bool = False,
) -> np.ndarray:
    order = np.argsort(uncertainty)
    referred = len(order) - 1 - np.arange(len(order))
    cost = cost_wrong * np.cumsum(~correct[order]) + cost_refer * referred
    best = int(cost.argmin())
    threshold = uncertainty[order][best + off]
    return np.array([threshold, cost[best] / (1 if total else len(order))])


def _priced_by_risk(
    uncertainty: NDArray, correct: NDArray, cost_wrong: float, cost_refer: float
) -> np.ndarray:
    order = np.argsort(uncertainty)
    coverage, risk = _curve(-uncertainty, correct)
    cost = cost_wrong * risk + cost_refer * (1 - coverage)
    return np.array([uncertainty[order][cost.argmin()], cost.min()])


def _mistakes_alone(
    uncertainty: NDArray, correct: NDArray, cost_wrong: float, cost_refer: float
) -> np.ndarray:
    return _cheapest(uncertainty, correct, cost_wrong, 0)


def _costly_answers() -> list[tuple]:
    generator = np.random.default_rng(85)
    uncertainty = generator.permutation(np.linspace(0.01, 0.8, 60))
    correct = generator.uniform(size=60) > uncertainty
    correct[uncertainty.argmin()] = True
    few = np.array([0.3, 0.1, 0.6, 0.2, 0.5]), np.array([False, True, False, True, True])
    return [(*few, 3.0, 1.0), (uncertainty, correct, 10.0, 3.0), (uncertainty, correct, 4.0, 1.5)]


ex8_4 = Function(
    name="ex8_4",
    title="The cheapest threshold",
    objective=PRICE,
    minutes=7,
    task=(
        "Return the threshold with the lowest cost, and that cost **per image**. The candidates "
        "are the uncertainties of the images themselves, so at least one image is answered; "
        "answered means uncertainty ≤ threshold. No two images have the same uncertainty, and no "
        "two thresholds the same cost."
    ),
    stub='''def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):
    """Threshold with the lowest mean cost, and that cost."""
    return ...''',
    passed="cheapest_threshold",
    hints=(
        "Sort by uncertainty. At each step, how many answers are wrong, and how many images are "
        "referred?",
        "After k answers, `np.cumsum(~correct[order])[k - 1]` are wrong and N - k are referred.",
        "Add up both costs, divide by N, and take the step at `cost.argmin()`.",
    ),
    answer='''def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):
    """Threshold with the lowest mean cost, and that cost."""
    order = np.argsort(uncertainty)
    wrong = np.cumsum(~correct[order])
    referred = len(order) - np.arange(1, len(order) + 1)
    cost = (cost_wrong * wrong + cost_refer * referred) / len(order)
    best = cost.argmin()
    return uncertainty[order][best], cost[best]''',
    why=(
        "No target risk had to be invented: the two costs decide. Like any choice, this one "
        "flatters itself on the images it was made on, so report its cost on others."
    ),
    reference=_cheapest,
    inputs=_costly_answers,
    misconceptions=(
        Misconception(
            lambda *given: _cheapest(*given, total=True),
            "the threshold is right, but the cost is the total. Divide by the number of images.",
        ),
        Misconception(
            lambda *given: _cheapest(*given, off=1),
            "this is one image too far: the threshold is the uncertainty of the last image that is "
            "answered.",
        ),
        Misconception(
            _priced_by_risk,
            "you multiply the cost of a mistake by the risk, which looks at answered images only. "
            "Count the wrong answers per image: coverage times risk.",
        ),
        Misconception(
            _mistakes_alone,
            "you pay for mistakes only, so referring is free. Add the cost of referrals.",
        ),
        Misconception(
            lambda uncertainty, correct, cost_wrong, cost_refer: _cheapest(
                uncertainty, correct, cost_refer, cost_wrong
            ),
            "the two costs are exchanged.",
        ),
        Misconception(
            lambda *given: _cheapest(*given)[::-1],
            "both are right, in the wrong order: first the threshold, then the cost.",
        ),
    ),
)
