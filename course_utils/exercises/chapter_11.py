"""Exercises of chapter 11: the bill of a day, the cheapest threshold, and what a promise covers."""

from __future__ import annotations

import numpy as np

from .kinds import Choice, Function, Misconception

REFER = -1


# --- 11.1 ---------------------------------------------------------------------------------------
def _bill(answers: np.ndarray, truth: np.ndarray, wrong: np.ndarray, refer: float) -> float:
    missed = np.where(answers == truth, 0.0, wrong[answers])
    return float(np.where(answers == REFER, refer, missed).sum())


def _by_truth(answers: np.ndarray, truth: np.ndarray, wrong: np.ndarray, refer: float) -> float:
    missed = np.where(answers == truth, 0.0, wrong[truth])
    return float(np.where(answers == REFER, refer, missed).sum())


def _last_region(answers: np.ndarray, truth: np.ndarray, wrong: np.ndarray, refer: float) -> float:
    return float(wrong[answers[answers != truth]].sum() + refer * (answers == REFER).sum())


def _mornings() -> list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    few = (
        np.array([3, REFER, 8, 1, REFER]),
        np.array([3, 5, 9, REFER, REFER]),
        np.array([10.0, 40, 10, 10, 10, 10, 10, 10, 20, 70]),
        1.0,
    )
    generator = np.random.default_rng(11)
    answers, truth = generator.integers(-1, 10, (2, 60))
    truth[:30] = answers[:30]
    return [few, (answers, truth, generator.permutation(np.arange(5.0, 55, 5)), 1.5)]


ex11_1 = Function(
    name="ex11_1",
    title="The bill",
    objective="work out what a policy's decisions cost",
    minutes=5,
    task=(
        "Write the bill of a day, in minutes. Your function gets the `answers` and the `truth` of "
        "N images, both a digit or `REFER`: where the truth is `REFER` there is no digit, and "
        "every answer is wrong. A wrong answer costs `wrong[answer]`, because the image goes to "
        "the region of the digit that was *answered*. A referred image costs `refer`, whatever it "
        "shows, and a right answer nothing."
    ),
    stub='''def bill(answers, truth, wrong, refer):
    """Minutes that a day costs. answers, truth: int [N]; wrong: [10]; refer: a number."""
    return ...''',
    passed="bill",
    hints=(
        "There are three kinds of images: referred, answered rightly, and answered wrongly. Which "
        "of them cost something?",
        "`answers == REFER` finds the first kind. For the third, an image must be answered *and* "
        "its answer must differ from the truth.",
        "With `is_wrong = (answers != REFER) & (answers != truth)`, the mistakes cost "
        "`wrong[answers[is_wrong]].sum()`. What is missing?",
    ),
    answer='''def bill(answers, truth, wrong, refer):
    """Minutes that a day costs. answers, truth: int [N]; wrong: [10]; refer: a number."""
    is_referred = answers == REFER
    is_wrong = ~is_referred & (answers != truth)
    return wrong[answers[is_wrong]].sum() + refer * is_referred.sum()''',
    why=(
        "A referral has a fixed price, and a mistake has that of the answer. That's why a policy "
        "may be bolder with some digits than with others."
    ),
    reference=_bill,
    inputs=_mornings,
    misconceptions=(
        Misconception(
            _last_region,
            "a referred image is also billed as a mistake: `REFER` is -1, and `wrong[-1]` is the "
            "cost of the digit 9. Leave referred images out before you look at mistakes.",
        ),
        Misconception(
            _by_truth,
            "you look up the cost by the truth. The image travels to the region of the digit that "
            "was answered.",
        ),
        Misconception(
            lambda answers, truth, wrong, refer: _bill(answers, truth, wrong, 0.0),
            "the referred images are free here. Somebody has to read them.",
        ),
        Misconception(
            lambda answers, truth, wrong, refer: (
                _bill(answers, truth, wrong, refer)
                - refer * int(((answers == REFER) & (truth == REFER)).sum())
            ),
            "images of no digit are referred for free here. Somebody has to look at them, too.",
        ),
        Misconception(
            lambda answers, truth, wrong, refer: _bill(answers, truth, wrong, refer) / len(answers),
            "this is the mean for one image. The bill is the sum of the day.",
        ),
    ),
)


# --- 11.2 ---------------------------------------------------------------------------------------
def _cheapest(
    uncertainty: np.ndarray,
    correct: np.ndarray,
    cost_wrong: float,
    cost_refer: float,
    *,
    nothing: bool = True,
    below: bool = False,
) -> float:
    candidates = np.sort(uncertainty)
    if nothing:
        candidates = np.concatenate([[-np.inf], candidates])
    costs = []
    for threshold in candidates:
        answered = uncertainty < threshold if below else uncertainty <= threshold
        costs.append(cost_wrong * (answered & ~correct).sum() + cost_refer * (~answered).sum())
    return float(candidates[int(np.argmin(costs))])


