"""Answers to the exercises of chapter 3."""

import ipywidgets
import numpy as np
from planted import Planted

from course_utils import figures
from course_utils.exercises.chapter_03 import ex3_1, ex3_4, ex3_6, ex3_7
from course_utils.exercises.exercise import Exercise
from course_utils.metrics.predictions import Predictions

ECE = "def calibration_error(confidence, correct):\n"
BINS = """
    error, edges = 0.0, np.linspace(0, 1, 11)
    for low, high in zip(edges[:-1], edges[1:]):
        mask = {mask}
        if mask.any():
            error += {weight} * abs(correct[mask].mean() - {claimed})
    return error"""
INSIDE = "(confidence >= low) & ((confidence < high) | (high == 1))"
MEAN = "confidence[mask].mean()"

SHOW = "def show(bins, equal_mass):\n    {body}\n"
DIAGRAM = 'figures.reliability_diagram({{"modest": modest}}{bins})'
BOTH = ", bins=bins, equal_mass=equal_mass"
INTERACT = "ipywidgets.interact(show, {controls})"


def modest() -> Predictions:
    generator = np.random.default_rng(5)
    labels = generator.integers(10, size=300)
    logits = generator.normal(size=(300, 1, 10))
    logits[np.arange(300), 0, labels] += 2
    return Predictions(logits, labels)


def show(
    bins: str = BOTH, body: str = "return {}", controls: str = "bins=(2, 30), equal_mass=False"
) -> str:
    body = body.format(DIAGRAM.format(bins=bins))
    return SHOW.format(body=body) + INTERACT.format(controls=controls)


def changed(exercise: Exercise, *changes: tuple[str, str]) -> str:
    """A right answer with something replaced."""
    answer = exercise.answer
    for old, new in changes:
        assert old in answer, old
        answer = answer.replace(old, new)
    return answer


