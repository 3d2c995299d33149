"""Exercises of chapter 9: temperatures, and sets of answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import guard
from .exercise import NotYet
from .kinds import Choice, Function, Misconception, as_array

# --- 9.1 ------------------------------------------------------------------------------------------
ex9_1 = Choice(
    name="ex9_1",
    title="Three hopes",
    objective=(
        "fit a temperature on validation images, and predict what it changes and what it cannot "
        "change"
    ),
    minutes=3,
    task=(
        "A network is overconfident, and its mistakes hide among its most certain answers. A "
        "colleague fits a temperature on the validation digits and hopes for three things on the "
        "test digits: (1) fewer mistakes, (2) a lower NLL, (3) an order in which the mistakes come "
        "late, so that a threshold finds them. What may be expected?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "What happens to the largest of ten logits if all ten are divided by the same number?",
        "The temperature was chosen for one of the three. Go back to the table of temperatures: "
        "which rows hardly move?",
        "Accuracy cannot change. The AURC tells how good the order is.",
    ),
    answer='choice = "c"',
    why=(
        "A temperature makes all answers humbler, or bolder, and nearly keeps their order. A "
        "threshold would refer nearly the same digits as before. Calibration and ranking are two "
        "qualities, and only the first is repaired."
    ),
    correct="c",
    options={
        "a": "All three",
        "b": "(1) and (2)",
        "c": "(2) only",
        "d": "(2) and (3)",
    },
    reasons={
        "a": "dividing by one number keeps the order of the ten logits. Can an answer change?",
        "b": "no answer changes: the largest logit stays the largest. So (1) must go.",
        "d": "all images get the same temperature. Where two of them have one serious rival each, "
        "none overtakes the other: the order, and with it AURC, hardly moves.",
    },
)


# --- 9.2 ------------------------------------------------------------------------------------------
def _softmax(values: np.ndarray) -> np.ndarray:
    e = np.exp(values - values.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _temper(members: np.ndarray, temperature: float) -> np.ndarray:
    return _softmax(np.log(members.mean(axis=1)) / temperature)


def _member_probabilities() -> list[tuple[np.ndarray, float]]:
    generator = np.random.default_rng(6)
    made = []
    for num_images, num_members, temperature in ((5, 3, 0.5), (4, 2, 2.5)):
        logits = generator.normal(0, 2, (num_images * num_members, 4))
        made.append((_softmax(logits).reshape(num_images, num_members, 4), temperature))
    return made


def _members_first(members: np.ndarray, temperature: float) -> np.ndarray:
    return _softmax((np.log(members) / temperature).reshape(-1, members.shape[-1])).reshape(
        members.shape
    )


ex9_2 = Function(
    name="ex9_2",
    title="Pool, then calibrate",
    objective=(
        "fit a temperature on validation images, and predict what it changes and what it cannot "
        "change"
    ),
    minutes=8,
    task=(
        "Write the second way of the section above. Your function gets the probabilities of the "
        "members [N, M, C] and one temperature. It averages over the members, divides the "
        "*logarithm* of the average by the temperature, and makes probabilities [N, C] of it again."
    ),
    stub='''def pool_then_calibrate(probabilities, temperature):
    """Probabilities [N, C] of an ensemble, pooled first."""
    return ...''',
    passed="pool_then_calibrate",
    hints=(
        "Three steps: average, divide a logarithm, normalise. Which axis does each of them use?",
        "exp(ln p / T) is the same as p ** (1 / T). The results must add up to 1 for each image.",
        "`powers = probabilities.mean(axis=1) ** (1 / temperature)`, then divide by "
        "`powers.sum(axis=1, keepdims=True)`.",
    ),
    answer='''def pool_then_calibrate(probabilities, temperature):
    """Probabilities [N, C] of an ensemble, pooled first."""
    powers = probabilities.mean(axis=1) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)''',
    why=(
        "Logarithms of probabilities serve as logits: softmax brings them back. The order of the "
        "classes is that of the average for every temperature, so no answer changes."
    ),
    reference=_temper,
    inputs=_member_probabilities,
    misconceptions=(
        Misconception(
            lambda p, t: _members_first(p, t).mean(axis=1),
            "this calibrates every member and pools afterwards: the first way. Average first.",
        ),
        Misconception(
            lambda p, t: _softmax(p.mean(axis=1) / t),
            "the softmax is applied to probabilities, so it is applied twice in all. Take their "
            "logarithm first.",
        ),
        Misconception(
            lambda p, t: p.mean(axis=1),
            "this is the average as it was. Dividing probabilities by T and normalising again "
            "undoes itself: it is the logarithm that is divided.",
        ),
        Misconception(
            lambda p, t: _temper(p, 1 / t),
            "this uses the temperature upside down: above 1 it must make the answers less certain.",
        ),
        Misconception(
            lambda p, t: p.mean(axis=1) ** (1 / t),
            "these do not add up to 1. Divide each row by its sum.",
        ),
        Misconception(
            lambda p, t: _softmax(np.log(p).mean(axis=1) / t),
            "this averages the logarithms, that is the logits. It gives other answers than the "
            "average of the probabilities: average first, take the logarithm then.",
        ),
    ),
)


# --- 9.3 ------------------------------------------------------------------------------------------
def _rank(num_scores: int, alpha: float, *, correction: int = 1) -> int:
    # rounded, or 0.9 of 10 would be a ninth and a bit to a computer
    return int(np.ceil(np.round((num_scores + correction) * (1 - alpha), 9)))


def _kth(scores: np.ndarray, rank: int) -> float:
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else np.inf


def _conformal(scores: np.ndarray, alpha: float) -> float:
    return _kth(scores, _rank(len(scores), alpha))


def _scores_and_alpha() -> list[tuple[np.ndarray, float]]:
    generator = np.random.default_rng(7)
    sizes = ((30, 0.2), (57, 0.1), (26, 0.15))
    return [(generator.uniform(size=n) ** 2, alpha) for n, alpha in sizes]


def _examine_the_ends(threshold_of: Callable[..., float]) -> None:
    # not among the inputs, where each misconception has an answer to everything
    scores = np.linspace(0.01, 0.9, 39)
    if not np.isclose(as_array(guard.call(threshold_of, scores, 0.1), ()), scores[35]):
        raise NotYet(
            "right where (n + 1)(1 - alpha) is rounded up. With 39 scores and alpha 0.1 it is "
            "exactly 36, a whole number, and k is 36."
        )
    scores = np.linspace(0.01, 0.9, 19)
    if not np.isclose(as_array(guard.call(threshold_of, scores, 0.05), ()), scores[18]):
        raise NotYet(
            "right for most sizes. With 19 scores and alpha 0.05 the rank is 19, and there is a "
            "nineteenth score: the largest."
        )
    value = as_array(guard.call(threshold_of, np.linspace(0.01, 0.9, 12), 0.05), ())
    if not np.isposinf(value):
        raise NotYet(
            "right where there are enough scores. With 12 scores and alpha 0.05 the rank is 13, "
            "and there is no thirteenth: the only honest threshold is then `np.inf`."
        )


ex9_3 = Function(
    name="ex9_3",
    title="The threshold of a conformal set",
    objective="build prediction sets with a promised coverage, and measure whether the promise is "
    "kept",
    minutes=7,
    task=(
        "Write step 3 of the recipe. Your function gets the scores of the true classes of n "
        "calibration images, [n] in any order, and alpha. It returns the k-th smallest score with "
        "k = ⌈(n + 1)(1 - alpha)⌉, and `np.inf` if there are fewer than k scores."
    ),
    stub='''def conformal_threshold(scores, alpha):
    """The k-th smallest score, or infinity."""
    return ...''',
    passed="conformal_threshold",
    hints=(
        "The new image counts as one more draw. That is what the + 1 is for.",
        "`np.ceil` gives a float; a list is counted from 0, ranks from 1.",
        "`k = int(np.ceil((len(scores) + 1) * (1 - alpha)))`. If `k > len(scores)` return "
        "`np.inf`, else `np.sort(scores)[k - 1]`.",
    ),
    answer='''def conformal_threshold(scores, alpha):
    """The k-th smallest score, or infinity."""
    k = int(np.ceil((len(scores) + 1) * (1 - alpha)))
    return np.sort(scores)[k - 1] if k <= len(scores) else np.inf''',
    why=(
        "With the correction, the promise holds for every n; without it, the coverage falls short "
        "by about one image's share. And where n is too small for the promise, the honest set is "
        "the one with all classes."
    ),
    reference=_conformal,
    inputs=_scores_and_alpha,
    examine=_examine_the_ends,
    misconceptions=(
        Misconception(
            lambda scores, alpha: _kth(scores, _rank(len(scores), alpha, correction=0)),
            "this is the plain quantile, k = ⌈n (1 - alpha)⌉. The new image is one more draw: "
            "without the + 1 the coverage falls below the promise.",
        ),
        Misconception(
            lambda scores, alpha: float(np.quantile(scores, 1 - alpha)),
            "this is NumPy's quantile, which knows nothing of the + 1, and puts a value between "
            "two scores. Take the k-th smallest score itself.",
        ),
        Misconception(
            lambda scores, alpha: _kth(scores, _rank(len(scores), alpha) + 1),
            "this is one rank too far. Indices begin at 0, so the k-th smallest is at k - 1.",
        ),
        Misconception(
            lambda scores, alpha: _kth(scores, _rank(len(scores), 1 - alpha)),
            "this is the other end: alpha of the true scores lie below it. All but alpha should.",
        ),
        Misconception(
            lambda scores, alpha: float(scores[_rank(len(scores), alpha) - 1]),
            "the scores come in any order. Sort them first.",
        ),
        Misconception(
            lambda scores, alpha: _kth(scores, _rank(len(scores), alpha) - 1),
            "this is one rank short: round k *up*, and mind that indices begin at 0.",
        ),
    ),
)
