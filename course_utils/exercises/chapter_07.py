"""Exercises of chapter 7: curves, areas, and scores that find mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .exercise import NotYet
from .kinds import Built, Choice, Function, Misconception, Number

if TYPE_CHECKING:
    from course_utils.metrics.predictions import Predictions
    from course_utils.widgets.explorer import RiskCoverageExplorer


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
    objective=(
        "compute AURC, AUGRC, coverage at a risk and risk at a coverage by hand, and check a "
        "library"
    ),
    minutes=8,
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
ex7_2 = Choice(
    name="ex7_2",
    title="Two areas, two winners",
    objective="explain what AUGRC repairs in AURC",
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


# --- 7.3 ------------------------------------------------------------------------------------------
def _unanimous(predictions: Predictions) -> np.ndarray:
    votes = predictions.member_predicted
    return (votes == votes[:, :1]).all(axis=1)


def _blind_share(predictions: Predictions) -> float:
    return float(100 * _unanimous(predictions)[~predictions.correct].mean())


ex7_3 = Number(
    name="ex7_3",
    title="Blind to votes",
    objective=(
        "sort the mistakes of a Packed-Ensemble by what its members say, and name the scores that "
        "find them"
    ),
    minutes=4,
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


# --- 7.4 ------------------------------------------------------------------------------------------
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


ex7_4 = Built(
    name="ex7_4",
    title="A slider of your own",
    objective=(
        "show that only the order of the scores counts, and tie a threshold to a control of your "
        "own"
    ),
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