def _piles() -> list[tuple[np.ndarray, np.ndarray, float, float]]:
    generator = np.random.default_rng(12)
    doubt = generator.permutation(np.geomspace(1e-4, 0.8, 50))
    correct = generator.uniform(size=50) > doubt
    hopeless = np.array([0.2, 0.1, 0.3]), np.array([True, False, False]), 20.0, 1.0
    few = np.array([0.3, 0.1, 0.4, 0.2]), np.array([True, True, False, True]), 10.0, 1.0
    return [few, (doubt, correct, 7.3, 1.0), (doubt, correct, 30.1, 1.0), hopeless]


ex11_2 = Function(
    name="ex11_2",
    title="The cheapest threshold",
    objective="choose thresholds by what they cost, on images like those that will come",
    minutes=7,
    task=(
        "Take all images that would get the same answer. Your function knows how uncertain each of "
        "them is, and whether its answer is `correct` [N]. An image is answered if its uncertainty "
        "is at most the threshold; otherwise it is referred. Return the threshold that costs least "
        "in all: one of the uncertainties, or `-np.inf` if it's cheapest to answer nothing."
    ),
    stub='''def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):
    """The threshold with the smallest cost; uncertainty, correct: [N]."""
    return ...''',
    passed="cheapest_threshold",
    hints=(
        "There are only N + 1 thresholds that differ in what they answer. Could you try them all?",
        "For one threshold: `answered = uncertainty <= threshold`. What do the wrong ones among "
        "them cost, and what do all others?",
        "Collect `cost_wrong * (answered & ~correct).sum() + cost_refer * (~answered).sum()` for "
        "every threshold in `[-np.inf, *uncertainty]`, and take the threshold of the smallest.",
    ),
    answer='''def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):
    """The threshold with the smallest cost; uncertainty, correct: [N]."""
    candidates, costs = [-np.inf, *uncertainty], []
    for threshold in candidates:
        answered = uncertainty <= threshold
        wrong, referred = (answered & ~correct).sum(), (~answered).sum()
        costs.append(cost_wrong * wrong + cost_refer * referred)
    return candidates[np.argmin(costs)]''',
    why=(
        "You've found the lowest point of the cost curve from chapter 8. "
        "`selective.cost_curve(...).optimum.threshold` finds it, too, and faster."
    ),
    reference=_cheapest,
    inputs=_piles,
    misconceptions=(
        Misconception(
            lambda u, c, wrong, refer: _cheapest(u, c, wrong, refer, nothing=False),
            "somewhere it's cheapest to answer nothing, and your function answers at least one "
            "image. Try `-np.inf`, too.",
        ),
        Misconception(
            lambda u, c, wrong, refer: refer / wrong,
            "this is Chow's rule. It needs no data, and is cheapest if the uncertainty is the true "
            "probability of being wrong. Here you have data: use it.",
        ),
        Misconception(
            lambda u, c, wrong, refer: _cheapest(u, c, wrong, 0.0),
            "referring is free here, so nothing but mistakes counts. Add what referred images "
            "cost.",
        ),
        Misconception(
            lambda u, c, wrong, refer: _cheapest(u, c, 0.0, refer),
            "mistakes are free here, so everything is answered. Add what wrong answers cost.",
        ),
        Misconception(
            lambda u, c, wrong, refer: _cheapest(u, ~c, wrong, refer),
            "right and wrong are swapped: `correct` is true where the answer is right.",
        ),
    ),
)

# --- 11.3 ---------------------------------------------------------------------------------------
ex11_3 = Choice(
    name="ex11_3",
    title="What the interval doesn't know",
    objective="say what a promise about a risk covers, and what it doesn't",
    minutes=3,
    task=(
        "Ann has rehearsed her policy on images that she didn't choose it on. She got an interval "
        "for its risk, and claims the upper end. On the first day more answers are wrong than she "
        "claimed, many more than the interval allows. Which is the best explanation?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Which of the four does the width of an interval account for?",
        "An interval speaks about more images *of the same kind*. Which answer changes the kind?",
        "Few images make an interval wide, and 95 % leaves room for a near miss. A policy sees the "
        "day's costs. What it doesn't see is what's in the bag.",
    ),
    answer='choice = "b"',
    why=(
        "An interval covers the luck of the draw, from the mix that was rehearsed. Whether "
        "tomorrow's mix is the same, no formula says. Every image of no digit that gets an answer "
        "is a mistake."
    ),
    correct="b",
    options={
        "a": "She rehearsed on too few images.",
        "b": "More images of no digit came in than she had rehearsed with.",
        "c": "She chose the thresholds for other costs than those of the first day.",
        "d": "The interval has 95 % confidence, so that this happens on one day in twenty.",
    },
    reasons={
        "a": "few images make the interval *wide*, so that its upper end is far from what was "
        "measured. It accounts for that.",
        "c": "other costs move the thresholds and so the risk, but she rehearsed the policy with "
        "the costs of the first day, which are known at the opening.",
        "d": "on such a day the risk lies a little beyond the interval. This one is far beyond.",
    },
)