PLANTED = {
    "ex3_1": Planted(
        wrong=[
            (changed(ex3_1, ("accuracy = (", "accuracy = 100 * (")), "in percent"),
            (changed(ex3_1, ("-np.log(of_truth)", "-np.log(probabilities.max(axis=1))")), "NLL"),
            (
                changed(
                    ex3_1,
                    ("(probabilities - truth)", "(of_truth[:, None] - 1)"),
                    (" ** 2).sum(axis=1)", " ** 2)"),
                ),
                "at the true class only",
            ),
            (changed(ex3_1, ("** 2).sum(axis=1).mean()", "** 2).mean()")), "over the classes"),
            (
                changed(
                    ex3_1,
                    ("** 2).sum(axis=1).mean()", "** 2).sum(axis=1) ** 0.5"),
                    ("accuracy, brier,", "accuracy, brier.mean(),"),
                ),
                "its root",
            ),
            (changed(ex3_1, ("np.log(", "np.log2(")), "in bits"),
            (changed(ex3_1, ("entropy = -(", "entropy = (")), "a minus in front"),
            (
                changed(ex3_1, ("np.log(probabilities)).sum(axis=1)", "np.log(probabilities))")),
                "entropy is averaged over the classes",
            ),
            (
                changed(
                    ex3_1,
                    ("sum(axis=1).mean()", "sum()"),
                    ("log(of_truth).mean", "log(of_truth).sum"),
                ),
                "sums over the images",
            ),
            (changed(ex3_1, ("sum(axis=1)", "sum(axis=0)")), "is right"),
            (changed(ex3_1, ("return accuracy, brier, nll, entropy", "return accuracy")), "shape"),
            (changed(ex3_1, ("return accuracy", "accuracy")), "`return` missing"),
            ("four_rows = (0.98, 0.02, 0.04, 0.05)", "not a function"),
        ],
        right=[
            "def four_rows(probabilities, labels):\n"
            "    rows = []\n"
            "    for p, y in zip(probabilities, labels):\n"
            "        squares = sum((p[c] - (c == y)) ** 2 for c in range(len(p)))\n"
            "        rows.append([p.argmax() == y, squares, -np.log(p[y]), -p @ np.log(p)])\n"
            "    return np.mean(rows, axis=0)",
            changed(
                ex3_1,
                ("return accuracy, brier, nll, entropy", "return [accuracy, brier, nll, entropy]"),
            ),
        ],
    ),
    "ex3_2": Planted(
        wrong=[
            ('choice = "a"', "below"),
            ('choice = "c"', "weights each bin"),
            ('choice = "d"', "accuracy was counted"),
            ("choice = 2", "choose one of"),
        ],
        right=['choice = "B"', 'choice = "b "'],
    ),
    "ex3_3": Planted(
        wrong=[
            (
                ECE + BINS.format(mask=INSIDE, weight="mask.mean()", claimed="(low + high) / 2"),
                "centres of the bins",
            ),
            (
                ECE
                + BINS.format(
                    mask="(confidence >= low) & (confidence < high)",
                    weight="mask.mean()",
                    claimed=MEAN,
                ),
                "confidence of exactly 1",
            ),
            (
                ECE
                + BINS.format(
                    mask="(confidence > low) & (confidence <= high)",
                    weight="mask.mean()",
                    claimed=MEAN,
                ),
                "such as 0.5",
            ),
            (
                ECE + "    gaps = []\n    number = np.minimum(np.floor(10 * confidence), 9)\n"
                "    for n in np.unique(number):\n        m = number == n\n"
                "        gaps.append(abs(correct[m].mean() - confidence[m].mean()))\n"
                "    return np.mean(gaps)",
                "all bins count alike",
            ),
            (
                ECE + "    gaps = []\n    number = np.minimum(np.floor(10 * confidence), 9)\n"
                "    for n in np.unique(number):\n        m = number == n\n"
                "        gaps.append(abs(correct[m].mean() - confidence[m].mean()))\n"
                "    return max(gaps)",
                "largest gap",
            ),
            (ECE + "    return abs(correct.mean() - confidence.mean())", "a single bin"),
            (
                ECE
                + BINS.format(mask=INSIDE, weight="mask.mean()", claimed=MEAN).replace("11", "16"),
                "fifteen bins",
            ),
            (
                ECE + BINS.format(mask=INSIDE, weight="100 * mask.mean()", claimed=MEAN),
                "in percent",
            ),
            (
                ECE
                + BINS.format(mask=INSIDE, weight="mask.mean()", claimed=MEAN).replace(
                    "return error", "error"
                ),
                "`return` missing",
            ),
            (ECE + BINS.format(mask=INSIDE, weight="mask", claimed=MEAN), "a single number"),
        ],
        right=[
            ECE + BINS.format(mask=INSIDE, weight="mask.mean()", claimed=MEAN),
            ECE + "    number = np.minimum((10 * confidence).astype(int), 9)\n"
            "    total = np.bincount(number, correct - confidence, minlength=10)\n"
            "    return np.abs(total).sum() / len(confidence)",
        ],
    ),
    "ex3_4": Planted(
        wrong=[
            (
                changed(ex3_4, ("np.argsort(confidence)", "np.arange(len(confidence))")),
                "as they come",
            ),
            (changed(ex3_4, ("np.argsort(confidence)", "np.argsort(-confidence)")), "comes first"),
            (
                changed(
                    ex3_4,
                    (
                        "[confidence[chosen].mean(), correct[chosen].mean()]",
                        "[correct[chosen].mean(), confidence[chosen].mean()]",
                    ),
                ),
                "columns are swapped",
            ),
            (changed(ex3_4, ("correct[chosen].mean()", "1 - correct[chosen].mean()")), "*wrong*"),
            (
                "def equal_mass_bins(confidence, correct, num_bins):\n"
                "    split = lambda values: np.array_split(values, num_bins)\n"
                "    return np.array([[a.mean(), b.mean()]\n"
                "        for a, b in zip(split(np.sort(confidence)), split(correct))])",
                "stayed where they were",
            ),
            (changed(ex3_4, ("np.array(rows)", "np.array(rows).T")), "`[4, 2]` is expected"),
            (changed(ex3_4, ("np.array(rows)", "100 * np.array(rows)")), "percent"),
            (changed(ex3_4, ("    return np.array(rows)", "")), "`return` missing"),
            ("equal_mass_bins = 3", "not a function"),
        ],
        right=[
            "def equal_mass_bins(confidence, correct, num_bins):\n"
            "    both = np.stack([confidence, correct], axis=1)[np.argsort(confidence)]\n"
            "    return [part.mean(axis=0) for part in np.array_split(both, num_bins)]",
            "def equal_mass_bins(confidence, correct, num_bins):\n"
            "    pairs = sorted(zip(confidence, correct))\n"
            "    return [np.mean(part, axis=0) for part in np.array_split(pairs, num_bins)]",
        ],
    ),
    "ex3_5": Planted(
        wrong=[
            ("show = " + DIAGRAM.format(bins=", bins=10"), "already drawn"),
            ("show = 15", "without parentheses"),
            ("show = None", "`NoneType`"),
            (SHOW.format(body="return " + DIAGRAM.format(bins=BOTH)), "no controls"),
            (show(controls="bins=(2.0, 30.0), equal_mass=False"), "whole numbers"),
            (show(controls="bins=(2, 30), equal_mass=(0.0, 1.0)"), "box to tick"),
            (show(body="{}"), "`return` missing"),
            (show(body="return {}.alt"), "what `figures.reliability_diagram` returns"),
            (show(bins=", equal_mass=equal_mass"), "the same for 4 and for 20"),
            (show(bins=", bins=bins"), "the box changes nothing"),
        ],
        right=[
            "@ipywidgets.interact(bins=ipywidgets.IntSlider(15, min=3, max=40), equal_mass=True)\n"
            + SHOW.format(body="return " + DIAGRAM.format(bins=BOTH)),
            show(controls="bins=(5, 25, 5), equal_mass=ipywidgets.Checkbox(False)"),
        ],
        given={"modest": modest(), "figures": figures, "ipywidgets": ipywidgets},
    ),
    "ex3_6": Planted(
        wrong=[
            (changed(ex3_6, ("(-confidence)", "(confidence)")), "*least* confident"),
            (changed(ex3_6, ("[:number]", "[number:]")), "*referred*"),
            (changed(ex3_6, ("1 - correct", "correct")), "share of right answers"),
            (
                changed(
                    ex3_6,
                    ("1 - correct[answered].mean()", "(~correct[answered]).sum() / len(correct)"),
                ),
                "divide by all images",
            ),
            (changed(ex3_6, ("round(coverage", "round((1 - coverage)")), "this many are"),
            (changed(ex3_6, ("correct[answered]", "correct")), "error rate over all"),
            (
                changed(ex3_6, ("most_confident_first[:number]", "confidence >= coverage")),
                "threshold on the confidence",
            ),
            (
                changed(
                    ex3_6, ("1 - correct[answered].mean()", "100 * (~correct[answered]).mean()")
                ),
                "in percent",
            ),
            (changed(ex3_6, ("[:number]", "[: number + 1]")), "is right"),
            (changed(ex3_6, ("return 1", "1")), "`return` missing"),
        ],
        right=[
            "def risk_at_coverage(confidence, correct, coverage):\n"
            "    ranked = correct[np.argsort(confidence)[::-1]]\n"
            "    return np.mean(~ranked[: int(round(coverage * len(ranked)))])",
            "def risk_at_coverage(confidence, correct, coverage):\n"
            "    number = round(coverage * len(confidence))\n"
            "    threshold = sorted(confidence)[-number]\n"
            "    return 1 - correct[confidence >= threshold].mean()",
        ],
    ),
    "ex3_7": Planted(
        wrong=[
            (changed(ex3_7, ("digits >=", "digits >")), "equals the threshold"),
            (
                changed(ex3_7, ("np.sort(clothes)[-needed]", "np.quantile(clothes, 0.95)")),
                "only 5 % of the clothes",
            ),
            (
                "def fpr95(digits, clothes):\n"
                "    return (clothes >= np.quantile(digits, 0.95)).mean()",
                "choose the threshold on the digits",
            ),
            (
                "def fpr95(digits, clothes):\n"
                "    return (clothes >= np.quantile(digits, 0.05)).mean()",
                "swapped",
            ),
            (changed(ex3_7, ("digits >=", "digits <")), "*not* flagged"),
            (changed(ex3_7, ("np.sort(clothes)[-needed]", "0.95")), "share of clothes to flag"),
            (changed(ex3_7, ("np.sort(clothes)[-needed]", "clothes.min()")), "miss one in twenty"),
            (
                changed(ex3_7, ("(digits >= threshold)", "100 * (digits >= threshold)")),
                "in percent",
            ),
            (changed(ex3_7, (".mean()", "")), "a single number"),
            (changed(ex3_7, ("return (", "(")), "`return` missing"),
            ("fpr95 = 0.1", "not a function"),
        ],
        right=[
            "def fpr95(digits, clothes):\n    return (digits >= np.quantile(clothes, 0.05)).mean()",
            "def fpr95(digits, clothes):\n"
            "    for threshold in sorted(clothes, reverse=True):\n"
            "        if (clothes >= threshold).mean() >= 0.95:\n"
            "            return np.mean(digits >= threshold)",
            "def fpr95(digits, clothes):\n"
            "    return np.mean(digits >= np.percentile(clothes, 5, method='lower'))",
        ],
    ),
}
