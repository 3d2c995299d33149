"""Exercises of chapter 7: curves, areas, and scores that find mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .exercise import NotYet
from .kinds import Built, Choice, Function, Misconception, Number

if TYPE_CHECKING:
    from course_utils.metrics.predictions import Predictions
    from course_utils.widgets.explorer import RiskCoverageExplorer

AREAS = "compute AURC and AUGRC by hand, and explain what AUGRC repairs"
FIND = "find out which scores find which mistakes, and which mistakes no score finds"


# --- 7.1 ------------------------------------------------------------------------------------------
def _curve(
    confidence: np.ndarray, correct: np.ndarray, *, ascending: bool = False, over_all: bool = False
) -> np.ndarray:
    order = np.argsort(confidence if ascending else -confidence)
    num_wrong = np.cumsum(~correct[order])
    num_answered = np.arange(1, len(correct) + 1)
    risk = num_wrong / (len(correct) if over_all else num_answered)
    return np.stack([num_answered / len(correct), risk])


def _accuracy_for_coverage(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    _, risk = _curve(confidence, correct)
    return np.stack([1 - risk, risk])


def _right_for_wrong(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    coverage, risk = _curve(confidence, correct)
    return np.stack([coverage, 1 - risk])


def _answers() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(5)
    confidence = generator.permutation(np.linspace(0.3, 0.99, 24))
    correct = generator.uniform(size=24) < confidence
    few = np.array([0.9, 0.4, 0.7, 0.6]), np.array([True, False, False, True])
    return [few, (confidence, correct)]


ex7_1 = Function(
    name="ex7_1",
    title="The curve in ten lines",
    objective="write the risk-coverage curve, and read coverage and risk off it",
    minutes=7,
    task=(
        "Write the risk-coverage curve yourself. Your function gets the **confidence** [N] (high "
        "means certain) and whether each answer is `correct` [N], true or false. It returns two "
        "arrays of length N: coverage and risk if only the most certain image is answered, the two "
        "most certain ones, and so on to all N. No two images have the same confidence."
    ),
    stub='''def risk_coverage_by_hand(confidence, correct):
    """Coverage [N] and risk [N], the most certain image first."""
    return ...''',
    passed="risk_coverage_by_hand",
    hints=(
        "Sort the images, the most certain one first. What changes from one step to the next?",
        "`np.argsort` sorts upwards; `np.cumsum` counts the mistakes so far. Each step answers "
        "one image more.",
        "`order = np.argsort(-confidence)`, `wrong = np.cumsum(~correct[order])`, and "
        "`answered = np.arange(1, len(correct) + 1)`. Which of them is divided by which?",
    ),
    answer='''def risk_coverage_by_hand(confidence, correct):
    """Coverage [N] and risk [N], the most certain image first."""
    order = np.argsort(-confidence)
    wrong = np.cumsum(~correct[order])
    answered = np.arange(1, len(correct) + 1)
    return answered / len(correct), wrong / answered''',
    why=(
        "Coverage divides by all images, risk by those that were answered. Only the sorting looks "
        "at the confidence, which is why only the order counts."
    ),
    reference=_curve,
    inputs=_answers,
    misconceptions=(
        Misconception(
            lambda confidence, correct: _curve(confidence, correct, ascending=True),
            "the least certain images are answered first here. High confidence means certain: sort "
            "downwards.",
        ),
        Misconception(
            _accuracy_for_coverage,
            "what you call coverage is the accuracy on the answered images. Coverage asks how many "
            "are answered, right or wrong.",
        ),
        Misconception(
            lambda confidence, correct: _curve(confidence, correct, over_all=True),
            "you divide the mistakes by all N images. That is the generalised risk, which AUGRC "
            "uses; the risk looks at the answered ones only.",
        ),
        Misconception(
            _right_for_wrong,
            "this is the share of right answers. The risk is the share of wrong ones.",
        ),
        Misconception(
            lambda confidence, correct: _curve(confidence, correct)[::-1],
            "both arrays are right, in the wrong order: first coverage, then risk.",
        ),
        Misconception(
            lambda confidence, correct: _curve(-np.arange(len(correct)), correct),
            "the images are answered in the order in which they came. Sort them first, and the "
            "mistakes along with them.",
        ),
    ),
)


# --- 7.2 ------------------------------------------------------------------------------------------
def _two_areas(wrong: np.ndarray, *, width: bool = True, trapezoids: bool = True) -> np.ndarray:
    answered = np.arange(1, len(wrong) + 1)
    risk, generalised = np.cumsum(wrong) / answered, np.cumsum(wrong) / len(wrong)
    if not trapezoids:
        return np.array([risk.mean(), generalised.mean()])
    areas = [np.trapezoid(heights, answered / len(wrong)) for heights in (risk, generalised)]
    return np.array(areas) / (1 - 1 / len(wrong) if width else 1)


def _areas_of_right_answers(wrong: np.ndarray) -> np.ndarray:
    return _two_areas(1 - wrong)


def _answers_in_order() -> list[tuple[np.ndarray]]:
    generator = np.random.default_rng(72)
    few = np.array([0, 1, 0, 0, 1])
    return [(few,), ((generator.uniform(size=30) < np.linspace(0, 0.6, 30)).astype(int),)]


ex7_2 = Function(
    name="ex7_2",
    title="Two areas",
    objective=AREAS,
    minutes=6,
    task=(
        "Your function gets `wrong` [N], 1 for a wrong answer and 0 for a right one, the most "
        "certain answer first. Return AURC and AUGRC: the area under the risk and under coverage "
        "times risk, against coverage from 1/N to 1, each divided by that width, 1 - 1/N. "
        "`np.trapezoid(heights, places)` gives an area."
    ),
    stub='''def two_areas(wrong):
    """AURC and AUGRC of answers in order, the most certain first."""
    return ...''',
    passed="two_areas",
    hints=(
        "Count the mistakes so far at each step. Which two numbers do the two curves divide by?",
        "`np.cumsum(wrong)` divided by 1, 2, …, N is the risk; divided by N it's coverage times "
        "risk.",
        "`coverage = np.arange(1, N + 1) / N`; both areas are `np.trapezoid(heights, coverage)` "
        "divided by `1 - 1 / N`.",
    ),
    answer='''def two_areas(wrong):
    """AURC and AUGRC of answers in order, the most certain first."""
    answered = np.arange(1, len(wrong) + 1)
    coverage = answered / len(wrong)
    risk = np.cumsum(wrong) / answered
    width = 1 - coverage[0]
    aurc = np.trapezoid(risk, coverage) / width
    return aurc, np.trapezoid(coverage * risk, coverage) / width''',
    why=(
        "The same mistakes, counted in two ways: among the answers given, or among all images. "
        "Only the first makes the early steps jump, since few answers have been given there."
    ),
    reference=_two_areas,
    inputs=_answers_in_order,
    misconceptions=(
        Misconception(
            lambda wrong: _two_areas(wrong)[::-1],
            "both areas are right, in the wrong order: first AURC, then AUGRC.",
        ),
        Misconception(
            lambda wrong: _two_areas(wrong, width=False),
            "the areas are right, but not divided by the width 1 - 1/N yet.",
        ),
        Misconception(
            lambda wrong: _two_areas(wrong, trapezoids=False),
            "these are the means of the heights. An area by trapezoids counts the first and the "
            "last step half.",
        ),
        Misconception(
            lambda wrong: _two_areas(wrong[::-1]),
            "the least certain answer comes first here. `wrong` is already in the right order.",
        ),
        Misconception(
            _areas_of_right_answers,
            "you count the right answers. The risk is the share of wrong ones.",
        ),
        Misconception(
            lambda wrong: _two_areas(wrong)[[0, 0]],
            "these are two AURCs. For AUGRC, divide the mistakes so far by all N images.",
        ),
    ),
)

# --- 7.3 ------------------------------------------------------------------------------------------
ex7_3 = Choice(
    name="ex7_3",
    title="Two areas, two winners",
    objective=AREAS,
    minutes=4,
    task=(
        "Two models answer the same 1,000 digits, and each makes 20 mistakes. Sorted from the most "
        "certain answer on, the first mistake of model A is its **very first** answer; its other "
        "19 mistakes are its 19 least certain answers. The mistakes of model B are spread evenly "
        "over the less certain half. Which model has the smaller area?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Both areas add up a weight for each mistake. How heavy is one at rank 1, in each of them?",
        "At rank 1 of 1,000 the weight is about ln 1000, nearly 7, in AURC, and 1 in AUGRC. At the "
        "very end both are close to 0.",
        "The 20 mistakes of B have an average weight of about 0.3 in AURC and 0.25 in AUGRC. Now "
        "add up both models.",
    ),
    answer='choice = "b"',
    why=(
        "In AURC the single mistake at the top has a weight of about 7, more than all 20 of B "
        "together (about 6). One wrong label can decide an AURC. In AUGRC it has a weight of 1, "
        "and the 20 of B together have 5. The other 19 of A count next to nothing in both: any "
        "threshold that answers less than 98 % refers them."
    ),
    correct="b",
    options={
        "a": "A has the smaller AURC, B the smaller AUGRC",
        "b": "B has the smaller AURC, A the smaller AUGRC",
        "c": "A has both smaller",
        "d": "B has both smaller",
    },
    reasons={
        "a": "it is the other way round: which of the two areas is hard on a mistake at the top?",
        "c": "right for AUGRC. But what does a mistake at rank 1 weigh in AURC?",
        "d": "right for AURC. In AUGRC no mistake weighs more than 1: add up both models.",
    },
)


# --- 7.4 ------------------------------------------------------------------------------------------
def _share_to_refer(
    uncertainty: np.ndarray, correct: np.ndarray, *, ties: bool = True, sign: int = 1
) -> np.ndarray:
    u = sign * uncertainty
    own = u[~correct][:, None]
    return np.asarray((u >= own if ties else u > own).mean(axis=1))


def _among_mistakes(uncertainty: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return _share_to_refer(uncertainty[~correct], correct[~correct])


def _scores_with_ties() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(74)
    votes = generator.integers(0, 4, 40) / 4
    return [
        (np.array([0.1, 0.5, 0.3, 0.5, 0.0]), np.array([True, True, False, False, True])),
        (votes, generator.uniform(size=40) > 0.2 + 0.5 * votes),
    ]


ex7_4 = Function(
    name="ex7_4",
    title="How much must be referred?",
    objective=FIND,
    minutes=6,
    task=(
        "A mistake is found late if it looks certain. For **each mistake**, in the order of the "
        "images, return the share of all images that must be referred until it is among them: "
        "those at least as uncertain as the mistake itself. Images with the same uncertainty are "
        "all referred or all answered."
    ),
    stub='''def share_to_refer(uncertainty, correct):
    """For each mistake: share of all images that are at least as uncertain."""
    return ...''',
    passed="share_to_refer",
    hints=(
        "Take one mistake. Which images are referred before it or together with it?",
        "`uncertainty >= u` is true for each image that's at least as uncertain as `u`; its "
        "`.mean()` is the share.",
        "Walk through `uncertainty[~correct]`, or compare all at once: "
        "`uncertainty[~correct][:, None]` has the shape [mistakes, 1].",
    ),
    answer='''def share_to_refer(uncertainty, correct):
    """For each mistake: share of all images that are at least as uncertain."""
    shares = []
    for u in uncertainty[~correct]:
        at_least = uncertainty >= u
        shares.append(at_least.mean())
    return np.array(shares)''',
    why=(
        "A share near 0 is a mistake that the score points at, a share near 1 one that it hides. "
        "Ties are the point of votes: where all members agree, everything has to be referred."
    ),
    reference=_share_to_refer,
    inputs=_scores_with_ties,
    misconceptions=(
        Misconception(
            lambda uncertainty, correct: _share_to_refer(uncertainty, correct, ties=False),
            "images that are exactly as uncertain are left out, and so is the mistake itself. At "
            "least as uncertain means `>=`.",
        ),
        Misconception(
            lambda uncertainty, correct: _share_to_refer(uncertainty, correct, sign=-1),
            "this refers the most *certain* images first.",
        ),
        Misconception(
            lambda uncertainty, correct: 100 * _share_to_refer(uncertainty, correct),
            "these are percentages. Return shares between 0 and 1.",
        ),
        Misconception(
            lambda uncertainty, correct: len(correct) * _share_to_refer(uncertainty, correct),
            "these are numbers of images. Divide by the number of all images.",
        ),
        Misconception(
            _among_mistakes,
            "you compare the mistakes with each other only. Right answers are referred as well.",
        ),
    ),
)


# --- 7.5 ------------------------------------------------------------------------------------------
def _unanimous(predictions: Predictions) -> np.ndarray:
    votes = predictions.member_predicted
    return (votes == votes[:, :1]).all(axis=1)


def _blind_share(predictions: Predictions) -> float:
    return float(100 * _unanimous(predictions)[~predictions.correct].mean())


ex7_5 = Number(
    name="ex7_5",
    title="Blind to votes",
    objective=FIND,
    minutes=2,
    task=(
        "You may only see the votes of PE-4, no probabilities. Which share of its **mistakes**, in "
        "percent, can no threshold on votes refer, short of referring every digit? Read the "
        "counts off the tables above, or compute it. (Half a point does not matter.)"
    ),
    stub="percent = ...",
    passed="percent, packed",
    hints=(
        "What do the votes look like for a digit that is as inconspicuous as it can be?",
        "Variation ratio and disagreement are 0 if all four members agree, rightly or wrongly.",
        "Divide the number of mistakes on which all agree by the number of all mistakes: "
        "`groups` has the first, `~packed.correct` all of them.",
    ),
    answer='percent = 100 * groups["all agree, all wrong"].sum() / (~packed.correct).sum()',
    why=(
        "Where all members agree, votes see the same thing in a mistake as in a right answer. "
        "Members that learned from the same digits share some of their blind spots. Probabilities "
        "may still show a hesitation there."
    ),
    expected=_blind_share,
    tolerance=0.5,
    unit="%",
    misconceptions=(
        Misconception(
            lambda p: 100 - _blind_share(p),
            "this is the share on which the members split: those are the ones that votes can see.",
        ),
        Misconception(
            lambda p: _blind_share(p) / 100, "this is the share as a fraction. Give it in percent."
        ),
        Misconception(
            lambda p: 100 * (_unanimous(p) & ~p.correct).mean(),
            "this is the share of all *digits*. The question is about the mistakes: divide by "
            "their number.",
        ),
        Misconception(
            lambda p: 100 * _unanimous(p).mean(),
            "this counts all digits on which the members agree, and most of these are right.",
        ),
        Misconception(
            lambda p: 100 * (~p.correct)[_unanimous(p)].mean(),
            "this is how often an agreement is wrong. The question is the other way round: how "
            "many of the mistakes come with an agreement?",
        ),
    ),
)


# --- 7.6 ------------------------------------------------------------------------------------------
def _try_slider(slider: Any, explorer: RiskCoverageExplorer) -> None:
    if not all(hasattr(slider, name) for name in ("value", "min", "max", "step")):
        raise NotYet(
            "this is not a slider. `ipywidgets.FloatSlider` makes one; pass it to `check`, not its "
            "value and not the link."
        )
    if slider.min > 0 or not 0.5 <= slider.max <= 1 or slider.step > 0.01:
        raise NotYet(
            f"the slider goes from {slider.min:g} to {slider.max:g} in steps of {slider.step:g}. "
            "Take 0 to 1, and steps of a hundredth or less: most digits lie near 0."
        )
    threshold = explorer.threshold
    try:
        explorer.threshold = 0.25
        slider.value = 0.125
        slider_moves = explorer.threshold == 0.125
        explorer.threshold = 0.375
        explorer_moves = abs(slider.value - 0.375) < 1e-9
    finally:
        explorer.threshold = threshold
    if not slider_moves and not explorer_moves:
        raise NotYet(
            "slider and threshold do not move each other. `ipywidgets.link` ties the two traits. "
            "(`jslink` ties them in the page only, where this check cannot see it.)"
        )
    if not slider_moves:
        raise NotYet("the slider follows the explorer, but the explorer does not follow it.")
    if not explorer_moves:
        raise NotYet("the explorer follows the slider, but the slider does not follow it.")


ex7_6 = Built(
    name="ex7_6",
    title="A slider of your own",
    objective="tie a threshold to a control of your own",
    minutes=4,
    task=(
        "What you drag in a widget is a *trait* of a Python object: `explorer.threshold` can be "
        "read, set, and tied to a trait of any other widget. Make an `ipywidgets.FloatSlider` from "
        "0 to 1 that starts at `explorer.threshold`, and link its `value` to the threshold of the "
        "explorer above, so that each follows the other. Write `slider` on the last line of the "
        "cell to see it; then drag it, and look at the explorer."
    ),
    stub="slider = ...",
    passed="slider, explorer",
    hints=(
        "`import ipywidgets` first. A slider has `min`, `max`, `step` and `value`.",
        '`ipywidgets.link((one, "trait"), (other, "trait"))` ties two traits; the names are texts.',
        'The pairs are `(slider, "value")` and `(explorer, "threshold")`. Give the slider '
        "`step=0.001`.",
    ),
    answer="""import ipywidgets

slider = ipywidgets.FloatSlider(value=explorer.threshold, max=1, step=0.001)
ipywidgets.link((slider, "value"), (explorer, "threshold"))""",
    why=(
        "Coverage and risk follow the threshold, in the page and in Python: `explorer.coverage`, "
        "`explorer.risk`. So any control, or a rule that you compute, can choose a threshold, and "
        "the curve shows what it does."
    ),
    try_out=_try_slider,
)
