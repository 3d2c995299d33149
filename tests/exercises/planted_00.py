"""Answers to the exercises of chapter 0."""

import numpy as np
from planted import Planted

ANSWERS = "def answers(probabilities):\n"
COST = "def mean_cost(threshold, uncertainty, correct):\n"


def _digits() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    uncertainty = generator.beta(0.3, 2, 400)
    return {"uncertainty": uncertainty, "correct": generator.random(400) > 0.5 * uncertainty}


def mean_cost(threshold: float, uncertainty: np.ndarray, correct: np.ndarray) -> float:
    referred = uncertainty > threshold
    return float(np.where(referred, 1, np.where(correct, 0, 10)).mean())


PLANTED = {
    "ex0_1": Planted(
        wrong=[
            (
                ANSWERS + "    votes = probabilities.argmax(axis=2)\n"
                "    return np.array([np.bincount(row).argmax() for row in votes])",
                "a vote",
            ),
            (ANSWERS + "    return probabilities.max(axis=1).argmax(axis=1)", "decides alone"),
            (ANSWERS + "    return probabilities.prod(axis=1).argmax(axis=1)", "multiplies"),
            (ANSWERS + "    return probabilities[:, 0].argmax(axis=1)", "first member"),
            (ANSWERS + "    return probabilities.mean(axis=1).argmin(axis=1)", "lowest mean"),
            (ANSWERS + "    return probabilities.mean(axis=0).argmax(axis=1)", "the shape is"),
            (ANSWERS + "    return probabilities.mean(axis=1)", "`[4, 3]`"),
            (ANSWERS + "    return probabilities.mean(axis=1).argmax(axis=1) * 1.0", "decimals"),
            (ANSWERS + "    probabilities.mean(axis=1).argmax(axis=1)", "`None`"),
        ],
        right=[
            ANSWERS + "    return np.argmax(probabilities.sum(axis=1), axis=-1)",
            ANSWERS + "    return [int(np.argmax(np.mean(one, axis=0))) for one in probabilities]",
            ANSWERS + "    return np.einsum('nmc->nc', probabilities).argmax(1)",
        ],
    ),
    "ex0_2": Planted(
        wrong=[
            (
                COST + "    return 10 * (~correct).mean() + (uncertainty > threshold).mean()",
                "every mistake",
            ),
            (
                COST + "    answered = uncertainty <= threshold\n"
                "    return 10 * (~correct)[answered].mean() + (~answered).mean()",
                "number of *answers*",
            ),
            (
                COST + "    answered = uncertainty < threshold\n"
                "    return 10 * (answered & ~correct).mean() + (~answered).mean()",
                "exactly at the threshold",
            ),
            (
                COST + "    answered = uncertainty <= threshold\n"
                "    return 10 * (answered & ~correct).sum() + (~answered).sum()",
                "all digits together",
            ),
            (
                COST + "    answered = uncertainty >= threshold\n"
                "    return 10 * (answered & ~correct).mean() + (~answered).mean()",
                "direction is reversed",
            ),
            (
                COST + "    answered = uncertainty <= threshold\n"
                "    return 10 * (answered & correct).mean() + (~answered).mean()",
                "right answers cost 10",
            ),
            (
                COST + "    return 10 * ((uncertainty <= threshold) & ~correct).mean()",
                "works for nothing",
            ),
            (COST + "    return np.where(uncertainty > threshold, 1, 10 * ~correct)", "shape is"),
            (COST + "    print(10)", "`None`"),
        ],
        right=[
            COST + "    referred = uncertainty > threshold\n"
            "    return np.where(referred, 1, np.where(correct, 0, 10)).mean()",
            COST + "    total = 0\n"
            "    for doubt, right in zip(uncertainty, correct):\n"
            "        if doubt > threshold:\n"
            "            total += 1\n"
            "        elif not right:\n"
            "            total += 10\n"
            "    return total / len(correct)",
            COST + "    wrong = (uncertainty <= threshold) * (1 - correct)\n"
            "    return np.mean(10 * wrong + (uncertainty > threshold))",
        ],
    ),
    "ex0_3": Planted(
        wrong=[
            (
                "threshold = min(mean_cost(one, uncertainty, correct) for one in uncertainty)",
                "lowest *cost*",
            ),
            (
                "candidates = np.unique(uncertainty)\n"
                "costs = [mean_cost(one, uncertainty, correct) for one in candidates]\n"
                "threshold = np.argmin(costs)",
                "*place*",
            ),
            ("threshold = uncertainty.max()", "too high"),
            ("threshold = 0", "too low"),
            ("threshold = None", "`None`"),
            ("threshold = float('nan')", "NaN"),
            ("threshold = np.sort(uncertainty)", "the shape is"),
            ("threshold = 'low'", "`str`"),
        ],
        right=[
            "threshold = min(uncertainty, key=lambda one: mean_cost(one, uncertainty, correct))",
            "best = np.inf\n"
            "for candidate in sorted(uncertainty):\n"
            "    cost = mean_cost(candidate, uncertainty, correct)\n"
            "    if cost < best:\n"
            "        best, threshold = cost, candidate",
            "costs = [mean_cost(one, uncertainty, correct) for one in uncertainty]\n"
            "threshold = uncertainty[np.argmin(costs)] + 1e-12",
        ],
        given={"mean_cost": mean_cost, **_digits()},
    ),
}
