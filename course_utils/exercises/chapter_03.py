"""Exercises of chapter 3: compute the rows of the table, and read the pictures beside it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from course_utils.figures import Picture

from . import guard
from .exercise import NotAttempted, NotYet
from .kinds import Built, Choice, Function, Misconception

ROWS = "compute the rows of the table from probabilities and labels"
CALIBRATION = "read a reliability diagram, and say what its bins hide"
DECIDE = "read coverage, risk and false alarms off a ranking of images"


# --- 3.1 ----------------------------------------------------------------------------------------
def _rows(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    percent: bool = False,
    of_answer: bool = False,
    only_truth: bool = False,
    over_classes: bool = False,
    root: bool = False,
    bits: bool = False,
    negative: bool = False,
    entropy_mean: bool = False,
    total: bool = False,
) -> np.ndarray:
    """Accuracy, Brier score, NLL and entropy, each with its mistake."""
    log = np.log2 if bits else np.log
    images = np.arange(len(labels))
    of_truth = probabilities[images, labels]
    squares = (probabilities - np.eye(probabilities.shape[1])[labels]) ** 2
    brier = squares[images, labels] if only_truth else squares.sum(axis=1)
    brier = brier / probabilities.shape[1] if over_classes else brier
    nll = -log(probabilities.max(axis=1) if of_answer else of_truth)
    terms = probabilities * log(probabilities)
    entropy = -(terms.mean(axis=1) if entropy_mean else terms.sum(axis=1))
    rows = np.array(
        [
            (100 if percent else 1) * (probabilities.argmax(axis=1) == labels).mean(),
            np.sqrt(brier).mean() if root else brier.mean(),
            nll.mean(),
            (-1 if negative else 1) * entropy.mean(),
        ]
    )
    return rows * np.array([1, *[len(labels)] * 3]) if total else rows


def _probabilities_and_labels() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(31)
    return [
        (
            generator.dirichlet(np.full(classes, 0.5), number),
            generator.integers(classes, size=number),
        )
        for number, classes in ((7, 4), (5, 3))
    ]


ex3_1 = Function(
    name="ex3_1",
    title="Four rows by hand",
    objective=ROWS,
    minutes=7,
    task=(
        "Write a function that returns accuracy, Brier score, NLL and entropy, in this order, from "
        "probabilities [N, C] and labels [N]. Accuracy as a share, the Brier score summed over the "
        "classes, natural logarithms. All probabilities are larger than 0."
    ),
    stub='''def four_rows(probabilities, labels):
    """Accuracy, Brier score, NLL and entropy, each a mean over the images."""
    return ...''',
    passed="four_rows",
    hints=(
        "Which of the four needs only the winner, which only the probability of the truth, and "
        "which needs no labels?",
        "`probabilities[np.arange(len(labels)), labels]` picks the probability of the truth, and "
        "`np.eye(num_classes)[labels]` writes the truth as rows of 0 and 1.",
        "`brier = ((probabilities - truth) ** 2).sum(axis=1).mean()`, "
        "`entropy = -(probabilities * np.log(probabilities)).sum(axis=1).mean()`; the NLL is the "
        "mean of `-np.log(of_truth)`.",
    ),
    answer='''def four_rows(probabilities, labels):
    """Accuracy, Brier score, NLL and entropy, each a mean over the images."""
    truth = np.eye(probabilities.shape[1])[labels]
    of_truth = probabilities[np.arange(len(labels)), labels]
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    brier = ((probabilities - truth) ** 2).sum(axis=1).mean()
    nll = -np.log(of_truth).mean()
    entropy = -(probabilities * np.log(probabilities)).sum(axis=1).mean()
    return accuracy, brier, nll, entropy''',
    why=(
        "Try it on the networks above: `four_rows(final.mean, data_test.labels)` gives the first "
        "four rows of LeNet's column."
    ),
    reference=_rows,
    inputs=_probabilities_and_labels,
    misconceptions=tuple(
        Misconception(lambda p, y, given=given: _rows(p, y, **given), hint)
        for given, hint in (
            ({"percent": True}, "the accuracy is in percent. Return a share, between 0 and 1."),
            (
                {"of_answer": True},
                "the NLL takes the largest probability of each image. It should be that of the "
                "true class, however small.",
            ),
            (
                {"only_truth": True},
                "the Brier score looks at the true class only. The other classes have a square, "
                "too.",
            ),
            (
                {"over_classes": True},
                "the Brier score is averaged over the classes. torch-uncertainty sums over them.",
            ),
            ({"root": True}, "the Brier score is the squared distance. You take its root."),
            ({"bits": True}, "NLL and entropy are in bits. Use the natural logarithm."),
            ({"negative": True}, "the entropy is negative: `p * log(p)` needs a minus in front."),
            (
                {"entropy_mean": True},
                "the entropy is averaged over the classes. Sum over them, then average over the "
                "images.",
            ),
            ({"total": True}, "these are sums over the images. Each row is a mean."),
        )
    ),
)


# --- 3.2 ----------------------------------------------------------------------------------------
ex3_2 = Choice(
    name="ex3_2",
    title="A point in the diagram",
    objective=CALIBRATION,
    minutes=2,
    task=(
        "In a reliability diagram a point lies at confidence 90 %, accuracy 70 %, and its bin "
        "holds 2,000 of 10,000 images. Which sentence is right?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Which of the two numbers is a claim, and which one was counted?",
        "It claims 90 % and reaches 70 %.",
        "The gap of 20 points counts with the share of images: 2,000 of 10,000.",
    ),
    answer='choice = "b"',
    why=(
        "It claims 20 points more than it reaches, on a fifth of the images: 20 · 0.2 = 4 points."
    ),
    correct="b",
    options={
        "a": "The network is underconfident there, and the bin adds 4 points to the ECE.",
        "b": "The network is overconfident there, and the bin adds 4 points to the ECE.",
        "c": "The network is overconfident there, and the bin adds 20 points to the ECE.",
        "d": "The network errs on 10 % of these images.",
    },
    reasons={
        "a": "points *below* the diagonal reach less than they claim. What do you call that?",
        "c": "the ECE weights each bin by its share of the images; this one holds a fifth.",
        "d": "10 % would be the error rate if the claim were true. The accuracy was counted: 70 %.",
    },
)


# --- 3.3 ----------------------------------------------------------------------------------------
def _ece(
    confidence: np.ndarray,
    correct: np.ndarray,
    num_bins: int = 10,
    *,
    centres: bool = False,
    drop_one: bool = False,
    closed_above: bool = False,
) -> float:
    lower = np.minimum(np.floor(confidence * num_bins), num_bins - 1)
    if closed_above:
        lower = np.ceil(confidence * num_bins) - 1
    if drop_one:
        lower = np.where(confidence == 1, np.nan, lower)
    error = 0.0
    for number in np.unique(lower[~np.isnan(lower)]):
        inside = lower == number
        claimed = (number + 0.5) / num_bins if centres else confidence[inside].mean()
        error += inside.sum() * abs(correct[inside].mean() - claimed)
    return float(error / len(confidence))


def _gaps(confidence: np.ndarray, correct: np.ndarray) -> list[float]:
    lower = np.minimum(np.floor(confidence * 10), 9)
    return [
        correct[lower == number].mean() - confidence[lower == number].mean()
        for number in np.unique(lower)
    ]


def _confidences() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.25, 0.999, 60).round(3) + 1e-4
    correct = generator.uniform(size=60) < confidence**2
    with_certain = np.concatenate([confidence[:20], np.ones(12)])
    right = np.concatenate([correct[:20], np.arange(12) % 4 > 0])
    # 0.5 is the one edge that is exact however the edges were computed
    on_edge = np.array([0.45, 0.48, 0.5, 0.5, 0.5, 0.55])
    return [
        (confidence, correct),
        (with_certain, right),
        (on_edge, np.array([True, False, False, True, True, False])),
    ]


ex3_3 = Function(
    name="ex3_3",
    title="The calibration error",
    objective=ROWS,
    minutes=8,
    task=(
        "Write the ECE with ten bins of equal width, [0, 0.1), [0.1, 0.2) and so on; the last one, "
        "[0.9, 1], also holds a confidence of exactly 1. In each bin that isn't empty take the "
        "absolute difference between the share of right answers and the **mean confidence**, then "
        "average over the bins, each weighted by its share of the images. You get confidence [N] "
        "and correct [N] (true or false)."
    ),
    stub='''def calibration_error(confidence, correct):
    """Expected calibration error with ten bins, a share between 0 and 1."""
    return ...''',
    passed="calibration_error",
    hints=(
        "Which bin does a confidence belong to? `np.floor(10 * confidence)` numbers them from 0, "
        "and `np.minimum(..., 9)` keeps 1 in the last bin.",
        "Loop over the ten bins with a mask; `mask.any()` tells you whether one is empty, and "
        "`mask.mean()` is its weight.",
        "`gap = abs(correct[mask].mean() - confidence[mask].mean())`, and add up "
        "`mask.mean() * gap`.",
    ),
    answer='''def calibration_error(confidence, correct):
    """Expected calibration error with ten bins, a share between 0 and 1."""
    number = np.minimum(np.floor(10 * confidence), 9)
    error = 0.0
    for bin_number in range(10):
        mask = number == bin_number
        if mask.any():
            gap = abs(correct[mask].mean() - confidence[mask].mean())
            error += mask.mean() * gap
    return error''',
    why=(
        "Where most answers are near 1, the last bin decides. A small error doesn't mean that "
        "every confidence is right: inside a bin, too high and too low cancel."
    ),
    reference=_ece,
    inputs=_confidences,
    misconceptions=(
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, centres=True),
            "you compare with the centres of the bins. The images in a bin needn't lie around its "
            "centre: take the mean of their confidences.",
        ),
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, drop_one=True),
            "images with a confidence of exactly 1 fall out of all bins. The last one must include "
            "its right end.",
        ),
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, closed_above=True),
            "a confidence on an edge, such as 0.5, counts in the bin below it here. [0.5, 0.6) "
            "holds its left end.",
        ),
        Misconception(
            lambda confidence, correct: float(np.mean(np.abs(_gaps(confidence, correct)))),
            "all bins count alike here. A bin with three images would weigh as much as one with "
            "three thousand: weight each by its share of the images.",
        ),
        Misconception(
            lambda confidence, correct: float(abs(correct.mean() - confidence.mean())),
            "this is the difference of the two overall means, as if there were a single bin: too "
            "much and too little confidence cancel.",
        ),
        Misconception(
            lambda confidence, correct: float(np.max(np.abs(_gaps(confidence, correct)))),
            "this is the largest gap, the *maximum* calibration error. The expected one averages.",
        ),
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, 15),
            "these are fifteen bins. The task asks for ten.",
        ),
        Misconception(
            lambda confidence, correct: 100 * _ece(confidence, correct),
            "this is in percent. Return a share, between 0 and 1.",
        ),
    ),
)


# --- 3.4 ----------------------------------------------------------------------------------------
def _bins(
    confidence: np.ndarray,
    correct: np.ndarray,
    num_bins: int,
    *,
    unsorted: bool = False,
    descending: bool = False,
    swapped: bool = False,
    errors: bool = False,
) -> np.ndarray:
    order = np.arange(len(confidence)) if unsorted else np.argsort(confidence, kind="stable")
    order = order[::-1] if descending else order
    right = ~correct if errors else correct
    rows = np.array(
        [[confidence[b].mean(), right[b].mean()] for b in np.array_split(order, num_bins)]
    )
    return rows[:, ::-1] if swapped else rows


def _apart(confidence: np.ndarray, correct: np.ndarray, num_bins: int) -> np.ndarray:
    """Confidences sorted, and right answers left where they were."""
    rows = _bins(confidence, correct, num_bins)
    rows[:, 1] = [part.mean() for part in np.array_split(correct, num_bins)]
    return rows


def _answers() -> list[tuple[np.ndarray, np.ndarray, int]]:
    generator = np.random.default_rng(34)
    made = []
    for number, num_bins in ((24, 4), (20, 3)):
        confidence = generator.permutation(1 - np.geomspace(1e-4, 0.6, number))
        made.append((confidence, generator.uniform(size=number) < confidence - 0.1, num_bins))
    return made


ex3_4 = Function(
    name="ex3_4",
    title="Bins of equal mass",
    objective=CALIBRATION,
    minutes=5,
    task=(
        "Sort the answers by confidence, cut them into `num_bins` groups of (nearly) equal size "
        "with `np.array_split`, and return one row for each group: its mean confidence and its "
        "share of right answers, an array [num_bins, 2], least confident group first."
    ),
    stub='''def equal_mass_bins(confidence, correct, num_bins):
    """Mean confidence and share of right answers of each group, [num_bins, 2]."""
    return ...''',
    passed="equal_mass_bins",
    hints=(
        "Confidence and correctness belong together. What do you sort, so that they stay so?",
        "`np.argsort(confidence)` gives the images' numbers, the least confident first. Split "
        "*those*.",
        "`for chosen in np.array_split(np.argsort(confidence), num_bins):` then "
        "`confidence[chosen].mean()` and `correct[chosen].mean()`.",
    ),
    answer='''def equal_mass_bins(confidence, correct, num_bins):
    """Mean confidence and share of right answers of each group, [num_bins, 2]."""
    order = np.argsort(confidence)
    rows = []
    for chosen in np.array_split(order, num_bins):
        rows.append([confidence[chosen].mean(), correct[chosen].mean()])
    return np.array(rows)''',
    why=(
        "The mean of |accuracy - confidence| over these rows is the adaptive ECE. No bin is left "
        "to chance, and most of them end up in the corner where most answers are."
    ),
    reference=_bins,
    inputs=_answers,
    misconceptions=(
        Misconception(
            lambda *given: _bins(*given, unsorted=True),
            "the images are split as they come. Sort them by confidence first.",
        ),
        Misconception(
            lambda *given: _bins(*given, descending=True),
            "the most confident group comes first. Start with the least confident one.",
        ),
        Misconception(
            lambda *given: _bins(*given, swapped=True),
            "the columns are swapped: mean confidence first, share of right answers second.",
        ),
        Misconception(
            lambda *given: _bins(*given, errors=True),
            "the second column is the share of *wrong* answers.",
        ),
        Misconception(
            _apart,
            "the confidences are sorted, but the right answers stayed where they were. `np.sort` "
            "tears them apart; sort numbers of images instead.",
        ),
        Misconception(
            lambda *given: 100 * _bins(*given),
            "these are percent. Return shares, between 0 and 1.",
        ),
    ),
)


# --- 3.5 ----------------------------------------------------------------------------------------
def _drawn(show: Any, bins: int, equal_mass: bool) -> Any:
    return guard.call(partial(show, bins=bins, equal_mass=equal_mass))


def _try_show(show: Any) -> None:
    if isinstance(show, Picture):
        raise NotYet(
            "this is one diagram, already drawn. `interact` needs the function itself, to call it "
            "again whenever a control moves."
        )
    if not callable(show):
        raise NotYet(
            f"this is a `{type(show).__name__}`. Pass your function once `interact` has it: "
            "`show`, without parentheses."
        )
    if not hasattr(show, "widget"):
        raise NotYet("this function has no controls. Hand it to `ipywidgets.interact`.")
    controls = [one for one in show.widget.children if hasattr(one, "value")]
    sliders = [one for one in controls if isinstance(getattr(one, "max", None), int)]
    boxes = [one for one in controls if isinstance(one.value, bool)]
    if len(sliders) != 1:
        raise NotYet(
            "there should be one slider that moves in whole numbers: give `interact` a pair of "
            "them, `bins=(2, 30)`."
        )
    if len(boxes) != 1 or len(controls) != 2:
        raise NotYet("there should be a box to tick beside the slider: `equal_mass=False`.")
    few = _drawn(show, 4, False)
    if few is ...:
        raise NotAttempted
    if few is None:
        raise NotYet("`show` draws a diagram but returns nothing: is the `return` missing?")
    if not isinstance(few, Picture):
        raise NotYet("`show` should return what `figures.reliability_diagram` returns.")
    if few.alt == _drawn(show, 20, False).alt:
        raise NotYet(
            "the diagram is the same for 4 and for 20 bins. Does the number reach "
            "`reliability_diagram`?"
        )
    if few.alt == _drawn(show, 4, True).alt:
        raise NotYet("the box changes nothing. Does `equal_mass` reach `reliability_diagram`?")


ex3_5 = Built(
    name="ex3_5",
    title="Controls for a figure",
    objective=CALIBRATION,
    minutes=4,
    task=(
        "How much of the diagram is the network, and how much the choice of bins? "
        "`ipywidgets.interact(function, name=(2, 30), other=False)` makes a slider and a tick box, "
        "and calls the function whenever one of them changes. Write `show(bins, equal_mass)`, "
        "which returns `figures.reliability_diagram` of `modest` with these two settings, and hand "
        "it to `interact`. Then play: what stays, and what comes and goes with the bins?"
    ),
    stub="show = ...",
    passed="show",
    hints=(
        "First write the function alone, and call it with 5 and with 30 bins.",
        "`reliability_diagram` takes a dictionary of models, and the settings `bins` and "
        "`equal_mass`.",
        '`return figures.reliability_diagram({"modest": modest}, bins=bins, '
        "equal_mass=equal_mass)`; then `import ipywidgets` and "
        "`ipywidgets.interact(show, bins=(2, 30), equal_mass=False)`.",
    ),
    answer='''import ipywidgets


def show(bins, equal_mass):
    """The reliability diagram with these bins."""
    return figures.reliability_diagram({"modest": modest}, bins=bins, equal_mass=equal_mass)


ipywidgets.interact(show, bins=(2, 30), equal_mass=False)''',
    why=(
        "Few bins hide what happens inside them, many hold a handful of images each. The error "
        "moves along, so never compare numbers from different bins."
    ),
    try_out=_try_show,
)


# --- 3.6 ----------------------------------------------------------------------------------------
def _risk(
    confidence: np.ndarray,
    correct: np.ndarray,
    coverage: float,
    *,
    least: bool = False,
    referred: bool = False,
    accuracy: bool = False,
    of_all: bool = False,
    drop: bool = False,
) -> float:
    number = round((1 - coverage if drop else coverage) * len(confidence))
    order = np.argsort(confidence if least else -confidence, kind="stable")
    chosen = order[number:] if referred else order[:number]
    share = correct[chosen].mean() if accuracy else (~correct[chosen]).mean()
    return float(share * len(chosen) / len(confidence) if of_all else share)


def _ranked() -> list[tuple[np.ndarray, np.ndarray, float]]:
    generator = np.random.default_rng(36)
    made = []
    for number, coverage in ((50, 0.8), (40, 0.25)):
        confidence = generator.permutation(np.linspace(0.3, 0.99, number))
        made.append((confidence, generator.uniform(size=number) < confidence, coverage))
    return made


ex3_6 = Function(
    name="ex3_6",
    title="The risk at a coverage",
    objective=DECIDE,
    minutes=4,
    task=(
        "Answer only the most confident images, the share `coverage` of all, and return the risk: "
        "the share of wrong answers among those answered. You get confidence [N], correct [N] "
        "(true or false) and the coverage, between 0 and 1. Round the number of images with "
        "`round`."
    ),
    stub='''def risk_at_coverage(confidence, correct, coverage):
    """Share of wrong answers among the most confident images."""
    return ...''',
    passed="risk_at_coverage",
    hints=(
        "How many images are answered, and which ones?",
        "`np.argsort(-confidence)` puts the most confident image first.",
        "`answered = np.argsort(-confidence)[:number]`; the risk is one minus the share of right "
        "answers among them.",
    ),
    answer='''def risk_at_coverage(confidence, correct, coverage):
    """Share of wrong answers among the most confident images."""
    number = round(coverage * len(confidence))
    most_confident_first = np.argsort(-confidence)
    answered = most_confident_first[:number]
    return 1 - correct[answered].mean()''',
    why=(
        "One number for each coverage: together they are the curve above, and the area under it "
        "is the AURC."
    ),
    reference=_risk,
    inputs=_ranked,
    misconceptions=(
        Misconception(
            lambda *given: _risk(*given, least=True),
            "you answer the *least* confident images. `np.argsort` starts with the smallest.",
        ),
        Misconception(
            lambda *given: _risk(*given, referred=True),
            "this is the share of wrong answers among the images that are *referred*.",
        ),
        Misconception(
            lambda *given: _risk(*given, accuracy=True),
            "this is the share of right answers. The risk is the other one.",
        ),
        Misconception(
            lambda *given: _risk(*given, of_all=True),
            "you divide by all images. The risk is a share of those that are answered.",
        ),
        Misconception(
            lambda *given: _risk(*given, drop=True),
            "this many are *referred*. `coverage` is the share that is answered.",
        ),
        Misconception(
            lambda confidence, correct, coverage: float((~correct).mean()),
            "this is the error rate over all images, at full coverage.",
        ),
        Misconception(
            lambda confidence, correct, coverage: float((~correct[confidence >= coverage]).mean()),
            "you take the coverage for a threshold on the confidence. It is a share of images.",
        ),
        Misconception(
            lambda *given: 100 * _risk(*given),
            "this is in percent. Return a share, between 0 and 1.",
        ),
    ),
)


# --- 3.7 ----------------------------------------------------------------------------------------
def _fpr(digits: np.ndarray, clothes: np.ndarray, *, strict: bool = False) -> float:
    needed = int(np.ceil(0.95 * len(clothes)))
    threshold = np.sort(clothes)[-needed]
    return float((digits > threshold if strict else digits >= threshold).mean())


def _scores() -> list[tuple[np.ndarray, np.ndarray]]:
    # 20 n + 1 clothes: all definitions of a quantile agree on the threshold
    generator = np.random.default_rng(37)
    made = []
    for number in (21, 61):
        clothes = generator.permutation(np.round(np.geomspace(0.05, 0.9, number), 4))
        threshold = np.sort(clothes)[(number - 1) // 20]
        others = np.round(generator.beta(1, 6, 46), 4)
        made.append((np.concatenate([others, [threshold] * 4, [0.8, 0.97]]), clothes))
    return made


def _missed(digits: np.ndarray, clothes: np.ndarray) -> float:
    return float((digits < np.quantile(clothes, 0.05)).mean())


ex3_7 = Function(
    name="ex3_7",
    title="False alarms",
    objective=DECIDE,
    minutes=5,
    task=(
        "Write FPR95. An image is flagged if its score is at least the threshold. Choose the "
        "highest threshold that still flags at least 95 % of the clothes, and return the share of "
        "digits that are flagged with it. You get the scores of the digits and those of the "
        "clothes."
    ),
    stub='''def fpr95(digits, clothes):
    """Share of digits flagged by the threshold that flags 95 % of the clothes."""
    return ...''',
    passed="fpr95",
    hints=(
        "The threshold depends on the clothes alone. How many of them may it miss?",
        "Count from the top: `needed = int(np.ceil(0.95 * len(clothes)))` clothes must be flagged. "
        "The last of them has the threshold as its score.",
        "`threshold = np.sort(clothes)[-needed]`, then the share of `digits >= threshold`.",
    ),
    answer='''def fpr95(digits, clothes):
    """Share of digits flagged by the threshold that flags 95 % of the clothes."""
    needed = int(np.ceil(0.95 * len(clothes)))
    threshold = np.sort(clothes)[-needed]
    return (digits >= threshold).mean()''',
    why=(
        "AUROC averages over all thresholds; this is one that somebody would use. It shows what "
        "catching nearly all clothes costs in digits sent to a person."
    ),
    reference=_fpr,
    inputs=_scores,
    misconceptions=(
        Misconception(
            lambda digits, clothes: _fpr(digits, clothes, strict=True),
            "a digit whose score equals the threshold is flagged, too: *at least* the threshold.",
        ),
        Misconception(
            lambda digits, clothes: float((digits >= np.quantile(clothes, 0.95)).mean()),
            "this threshold flags only 5 % of the clothes. Nineteen in twenty must lie above it.",
        ),
        Misconception(
            lambda digits, clothes: float((clothes >= np.quantile(digits, 0.95)).mean()),
            "you choose the threshold on the digits and count clothes. It's the other way round.",
        ),
        Misconception(
            lambda digits, clothes: float((clothes >= np.quantile(digits, 0.05)).mean()),
            "digits and clothes are swapped.",
        ),
        Misconception(
            _missed,
            "this is the share of digits that are *not* flagged.",
        ),
        Misconception(
            lambda digits, clothes: float((digits >= 0.95).mean()),
            "you take 95 % for the threshold. It is the share of clothes to flag.",
        ),
        Misconception(
            lambda digits, clothes: float((digits >= clothes.min()).mean()),
            "this threshold flags all clothes. It may miss one in twenty.",
        ),
        Misconception(
            lambda digits, clothes: 100 * _fpr(digits, clothes),
            "this is in percent. Return a share, between 0 and 1.",
        ),
    ),
)
