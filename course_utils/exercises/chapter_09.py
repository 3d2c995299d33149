"""Exercises of chapter 9: temperatures, groups, and sets of answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import guard
from .exercise import NotYet
from .kinds import Choice, Function, Misconception, as_array

FIT = (
    "fit a temperature on validation images, and predict what it changes and what it cannot change"
)
GROUPS = "explain the grouping loss, and compute it where the groups are known"
SETS = "build prediction sets with a promised coverage, and measure whether the promise is kept"


# --- 9.1 ------------------------------------------------------------------------------------------
def _softmax(values: np.ndarray) -> np.ndarray:
    e = np.exp(values - values.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _losses(logits: np.ndarray, labels: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
    """The NLL at each temperature."""
    rows = np.arange(len(labels))
    return np.array([-np.log(_softmax(logits / one)[rows, labels]).mean() for one in temperatures])


def _best(logits: np.ndarray, labels: np.ndarray, candidates: np.ndarray) -> float:
    return float(candidates[np.argmin(_losses(logits, labels, candidates))])


def _logits_and_labels() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(9)
    given = []
    for num_images, sharpness, candidates in (
        (60, 3.0, (1.5, 0.25, 3.0, 6.0, 2.0, 0.8)),
        (40, 0.6, (1.2, 4.0, 0.5, 0.9, 0.4, 2.5)),
    ):
        logits = generator.normal(0, 1.5, (num_images, 4))
        labels = [generator.choice(4, p=row) for row in _softmax(logits)]
        given.append((sharpness * logits, np.array(labels), np.array(candidates)))
    return given


ex9_1 = Function(
    name="ex9_1",
    title="Fit a temperature",
    objective=FIT,
    minutes=7,
    task=(
        "Try every candidate, and return the one with the lowest NLL. `logits` is [images, "
        "classes], `labels` holds the true classes, and `candidates` is an array of temperatures "
        "in any order. The NLL is the mean of $-\\ln p_T(\\text{label} \\mid x)$. Use NumPy."
    ),
    stub='''def best_temperature(logits, labels, candidates):
    """The candidate with the lowest NLL on these images."""
    return ...''',
    passed="best_temperature",
    hints=(
        "Write the NLL for one temperature first. Which of the probabilities of an image counts?",
        "A loop over the candidates collects the NLLs. `p[np.arange(len(labels)), labels]` picks "
        "the probability of the true class of each image.",
        "With `e = np.exp(logits / T)`, the probabilities are `e / e.sum(axis=1, keepdims=True)`. "
        "`np.argmin` finds the place of the lowest NLL; the answer is the candidate there.",
    ),
    answer='''def best_temperature(logits, labels, candidates):
    """The candidate with the lowest NLL on these images."""
    losses = []
    for T in candidates:
        e = np.exp(logits / T)
        p = e / e.sum(axis=1, keepdims=True)
        losses.append(-np.log(p[np.arange(len(labels)), labels]).mean())
    return candidates[np.argmin(losses)]''',
    why=(
        "Trying out is all it takes for a single number. Run it on "
        '`validated["LeNet"].logits[:, 0]`, `data_val.labels` and `np.arange(0.5, 4, 0.1)`, and '
        "compare with the scaler below."
    ),
    reference=_best,
    inputs=_logits_and_labels,
    misconceptions=(
        Misconception(
            lambda z, y, T: float(T[np.argmin(_losses(z, y, 1 / T))]),
            "the logits are *divided* by the temperature. This multiplies them.",
        ),
        Misconception(
            lambda z, y, T: float(T[np.argmax(_losses(z, y, T))]),
            "this is the candidate with the *highest* NLL. Is the minus sign missing?",
        ),
        Misconception(
            lambda z, y, T: float(np.argmin(_losses(z, y, T))),
            "this is the place of the best candidate. Return the temperature that stands there.",
        ),
        Misconception(
            lambda z, y, T: float(_losses(z, y, T).min()),
            "this is the lowest NLL itself. Return the temperature that gives it.",
        ),
        Misconception(
            lambda z, y, T: float(T.min()),
            "this always picks the smallest candidate. The NLL takes the probability of the "
            "*label*, not the highest one: a wrong answer has to cost something.",
        ),
        Misconception(
            lambda z, y, T: float(T.max()),
            "this always picks the largest candidate. Are the probabilities normalised after "
            "dividing, so that each row adds up to 1?",
        ),
        Misconception(
            lambda z, y, T: float(T[0]),
            "this always picks the first candidate. The accuracy, for instance, is the same for "
            "all of them; compare the NLL.",
        ),
    ),
)


# --- 9.2 ------------------------------------------------------------------------------------------
ex9_2 = Choice(
    name="ex9_2",
    title="Three hopes",
    objective=FIT,
    minutes=3,
    task=(
        "A network is overconfident, and its mistakes hide among its most certain answers. A "
        "colleague fits a temperature on the validation digits and hopes for three things on the "
        "test digits: (1) fewer mistakes, (2) a lower NLL, (3) an order in which the mistakes come "
        "late, so that a threshold finds them. What can we expect?"
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


# --- 9.3 ------------------------------------------------------------------------------------------
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


ex9_3 = Function(
    name="ex9_3",
    title="Pool, then calibrate",
    objective=FIT,
    minutes=5,
    task=(
        "Write the second way. Your function gets the probabilities of the members [N, M, C] and "
        "one temperature. It averages over the members, divides the *logarithm* of the average by "
        "the temperature, and turns the result into probabilities [N, C] again."
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


# --- 9.4 ------------------------------------------------------------------------------------------
def _grouping(counts: np.ndarray, shares: np.ndarray) -> float:
    mean = (counts * shares).sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
    return float((counts * (shares - mean) ** 2).sum() / counts.sum())


def _tables() -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (np.array([[30, 10], [5, 20], [40, 60]]), np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.75]])),
        (np.array([[8, 12, 5], [100, 10, 30]]), np.array([[0.5, 0.75, 1.0], [0.9, 0.2, 0.6]])),
    ]


def _around_plain_mean(counts: np.ndarray, shares: np.ndarray) -> float:
    deviations = (shares - shares.mean(axis=1, keepdims=True)) ** 2
    return float((counts * deviations).sum() / counts.sum())


def _around_overall_mean(counts: np.ndarray, shares: np.ndarray) -> float:
    overall = (counts * shares).sum() / counts.sum()
    return float((counts * (shares - overall) ** 2).sum() / counts.sum())


def _around_group_mean(counts: np.ndarray, shares: np.ndarray) -> float:
    mean = (counts * shares).sum(axis=0) / counts.sum(axis=0)
    return float((counts * (shares - mean) ** 2).sum() / counts.sum())


def _bin_means(counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return (counts * shares).sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)


ex9_4 = Function(
    name="ex9_4",
    title="The grouping loss of a table",
    objective=GROUPS,
    minutes=6,
    task=(
        "Compute the middle part from a table like the one above. `num_images` and `share_right` "
        "are arrays [bins, groups]: how many images a group has in a bin of confidence, and which "
        "share of them is answered correctly. Take the group's share for $Q$ and the share of the "
        "whole bin for $C$, and average $(C - Q)^2$ over all images."
    ),
    stub='''def grouping_loss(num_images, share_right):
    """Mean of (C - Q)² over all images; both arrays are [bins, groups]."""
    return ...''',
    passed="grouping_loss",
    hints=(
        "How many answers of a bin are right, all groups together? And how many images has it?",
        "`(num_images * share_right).sum(axis=1, keepdims=True)` is the number of right answers "
        "of each bin. Dividing by its number of images gives C.",
        "The last step is a mean over images, so each (C - Q)² counts `num_images` times: "
        "multiply, sum up, and divide by the number of all images.",
    ),
    answer='''def grouping_loss(num_images, share_right):
    """Mean of (C - Q)² over all images; both arrays are [bins, groups]."""
    num_right = (num_images * share_right).sum(axis=1, keepdims=True)
    share_of_bin = num_right / num_images.sum(axis=1, keepdims=True)
    squares = (share_of_bin - share_right) ** 2
    return (num_images * squares).sum() / num_images.sum()''',
    why=(
        "The confidences themselves don't appear: no repair of them can make this smaller. With "
        "few images in a cell, chance alone moves the shares apart, and the result is too high."
    ),
    reference=_grouping,
    inputs=_tables,
    misconceptions=(
        Misconception(
            _around_plain_mean,
            "groups of unequal size don't count alike: the share of a whole bin is its right "
            "answers divided by its images, not the mean of the groups' shares.",
        ),
        Misconception(
            lambda n, q: float(((q - _bin_means(n, q)) ** 2).mean()),
            "this is a mean over the cells of the table. Average over *images*: a large cell "
            "counts more.",
        ),
        Misconception(
            _around_overall_mean,
            "this compares with the share of right answers in the whole table. Bins may differ: "
            "C is the share of the group's own bin.",
        ),
        Misconception(
            _around_group_mean,
            "this averages over the bins of a group. Bins are rows: sum over `axis=1` to put the "
            "groups of a bin together.",
        ),
        Misconception(
            lambda n, q: float((n * abs(q - _bin_means(n, q))).sum() / n.sum()),
            "this takes absolute differences. The Brier score's parts are squares.",
        ),
        Misconception(
            lambda n, q: float((n * (q - _bin_means(n, q))).sum() / n.sum()),
            "positive and negative differences cancel here. Square them first.",
        ),
        Misconception(
            lambda n, q: float((n * (q - _bin_means(n, q)) ** 2).sum()),
            "this is a sum over all images. Divide it by their number.",
        ),
        Misconception(
            lambda n, q: float(np.sqrt(_grouping(n, q))),
            "this is the square root. The grouping loss itself is the mean of the squares.",
        ),
    ),
)


# --- 9.5 ------------------------------------------------------------------------------------------
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
    value = guard.call(threshold_of, np.linspace(0.01, 0.9, 12), 0.05)
    if value is None:
        raise NotYet(
            "right where there are enough scores. With too few, `None` is no threshold: return "
            "`np.inf`, and the set holds all classes."
        )
    if not np.isposinf(as_array(value, ())):
        raise NotYet(
            "right where there are enough scores. With 12 scores and alpha 0.05 the rank is 13, "
            "and there is no thirteenth: the only honest threshold is then `np.inf`."
        )


ex9_5 = Function(
    name="ex9_5",
    title="The threshold of a conformal set",
    objective=SETS,
    minutes=6,
    task=(
        "Write step 3. Your function gets the scores of the true classes of n images, [n] in any "
        "order, and alpha. It returns the k-th smallest score with k = ⌈(n + 1)(1 - alpha)⌉, and "
        "`np.inf` if there are fewer than k scores."
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
            "this is one rank too far. Indices begin at 0, so the k-th smallest is at k - 1. "
            'With k / n, `np.quantile(…, method="higher")` is one rank off as well, because it '
            "counts ranks from 0 to n - 1.",
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


# --- 9.6 ------------------------------------------------------------------------------------------
def _covered(sets: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return sets[np.arange(len(labels)), labels]


def _by_class(sets: np.ndarray, labels: np.ndarray) -> np.ndarray:
    covered = _covered(sets, labels)
    return np.array([covered[labels == c].mean() for c in range(sets.shape[1])])


def _sets_and_labels() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(8)
    given = []
    for num_images, num_classes in ((40, 3), (70, 5)):
        labels = np.append(np.arange(num_classes), generator.integers(num_classes, size=num_images))
        sets = generator.random((len(labels), num_classes)) < 0.4
        sets[np.arange(len(labels)), labels] |= generator.random(len(labels)) < 0.6
        given.append((sets, labels))
    return given


ex9_6 = Function(
    name="ex9_6",
    title="Is the promise kept for every class?",
    objective=SETS,
    minutes=5,
    task=(
        "`sets` is an array [images, classes] of true and false, where true means that the class "
        "is in the set. Return an array with one number a class: of the images whose *true* class "
        "it is, the share whose set contains the truth. Every class has at least one image."
    ),
    stub='''def coverage_by_class(sets, labels):
    """Share of the images of each class whose set holds the truth, [classes]."""
    return ...''',
    passed="coverage_by_class",
    hints=(
        "First ask for each image: is its true class in its set?",
        "`sets[np.arange(len(labels)), labels]` picks one entry from each row.",
        "For class c, average that over the images with `labels == c`. `sets.shape[1]` is the "
        "number of classes.",
    ),
    answer='''def coverage_by_class(sets, labels):
    """Share of the images of each class whose set holds the truth, [classes]."""
    covered = sets[np.arange(len(labels)), labels]
    num_classes = sets.shape[1]
    shares = [covered[labels == c].mean() for c in range(num_classes)]
    return np.array(shares)''',
    why=(
        'Now you can see for whom the promise is kept. Try it on `sets["LeNet"]` and '
        "`data_test.labels`. If every class matters, give each one a threshold from its own images."
    ),
    reference=_by_class,
    inputs=_sets_and_labels,
    misconceptions=(
        Misconception(
            lambda sets, labels: sets.mean(axis=0),
            "this is how often a class is in *any* image's set. Count only the images whose true "
            "class it is.",
        ),
        Misconception(
            lambda sets, labels: np.bincount(labels, _covered(sets, labels)) / len(labels),
            "this divides by the number of all images. Divide by that of the class.",
        ),
        Misconception(
            lambda sets, labels: 1 - _by_class(sets, labels),
            "this is the share of sets that *miss* the truth.",
        ),
        Misconception(
            lambda sets, labels: np.bincount(labels, _covered(sets, labels)),
            "these are numbers of images. Divide each by the number of images of its class.",
        ),
        Misconception(
            lambda sets, labels: np.array(
                [sets[labels == c].sum(axis=1).mean() for c in range(sets.shape[1])]
            ),
            "this is the mean *size* of the sets. Ask whether the true class is among them.",
        ),
        Misconception(
            lambda sets, labels: 100 * _by_class(sets, labels),
            "this is in percent. Return shares from 0 to 1.",
        ),
    ),
)
